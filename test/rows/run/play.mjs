/**
 * Plays one row in a process of its own: `node play.mjs FILE`. The row has passed only if the word arrives at the
 * starter that it has; a row that ends early, or waits for what never comes, says nothing.
 */
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const file = process.argv[2]
try {
  const { row } = await import(pathToFileURL(file).href)
  const name = path.basename(file, '.mjs')
  if (row.id !== name) throw new Error(`the row in ${name}.mjs calls itself ${row.id}`)
  await row.run()
  // What the row left running must not keep this process: the starter ends it.
  process.send('passed', () => process.exit(0))
} catch (error) {
  process.stderr.write(`${error.stack}\n`, () => process.exit(1))
}
