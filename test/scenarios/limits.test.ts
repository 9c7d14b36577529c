/** Limits of providers: who waits for whom, until when, and how a stage goes on afterwards (design §9, §12). */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Counters, Snapshot } from '../../src/core/state.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { status } from '../../src/operations/status/status.ts'
import { contextIn } from '../rig/context.ts'
import { Daemon, until } from '../rig/live.ts'
import { Rig } from '../rig/runtime.ts'

let rig: Rig
let aheadMs = 0
afterEach(() => {
  rig?.dispose()
  aheadMs = 0
})

interface Call {
  stage: string
  resumed: string | null
  prompt: string
}

const snapshot = () => rig.json<Snapshot>('state/runtime_snapshot.json')
const run = () => snapshot().active_runs[0]!
const counters = () => rig.json<Counters>('state/recovery_counters.json').entries
const sessions = (...parts: string[]) => path.join(rig.root, 'sessions', ...parts)
const calls = (stage: string): Call[] =>
  fs
    .readFileSync(sessions('calls.jsonl'), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Call)
    .filter((call) => call.stage === stage)

const refuse = (message: string, forMs = 3_600_000) =>
  fs.writeFileSync(sessions('refusal.json'), JSON.stringify({ message, until_ms: Date.now() + forMs }))
const accept = () => fs.rmSync(sessions('refusal.json'))
const LIMIT = "You've hit your usage limit. Upgrade to Pro or try again in 2 hours."

/** A workspace whose given stages are run by a Codex whose provider may refuse work; `isTree` puts it under git. */
async function codexOn(stages: string[], { mode = {}, config = '', isTree = false } = {}): Promise<void> {
  const agent = JSON.stringify(path.join(import.meta.dirname, '../agents/limited.mjs'))
  rig = await Rig.create({ clock: { ...systemClock, now: () => new Date(Date.now() + aheadMs) } })
  fs.mkdirSync(sessions())
  rig.config(
    `[runners.codex]\ncommand = ${JSON.stringify(process.execPath)}\nargs = [${agent}, "exec"]\nenv = { FAKE_SESSIONS = ${JSON.stringify(sessions())} }\n${config}`,
  )
  const { stage_runner_bindings } = rig.json<{ stage_runner_bindings: Record<string, string> }>('modes/scripted.json')
  const bound = Object.fromEntries(stages.map((stage) => [stage, 'codex_cli']))
  const recovery_limits = { environment_backoff_seconds: [1] }
  rig.mode({ recovery_limits, ...mode, stage_runner_bindings: { ...stage_runner_bindings, ...bound } })
  if (isTree) {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: rig.root, stdio: 'ignore' })
    fs.writeFileSync(path.join(rig.root, '.gitignore'), 'sessions\nreplies.json\n')
    git('init', '--quiet')
    git('-c', 'user.name=T', '-c', 'user.email=t@example.invalid', 'commit', '--allow-empty', '--quiet', '-m', 'first')
  }
  rig.addTask('task-a')
}

describe('a used-up limit that ends in a few seconds', () => {
  test('is waited for: status says why and until when, a killed runtime changes nothing, and no budget is used', async () => {
    await codexOn(['builder'])
    refuse('exceeded retry limit, last status: 429 Too Many Requests, retry-after: 6', 6000)
    const endsMs = Date.now() + 6000
    const first = new Daemon(rig)
    await until('the wait', () => rig.log('stage_deferred').length === 1)
    const told = await status.run(contextIn(rig.root), {})
    expect(told).toMatchObject({
      activity: 'waiting',
      activity_reason: expect.stringMatching(/codex_cli .*refuses work: rate_limit \(.*429.*\); next try at /),
      paused: false,
      runner_waits: [{ runner_name: 'codex_cli', cause: 'rate_limit', until: run().not_before }],
    })
    expect(Date.parse(run().not_before!)).toBeGreaterThan(endsMs)
    expect(Date.parse(run().not_before!)).toBeLessThan(endsMs + 10_000)
    await first.kill()

    const second = new Daemon(rig)
    await until('the end', () => rig.list('tasks/done').length === 1, 40_000)
    await second.stop()
    const builders = rig.log('stage_started').filter((data) => data.stage === 'builder')
    expect(builders).toHaveLength(2)
    expect(rig.log('runner_ready')).toMatchObject([{ runner_name: 'codex_cli', cause: 'rate_limit' }])
    expect(rig.log('router_decision')[0]).toMatchObject({ next_node_id: 'checker', failure_class: null })
    expect(rig.log('stage_interrupted')).toEqual([])
    expect(counters()).toEqual([])
    expect(snapshot()).toMatchObject({ active_runs: [], runner_waits: [], pause_sources: [] })
  }, 60_000)
})

describe('a limit that one stage ran into', () => {
  test('holds for the other stages of its runner, while those of others go on', async () => {
    const concurrency_policy = { may_run_concurrently: [['execution', 'planning']] }
    await codexOn(['builder', 'planner'], { mode: { concurrency_policy } })
    refuse(LIMIT)
    await rig.ticks(1)
    expect(rig.log('runner_waiting')).toMatchObject([{ runner_name: 'codex_cli', model_name: null, cause: 'quota' }])
    rig.addSpec('spec-a', { source_type: 'derived_spec', parent_spec_id: 'spec-root' })
    rig.addIncident('incident-a')
    await rig.ticks(3)
    // The spec begins with the planner, which is not asked; the incident begins with the auditor, and stops at the planner.
    const started = rig.log('stage_started').map((data) => data.stage)
    expect(started).toEqual(['builder', 'auditor'])
    expect(rig.list('specs/queue')).toEqual(['spec-a.md'])
    accept()
    aheadMs += 2 * 3_600_000 + 10_000
    await rig.work()
    expect(calls('planner').length).toBeGreaterThan(0)
    expect(rig.list('tasks/done')).toContain('task-a.md')
  })

  test('is forgotten when a person says resume', async () => {
    await codexOn(['builder'])
    refuse(LIMIT)
    await rig.ticks(1)
    accept()
    expect(await rig.issue('resume')).toMatchObject({ applied: true, detail: 'resumed' })
    expect(snapshot().runner_waits).toEqual([])
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  test('is not believed for longer than eight days', async () => {
    await codexOn(['builder'])
    refuse("You've hit your usage limit. Try again in 900 days.")
    await rig.ticks(1)
    const waitDays = (Date.parse(run().not_before!) - Date.now()) / 86_400_000
    expect(waitDays).toBeGreaterThan(7.9)
    expect(waitDays).toBeLessThan(8.1)
  })
})

test('a snapshot that was written before runners could wait is read as one in which none does', async () => {
  rig = await Rig.create()
  rig.addTask('task-a')
  const { runner_waits: _, ...earlier } = snapshot()
  fs.writeFileSync(rig.at('state/runtime_snapshot.json'), JSON.stringify(earlier))
  expect(await status.run(contextIn(rig.root), {})).toMatchObject({ runner_waits: [] })
  expect((await rig.work(1)).ticks).toBe(1)
  expect(snapshot().runner_waits).toEqual([])
})

describe('after the wait', () => {
  const waited = async (meanwhile: () => void = () => {}) => {
    refuse(LIMIT)
    await rig.ticks(1)
    accept()
    meanwhile()
    aheadMs += 2 * 3_600_000 + 10_000
    await rig.ticks(1)
  }

  test('a stage goes on in its own session with a short prompt, and what the interrupted attempt used is counted with it', async () => {
    await codexOn(['builder'], { isTree: true })
    await waited()
    const [first, second] = rig.requests('builder')
    const session = rig.result(first!).metadata.session_id
    expect(second!.resume_session).toMatchObject({
      session_id: session,
      used_before: null,
      unchanged_tree: rig.result(first!).working_tree!.after,
    })
    expect(calls('builder')[1]).toMatchObject({ resumed: session })
    expect(calls('builder')[1]!.prompt).toMatch(/^Go on with stage builder where you left off/)
    expect(rig.result(second!)).toMatchObject({
      terminal_result: 'BUILDER_COMPLETE',
      metadata: { session_id: session },
      token_usage: { input_tokens: 200 },
    })
  })

  test('it begins anew with an account of what was done if somebody has touched the tree', async () => {
    await codexOn(['builder'], { isTree: true })
    await waited(() => fs.writeFileSync(path.join(rig.root, 'by-hand.txt'), 'edited\n'))
    const [, call] = calls('builder')
    expect(call!.resumed).toBeNull()
    expect(call!.prompt).toContain('- said: I began with the parser.\n- did: command_execution npm test\n')
    expect(call!.prompt).toContain('refs/millrace/rescue/')
    expect(rig.result(rig.requests('builder')[1]!).terminal_result).toBe('BUILDER_COMPLETE')
  })

  test.each([
    ['outside of git, where nobody can tell', { isTree: false }],
    ['where the config wants it so', { isTree: true, config: '[recovery]\nresume_sessions = false\n' }],
  ])('it begins anew %s', async (_title, options) => {
    await codexOn(['builder'], options)
    await waited()
    expect(rig.requests('builder')[1]!.resume_session).toBeNull()
    expect(calls('builder')[1]!.prompt).toContain('said: I began with the parser.')
  })

  test('it begins anew if the session is gone, at once and with no budget used', async () => {
    await codexOn(['builder'], { isTree: true })
    await waited(() => fs.rmSync(sessions(`${rig.result(rig.requests('builder')[0]!).metadata.session_id}.json`)))
    expect(calls('builder').map((call) => call.resumed === null)).toEqual([true, false, true])
    const [, gone, third] = rig.requests('builder')
    expect(rig.result(gone!).metadata.failure_class).toBe('session_gone')
    expect(third).toMatchObject({ resume_session: null, previous_attempt: { request_id: gone!.request_id } })
    expect(calls('builder')[2]!.prompt).toContain('said: I began with the parser.')
    expect(counters()).toEqual([])
    expect(run()).toMatchObject({ node_id: 'checker', interruptions: 0 })
  })
})

describe('a stage that the plan lets go on with the session of another', () => {
  const LOOP = ['builder', 'checker', 'fixer']
  const stage_session_bindings = { fixer: 'builder' }

  test('continues it, and what it used is told apart', async () => {
    await codexOn(LOOP, { mode: { stage_session_bindings } })
    fs.writeFileSync(sessions('outcomes.json'), JSON.stringify({ checker: 'FIX_NEEDED' }))
    await rig.ticks(3)
    const [builder] = rig.requests('builder')
    const [fixer] = rig.requests('fixer')
    const session = rig.result(builder!).metadata.session_id
    expect(calls('fixer')).toMatchObject([
      { resumed: session, prompt: expect.stringMatching(/^You carry out one stage/) },
    ])
    expect(calls('checker')).toMatchObject([{ resumed: null }])
    expect(fixer!.resume_session).toMatchObject({ session_id: session, used_before: { input_tokens: 100 } })
    expect(rig.result(fixer!).token_usage).toMatchObject({ input_tokens: 100, output_tokens: 10 })
  })

  test('gets an account of that work where the session is gone', async () => {
    await codexOn(LOOP, { mode: { stage_session_bindings } })
    fs.writeFileSync(sessions('outcomes.json'), JSON.stringify({ checker: 'FIX_NEEDED' }))
    await rig.ticks(2)
    fs.rmSync(sessions(`${rig.result(rig.requests('builder')[0]!).metadata.session_id}.json`))
    await rig.ticks(1)
    expect(calls('fixer').map((call) => call.resumed !== null)).toEqual([true, false])
    expect(calls('fixer')[1]!.prompt).toContain('said: I began with the parser.')
    expect(run().node_id).toBe('doublechecker')
    expect(counters().map((entry) => entry.counter_name)).toEqual(['fix_cycle_count'])
  })
})

describe('failures of the work that look like those of the surroundings', () => {
  test('a prompt that has outgrown the model has a class of its own, and uses the budget of the item', async () => {
    await codexOn(['builder'])
    refuse("Codex ran out of room in the model's context window. Start a new thread before retrying.")
    await rig.ticks(1)
    expect(rig.result(rig.requests('builder')[0]!).metadata).toMatchObject({
      failure_class: 'context_overflow',
      raw_ending: 'context_overflow',
      environment_cause: null,
    })
    expect(run()).toMatchObject({ node_id: 'troubleshooter', failure_class: 'context_overflow', not_before: null })
    expect(counters().length).toBeGreaterThan(0)
    expect(snapshot().runner_waits).toEqual([])
  })

  test('an agent that shows no sign of life is stopped, and its failure class says so', async () => {
    rig = await Rig.create({
      config: '[runners]\nstalled_after_seconds = 1\n',
      replies: [{ stage: 'builder', steps: [{ wait_ms: 60_000 }], outcome: 'BUILDER_COMPLETE' }],
    })
    rig.addTask('task-a')
    await rig.ticks(1)
    expect(rig.result(rig.requests('builder')[0]!)).toMatchObject({
      terminal_result: 'BLOCKED',
      metadata: { failure_class: 'runner_stalled', raw_ending: 'stalled' },
    })
    expect(run()).toMatchObject({ node_id: 'troubleshooter', failure_class: 'runner_stalled' })
  })
})
