/** Token usage as Codex reports it, in both shapes it has had (spec 04 §8.6, spec 08 §3), into the one normal form. */
import type { TokenUsage } from '../../core/result.ts'
import { addUsage } from '../../core/usage.ts'
import { countOf, fieldsOf } from '../fields.ts'

/** Null unless both input and output are counts. */
function usageOf(value: unknown): TokenUsage | null {
  const fields = fieldsOf(value)
  if (fields === null) return null
  const input = countOf(fields, 'input_tokens')
  const output = countOf(fields, 'output_tokens')
  if (input === null || output === null) return null
  const cacheWrite = countOf(fields, 'cache_write_input_tokens')
  return {
    input_tokens: input,
    cached_input_tokens: countOf(fields, 'cached_input_tokens') ?? 0,
    output_tokens: output,
    thinking_tokens: countOf(fields, 'reasoning_output_tokens', 'thinking_tokens', 'reasoning_tokens') ?? 0,
    ...(cacheWrite === null ? {} : { cache_write_tokens: cacheWrite }),
    total_tokens: countOf(fields, 'total_tokens') ?? Math.min(input + output, Number.MAX_SAFE_INTEGER),
  }
}

interface UsageCount {
  event(event: unknown): void
  /** Null if no event told. */
  total(): TokenUsage | null
}

/**
 * Fold over the event stream. `turn.completed` is per turn and summed; `token_count`, bare or wrapped in `event_msg`,
 * is a running total, so the largest counts (the later of equals). A stream with both is counted by its turns.
 */
export function codexUsage(): UsageCount {
  let turns: TokenUsage | null = null
  let running: TokenUsage | null = null
  return {
    event(event) {
      const outer = fieldsOf(event)
      const fields = outer?.type === 'event_msg' ? fieldsOf(outer.payload) : outer
      if (fields?.type === 'turn.completed') {
        const usage = usageOf(fields.usage)
        if (usage !== null) turns = turns === null ? usage : addUsage(turns, usage)
      } else if (fields?.type === 'token_count') {
        const counts = fieldsOf(fields.info)
        const usage = usageOf(counts?.total_token_usage) ?? usageOf(counts?.last_token_usage)
        if (usage !== null && usage.total_tokens >= (running?.total_tokens ?? 0)) running = usage
      }
    },
    total: () => turns ?? running,
  }
}
