/**
 * Token usage as Claude Code reports it (spec 08 §5), into the one normal form. Claude counts the input that went through
 * its cache apart from the rest; here all of it is input.
 */
import type { TokenUsage } from '../../core/result.ts'
import { addUsage, sumUsage } from '../../core/usage.ts'
import { countOf, type Fields, fieldsOf, idOf } from '../fields.ts'

/** The lines of one message follow each other; those of subagents may come between. */
const RECENT_MESSAGES_MAX = 50

interface ClaudeUsage {
  event(fields: Fields): void
  /** Null if no event told. */
  total(): TokenUsage | null
}

/**
 * Fold over the event stream. The result line tells what the whole process used, by model: that counts subagents too,
 * which its `usage` leaves out, and nothing of earlier processes whose session is continued. Before it comes, each message tells the input it began with; its output is unknown then.
 */
export function claudeUsage(): ClaudeUsage {
  const recentMessages: string[] = []
  let begun: TokenUsage | null = null
  let result: TokenUsage | null = null

  const message = (fields: Fields | null): void => {
    const id = idOf(fields?.id)
    const usage = fieldsOf(fields?.usage)
    if (id === null || usage === null || recentMessages.includes(id)) return
    recentMessages.push(id)
    if (recentMessages.length > RECENT_MESSAGES_MAX) recentMessages.shift()
    const started = apiUsage({ ...usage, output_tokens: 0 })
    if (started.total_tokens > 0) begun = begun === null ? started : addUsage(begun, started)
  }

  return {
    event(fields) {
      if (fields.type === 'assistant') message(fieldsOf(fields.message))
      if (fields.type === 'result') result = resultUsage(fields) ?? result
    },
    total: () => result ?? begun,
  }
}

function resultUsage(fields: Fields): TokenUsage | null {
  const models = Object.values(fieldsOf(fields.modelUsage) ?? {}).map((model) => modelUsage(fieldsOf(model) ?? {}))
  const whole = fieldsOf(fields.usage)
  const usage = sumUsage(models) ?? (whole === null ? null : apiUsage(whole))
  const cost = fields.total_cost_usd
  if (usage === null || typeof cost !== 'number' || !(cost >= 0 && Number.isFinite(cost))) return usage
  return { ...usage, cost_usd: cost }
}

const apiUsage = (usage: Fields): TokenUsage =>
  normal({
    fresh: countOf(usage, 'input_tokens'),
    read: countOf(usage, 'cache_read_input_tokens'),
    written: countOf(usage, 'cache_creation_input_tokens'),
    output: countOf(usage, 'output_tokens'),
  })

const modelUsage = (usage: Fields): TokenUsage =>
  normal({
    fresh: countOf(usage, 'inputTokens'),
    read: countOf(usage, 'cacheReadInputTokens'),
    written: countOf(usage, 'cacheCreationInputTokens'),
    output: countOf(usage, 'outputTokens'),
  })

function normal(counts: Record<'fresh' | 'read' | 'written' | 'output', number | null>): TokenUsage {
  const { fresh, read, written, output } = counts
  const input = exact((fresh ?? 0) + (read ?? 0) + (written ?? 0))
  return {
    input_tokens: input,
    cached_input_tokens: read ?? 0,
    output_tokens: output ?? 0,
    thinking_tokens: 0,
    total_tokens: exact(input + (output ?? 0)),
    cache_write_tokens: written ?? 0,
  }
}

const exact = (count: number): number => Math.min(count, Number.MAX_SAFE_INTEGER)
