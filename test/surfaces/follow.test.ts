/** Following a run: what is told of stages and agents as they go, when it waits and when it ends, and that it only reads. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { follow } from '../../src/operations/runs/runs.ts'
import type { FollowEnd, FollowRecord } from '../../src/operations/schemas/follow.ts'
import { contextIn, type TestContext } from '../rig/context.ts'
import { Live, until } from '../rig/live.ts'
import { Rig, reply } from '../rig/runtime.ts'

const rigs: Rig[] = []
const lives: Live[] = []
afterEach(async () => {
  for (const live of lives.splice(0)) await live.close()
  for (const rig of rigs.splice(0)) rig.dispose()
})

async function rigWith(replies: Parameters<Rig['replies']>[0]): Promise<Rig> {
  const rig = await Rig.create({ replies })
  rigs.push(rig)
  return rig
}

async function start(rig: Rig): Promise<Live> {
  const live = await Live.start(rig)
  lives.push(live)
  return live
}

/** Somebody who follows, until the end or until told that it is enough. */
function follower(rig: Rig, input: Parameters<typeof follow.run>[1] = {}) {
  let enough = (): void => {}
  let isOver = false
  const context: TestContext = contextIn(rig.root, {
    onSignal: (listener) => {
      enough = () => listener('SIGINT')
      return () => {}
    },
  })
  const end = follow.run(context, input).finally(() => {
    isOver = true
  })
  end.catch(() => {})
  const told = context.told as FollowRecord[]
  return {
    told,
    end,
    interrupt: () => enough(),
    heard: (text: string) => until(`a record with ${text}`, () => isOver || JSON.stringify(told).includes(text)),
  }
}

const events = (told: readonly FollowRecord[]) => told.map(({ event }) => event)
/** Lines the scripted agent printed. */
const texts = (told: readonly FollowRecord[]) =>
  told.flatMap((one) => (one.event === 'output' ? [one.text.replace('· ', '')] : []))
const stages = (told: readonly FollowRecord[]) =>
  told.flatMap((one) => (one.event === 'stage_ended' ? [`${one.node_id} ${one.outcome}`] : []))

async function allFit(records: readonly object[]): Promise<void> {
  const schema = z.fromJSONSchema((await follow.output()) as Parameters<typeof z.fromJSONSchema>[0])
  for (const record of records) {
    const checked = schema.safeParse(JSON.parse(JSON.stringify(record)))
    expect(checked.success ? '' : `${JSON.stringify(record)}: ${z.prettifyError(checked.error)}`).toBe('')
  }
}

const say = (text: string) => ({ say: text })
const wait = (ms: number) => ({ wait_ms: ms })
const WAY = [
  reply('builder', 'BUILDER_COMPLETE', { steps: [say('building'), wait(1500), say('built'), { artifacts: true }] }),
  reply('checker', 'CHECKER_PASS', { steps: [say('checking'), { artifacts: true }] }),
  reply('updater', 'UPDATE_COMPLETE', { steps: [{ artifacts: true }] }),
]

describe('following', () => {
  it('waits for a run, tells its stages and what their agents say as it goes, and ends with it', async () => {
    const rig = await rigWith(WAY)
    const seen = follower(rig)
    await seen.heard('no runtime is at work')
    await start(rig)
    rig.addTask('T-1')
    const end = await seen.end
    expect(end).toMatchObject({ end: { reason: 'run_ended', state: 'complete', stages: 3 } })
    const told = seen.told.filter(({ event }) => event !== 'progress')
    expect(events(told).slice(0, 2)).toEqual(['waiting', 'run'])
    expect(told[1]).toMatchObject({ work_item_kind: 'task', work_item_id: 'T-1', plane: 'execution', state: 'active' })
    expect(stages(told)).toEqual(['builder BUILDER_COMPLETE', 'checker CHECKER_PASS', 'updater UPDATE_COMPLETE'])
    const said = texts(told)
    expect(said.filter((text) => ['building', 'built', 'checking'].includes(text))).toEqual([
      'building',
      'built',
      'checking',
    ])
    // Each stage begins, then its agent speaks, then it ends.
    const order = told.flatMap((one) => ('node_id' in one ? [`${one.node_id} ${one.event}`] : []))
    expect(order.indexOf('builder stage_started')).toBeLessThan(order.indexOf('builder output'))
    expect(order.lastIndexOf('builder output')).toBeLessThan(order.indexOf('builder stage_ended'))
    expect(order.indexOf('builder stage_ended')).toBeLessThan(order.indexOf('checker stage_started'))
    // A stage that is over before anybody looked at it says nothing of when; the builder takes its time.
    for (const record of told)
      if (record.event === 'output' && record.node_id === 'builder') expect(record.at).not.toBeNull()
    await allFit([...seen.told, end])
  })

  it('tells of what lay there before in brief, or with --since-start in full', async () => {
    const rig = await rigWith([])
    rig.replies([
      reply('builder', 'BUILDER_COMPLETE', { steps: [say('long ago'), { artifacts: true }] }),
      reply('checker', 'CHECKER_PASS', {
        steps: [...Array.from({ length: 30 }, (_, at) => say(`line ${at}`)), wait(30_000)],
      }),
    ])
    rig.addTask('T-1')
    const live = await start(rig)
    await live.agent('checker')
    await until('all that it says', () => {
      const [request] = rig.requests('checker')
      return rig.read('runs', request!.run_id, `runner_stdout.${request!.request_id}.txt`).includes('line 29')
    })
    const brief = follower(rig, { current: true })
    await brief.heard('line 29')
    brief.interrupt()
    const end = await brief.end
    expect(end.end).toMatchObject({ reason: 'interrupted', state: 'active', stages: 1 })
    const told = brief.told.filter(({ event }) => event !== 'progress')
    expect(events(told).slice(0, 4)).toEqual(['run', 'stage_ended', 'stage_started', 'skipped'])
    expect(told.find((one) => one.event === 'skipped')).toMatchObject({ count: 21, node_id: 'checker' })
    expect(texts(told)).toEqual(Array.from({ length: 10 }, (_, at) => `line ${at + 20}`))
    expect(told.every((one) => one.event !== 'output' || one.at === null)).toBe(true)

    const whole = follower(rig, { run_id: brief.told[0]!.run_id!, since_start: true })
    await whole.heard('line 29')
    whole.interrupt()
    await whole.end
    expect(texts(whole.told)).toContain('long ago')
    expect(texts(whole.told).filter((text) => text.startsWith('line'))).toHaveLength(30)
    await allFit([...brief.told, ...whole.told, end])
  })

  it('of a run that is over tells each stage and ends at once, and changes no file', async () => {
    const rig = await rigWith(WAY)
    rig.addTask('T-1')
    await rig.work()
    const files = () =>
      (fs.readdirSync(rig.root, { recursive: true }) as string[])
        .map((name) => [name, fs.statSync(path.join(rig.root, name)).mtimeMs])
        .sort()
    const before = files()
    const [runId] = rig.list('runs')
    const seen = follower(rig, { run_id: runId!.slice(0, 12) })
    expect((await seen.end).end).toMatchObject({ reason: 'run_ended', run_id: runId, state: 'complete', stages: 3 })
    expect(events(seen.told)).toEqual(['run', 'stage_ended', 'stage_ended', 'stage_ended'])
    expect(files()).toEqual(before)
  })

  it('says that a stage was cut short, goes on with the next attempt, and why nothing goes on meanwhile', async () => {
    const rig = await rigWith([
      reply('builder', 'BUILDER_COMPLETE', { steps: [say('first try'), wait(30_000)] }),
      ...WAY.slice(1),
    ])
    rig.addTask('T-1')
    const first = await Live.start(rig)
    await first.agent('builder')
    const seen = follower(rig)
    await seen.heard('first try')
    await first.close()
    await seen.heard('no runtime is at work')
    expect(stages(seen.told)).toEqual(['builder null'])
    rig.replies(WAY)
    await start(rig)
    expect((await seen.end).end).toMatchObject({ reason: 'run_ended', state: 'complete' })
    expect(stages(seen.told)).toEqual([
      'builder null',
      'builder BUILDER_COMPLETE',
      'checker CHECKER_PASS',
      'updater UPDATE_COMPLETE',
    ])
    await allFit(seen.told)
  })

  it('can be done with a broken configuration, as the agent goes on with the one it was started with', async () => {
    const rig = await rigWith([reply('builder', 'BUILDER_COMPLETE', { steps: [say('undisturbed'), wait(30_000)] })])
    rig.addTask('T-1')
    const live = await start(rig)
    await live.agent('builder')
    fs.writeFileSync(rig.at('millrace.toml'), 'nonsense = [')
    const seen = follower(rig)
    await seen.heard('undisturbed')
    seen.interrupt()
    expect((await seen.end).end.reason).toBe('interrupted')
    rig.config()
  })

  it('is refused for a run that there is not, and for a run and --current at once', async () => {
    const rig = await rigWith([])
    await expect(follower(rig, { run_id: 'run-nowhere' }).end).rejects.toMatchObject({ code: 'run_unknown' })
    await expect(follower(rig, { run_id: '../x' }).end).rejects.toMatchObject({ code: 'id_invalid' })
    await expect(follower(rig, { run_id: 'run-1', current: true }).end).rejects.toMatchObject({ code: 'usage' })
  })

  it('ends at once on Ctrl-C while it waits', async () => {
    const rig = await rigWith([])
    const seen = follower(rig)
    await seen.heard('no runtime is at work')
    seen.interrupt()
    const end: FollowEnd = await seen.end
    expect(end.end).toEqual({ reason: 'interrupted', run_id: null, state: null, stages: 0, token_usage: null })
  })
})
