/** Ids of all rows there are to be: one without a file is skipped, and a skipped row fails the build. */
const numbered = (seed, numbers) => numbers.map((number) => `${seed}-${String(number).padStart(2, '0')}`)
const through = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

export const ROW_IDS = [
  ...numbered('M000', through(1, 23)),
  ...numbered('M001', [1, 2, ...through(4, 22), 25, 26, 27, 29, 30, 31]),
  ...numbered('M002', [1, 2, 3, 4, 8, 15, 16, 20, 21, 23, 24, 26, 27, 29, 32, 33, 35, 38, 40, 54, 79, 86, 88, 89, 90]),
  ...numbered('M002', [108, 109, 111, 115, 116, 130]),
]
