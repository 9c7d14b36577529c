import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import path from 'node:path'
import { open, reached, waitAt } from './parts/gate.mjs'
import { newWorkspace, workspaceAt } from './parts/workspace.mjs'

/** What says when, and which process it was that wrote or runs: no two runtimes agree in it. */
const MOMENTS = ['updated_at', 'last_event', 'revision', 'runtime_process_id', 'runtime_since', 'runtime_host']
/** What says that there is a runtime. */
const RUNTIME = ['process_running', 'runtime_ownership_lock', 'activity', 'activity_reason', 'next_step']

export const row = {
  id: 'M002-24',
  says: 'Runs, queues and status live in files: without the runtime, in a copy, and under the next one status is the same.',

  async run() {
    const workspace = await newWorkspace({
      replies: [
        ...['builder', 'troubleshooter', 'consultant'].map((stage) => ({
          stage,
          item: 'hopeless',
          outcome: 'BLOCKED',
        })),
        { stage: 'checker', item: 'running', steps: [{ artifacts: true }, waitAt('checker')], outcome: 'CHECKER_PASS' },
      ],
    })
    await workspace.add('task', 'hopeless', { 'Created-At': '2026-03-01T00:00:00Z' })
    await workspace.add('task', 'running')
    await workspace.add('task', 'later', { 'Depends-On': ['running'] })
    const first = await workspace.daemon()
    await reached('checker')
    await workspace.ok('pause', '--reason', 'release day')
    const under = await statusOf(workspace)
    assert.equal(under.active_stage, 'checker')
    assert.deepEqual([under.pauses[0].reason, under.queue_depths.task.blocked], ['release day', 1])

    first.kill('SIGKILL')
    await first.ended
    const without = await statusOf(workspace)
    assert.deepEqual(omit(without, [...RUNTIME, ...MOMENTS]), omit(under, [...RUNTIME, ...MOMENTS]))
    const copy = workspaceAt(path.resolve('copy'))
    cpSync(workspace.root, copy.root, { recursive: true })
    assert.deepEqual(await statusOf(copy), without)
    rmSync(copy.root, { recursive: true })

    await workspace.daemon()
    const again = await statusOf(workspace)
    assert.deepEqual(omit(again, MOMENTS), omit(under, MOMENTS))
    assert.notEqual(again.runtime_process_id, under.runtime_process_id)

    open('checker')
    await workspace.ok('stop')
  },
}

/** Status, with the workspace’s own path left out of it. */
async function statusOf(workspace) {
  const { stdout } = await workspace.ok('status', '--json')
  return JSON.parse(stdout.replaceAll(workspace.root, '<workspace>'))
}

const omit = (value, keys) => Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)))
