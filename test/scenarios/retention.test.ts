/** Removing what old runs left: on the command line, by a daemon asked to, by a daemon's own policy, and on a full disk. */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Context } from '../../src/operations/context.ts'
import { gc } from '../../src/operations/gc.ts'
import { ls, trace } from '../../src/operations/runs/runs.ts'
import type { GcOutput } from '../../src/operations/schemas/gc.ts'
import { usage } from '../../src/operations/usage/usage.ts'
import { why } from '../../src/operations/why/why.ts'
import { disk } from '../../src/store/files.ts'
import { contextIn } from '../rig/context.ts'
import { Live } from '../rig/live.ts'
import { Rig, type RigOptions, reply } from '../rig/runtime.ts'

let rig: Rig
let live: Live | null = null
const MIB = 1024 * 1024

afterEach(async () => {
  await live?.close()
  live = null
  rig.dispose()
})

/** A task that is done and one that is blocked, each with a run of 100 days ago. */
async function worked(options: RigOptions = {}): Promise<{ done: string; blocked: string }> {
  rig = await Rig.create({
    ...options,
    config: `[retention]\nruns_keep = 0\n${options.config ?? ''}`,
    replies: ['checker', 'troubleshooter', 'consultant'].map((stage) => reply(stage, 'BLOCKED', { item: 'stuck' })),
  })
  rig.addTask('fine')
  await rig.work()
  rig.addTask('stuck')
  await rig.work()
  // So that status shows the results of others.
  rig.addTask('last')
  await rig.work()
  for (const run of rig.list('runs')) if (run !== runOf('last')) age(run)
  return { done: runOf('fine'), blocked: runOf('stuck') }
}

const runOf = (item: string): string =>
  String(rig.log('stage_started').find((data) => data.work_item_id === item)!.run_id)

/** Puts every file of a run back by so many days. */
function age(run: string, days = 100): void {
  const past = new Date(Date.now() - days * 86_400_000)
  for (const name of fs.readdirSync(rig.at('runs', run), { recursive: true }) as string[])
    fs.utimesSync(rig.at('runs', run, name), past, past)
}

const context = (more: Partial<Context> = {}) => contextIn(rig.root, more)
const apply = (more: Partial<Context> = {}, input = {}): Promise<GcOutput> =>
  gc.run(context({ apply: true, ...more }), input)
const reasons = ({ entries }: GcOutput) =>
  Object.fromEntries(entries.filter(({ kind }) => kind === 'run').map(({ name, reason }) => [name, reason]))

test('a preview says what goes and what stays and why, and removes nothing', async () => {
  const { done, blocked } = await worked()
  const before = rig.list('runs')
  const answer = await gc.run(context(), {})
  expect(answer).toMatchObject({ state: 'preview', applied: false, mode: 'direct', count: 1 })
  expect(reasons(answer)).toEqual({ [done]: 'older_than', [blocked]: 'unfinished_item' })
  expect(answer.bytes).toBeGreaterThan(1000)
  expect(rig.list('runs')).toEqual(before)
  expect(rig.log('gc_applied')).toEqual([])
})

test('what may go is gone for good, and what stays still answers', async () => {
  const { done, blocked } = await worked()
  const used = await usage.run(context(), { by: ['day', 'item'] })
  const answer = await apply()
  expect(answer).toMatchObject({ state: 'applied', applied: true, mode: 'direct', count: 1, detail: '1 thing removed' })
  expect(rig.list('runs')).toEqual([blocked, runOf('last')].sort())
  expect(rig.list('state', 'trash')).toEqual([])
  expect(rig.log('gc_removed')).toMatchObject([{ kind: 'run', names: [done], bytes: answer.bytes }])
  expect(rig.log('gc_applied')).toMatchObject([{ by: 'operator', removed: { run: { count: 1, bytes: answer.bytes } } }])
  expect((await ls.run(context(), {})).run_count).toBe(2)
  expect(await why.run(context(), { subject: 'stuck' })).toMatchObject({ subject: { run_id: blocked } })
  expect((await trace.run(context(), { run_id: blocked })).run_id).toBe(blocked)
  expect(await usage.run(context(), { by: ['day', 'item'] })).toEqual(used)
  // Once more there is nothing left to do.
  expect(await apply()).toMatchObject({ applied: true, count: 0, detail: 'nothing was to go' })
})

test('options stand in for the limits of the config, for one call', async () => {
  const { done } = await worked({ config: 'runs_days = 0\n' })
  expect((await gc.run(context(), {})).count).toBe(0)
  expect((await gc.run(context(), { older_than: '200d' })).count).toBe(0)
  expect(reasons(await gc.run(context(), { older_than: '3w' }))[done]).toBe('older_than')
  expect(reasons(await gc.run(context(), { keep: 1 }))[done]).toBe('beyond_count')
  expect((await gc.run(context(), { keep: 3 })).count).toBe(0)
  expect((await gc.run(context(), { keep: 3, older_than: '1d' })).count).toBe(0)
  fs.writeFileSync(rig.at('runs', done, `runner_stdout.${'x'.repeat(8)}.txt`), 'x'.repeat(3 * MIB))
  age(done)
  expect(reasons(await gc.run(context(), { max_size: '2MiB' }))[done]).toBe('beyond_size')
  for (const older_than of ['0d', '12', '-1d', '5y', 'x'].filter((one) => one !== '12'))
    await expect(gc.run(context(), { older_than })).rejects.toMatchObject({ code: 'usage' })
})

test('a run in which somebody left a file stays, and says so', async () => {
  const { done } = await worked()
  fs.writeFileSync(rig.at('runs', done, 'my notes.txt'), 'keep this')
  fs.writeFileSync(rig.at('runs', done, 'stage_results', 'copy of it.json'), '{}')
  age(done)
  expect(reasons(await apply())[done]).toBe('has_foreign_files')
  expect(rig.exists('runs', done, 'my notes.txt')).toBe(true)
  fs.unlinkSync(rig.at('runs', done, 'my notes.txt'))
  expect(reasons(await apply())[done]).toBe('has_foreign_files')
  fs.unlinkSync(rig.at('runs', done, 'stage_results', 'copy of it.json'))
  expect((await apply()).count).toBe(1)
})

test('a run that a document of open work names stays', async () => {
  const { done } = await worked()
  rig.addTask('next', { references: [`millrace-agents/runs/${done}/builder_summary.md`], depends_on: ['never'] })
  expect(reasons(await apply())[done]).toBe('named_by_work')
  expect(rig.exists('runs', done)).toBe(true)
})

test('a plan goes with the last run that names it', async () => {
  const { done } = await worked()
  const plan = String(rig.json('runs', done, 'resolved_snapshot.json').compiled_plan_id)
  const other = rig.list('runs').filter((run) => run !== done)
  rig.config(`${rig.options.config}[stages.builder]\ntimeout_seconds = 77\n`)
  rig.addTask('fresh')
  await rig.work()
  expect(rig.list('state', 'plans')).toHaveLength(2)
  await apply()
  expect(rig.list('state', 'plans')).toContain(plan)
  for (const run of other) {
    fs.rmSync(rig.at('runs', run), { recursive: true })
  }
  expect((await apply()).summary).toContainEqual(
    expect.objectContaining({ kind: 'plan', goes: true, reason: 'unnamed' }),
  )
  expect(rig.list('state', 'plans')).toEqual([runPlan('fresh')])
})

const runPlan = (item: string) => String(rig.json('runs', runOf(item), 'resolved_snapshot.json').compiled_plan_id)

test('old parts of logs, old commands and what a killed command left go; the usage ledger does not', async () => {
  await worked({ config: 'logs_days = 30\n' })
  const past = new Date(Date.now() - 40 * 86_400_000)
  const old = (relative: string) => {
    rig.place(relative, '{}\n')
    fs.utimesSync(rig.at(relative), past, past)
  }
  const going = [
    'logs/runtime_events.20250101T000000Z.7.jsonl',
    'logs/daemon.20250101T000000Z.log',
    'state/mailbox/processed/pause-1.json',
    'state/mailbox/failed/pause-2.json',
  ]
  const staying = [
    'state/usage_governance_ledger.20250101T000000Z.7.jsonl',
    'state/mailbox/processed/notes.txt',
    'logs/mine.log',
    'logs/runtime_events.copy.jsonl',
  ]
  for (const file of [...going, ...staying]) old(file)
  const scratch = 'state/rescue-0123456789abcdef'
  rig.place(
    `${scratch}/owner.json`,
    JSON.stringify({ host: 'elsewhere', pid: 1, start_time: '1', boot_id: 'x', pid_namespace: 'y' }),
  )
  fs.utimesSync(rig.at(scratch, 'owner.json'), past, past)
  const answer = await apply()
  for (const file of going) expect(rig.exists(file), file).toBe(false)
  for (const file of staying) expect(rig.exists(file), file).toBe(true)
  expect(answer.entries.find(({ kind }) => kind === 'scratch')).toMatchObject({ goes: false, reason: 'in_use' })
})

test('a running daemon removes it while it works, and the command waits for it', async () => {
  const { done, blocked } = await worked()
  live = await Live.start(rig)
  const answer = await apply()
  expect(answer).toMatchObject({ state: 'applied', applied: true, mode: 'mailbox', count: 1 })
  expect(rig.list('runs')).not.toContain(done)
  expect(rig.list('runs')).toContain(blocked)
  rig.addTask('after')
  await live.until('the next task', () => rig.exists('tasks/done/after.md'))
})

test('a daemon follows its policy when it is told to, and not before', async () => {
  const { done } = await worked()
  live = await Live.start(rig)
  rig.addTask('one')
  await live.until('a task', () => rig.exists('tasks/done/one.md'))
  expect(rig.list('runs')).toContain(done)
  await live.close()
  rig.config(`${rig.options.config}automatic = true\n`)
  live = await Live.start(rig)
  await live.until('the run to go', () => !rig.exists('runs', done))
  await live.until('its end', () => rig.log('gc_applied').length > 0)
  expect(rig.log('gc_applied')).toMatchObject([{ by: 'policy' }])
  // The next round is a day away.
  rig.addTask('two')
  await live.until('another task', () => rig.exists('tasks/done/two.md'))
  expect(rig.view(({ snapshot }) => snapshot.retention)).toMatchObject({ asked: null, last: { by: 'policy' } })
  expect(rig.log('gc_applied')).toHaveLength(1)
})

test('on a disk that is nearly full a daemon removes first, and goes on once there is room', async () => {
  let done = ''
  const files = {
    ...disk,
    freeBytes: () => (done !== '' && fs.existsSync(rig.at('runs', done)) ? 10 : 10_000) * MIB,
  }
  done = (await worked({ files })).done
  rig.config(`${rig.options.config}automatic = true\n`)
  live = await Live.start(rig)
  rig.addTask('waits')
  await live.until('the task that waited', () => rig.exists('tasks/done/waits.md'))
  expect(rig.exists('runs', done)).toBe(false)
  expect(rig.log('gc_applied').at(-1)).toMatchObject({ by: 'disk' })
})

test('on a disk that is nearly full a daemon that may not remove says what would help', async () => {
  const files = { ...disk, freeBytes: () => 10 * MIB }
  rig = await Rig.create({ files })
  live = await Live.start(rig)
  await live.until('the pause', () => rig.view(({ snapshot }) => snapshot.pause_sources.length > 0))
  expect(rig.view(({ snapshot }) => snapshot.pause_sources[0]?.reason)).toContain('`millrace gc` says what may go')
})

test('what a killed runtime left half done is brought to its end by the next', async () => {
  const { done, blocked } = await worked()
  const context_ = context({ apply: true })
  const limits = { ...(await gc.run(context(), {})).limits }
  const engine = await rig.open()
  const { ask, collection } = await import('../../src/engine/collection.ts')
  const { Draft } = await import('../../src/core/changes.ts')
  const draft = new Draft(engine.workspace.view())
  ask(draft, engine.workspace.view(), 'operator', limits)
  await engine.commit(draft.finish())
  const { workspace, ports } = engine
  const host = { ports, files: ports.files, places: workspace.places, guardedFiles: workspace.guardedFiles }
  const round = collection(
    { ...host, view: () => workspace.view(), breathe: () => undefined },
    workspace.view().snapshot.retention!.asked!,
  )
  const first = await round.next()
  await engine.commit(first.value!(workspace.view()))
  await rig.close()
  expect(rig.exists('runs', done)).toBe(false)
  expect(rig.list('state', 'trash')).toHaveLength(1)
  expect((await ls.run(context_, {})).runs.map(({ run_id }) => run_id)).not.toContain(done)
  await rig.work()
  expect(rig.list('state', 'trash')).toEqual([])
  expect(rig.log('gc_applied')).toMatchObject([{ removed: { run: { count: 1 } } }])
  expect(rig.exists('runs', blocked)).toBe(true)
})

test('kept trees of finished work go by their age; one that nobody has taken back stays with its run', async () => {
  rig = await Rig.create({ config: '[retention]\nruns_keep = 0\nruns_days = 1\nhidden_refs_days = 1\n' })
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: rig.root, encoding: 'utf8' })
  git('init', '-q')
  fs.writeFileSync(path.join(rig.root, 'a.txt'), 'one')
  git('add', 'a.txt')
  git('commit', '-qm', 'first')
  rig.addTask('fine')
  await rig.work()
  // One whose first attempt is cut short, and which is then dropped.
  rig.replies([{ stage: 'builder', item: 'dropped', steps: [{ wait_ms: 60_000 }], outcome: null }])
  rig.addTask('dropped')
  live = await Live.start(rig)
  await live.agent('builder', 2)
  await rig.issue('cancel_run', { run_id: runOf('dropped') })
  await live.until('it to be blocked', () => rig.exists('tasks/blocked/dropped.md'))
  await live.close()
  live = null
  await rig.issue('cancel_work_item', { work_item_id: 'dropped' })
  rig.replies([])
  rig.addTask('last')
  await rig.work()
  const refs = () => git('for-each-ref', '--format=%(refname)', 'refs/millrace').split('\n').filter(Boolean)
  const of = (item: string) => refs().filter((ref) => ref.includes(runOf(item)))
  const before = { fine: of('fine').length, dropped: of('dropped').length }
  expect(before).toEqual({ fine: 3, dropped: 1 })
  for (const item of ['fine', 'dropped']) age(runOf(item))
  const later = { ...context().clock, now: () => new Date(Date.now() + 20 * 86_400_000) }
  const answer = await apply({ clock: later })
  expect(of('fine')).toEqual([])
  expect(of('dropped')).toHaveLength(1)
  expect(rig.exists('runs', runOf('dropped'))).toBe(true)
  expect(reasons(answer)[runOf('dropped')]).toBe('open_rescue')
  expect(rig.log('gc_applied')).toMatchObject([{ removed: { run: { count: 1 }, ref: { count: expect.any(Number) } } }])
})
