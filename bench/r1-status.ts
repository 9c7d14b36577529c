/** R1: `millrace status --json` with 1,000 items against a Node that does nothing. */
import * as path from 'node:path'
import type { Ground } from './main.ts'
import { atMost, inTurn, type Row, ratioRow } from './measure.ts'
import { bareNodeMs, nodeMs } from './node.ts'
import { addTasks, newWorkspace, openEngine, taskIds } from './workspace.ts'

const ITEMS = 1000
const PAIRS = 40

export async function statusCommand({ repository, folder }: Ground): Promise<Row[]> {
  const root = await newWorkspace(repository, folder)
  addTasks(root, taskIds(ITEMS))
  // A runtime was here, so there is a plan and a state to show.
  await (await openEngine(repository, root)).close()
  const figures = await inTurn(
    {
      ours: () => nodeMs(root, path.join(repository, 'dist/millrace.js'), 'status', '--json'),
      against: () => bareNodeMs(root),
    },
    PAIRS,
  )
  return [ratioRow('R1', `status --json with ${ITEMS.toLocaleString('en')} items ÷ node -e 0`, figures, atMost(1.5))]
}
