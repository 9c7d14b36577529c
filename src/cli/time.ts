/** Times as people read them: how long ago, and how long something took. Pure; the caller says what "now" is. */

const UNITS: readonly (readonly [label: string, seconds: number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
]

/** Seconds as the two largest units that are not zero: `3m 20s`, `2h`, `0s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const first = UNITS.findIndex(([, size]) => whole >= size)
  if (first === -1) return '0s'
  const [label, size] = UNITS[first]!
  const next = UNITS[first + 1]
  const rest = next === undefined ? 0 : Math.floor((whole % size) / next[1])
  return `${Math.floor(whole / size)}${label}${rest > 0 ? ` ${rest}${next![0]}` : ''}`
}

/** `5m ago`, `in 2h`, `just now`; a text that is no time is given back as it is, null as `none`. */
export function relativeTime(iso: string | null | undefined, now: Date): string {
  if (iso === null || iso === undefined) return 'none'
  const time = Date.parse(iso)
  if (Number.isNaN(time)) return iso
  const seconds = (now.getTime() - time) / 1000
  if (Math.abs(seconds) < 1) return 'just now'
  const [largest] = duration(Math.abs(seconds)).split(' ')
  return seconds > 0 ? `${largest} ago` : `in ${largest}`
}
