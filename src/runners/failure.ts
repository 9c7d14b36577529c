/**
 * What a harness prints when its surroundings fail, told apart by cause. Model providers word these freely; the patterns
 * cover what the real clients print (spec 08 §3) and what their users report, and stay narrow: unknown text has no cause.
 * When a limit ends is read in reset-time.ts.
 */
import type { FailureCause } from '../core/result.ts'
import type { Findings } from './harness.ts'
import { resetTime } from './reset-time.ts'

/** The words of Codex and OpenAI, Claude, Gemini, OpenCode and Pi for a prompt that has outgrown the model. */
const CONTEXT_OVERFLOW = new RegExp(
  [
    /context_length_exceeded|model_context_window_exceeded|ContextOverflowError|request_too_large/,
    /maximum context length|context (?:window|length|size) (?:is |was |has been )?exceeded/,
    /(?:exceeds?|exceeded|ran out of room in) (?:the |this |your )?(?:model's |model’s )?(?:maximum )?context (?:window|length|limit|size)/,
    /prompt is too long|input is too long for (?:the )?requested model|conversation (?:is )?too long/,
    /input token count (?:\(\d+\) )?exceeds|exceeds the maximum number of tokens/,
  ]
    .map((pattern) => pattern.source)
    .join('|'),
  'i',
)

/** True for a prompt too long for its model: a failure of the work, which waiting does not mend. */
export const isContextOverflow = (text: string): boolean => CONTEXT_OVERFLOW.test(text)

/** True if the session to be continued does not exist (any more), in the words of Codex and Claude. */
export const isSessionGone = (text: string): boolean =>
  /no (?:saved session|rollout|conversation|session) (?:was )?found|(?:session|thread|conversation|rollout)[^\n]{0,120} (?:not found|does not exist)/i.test(
    text,
  )

/**
 * In this order: a used-up quota is often reported as a 429 and a full disk as a used-up quota, a refused key as a
 * failed retry, and a program that is too old as a refused request.
 */
const PATTERNS: readonly (readonly [FailureCause, RegExp])[] = [
  [
    'disk',
    /no space left on device|\bENOSPC\b|disk (?:is )?full|disk quota exceeded|\bEDQUOT\b|read-only file system/i,
  ],
  [
    'missing_binary',
    /env: .{0,40}no such file or directory|missing optional dependency|native binary (?:is )?not (?:installed|found)/i,
  ],
  [
    'wrong_version',
    /unexpected argument '|unrecognized (?:subcommand|option|arguments?)|unknown (?:command line )?(?:option|flag|arguments?)\b|option '[^']*' is unknown|invalid value '[^']*' for '|does not provide an export named|(?:requires|needs) node(?:\.js)?\b|unsupported engine|requires a newer version|needs an update|unsupported protocol version/i,
  ],
  [
    'refused_permission',
    /cannot be used with root\/sudo|not inside a trusted directory|not running in a trusted (?:directory|folder)|workspace (?:is )?not trusted/i,
  ],
  [
    'quota',
    /(?<!not your )usage[ _]limit|insufficient_quota|quota exceeded|exceeded your current quota|exhausted your (?:daily )?(?:capacity|quota)|quota will reset|out of credits|credit balance is too low|\b402 payment required|with your chatgpt plan, upgrade|(?:\d{1,3}-hour|session|weekly|opus|sonnet|monthly|spending|your) limit (?:reached|· resets|∙ resets)|\bhit your (?:[\w-]+ ){0,2}limit|\blimit reached\s*[·∙•]\s*resets/i,
  ],
  [
    'auth',
    /\b401\b|\b403 forbidden|unauthorized|missing environment variable|not logged in|please run \/login|(?:invalid|incorrect) (?:x-)?api[ -]key|api key not valid|authentication_error|no api key found|api key is required|oauth token (?:has )?(?:expired|revoked)|set an auth method/i,
  ],
  [
    'rate_limit',
    /\b429\b|rate[ _-]?limit|too many requests|temporarily limiting requests|resource[ _](?:has been )?exhausted/i,
  ],
  [
    'overloaded',
    /high demand|overloaded|\bat capacity\b|\b(?:status:?|http|error:?) 5\d\d\b|internal server error|bad gateway|service unavailable|^5\d\d\b/i,
  ],
  [
    'network',
    /stream disconnected|stream (?:ended|closed) (?:before|without)|idle timeout|waiting for network|408 request timeout|error sending request|connection (?:error|refused|reset|closed|failed|timed out)|network is unreachable|fetch failed|socket hang up|ECONN(?:REFUSED|RESET)|ENOTFOUND|ETIMEDOUT|EAI_AGAIN/i,
  ],
]

/** What of the surroundings failed; null for anything else, a prompt that is too long among it. */
export function causeOf(text: string): FailureCause | null {
  if (isContextOverflow(text)) return null
  return PATTERNS.find(([, pattern]) => pattern.test(text))?.[0] ?? null
}

/** The failure a harness reported in a message: its cause, and when the limit ends where that is the cause. */
export function failureOf(message: string, at: Date): NonNullable<Findings['failure']> {
  const cause = causeOf(message)
  const resets = cause === 'quota' || cause === 'rate_limit' ? resetTime(message, at) : null
  return { cause, message, resetsAt: resets?.toISOString() ?? null }
}
