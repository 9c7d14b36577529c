/** What the stages of a story do, beside succeeding. */
import type { Act, Script } from '../instant-runner.ts'
import { posting, succeeding } from '../story.ts'

/** Outcomes of a spec that is planned, and of a task that is built, where nothing goes wrong. */
export const PLANNED = ['PLANNER_COMPLETE', 'MANAGER_COMPLETE']
export const BUILT = ['BUILDER_COMPLETE', 'CHECKER_PASS', 'UPDATE_COMPLETE']

/** One kind of stage does something else than succeed. */
export const unless = (kind: string, act: (...given: Parameters<Script>) => ReturnType<Script> | null): Script => {
  return (...given) => (given[0].stage_kind_id === kind ? act(...given) : null) ?? succeeding()(...given)
}

/** The stage asks for a command, then works until it is stopped. */
export const until = (command: string, payload: Record<string, unknown> = {}): Act => ({
  outcome: null,
  meanwhile: posting(command, payload),
})
