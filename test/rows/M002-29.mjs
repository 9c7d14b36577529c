import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { start } from './parts/commands.mjs'
import { dieAt } from './parts/preloads.mjs'
import { newWorkspace, workspaceAt } from './parts/workspace.mjs'

/** Commands that move an item, after how many stages, from where to where, and before which of their calls they die. */
const MOVES = [
  {
    words: ['queue', 'cancel', 'work'],
    stages: 0,
    states: ['queued', 'cancelled'],
    dieOn: 'tasks/queue/work.md$|state/journal',
    crashesMin: 4,
  },
  { words: ['run', 'once'], stages: 0, states: ['queued', 'active'], dieOn: 'tasks/queue/work.md$', crashesMin: 2 },
  { words: ['run', 'once'], stages: 2, states: ['active', 'done'], dieOn: 'tasks/active/work.md$', crashesMin: 2 },
]
const AT_ONCE = 3

export const row = {
  id: 'M002-29',
  says: 'A crash in the midst of a queue move leaves the item where it was or where it goes: never nowhere, never twice.',

  async run() {
    const workspace = await newWorkspace()
    await workspace.add('task', 'work')
    let worked = 0
    for (const move of MOVES) {
      for (; worked < move.stages; worked++) await workspace.ok('run', 'once')
      await crashEverywhere(workspace, move)
    }
  },
}

/** Dies before the first call, the second, and so on, each time in a fresh copy, until a command comes to its end. */
async function crashEverywhere(workspace, { words, states, dieOn, crashesMin }) {
  const [{ text }] = copiesOf(workspace)
  let crashes = 0
  for (let first = 1; ; first += AT_ONCE) {
    const ends = await Promise.all(Array.from({ length: AT_ONCE }, (_, more) => crashOnce(first + more)))
    crashes += ends.filter((crashed) => crashed).length
    if (ends.includes(false)) break
  }
  assert.ok(crashes >= crashesMin, `${words.join(' ')} was crashed ${crashes} times only`)

  /** Whether it died; false once there is no such call. */
  async function crashOnce(call) {
    const copy = workspaceAt(`${workspace.root}-${call}`)
    cpSync(workspace.root, copy.root, { recursive: true, preserveTimestamps: true })
    const { code, signal } = await start('millrace', words, { cwd: copy.root, env: dieAt(call, dieOn) }).ended
    assert.ok(signal === 'SIGKILL' || code === 0, `${words.join(' ')} ended with ${code}`)
    const where = `${words.join(' ')}, killed before call ${call}`

    // What a reader sees of it at once, and what lies there when the next command has been through.
    const { items } = await copy.json('queue', 'ls', '--all')
    assert.equal(items.length, 1, where)
    assert.ok(states.includes(items[0].state), `${where}: ${items[0].state}`)
    await copy.ok('pause')
    const copies = copiesOf(copy)
    assert.equal(copies.length, 1, `${where}: ${copies.map((one) => one.file)}`)
    assert.equal(copies[0].text, text, where)
    rmSync(copy.root, { recursive: true })
    return signal === 'SIGKILL'
  }
}

/** Every file below the task folders that is the item. */
const copiesOf = (workspace) =>
  readdirSync(workspace.path('tasks'), { recursive: true })
    .filter((file) => /(^|\/)work\.[^/]*md$/.test(file))
    .map((file) => ({ file, text: readFileSync(workspace.path('tasks', file), 'utf8') }))
