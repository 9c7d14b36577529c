/** Holding a run: it waits for an operator, with the reason; its lane is taken, other lanes go on. */
import { type Change, Draft } from '../core/changes.ts'
import type { ActiveRun } from '../core/state.ts'
import type { Engine } from './engine.ts'

/** `also`: what belongs into the same transaction. */
export async function holdRun(
  engine: Engine,
  run: ActiveRun,
  reason: string,
  also: readonly Change[] = [],
): Promise<void> {
  const view = engine.workspace.view()
  const draft = new Draft(view)
  hold(draft, run, reason, view.now)
  await engine.commit([...also, ...draft.finish()])
}

/** The same, as part of a transaction in the making; `since` is an ISO time. */
export function hold(draft: Draft, run: ActiveRun, reason: string, since: string): void {
  draft.putRun({ ...run, status: 'held', request_id: null, held: { reason, since } })
  draft.event('run_held', { run_id: run.run_id, plane: run.plane, node_id: run.node_id, reason })
}
