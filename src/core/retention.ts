/**
 * Retention: of all that runs left, what goes and what stays, each with its reason. Pure: facts and limits in, verdicts
 * out. A limit only ever asks for something to go; what is still needed stays whatever the limits say.
 */
import type { RetentionLimits } from './retention-config.ts'

export const KINDS = ['run', 'plan', 'log', 'command', 'scratch', 'ref'] as const
/** `command`: archived in the mailbox. `log`: a part put aside. `ref`: a kept working tree. */
export type Kind = (typeof KINDS)[number]

export const REASONS = {
  older_than: 'older than its limit',
  beyond_count: 'beyond the number to be kept',
  beyond_size: 'beyond the size to be kept',
  unnamed: 'no run that is kept names it',
  within_limits: 'within the limits',
  newest: 'among the newest, which always stay',
  unfinished_run: 'the run is not finished',
  unfinished_item: 'its work item is not finished',
  open_closure: 'a root spec that is still to be judged needs it as evidence',
  named_by_work: 'a document of open work names it',
  in_status: 'status shows its last result',
  open_rescue: 'its working tree was kept, and nobody has taken it back',
  has_foreign_files: 'it holds files that are not ours',
  unreadable: 'what it belongs to cannot be read',
  in_force: 'the plan is in force',
  named_by_run: 'a run that is kept names it',
  of_another_workspace: 'it belongs to another workspace',
  waiting: 'a command of that name waits in the mailbox',
  in_use: 'a living process may be using it',
} as const
export type Reason = keyof typeof REASONS

export interface RunFact {
  run_id: string
  /** Newest change of what the run left, in milliseconds since the epoch. */
  changedMs: number
  bytes: number
  /** Plans its records name. */
  plans: readonly string[]
  isActive: boolean
  /** Of its work item or closure target; `gone`: dropped, or nowhere to be found; `unknown`: its records do not tell. */
  work: 'unfinished' | 'done' | 'gone' | 'unknown'
  /** Belongs to a root spec that is still to be judged. */
  isEvidence: boolean
  isNamedByWork: boolean
  isInStatus: boolean
  /** Stage runs that left no result. */
  unanswered: readonly string[]
  /** Names in its folder that neither the runtime nor the run gave. */
  foreign: readonly string[]
}

/** A file or folder that goes by its age; `holds`: why it stays all the same. */
export interface PartFact {
  /** Relative to the runtime root. */
  path: string
  changedMs: number
  bytes: number
  holds: Reason | null
}

export interface PlanFact {
  plan_id: string
  bytes: number
  isInForce: boolean
}

export interface RefFact {
  ref: string
  commit: string
  keptMs: number
  run_id: string | null
  request_id: string | null
  isOfThisWorkspace: boolean
  /** A restore from it is on record. */
  isGivenBack: boolean
}

export interface Facts {
  nowMs: number
  runs: readonly RunFact[]
  plans: readonly PlanFact[]
  /** Plans that active runs are bound to, whether or not they have a folder yet. */
  activePlans: readonly string[]
  /** Parts put aside. */
  logs: readonly PartFact[]
  /** Bytes of the live logs, which never go. */
  liveLogBytes: number
  commands: readonly PartFact[]
  scratch: readonly PartFact[]
  refs: readonly RefFact[]
}

export interface Verdict {
  kind: Kind
  /** Run id, plan id, ref, or path relative to the runtime root. */
  name: string
  bytes: number
  goes: boolean
  reason: Reason
}

const DAY_MS = 86_400_000
const MIB = 1024 * 1024

export function decide(facts: Facts, limits: RetentionLimits): Verdict[] {
  const runs = runVerdicts(facts, limits)
  const isKept = new Set(runs.filter(({ goes }) => !goes).map(({ name }) => name))
  return [
    ...runs,
    ...planVerdicts(facts, limits, isKept),
    ...partVerdicts('log', facts, limits.logs_days, limits.logs_mib_max),
    ...partVerdicts('command', facts, limits.mailbox_days),
    ...partVerdicts('scratch', facts, limits.scratch_days),
    ...refVerdicts(facts, limits),
  ]
}

/** Why a run stays whatever its age; null if nothing needs it. `openRescues`: runs with a tree nobody has taken back. */
export function holdOf(run: RunFact, openRescues: ReadonlySet<string>): Reason | null {
  if (run.isActive) return 'unfinished_run'
  if (run.work === 'unfinished') return 'unfinished_item'
  if (run.isEvidence) return 'open_closure'
  if (run.isNamedByWork) return 'named_by_work'
  if (run.isInStatus) return 'in_status'
  if (openRescues.has(run.run_id)) return 'open_rescue'
  if (run.work === 'unknown') return 'unreadable'
  return run.foreign.length > 0 ? 'has_foreign_files' : null
}

function runVerdicts(facts: Facts, limits: RetentionLimits): Verdict[] {
  const rescues = openRescues(facts)
  let bytesSoFar = 0
  return facts.runs.toSorted(newestFirst).map((run, index) => {
    bytesSoFar += run.bytes
    const beyond = beyondLimit(run.changedMs, facts.nowMs, index, bytesSoFar, {
      days: limits.runs_days,
      count: limits.runs_max,
      mib: limits.runs_mib_max,
    })
    const hold = beyond && index < limits.runs_keep ? 'newest' : holdOf(run, rescues)
    return verdict('run', run.run_id, run.bytes, beyond, hold)
  })
}

/** A tree from before a stage that never answered, of work that did not come to a good end, is still somebody's to take back. */
function openRescues({ runs, refs }: Facts): Set<string> {
  const kept = new Set(
    refs.filter((one) => one.isOfThisWorkspace && !one.isGivenBack).map(({ request_id }) => request_id),
  )
  const open = runs.filter((run) => run.work !== 'done' && run.unanswered.some((request) => kept.has(request)))
  return new Set(open.map(({ run_id }) => run_id))
}

/** A plan goes with the last run that names it; where no run may go, or one that stays does not tell its plan, none does. */
function planVerdicts(facts: Facts, limits: RetentionLimits, keptRuns: ReadonlySet<string>): Verdict[] {
  const mayGo = limits.runs_days + limits.runs_max + limits.runs_mib_max > 0
  const isSilent = facts.runs.some(
    (run) => keptRuns.has(run.run_id) && run.work === 'unknown' && run.plans.length === 0,
  )
  const named = new Set([
    ...facts.activePlans,
    ...facts.runs.filter((run) => keptRuns.has(run.run_id)).flatMap(({ plans }) => plans),
  ])
  return facts.plans.map(({ plan_id, bytes, isInForce }) => {
    const hold = named.has(plan_id) ? 'named_by_run' : isSilent ? 'unreadable' : null
    return verdict('plan', plan_id, bytes, mayGo ? 'unnamed' : null, isInForce ? 'in_force' : hold)
  })
}

const PARTS = { log: 'logs', command: 'commands', scratch: 'scratch' } as const

function partVerdicts(kind: keyof typeof PARTS, facts: Facts, days: number, mib = 0): Verdict[] {
  let bytesSoFar = kind === 'log' ? facts.liveLogBytes : 0
  return facts[PARTS[kind]]
    .toSorted((a, b) => newestFirst(a, b) || (a.path < b.path ? -1 : 1))
    .map((part, index) => {
      bytesSoFar += part.bytes
      const beyond = beyondLimit(part.changedMs, facts.nowMs, index, bytesSoFar, { days, count: 0, mib })
      return verdict(kind, part.path, part.bytes, beyond, part.holds)
    })
}

/** The tree of a run that may still go on stays; one that only its age speaks against goes by that alone. */
function refVerdicts(facts: Facts, limits: RetentionLimits): Verdict[] {
  const runs = new Map(facts.runs.map((run) => [run.run_id, run]))
  const rescues = openRescues(facts)
  return facts.refs.map((one) => {
    const run = one.run_id === null ? undefined : runs.get(one.run_id)
    const days = limits.hidden_refs_days
    const beyond = days > 0 && facts.nowMs - one.keptMs > days * DAY_MS ? 'older_than' : null
    return verdict('ref', one.ref, 0, beyond, holdOfRef(one, run, rescues))
  })
}

function holdOfRef(one: RefFact, run: RunFact | undefined, rescues: ReadonlySet<string>): Reason | null {
  if (!one.isOfThisWorkspace) return 'of_another_workspace'
  if (run === undefined) return null
  if (run.isActive) return 'unfinished_run'
  if (run.work === 'unfinished') return 'unfinished_item'
  const isOpen = rescues.has(run.run_id) && one.request_id !== null && run.unanswered.includes(one.request_id)
  return isOpen && !one.isGivenBack ? 'open_rescue' : null
}

/** Which limit a thing is beyond, that lies at `index` of all its kind from the newest on; null if none. */
function beyondLimit(
  changedMs: number,
  nowMs: number,
  index: number,
  bytesSoFar: number,
  { days, count, mib }: { days: number; count: number; mib: number },
): Reason | null {
  if (days > 0 && nowMs - changedMs > days * DAY_MS) return 'older_than'
  if (count > 0 && index >= count) return 'beyond_count'
  return mib > 0 && bytesSoFar > mib * MIB ? 'beyond_size' : null
}

const verdict = (kind: Kind, name: string, bytes: number, beyond: Reason | null, hold: Reason | null): Verdict => ({
  kind,
  name,
  bytes,
  goes: beyond !== null && hold === null,
  reason: beyond === null ? 'within_limits' : (hold ?? beyond),
})

function newestFirst(a: { changedMs: number; run_id?: string }, b: { changedMs: number; run_id?: string }): number {
  return b.changedMs - a.changedMs || (a.run_id === undefined ? 0 : a.run_id < b.run_id! ? -1 : 1)
}

export interface Tally extends Omit<Verdict, 'name'> {
  count: number
}

/** Verdicts counted by kind, side and reason, in the order they are met. */
export function tally(verdicts: readonly Verdict[]): Tally[] {
  const sums = new Map<string, Tally>()
  for (const { kind, goes, reason, bytes } of verdicts) {
    const key = `${kind} ${goes} ${reason}`
    const sum = sums.get(key) ?? { kind, goes, reason, count: 0, bytes: 0 }
    sums.set(key, { ...sum, count: sum.count + 1, bytes: sum.bytes + bytes })
  }
  return [...sums.values()]
}
