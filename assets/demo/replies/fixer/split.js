/**
 * Splits a bill evenly. Gives one amount per person; leftover cents go to the first people, one each.
 * Throws RangeError unless `cents` is a whole number of at least 0 and `people` one of at least 1.
 */
export function splitEvenly(cents, people) {
  requireBill(cents)
  if (!Number.isSafeInteger(people) || people < 1) throw new RangeError(`not a number of people: ${people}`)
  const each = Math.floor(cents / people)
  const leftover = cents % people
  return Array.from({ length: people }, (_, person) => each + (person < leftover ? 1 : 0))
}

/**
 * Splits a bill in proportion to `shares`. Gives one amount per share, in the same order, and their sum is the bill:
 * leftover cents go to the people who lost most by rounding down, one each, earlier people first.
 * Throws RangeError unless the bill and every share are whole numbers of at least 0, and one share is more than 0.
 */
export function splitByShares(cents, shares) {
  requireBill(cents)
  const all = requireShares(shares)
  const amounts = shares.map((share) => Math.floor((cents * share) / all))
  const lost = shares.map((share) => (cents * share) % all)
  const leftover = cents - amounts.reduce((sum, amount) => sum + amount, 0)
  const mostLostFirst = shares.map((_, person) => person).sort((a, b) => lost[b] - lost[a] || a - b)
  for (const person of mostLostFirst.slice(0, leftover)) amounts[person] += 1
  return amounts
}

function requireBill(cents) {
  if (!Number.isSafeInteger(cents) || cents < 0) throw new RangeError(`not a bill in whole cents: ${cents}`)
}

function requireShares(shares) {
  if (!shares.every((share) => Number.isSafeInteger(share) && share >= 0)) {
    throw new RangeError(`shares must be whole numbers of at least 0: ${shares}`)
  }
  const all = shares.reduce((sum, share) => sum + share, 0)
  if (all === 0) throw new RangeError('there is nobody to pay the bill')
  return all
}
