/** The quota of a subscription: its provider is asked while there is work, and rules over it pause (spec 02 §10.2). */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Snapshot } from '../../src/core/state.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { monitor } from '../../src/engine/monitor.ts'
import { status } from '../../src/operations/status/status.ts'
import { usage } from '../../src/operations/usage/usage.ts'
import { contextIn } from '../rig/context.ts'
import { Live } from '../rig/live.ts'
import { Rig } from '../rig/runtime.ts'

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
const known = () => snapshot().usage_governance?.subscription
const answers = () => path.join(rig.root, 'answers.json')
/** How often it was asked. */
const askings = (): number =>
  fs.existsSync(`${answers()}.log`)
    ? fs.readFileSync(`${answers()}.log`, 'utf8').split('account/rateLimits/read').length - 1
    : 0

/** Percent used of the five hours, which begin anew `hours` from now on, and of the week. */
function used(fiveHour: number, weekly = 1, hours = 2): void {
  const inHours = (count: number) => Math.round((Date.now() + aheadMs + count * HOUR) / 1000)
  answer({
    result: {
      rateLimits: {
        primary: { usedPercent: fiveHour, windowDurationMins: 300, resetsAt: inHours(hours) },
        secondary: { usedPercent: weekly, windowDurationMins: 10_080, resetsAt: inHours(100) },
      },
    },
  })
}
const answer = (told: object) => fs.writeFileSync(answers(), JSON.stringify(told))
const noLogin = () => answer({ error: { message: 'chatgpt authentication required to read rate limits' } })

const quota = (keys = ''): string =>
  `[usage_governance]\nenabled = true\n[usage_governance.runtime_token_rules]\nenabled = false\n[usage_governance.subscription_quota_rules]\nenabled = true\n${keys}`

/** A workspace whose builder is Codex with a subscription, and a clock that can be set forward. */
async function subscribed(keys = '', spend = '10', section = quota(keys)): Promise<void> {
  rig = await Rig.create({ clock: { ...systemClock, now: () => new Date(Date.now() + aheadMs) } })
  const variables = `FAKE_RATE_LIMITS = ${JSON.stringify(answers())}, SPEND = "${spend}", SPEND_MS = "300"`
  config(section, variables)
  const mode = rig.json<{ stage_runner_bindings: Record<string, string> }>('modes/scripted.json')
  rig.mode({ stage_runner_bindings: { ...mode.stage_runner_bindings, builder: 'codex_cli' } })
}

function config(section: string, variables = ''): void {
  const codex = `[runners.codex]\ncommand = ${JSON.stringify(process.execPath)}\nargs = [${JSON.stringify(SPENDER)}, "exec"]\nenv = { ${variables} }\n`
  rig.config(`${codex}${section}`)
}

describe('a rule over a subscription', () => {
  test('keeps the first stage from being started, until its window begins anew', async () => {
    await subscribed()
    used(96)
    rig.addTask('task-a')
    const lines: string[] = []
    await rig.work(1, [monitor((line) => lines.push(line.slice(11))).listen])
    expect(rig.stages()).toEqual([])
    const until = snapshot().usage_governance!.blockers[0]!.next_auto_resume_at!
    expect(pause()).toMatchObject({
      until,
      reason:
        'rule "codex-five-hour-default" allows 95 % of the five_hour window of codex_chatgpt_oauth; 96 % are used',
    })
    expect(snapshot().usage_governance!.blockers).toEqual([
      {
        source: 'subscription_quota',
        rule_id: 'codex-five-hour-default',
        window: 'five_hour',
        metric: 'percent_used',
        observed: 96,
        threshold: 95,
        next_auto_resume_at: until,
      },
    ])
    expect(lines).toContain(
      `governance pause source=subscription_quota rule=codex-five-hour-default window=five_hour observed=96 threshold=95 next_resume=${until}`,
    )
    aheadMs += HOUR
    await rig.ticks(1)
    expect(rig.stages(), 'the window has another hour to go').toEqual([])
    aheadMs += 2 * HOUR
    used(2)
    await rig.work()
    expect(pause()).toBeUndefined()
    expect(rig.log('usage_governance_resumed')).toMatchObject([{ cleared_rules: ['codex-five-hour-default'] }])
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  test('is the one in the config: its window, its percentage, its name', async () => {
    await subscribed(
      '[[usage_governance.subscription_quota_rules.rules]]\nrule_id = "week"\nwindow = "weekly"\npause_at_percent_used = 30\n',
    )
    used(99, 30)
    rig.addTask('task-a')
    await rig.ticks(1)
    expect(snapshot().usage_governance!.blockers).toMatchObject([
      { rule_id: 'week', window: 'weekly', observed: 30, threshold: 30 },
    ])
    used(99, 29)
    aheadMs += 61_000
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  test('is told by status and usage, with what the provider answered', async () => {
    await subscribed()
    expect(await status.run(contextIn(rig.root), {})).toMatchObject({
      usage_governance_subscription_status: 'disabled',
      usage_governance_subscription: null,
    })
    used(40, 97)
    rig.addTask('task-a')
    await rig.ticks(1)
    expect(await status.run(contextIn(rig.root), {})).toMatchObject({
      usage_governance_paused: true,
      usage_governance_subscription_status: 'healthy',
      usage_governance_subscription: { windows: { five_hour: { percent_used: 40 }, weekly: { percent_used: 97 } } },
    })
    expect((await usage.run(contextIn(rig.root), {})).subscription).toMatchObject({
      provider: 'codex_chatgpt_oauth',
      state: 'healthy',
      rules: [
        { rule_id: 'codex-five-hour-default', percent_used: 40, pause_at_percent_used: 95, pauses: false },
        { rule_id: 'codex-weekly-default', percent_used: 97, pause_at_percent_used: 95, pauses: true },
      ],
    })
  })

  test('does not count while the section, or all rules on usage, are off', async () => {
    for (const off of [quota().replace(/(quota_rules\]\n)enabled = true/, '$1enabled = false'), '']) {
      await subscribed('', '1', off)
      used(100)
      rig.addTask('task-a')
      await rig.work()
      expect(rig.list('tasks/done')).toEqual(['task-a.md'])
      expect([askings(), snapshot().usage_governance?.subscription]).toEqual([0, undefined])
      rig.dispose()
    }
  })

  test('that is taken out of the config lets work go on', async () => {
    await subscribed()
    used(99)
    rig.addTask('task-a')
    const live = await Live.start(rig)
    await live.until('the pause', () => pause() !== undefined)
    config('', 'SPEND = "1"')
    await live.until('the end of the task', () => rig.exists('tasks/done/task-a.md'))
    expect(snapshot().usage_governance).toBeUndefined()
    await live.close()
  })
})

describe('the provider of a subscription', () => {
  test('is not asked while there is nothing to do, or nothing may be done', async () => {
    await subscribed()
    used(1)
    await rig.ticks(3)
    expect(askings()).toBe(0)
    expect(known()).toMatchObject({ state: 'unknown', last_refreshed_at: null })
    rig.addTask('task-a')
    await rig.issue('pause')
    await rig.ticks(3)
    expect(askings()).toBe(0)
    await rig.issue('resume')
    await rig.work()
    expect(askings()).toBe(1)
  })

  test('is asked anew once the answer is older than the rules want it, also while an agent is at work', async () => {
    await subscribed('refresh_interval_seconds = 1\n', Array.from({ length: 24 }, () => 1).join())
    used(1)
    rig.addTask('task-a')
    const live = await Live.start(rig)
    await live.until('an agent at work', () => rig.stages().length === 1)
    await live.until('a second and a third answer', () => askings() >= 3)
    expect(rig.log('stage_completed'), 'the agent is still at work').toEqual([])
    used(97)
    await live.until('the pause', () => pause() !== undefined)
    await live.until('the stage to end', () => rig.log('stage_completed').length === 1)
    expect(rig.stages(), 'nothing was started after it').toEqual(['builder'])
    used(3, 1, 5)
    await live.until('the end of the task', () => rig.exists('tasks/done/task-a.md'))
    await live.close()
  })

  test('that does not answer stops nobody, and is told of once', async () => {
    await subscribed('degraded_policy = "fail_open"\nrefresh_interval_seconds = 1\n', '1,1,1,1,1,1,1')
    noLogin()
    rig.addTask('task-a')
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect(askings()).toBeGreaterThan(1)
    expect(rig.log('usage_governance_degraded')).toMatchObject([
      {
        provider: 'codex_chatgpt_oauth',
        detail: 'chatgpt authentication required to read rate limits',
        degraded_policy: 'fail_open',
      },
    ])
    expect(known()).toMatchObject({ state: 'degraded' })
  })

  test('that does not answer pauses where that is wanted, until it does', async () => {
    await subscribed('degraded_policy = "fail_closed"\n')
    noLogin()
    rig.addTask('task-a')
    await rig.ticks(2)
    expect(rig.stages()).toEqual([])
    expect(pause()).toMatchObject({ until: null, reason: expect.stringContaining('fail_closed') })
    expect(snapshot().usage_governance!.blockers).toEqual([
      {
        source: 'subscription_quota',
        rule_id: 'subscription-quota-degraded-fail-closed',
        window: 'degraded',
        metric: null,
        observed: 0,
        threshold: 0,
        next_auto_resume_at: null,
      },
    ])
    used(1)
    aheadMs += 61_000
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  test('that is out of reach after a restart leaves what it told before in force', async () => {
    await subscribed()
    used(98)
    rig.addTask('task-a')
    await rig.ticks(1)
    await rig.close()
    noLogin()
    await rig.ticks(1)
    expect(known()).toMatchObject({ state: 'degraded', windows: { five_hour: { percent_used: 98 } } })
    expect(pause()).toBeDefined()
    expect(rig.stages()).toEqual([])
    aheadMs += 3 * HOUR
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })
})
