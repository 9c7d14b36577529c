/** Failures of the surroundings (design §12, W-38): they wait and pause, they never use up what an item may fail. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Snapshot } from '../../src/core/state.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { Live } from '../rig/live.ts'
import { Rig } from '../rig/runtime.ts'

let rig: Rig
let aheadMs = 0
afterEach(() => {
  rig?.dispose()
  aheadMs = 0
})

const AGENTS = path.join(import.meta.dirname, '../agents')
const snapshot = () => rig.json<Snapshot>('state/runtime_snapshot.json')
const run = () => snapshot().active_runs[0]!
const counters = () => rig.json('state/recovery_counters.json').entries
const secondsUntil = (time: string) => (Date.parse(time) - Date.now() - aheadMs) / 1000

/** A workspace whose builder is played by another runner, with a clock that can be set forward. */
async function builderOn(runner: string, config: string, limits: object = {}): Promise<void> {
  rig = await Rig.create({
    config,
    clock: { ...systemClock, now: () => new Date(Date.now() + aheadMs) },
    mode: { recovery_limits: limits },
  })
  const mode = rig.json<{ stage_runner_bindings: Record<string, string> }>('modes/scripted.json')
  rig.mode({ stage_runner_bindings: { ...mode.stage_runner_bindings, builder: runner } })
  rig.addTask('task-a')
}

describe('W-38: a program that is not there', () => {
  const missing = () => `[runners.command]\ncommand = "agents/builder"\n`
  /** Puts the program there: it does what a builder owes. */
  const install = () => {
    const file = path.join(rig.root, 'agents/builder')
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(
      file,
      '#!/bin/sh\ncat >/dev/null\necho built >"$MILLRACE_RUN_DIR/builder_summary.md"\necho "### BUILDER_COMPLETE"\n',
    )
    fs.chmodSync(file, 0o755)
  }

  test('defers the stage with the time of the next try, and uses no budget', async () => {
    await builderOn('command', missing())
    const end = await rig.ticks(1)
    expect(end.last).toMatchObject({
      reason: 'environment_missing_binary',
      last: { result_class: 'recoverable_failure', failure_class: 'environment_missing_binary' },
    })
    expect(run()).toMatchObject({ node_id: 'builder', status: 'ready', environment_failures: 1, stage_runs: 0 })
    expect(secondsUntil(run().not_before!)).toBeGreaterThan(20)
    expect(counters()).toEqual([])
    expect(rig.log('stage_deferred')).toMatchObject([
      {
        node_id: 'builder',
        failure_class: 'environment_missing_binary',
        reason: expect.stringContaining('agents/builder'),
        attempt: 1,
        next_try_at: run().not_before,
      },
    ])
    expect(rig.log('router_decision')).toEqual([])
    expect(rig.read('state/execution_status.md')).toBe('### IDLE\n')
  })

  test('is not tried again before its time, and then with a growing wait', async () => {
    await builderOn('command', missing())
    const waits: number[] = []
    for (let attempt = 1; attempt <= 4; attempt++) {
      await rig.ticks(1)
      expect(rig.log('stage_started')).toHaveLength(attempt)
      waits.push(Math.round(secondsUntil(run().not_before!)))
      await rig.ticks(1)
      expect(rig.log('stage_started')).toHaveLength(attempt)
      aheadMs += waits.at(-1)! * 1000 + 1000
    }
    for (const [index, wait] of [30, 120, 300, 900].entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(wait * 0.8 - 2)
      expect(waits[index]).toBeLessThanOrEqual(wait * 1.2)
    }
    expect(rig.requests('builder')[3]!.previous_attempt).toMatchObject({ reason: 'environment_missing_binary' })
  })

  test('past the limit the runtime pauses itself with the reason and the time of the next try; then it goes on by itself', async () => {
    await builderOn('command', missing(), { environment_attempts_max: 2, environment_backoff_seconds: [30] })
    rig.addTask('task-b', { created_at: '2026-03-02T10:00:00Z' })
    await rig.ticks(1)
    expect(snapshot().pause_sources).toEqual([])
    aheadMs += 37_000
    await rig.ticks(1)
    expect(snapshot().pause_sources).toMatchObject([
      { source: 'environment', reason: expect.stringContaining('agents/builder'), until: run().not_before },
    ])
    expect(rig.log('runtime_paused')).toMatchObject([{ source: 'environment', until: run().not_before }])
    await rig.ticks(2)
    expect(rig.log('stage_started')).toHaveLength(2)
    install()
    aheadMs += 37_000
    await rig.work()
    expect(rig.log('runtime_resumed')).toMatchObject([{ source: 'environment', reason: 'its time has come' }])
    expect(rig.list('tasks/done')).toEqual(['task-a.md', 'task-b.md'])
    expect(snapshot().pause_sources).toEqual([])
  })

  test('a person who mended it says resume, and it is tried at once', async () => {
    await builderOn('command', missing(), { environment_attempts_max: 1 })
    const live = await Live.start(rig)
    await live.until('paused', () => rig.log('runtime_paused').length === 1)
    install()
    expect((await live.command('resume')).result).toMatchObject({ applied: true, detail: 'resumed' })
    await live.until('done', () => rig.list('tasks/done').length === 1)
    expect(rig.log('stage_deferred')).toHaveLength(1)
    await live.close()
  })

  test('an operator pause is not lifted by the time of the environment', async () => {
    await builderOn('command', missing(), { environment_attempts_max: 1, environment_backoff_seconds: [30] })
    await rig.ticks(1)
    await rig.issue('pause', { reason: 'mine' })
    aheadMs += 37_000
    expect(await rig.work()).toMatchObject({ exit_reason: 'idle', ticks: 1 })
    expect(snapshot().pause_sources).toMatchObject([{ source: 'operator', reason: 'mine' }])
    expect(rig.log('stage_started')).toHaveLength(1)
  })

  test('a stage that waits for its next try can be cancelled, or its item be moved away', async () => {
    await builderOn('command', missing())
    await rig.ticks(1)
    await rig.issue('cancel_run', { run_id: run().run_id })
    expect(rig.list('tasks/blocked')).toEqual(['task-a.md'])
    rig.addTask('task-b')
    await rig.ticks(1)
    fs.renameSync(rig.at('tasks/active/task-b.md'), rig.at('tasks/blocked/task-b.md'))
    await rig.ticks(1)
    expect(rig.log('run_withdrawn')).toMatchObject([{ work_item_id: 'task-b' }])
    expect(snapshot().active_runs).toEqual([])
  })

  test('once it works, the failures are forgotten', async () => {
    await builderOn('command', missing(), { environment_backoff_seconds: [1] })
    await rig.ticks(1)
    aheadMs += 2000
    install()
    await rig.ticks(1)
    expect(run()).toMatchObject({
      node_id: 'checker',
      environment_failures: 0,
      not_before: null,
      previous_attempt: null,
    })
  })
})

describe('W-38: a harness that reports trouble', () => {
  /** Imitates the Codex CLI, which reports the given error. */
  const failing = (message: string) =>
    `[runners.codex]\ncommand = ${JSON.stringify(process.execPath)}\nargs = [${JSON.stringify(path.join(AGENTS, 'codex.mjs'))}, "exec"]\nenv = { FAKE_CODEX = ${JSON.stringify(message)} }\n`

  test.each([
    ['auth', 'unexpected status 401 Unauthorized'],
    ['rate_limit', '429 Too Many Requests'],
    ['quota', "You've hit your usage limit."],
    ['network', 'stream disconnected before completion: error sending request'],
    ['overloaded', 'We are currently experiencing high demand'],
  ])('of %s defers the stage and uses no budget', async (cause, message) => {
    await builderOn('codex_cli', failing(message))
    await rig.ticks(1)
    expect(rig.log('stage_deferred')).toMatchObject([{ failure_class: `environment_${cause}` }])
    expect(counters()).toEqual([])
    expect(run()).toMatchObject({ node_id: 'builder', status: 'ready', environment_failures: 1 })
  })

  test('a limit that says when it ends is tried again then', async () => {
    await builderOn('codex_cli', failing("You've hit your usage limit. Try again in 2 hours 5 minutes."))
    await rig.ticks(1)
    expect(secondsUntil(run().not_before!)).toBeGreaterThan(2 * 3600)
    expect(secondsUntil(run().not_before!)).toBeLessThan(2 * 3600 + 307)
  })

  test.each([
    ['an option it does not know', "error: unexpected argument '--json' found", 'wrong_version'],
    ['a folder it does not trust', 'Not inside a trusted directory', 'refused_permission'],
    ['a full disk', 'No space left on device (os error 28)', 'disk'],
  ])('of %s defers the stage as well', async (_title, message, cause) => {
    await builderOn('codex_cli', failing(message))
    await rig.ticks(1)
    expect(rig.log('stage_deferred')).toMatchObject([{ failure_class: `environment_${cause}` }])
    expect(rig.log('runner_waiting')).toEqual([])
    expect(counters()).toEqual([])
  })

  test('a failure that is none of the surroundings uses the budget of the item', async () => {
    await builderOn('codex_cli', failing('the model refused'))
    await rig.ticks(1)
    expect(rig.log('stage_deferred')).toEqual([])
    expect(rig.log('router_decision')).toMatchObject([{ next_node_id: 'troubleshooter' }])
    expect(counters()).toHaveLength(2)
  })
})
