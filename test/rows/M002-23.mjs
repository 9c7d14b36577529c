import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { eventually } from './parts/commands.mjs'
import { newWorkspace } from './parts/workspace.mjs'

/** What queues can be changed with, and who may take it into their hands: the engine, and what carries commands out. */
const WRITERS = /^(Workspace|Journal|ItemIndex|lower|adoptRecord)$/
const HOLDERS = /^src\/(store|engine|selftest)\/|^src\/operations\/carry-out\.ts$/
/** They commit something else than queues: compiled plans, parts that are missing, deployed files, what is told. */
const OTHER_KEEPERS = ['doctor/fixes', 'notify/notify', 'plan/plan', 'workspace/upgrade'].map(
  (name) => `src/operations/${name}.ts`,
)
/** A change of a queue, however it is written down. */
const ITEM_CHANGE = /['"`]item\.(?:add|move|archive|rewrite|drop_copy|set_aside)/

export const row = {
  id: 'M002-23',
  says: 'Queues are changed by commands alone: no surface has the means, and a running runtime does what they ask.',

  async run() {
    nobodyElseHoldsTheMeans(process.env.ROWS_CLONE)
    await theRuntimeDoesIt()
  },
}

function nobodyElseHoldsTheMeans(clone) {
  const modules = readdirSync(path.join(clone, 'src'), { recursive: true })
    .map((name) => `src/${name}`)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  const textOf = (name) => readFileSync(path.join(clone, name), 'utf8')
  const holders = modules.filter((name) => valuesFromStore(textOf(name)).some((value) => WRITERS.test(value)))
  assert.ok(holders.includes('src/engine/engine.ts'), 'the engine is seen to hold the means')
  assert.deepEqual(
    holders.filter((name) => !HOLDERS.test(name)),
    OTHER_KEEPERS,
  )
  for (const name of OTHER_KEEPERS) assert.doesNotMatch(textOf(name), ITEM_CHANGE, `${name} changes a queue`)

  for (const name of modules.filter((one) => /^src\/(cli|operations|mcp|ops|web|tui)\//.test(one))) {
    assert.doesNotMatch(
      textOf(name),
      /from '(node:)?fs|import\('(node:)?fs/,
      `${name} has a way to the disk of its own`,
    )
    if (WRITES.test(textOf(name)))
      assert.doesNotMatch(textOf(name), QUEUES, `${name} writes, and knows where queues lie`)
  }
}

const WRITES = /\bfiles\.(?:write|append|rename|link|unlink|truncate)\(/
const QUEUES = /\bitem(?:File|Folder)\(|\b(?:tasks|specs|incidents|probes)\//

/** Names of values that a module imports from the store; types vanish. */
function valuesFromStore(text) {
  const statements = [...text.matchAll(/^import \{([^}]*)\} from '[./]+(?:store\/)?[a-z-]+\.ts'/gm)]
  return statements
    .flatMap(([, names]) => names.split(',').map((name) => name.trim()))
    .filter((name) => !name.startsWith('type '))
}

/** While the runtime is stopped in its tracks nothing happens to the queues, whatever is asked. */
async function theRuntimeDoesIt() {
  const workspace = await newWorkspace()
  await workspace.ok('pause')
  await workspace.add('task', 'here')
  const daemon = await workspace.daemon()
  daemon.kill('SIGSTOP')
  const queues = () =>
    ['queue', 'active', 'done', 'blocked', 'cancelled'].map((state) => workspace.names(`tasks/${state}`))
  const before = queues()

  await workspace.ok('add-task', workspace.document('task', 'new'), '--no-wait')
  await workspace.ok('queue', 'cancel', 'here', '--no-wait')
  assert.deepEqual(queues(), before)
  assert.equal(workspace.names('state/mailbox/incoming').length, 2)

  daemon.kill('SIGCONT')
  await eventually('both are taken', () => workspace.names('state/mailbox/incoming').length === 0)
  assert.deepEqual(workspace.names('state/mailbox/failed'), [])
  assert.equal(workspace.has('tasks/queue/new.md'), true)
  assert.equal(workspace.has('tasks/queue/here.md'), false)
}
