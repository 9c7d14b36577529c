import assert from 'node:assert/strict'
import { commandsOn, page } from './parts/pages.mjs'
import { newWorkspace } from './parts/workspace.mjs'

const ORDER = ['health', 'status', 'why', 'logs', 'runs provenance']

export const row = {
  id: 'M002-145',
  says: 'The operator guide has the order in which to look, health first, and each of these commands answers.',

  async run() {
    const guide = await page('operator-guide')
    const first = /^```bash[^\n]*\n[\s\S]*?^```/m.exec(guide)[0]
    const commands = commandsOn(first)
    assert.deepEqual(
      commands.map((command) => ORDER.find((verb) => command === verb || command.startsWith(`${verb} `))),
      ORDER,
    )

    const workspace = await newWorkspace()
    await workspace.add('task', 'work')
    await workspace.drain()
    const [run] = await workspace.runIds()
    for (const command of commands) {
      const { stdout } = await workspace.ok(...command.replace('RUN', run).split(' '))
      assert.ok(stdout.length > 0, `${command} says nothing`)
    }
  },
}
