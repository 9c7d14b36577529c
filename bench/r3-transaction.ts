/** R3: one journaled transaction of a typical settle against a bare program that does the same writes. */
import * as path from 'node:path'
import { Workspace } from '../src/store/workspace.ts'
import type { Ground } from './main.ts'
import { atMost, exactly, figureRow, inTurn, type Row, ratioRow, timed } from './measure.ts'
import { BareTransactions, sampleSettle } from './settle.ts'
import { addTasks, PORTS, watched } from './workspace.ts'

const PAIRS = 200

export async function oneTransaction({ repository, folder }: Ground): Promise<Row[]> {
  const sample = await sampleSettle(repository, folder)
  const { files, rounds, record } = watched()
  const workspace = await Workspace.open({ ...PORTS, files }, sample.root, { onFatal: fail })
  const bare = new BareTransactions(path.join(folder, 'bare'))
  const flushes: number[] = []
  let number = 0
  let changes = 0
  const figures = await inTurn(
    {
      async ours() {
        const id = `task-${++number}`
        addTasks(sample.root, [id], 'active')
        const settle = sample.changesFor(id)
        changes = settle.length
        const before = rounds()
        const wall = await timed(() => workspace.commit(settle))
        flushes.push(rounds() - before)
        return wall
      },
      against: () => timed(bare.prepare(record())),
    },
    PAIRS,
  )
  await workspace.close()
  return [
    ratioRow('R3', `a settle of ${changes} changes ÷ the same writes by a bare program`, figures, atMost(1.5)),
    figureRow('R3', 'flush rounds of a transaction', flushes, exactly(3)),
  ]
}

function fail(error: Error): never {
  throw error
}
