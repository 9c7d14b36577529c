import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deepFreeze, NOW } from '../../test/rig/view.ts'
import {
  type CounterEntry,
  Counters,
  counterOwner,
  countOf,
  countUp,
  forgetCounters,
  newCounters,
  newSnapshot,
  Snapshot,
} from './state.ts'

const OWNER = { kind: 'task', id: 'a' }

describe('a new state', () => {
  it('follows its own schemas', () => {
    expect(Snapshot.parse(newSnapshot(NOW))).toEqual(newSnapshot(NOW))
    expect(Counters.parse(newCounters())).toEqual(newCounters())
    expect(newSnapshot(NOW)).toMatchObject({ revision: 0, process_running: false, active_runs: [], updated_at: NOW })
  })
})

describe('the owner of budgets', () => {
  it('is the item, or for a closure run the target', () => {
    const none = { work_item_kind: null, work_item_id: null, closure_target_root_spec_id: null }
    expect(counterOwner({ ...none, work_item_kind: 'spec', work_item_id: 's' })).toEqual({ kind: 'spec', id: 's' })
    expect(counterOwner({ ...none, closure_target_root_spec_id: 's' })).toEqual({ kind: 'closure_target', id: 's' })
  })
})

describe('budgets', () => {
  const anyUse = fc.record({
    kind: fc.constantFrom('task', 'spec'),
    id: fc.constantFrom('a', 'b'),
    name: fc.constantFrom('x', 'y'),
    key: fc.constantFrom('', 'k'),
  })

  it('count every use of exactly one item, counter and key', () => {
    fc.assert(
      fc.property(fc.array(anyUse, { maxLength: 30 }), (uses) => {
        let counters: Counters = deepFreeze(newCounters())
        for (const { kind, id, name, key } of uses)
          counters = deepFreeze(countUp(counters, { kind, id }, name, key, NOW))
        for (const { kind, id, name, key } of uses) {
          const expected = uses.filter(
            (use) => use.kind === kind && use.id === id && use.name === name && use.key === key,
          )
          expect(countOf(counters, { kind, id }, name, key)).toBe(expected.length)
        }
        const identity = ({ work_item_kind, work_item_id, counter_name, key }: CounterEntry) =>
          [work_item_kind, work_item_id, counter_name, key].join('|')
        expect(new Set(counters.entries.map(identity)).size).toBe(counters.entries.length)
      }),
    )
  })

  it('are none for what was never used', () => {
    expect(countOf(newCounters(), OWNER, 'x', '')).toBe(0)
  })

  it('are forgotten for one item alone, and the same object if there were none', () => {
    const used = countUp(countUp(newCounters(), OWNER, 'x', 'k', NOW), { kind: 'spec', id: 'a' }, 'x', 'k', NOW)
    const left = forgetCounters(deepFreeze(used), OWNER)
    expect(left.entries.map((entry) => entry.work_item_kind)).toEqual(['spec'])
    expect(forgetCounters(left, OWNER)).toBe(left)
  })

  it('say when they were last used', () => {
    const later = '2026-03-03T00:00:00.000Z'
    const used = countUp(countUp(newCounters(), OWNER, 'x', '', NOW), OWNER, 'x', '', later)
    expect(used.entries).toEqual([
      { work_item_kind: 'task', work_item_id: 'a', counter_name: 'x', key: '', count: 2, last_updated_at: later },
    ])
  })
})
