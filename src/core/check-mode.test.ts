import { describe, expect, test } from 'vitest'
import { compileWith, configWith, edit } from '../../test/rig/assets.ts'
import { countIn } from './check-mode.ts'
import type { Config } from './config.ts'
import type { Loop } from './loop.ts'
import type { StageKind } from './stage.ts'

const CHECKER = 'registry/stage_kinds/execution/checker.json'
const EXECUTION = 'graphs/execution/standard.json'

describe('a dotted key of the config', () => {
  const config = configWith({ recovery: { max_fix_cycles: 1 } })

  test.each([
    ['recovery.max_fix_cycles', 1],
    ['recovery', null],
    ['recovery.max_fix_cycles.length', null],
    ['runtime.run_style', null],
    ['runtime.run_style.length', null],
    ['runners.codex.profile', null],
    ['runners.codex.profile.length', null],
    ['recovery.toString', null],
    ['nowhere', null],
    ['', null],
  ])('%s counts as %s', (key, count) => {
    expect(countIn(config, key)).toBe(count)
  })

  test('counts only as a whole number from one', () => {
    const holding = (value: unknown) => countIn({ count: value } as unknown as Config, 'count')
    expect([1, 2].map(holding)).toEqual([1, 2])
    expect([0, -1, 1.5, '2', true, null, Number.NaN].map(holding)).toEqual(Array(7).fill(null))
  })
})

describe('what only a module can carry out is refused where no module brings it', () => {
  test('a context block of the prompt', () => {
    const change = edit<StageKind>((kind) => {
      kind.request_blocks = [{ name: 'facts', chars_max: 100 }]
    })
    expect(compileWith({ changes: { [CHECKER]: change } }).diagnostics).toMatchObject([
      {
        code: 'VALIDATOR_UNKNOWN',
        path: CHECKER,
        at: 'request_blocks',
        message: 'context block facts is not registered; remove it',
      },
    ])
  })

  test('an item that waits for a resolver', () => {
    const change = edit<Loop>((loop) => {
      const blocked = loop.terminal_states.find((state) => state.terminal_state_id === 'blocked')!
      blocked.effects = [{ effect: 'park_item', resolver: 'tomorrow' }]
    })
    expect(compileWith({ changes: { [EXECUTION]: change } }).diagnostics).toMatchObject([
      {
        code: 'VALIDATOR_UNKNOWN',
        path: EXECUTION,
        at: 'blocked',
        message: 'resolver tomorrow is not registered; use block_item, and a person brings the item back',
      },
    ])
  })
})
