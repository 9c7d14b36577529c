/**
 * One pass over the planes of the plan, in claim order: each has one turn. Work that an earlier plane brings to one that
 * had none when the pass began is left for the next pass, so that a person can look at it first.
 */
import type { ItemKind } from '../core/item.ts'
import type { ClaimOrder } from '../core/mode.ts'
import type { ActiveRun } from '../core/state.ts'
import type { View } from '../core/view.ts'
import { type LoopEnd, type LoopOptions, runLoop } from './daemon.ts'
import type { Engine } from './engine.ts'
import { Turn } from './turn.ts'

type ClaimPlane = ClaimOrder['planes'][number]

export interface PassEnd {
  /** Runs that had a turn, in order, each as it began its turn. */
  runs: ActiveRun[]
  /** How many items, by kind, an earlier plane brought to those that had none when the pass began. */
  left: Partial<Record<ItemKind, number>>
  /** How many stages were settled. */
  stages: number
  /** How the last turn ended. */
  end: Pick<LoopEnd, 'exit_reason' | 'last'>
  /** What was settled last; null if no stage was. */
  settled: LoopEnd['settled']
}

export async function runPass(engine: Engine, onRefusal: LoopOptions['onRefusal']): Promise<PassEnd> {
  const begun = engine.workspace.view()
  const planes = begun.plan?.claim_order.planes ?? []
  const idle = planes.filter((plane) => hasNothing(begun, plane))
  const pass: PassEnd = { runs: [], left: {}, stages: 0, end: { exit_reason: 'idle', last: null }, settled: null }
  const skipped: ClaimPlane[] = []
  for (const claimPlane of planes) {
    if (pass.stages > 0 && idle.includes(claimPlane)) {
      skipped.push(claimPlane)
      continue
    }
    const turn = new Turn(claimPlane.plane, engine.workspace.view().snapshot)
    engine.turn = turn
    const end = await runLoop(engine, { ticksMax: null, stopWhenIdle: true, evenWaiting: true, onRefusal })
    pass.end = end
    pass.stages += end.stages
    pass.settled = end.settled ?? pass.settled
    const run = turn.run(engine.workspace.view().snapshot)
    if (run !== null) pass.runs.push(run)
    if (end.exit_reason === 'stop_requested') break
  }
  pass.left = queuedOn(engine.workspace.view(), skipped)
  return pass
}

function hasNothing(view: View, { plane, kinds }: ClaimPlane): boolean {
  return (
    view.snapshot.active_runs.every((run) => run.plane !== plane) &&
    kinds.every((kind) => view.items.count(kind as ItemKind, 'queued') === 0)
  )
}

function queuedOn(view: View, planes: readonly ClaimPlane[]): PassEnd['left'] {
  const counts = planes.flatMap(({ kinds }) =>
    kinds.map((kind) => [kind, view.items.count(kind as ItemKind, 'queued')] as const),
  )
  return Object.fromEntries(counts.filter(([, count]) => count > 0))
}
