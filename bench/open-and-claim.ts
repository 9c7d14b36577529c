/** Opens a workspace as a daemon does and ends at once when the first item is claimed; prints the milliseconds. */
import * as fs from 'node:fs'
import { tick } from '../src/engine/tick.ts'
import { openEngine } from './workspace.ts'

const [repository = '', root = '', onlyOpen] = process.argv.slice(2)
const begun = performance.now()
const engine = await openEngine(repository, root, undefined, (change) => {
  if (change.change !== 'event.append' || change.event_type !== 'work_item_claimed') return
  fs.writeSync(1, String(performance.now() - begun))
  process.exit(0)
})
if (onlyOpen === undefined) {
  await tick(engine)
  throw new Error('nothing was claimed')
}
await engine.close()
