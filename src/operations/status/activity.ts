/** What the runtime is doing in one word, why, and what a person would do next. Pure; shown by status on every surface. */
import { announcedRecovery } from '../../core/auto-recovery.ts'
import { ITEM_KINDS, type ItemKind } from '../../core/item.ts'
import type { RunnerWait, Snapshot } from '../../core/state.ts'
import { USAGE } from '../../core/usage.ts'

export const ACTIVITIES = ['working', 'stopping', 'degraded', 'paused', 'held', 'waiting', 'idle', 'stopped'] as const

interface Activity {
  activity: (typeof ACTIVITIES)[number]
  /** Why nothing runs, or what else is to be known; null where the word says it all. */
  reason: string | null
  /** A command worth running now; null where there is none. */
  nextStep: string | null
}

export interface Situation {
  snapshot: Snapshot
  depths: Readonly<Record<ItemKind, Readonly<Record<'queued' | 'active' | 'blocked' | 'done', number>>>>
  /** Whether a runtime lives and says it runs. */
  running: boolean
  degraded: boolean
  lock: 'absent' | 'active' | 'stale' | 'invalid'
  /** ISO time. */
  now: string
}

export function activityOf(situation: Situation): Activity {
  const { snapshot, running, degraded } = situation
  const runs = snapshot.active_runs
  if (degraded)
    return say('degraded', 'a transaction could not be applied to the disk yet; it is tried again', 'millrace doctor')
  if (!running) return stopped(situation)
  if (snapshot.stop_requested !== null) {
    const how = snapshot.stop_requested.drain
      ? 'the running stages end by themselves first'
      : 'the running stages are ended'
    return say('stopping', how, null)
  }
  if (runs.some((run) => run.status === 'started')) {
    if (snapshot.pause_sources.length > 0)
      return say('working', `nothing new is started: paused by ${pausers(snapshot)}`, resuming(snapshot))
    const [refused] = refusals(situation)
    return say('working', refused === undefined ? null : `${refusalText(refused)}, until ${refused.until}`, null)
  }
  if (snapshot.pause_sources.length > 0) return say('paused', `by ${pausers(snapshot)}`, resuming(snapshot))
  const held = runs.find((run) => run.held !== null)
  if (held?.held) return say('held', held.held.reason, 'millrace control clear-stale-state')
  const waiting = waitingFor(situation)
  if (waiting !== null) return say('waiting', `${waiting.why}; next try at ${waiting.until}`, 'millrace resume')
  if (runs.some((run) => run.status !== 'awaiting_approval')) return say('working', null, null)
  if (runs.length > 0) return say('waiting', waitForAnswers(runs.length), APPROVALS)
  return withoutRuns(situation)
}

const APPROVALS = 'millrace approvals ls'

const waitForAnswers = (count: number): string =>
  count === 1 ? '1 question to a person waits for an answer' : `${count} questions to a person wait for an answer`

const say = (activity: Activity['activity'], reason: string | null, nextStep: string | null): Activity => ({
  activity,
  reason,
  nextStep,
})

/** Limits of providers that hold now, the one that ends last first. */
const refusals = ({ snapshot, now }: Situation): RunnerWait[] =>
  snapshot.runner_waits.filter(({ until }) => until > now).sort((a, b) => (a.until < b.until ? 1 : -1))

const refusalText = ({ runner_name, model_name, cause, reason }: RunnerWait): string =>
  `the provider of ${runner_name}${model_name === null ? '' : ` (${model_name})`} refuses work: ${cause} (${reason})`

/** What the runs, or what is queued, wait for by themselves. */
function waitingFor(situation: Situation): { why: string; until: string } | null {
  const { snapshot, now } = situation
  const later = snapshot.active_runs.find((run) => run.not_before !== null && run.not_before > now)
  const until = later?.not_before ?? null
  const [refused] = refusals(situation)
  const isRefused = refused !== undefined && (until === null || refused.until >= until)
  if (isRefused && (snapshot.active_runs.length > 0 || total(situation, 'queued') > 0))
    return { why: refusalText(refused), until: refused.until }
  if (until === null) return null
  const cause = /^environment_(\w+)$/.exec(later?.previous_attempt?.reason ?? '')?.[1]
  return { why: `the surroundings failed${cause === undefined ? '' : ` (${cause})`}`, until }
}

const pausers = ({ pause_sources }: Snapshot): string =>
  pause_sources
    .map(({ source, reason, until }) => `${source} (${reason})${until === null ? '' : ` until ${until}`}`)
    .join(', ')

const total = ({ depths }: Situation, state: 'queued' | 'blocked'): number =>
  ITEM_KINDS.reduce((sum, kind) => sum + depths[kind][state], 0)

const items = (count: number): string => (count === 1 ? '1 item' : `${count} items`)

const BLOCKED_ITEMS = 'millrace queue ls --state blocked'

function withoutRuns(situation: Situation): Activity {
  const queued = total(situation, 'queued')
  const blocked = total(situation, 'blocked')
  const back = announcedRecovery(situation.snapshot.announced, situation.now)
  const also = back === null ? '' : `; blocked work is put back by itself at ${back}`
  if (queued > 0)
    return say('waiting', `${items(queued)} queued, none can be claimed just now${also}`, 'millrace queue ls')
  if (blocked > 0) return say('idle', `nothing is queued; ${items(blocked)} blocked`, BLOCKED_ITEMS)
  return say('idle', 'nothing is queued', null)
}

function stopped(situation: Situation): Activity {
  const { snapshot, lock } = situation
  const queued = total(situation, 'queued')
  const blocked = total(situation, 'blocked')
  const asked = snapshot.active_runs.filter((run) => run.status === 'awaiting_approval').length
  const left = snapshot.active_runs.length - asked
  const waiting = [
    ...(lock === 'stale' ? ['the last runtime died'] : []),
    ...(lock === 'invalid' ? ['the lock is unreadable'] : []),
    ...(left > 0 ? [`${left === 1 ? '1 run waits' : `${left} runs wait`} to be taken up`] : []),
    ...(queued > 0 ? [`${items(queued)} queued`] : []),
  ]
  const wait = asked === 0 ? [] : [waitForAnswers(asked)]
  if (lock === 'invalid') return say('stopped', waiting.join('; '), 'millrace doctor')
  const stuck = blocked > 0 ? [`${items(blocked)} blocked`] : []
  if (waiting.length > 0) return say('stopped', [...waiting, ...wait, ...stuck].join('; '), 'millrace run daemon')
  if (asked > 0) return say('stopped', [...wait, ...stuck].join('; '), APPROVALS)
  const reason = ['nothing is queued', ...stuck].join('; ')
  return say('stopped', reason, blocked > 0 ? BLOCKED_ITEMS : 'millrace add-task "what is to be done"')
}

/** Sources that an operator's resume clears; the others clear themselves. */
const RESUMABLE = ['operator', 'environment']

const resuming = ({ pause_sources, usage_governance }: Snapshot): string | null =>
  pause_sources.some(
    ({ source }) => RESUMABLE.includes(source) || (source === USAGE && usage_governance?.blockers.length === 0),
  )
    ? 'millrace resume'
    : null
