/** Token usage as Codex reports it, in both shapes it has had (spec 04 §8.6, spec 08 §3), into the one normal form. */
import type { TokenUsage } from '../core/result.ts'

type Fields = Record<string, unknown>

export const fieldsOf = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null

function count(fields: Fields, ...names: string[]): number | null {
  for (const name of names) {
    const value = fields[name]
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  }
  return null
}

/** Null unless both input and output are counts. */
function usageOf(value: unknown): TokenUsage | null {
  const fields = fieldsOf(value)
  if (fields === null) return null
  const input = count(fields, 'input_tokens')
  const output = count(fields, 'output_tokens')
  if (input === null || output === null) return null
  return {
    input_tokens: input,
    cached_input_tokens: count(fields, 'cached_input_tokens') ?? 0,
    output_tokens: output,
    thinking_tokens: count(fields, 'reasoning_output_tokens', 'thinking_tokens', 'reasoning_tokens') ?? 0,
    total_tokens: count(fields, 'total_tokens') ?? sum(input, output),
  }
}

/** A sum that stays exact: a count beyond that is nonsense, and adding to it must not make it unreadable. */
const sum = (a: number, b: number): number => Math.min(a + b, Number.MAX_SAFE_INTEGER)

function addUsage(a: TokenUsage, b: TokenUsage): TokenUsage {
  return {
    input_tokens: sum(a.input_tokens, b.input_tokens),
    cached_input_tokens: sum(a.cached_input_tokens, b.cached_input_tokens),
    output_tokens: sum(a.output_tokens, b.output_tokens),
    thinking_tokens: sum(a.thinking_tokens, b.thinking_tokens),
    total_tokens: sum(a.total_tokens, b.total_tokens),
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
