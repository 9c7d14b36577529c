/** G4: how often a reader has to begin again while another process commits without pause. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import * as path from 'node:path'
import { readWorkspace } from '../src/store/workspace.ts'
import type { Ground } from './main.ts'
import { atMost, figureRow, quantile, type Row, spread } from './measure.ts'
import { sampleSettle } from './settle.ts'
import { addTasks, PORTS, taskIds } from './workspace.ts'

const READS = 2000
const QUEUED = 100

export async function viewWhileCommitting({ repository, folder, programs }: Ground): Promise<Row[]> {
  const { root } = await sampleSettle(repository, folder)
  addTasks(root, taskIds(QUEUED))
  const resting = read(root)
  const writer = fork(path.join(programs, 'commit-steadily.mjs'), [repository, folder, root])
  await once(writer, 'message')
  const begun = performance.now()
  const committing = read(root)
  const wall = performance.now() - begun
  writer.send('stop')
  const [commits] = (await once(writer, 'message')) as [number]
  await once(writer, 'exit')
  const retries = committing.map((one) => one.retries)
  return [
    {
      ...figureRow('G4', 'retries of a read while another process commits, p99 (maximum)', [], atMost(2)),
      ratio: { median: quantile(retries, 0.99), p95: Math.max(...retries) },
    },
    figureRow('G4', 'retries of a read while another process commits', retries, null),
    {
      id: 'G4',
      what: `a read while another process commits (each ${(wall / commits).toFixed(1)} ms) ÷ a read at rest`,
      ours: spread(committing.map((one) => one.ms)),
      against: spread(resting.map((one) => one.ms)),
      unit: 'ms',
      ratio: spread(committing.map((one, at) => one.ms / resting[at]!.ms)),
      target: null,
    },
  ]
}

/** Reads what a status needs: state, plan and the counts of every folder. */
function read(root: string): { ms: number; retries: number }[] {
  return Array.from({ length: READS }, () => {
    const begun = performance.now()
    const { retries } = readWorkspace(PORTS, root, (view) => [
      view.snapshot.revision,
      view.plan?.compiled_plan_id,
      view.items.count('task', 'queued'),
    ])
    return { ms: performance.now() - begun, retries }
  })
}
