/** Commits a typical settle again and again without pause until told to stop; sends the number of commits. */
import { Workspace } from '../src/store/workspace.ts'
import { sampleSettle } from './settle.ts'
import { addTasks, PORTS } from './workspace.ts'

const [repository = '', folder = '', root = ''] = process.argv.slice(2)
const COMMITS_MAX = 1_000_000

const sample = await sampleSettle(repository, folder)
const workspace = await Workspace.open(PORTS, root, {
  onFatal: (error) => {
    throw error
  },
})
let stop = false
process.once('message', () => {
  stop = true
})
process.send?.('ready')
let commits = 0
for (; !stop && commits < COMMITS_MAX; commits++) {
  const id = `steady-${commits}`
  addTasks(root, [id], 'active')
  await workspace.commit(sample.changesFor(id))
}
await workspace.close()
process.send?.(commits)
process.disconnect?.()
