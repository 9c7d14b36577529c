/**
 * Splits a bill evenly. Gives one amount per person; leftover cents go to the first people, one each.
 * Throws RangeError unless `cents` is a whole number of at least 0 and `people` one of at least 1.
 */
export function splitEvenly(cents, people) {
  if (!Number.isSafeInteger(cents) || cents < 0) throw new RangeError(`not a bill in whole cents: ${cents}`)
  if (!Number.isSafeInteger(people) || people < 1) throw new RangeError(`not a number of people: ${people}`)
  const each = Math.floor(cents / people)
  const leftover = cents % people
  return Array.from({ length: people }, (_, person) => each + (person < leftover ? 1 : 0))
}
