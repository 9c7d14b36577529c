import { describe, expect, test } from 'vitest'
import { newCounters, newSnapshot } from '../core/state.ts'
import { upgradeState } from './state-format.ts'

const NOW = '2026-03-02T09:15:00.000Z'
const code = (expected: string, words: string) =>
  expect.objectContaining({ code: expected, message: expect.stringContaining(words) })
const upgraded = (kind: string, value: unknown) => () => upgradeState(kind, value)

describe('a state document', () => {
  test('of the format in force comes back as it is', () => {
    expect(upgradeState('runtime_snapshot', newSnapshot(NOW))).toEqual(newSnapshot(NOW))
    expect(upgradeState('recovery_counters', newCounters())).toEqual(newCounters())
    expect(upgradeState('runtime_snapshot', null)).toBeNull()
  })

  test('of a newer format is refused with what it needs', () => {
    const newer = { ...newSnapshot(NOW), schema_version: '3.0' }
    expect(upgraded('runtime_snapshot', newer)).toThrow(
      code('state_newer', 'state/runtime_snapshot.json has format 3.0'),
    )
  })

  test('of another runtime’s format is refused', () => {
    for (const schema_version of ['1.0', undefined]) {
      expect(upgraded('runtime_snapshot', { ...newSnapshot(NOW), schema_version })).toThrow(
        code('workspace_unsupported', 'another runtime'),
      )
    }
  })

  test('of a format named like a member of every object is of another runtime', () => {
    for (const schema_version of ['__proto__', 'constructor', 'toString'])
      expect(upgraded('recovery_counters', { ...newCounters(), schema_version })).toThrow(
        code('workspace_unsupported', schema_version),
      )
  })

  test('with something else deep inside is corrupt and says where', () => {
    expect(upgraded('recovery_counters', { ...newCounters(), entries: [null] })).toThrow(
      code('state_corrupt', 'entries.0'),
    )
    expect(upgraded('runtime_snapshot', { ...newSnapshot(NOW), pause_sources: [{ source: 5 }] })).toThrow(
      code('state_corrupt', 'pause_sources.0.source'),
    )
  })

  test('of another kind is corrupt', () => {
    for (const value of [[], 'text', 7, {}, newCounters()])
      expect(upgraded('runtime_snapshot', value)).toThrow(code('state_corrupt', 'does not hold a runtime_snapshot'))
  })

  test('that lacks a member, or has something else there, is corrupt and says where', () => {
    const { active_runs: _, ...lacking } = newSnapshot(NOW)
    expect(upgraded('runtime_snapshot', lacking)).toThrow(code('state_corrupt', 'active_runs'))
    expect(upgraded('runtime_snapshot', { ...newSnapshot(NOW), revision: '7' })).toThrow(
      code('state_corrupt', 'revision'),
    )
    expect(upgraded('runtime_snapshot', { ...newSnapshot(NOW), active_runs: {} })).toThrow(
      code('state_corrupt', 'active_runs'),
    )
    expect(upgraded('recovery_counters', { ...newCounters(), entries: null })).toThrow(
      code('state_corrupt', 'recovery_counters.json'),
    )
    expect(upgraded('closure_target_state', { kind: 'closure_target_state', schema_version: '2.0' })).toThrow(
      code('state_corrupt', 'root_spec_id'),
    )
  })

  test('written before a member was added has what it stood for', () => {
    const { runner_waits: _, ...earlier } = newSnapshot(NOW)
    expect(upgradeState('runtime_snapshot', earlier)).toEqual(newSnapshot(NOW))
  })

  test('may have members that this version does not know', () => {
    expect(upgradeState('recovery_counters', { ...newCounters(), extra: 1 })).toMatchObject({ extra: 1 })
  })
})
