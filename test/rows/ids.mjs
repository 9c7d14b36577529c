/** Ids of all rows there are to be: one without a file is skipped, and a skipped row fails the build. */
const numbered = (seed, numbers) => numbers.map((number) => `${seed}-${String(number).padStart(2, '0')}`)
const through = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

export const ROW_IDS = [
  ...numbered('M000', through(1, 24)),
  ...numbered('M001', through(1, 31)),
  ...numbered('M002', [...through(1, 4), 8, 9, 10, 15, 16, ...through(19, 24), 26, 27, ...through(29, 33)]),
  ...numbered('M002', [35, ...through(37, 40), 54, ...through(74, 84), 86, 88, 89, 90]),
  ...numbered('M002', [108, 109, 111, 115, 116, 130, ...through(141, 145)]),
]
