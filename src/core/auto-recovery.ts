/**
 * Auto-recovery: whether and when the runtime puts a blocked task back into its queue by itself. It does so only for one
 * that queued work waits for, where what blocked it may pass, a bounded number of times, and each time only after a
 * while (spec 02 §7.4). Pure: the same view and the same records give the same answer, whoever asks and however often.
 */
import type { AutoRecoveryConfig } from './auto-recovery-config.ts'
import type { ReadBlock } from './block.ts'
import type { ItemEntry, ItemKind } from './item.ts'
import { objectInLine } from './json-line.ts'
import { parseTimestamp } from './timestamp.ts'
import type { View } from './view.ts'

/** What is on record of a blocked item. */
export interface BlockRecord {
  /** Null where there is none that can be relied on. */
  block: ReadBlock | null
  /** How often the runtime has put the item back by itself so far. */
  attempts: number
}

export interface BlockedDependency {
  item: ItemEntry
  /** Queued items that wait for it, directly. */
  dependents: readonly ItemEntry[]
}

/** Why a blocked dependency is not put back now. */
export type SkipReason =
  | 'root_spec_mismatch'
  | 'missing_or_invalid_metadata'
  | 'blocked_dependency_not_retryable'
  | 'switched_off'
  | 'retry_budget_exhausted'
  | 'cooldown_active'

export interface Prospect extends BlockedDependency {
  block: ReadBlock | null
  /** Number of the attempt it is about, from 1. */
  attempt: number
  attemptsMax: number
  /** Null: it may be put back now. */
  skip: SkipReason | null
  /** When it may be put back, in milliseconds since the epoch; null if that will not be by itself. */
  dueMs: number | null
}

/** Only tasks wait for one another. */
export const RECOVERED_KIND: ItemKind = 'task'

export const isSwitchedOn = (policy: AutoRecoveryConfig): boolean =>
  policy.enabled && policy.blocked_dependency_retry_enabled

/**
 * Blocked items that queued ones wait for, in the order they are put back: work that the open closure target waits for
 * first, of the rest what belongs to the same root spec as those that wait for it; then by id.
 */
export function blockedDependencies(view: View): BlockedDependency[] {
  const { items, targets } = view
  if (items.count(RECOVERED_KIND, 'blocked') === 0 || items.count(RECOVERED_KIND, 'queued') === 0) return []
  // What cannot be read may lie where it would go.
  const isTaken = ({ kind, id }: ItemEntry) =>
    items.invalid().some((one) => one.kind === kind && one.state === 'queued' && one.file === `${id}.md`)
  const isAlone = (item: ItemEntry) =>
    items.find(item.kind, item.id).filter(({ state }) => state !== 'cancelled').length === 1 && !isTaken(item)
  const blocked = new Map(items.inState(RECOVERED_KIND, 'blocked').map((item) => [item.id, item]))
  const dependents = new Map<string, ItemEntry[]>()
  for (const item of items.queued(RECOVERED_KIND))
    for (const id of new Set(item.dependsOn))
      if (blocked.has(id) && isAlone(blocked.get(id)!)) dependents.set(id, [...(dependents.get(id) ?? []), item])
  const isAwaited = ({ effectiveRoot }: ItemEntry) =>
    targets.some(({ closure_open, root_spec_id }) => closure_open && root_spec_id === effectiveRoot)
  const rank = (one: BlockedDependency) => (!isOfSameRoot(one) ? 2 : isAwaited(one.item) ? 0 : 1)
  return [...dependents]
    .map(([id, waiting]) => ({ item: blocked.get(id)!, dependents: waiting }))
    .sort((a, b) => rank(a) - rank(b) || (a.item.id < b.item.id ? -1 : 1))
}

/** Whether one of those that wait belongs to the same root spec, as far as both name one. */
const isOfSameRoot = ({ item, dependents }: BlockedDependency): boolean =>
  item.effectiveRoot === null ||
  dependents.some(({ effectiveRoot }) => effectiveRoot === null || effectiveRoot === item.effectiveRoot)

/** What becomes of one. `now`: ISO time. */
export function prospectOf(
  dependency: BlockedDependency,
  { block, attempts }: BlockRecord,
  policy: AutoRecoveryConfig,
  now: string,
): Prospect {
  const { cooldown_seconds: cooldowns, max_auto_requeues_per_work_item: attemptsMax } = policy
  const told = { ...dependency, block, attempt: attempts + 1, attemptsMax, dueMs: null }
  if (!isOfSameRoot(dependency)) return { ...told, skip: 'root_spec_mismatch' }
  const blockedAt = block === null ? null : parseTimestamp(block.blocked_at)
  if (block === null || blockedAt === null) return { ...told, skip: 'missing_or_invalid_metadata' }
  if (!block.auto_requeue_candidate) return { ...told, skip: 'blocked_dependency_not_retryable' }
  if (!isSwitchedOn(policy)) return { ...told, skip: 'switched_off' }
  if (attempts >= attemptsMax) return { ...told, skip: 'retry_budget_exhausted' }
  const dueMs = blockedAt.ms + cooldowns[Math.min(attempts, cooldowns.length - 1)]! * 1000
  return { ...told, dueMs, skip: Date.parse(now) < dueMs ? 'cooldown_active' : null }
}

/** All there are, in the order they are put back. */
export const prospects = (
  view: View,
  policy: AutoRecoveryConfig,
  recordOf: (item: ItemEntry) => BlockRecord,
): Prospect[] =>
  blockedDependencies(view).map((dependency) => prospectOf(dependency, recordOf(dependency.item), policy, view.now))

/** Ids of the blocked tasks that the runtime puts back by itself, now or later; nobody need see to them. */
export function returning(
  view: View,
  policy: AutoRecoveryConfig,
  recordOf: (item: ItemEntry) => BlockRecord,
): ReadonlySet<string> {
  const found = isSwitchedOn(policy) ? prospects(view, policy, recordOf) : []
  return new Set(found.flatMap(({ item, dueMs }) => (dueMs === null ? [] : [item.id])))
}

/** How often the runtime itself has put an item back, by the audit log of its ways into the queue (spec 01 §4.16.1). */
export const autoAttempts = (requeueLog: string | null): number =>
  (requeueLog ?? '').split('\n').filter((line) => objectInLine(line)?.auto === true).length

/** The event that tells once why one is not put back; what it told last is kept among the announced facts. */
export const SKIPPED = 'blocked_dependency_auto_requeue_skipped'

const UNTIL = ' until '

/** What a skip is told by: again once its reason, or the time it waits for, has changed. */
export const skipDigest = ({ skip, dueMs }: Pick<Prospect, 'skip' | 'dueMs'>): string =>
  dueMs === null ? String(skip) : `${skip}${UNTIL}${new Date(dueMs).toISOString()}`

/** When the next one is put back, as the runtime has announced it; ISO time, null if none is announced that is to come. */
export function announcedRecovery(announced: Readonly<Record<string, string>>, now: string): string | null {
  const times = Object.entries(announced)
    .filter(([name, digest]) => name.startsWith(`${SKIPPED}:`) && digest.includes(UNTIL))
    .map(([, digest]) => digest.slice(digest.indexOf(UNTIL) + UNTIL.length))
  return times.filter((until) => until > now).sort()[0] ?? null
}
