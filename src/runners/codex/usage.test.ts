import { describe, expect, it } from 'vitest'
import { codexUsage } from './usage.ts'

function counted(...events: unknown[]) {
  const count = codexUsage()
  for (const event of events) count.event(event)
  return count.total()
}
const usage = (input: number, output: number, more: Record<string, unknown> = {}) => ({
  input_tokens: input,
  output_tokens: output,
  ...more,
})
const tokenCount = (info: unknown) => ({ type: 'token_count', info })

describe('counting tokens of Codex', () => {
  it('sums the usage of turns', () => {
    const turn = {
      type: 'turn.completed',
      usage: usage(100, 20, { cached_input_tokens: 40, reasoning_output_tokens: 5 }),
    }
    expect(counted(turn, { type: 'turn.started' }, turn)).toEqual({
      input_tokens: 200,
      cached_input_tokens: 80,
      output_tokens: 40,
      thinking_tokens: 10,
      total_tokens: 240,
    })
  })

  it('takes the largest running total of token counts, bare or wrapped, the later of equals', () => {
    const small = tokenCount({ total_token_usage: usage(10, 5, { total_tokens: 15 }) })
    const large = {
      type: 'event_msg',
      payload: tokenCount({ total_token_usage: usage(30, 5, { total_tokens: 35, thinking_tokens: 1 }) }),
    }
    const equal = tokenCount({ total_token_usage: usage(29, 6, { reasoning_tokens: 2 }) })
    expect(counted(small, large, small)).toMatchObject({ input_tokens: 30, total_tokens: 35, thinking_tokens: 1 })
    expect(counted(large, equal)).toMatchObject({ input_tokens: 29, total_tokens: 35, thinking_tokens: 2 })
  })

  it('falls back to the usage of the last request', () => {
    expect(counted(tokenCount({ last_token_usage: usage(3, 4) }))).toMatchObject({
      total_tokens: 7,
      cached_input_tokens: 0,
    })
  })

  it('counts a stream that has both shapes once', () => {
    expect(
      counted(tokenCount({ total_token_usage: usage(100, 20) }), { type: 'turn.completed', usage: usage(100, 20) }),
    ).toMatchObject({ total_tokens: 120 })
  })

  it('stays an exact number, whatever is added up', () => {
    const most = { type: 'turn.completed', usage: usage(Number.MAX_SAFE_INTEGER, 1) }
    expect(counted(most, most)).toMatchObject({
      input_tokens: Number.MAX_SAFE_INTEGER,
      total_tokens: Number.MAX_SAFE_INTEGER,
    })
  })

  it('ignores everything that is no count', () => {
    const odd = [
      null,
      'x',
      [],
      {},
      tokenCount(null),
      tokenCount({ total_token_usage: usage(-1, 2) }),
      { type: 'turn.completed', usage: usage(1.5, 2) },
    ]
    expect(counted(...odd)).toBeNull()
    expect(counted({ type: 'turn.completed', usage: usage(1, 2, { cached_input_tokens: 'many' }) })).toMatchObject({
      cached_input_tokens: 0,
    })
  })
})
