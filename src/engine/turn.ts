/** A turn: one plane and one item on it, seen to its end there. While it lasts, nothing else is claimed or started. */
import type { ActiveRun, Snapshot } from '../core/state.ts'

type Runs = Pick<Snapshot, 'active_runs'>

export class Turn {
  readonly plane: string
  private taken: ActiveRun | null = null

  constructor(plane: string, runs: Runs) {
    this.plane = plane
    this.run(runs)
  }

  /** The run whose turn it is, as it was first met on the plane; null while there is none. */
  run({ active_runs }: Runs): ActiveRun | null {
    this.taken ??= active_runs.find((run) => run.plane === this.plane && run.status !== 'awaiting_approval') ?? null
    return this.taken
  }

  /** Whether a run may begin on a plane. Once one has, no other does, even after its end. */
  admits(plane: string, runs: Runs): boolean {
    return plane === this.plane && this.run(runs) === null
  }

  /** Whether the next stage of a run may be started. */
  includes(run: ActiveRun, runs: Runs): boolean {
    return run.run_id === this.run(runs)?.run_id
  }
}
