/**
 * Real runtimes that are stopped (SIGSTOP) with an agent at work, and what an operator can do about them. One in a pid
 * namespace of its own is a runtime nothing can be proven of; where no namespace can be made, the store's own tests
 * (take-lock.test.ts, succession.test.ts) prove the same with an identity that says so.
 */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { processIdentity } from '../../src/runners/process.ts'
import { describeLock } from '../../src/store/lock.ts'
import { Daemon, pause, until } from '../rig/live.ts'
import { Rig } from '../rig/runtime.ts'

const rigs: Rig[] = []
const daemons: { pid: number; daemon: Daemon }[] = []
afterEach(async () => {
  for (const { pid, daemon } of daemons.splice(0)) {
    processIdentity.kill(pid, 'SIGKILL')
    daemon.child.kill('SIGKILL')
    await daemon.ended()
  }
  for (const rig of rigs.splice(0)) rig.dispose()
})

const LINUX_ONLY = { skip: process.platform !== 'linux', timeout: 60_000 }
const NAMESPACE = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']
const refusal = spawnSync(NAMESPACE[0]!, [...NAMESPACE.slice(1), 'true'], { encoding: 'utf8' })
const namespaces = refusal.status === 0
if (!namespaces)
  console.log(`no pid namespace can be made here (${refusal.stderr ?? refusal.error}): one story is left out`)

/** Text of every file below the runtime root. */
function everything(rig: Rig): Record<string, string> {
  const names = fs.readdirSync(rig.at(), { recursive: true, encoding: 'utf8' }).sort()
  const files = names.filter((name) => fs.lstatSync(rig.at(name)).isFile())
  return Object.fromEntries(files.map((name) => [name, fs.readFileSync(path.join(rig.at(), name), 'utf8')]))
}

/** A runtime whose builder works for a minute the first time it is asked, stopped in the middle of that. */
async function stoppedDaemon(within: readonly string[] = []): Promise<{ rig: Rig; daemon: Daemon; pid: number }> {
  const rig = await Rig.create({
    replies: [{ stage: 'builder', steps: [{ wait_ms: 60_000 }], outcome: 'BUILDER_COMPLETE' }],
  })
  rigs.push(rig)
  rig.addTask('task-a')
  const daemon = new Daemon(rig, within)
  const child = daemon.child.pid!
  daemons.push({ pid: child, daemon })
  await daemon.agent('builder')
  const pid =
    within.length === 0 ? child : Number(fs.readFileSync(`/proc/${child}/task/${child}/children`, 'latin1').trim())
  daemons.at(-1)!.pid = pid
  process.kill(pid, 'SIGSTOP')
  await until('the runtime to stop', () => fs.readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') T '))
  return { rig, daemon, pid }
}

describe('a runtime that is stopped', LINUX_ONLY, () => {
  test('is not taken over, however long it sleeps; --force kills it, sees it dead, and goes on', async () => {
    const { rig, daemon, pid } = await stoppedDaemon()
    const before = everything(rig)
    await pause(1000)
    expect(rig.lock()).toMatchObject({ state: 'active', provable: true, holder: { pid } })
    await expect(rig.ticks(1)).rejects.toMatchObject({ code: 'lock_held', message: expect.stringContaining(`${pid}`) })
    await expect(rig.issue('clear_stale_state', {}, 1)).rejects.toMatchObject({ code: 'wait_elapsed' })
    const now = everything(rig)
    for (const name of Object.keys(now)) if (name.includes('mailbox')) delete now[name]
    expect(now).toEqual(before)
    const issued = await rig.issue('clear_stale_state', {}, 10, { force: true })
    expect(issued).toMatchObject({ mode: 'direct', applied: true })
    expect(issued.detail).toContain(`taken over from a dead runtime (process ${pid} is`)
    await daemon.ended()
    expect(daemon.child.signalCode).toBe('SIGKILL')
    expect(rig.lock().state).toBe('released')
    expect(rig.log('runtime_lock_taken_over')).toEqual([{ state: 'stale' }])
  })
})

describe('a runtime in another pid namespace', { ...LINUX_ONLY, skip: !namespaces }, () => {
  test('is succeeded by --force alone, which says that nothing was proven; woken, it ends and has changed nothing', async () => {
    const { rig, daemon, pid } = await stoppedDaemon(NAMESPACE)
    const held = rig.lock()
    expect(held).toMatchObject({ state: 'active', provable: false, holder: { pid: 1 } })
    expect(describeLock(held).sentence).toContain('whether it lives cannot be told from here')
    await expect(rig.ticks(1)).rejects.toMatchObject({ code: 'lock_held' })
    await expect(rig.issue('clear_stale_state', {}, 1)).rejects.toMatchObject({ code: 'wait_elapsed' })

    const issued = await rig.issue('clear_stale_state', {}, 10, { force: true })
    expect(issued).toMatchObject({
      mode: 'direct',
      applied: true,
      detail: expect.stringContaining('unverified from process 1'),
    })
    expect(rig.log('runtime_lock_taken_over')).toEqual([{ state: 'active' }])
    expect(fs.existsSync(`/proc/${pid}`), 'nobody was killed').toBe(true)
    rig.replies([])
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect(rig.log('stage_started').map((data) => data.stage)).toEqual(['builder', 'builder', 'checker', 'updater'])
    expect(rig.log('stage_completed').map((data) => data.stage)).toEqual(['builder', 'checker', 'updater'])

    const before = everything(rig)
    process.kill(pid, 'SIGCONT')
    expect(await daemon.ended()).not.toBe(0)
    expect(daemon.complaint).toContain('Another runtime has taken over the workspace.')
    const after = everything(rig)
    const differing = Object.keys({ ...before, ...after }).filter((name) => before[name] !== after[name])
    const [request] = rig.requests('builder')
    // What the runner notes about its own dead agent lies under the name of that one request.
    expect(differing.filter((name) => !name.includes(request!.request_id))).toEqual([])
    expect(rig.lock().state).toBe('released')
  })
})
