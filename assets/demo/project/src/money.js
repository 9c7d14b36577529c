/** Reads an amount such as `12`, `12.5` or `12.50` and gives whole cents. Throws RangeError for anything else. */
export function toCents(text) {
  const match = /^(\d+)(?:\.(\d{1,2}))?$/.exec(text.trim())
  if (!match) throw new RangeError(`not an amount: ${text}`)
  const [, whole, fraction = ''] = match
  return Number(whole) * 100 + Number(fraction.padEnd(2, '0'))
}

/** Writes whole cents as an amount with two digits after the point. */
export function formatCents(cents) {
  return `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
}
