/**
 * Looking through all that old runs left, for retention. In small steps, so that a runtime at work can go on meanwhile;
 * what is taken away by others while it is looked at is simply not there.
 */
import * as path from 'node:path'
import { isSafeId } from '../core/ids.ts'
import { ITEM_KINDS, type ItemKind } from '../core/item.ts'
import type { PartFact, PlanFact, Reason, RunFact } from '../core/retention.ts'
import { maybe, record, text } from '../core/shape.ts'
import type { View } from '../core/view.ts'
import { type Files, readText } from './files.ts'
import { AT, type Places, SCRATCH } from './layout.ts'
import { logParts } from './log-parts.ts'
import { foreignNames } from './run-files.ts'

/** Steps of work after each of which others may get a turn; gives what was found in the end. */
export type Steps<T> = Generator<void, T>

export interface Ground {
  files: Files
  places: Places
  /** Of a moment ago; what it says of runs and items is looked at again before anything is taken away. */
  view: View
}

interface Size {
  bytes: number
  /** Newest change of any file in it, in milliseconds since the epoch. */
  changedMs: number
}

/** Of everything below a path, links not followed; null if nothing is there. */
function* sizeOf(files: Files, file: string): Steps<Size | null> {
  const stat = files.stat(file)
  if (stat === null) return null
  if (stat.kind !== 'directory') return { bytes: stat.bytes, changedMs: stat.mtimeMs }
  let [bytes, changedMs] = [0, 0]
  for (const name of files.list(file) ?? []) {
    const inner = yield* sizeOf(files, path.join(file, name))
    bytes += inner?.bytes ?? 0
    changedMs = Math.max(changedMs, inner?.changedMs ?? 0)
  }
  yield
  return { bytes, changedMs: changedMs === 0 ? stat.mtimeMs : changedMs }
}

/** What the records of a run say it was about, as far as retention asks. */
export interface RunScan extends Pick<RunFact, 'run_id' | 'bytes' | 'changedMs' | 'plans' | 'unanswered' | 'foreign'> {
  item: { kind: ItemKind; id: string } | null
  /** Root spec, of a run that judged one. */
  closureRoot: string | null
}

export function* scanRuns({ files, places }: Pick<Ground, 'files' | 'places'>): Steps<RunScan[]> {
  const scans: RunScan[] = []
  for (const runId of (files.list(places.at(AT.runs)) ?? []).filter(isSafeId)) {
    try {
      const scan = yield* scanRun({ files, places }, runId)
      if (scan !== null) scans.push(scan)
    } catch (error) {
      if (!REFUSED.has(String((error as NodeJS.ErrnoException).code))) throw error
      const nothing = { bytes: 0, changedMs: 0, plans: [], unanswered: [], foreign: [], item: null, closureRoot: null }
      scans.push({ run_id: runId, ...nothing })
    }
  }
  return scans
}

/** What one file or folder refuses, not the disk. */
const REFUSED = new Set(['EACCES', 'EPERM'])

/** Null if it is no folder, or there is none. */
export function* scanRun({ files, places }: Pick<Ground, 'files' | 'places'>, runId: string): Steps<RunScan | null> {
  const folder = path.join(places.at(AT.runs), runId)
  if (files.stat(folder)?.kind !== 'directory') return null
  const size = yield* sizeOf(files, folder)
  if (size === null) return null
  const ids = (name: string) =>
    (files.list(path.join(folder, name)) ?? []).filter((one) => one.endsWith('.json')).map((one) => one.slice(0, -5))
  const [requests, results] = [ids('stage_requests').sort(), ids('stage_results').sort()]
  const snapshot = recordIn(files, path.join(folder, 'resolved_snapshot.json'))
  // All of them name the same plan; each is asked only where the snapshot of the run does not tell.
  const asked = snapshot?.compiled_plan_id ? requests.slice(0, 1) : requests
  const told = [
    ...asked.map((id) => recordIn(files, path.join(folder, 'stage_requests', `${id}.json`))),
    ...(requests.length > 0
      ? []
      : results.map((id) => recordIn(files, path.join(folder, 'stage_results', `${id}.json`)))),
  ]
  yield
  const [about] = told.filter((one) => one !== null)
  const kind = about?.active_work_item_kind ?? about?.work_item_kind ?? null
  const id = about?.active_work_item_id ?? about?.work_item_id ?? null
  const closureRoot = about?.closure_target_root_spec_id ?? null
  const isItem = closureRoot === null && id !== null && (ITEM_KINDS as readonly (string | null)[]).includes(kind)
  return {
    run_id: runId,
    ...size,
    plans: [
      ...new Set([snapshot, ...told].flatMap((one) => one?.compiled_plan_id ?? one?.metadata?.compiled_plan_id ?? [])),
    ],
    unanswered: requests.filter((request) => !results.includes(request)),
    foreign: foreignNames(files, folder, files.list(folder) ?? []),
    item: isItem ? { kind: kind as ItemKind, id: id! } : null,
    closureRoot,
  }
}

/** Whether nobody has put a file into the folder of a run, or written to one that lies there, since it was looked at. */
export function isAsScanned({ files, places }: Pick<Ground, 'files' | 'places'>, scan: RunScan): boolean {
  const folder = path.join(places.at(AT.runs), scan.run_id)
  const names = files.list(folder)
  if (names === null || foreignNames(files, folder, names).length > scan.foreign.length) return false
  return names.every((name) => {
    const stat = files.stat(path.join(folder, name))
    return stat === null || stat.kind === 'directory' || stat.mtimeMs <= scan.changedMs
  })
}

const isAbout = record({
  compiled_plan_id: maybe(text),
  active_work_item_kind: maybe(text),
  active_work_item_id: maybe(text),
  work_item_kind: maybe(text),
  work_item_id: maybe(text),
  closure_target_root_spec_id: maybe(text),
  metadata: maybe(record({ compiled_plan_id: maybe(text) })),
})

function recordIn(files: Files, file: string) {
  try {
    const value: unknown = JSON.parse(readText(files, file) ?? 'null')
    return isAbout(value) ? value : null
  } catch {
    return null
  }
}

// ---- what runs are still needed for ----------------------------------------------------------------------------------

/** What stands in the workspace, as far as it holds runs. */
export interface Standing {
  factOf(scan: RunScan): RunFact
}

const UNFINISHED = ['queued', 'active', 'blocked', 'quarantined'] as const

/** `named`: runs that documents of open work name. */
export function standingOf(view: View, named: ReadonlySet<string>): Standing {
  const { snapshot, targets, items } = view
  const active = new Set(snapshot.active_runs.map((run) => run.run_id))
  const shown = new Set(Object.values(snapshot.last_results_by_plane).map((result) => result.run_id))
  const names = new Map<string, Set<string>>()
  const isIn = (kind: ItemKind, state: 'done' | (typeof UNFINISHED)[number], id: string) => {
    const key = `${kind}/${state}`
    const known = names.get(key) ?? new Set(items.names(kind, state))
    names.set(key, known)
    return known.has(id)
  }
  const open = new Set(targets.filter((target) => target.closure_open).map((target) => target.root_spec_id))
  const judges = new Set(targets.flatMap((one) => (one.closure_open ? (one.last_arbiter_run_id ?? []) : [])))
  const workOf = ({ item, closureRoot }: RunScan): RunFact['work'] => {
    if (closureRoot !== null) return targets.some((one) => one.root_spec_id === closureRoot) ? 'done' : 'gone'
    if (item === null) return 'unknown'
    if (UNFINISHED.some((state) => isIn(item.kind, state, item.id))) return 'unfinished'
    return isIn(item.kind, 'done', item.id) ? 'done' : 'gone'
  }
  const isEvidence = ({ run_id, item, closureRoot }: RunScan) =>
    judges.has(run_id) ||
    (closureRoot !== null && open.has(closureRoot)) ||
    (open.size > 0 && item !== null && items.find(item.kind, item.id).some((one) => open.has(one.effectiveRoot ?? '')))
  return {
    factOf: (scan) => ({
      run_id: scan.run_id,
      bytes: scan.bytes,
      changedMs: scan.changedMs,
      plans: scan.plans,
      unanswered: scan.unanswered,
      foreign: scan.foreign,
      isActive: active.has(scan.run_id),
      work: workOf(scan),
      isEvidence: isEvidence(scan),
      isNamedByWork: named.has(scan.run_id),
      isInStatus: shown.has(scan.run_id),
    }),
  }
}

/** Whether an item belongs to an open root spec stands in its document, so that many may have to be read. */
export function* factsOf(scans: readonly RunScan[], view: View, named: ReadonlySet<string>): Steps<RunFact[]> {
  const standing = standingOf(view, named)
  const facts: RunFact[] = []
  for (const scan of scans) {
    facts.push(standing.factOf(scan))
    yield
  }
  return facts
}

/** Runs, of those given, that documents of open work name, and what the judge of an open root spec wrote. */
export function* namedByWork({ view }: Pick<Ground, 'view'>, runIds: ReadonlySet<string>): Steps<Set<string>> {
  const named = new Set<string>()
  const look = (words: string | null) => {
    for (const [word] of (words ?? '').matchAll(WORD)) if (runIds.has(word)) named.add(word)
  }
  for (const kind of ITEM_KINDS) {
    for (const state of UNFINISHED) {
      for (const id of view.items.names(kind, state)) {
        look(view.read(kind, id, state)?.text ?? null)
        yield
      }
    }
  }
  for (const target of view.targets.filter((one) => one.closure_open)) {
    for (const file of [target.latest_verdict_path, target.latest_report_path]) look(file && view.readFile(file))
    yield
  }
  return named
}

/** Whatever can be an id, without a full stop at its end. */
const WORD = /[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?/g

// ---- the rest --------------------------------------------------------------------------------------------------------

export function* scanPlans({ files, places, view }: Ground): Steps<PlanFact[]> {
  const plans: PlanFact[] = []
  const inForce = [view.snapshot.compiled_plan_id, view.plan?.compiled_plan_id]
  for (const plan_id of (files.list(places.at(AT.plans)) ?? []).filter(isSafeId)) {
    const folder = path.join(places.at(AT.plans), plan_id)
    if (files.stat(path.join(folder, 'plan.json')) === null) continue
    const size = yield* sizeOf(files, folder)
    if (size !== null) plans.push({ plan_id, bytes: size.bytes, isInForce: inForce.includes(plan_id) })
  }
  return plans
}

/** Parts of logs that were put aside; those of the usage ledger stay, what was used is summed from them. */
export function scanLogs({ files, places }: Pick<Ground, 'files' | 'places'>): {
  logs: PartFact[]
  liveLogBytes: number
} {
  const events = logParts(files, places, AT.events).map(({ file }) => path.relative(places.runtime, file))
  const daemon = (files.list(places.at(AT.logs)) ?? []).filter((name) => DAEMON_PART.test(name))
  const parts = [...events.filter((file) => file !== AT.events), ...daemon.map((name) => `${AT.logs}/${name}`)]
  const bytes = (file: string) => files.stat(places.at(file))?.bytes ?? 0
  return {
    logs: parts.flatMap((file) => partOf(files, places, file) ?? []),
    liveLogBytes: bytes(AT.events) + bytes(AT.daemonLog),
  }
}

const DAEMON_PART = /^daemon\.\d{8}T\d{6}Z\.log$/

function partOf(files: Files, places: Places, file: string, holds: Reason | null = null): PartFact | null {
  const stat = files.stat(places.at(file))
  return stat?.kind === 'file' ? { path: file, changedMs: stat.mtimeMs, bytes: stat.bytes, holds } : null
}

/** Archived commands. One whose name waits in the mailbox once more is what keeps it from being carried out twice. */
export function* scanCommands({ files, places }: Pick<Ground, 'files' | 'places'>): Steps<PartFact[]> {
  const waiting = new Set(files.list(places.at(AT.incoming)) ?? [])
  const found: PartFact[] = []
  for (const folder of [AT.processed, AT.failed]) {
    for (const name of files.list(places.at(folder)) ?? []) {
      if (!COMMAND.test(name)) continue
      found.push(...[partOf(files, places, `${folder}/${name}`, waiting.has(name) ? 'waiting' : null) ?? []].flat())
      yield
    }
  }
  return found
}

const COMMAND = /^[A-Za-z0-9][A-Za-z0-9._-]*\.json$/

/** Folders of our own that a killed process left. `isInUse`: told of one, whether a living process may be using it. */
export function* scanScratch(
  { files, places }: Pick<Ground, 'files' | 'places'>,
  isInUse: (folder: string) => boolean,
): Steps<PartFact[]> {
  const found: PartFact[] = []
  for (const name of (files.list(places.at('state')) ?? []).filter((one) => SCRATCH.test(one))) {
    const size = yield* sizeOf(files, places.at(`state/${name}`))
    const holds = isInUse(places.at(`state/${name}`)) ? 'in_use' : null
    if (size !== null) found.push({ path: `state/${name}`, ...size, holds })
  }
  return found
}
