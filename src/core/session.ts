/**
 * Sessions of a harness: with which session, if with one, a stage goes on. A stage may continue that of another node of
 * its run, where the plan says so; and one that was cut short by its surroundings goes on with its own, while nobody has
 * touched the tree since. Pure: what earlier stages left is given.
 */
import { isEnvironmentFailure } from './normalise.ts'
import type { PlanNode } from './plan.ts'
import type { StageRequest } from './request.ts'
import type { StageResult } from './result.ts'
import type { ActiveRun } from './state.ts'
import { sumUsage } from './usage.ts'

/** Runners whose harness can go on with a session in a process of its own. */
const CONTINUING: readonly string[] = ['codex_cli', 'claude_code', 'acp']

export const continuesSessions = (runner: string): boolean => CONTINUING.includes(runner)

export type Continuation = Pick<StageRequest, 'resume_session' | 'account_of'>

export const FRESH: Continuation = { resume_session: null, account_of: [] }

/** What earlier stages of the run left. */
export interface Earlier {
  requests: readonly StageRequest[]
  /** In order of completion. */
  results: readonly StageResult[]
}

/** True if `continuation` need be asked: the run has a past at this node, or goes on with that of another one. */
export const hasPast = (run: ActiveRun, node: PlanNode): boolean =>
  run.previous_attempt !== null || node.continues_session_of !== null

/** `mayResume`: whether an interrupted attempt may go on in its own session. Sessions are those of one boot of a machine. */
export function continuation(
  run: ActiveRun,
  node: PlanNode,
  earlier: Earlier,
  { bootId, mayResume }: { bootId: string; mayResume: boolean },
): Continuation {
  const attempts = attemptsBefore(run, earlier.requests)
  const other = earlier.results.findLast((one) => one.node_id === node.continues_session_of)?.metadata.request_id
  const account_of = attempts.length > 0 ? told(attempts, earlier.requests) : typeof other === 'string' ? [other] : []
  const fresh: Continuation = { resume_session: null, account_of }
  const requestId = account_of.at(-1)
  const request = earlier.requests.find((one) => one.request_id === requestId)
  const result = earlier.results.find((one) => one.metadata.request_id === requestId)
  if (!result || !request || request.boot_id !== bootId || request.runner_name !== node.runner_name) return fresh
  const session_id = result.metadata.session_id
  if (typeof session_id !== 'string' || !SESSION_ID.test(session_id) || !continuesSessions(node.runner_name))
    return fresh
  const used_before = sumUsage(
    earlier.results.filter((one) => one.metadata.session_id === session_id).map((one) => one.token_usage),
  )
  if (attempts.length === 0) return { resume_session: { session_id, used_before, unchanged_tree: null }, account_of }
  const unchanged_tree = result.working_tree?.after ?? null
  if (!mayResume || !isEnvironmentFailure(result) || unchanged_tree === null) return fresh
  return { resume_session: { session_id, used_before, unchanged_tree }, account_of }
}

/** It becomes an argument: nothing that could be taken for an option or holds blanks. */
const SESSION_ID = /^\w[\w.:-]{0,199}$/
const ATTEMPTS_TOLD_MAX = 5

/** The attempts, and before them what the first of them was told of. */
function told(attempts: readonly string[], requests: readonly StageRequest[]): string[] {
  const first = requests.find((one) => one.request_id === attempts[0])
  return [...(first?.account_of ?? []), ...attempts].slice(-ATTEMPTS_TOLD_MAX)
}

/** Ids of the attempts at the node a run stands at, oldest first: each names the one before it. */
function attemptsBefore(run: ActiveRun, requests: readonly StageRequest[]): string[] {
  const ids: string[] = []
  for (let attempt = run.previous_attempt; attempt !== null && ids.length < ATTEMPTS_TOLD_MAX; ) {
    const id = attempt.request_id
    ids.unshift(id)
    attempt = requests.find((one) => one.request_id === id)?.previous_attempt ?? null
  }
  return ids
}

/** The request of a stage whose session cannot be continued after all: a fresh one, told what was done. */
export const afresh = (request: StageRequest): StageRequest => ({ ...request, resume_session: null })
