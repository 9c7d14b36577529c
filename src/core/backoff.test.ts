import { describe, expect, it } from 'vitest'
import { nextTry, waitLearnt, waitOf, withWait } from './backoff.ts'
import { RecoveryLimits } from './mode.ts'
import type { StageResult } from './result.ts'
import type { RunnerWait } from './state.ts'

const NOW = '2026-03-01T12:00:00.000Z'
const later = (seconds: number) => new Date(Date.parse(NOW) + seconds * 1000).toISOString()
const limits = RecoveryLimits.parse({ environment_backoff_seconds: [10, 100] })
const CHANCES = [0, 0.25, 0.5, 0.999]
const seconds = (failures: number, resetsAt: string | null, chance: number) =>
  (Date.parse(nextTry(NOW, failures, limits, resetsAt, chance)) - Date.parse(NOW)) / 1000

describe('the next try', () => {
  it('waits longer after each failure, up to the last step, spread by a fifth to both sides', () => {
    expect([1, 2, 3, 50].map((failures) => seconds(failures, null, 0.5))).toEqual([10, 100, 100, 100])
    expect(seconds(1, null, 0)).toBe(8)
    expect(seconds(1, null, 0.999)).toBeCloseTo(12, 1)
  })

  it('is never before a known end of the limit, and a few seconds after it', () => {
    for (const chance of CHANCES) {
      expect(seconds(1, later(90), chance)).toBeGreaterThanOrEqual(92)
      expect(seconds(1, later(90), chance)).toBeLessThanOrEqual(95)
    }
  })

  it('is not sooner than the backoff for a limit that has ended already', () => {
    expect(seconds(2, later(1), 0.5)).toBe(100)
    expect(seconds(2, later(-3600), 0.5)).toBe(100)
  })

  it('is after eight days for a limit that ends later, and takes no notice of what is no time', () => {
    for (const chance of CHANCES) expect(seconds(1, later(30 * 86_400), chance)).toBe(8 * 86_400)
    expect(seconds(1, 'tomorrow', 0.5)).toBe(10)
  })
})

const result = (cause: string | null): StageResult =>
  ({ metadata: { environment_cause: cause }, notes: ['what it said'] }) as unknown as StageResult
const node = { runner_name: 'codex_cli', model_name: 'large' }

describe('what one stage learns for others', () => {
  it('is a quota for its whole runner, and a rate limit for its model', () => {
    const told = { runner_name: 'codex_cli', reason: 'what it said', since: NOW, until: later(90) }
    expect(waitLearnt(result('quota'), node, later(90), NOW)).toEqual({ ...told, model_name: null, cause: 'quota' })
    expect(waitLearnt(result('rate_limit'), node, later(90), NOW)).toMatchObject({ model_name: 'large' })
  })

  it.each(['auth', 'network', 'disk', 'unheard_of', null])('is nothing where the cause is %s', (cause) => {
    expect(waitLearnt(result(cause), node, later(90), NOW)).toBeNull()
  })
})

describe('the waits of runners', () => {
  const wait = (model_name: string | null, until: string, runner_name = 'codex_cli'): RunnerWait => ({
    runner_name,
    model_name,
    cause: 'quota',
    reason: 'used up',
    since: NOW,
    until,
  })

  it('hold for the stages of the runner and model until their time, that of no model for all of them', () => {
    const runner_waits = [wait('large', later(90)), wait(null, later(30), 'claude_code')]
    const held = (runner_name: string, model_name: string | null, now = NOW) =>
      waitOf({ runner_waits }, { runner_name, model_name }, now)?.until ?? null
    expect(held('codex_cli', 'large')).toBe(later(90))
    expect(held('codex_cli', 'large', later(90))).toBeNull()
    expect(held('codex_cli', 'small')).toBeNull()
    expect(held('codex_cli', null)).toBeNull()
    expect(held('claude_code', 'any')).toBe(later(30))
    expect(held('command', null)).toBeNull()
  })

  it('are told by the one that ends last', () => {
    const runner_waits = [wait(null, later(30)), wait('large', later(90)), wait(null, later(60), 'x')]
    expect(waitOf({ runner_waits }, node, NOW)?.until).toBe(later(90))
  })

  it('are never made shorter by a stage that knows less', () => {
    const waits = withWait([wait(null, later(90)), wait('large', later(10))], wait(null, later(30)))
    expect(waits.map(({ model_name, until }) => [model_name, until])).toEqual([
      ['large', later(10)],
      [null, later(90)],
    ])
    expect(withWait(waits, wait(null, later(120))).at(-1)?.until).toBe(later(120))
  })
})
