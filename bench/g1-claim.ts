/** G1: how the cost of a claim grows with the queue: the whole claim, and finding the item alone. */
import { Draft } from '../src/core/changes.ts'
import { select } from '../src/core/select.ts'
import { counterOwner } from '../src/core/state.ts'
import { claim } from '../src/engine/claim.ts'
import { systemClock } from '../src/engine/clock.ts'
import type { Engine } from '../src/engine/engine.ts'
import { intake } from '../src/engine/intake.ts'
import { delay } from '../src/runners/sweep.ts'
import type { Ground } from './main.ts'
import { atMost, PAIRS_MIN, quantile, type Row, ratioRow, timed } from './measure.ts'
import { addTasks, newWorkspace, openEngine, taskIds } from './workspace.ts'

const SIZES = [10, 1000, 10_000, 100_000]
const TARGETS_WHOLE: Record<number, number> = { 10000: 2, 100000: 4 }
const TARGETS_ALONE: Record<number, number> = { 100000: 2 }
/** Names are compared again once a folder has rested a second; measured by itself, not as part of a claim. */
const CHECKED_AFTER_MS = 1200
/** Selections of one sample, of which the median counts: one takes microseconds. */
const SELECTIONS = 50

interface Figures {
  whole: number
  alone: number
  intake: number
  check: number
}

export async function claimAtSizes({ repository, folder }: Ground): Promise<Row[]> {
  const engines = new Map<number, Engine>()
  for (const size of SIZES) {
    const root = await newWorkspace(repository, folder)
    addTasks(root, taskIds(size))
    engines.set(size, await openEngine(repository, root))
  }
  const rounds: Map<number, Figures>[] = []
  for (let round = 0; round <= PAIRS_MIN; round++) {
    await delay(systemClock, CHECKED_AFTER_MS)
    const figures = new Map<number, Figures>()
    // The first claim after a rest finds the disk asleep: each size is the first in its turn.
    const order = [...SIZES.slice(round % SIZES.length), ...SIZES.slice(0, round % SIZES.length)]
    for (const size of order) figures.set(size, await measured(engines.get(size)!))
    for (const engine of engines.values()) await giveBack(engine)
    if (round > 0) rounds.push(figures)
  }
  for (const engine of engines.values()) await engine.close()
  const rows = (of: keyof Figures, what: string, unit: Row['unit'], targets: Record<number, number>) =>
    SIZES.map((size) =>
      ratioRow(
        'G1',
        `${what} at ${size.toLocaleString('en')} ÷ at ${SIZES[0]}`,
        rounds.map((round) => ({ ours: round.get(size)![of], against: round.get(SIZES[0]!)![of] })),
        targets[size] === undefined ? null : atMost(targets[size]),
        unit,
      ),
    )
  return [
    ...rows('whole', 'a claim', 'ms', TARGETS_WHOLE),
    ...rows('alone', 'view and select', 'µs', TARGETS_ALONE),
    ...rows('intake', 'intake that finds nothing', 'µs', {}),
    ...rows('check', 'the check of names a second after a commit', 'µs', {}),
  ]
}

async function measured(engine: Engine): Promise<Figures> {
  const check = await timed(() => engine.workspace.view())
  const selections: number[] = []
  for (let count = 0; count < SELECTIONS; count++) selections.push(await timed(() => selected(engine)))
  const idle = await timed(() => intake(engine))
  let claimed = 0
  const whole = await timed(async () => {
    claimed = await claim(engine)
  })
  if (claimed !== 1) throw new Error(`${claimed} items were claimed`)
  return { whole, alone: quantile(selections, 0.5), intake: idle, check }
}

function selected(engine: Engine): void {
  const view = engine.workspace.view()
  if (select(view, view.plan!) === null) throw new Error('nothing to claim')
}

/** Puts the claimed item back, so that every round claims from the same queue. */
async function giveBack(engine: Engine): Promise<void> {
  const view = engine.workspace.view()
  const draft = new Draft(view)
  for (const run of view.snapshot.active_runs) {
    draft.endRun(run, counterOwner(run), null)
    const { hash } = view.read('task', run.work_item_id!, 'active')!
    draft.add({ change: 'item.move', kind: 'task', id: run.work_item_id!, from: 'active', to: 'queued', hash })
  }
  await engine.commit(draft.finish())
}
