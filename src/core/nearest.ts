/** "Did you mean …?": the nearest known word to a mistyped one. */

/** Words longer than this are no slips of known names, and comparing them would cost length times length. */
const WORD_LENGTH_MAX = 120

/** The nearest of `candidates` by edit distance, if near enough to be a likely slip; null otherwise. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  if (word.length > WORD_LENGTH_MAX) return null
  let best: string | null = null
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue
    const distance = editDistance(word, candidate)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** The hint that names the nearest word, or says `otherwise` where none is near. */
export const didYouMean = (near: string | null, otherwise: string): string =>
  near === null ? otherwise : `did you mean ${near}?`

/** As `nearest`, for ids that may be given by their start alone: the only one that begins nearly so. */
export function nearestId(given: string, ids: readonly string[]): string | null {
  const whole = nearest(given, ids)
  if (whole !== null) return whole
  const start = nearest(
    given,
    ids.map((id) => id.slice(0, given.length)),
  )
  const meant = start === null ? [] : ids.filter((id) => id.startsWith(start))
  return meant.length === 1 ? meant[0]! : null
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}
