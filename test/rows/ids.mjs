/** Ids of all rows there are to be: one without a file is skipped, and a skipped row fails the build. */
const numbered = (seed, numbers) => numbers.map((number) => `${seed}-${String(number).padStart(2, '0')}`)
const through = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

export const ROW_IDS = [
  ...numbered('M000', through(1, 24)),
  ...numbered('M001', through(1, 31)),
  ...numbered(
    'M002',
    [1, 2, 3, 4, 8, 9, 10, 15, 16, 20, 21, 22, 23, 24, 26, 27, 29, 30, 31, 32, 33, 35, 37, 38, 40, 54],
  ),
  ...numbered('M002', [74, 75, 76, 77, 78, ...through(80, 84), 86, 88, 89, 90]),
  ...numbered('M002', [108, 109, 111, 115, 116, 130, 143, 144, 145]),
]
