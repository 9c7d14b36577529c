/** R12: `queue add-task` by the command line, carried out by a running daemon, against a Node that does nothing. */
import * as path from 'node:path'
import { Daemon, EventLog } from './daemon.ts'
import type { Ground } from './main.ts'
import { atMost, inTurn, type Row, ratioRow } from './measure.ts'
import { bareNodeMs, nodeMs } from './node.ts'
import { noOpStage } from './settle.ts'
import { newWorkspace } from './workspace.ts'

const PAIRS = 40

export async function addTaskCommand({ repository, folder }: Ground): Promise<Row[]> {
  const root = await newWorkspace(repository, folder, noOpStage(repository))
  const log = new EventLog(root)
  const daemon = new Daemon(repository, root)
  await log.next('runtime_tick_idle')
  const program = path.join(repository, 'dist/millrace.js')
  let number = 0
  const figures = await inTurn(
    {
      async ours() {
        const wall = await nodeMs(root, program, 'queue', 'add-task', `Round the shares of split ${++number}`)
        await log.finished()
        return wall
      },
      against: () => bareNodeMs(root),
    },
    PAIRS,
  )
  await daemon.stop()
  return [ratioRow('R12', 'queue add-task beside a running daemon ÷ node -e 0', figures, atMost(3))]
}
