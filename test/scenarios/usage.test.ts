/** Money under control: what stages use is recorded once, and rules over it pause, stop and block (spec 02 §10.2). */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { makeLook } from '../../src/cli/look.ts'
import { status as rendered } from '../../src/cli/render/status.ts'
import type { LedgerLine } from '../../src/core/ledger.ts'
import type { Snapshot } from '../../src/core/state.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { monitor } from '../../src/engine/monitor.ts'
import { Status } from '../../src/operations/schemas/status.ts'
import { status } from '../../src/operations/status/status.ts'
import { contextIn } from '../rig/context.ts'
import { Daemon, killAgent, Live, until } from '../rig/live.ts'
import { Rig, reply } from '../rig/runtime.ts'

let rig: Rig
let aheadMs = 0
afterEach(() => {
  rig?.dispose()
  aheadMs = 0
})

const HOUR = 3_600_000
const SPENDER = path.join(import.meta.dirname, '../agents/spender.mjs')
const snapshot = () => rig.json<Snapshot>('state/runtime_snapshot.json')
const pause = () => snapshot().pause_sources.find(({ source }) => source === 'usage_governance')
const ledger = (): LedgerLine[] =>
  rig.exists('state/usage_governance_ledger.jsonl')
    ? rig
        .read('state/usage_governance_ledger.jsonl')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as LedgerLine)
    : []
/** What the agent did before it ended or was stopped. */
const steps = () => fs.readFileSync(path.join(rig.root, 'spent.log'), 'utf8').split('\n').slice(0, -1).map(Number)

type Rule = Partial<Record<'rule_id' | 'window' | 'metric' | 'enforcement', string>> & { threshold: number }

const rulesOf = (rules: Rule[], more = ''): string =>
  [
    '[usage_governance]\nenabled = true',
    more,
    ...rules.map((rule) => {
      const keys = { rule_id: 'the-rule', window: 'rolling_5h', ...rule }
      const lines = Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
      return `[[usage_governance.runtime_token_rules.rules]]\n${lines.join('\n')}`
    }),
  ].join('\n')

/** A workspace whose builder is played by an agent that spends, with a clock that can be set forward. */
async function spending(env: Record<string, string>, rules = '', limits: object = {}): Promise<void> {
  const table = Object.entries(env).map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
  const codex = `[runners.codex]\ncommand = ${JSON.stringify(process.execPath)}\nargs = [${JSON.stringify(SPENDER)}, "exec"]\nenv = { ${table.join(', ')} }\n`
  rig = await Rig.create({
    config: `${codex}${rules}`,
    clock: { ...systemClock, now: () => new Date(Date.now() + aheadMs) },
    mode: { recovery_limits: limits },
  })
  const mode = rig.json<{ stage_runner_bindings: Record<string, string> }>('modes/scripted.json')
  rig.mode({ stage_runner_bindings: { ...mode.stage_runner_bindings, builder: 'codex_cli' } })
  rig.addTask('task-a')
}

describe('the usage ledger', () => {
  test('has one line for each stage that used anything, whether or not there are rules', async () => {
    await spending({ SPEND: '60,40', SPEND_MS: '0' })
    await rig.work()
    const [request] = rig.requests('builder')
    expect(ledger()).toEqual([
      {
        dedupe_key: `millrace-agents/runs/${request!.run_id}/stage_results/${request!.request_id}.json`,
        counted_at: expect.any(String),
        stage_completed_at: rig.result(request!).completed_at,
        plane: 'execution',
        run_id: request!.run_id,
        stage_id: 'builder',
        work_item_kind: 'task',
        work_item_id: 'task-a',
        token_usage: {
          input_tokens: 99,
          cached_input_tokens: 0,
          output_tokens: 1,
          thinking_tokens: 0,
          total_tokens: 100,
        },
        stage_result_path: `millrace-agents/runs/${request!.run_id}/stage_results/${request!.request_id}.json`,
        daemon_session_id: expect.any(String),
        request_id: request!.request_id,
        request_kind: 'active_work_item',
        node_id: 'builder',
        root_spec_id: null,
        runner_name: 'codex_cli',
        model_name: request!.model_name,
        ending: 'exited',
      },
    ])
    expect(snapshot().usage_governance).toBeUndefined()
    expect(snapshot().pause_sources).toEqual([])
  })

  test('has the stage that was put off, and the next try as a line of its own', async () => {
    await spending({ SPEND: '30', SPEND_MS: '0', SPEND_ERROR: '429 Too Many Requests' })
    await rig.ticks(1)
    aheadMs += HOUR
    await rig.ticks(1)
    expect(ledger().map((line) => [line.ending, line.token_usage.total_tokens])).toEqual([
      ['provider_error', 30],
      ['provider_error', 30],
    ])
    expect(new Set(ledger().map((line) => line.dedupe_key)).size).toBe(2)
    expect(ledger()[0]!.stage_result_path).toBe(ledger()[0]!.dedupe_key)
  })

  test('has the stage that a stop cut short, though it has no result', async () => {
    await spending({ SPEND: '30,30', SPEND_MS: '60000' })
    const live = await Live.start(rig)
    await live.until('some use', () => fs.existsSync(path.join(rig.root, 'spent.log')))
    await live.command('stop')
    await live.finish()
    expect(ledger()).toMatchObject([{ ending: 'cancelled', stage_result_path: null }])
    expect(ledger()[0]!.token_usage.total_tokens).toBe(30)
  })

  test('has the stage that an operator cancelled', async () => {
    await spending({ SPEND: '30,30', SPEND_MS: '60000' })
    const live = await Live.start(rig)
    await live.until('some use', () => fs.existsSync(path.join(rig.root, 'spent.log')))
    await live.command('cancel_run', { run_id: snapshot().active_runs[0]!.run_id })
    await live.until('blocked', () => rig.list('tasks/blocked').length === 1)
    expect(ledger()).toMatchObject([{ ending: 'cancelled', work_item_id: 'task-a' }])
    await live.close()
  })

  test('has what a stage used that died together with the runtime', async () => {
    await spending({ SPEND: '30,30', SPEND_MS: '60000' })
    const daemon = new Daemon(rig)
    await until('some use', () => fs.existsSync(path.join(rig.root, 'spent.log')))
    const requestId = String(rig.log('stage_started')[0]!.request_id)
    await until('the use to be told', () => {
      const events = rig.at('runs', String(rig.log('stage_started')[0]!.run_id), `runner_events.${requestId}.jsonl`)
      return fs.readFileSync(events, 'utf8').includes('token_count')
    })
    await daemon.kill()
    await killAgent(requestId)
    await rig.open()
    await rig.close()
    expect(ledger()).toMatchObject([{ request_id: requestId, ending: 'interrupted', stage_result_path: null }])
    expect(ledger()[0]!.token_usage.total_tokens).toBe(30)
  })
})

describe('a soft rule over everything', () => {
  test('lets the stage end that goes over it, then pauses with the rule and the time', async () => {
    await spending({ SPEND: '60,60', SPEND_MS: '0' }, rulesOf([{ threshold: 100 }]))
    rig.replies([])
    expect(await rig.ticks(1)).toMatchObject({ last: { settled: 1 } })
    expect(steps()).toEqual([60, 60])
    await rig.ticks(1)
    expect(pause()).toMatchObject({
      reason: 'rule "the-rule" allows 100 tokens in rolling_5h; 120 are used',
      until: new Date(Date.parse(ledger()[0]!.stage_completed_at) + 5 * HOUR).toISOString(),
    })
    expect(snapshot().usage_governance?.blockers).toMatchObject([
      {
        source: 'runtime_token',
        rule_id: 'the-rule',
        observed: 120,
        threshold: 100,
        next_auto_resume_at: pause()!.until,
      },
    ])
    expect(rig.log('usage_governance_paused')).toMatchObject([{ rule_id: 'the-rule', observed: 120 }])
    expect(rig.stages()).toEqual(['builder'])
  })

  test('is told by status and by the monitor: which rule, how much, until when', async () => {
    await spending({ SPEND: '120', SPEND_MS: '0' }, rulesOf([{ threshold: 100 }]))
    const lines: string[] = []
    await rig.work(1, [monitor((line) => lines.push(line.slice(11))).listen])
    const live = await Live.start(rig)
    await live.until('the pause', () => pause() !== undefined)
    const output = await status.run(contextIn(rig.root), {})
    const { until } = pause()!
    expect(Status.loose().parse(output)).toMatchObject({
      usage_governance_enabled: true,
      usage_governance_paused: true,
      usage_governance_blocker_count: 1,
      usage_governance_auto_resume_possible: true,
      usage_governance_next_auto_resume_at: until,
      activity: 'paused',
      activity_reason: `by usage_governance (rule "the-rule" allows 100 tokens in rolling_5h; 120 are used) until ${until}`,
      next_step: null,
    })
    const look = makeLook({ terminal: false, colour: false, width: 100, now: new Date() })
    expect(rendered(output, look).split('\n')).toContain(
      `usage_governance_blocker: source=runtime_token rule=the-rule window=rolling_5h observed=120 threshold=100 metric=total_tokens next_resume=${until}`,
    )
    await live.close()
    expect(lines).toContain(
      `governance pause source=runtime_token rule=the-rule window=rolling_5h observed=120 threshold=100 next_resume=${until}`,
    )
  })

  test('cannot be lifted by an operator while it is over, and clears itself when the window has passed', async () => {
    await spending({ SPEND: '120', SPEND_MS: '0' }, rulesOf([{ threshold: 100 }]))
    await rig.ticks(2)
    expect(await rig.issue('resume')).toMatchObject({ applied: false, detail: 'still paused by usage_governance' })
    expect(pause()).toBeDefined()
    aheadMs += 4 * HOUR
    await rig.ticks(1)
    expect(rig.stages()).toEqual(['builder'])
    aheadMs += HOUR
    await rig.work()
    expect(rig.log('runtime_resumed')).toMatchObject([{ source: 'usage_governance' }])
    expect(rig.log('usage_governance_resumed')).toEqual([{ cleared_rules: ['the-rule'] }])
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect(ledger()).toHaveLength(1)
  })

  test('leaves the pause of an operator alone', async () => {
    await spending({ SPEND: '120', SPEND_MS: '0' }, rulesOf([{ threshold: 100 }]))
    await rig.ticks(2)
    await rig.issue('pause', { reason: 'mine' })
    aheadMs += 5 * HOUR
    await rig.ticks(1)
    expect(snapshot().pause_sources).toMatchObject([{ source: 'operator', reason: 'mine' }])
    expect(rig.stages()).toEqual(['builder'])
  })

  test('waits for a person where it may not clear itself', async () => {
    await spending({ SPEND: '120', SPEND_MS: '0' }, rulesOf([{ threshold: 100 }], 'auto_resume = false'))
    await rig.ticks(2)
    expect(pause()).toMatchObject({ until: null })
    expect(await rig.issue('resume')).toMatchObject({ applied: false })
    aheadMs += 6 * HOUR
    await rig.ticks(1)
    expect(pause()).toMatchObject({ reason: expect.stringContaining('millrace control resume') })
    expect(await rig.issue('resume')).toMatchObject({ applied: true, detail: 'resumed' })
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  test('goes when the rules are switched off', async () => {
    await spending({ SPEND: '120', SPEND_MS: '0' }, rulesOf([{ threshold: 100 }]))
    await rig.ticks(2)
    rig.config(rig.options.config!.replace('enabled = true', 'enabled = false'))
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect(snapshot().usage_governance).toBeUndefined()
  })

  test('of money does not count what nobody told', async () => {
    await spending({ SPEND: '120', SPEND_MS: '0' }, rulesOf([{ threshold: 0.01, metric: 'cost_usd' }]))
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })
})

describe('a hard rule over everything', () => {
  test('stops the stage within one event of going over, keeps what it did, and goes on once the window has passed', async () => {
    await spending({ SPEND: '60,60,60,60', SPEND_AGAIN: '10' }, rulesOf([{ threshold: 100, enforcement: 'hard' }]))
    const git = (...args: string[]) => execFileSync('git', args, { cwd: rig.root, encoding: 'utf8' })
    git('init', '--quiet')
    git('config', 'user.email', 'test@example.invalid')
    git('config', 'user.name', 'test')
    git('commit', '--quiet', '--allow-empty', '--message', 'begin')
    await rig.ticks(1)
    expect(steps()).toEqual([60, 60])
    expect(ledger()).toMatchObject([{ ending: 'over_budget', token_usage: { total_tokens: 120 } }])
    const [first] = rig.requests('builder')
    expect(rig.result(first!)).toMatchObject({
      success: false,
      metadata: { failure_class: 'runner_over_budget', raw_ending: 'over_budget' },
      notes: ['The agent was stopped: rule "the-rule" allows 100 tokens in rolling_5h; 120 are used.'],
    })
    expect(snapshot().active_runs).toMatchObject([
      {
        node_id: 'builder',
        status: 'ready',
        stage_runs: 0,
        previous_attempt: {
          request_id: first!.request_id,
          reason: expect.stringContaining('rule "the-rule"'),
          rescue_ref: expect.stringContaining('refs/millrace/rescue/'),
        },
      },
    ])
    expect(rig.json('state/recovery_counters.json').entries).toEqual([])
    await rig.ticks(1)
    expect(pause()).toBeDefined()
    expect(rig.requests('builder')).toHaveLength(1)
    aheadMs += 5 * HOUR
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect(steps()).toEqual([60, 60, 10])
    const again = rig.requests('builder')[1]!
    const prompt = rig.read('runs', again.run_id, `runner_prompt.${again.request_id}.md`)
    expect(prompt).toContain('rule "the-rule" allows 100 tokens')
    expect(prompt).toContain(snapshotRef(first!.run_id, first!.request_id))
    expect(ledger().map((line) => line.token_usage.total_tokens)).toEqual([120, 10])
  })

  test('counts what other stages used before, also those of an earlier runtime', async () => {
    await spending({ SPEND: '30,30', SPEND_MS: '0' }, rulesOf([{ threshold: 100, enforcement: 'hard' }]))
    rig.addTask('task-b', { created_at: '2026-03-02T10:00:00Z' })
    await rig.work(3) // the first task, and nothing of the second
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    rig.config(rig.options.config!.replace('SPEND_MS = "0"', 'SPEND_MS = "400"').replace('30,30', '30,30,30,30'))
    await rig.ticks(1)
    expect(steps()).toEqual([30, 30, 30, 30])
    expect(ledger().map((line) => [line.ending, line.token_usage.total_tokens])).toEqual([
      ['exited', 60],
      ['over_budget', 60],
    ])
  })

  test('does not throw finished work away that told of its use at its end only', async () => {
    await spending(
      { SPEND: '60,60', SPEND_MS: '0', SPEND_AT_END: '1' },
      rulesOf([{ threshold: 100, enforcement: 'hard' }]),
    )
    await rig.ticks(1)
    expect(ledger()).toMatchObject([{ ending: 'exited', token_usage: { total_tokens: 120 } }])
    expect(rig.log('router_decision')).toMatchObject([{ next_node_id: 'checker' }])
    await rig.ticks(1)
    expect(pause()).toBeDefined()
  })
})

describe('a rule over one run or item', () => {
  test('that is hard stops the stage and blocks the item, after what it did was recorded; others go on', async () => {
    await spending({ SPEND: '60,60,60' }, rulesOf([{ threshold: 100, enforcement: 'hard', window: 'per_run' }]))
    await rig.ticks(1)
    expect(steps()).toEqual([60, 60])
    expect(rig.list('tasks/blocked')).toEqual(['task-a.md'])
    expect(rig.log('work_item_blocked')).toMatchObject([
      { work_item_id: 'task-a', failure_class: 'runner_over_budget' },
    ])
    expect(rig.result(rig.requests('builder')[0]!).metadata.failure_class).toBe('runner_over_budget')
    expect(ledger()).toMatchObject([{ ending: 'over_budget', token_usage: { total_tokens: 120 } }])
    expect(rig.log('router_decision')).toEqual([])
    expect(snapshot().pause_sources).toEqual([])
    rig.addTask('task-b')
    rig.config(rig.options.config!.replace('60,60,60', '10'))
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-b.md'])
  })

  test('that is soft blocks the item before its next stage', async () => {
    await spending({ SPEND: '60,60', SPEND_MS: '0' }, rulesOf([{ threshold: 100, window: 'per_run' }]))
    await rig.work()
    expect(rig.stages()).toEqual(['builder'])
    expect(rig.log('router_decision')).toMatchObject([{ next_node_id: 'checker' }])
    expect(rig.list('tasks/blocked')).toEqual(['task-a.md'])
    expect(rig.log('run_cancelled')).toMatchObject([
      { reason: 'rule "the-rule" allows 100 tokens in per_run; 120 are used' },
    ])
  })

  test('per item counts every run of it, so that putting it back does not help; per run begins anew', async () => {
    await spending({ SPEND: '60', SPEND_MS: '0' }, rulesOf([{ threshold: 100, window: 'per_item' }]))
    rig.replies([reply('checker', 'BLOCKED', { attempt: 1 })])
    await rig.ticks(1)
    expect(rig.list('tasks/active')).toEqual(['task-a.md'])
    await rig.issue('cancel_run', { run_id: snapshot().active_runs[0]!.run_id })
    const retry = async () => {
      fs.renameSync(rig.at('tasks/blocked/task-a.md'), rig.at('tasks/queue/task-a.md'))
      const past = new Date(Date.now() - 60_000)
      fs.utimesSync(rig.at('tasks/queue/task-a.md'), past, past)
    }
    await retry()
    await rig.ticks(1) // 60 and 60 again
    await rig.ticks(1)
    expect(rig.list('tasks/blocked')).toEqual(['task-a.md'])
    await retry()
    await rig.work()
    expect(rig.stages().filter((stage) => stage === 'builder')).toHaveLength(2)
    expect(rig.list('tasks/blocked')).toEqual(['task-a.md'])
    expect(snapshot().pause_sources).toEqual([])
  })
})

const snapshotRef = (runId: string, requestId: string): string => `refs/millrace/rescue/${runId}/${requestId}`
