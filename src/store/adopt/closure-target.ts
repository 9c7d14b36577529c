/** From a closure target of the Python runtime to ours. Pure. */
import type { ClosureTarget } from '../../core/state.ts'
import type { PythonTarget } from './python-state.ts'

/** `rounds`: judgements of which results are kept. */
export function translateTarget(old: PythonTarget, rounds: number): ClosureTarget {
  const { closure_blocked_by_lineage_work: _, ...kept } = old
  return {
    ...kept,
    schema_version: '2.0',
    kind: 'closure_target_state',
    rounds,
    finished_items_at_last_round: null,
    held: null,
  }
}
