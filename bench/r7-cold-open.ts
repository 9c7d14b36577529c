/** R7: opening a workspace with 10,000 queued tasks until the first is claimed, against reading those files. */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { systemClock } from '../src/engine/clock.ts'
import { delay } from '../src/runners/sweep.ts'
import type { Ground } from './main.ts'
import { atMost, inTurn, type Row, ratioRow } from './measure.ts'
import { addTasks, COPIED_AFTER_MS, inRuntime, newWorkspace, REST_MS, taskIds } from './workspace.ts'

const QUEUED = 10_000

export async function coldOpen({ repository, folder, programs }: Ground): Promise<Row[]> {
  const root = await newWorkspace(repository, folder)
  addTasks(root, taskIds(QUEUED))
  const [state, kept] = [inRuntime(root, 'state'), path.join(folder, 'state-kept')]
  const [queue, active] = [inRuntime(root, 'tasks/queue'), inRuntime(root, 'tasks/active')]
  const open = () =>
    Number(
      execFileSync(process.execPath, [path.join(programs, 'open-and-claim.mjs'), repository, root], {
        encoding: 'utf8',
      }),
    )
  // Each opening is of the same workspace: compiled, released, nothing active.
  const restore = () => {
    for (const name of fs.readdirSync(active)) fs.renameSync(path.join(active, name), path.join(queue, name))
    fs.rmSync(state, { recursive: true })
    fs.cpSync(kept, state, { recursive: true })
    return delay(systemClock, REST_MS)
  }
  // The workspace of somebody who has worked in it: a runtime was here, and left what it leaves.
  await delay(systemClock, COPIED_AFTER_MS)
  execFileSync(process.execPath, [path.join(programs, 'open-and-claim.mjs'), repository, root, 'only-open'])
  fs.cpSync(state, kept, { recursive: true })
  const figures = await inTurn({
    async ours() {
      await restore()
      return open()
    },
    async against() {
      await restore()
      return Number(
        execFileSync(process.execPath, [path.join(repository, 'bench/bare-read.mjs'), queue], { encoding: 'utf8' }),
      )
    },
  })
  return [
    ratioRow(
      'R7',
      `opening ${QUEUED.toLocaleString('en')} queued items to the first claim ÷ readdir and read`,
      figures,
      atMost(2),
    ),
  ]
}
