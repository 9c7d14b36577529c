/**
 * What a harness prints when its surroundings fail, told apart by cause. Model providers word these freely; the
 * patterns cover what the real clients were seen to print (spec 08 §3) and stay narrow: unknown text has no cause.
 */
import type { FailureCause } from '../core/result.ts'

/** In this order: a used-up quota is often reported as a 429, and a refused key as a failed retry. */
const PATTERNS: readonly (readonly [FailureCause, RegExp])[] = [
  [
    'quota',
    /usage limit|insufficient_quota|quota exceeded|exceeded your current quota|out of credits|\b402 payment required|with your chatgpt plan, upgrade/i,
  ],
  [
    'auth',
    /\b401\b|\b403 forbidden|unauthorized|missing environment variable|not logged in|(?:invalid|incorrect) api key/i,
  ],
  ['rate_limit', /\b429\b|rate[ _-]?limit|too many requests/i],
  [
    'overloaded',
    /high demand|overloaded|\bat capacity\b|\b(?:status:?|http|error) 5\d\d\b|internal server error|bad gateway|service unavailable/i,
  ],
  [
    'network',
    /stream disconnected|idle timeout|waiting for network|408 request timeout|error sending request|connection (?:refused|reset|closed|failed|timed out)|network is unreachable|ECONN(?:REFUSED|RESET)|ENOTFOUND|ETIMEDOUT|EAI_AGAIN/i,
  ],
]

export function causeOf(text: string): FailureCause | null {
  return PATTERNS.find(([, pattern]) => pattern.test(text))?.[0] ?? null
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const MINUTE_MS = 60_000
/** A time of day gone by for less than this is a limit that has just ended, and not one that ends tomorrow. */
const JUST_ENDED_MS = 10 * MINUTE_MS
const UNIT_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

/**
 * When a limit ends, as far as the prose says: an ISO time, "in 2 hours 5 minutes", or the local clock time that Codex
 * prints ("at 3:05 PM", "at Nov 21st, 2025 3:05 PM"). That one is cut to the minute, so it means the minute's end.
 * Null if none of these; a time of day gone by means tomorrow.
 */
export function resetTime(text: string, now: Date): Date | null {
  const iso = /\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)/.exec(text)
  if (iso) return valid(new Date(iso[0]))
  const after = /try again (at|in) ([^\n]{1,80})/i.exec(text)
  if (!after) return null
  return after[1]!.toLowerCase() === 'in' ? afterDuration(after[2]!, now) : atClockTime(after[2]!, now)
}

function afterDuration(text: string, now: Date): Date | null {
  let ms = 0
  const part =
    /^[\s,]*(?:and\s+)?(\d+(?:\.\d+)?)\s*(ms|milliseconds?|d(?:ays?)?|h(?:ours?|rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)\b/i
  let rest = text
  for (let match = part.exec(rest); match; match = part.exec(rest)) {
    const unit = match[2]!.toLowerCase()
    ms += Number(match[1]) * UNIT_MS[unit.startsWith('mil') || unit === 'ms' ? 'ms' : unit[0]!]!
    rest = rest.slice(match[0].length)
  }
  return ms > 0 ? valid(new Date(now.getTime() + ms)) : null
}

function atClockTime(text: string, now: Date): Date | null {
  const match =
    /^(?:([a-z]{3})[a-z]* (\d{1,2})(?:st|nd|rd|th)?(?:,? (\d{4}))?,? (?:at )?)?(\d{1,2}):(\d\d)(?: ?([ap])\.?m)?/i.exec(
      text,
    )
  if (!match) return null
  const [, month, day, year, hourText, minute, half] = match
  let hour = Number(hourText)
  if (half) hour = (hour % 12) + (half.toLowerCase() === 'p' ? 12 : 0)
  if (hour > 23 || Number(minute) > 59) return null
  const on = (year: number, monthIndex: number, day: number) =>
    new Date(year, monthIndex, day, hour, Number(minute) + 1)
  if (!month) {
    const days = [-1, 0, 1].map((offset) => on(now.getFullYear(), now.getMonth(), now.getDate() + offset))
    return days.find((at) => now.getTime() - at.getTime() <= JUST_ENDED_MS) ?? null
  }
  const monthIndex = MONTHS.indexOf(month.toLowerCase())
  return monthIndex === -1 ? null : valid(on(Number(year ?? now.getFullYear()), monthIndex, Number(day)))
}

const valid = (date: Date): Date | null => (Number.isNaN(date.getTime()) ? null : date)
