/** What stages used, as it is looked at: groups, windows of rules, and how both read. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makeLook } from '../../src/cli/look.ts'
import { status as renderStatus } from '../../src/cli/render/status.ts'
import { usage as render } from '../../src/cli/render/usage.ts'
import type { LedgerLine } from '../../src/core/ledger.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { status } from '../../src/operations/status/status.ts'
import { usage } from '../../src/operations/usage/usage.ts'
import { contextIn } from '../rig/context.ts'
import { ledgerLine, tokens } from '../rig/ledger.ts'
import { Live } from '../rig/live.ts'
import { Rig, reply } from '../rig/runtime.ts'

const SPENDER = path.resolve(import.meta.dirname, '../agents/spender.mjs')

const rigs: Rig[] = []
const lives: Live[] = []
afterEach(async () => {
  for (const live of lives.splice(0)) await live.close()
  for (const rig of rigs.splice(0)) rig.dispose()
})

const NOON = '2026-03-04T12:00:00Z'
const look = (terminal: boolean) => makeLook({ terminal, colour: false, width: 140, now: new Date(NOON) })

let count = 0
const line = (total: number, more: Partial<LedgerLine> = {}, cost?: number): LedgerLine =>
  ledgerLine(`request-${++count}`, {
    ...{ counted_at: NOON, stage_completed_at: NOON, token_usage: tokens(total, cost) },
    ...more,
  })

async function rigWith(lines: readonly LedgerLine[], config = ''): Promise<Rig> {
  const rig = await Rig.create({ config, replies: [reply('builder', null, { steps: [{ wait_ms: 30_000 }] })] })
  rigs.push(rig)
  const text = lines.map((one) => `${JSON.stringify(one)}\n`).join('')
  fs.writeFileSync(rig.at('state/usage_governance_ledger.jsonl'), text)
  return rig
}

async function ask(rig: Rig, input = {}, now = NOON) {
  const answer = await usage.run(contextIn(rig.root, { clock: { ...systemClock, now: () => new Date(now) } }), input)
  const schema = z.fromJSONSchema((await usage.output()) as Parameters<typeof z.fromJSONSchema>[0])
  const checked = schema.safeParse(JSON.parse(JSON.stringify(answer)))
  expect(checked.success ? '' : z.prettifyError(checked.error)).toBe('')
  return answer
}
const groups = (answer: Awaited<ReturnType<typeof ask>>) =>
  answer.groups.map(({ keys, usage: used }) => [...Object.values(keys), used.total_tokens].join(' '))

const LINES = [
  line(1, { stage_completed_at: '2026-03-02T08:00:00Z' }, 0.5),
  line(2, { stage_id: 'checker', model_name: 'gpt-x' }),
  line(4, { stage_completed_at: '2026-03-03T23:30:00Z', work_item_id: 'b', root_spec_id: 'R-1' }),
]

describe('usage', () => {
  it('of an agent at work is told apart while it works, and is in the sums once it has ended', async () => {
    const rig = await Rig.create({
      config: `[runners.codex]\ncommand = ${JSON.stringify(process.execPath)}\nargs = [${JSON.stringify(SPENDER)}, "exec"]\nenv = { SPEND = "60,40", SPEND_MS = "3000" }\n`,
    })
    rigs.push(rig)
    const { stage_runner_bindings: builders } = rig.json<{ stage_runner_bindings: object }>('modes/scripted.json')
    rig.mode({ stage_runner_bindings: { ...builders, builder: 'codex_cli' } })
    rig.addTask('T-1')
    const live = await Live.start(rig)
    lives.push(live)
    const told = async () => (await ask(rig)).at_work
    for (let rest = 200; rest > 0 && (await told())[0]?.usage?.total_tokens !== 60; rest--)
      await new Promise((resolve) => setTimeout(resolve, 50))
    const answer = await ask(rig)
    expect(answer.total.stages).toBe(0)
    expect(answer.at_work).toMatchObject([
      { stage: 'builder', item: 'task T-1', runner: 'codex_cli', usage: { total_tokens: 60 } },
    ])
    expect(render(answer, look(false))).toMatch(/^at_work: run=run-\S+ stage=builder item=.*T-1.* total_tokens=60$/m)
    expect(render(answer, look(true))).toContain('at work: builder on task T-1, 60 tokens so far')
    await live.until('the builder to end', () => rig.log('stage_completed').length > 0)
    const after = await ask(rig)
    expect(after.total.usage.total_tokens).toBe(100)
    expect(after.at_work.filter(({ stage }) => stage === 'builder')).toEqual([])
  })

  it('is summed by stage unless asked otherwise, what used most first', async () => {
    const rig = await rigWith(LINES)
    const answer = await ask(rig)
    expect(groups(answer)).toEqual(['builder 5', 'checker 2'])
    expect(answer.total).toMatchObject({ stages: 3, usage: { total_tokens: 7, cost_usd: 0.5 }, stages_without_cost: 2 })
    expect(answer).toMatchObject({ by: ['stage'], since: null, rules_in_force: false, rules: [], others: null })
    const lines = render(answer, look(false)).split('\n')
    expect(lines).toContain('by: stage')
    expect(lines.find((one) => one.startsWith('usage: stage=builder'))).toMatch(/stages=2 .*total_tokens=5/)
    expect(render(answer, look(true))).toMatch(/builder\s+2\s+5\s+0\s+0\s+5\s+\$0\.50/)
    expect(render(answer, look(true))).toContain('2 of 3 stages told no cost')
  })

  it('is summed by combinations, days in their order and their time zone', async () => {
    const rig = await rigWith(LINES, '[usage_governance]\ncalendar_timezone = "Europe/Berlin"\n')
    expect(groups(await ask(rig, { by: ['day', 'stage'] }))).toEqual([
      ...['2026-03-02 builder 1', '2026-03-04 builder 4', '2026-03-04 checker 2'],
    ])
    expect(groups(await ask(rig, { by: ['model'] }))).toEqual(['none 5', 'gpt-x 2'])
    await expect(ask(rig, { by: ['colour'] })).rejects.toMatchObject({
      code: 'usage',
      message: '--by cannot be "colour".',
    })
  })

  it('takes the root spec from the ledger, or else from the item', async () => {
    const rig = await rigWith(LINES)
    expect(groups(await ask(rig, { by: ['root'] }))).toEqual(['R-1 4', 'none 3'])
    rig.addTask('a', { root_spec_id: 'R-2', root_idea_id: 'R-2' }, 'done')
    expect(groups(await ask(rig, { by: ['root_spec'] }))).toEqual(['R-1 4', 'R-2 3'])
  })

  it('may be asked of a time, of which the end does not count', async () => {
    const rig = await rigWith(LINES)
    expect((await ask(rig, { since: '13h' })).total.usage.total_tokens).toBe(6)
    expect((await ask(rig, { since: '2026-03-03', until: NOON })).total.usage.total_tokens).toBe(4)
    await expect(ask(rig, { since: 'monday' })).rejects.toThrow('--since needs a time or an age')
  })

  it('beyond the limit is one group of the others, of which nothing is lost', async () => {
    const rig = await rigWith(Array.from({ length: 9 }, (_, index) => line(index + 1, { run_id: `run-${index}` })))
    const answer = await ask(rig, { by: ['run'], limit: 2 })
    expect(groups(answer)).toEqual(['run-8 9', 'run-7 8'])
    expect([answer.group_count, answer.others?.stages, answer.others?.usage.total_tokens]).toEqual([9, 7, 28])
    expect(render(answer, look(true))).toContain('7 more')
    expect((await ask(rig, { by: ['run'], limit: 0 })).groups).toHaveLength(9)
  })
})

describe('rules on usage', () => {
  const rule = (id: string, window: string, threshold: number, metric = 'total_tokens') =>
    `[[usage_governance.runtime_token_rules.rules]]\nrule_id = "${id}"\nwindow = "${window}"\nmetric = "${metric}"\nthreshold = ${threshold}\n`

  it('are told with what was used in their window, what is left and when it begins anew', async () => {
    const config = `[usage_governance]\nenabled = true\n${rule('five', 'rolling_5h', 10)}${rule('week', 'calendar_week', 6)}${rule('money', 'calendar_month', 2, 'cost_usd')}${rule('session', 'daemon_session', 5)}`
    const rig = await rigWith(LINES, config)
    const { rules, rules_in_force } = await ask(rig)
    expect(rules_in_force).toBe(true)
    expect(rules.map(({ rule_id, observed, left, over }) => [rule_id, observed, left, over])).toEqual([
      ['five', 2, 8, false],
      ['week', 7, 0, true],
      ['money', 0.5, 1.5, false],
      ['session', 0, 5, false],
    ])
    expect(rules[0]).toMatchObject({ window_since: '2026-03-04T07:00:00.000Z', window_until: null, pauses: false })
    expect(rules[1]).toMatchObject({
      window_since: '2026-03-02T00:00:00.000Z',
      window_until: '2026-03-09T00:00:00.000Z',
    })
    const answer = await ask(rig)
    expect(render(answer, look(true))).toMatch(/week\s+calendar_week\s+total tokens\s+7\s+6\s+0\s+over\s+in 4d/)
    expect(render(answer, look(false))).toContain('rule: rule_id=week window=calendar_week metric=total_tokens')
  })

  it('per run are told of each run that is active', async () => {
    const config = `[usage_governance]\nenabled = true\n${rule('one', 'per_run', 100)}`
    const rig = await rigWith([], config)
    rig.addTask('T-1')
    const live = await Live.start(rig)
    lives.push(live)
    await live.agent('builder')
    const [runId] = rig.list('runs')
    fs.appendFileSync(
      rig.at('state/usage_governance_ledger.jsonl'),
      [line(30, { run_id: runId! }), line(99, { run_id: 'run-over' })]
        .map((one) => `${JSON.stringify(one)}\n`)
        .join(''),
    )
    const [standing] = (await ask(rig)).rules
    expect(standing).toMatchObject({ observed: 30, left: 70, window_since: null })
    expect(standing!.owners).toEqual([{ owner: runId, observed: 30, left: 70 }])
  })

  it('over a subscription are told with what its provider last said, and how long ago', async () => {
    const off = '[usage_governance]\nenabled = true\n[usage_governance.runtime_token_rules]\nenabled = false\n'
    const rig = await rigWith([], `${off}[usage_governance.subscription_quota_rules]\nenabled = true\n`)
    await rig.ticks(1)
    expect(render(await ask(rig), look(true))).toContain('Subscription codex_chatgpt_oauth, nothing was told yet:')
    const snapshot = rig.json<{ usage_governance: object }>('state/runtime_snapshot.json')
    const read_at = '2026-03-04T11:58:00.000Z'
    const five_hour = { percent_used: 81.5, resets_at: '2026-03-04T14:00:00.000Z', read_at }
    const known = { state: 'degraded', detail: 'no network', last_refreshed_at: read_at, windows: { five_hour } }
    const subscription = { provider: 'codex_chatgpt_oauth', ...known }
    const usage_governance = { ...snapshot.usage_governance, subscription }
    fs.writeFileSync(rig.at('state/runtime_snapshot.json'), JSON.stringify({ ...snapshot, usage_governance }))
    const answer = await ask(rig)
    const sheet = render(answer, look(true))
    expect(sheet).toContain('Subscription codex_chatgpt_oauth, told 2m ago:')
    expect(sheet).toContain('It is out of reach: no network.')
    expect(sheet).toMatch(/codex-five-hour-default\s+five_hour\s+81.5 %\s+95 %\s+kept\s+in 2h/)
    expect(sheet).toMatch(/codex-weekly-default\s+weekly\s+not known\s+95 %\s+kept/)
    const lines = render(answer, look(false)).split('\n')
    expect(lines).toContain(
      'subscription: provider=codex_chatgpt_oauth state=degraded detail="no network" last_refreshed_at=2026-03-04T11:58:00.000Z',
    )
    expect(lines).toContain(
      'subscription_rule: rule_id=codex-weekly-default window=weekly pause_at_percent_used=95 percent_used=none resets_at=none pauses=false',
    )
    const output = await status.run(contextIn(rig.root), {})
    expect(renderStatus(output, look(false)).split('\n')).toContain(
      `usage_governance_subscription_window: window=five_hour percent_used=81.5 resets_at=2026-03-04T14:00:00.000Z read_at=${read_at}`,
    )
  })
})
