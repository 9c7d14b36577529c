/**
 * A workspace with 5,000 runs in every state: `gc` keeps exactly what its rules say, counted here by an account of its
 * own, and what is kept still answers.
 */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterEach, expect, test } from 'vitest'
import { newDocument, renderDocument } from '../../src/core/document.ts'
import { limitsOf, RetentionConfig } from '../../src/core/retention-config.ts'
import { gc } from '../../src/operations/gc.ts'
import { ls, trace } from '../../src/operations/runs/runs.ts'
import { usage } from '../../src/operations/usage/usage.ts'
import { why } from '../../src/operations/why/why.ts'
import { seeded } from '../../src/selftest/virtual-clock.ts'
import { contextIn } from '../rig/context.ts'
import { Live } from '../rig/live.ts'
import { makeOldRuns, type OldRun, refOf, type Wanted, type Work } from '../rig/old-runs.ts'
import { endAll, startMillrace } from '../rig/program.ts'
import { Rig, reply, task } from '../rig/runtime.ts'

let rig: Rig
let live: Live | null = null
afterEach(async () => {
  await live?.close()
  live = null
  endAll()
  rig.dispose()
}, 120_000)

const LIMITS = { runs_days: 60, runs_max: 3000, runs_mib_max: 25, runs_keep: 50, hidden_refs_days: 30 }
const MIB = 1024 * 1024

/** A workspace whose one spec cannot be judged, so that its closure target stays open; and a task that was worked. */
async function begun(): Promise<string> {
  rig = await Rig.create({
    config: `[retention]\n${Object.entries(LIMITS)
      .map(([key, value]) => `${key} = ${value}`)
      .join('\n')}\n`,
  })
  rig.addTask('T-model')
  await rig.work()
  const model = rig.list('runs')[0]!
  const part = renderDocument(newDocument('task', { ...task('T-open'), spec_id: 'S-open' }))
  rig.replies([
    reply('manager', 'MANAGER_COMPLETE', {
      item: 'S-open',
      steps: [{ hand_in: { kind: 'task', id: 'T-open', text: part } }, { artifacts: true }],
    }),
    reply('arbiter', 'BLOCKED', { item: 'S-open' }),
  ])
  rig.addRootSpec('S-open')
  await rig.work()
  return model
}

/** By the number of the run alone: what it is to be. Ages come in no order. */
function wantedFor(count: number): Wanted[] {
  const works: Work[] = ['done', 'done', 'done', 'done', 'done', 'done', null, 'blocked', 'quarantine', 'done']
  return Array.from({ length: count }, (_, index): Wanted => {
    const itemNumber = Math.floor(index / 2) // two runs of each item
    const work = works[itemNumber % works.length]!
    const isOfOpen = itemNumber % 50 === 9
    return {
      item: `T-${itemNumber}`,
      work,
      plan: `plan-${Math.floor(((index * 7919) % count) / (count / 12))}`,
      // So that each age is there once, and plans belong to spans of age.
      ageDays: 1 + ((index * 7919) % count) * (119 / count),
      outputBytes: index % 100 === 3 ? 200_000 : (index * 37) % 500,
      root: isOfOpen ? 'S-open' : null,
      rescue: index % 40 === 12 ? (index % 80 === 12 ? 'open' : 'restored') : 'none',
      foreign: index % 60 === 0,
      isNamed: index % 500 === 20,
    }
  })
}

/** What has to stay, worked out from what was made, with no word of the code that decides it. */
function oracle(runs: readonly OldRun[], real: { id: string; bytes: number }[]) {
  const sorted = runs.toSorted((a, b) => a.ageDays - b.ageDays)
  let bytes = real.reduce((sum, one) => sum + one.bytes, 0)
  const staying = new Set(real.map(({ id }) => id))
  sorted.forEach((run, index) => {
    bytes += run.bytes
    const place = index + real.length // all real ones are younger
    const isAsked = run.ageDays > LIMITS.runs_days || place >= LIMITS.runs_max || bytes > LIMITS.runs_mib_max * MIB
    const isNeeded =
      place < LIMITS.runs_keep ||
      run.work === 'blocked' ||
      run.work === 'quarantine' ||
      run.root === 'S-open' ||
      run.isNamed ||
      run.foreign ||
      (run.rescue === 'open' && run.work === null)
    if (!isAsked || isNeeded) staying.add(run.id)
  })
  const refs = runs.filter((run) => {
    if (run.rescue === 'none') return false
    const isHeld = run.work === 'blocked' || run.work === 'quarantine' || (run.rescue === 'open' && run.work === null)
    return isHeld || run.ageDays <= LIMITS.hidden_refs_days
  })
  const plans = new Set(runs.filter(({ id }) => staying.has(id)).map(({ plan }) => plan))
  return { staying, plans, refs: refs.map(({ id }) => refOf(id)) }
}

const sizeOf = (folder: string): number =>
  (fs.readdirSync(folder, { recursive: true }) as string[])
    .map((name) => fs.statSync(`${folder}/${name}`))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0)

const refsOfRuns = (): string[] =>
  execFileSync('git', ['for-each-ref', '--format=%(refname)', 'refs/millrace/rescue'], {
    cwd: rig.root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((ref) => ref.includes('/run-'))

test('of 5,000 runs exactly those go that may, and the others still answer', { timeout: 400_000 }, async () => {
  const model = await begun()
  const real = rig.list('runs').map((id) => ({ id, bytes: sizeOf(rig.at('runs', id)) }))
  const runs = makeOldRuns(rig, model, wantedFor(5000), new Date())
  const own = rig.list('state', 'plans').filter((plan) => !plan.startsWith('plan-') || plan.length > 8)
  const context = contextIn(rig.root, { waitSeconds: 120 })
  const used = await usage.run(context, { by: ['day', 'item'] })
  const expected = oracle(runs, real)
  expect(expected.staying.size).toBeGreaterThan(500)
  expect(expected.staying.size).toBeLessThan(4500)

  const preview = await timed('preview', () => gc.run(context, {}))
  expect(rig.list('runs')).toHaveLength(5000 + real.length)
  const answer = await timed('gc --apply', () => gc.run({ ...context, apply: true }, {}))

  expect(new Set(rig.list('runs'))).toEqual(expected.staying)
  expect(new Set(rig.list('state', 'plans'))).toEqual(new Set([...expected.plans, ...own]))
  expect(new Set(refsOfRuns().filter((ref) => !real.some(({ id }) => ref.includes(id))))).toEqual(
    new Set(expected.refs),
  )
  expect(rig.list('state', 'trash')).toEqual([])
  const gone = runs.filter(({ id }) => !expected.staying.has(id))
  expect(sum(answer, 'run')).toEqual({ count: gone.length, bytes: gone.reduce((total, { bytes }) => total + bytes, 0) })
  expect(preview.count).toBe(answer.count)
  expect(preview.summary).toEqual(answer.summary)
  const reasons = new Set(preview.summary.filter(({ kind }) => kind === 'run').map(({ reason }) => reason))
  for (const reason of [
    'older_than',
    'beyond_size',
    'newest',
    'unfinished_item',
    'open_closure',
    'named_by_work',
    'open_rescue',
    'has_foreign_files',
  ])
    expect([...reasons, 'newest'], reason).toContain(reason)

  expect(await usage.run(context, { by: ['day', 'item'] })).toEqual(used)
  const listed = await timed('runs ls', () => ls.run(context, { limit: 0 }))
  expect(new Set(listed.runs.map(({ run_id }) => run_id))).toEqual(expected.staying)
  expect(listed.runs.filter(({ status }) => status === 'malformed')).toEqual([])
  const kept = runs.filter(({ id }) => expected.staying.has(id))
  for (const run of kept.filter((_, index) => index % 40 === 0)) {
    expect(await why.run(context, { subject: run.id })).toMatchObject({ subject: { run_id: run.id } })
    const traced = await trace.run(context, { run_id: run.id })
    expect(traced.run_id).toBe(run.id)
  }
  for (const run of kept.filter(({ work }) => work === 'blocked').slice(0, 10))
    expect(await why.run(context, { subject: run.item })).toMatchObject({ subject: { id: run.item, state: 'blocked' } })
  // Nothing is left for a second time.
  expect(await gc.run({ ...context, apply: true }, {})).toMatchObject({ applied: true, count: 0 })
})

test('a daemon goes on with its work while it removes thousands', { timeout: 400_000 }, async () => {
  const model = await begun()
  const runs = makeOldRuns(rig, model, wantedFor(2000), new Date())
  live = await Live.start(rig)
  await live.until('it to be idle', () => rig.log('runtime_tick_idle').length > 1)
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const limits = { ...limitsOf(RetentionConfig.parse({})), ...LIMITS }
  const began = performance.now()
  await live.command('collect_garbage', { limits })
  rig.addTask('meanwhile')
  const answers: number[] = []
  while (rig.view(({ snapshot }) => snapshot.retention?.asked ?? null) !== null) {
    answers.push((await live.command('pause')).ms, (await live.command('resume')).ms)
    if (performance.now() - began > 200_000) throw new Error('it takes too long')
  }
  delay.disable()
  console.info(
    `2,000 runs beside a daemon: ${Math.round(performance.now() - began)} ms; a command answered within ${Math.round(Math.max(...answers))} ms; longest hold ${Math.round(delay.max / 1e6)} ms, 99 of 100 within ${Math.round(delay.percentile(99) / 1e6)} ms`,
  )
  await live.until('the task', () => rig.exists('tasks/done/meanwhile.md'))
  // Who looks at the workspace sees a transaction that is still being applied to the files.
  await live.until('the account in the log', () => rig.log('gc_applied').length === 1)
  await live.until('an empty trash', () => rig.list('state', 'trash').length === 0)
  expect(rig.list('runs').length).toBeLessThan(runs.length)
  expect(Math.max(...answers)).toBeLessThan(5000)
})

test('a command that is killed anywhere and repeated comes to the end it would have come to', {
  timeout: 300_000,
}, async () => {
  const model = await begun()
  const real = rig.list('runs').map((id) => ({ id, bytes: sizeOf(rig.at('runs', id)) }))
  const runs = makeOldRuns(rig, model, wantedFor(600), new Date())
  const expected = oracle(runs, real)
  const whole = new Map(rig.list('runs').map((id) => [id, names(rig.at('runs', id))]))
  const seed = Date.now() % 1_000_000
  const chance = seeded(seed)
  let killed = 0
  for (let attempt = 0; attempt < 6; attempt++) {
    const { child, ended } = startMillrace(['gc', '--apply', '--json'], { cwd: rig.root })
    const timer = setTimeout(() => child.kill('SIGKILL'), 300 + chance() * 1500)
    const { status } = await ended
    clearTimeout(timer)
    if (status === null) killed += 1
    // Whatever is still seen of runs is whole.
    for (const id of rig.list('runs')) expect(names(rig.at('runs', id)), `${id}, seed ${seed}`).toEqual(whole.get(id))
  }
  const { status, stdout } = await startMillrace(['gc', '--apply', '--json'], { cwd: rig.root }).ended
  expect(status, stdout).toBe(0)
  console.info(`killed ${killed} times, seed ${seed}`)
  expect(new Set(rig.list('runs'))).toEqual(expected.staying)
  expect(rig.list('state', 'trash')).toEqual([])
  const told = rig.log('gc_removed').filter(({ kind }) => kind === 'run')
  const gone = told.flatMap((data) => data.names as string[])
  expect(new Set(gone).size, `seed ${seed}`).toBe(gone.length)
  expect(gone).toHaveLength(runs.length + real.length - expected.staying.size)
})

const names = (folder: string): string[] => (fs.readdirSync(folder, { recursive: true }) as string[]).sort()

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now()
  const answer = await work()
  console.info(`${what}: ${Math.round(performance.now() - began)} ms`)
  return answer
}

const sum = ({ summary }: Awaited<ReturnType<typeof gc.run>>, kind: string) => {
  const going = summary.filter((one) => one.kind === kind && one.goes)
  return {
    count: going.reduce((total, one) => total + one.count, 0),
    bytes: going.reduce((total, one) => total + one.bytes, 0),
  }
}
