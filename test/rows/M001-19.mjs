import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { documentText } from './parts/documents.mjs'
import { newWorkspace, workspaceAt } from './parts/workspace.mjs'

export const row = {
  id: 'M001-19',
  says: 'State and queues are files below millrace-agents/ and nothing else: copied, they are the same workspace elsewhere.',

  async run() {
    const workspace = await newWorkspace({ replies: [{ stage: 'builder', item: 'stuck', outcome: null }] })
    await workspace.add('task', 'done-already')
    await workspace.drain()
    // A document that lies in the folder is queued, whoever put it there.
    writeFileSync(workspace.path('tasks/queue/by-hand.md'), documentText('task', 'by-hand'))
    await workspace.add('task', 'stuck')
    await workspace.ok('control', 'pause', '--reason', 'moving house')

    mkdirSync('elsewhere')
    for (const name of ['millrace-agents', 'replies.json'])
      cpSync(path.join(workspace.root, name), path.join('elsewhere', name), { recursive: true })
    const elsewhere = workspaceAt(path.resolve('elsewhere'))
    const known = async (one) => ({
      items: (await one.json('queue', 'ls', '--all')).items.map(({ path: _, ...item }) => item),
      runs: (await one.json('runs', 'ls')).runs,
      pauses: (await one.json('status')).pauses,
    })
    assert.deepEqual(await known(elsewhere), await known(workspace))
    await elsewhere.ok('control', 'resume')
    await elsewhere.drain()
    assert.deepEqual(elsewhere.names('tasks/done').includes('by-hand.md'), true)

    // Nothing outside: not in the project, not in the home of the user.
    assert.deepEqual(readdirSync(workspace.root).sort(), ['.git', 'README.md', 'millrace-agents', 'replies.json'])
    assert.deepEqual(readdirSync(process.env.HOME), ['.gitconfig'])
  },
}
