/** A disk that is nearly full, or refuses what is asked of it: the runtime waits for room, and nothing is lost. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import { asMillraceError } from '../../src/core/errors.ts'
import type { Files } from '../../src/core/files.ts'
import { systemClock } from '../../src/engine/clock.ts'
import type { RunDaemonOutput } from '../../src/operations/run.ts'
import type { StatusOutput } from '../../src/operations/schemas/status.ts'
import { OPERATIONS } from '../../src/operations/table.ts'
import { faultyFiles, type Step } from '../../src/selftest/faulty-files.ts'
import { disk } from '../../src/store/files.ts'
import { contextIn } from '../rig/context.ts'
import { Live, until } from '../rig/live.ts'
import { enginePorts } from '../rig/ports.ts'
import { PACKAGE_ROOT, Rig, type RigOptions, reply, scriptedProgram } from '../rig/runtime.ts'

let rig: Rig
let live: Live | null = null
afterEach(async () => {
  await live?.close().catch(() => {})
  live = null
  rig?.dispose()
})

async function operate<T>(name: string, context = contextIn(rig.root), input = {}): Promise<T> {
  const operation = await OPERATIONS.find((one) => one.name === name)!.load()
  return operation.run(context, input) as Promise<T>
}

/** A step of an agent that goes on only when it is told to. */
const untilToldTo = (what: string) => ({ run: { command: `while [ ! -e told-to-${what} ]; do sleep 0.02; done` } })
const tell = (what: string) => fs.writeFileSync(path.join(rig.root, `told-to-${what}`), '')

describe('with less room on the disk than the floor', () => {
  const MIB = 1024 * 1024
  /** The floor where nothing else is configured. */
  const FLOOR_MIB = 200
  let freeBytes = 0
  /** How often the runtime has looked: once in each pass. */
  let looks = 0
  const measured: Files = {
    ...disk,
    freeBytes() {
      looks += 1
      return freeBytes
    },
  }
  const roomy = () => {
    freeBytes = FLOOR_MIB * MIB
  }
  const tight = () => {
    freeBytes = FLOOR_MIB * MIB - 1
  }

  async function workspace(options: RigOptions = {}): Promise<void> {
    rig = await Rig.create({ files: measured, ...options })
    rig.addTask('task-a')
  }
  const started = () => rig.log('stage_started').length
  const sources = async () => (await operate<StatusOutput>('status')).pause_sources

  test('no stage is started, and status says who pauses and why', async () => {
    tight()
    await workspace()
    expect(await rig.work()).toMatchObject({ exit_reason: 'idle' })
    expect(started()).toBe(0)
    expect(rig.list('tasks/queue')).toEqual(['task-a.md'])
    expect(await operate<StatusOutput>('status')).toMatchObject({
      paused: true,
      pause_sources: 'disk',
      pauses: [
        {
          source: 'disk',
          reason: expect.stringMatching(
            /^less than 200 MiB are free on the disk .*free_disk_floor_mib\); .millrace gc. says/,
          ),
          until: null,
        },
      ],
    })
  })

  test('is said once, however long it lasts', async () => {
    tight()
    await workspace()
    await rig.ticks(5)
    await rig.ticks(5)
    expect(rig.log('runtime_paused')).toEqual([
      { source: 'disk', reason: expect.stringContaining('200 MiB'), until: null },
    ])
  })

  test('a stage in flight goes on and is settled, the next one waits, and with room again work goes on by itself', async () => {
    roomy()
    await workspace({
      replies: [reply('builder', 'BUILDER_COMPLETE', { steps: [untilToldTo('build'), { artifacts: true }] })],
    })
    live = await Live.start(rig)
    const request = await live.agent('builder')
    tight()
    await live.until('the pause', () => rig.log('runtime_paused').length === 1)
    expect(live.engine.lanes.get(request)?.stop).toBe('none')
    tell('build')
    await live.until('the builder to be settled', () => rig.log('router_decision').length === 1)
    expect(rig.result(rig.requests('builder')[0]!)).toMatchObject({ terminal_result: 'BUILDER_COMPLETE' })
    const [looked, wanted] = [looks, 10]
    await live.until('more passes', () => looks >= looked + wanted)
    expect(rig.stages()).toEqual(['builder'])
    expect(await sources()).toBe('disk')
    roomy()
    await live.until('the task to be done', () => rig.list('tasks/done').length === 1)
    expect(rig.log('runtime_resumed')).toEqual([{ source: 'disk', reason: 'there is room again' }])
    expect(await sources()).toBe('none')
  })

  test('other pauses stay as they are: neither room nor a resume lifts what is not its own', async () => {
    tight()
    await workspace()
    await rig.ticks(1)
    await rig.issue('pause', { reason: 'mine' })
    expect((await sources()).split(',').sort()).toEqual(['disk', 'operator'])
    roomy()
    await rig.work()
    expect(await operate<StatusOutput>('status')).toMatchObject({
      pause_sources: 'operator',
      pauses: [{ source: 'operator', reason: 'mine' }],
    })
    tight()
    await rig.ticks(1)
    expect((await rig.issue('resume')).detail).toBe('resumed; still paused by disk')
    expect(await sources()).toBe('disk')
    expect(started()).toBe(0)
    roomy()
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  test('arrivals and commands are still taken in', async () => {
    tight()
    await workspace()
    live = await Live.start(rig)
    await live.until('the pause', () => rig.log('runtime_paused').length === 1)
    expect((await live.command('pause', { reason: 'mine' })).result).toMatchObject({ applied: true })
    expect(await sources()).toBe('operator,disk')
  })

  test('a floor of 0 starts stages on any disk', async () => {
    freeBytes = 0
    await workspace()
    const config = rig.at('millrace.toml')
    fs.writeFileSync(
      config,
      fs.readFileSync(config, 'utf8').replace('[runtime]\n', '[runtime]\nfree_disk_floor_mib = 0\n'),
    )
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect(rig.log('runtime_paused')).toEqual([])
  })

  test('the floor is exact: that much is enough', async () => {
    roomy()
    await workspace()
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })
})

describe('a disk that refuses in the middle of a run', () => {
  /** The error that calls of the runtime end with; its agents see the disk as it is. */
  let refusal: string | null = null
  /** Which calls; by default those that take room. */
  let isRefused = takesRoom
  let refused: Step[] = []
  /** Waits the runtime asked for while its disk refused, in milliseconds; they are cut short here. */
  let waits: number[] = []
  let notices: string[] = []
  afterEach(() => {
    refusal = null
    isRefused = takesRoom
    refused = []
    waits = []
  })

  /** The ports of a runtime on such a disk. */
  function ports() {
    const { files } = faultyFiles({
      fail(step) {
        if (refusal === null || !isRefused(step)) return null
        refused.push(step)
        return refusal
      },
    })
    const clock: Clock = {
      ...systemClock,
      after(ms, callback) {
        if (refusal === null) return systemClock.after(ms, callback)
        waits.push(ms)
        return systemClock.after(Math.min(ms, 10), callback)
      },
    }
    return { files, clock }
  }

  /** Waits until the agent of a stage is at work. */
  const atWork = (stage: string) =>
    until(`the ${stage}`, () => {
      const started = rig.log('stage_started').find((data) => data.stage === stage)
      return started !== undefined && rig.isHeard(started)
    })

  /** A daemon at work whose builder and checker end once they are told to; gives how it ends. */
  async function working(): Promise<{ end: Promise<RunDaemonOutput> }> {
    const replies = [
      reply('builder', 'BUILDER_COMPLETE', { steps: [untilToldTo('build'), { artifacts: true }] }),
      reply('checker', 'CHECKER_PASS', { steps: [untilToldTo('check'), { artifacts: true }] }),
    ]
    rig = await Rig.create({ replies })
    rig.addTask('task-a')
    const given = ports()
    const { runners } = enginePorts(rig.root, { packageRoot: PACKAGE_ROOT, scriptedAgent: scriptedProgram() }, given)
    const context = contextIn(rig.root, { ...given, runners })
    notices = context.notices
    const end = operate<RunDaemonOutput>('run daemon', context, { stop_when_idle: true })
    end.catch(() => {})
    await atWork('builder')
    return { end }
  }
  const backoffs = () => waits.filter((ms) => ms >= 500)

  test('for want of room is waited out with growing waits, said once each time, and the work ends when there is room', async () => {
    const { end } = await working()
    refusal = 'ENOSPC'
    tell('build')
    await until('ten tries', () => backoffs().length >= 10)
    expect(backoffs().slice(0, 10)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000])
    expect(rig.log('router_decision')).toEqual([])
    expect(notices).toEqual([
      `The disk is full: ${rig.at('state/journal.1.json')} (ENOSPC). The runtime waits and tries again by itself.`,
    ])
    refusal = null
    await atWork('checker')
    waits = []
    refusal = 'ENOSPC'
    tell('check')
    await until('three tries', () => backoffs().length >= 3)
    expect(backoffs().slice(0, 3)).toEqual([500, 1000, 2000])
    refusal = null
    expect(await end).toMatchObject({ exit_reason: 'idle' })
    expect(notices).toEqual([notices[0], notices[0]])
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect(rig.log('stage_completed').map((data) => data.failure_class ?? null)).toEqual([null, null, null])
  })

  test('with an error that is no refusal ends the daemon with one sentence, and the next one carries on', async () => {
    const { end } = await working()
    isRefused = ({ operation, path: file }) => operation === 'write' && /journal/.test(file)
    refusal = 'EACCES'
    tell('build')
    const error = asMillraceError(await end.then(String, (thrown: unknown) => thrown))
    expect(error).toMatchObject({
      code: 'workspace_unwritable',
      message: `Permission denied: ${rig.at('state/journal.1.json')} (EACCES).`,
    })
    expect(notices).toEqual([])
    expect(backoffs()).toEqual([])
    refusal = null
    tell('check')
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect(rig.requests('builder')).toHaveLength(1)
  })

  test('for good tells what ended the daemon, not what then fails as well', async () => {
    const { end } = await working()
    isRefused = ({ operation, path: file }) =>
      `${operation} ${file}`.match(/^write .*journal|runtime_daemon.lock/) !== null
    refusal = 'EPERM'
    tell('build')
    const error = asMillraceError(await end.then(String, (thrown: unknown) => thrown))
    expect(error.message).toMatch(/^Operation not permitted: .*journal.*$/)
    expect(refused.some(({ path: file }) => /runtime_daemon.lock/.test(file))).toBe(true)
  })

  test('to let an agent be started puts the stage off, and uses none of what the work may fail', async () => {
    const given = ports()
    rig = await Rig.create({ ...given, mode: { recovery_limits: { environment_backoff_seconds: [1] } } })
    rig.addTask('task-a')
    isRefused = ({ path: file }) => /runner_prompt/.test(file)
    refusal = 'ENOSPC'
    await rig.ticks(1)
    expect(rig.log('stage_deferred')).toMatchObject([
      {
        failure_class: 'environment_disk',
        reason: expect.stringMatching(/^The disk is full: .*runner_prompt.*\(ENOSPC\)\.$/),
      },
    ])
    expect(rig.json('state/recovery_counters.json').entries).toEqual([])
    refusal = null
    await new Promise((resolve) => setTimeout(resolve, 1100)) // until its next try is due
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })
})

/** What a full disk refuses: whatever would need more of it. */
function takesRoom({ operation }: Step): boolean {
  return ['write', 'append', 'makeFolder', 'link', 'rename'].includes(operation)
}
