import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { eventually } from './parts/commands.mjs'
import { open, waitAt } from './parts/gate.mjs'
import { installHarness } from './parts/harnesses.mjs'
import { noNetwork } from './parts/preloads.mjs'
import { processesWith } from './parts/processes.mjs'
import { newWorkspace } from './parts/workspace.mjs'

/** State of a listening socket in /proc/net/tcp. */
const LISTENING = '0A'

export const row = {
  id: 'M000-01',
  says: 'A runtime in files around a raw harness: it works offline with a fake one, and nothing of it is a server.',

  async run() {
    const codex = installHarness('codex', [
      { stage: 'checker', steps: [waitAt('look'), { artifacts: true }], outcome: 'CHECKER_PASS' },
    ])
    const workspace = await newWorkspace({ runner: null })
    await workspace.add('task', 'work')

    const { env, tried } = noNetwork()
    Object.assign(process.env, env)
    const daemon = workspace.start('run', 'daemon', '--stop-when-idle')
    await eventually('the harness is at work on its second stage', () => codex.calls().length === 2)
    assert.deepEqual(processesWith(`HOME=${process.env.HOME}`).flatMap(listeningSockets), [])
    open('look')

    assert.equal((await daemon.ended).code, 0)
    assert.deepEqual(workspace.names('tasks/done'), ['work.md'])
    assert.equal(codex.calls().length, 3, 'every stage was the harness’s own')
    assert.equal(tried(), '', 'something tried to reach a network')
  },
}

/** Sockets of a process that wait for somebody to connect. */
function listeningSockets(pid) {
  const tables = ['tcp', 'tcp6'].map((name) => readFileSync(`/proc/${pid}/net/${name}`, 'utf8'))
  const rows = tables.flatMap((table) => table.split('\n').map((line) => line.trim().split(/\s+/)))
  const inodes = rows.filter((fields) => fields[3] === LISTENING).map((fields) => `socket:[${fields[9]}]`)
  const files = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
  return files.filter((file) => inodes.includes(file))
}
