import { describe, expect, test } from 'vitest'
import { type Change, event } from './changes.ts'
import { parseConfig } from './config.ts'
import type { Delivery } from './delivery.ts'
import { EVENT_TYPES } from './events.ts'
import { sha256 } from './ids.ts'
import { deliveriesOf, isTold, type Notification, toldBy, type Waiting } from './notify.ts'
import { NOTIFY_EVENTS } from './notify-config.ts'

const NOW = '2026-03-02T12:00:00.000Z'

const rules = (given: Record<string, object>, more: object = {}) =>
  parseConfig({ notify: { ...more, rules: given } }, 'millrace.toml').notify
const blocked = (id: string): Change =>
  event('work_item_blocked', { work_item_kind: 'task', work_item_id: id, run_id: 'run-1', reason: 'no key' })
const waiting = (given: Partial<Waiting> = {}): Waiting => ({
  now: NOW,
  workspace: '/work',
  revision: 7,
  count: 0,
  lately: () => 0,
  summary: () => null,
  ...given,
})
const added = (changes: readonly Change[]): Delivery[] =>
  changes.flatMap((change) => (change.change === 'delivery.add' ? [change.delivery] : []))
const notificationIn = (delivery: Delivery | undefined) => delivery?.payload as unknown as Notification

describe('what a person is told of', () => {
  test.each([
    [
      'work_item_blocked',
      { work_item_kind: 'learning_request', work_item_id: 'L-1', reason: 'no key' },
      'blocked',
      'learning request L-1 is blocked: no key',
    ],
    [
      'run_held',
      { run_id: 'run-1', reason: 'the plan is gone' },
      'blocked',
      'run-1 waits for an operator: the plan is gone',
    ],
    [
      'closure_target_held',
      { root_spec_id: 'S-1', reason: 'rounds', retry_at: null },
      'blocked',
      'the closure of S-1 waits for an operator: rounds',
    ],
    [
      'approval_requested',
      { work_item_kind: 'task', work_item_id: 'T-1', capability_id: 'deploy', question: 'May it be deployed?' },
      'approval',
      'task T-1 waits for an approval: May it be deployed?',
    ],
    [
      'runtime_paused',
      { source: 'usage_governance', reason: 'too much' },
      'quota',
      'paused by usage_governance: too much',
    ],
    ['runtime_paused', { source: 'environment', reason: 'no login' }, 'quota', 'paused by environment: no login'],
    [
      'runner_waiting',
      { runner_name: 'codex_cli', cause: 'quota', until: 'noon', reason: 'limit' },
      'quota',
      'codex_cli waits until noon: limit',
    ],
    ['runtime_paused', { source: 'disk', reason: 'less than 200 MiB' }, 'disk_low', 'paused: less than 200 MiB'],
    ['closure_target_closed', { root_spec_id: 'S-1' }, 'closed', 'S-1 passed and is closed'],
    [
      'runtime_lost',
      { why: 'process 7 is gone' },
      'daemon_down',
      'a runtime ended without giving the workspace back: process 7 is gone',
    ],
  ])('%s %j', (type, facts, name, text) => {
    expect(toldBy(type, facts)).toEqual({ event: name, text })
  })

  test.each([
    ['runtime_paused', { source: 'operator', reason: 'release day' }],
    ['closure_target_held', { root_spec_id: 'S-1', retry_at: NOW }],
    ['runner_waiting', { cause: 'rate_limit' }],
    ['delivery_failed', {}],
    ['toString', {}],
  ])('not %s %j', (type, facts) => {
    expect(toldBy(type, facts)).toBeNull()
    expect(isTold([event(type as 'runtime_paused', facts)])).toBe(false)
  })

  test('a failed delivery tells nobody, so that it cannot lead to another', () => {
    const silent = Object.keys(EVENT_TYPES).filter(
      (type) => toldBy(type, { source: 'disk', cause: 'quota', retry_at: null }) === null,
    )
    expect(silent).toContain('delivery_failed')
  })

  test('every kind of event a rule can be for is told by something', () => {
    const samples = [{ source: 'disk' }, { source: 'environment' }, { cause: 'quota', retry_at: null }]
    const told = Object.keys(EVENT_TYPES).flatMap((type) =>
      samples.flatMap((facts) => toldBy(type, facts)?.event ?? []),
    )
    expect([...new Set(told)].sort()).toEqual([...NOTIFY_EVENTS].sort())
  })

  test('is one short line, whatever an agent put into its reason', () => {
    const reason = `first\nsecond\u001b[31m\u2028third\0 ${'x'.repeat(5000)}`
    const { text } = toldBy('work_item_blocked', { work_item_kind: 'task', work_item_id: 'T-1', reason })!
    expect(text).toMatch(/^task T-1 is blocked: first second \[31m third x+…$/)
    expect(text.length).toBe(500)
  })
})

describe('the deliveries of a transaction', () => {
  const both = rules({ one: { command: ['a'] }, two: { command: ['b'], on: ['closed'] } })

  test('one for each event and rule that is for it, with all that a receiver needs', () => {
    const changes = [blocked('T-1'), event('stage_started'), event('closure_target_closed', { root_spec_id: 'S-1' })]
    const deliveries = added(deliveriesOf(changes, both, waiting()))
    expect(deliveries.map(({ recipient, payload }) => `${recipient} ${payload.event}`)).toEqual([
      'one blocked',
      'one closed',
      'two closed',
    ])
    expect(new Set(deliveries.map(({ delivery_id }) => delivery_id)).size).toBe(3)
    const [first] = deliveries
    expect(first).toMatchObject({ channel: 'notify', created_at: NOW, next_attempt_at: NOW, attempts: 0 })
    expect(first?.delivery_id).toMatch(/^blocked-[0-9a-f]{16}$/)
    expect(first?.payload).toEqual({
      schema_version: '1.0',
      kind: 'notification',
      delivery_id: first?.delivery_id,
      rule: 'one',
      event: 'blocked',
      event_type: 'work_item_blocked',
      occurred_at: NOW,
      workspace: '/work',
      text: 'task T-1 is blocked: no key',
      facts: { work_item_kind: 'task', work_item_id: 'T-1', run_id: 'run-1', reason: 'no key' },
    })
  })

  test('have the same ids however often they are decided, and others in another transaction or workspace', () => {
    const id = (given: Partial<Waiting>) => added(deliveriesOf([blocked('T-1')], both, waiting(given)))[0]?.delivery_id
    expect(id({})).toBe(id({}))
    expect(
      new Set([id({}), id({ revision: 8 }), id({ workspace: '/other' }), id({ now: '2026-03-02T12:00:01.000Z' })]).size,
    ).toBe(4)
  })

  test('carry no more of the log than a message can hold', () => {
    const facts = { reason: 'r'.repeat(100_000), many: Array.from({ length: 10_000 }, String), run_id: 'run-1' }
    const [delivery] = added(deliveriesOf([event('run_held', facts)], both, waiting()))
    expect(JSON.stringify(delivery).length).toBeLessThan(10_000)
    expect(notificationIn(delivery).facts).toMatchObject({ run_id: 'run-1', reason: expect.stringMatching(/^r+…$/) })
  })
})

describe('a flood', () => {
  const few = rules({ one: { command: ['a'], per_minute_max: 3 }, two: { command: ['b'], per_minute_max: 100 } })
  const many = Array.from({ length: 10 }, (_, at) => blocked(`T-${at}`))

  test('is cut off for the rule that has had enough, and counted into one that follows a minute later', () => {
    const deliveries = added(deliveriesOf(many, few, waiting({ lately: (rule) => (rule === 'one' ? 1 : 0) })))
    const one = deliveries.filter(({ recipient }) => recipient === 'one')
    expect(one.map(({ payload }) => payload.event)).toEqual(['blocked', 'blocked', 'summary'])
    expect(deliveries.filter(({ recipient }) => recipient === 'two')).toHaveLength(10)
    expect(one[2]).toMatchObject({ next_attempt_at: '2026-03-02T12:01:00.000Z', created_at: NOW })
    expect(notificationIn(one[2])).toMatchObject({
      event: 'summary',
      event_type: null,
      text: '8 more notifications (8 blocked); see them with: millrace logs',
      facts: { counts: { blocked: 8 }, since: NOW, until: NOW },
    })
  })

  test('goes on being counted into the one that waits', () => {
    const full = { lately: () => 100 }
    const [summary] = added(deliveriesOf([blocked('T-1')], few, waiting(full)))
    expect(notificationIn(summary).text).toMatch(/^1 more notification \(1 blocked\)/)
    const later = '2026-03-02T12:00:30.000Z'
    const open = { delivery: summary!, hash: sha256('its file') }
    const closed = event('closure_target_closed', { root_spec_id: 'S-1' })
    const next = deliveriesOf([blocked('T-2'), closed], few, waiting({ ...full, now: later, summary: () => open }))
    expect(next).toHaveLength(2)
    expect(next[0]).toMatchObject({ change: 'delivery.update', from: 'pending', to: 'pending', hash: open.hash })
    const { delivery } = next[0] as Change & { change: 'delivery.update' }
    expect(delivery).toMatchObject({ delivery_id: summary?.delivery_id, next_attempt_at: summary?.next_attempt_at })
    expect(notificationIn(delivery)).toMatchObject({
      text: expect.stringMatching(/^3 more notifications \(2 blocked, 1 closed\)/),
      facts: { counts: { blocked: 2, closed: 1 }, since: NOW, until: later },
    })
  })

  test('never makes more wait than may, whatever the rules allow', () => {
    const bounded = rules(
      { one: { command: ['a'], per_minute_max: 100 }, two: { command: ['b'], per_minute_max: 100 } },
      { pending_max: 6 },
    )
    const deliveries = added(deliveriesOf(many, bounded, waiting({ count: 4 })))
    expect(deliveries.map(({ recipient, payload }) => `${recipient} ${payload.event}`)).toEqual([
      'one blocked',
      'one blocked',
      'one summary',
      'two summary',
    ])
  })
})
