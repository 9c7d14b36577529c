/** Adding up what stages used. Sums stay exact: a count beyond that is nonsense, and must not make a sum unreadable. */
import type { TokenUsage } from './result.ts'

/** Who pauses while a rule on usage is over. */
export const USAGE = 'usage_governance'

const sum = (a: number, b: number): number => Math.min(a + b, Number.MAX_SAFE_INTEGER)

export function addUsage(a: TokenUsage, b: TokenUsage): TokenUsage {
  const cacheWrite = sum(a.cache_write_tokens ?? 0, b.cache_write_tokens ?? 0)
  const cost = (a.cost_usd ?? 0) + (b.cost_usd ?? 0)
  return {
    input_tokens: sum(a.input_tokens, b.input_tokens),
    cached_input_tokens: sum(a.cached_input_tokens, b.cached_input_tokens),
    output_tokens: sum(a.output_tokens, b.output_tokens),
    thinking_tokens: sum(a.thinking_tokens, b.thinking_tokens),
    total_tokens: sum(a.total_tokens, b.total_tokens),
    ...((a.cache_write_tokens ?? b.cache_write_tokens) === undefined ? {} : { cache_write_tokens: cacheWrite }),
    ...((a.cost_usd ?? b.cost_usd) === undefined ? {} : { cost_usd: cost }),
  }
}

/** What of `total` is left without `before`; never below nothing. */
export function lessUsage(total: TokenUsage, before: TokenUsage): TokenUsage {
  const rest = (a: number, b: number): number => Math.max(0, a - b)
  const { cache_write_tokens: written, cost_usd: cost } = total
  return {
    input_tokens: rest(total.input_tokens, before.input_tokens),
    cached_input_tokens: rest(total.cached_input_tokens, before.cached_input_tokens),
    output_tokens: rest(total.output_tokens, before.output_tokens),
    thinking_tokens: rest(total.thinking_tokens, before.thinking_tokens),
    total_tokens: rest(total.total_tokens, before.total_tokens),
    ...(written === undefined ? {} : { cache_write_tokens: rest(written, before.cache_write_tokens ?? 0) }),
    ...(cost === undefined ? {} : { cost_usd: rest(cost, before.cost_usd ?? 0) }),
  }
}

/** Whether anything was used at all. */
export const isNothing = (usage: TokenUsage): boolean =>
  usage.total_tokens === 0 && usage.input_tokens === 0 && usage.output_tokens === 0 && (usage.cost_usd ?? 0) === 0

/** Null if none of them told. */
export function sumUsage(usages: readonly (TokenUsage | null | undefined)[]): TokenUsage | null {
  const told = usages.filter((usage) => usage !== null && usage !== undefined)
  return told.length === 0 ? null : told.reduce(addUsage)
}
