/**
 * When a limit ends, as far as an error message says. Providers tell it as a number, as a duration, as a header, or as
 * clock time in prose, with or without a time zone; each form here was printed by a real client.
 */

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** A time gone by for less than this is a limit that has just ended, and not one that ends tomorrow or next year. */
const JUST_ENDED_MS = 10 * MINUTE_MS
/** A day of the year gone by for longer than this is one of the next year; for less, a message that is out of date. */
const OUT_OF_DATE_MS = 30 * DAY_MS

/**
 * The time told; null if none is. `now` is when the message was printed: durations begin there, a time of day means the
 * next such, and a day without a year the nearest. Clock time is cut to the minute, so it means the minute's end.
 */
export function resetTime(text: string, now: Date): Date | null {
  return byEpoch(text) ?? bySeconds(text, now) ?? byHeaderDate(text) ?? byIsoTime(text) ?? byProse(text, now)
}

/** `usage limit reached|1762952400`, `"resets_at":1777936568`, `x-ratelimit-reset: 1777936568000`. */
function byEpoch(text: string): Date | null {
  const match = /(?:limit reached\||resets?[_-]?(?:at|time)?["']?\s*[:=]\s*["']?)(\d{13}|\d{10})\b/i.exec(text)
  if (!match) return null
  return valid(new Date(Number(match[1]) * (match[1]!.length === 10 ? 1000 : 1)))
}

/** `Retry-After: 30`, `"resets_in_seconds":13872`, `"retryDelay":"34.07s"`. */
function bySeconds(text: string, now: Date): Date | null {
  const match =
    /(?:retry[_-]?after|resets?_in_seconds|retry_?delay)\\?["']?\s*[:=]\s*\\?["']?(\d{1,9}(?:\.\d+)?)(s|ms)?\b(?!\s*[A-Za-z])/i.exec(
      text,
    )
  return match ? later(now, Number(match[1]) * (match[2] === 'ms' ? 1 : 1000)) : null
}

/** `Retry-After: Wed, 21 Oct 2026 07:28:00 GMT`. */
function byHeaderDate(text: string): Date | null {
  const match = /retry-after["']?\s*:\s*["']?([A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)/i.exec(text)
  return match ? valid(new Date(match[1]!)) : null
}

function byIsoTime(text: string): Date | null {
  const match = /\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)/.exec(text)
  return match ? valid(new Date(match[0])) : null
}

/** "try again in 2 hours 5 minutes", "quota will reset after 3h20m5s", "resets 3pm (Europe/London)". */
function byProse(text: string, now: Date): Date | null {
  const duration = /\b(?:try again|retry|retrying|resets?) (?:in|after) ([^\n]{1,80})/i.exec(text)
  if (duration) return afterDuration(duration[1]!, now)
  const clock = /\b(?:try again at|resets?(?: at| on)?) ([^\n]{1,80})/i.exec(text)
  return clock ? atClockTime(clock[1]!, now) : null
}

const UNIT_MS: Readonly<Record<string, number>> = { d: DAY_MS, h: 3_600_000, m: MINUTE_MS, s: 1000, ms: 1 }
const DURATION_PART =
  /^[\s,]*(?:and\s+)?(\d+(?:\.\d+)?)\s*(ms|milliseconds?|d(?:ays?)?|h(?:ours?|rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)(?![a-z])/i

function afterDuration(text: string, now: Date): Date | null {
  let ms = 0
  let rest = text
  for (let match = DURATION_PART.exec(rest); match; match = DURATION_PART.exec(rest)) {
    const unit = match[2]!.toLowerCase()
    ms += Number(match[1]) * UNIT_MS[unit.startsWith('mil') || unit === 'ms' ? 'ms' : unit[0]!]!
    rest = rest.slice(match[0].length)
  }
  return ms > 0 ? later(now, ms) : null
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
/** `Mar 14th, 2026 1:02 PM`, `Mar 15 at 12pm`, `5:20am`, `18:45`. */
const CLOCK =
  /^(?:([a-z]{3})[a-z]* (\d{1,2})(?:st|nd|rd|th)?(?:,? (\d{4}))?,? (?:at )?)?(\d{1,2})(?::(\d\d))?(?: ?([ap])\.?m\b)?/i
const ZONE = /^[^\n(]{0,40}\(([A-Za-z0-9_+/-]{3,40})\)/

function atClockTime(text: string, now: Date): Date | null {
  const match = CLOCK.exec(text)
  if (!match) return null
  const [told, month, dayText, yearText, hourText, minuteText, half] = match
  if (minuteText === undefined && half === undefined) return null
  let hour = Number(hourText)
  if (half) hour = (hour % 12) + (half.toLowerCase() === 'p' ? 12 : 0)
  const minute = Number(minuteText ?? 0)
  if (hour > 23 || minute > 59) return null
  const zone = zoneOf(ZONE.exec(text.slice(told.length))?.[1])
  const on = (year: number, monthIndex: number, day: number) =>
    atWallTime(zone, [year, monthIndex, day, hour, minute + 1])
  const today = wallTime(zone, now)
  if (month === undefined) {
    const days = [-1, 0, 1].map((offset) => on(today[0], today[1], today[2] + offset))
    return days.find((at) => now.getTime() - at.getTime() <= JUST_ENDED_MS) ?? null
  }
  const monthIndex = MONTHS.indexOf(month.toLowerCase())
  if (monthIndex === -1) return null
  if (yearText !== undefined) return valid(on(Number(yearText), monthIndex, Number(dayText)))
  const years = [today[0], today[0] + 1].map((year) => on(year, monthIndex, Number(dayText)))
  return valid(years.find((at) => now.getTime() - at.getTime() <= OUT_OF_DATE_MS) ?? years[1]!)
}

/** Year, month from 0, day, hour, minute: what a calendar and a clock on the wall show. */
type Wall = [year: number, monthIndex: number, day: number, hour: number, minute: number]

/** A name this machine knows; null for local time, which a zone that says nothing (`Etc/Unknown`) falls back to. */
function zoneOf(name: string | undefined): string | null {
  if (name === undefined) return null
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return name
  } catch {
    return null
  }
}

function wallTime(zone: string | null, at: Date): Wall {
  if (zone === null) return [at.getFullYear(), at.getMonth(), at.getDate(), at.getHours(), at.getMinutes()]
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
  return [parts.year!, parts.month! - 1, parts.day!, parts.hour!, parts.minute!]
}

/** The moment at which the clocks of a zone show that time; members beyond their range carry over. */
function atWallTime(zone: string | null, wall: Wall): Date {
  if (zone === null) return new Date(...wall)
  const wanted = Date.UTC(...wall)
  let at = wanted
  // The difference to UTC depends on the moment: the second round corrects a guess across a change of the clocks.
  for (let round = 0; round < 2; round++) at += wanted - Date.UTC(...wallTime(zone, new Date(at)))
  return new Date(at)
}

const later = (now: Date, ms: number): Date | null => valid(new Date(now.getTime() + ms))

const valid = (date: Date): Date | null => (Number.isNaN(date.getTime()) ? null : date)
