/**
 * Tokens and cost as agents of the Agent Client Protocol tell them, into the one normal form. They differ: some give a sum
 * with the end of the turn, Gemini CLI gives its own beside it, and some never tell more than how full the context is.
 */
import type { TokenUsage } from '../../core/result.ts'
import { countOf, type Fields, fieldsOf } from '../fields.ts'

interface AcpUsage {
  /** A `usage_update` notification. */
  update(update: Fields): void
  /** The result of the prompt. */
  turn(result: Fields): void
  /** Forgets all but the cost told until now, which is that of an earlier turn of the session. */
  begin(): void
  total(): TokenUsage | null
  /** True if the total is only what the context held, and more was used. */
  isLowerBound(): boolean
}

export function acpUsage(): AcpUsage {
  let turn: TokenUsage | null = null
  let contextTokens: number | null = null
  let costUsd: number | null = null
  let earlierCostUsd = 0

  const inContext = (): TokenUsage | null =>
    contextTokens === null
      ? null
      : {
          input_tokens: contextTokens,
          cached_input_tokens: 0,
          output_tokens: 0,
          thinking_tokens: 0,
          total_tokens: contextTokens,
        }

  return {
    update(update) {
      const used = countOf(update, 'used')
      if (used !== null) contextTokens = Math.max(contextTokens ?? 0, used)
      const cost = fieldsOf(update.cost)
      if (
        cost?.currency === 'USD' &&
        typeof cost.amount === 'number' &&
        cost.amount >= 0 &&
        Number.isFinite(cost.amount)
      ) {
        costUsd = cost.amount
      }
    },
    turn(result) {
      turn = ofTurn(fieldsOf(result.usage)) ?? ofQuota(fieldsOf(fieldsOf(result._meta)?.quota))
    },
    begin() {
      turn = null
      contextTokens = null
      earlierCostUsd = costUsd ?? 0
      costUsd = null
    },
    total() {
      const tokens = turn ?? inContext()
      if (tokens === null || costUsd === null) return tokens
      return { ...tokens, cost_usd: Math.max(0, costUsd - earlierCostUsd) }
    },
    isLowerBound: () => turn === null && contextTokens !== null,
  }
}

/** `inputTokens` counts the cached ones or does not, as `outputTokens` does the thoughts: the total tells which. */
function ofTurn(usage: Fields | null): TokenUsage | null {
  if (usage === null) return null
  const input = countOf(usage, 'inputTokens')
  const output = countOf(usage, 'outputTokens')
  if (input === null || output === null) return null
  const cached = countOf(usage, 'cachedReadTokens') ?? 0
  const written = countOf(usage, 'cachedWriteTokens')
  const thoughts = countOf(usage, 'thoughtTokens') ?? 0
  const total = countOf(usage, 'totalTokens') ?? input + output
  const beside = total - input - output
  const inputAll = beside >= cached + (written ?? 0) ? input + cached + (written ?? 0) : input
  const outputAll = beside >= cached + (written ?? 0) + thoughts ? output + thoughts : output
  return exact({
    input_tokens: inputAll,
    cached_input_tokens: cached,
    output_tokens: outputAll,
    thinking_tokens: thoughts,
    ...(written === null ? {} : { cache_write_tokens: written }),
    total_tokens: inputAll + outputAll,
  })
}

/** What Gemini CLI tells: the sum of all requests of the turn, cached tokens among the input, thoughts not told. */
function ofQuota(quota: Fields | null): TokenUsage | null {
  const counts = fieldsOf(quota?.token_count)
  if (counts === null) return null
  const input = countOf(counts, 'input_tokens')
  const output = countOf(counts, 'output_tokens')
  if (input === null || output === null) return null
  return exact({
    input_tokens: input,
    cached_input_tokens: 0,
    output_tokens: output,
    thinking_tokens: 0,
    total_tokens: input + output,
  })
}

/** Sums of counts that are nonsense must not make a record unreadable. */
const exact = (usage: TokenUsage): TokenUsage =>
  Object.fromEntries(
    Object.entries(usage).map(([name, count]) => [name, Math.min(count ?? 0, Number.MAX_SAFE_INTEGER)]),
  ) as TokenUsage
