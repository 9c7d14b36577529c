import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { documentText } from '../../test/rig/documents.ts'
import { closureTarget } from '../../test/rig/run.ts'
import { MemoryWorkspace, NOW } from '../../test/rig/view.ts'
import {
  announcedRecovery,
  autoAttempts,
  type BlockedDependency,
  blockedDependencies,
  prospectOf,
  prospects,
  SKIPPED,
  skipDigest,
} from './auto-recovery.ts'
import { AutoRecoveryConfig } from './auto-recovery-config.ts'
import type { ReadBlock } from './block.ts'
import type { ItemEntry, ItemState } from './item.ts'

const POLICY = AutoRecoveryConfig.parse({})

type Row = [id: string, state: ItemState, fields?: Record<string, unknown>]

function viewWith(...rows: Row[]) {
  const workspace = new MemoryWorkspace(null)
  for (const [id, state, fields = {}] of rows) workspace.put('task', state, id, documentText('task', id, fields))
  return workspace
}

const idsOf = (found: readonly BlockedDependency[]) => found.map(({ item }) => item.id)
const waitsFor = (...ids: string[]) => ({ depends_on: ids })

describe('blocked dependencies', () => {
  it('are blocked tasks that a queued one names, by their ids, with those that wait', () => {
    const view = viewWith(
      ['b', 'blocked'],
      ['a', 'blocked'],
      ['alone', 'blocked'],
      ['y', 'queued', waitsFor('b', 'a')],
      ['x', 'queued', waitsFor('a', 'nowhere')],
    ).view()
    expect(blockedDependencies(view).map(({ item, dependents }) => [item.id, dependents.map(({ id }) => id)])).toEqual([
      ['a', ['x', 'y']],
      ['b', ['y']],
    ])
  })

  it('are no others: done, queued, waited for by what is itself blocked, or lying in two places', () => {
    const view = viewWith(
      ['a', 'done'],
      ['b', 'queued'],
      ['c', 'blocked'],
      ['d', 'blocked', waitsFor('c')],
      ['twice', 'blocked'],
      ['twice', 'quarantined'],
      ['x', 'queued', waitsFor('a', 'b', 'twice')],
    ).view()
    expect(idsOf(blockedDependencies(view))).toEqual([])
  })

  it('come in the order of the work that the open closure target waits for, of their own root spec, of another', () => {
    const workspace = viewWith(
      ['a', 'blocked', { root_spec_id: 'strange' }],
      ['b', 'blocked', { root_spec_id: 'other' }],
      ['c', 'blocked', { root_spec_id: 'open' }],
      ['x', 'queued', { ...waitsFor('a', 'b'), root_spec_id: 'other' }],
      ['y', 'queued', { ...waitsFor('c'), root_spec_id: 'open' }],
    )
    workspace.targets.set('open', { ...closureTarget('open'), closure_open: true })
    expect(idsOf(blockedDependencies(workspace.view()))).toEqual(['c', 'b', 'a'])
  })
})

const item = (id: string, effectiveRoot: string | null = null) => ({ kind: 'task', id, effectiveRoot }) as ItemEntry
const DEPENDENCY: BlockedDependency = { item: item('a'), dependents: [item('x')] }
const BLOCKED_AT = '2026-03-02T09:00:00.000Z'
const at = (seconds: number) => new Date(Date.parse(BLOCKED_AT) + seconds * 1000).toISOString()

const block = (more: Partial<ReadBlock> = {}): ReadBlock => ({
  work_item_kind: 'task',
  work_item_id: 'a',
  blocked_at: BLOCKED_AT,
  blocked_origin: 'runner_failure',
  failure_class: 'runner_timeout',
  failure_scope: 'environment',
  auto_requeue_candidate: true,
  ...more,
})

describe('what becomes of one', () => {
  const skipOf = (
    { dependency = DEPENDENCY, found = block(), attempts = 0, policy = POLICY, now = at(100_000) } = {} as {
      dependency?: BlockedDependency
      found?: ReadBlock | null
      attempts?: number
      policy?: AutoRecoveryConfig
      now?: string
    },
  ) => prospectOf(dependency, { block: found, attempts }, policy, now).skip

  it('it is put back once its cooldown is over, and not a moment earlier', () => {
    expect(skipOf({ now: at(299.999) })).toBe('cooldown_active')
    expect(skipOf({ now: at(300) })).toBeNull()
  })

  it.each([
    [0, 300],
    [1, 900],
    [2, 3600],
    [7, 3600],
  ])('after %i attempts it waits for %i s', (attempts, seconds) => {
    const policy = { ...POLICY, max_auto_requeues_per_work_item: 10 }
    const { attempt, dueMs } = prospectOf(DEPENDENCY, { block: block(), attempts }, policy, at(0))
    expect([attempt, dueMs]).toEqual([attempts + 1, Date.parse(at(seconds))])
  })

  it.each([
    ['missing_or_invalid_metadata', { found: null }],
    ['blocked_dependency_not_retryable', { found: block({ auto_requeue_candidate: false }) }],
    ['switched_off', { policy: { ...POLICY, enabled: false } }],
    ['switched_off', { policy: { ...POLICY, blocked_dependency_retry_enabled: false } }],
    ['retry_budget_exhausted', { attempts: 3 }],
    ['retry_budget_exhausted', { policy: { ...POLICY, max_auto_requeues_per_work_item: 0 } }],
    ['root_spec_mismatch', { dependency: { item: item('a', 'one'), dependents: [item('x', 'another')] } }],
    [null, { dependency: { item: item('a', 'one'), dependents: [item('x', 'another'), item('y', 'one')] } }],
    [null, { dependency: { item: item('a', 'one'), dependents: [item('x', null)] } }],
    [null, { dependency: { item: item('a', null), dependents: [item('x', 'one')] } }],
  ] as const)('it is left for %s', (skip, given) => {
    expect(skipOf(given as Parameters<typeof skipOf>[0])).toBe(skip)
  })

  it('it is put back only if it may be, within its budget, and once its time has come', () => {
    fc.assert(
      fc.property(
        fc.record({
          isCandidate: fc.boolean(),
          isOn: fc.boolean(),
          attempts: fc.nat(6),
          most: fc.nat(6),
          cooldowns: fc.array(fc.nat(5000), { minLength: 1, maxLength: 4 }),
          elapsed: fc.integer({ min: -5000, max: 10_000 }),
        }),
        ({ isCandidate, isOn, attempts, most, cooldowns, elapsed }) => {
          const policy = {
            ...POLICY,
            enabled: isOn,
            max_auto_requeues_per_work_item: most,
            cooldown_seconds: cooldowns,
          }
          const record = { block: block({ auto_requeue_candidate: isCandidate }), attempts }
          const { skip, dueMs } = prospectOf(DEPENDENCY, record, policy, at(elapsed))
          const cooldown = cooldowns[attempts] ?? cooldowns.at(-1)!
          expect(skip === null).toBe(isCandidate && isOn && attempts < most && elapsed >= cooldown)
          // Whatever waits for its time, and nothing else, says when that is.
          expect(dueMs !== null).toBe(skip === null || skip === 'cooldown_active')
          if (dueMs !== null)
            expect(prospectOf(DEPENDENCY, record, policy, new Date(dueMs).toISOString()).skip).toBeNull()
        },
      ),
    )
  })
})

it('each blocked dependency is looked at with its own record', () => {
  const view = viewWith(['a', 'blocked'], ['b', 'blocked'], ['x', 'queued', waitsFor('a', 'b')]).view()
  const found = prospects(view, POLICY, ({ id }) => ({
    block: id === 'a' ? null : block({ blocked_at: NOW }),
    attempts: 0,
  }))
  expect(found.map(({ skip }) => skip)).toEqual(['missing_or_invalid_metadata', 'cooldown_active'])
})

describe('attempts so far', () => {
  it('are the lines that say the runtime itself did it, whatever else somebody wrote there', () => {
    const lines = [
      '{"auto":true}',
      '{"auto":"true"}',
      '{"reason":"a person"}',
      'auto: true',
      '{"auto":true',
      '',
      'null',
    ]
    expect(autoAttempts(lines.join('\n'))).toBe(1)
    expect([autoAttempts(null), autoAttempts('')]).toEqual([0, 0])
  })
})

describe('what is announced', () => {
  it('names the earliest time that is still to come', () => {
    const digest = (seconds: number) => skipDigest({ skip: 'cooldown_active', dueMs: Date.parse(at(seconds)) })
    const announced = {
      [`${SKIPPED}:task:a`]: digest(30),
      [`${SKIPPED}:task:b`]: digest(20),
      [`${SKIPPED}:task:c`]: digest(5),
      [`${SKIPPED}:task:d`]: skipDigest({ skip: 'retry_budget_exhausted', dueMs: null }),
      'runtime_tick_idle:runtime': `idle until ${at(11)}`,
    }
    expect(announcedRecovery(announced, at(10))).toBe(at(20))
    expect(announcedRecovery(announced, at(30))).toBeNull()
  })
})
