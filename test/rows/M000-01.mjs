import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { eventually } from './commands.mjs'
import { open, waitAt } from './gate.mjs'
import { installHarness } from './harnesses.mjs'
import { processesWith } from './processes.mjs'
import { newWorkspace } from './workspace.mjs'

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

    const log = path.resolve('network.log')
    const preload = path.join(import.meta.dirname, 'no-network.mjs')
    Object.assign(process.env, { NODE_OPTIONS: `--import=${pathToFileURL(preload).href}`, NO_NETWORK_LOG: log })
    const daemon = workspace.start('run', 'daemon', '--stop-when-idle')
    await eventually('the harness is at work on its second stage', () => codex.calls().length === 2)
    assert.deepEqual(processesWith(`HOME=${process.env.HOME}`).flatMap(listeningSockets), [])
    open('look')

    assert.equal((await daemon.ended).code, 0)
    assert.deepEqual(workspace.names('tasks/done'), ['work.md'])
    assert.equal(codex.calls().length, 3, 'every stage was the harness’s own')
    assert.equal(existsSync(log), false, 'something tried to reach a network')
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
