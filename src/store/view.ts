/** The state on disk, and the view of it that decisions are taken on. Files are read as they are: see consistent.ts. */
import type { Clock } from '../core/clock.ts'
import { MillraceError } from '../core/errors.ts'
import { parseJson } from '../core/json.ts'
import { Plan } from '../core/plan.ts'
import { newQueueOrder, type QueueOrder } from '../core/queue-order.ts'
import { type ClosureTarget, type Counters, newCounters, newSnapshot, type Snapshot } from '../core/state.ts'
import type { View } from '../core/view.ts'
import { type Files, hashBytes, readText, utf8 } from './files.ts'
import type { ItemIndex } from './items.ts'
import { AT, itemFile, type Places, planFolder } from './layout.ts'
import { look } from './look.ts'
import { upgradeState } from './state-format.ts'

export interface State {
  snapshot: Snapshot
  counters: Counters
  targets: ClosureTarget[]
  order: QueueOrder
  /** Read when first asked for: it is large, and much is done without it. */
  plan: () => Plan | null
}

/** Throws `state_corrupt` and `state_newer`. */
export function readState(files: Files, places: Places): State {
  const now = new Date(0).toISOString()
  const snapshot = upgradeState<Snapshot>('runtime_snapshot', readJson(files, places, AT.snapshot)) ?? newSnapshot(now)
  const counters = upgradeState<Counters>('recovery_counters', readJson(files, places, AT.counters)) ?? newCounters()
  const targets = (files.list(places.at(AT.targets)) ?? [])
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .flatMap(
      (name) =>
        upgradeState<ClosureTarget>('closure_target_state', readJson(files, places, `${AT.targets}/${name}`)) ?? [],
    )
  const order = upgradeState<QueueOrder>('queue_order', readJson(files, places, AT.order)) ?? newQueueOrder(now)
  return { snapshot, counters, targets, order, plan: once(() => readPlan(files, places, AT.plan)) }
}

/** Revision of the snapshot on disk; null if there is none or it cannot be read. */
export function snapshotRevision(files: Files, places: Places): number | null {
  try {
    const text = readText(files, places.at(AT.snapshot))
    const revision = text === null ? null : (JSON.parse(text) as { revision?: unknown }).revision
    return typeof revision === 'number' ? revision : null
  } catch {
    return null
  }
}

/** `plans`: plans of runs that were read already, by id. */
export function viewOf(
  state: State,
  files: Files,
  places: Places,
  index: ItemIndex,
  clock: Clock,
  plans = new Map<string, Plan | null>(),
): View {
  return {
    now: clock.now().toISOString(),
    snapshot: state.snapshot,
    counters: state.counters,
    targets: state.targets,
    order: state.order,
    get plan() {
      return state.plan()
    },
    items: index,
    planOf(planId) {
      const plan = state.plan()
      if (plan?.compiled_plan_id === planId) return plan
      if (!plans.has(planId)) plans.set(planId, readPlan(files, places, `${planFolder(planId)}/plan.json`))
      return plans.get(planId) ?? null
    },
    read(kind, id, itemState) {
      const at = places.at(itemFile(kind, id, itemState))
      if (files.stat(at)?.kind !== 'file') return null
      const bytes = files.read(at)
      if (bytes === null) return null
      try {
        return { text: utf8.decode(bytes), hash: hashBytes(bytes) }
      } catch {
        return null
      }
    },
    readFile(file) {
      try {
        const at = `${places.root}/${file}`
        return files.stat(at)?.kind === 'file' ? readText(files, at) : null
      } catch {
        return null
      }
    },
    hashOf(file) {
      const found = look(files, `${places.root}/${file}`)
      return found === null || found === 'other' ? null : found.hash
    },
  }
}

function readJson(files: Files, places: Places, file: string): unknown {
  try {
    const text = readText(files, places.at(file))
    if (text === null) return null
    const value: unknown = parseJson(text)
    if (value === null) throw new SyntaxError('it holds null')
    return value
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error
    throw new MillraceError(
      'state_corrupt',
      `millrace-agents/${file} is not valid JSON: ${(error as Error).message}.`,
      {
        hint: 'restore the file from a backup, or move it away and run `millrace control clear-stale-state`',
      },
    )
  }
}

function once<T>(read: () => T): () => T {
  let known: { value: T } | null = null
  return () => {
    known ??= { value: read() }
    return known.value
  }
}

/** A plan that cannot be read counts as absent: it is compiled anew (spec 01 §4.4). */
function readPlan(files: Files, places: Places, file: string): Plan | null {
  try {
    const text = readText(files, places.at(file))
    return text === null ? null : (Plan.safeParse(JSON.parse(text)).data ?? null)
  } catch {
    return null
  }
}
