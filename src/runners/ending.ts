/** From the end of a process to the ending of a stage: who ended it, and whether what it said can count. */
import type { StageRequest } from '../core/request.ts'
import type { RawResult } from '../core/result.ts'
import type { StopReason } from './artifacts.ts'
import { isContextOverflow, isSessionGone } from './failure.ts'
import type { AgentEnd } from './follow.ts'
import type { Findings } from './harness.ts'

/** A result that says only that nothing was started. */
export function blankResult(request: StageRequest, runnerName: string, startedAt: string): RawResult {
  return {
    request_id: request.request_id,
    run_id: request.run_id,
    runner_name: runnerName,
    model_name: request.model_name,
    ending: 'not_started',
    cause: null,
    resets_at: null,
    message: null,
    exit_code: null,
    final_message: null,
    session_id: null,
    stdout_path: null,
    stderr_path: null,
    event_log_path: null,
    token_usage: null,
    started_at: startedAt,
    ended_at: startedAt,
    swept: [],
    notes: [],
  }
}

/** Limits of every stage of a runner. */
export interface StageLimits {
  outputBytesMax: number
  /** Time without a sign of life after which an agent is stopped; 0 never stops one. */
  stalledAfterSeconds: number
}

type EndingFields = Pick<RawResult, 'ending' | 'cause' | 'resets_at' | 'message'>

/** How the stage ended, from how its process ended and what the harness reported. */
export function endingOf(
  request: StageRequest,
  end: AgentEnd,
  findings: Findings,
  stderr: string | null,
  limits: StageLimits,
): EndingFields {
  const plain = (ending: RawResult['ending'], message: string | null): EndingFields => ({
    ending,
    cause: null,
    resets_at: null,
    message,
  })
  // Whatever the process made of our stop, an outcome it printed afterwards does not count. However we ended it, that is
  // no failure of the work: `killed` is what somebody else does to an agent.
  if (end.asked !== null) {
    const ending = end.asked === 'killed' ? 'cancelled' : end.asked
    return plain(ending, stopSentence(end.asked, request, limits))
  }
  if (end.exitCode === null) return plain('killed', 'The agent was killed from outside: it left no exit status.')
  const failure = findings.failure
  if (failure !== null && failure.cause === null) {
    if (isContextOverflow(failure.message)) return plain('context_overflow', failure.message)
    if (request.resume_session !== null && isSessionGone(failure.message)) return plain('session_gone', failure.message)
  }
  if (failure !== null && (failure.cause !== null || end.exitCode === 0)) {
    return { ending: 'provider_error', cause: failure.cause, resets_at: failure.resetsAt, message: failure.message }
  }
  if (end.exitCode === 0) return plain('exited', null)
  const said = failure?.message ?? stderr?.trim().split('\n').at(-1)?.slice(0, 500)
  return plain('exited', `The agent exited with status ${end.exitCode}${said ? `: ${said}` : '.'}`)
}

function stopSentence(reason: StopReason, request: StageRequest, limits: StageLimits): string {
  switch (reason) {
    case 'timed_out':
      return `The agent did not end within ${request.timeout_seconds} s and was stopped.`
    case 'output_limit':
      return `The agent printed more than ${limits.outputBytesMax} bytes and was stopped.`
    case 'stalled':
      return `The agent showed no sign of life for ${limits.stalledAfterSeconds} s and was stopped.`
    case 'over_budget':
      return 'The agent used more than a rule allows and was stopped.'
    case 'cancelled':
      return 'The agent was stopped on request.'
    case 'killed':
      return 'The agent was killed on request.'
  }
}

/** What the sweep found, in words. */
export function sweepNotes(end: AgentEnd): string[] {
  const tell = (text: string) => (process: { pid: number; command: string }) =>
    `${text}: ${process.pid} ${process.command}`
  return [
    ...end.swept.found.map(tell('left behind by the agent and ended')),
    ...end.swept.left.map(tell('could not be ended')),
    ...end.spared.map(tell('left running, as the stage kind asks')),
  ]
}
