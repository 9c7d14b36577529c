import { describe, expect, test } from 'vitest'
import { compileWith, edit } from '../../test/rig/assets.ts'
import type { Loop } from './loop.ts'
import type { StageKind } from './stage.ts'

const CHECKER = 'registry/stage_kinds/execution/checker.json'
const EXECUTION = 'graphs/execution/standard.json'

describe('what only a module can carry out is refused where no module brings it', () => {
  test('a context block of the prompt', () => {
    const change = edit<StageKind>((kind) => {
      kind.request_blocks = [{ name: 'facts', chars_max: 100 }]
    })
    expect(compileWith({ changes: { [CHECKER]: change } }).diagnostics).toMatchObject([
      { code: 'VALIDATOR_UNKNOWN', path: CHECKER, at: 'request_blocks' },
    ])
  })

  test('an item that waits for a resolver', () => {
    const change = edit<Loop>((loop) => {
      const blocked = loop.terminal_states.find((state) => state.terminal_state_id === 'blocked')!
      blocked.effects = [{ effect: 'park_item', resolver: 'tomorrow' }]
    })
    expect(compileWith({ changes: { [EXECUTION]: change } }).diagnostics).toMatchObject([
      { code: 'VALIDATOR_UNKNOWN', path: EXECUTION, at: 'blocked' },
    ])
  })
})
