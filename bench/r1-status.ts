/** R1: `millrace status --json` with 1,000 items against a Node that does nothing. */
import { spawnSync } from 'node:child_process'
import * as path from 'node:path'
import type { Ground } from './main.ts'
import { atMost, inTurn, type Row, ratioRow, timed } from './measure.ts'
import { addTasks, newWorkspace, openEngine, taskIds } from './workspace.ts'

const ITEMS = 1000
const PAIRS = 40

export async function statusCommand({ repository, folder }: Ground): Promise<Row[]> {
  const root = await newWorkspace(repository, folder)
  addTasks(root, taskIds(ITEMS))
  // A runtime was here, so there is a plan and a state to show.
  await (await openEngine(repository, root)).close()
  const node = (...args: string[]) => {
    const done = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`node ${args.join(' ')} failed: ${done.stdout}${done.stderr}`)
  }
  const figures = await inTurn(
    {
      ours: () => timed(() => node(path.join(repository, 'dist/millrace.js'), 'status', '--json')),
      against: () => timed(() => node('-e', '0')),
    },
    PAIRS,
  )
  return [ratioRow('R1', `status --json with ${ITEMS.toLocaleString('en')} items ÷ node -e 0`, figures, atMost(1.5))]
}
