/**
 * Waiting for the surroundings: when a stage that they failed is tried again, and for whom else that holds. A used-up
 * limit is one of the whole runner: one stage learns of it, and no other is started to learn the same. Pure.
 */
import type { RecoveryLimits } from './mode.ts'
import type { PlanNode } from './plan.ts'
import { FailureCause, type StageResult } from './result.ts'
import type { RunnerWait, Snapshot } from './state.ts'

/** Spread of a wait around its length, so that what failed together is not tried again together. */
const SPREAD = 0.2
/** Clocks differ, and a limit may end a moment later than was said. */
const AFTER_RESET_MS_MIN = 2000
const AFTER_RESET_MS_MAX = 5000
/** A limit that ends later is looked at again by then: what was said may be wrong, or somebody may have raised it. */
const WAIT_DAYS_MAX = 8
const DAY_MS = 86_400_000

/**
 * ISO time of the next try after so many failures in a row. Never before a limit is known to end, unless that is more than
 * eight days away. `chance` is a random number from 0 to below 1.
 */
export function nextTry(
  now: string,
  failures: number,
  { environment_backoff_seconds: waits }: RecoveryLimits,
  resetsAt: string | null,
  chance: number,
): string {
  const nowMs = Date.parse(now)
  const waitMs = (waits[Math.min(failures, waits.length) - 1] ?? 60) * 1000
  const backoffMs = nowMs + waitMs * (1 - SPREAD + 2 * SPREAD * chance)
  const resetMs = resetsAt === null ? Number.NaN : Date.parse(resetsAt)
  if (Number.isNaN(resetMs)) return new Date(backoffMs).toISOString()
  const afterMs = AFTER_RESET_MS_MIN + (AFTER_RESET_MS_MAX - AFTER_RESET_MS_MIN) * chance
  const knownMs = Math.min(resetMs + afterMs, nowMs + WAIT_DAYS_MAX * DAY_MS)
  return new Date(Math.max(backoffMs, knownMs)).toISOString()
}

type Bound = Pick<PlanNode, 'runner_name' | 'model_name'>

/**
 * What a failed stage says about others of its runner; null if nothing. A used-up quota is that of an account, so it
 * holds for all of them; a rate limit for those of the same model.
 */
export function waitLearnt(result: StageResult, node: Bound, until: string, now: string): RunnerWait | null {
  const cause = FailureCause.safeParse(result.metadata.environment_cause).data
  if (cause !== 'quota' && cause !== 'rate_limit') return null
  return {
    runner_name: node.runner_name,
    model_name: cause === 'quota' ? null : node.model_name,
    cause,
    reason: result.notes[0] ?? cause,
    since: now,
    until,
  }
}

/** The waits with one more; of two for the same stages the one that ends later holds. */
export function withWait(waits: readonly RunnerWait[], wait: RunnerWait): RunnerWait[] {
  const same = (other: RunnerWait) => other.runner_name === wait.runner_name && other.model_name === wait.model_name
  const longer = waits.find((other) => same(other) && other.until > wait.until)
  return [...waits.filter((other) => !same(other)), longer ?? wait]
}

/** Why stages of a node are not started just now; null if they are. Of several the one that ends last. */
export function waitOf({ runner_waits }: Pick<Snapshot, 'runner_waits'>, node: Bound, now: string): RunnerWait | null {
  const holding = runner_waits.filter(
    (wait) =>
      wait.until > now &&
      wait.runner_name === node.runner_name &&
      (wait.model_name === null || wait.model_name === node.model_name),
  )
  return holding.reduce<RunnerWait | null>(
    (last, wait) => (last === null || wait.until > last.until ? wait : last),
    null,
  )
}
