/** Measuring in turn, summing up and printing: what every ratio has in common. Times are milliseconds throughout. */

/** Pairs of a ratio, at least. Their first, which pays for caches and compiling, is measured and left out. */
export const PAIRS_MIN = 20

export interface Spread {
  median: number
  p95: number
}

/** One line of the table. */
export interface Row {
  id: string
  what: string
  /** Ours, and what it is measured against; null where the figure stands for itself. */
  ours: Spread | null
  against: Spread | null
  unit: 'ms' | 'µs' | '/s' | 'KiB' | ''
  ratio: Spread
  /** Judges the figure as it is shown; null for one that is only reported. */
  target: { text: string; isMet: (shown: Spread) => boolean } | null
}

export const atMost = (limit: number): Row['target'] => ({
  text: `≤ ${limit}`,
  isMet: ({ median }) => median <= limit,
})
export const atLeast = (limit: number): Row['target'] => ({
  text: `≥ ${limit}`,
  isMet: ({ median }) => median >= limit,
})
export const p95AtMost = (limit: number): Row['target'] => ({
  text: `p95 ≤ ${limit}`,
  isMet: ({ p95 }) => p95 <= limit,
})
export const exactly = (figure: number): Row['target'] => ({
  text: `= ${figure}`,
  isMet: ({ median }) => median === figure,
})

export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function spread(samples: readonly number[]): Spread {
  return { median: quantile(samples, 0.5), p95: quantile(samples, 0.95) }
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => unknown): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

/** Measures several things in turn, A B C A B C …, so that a busy moment of the machine meets them all. */
export async function inTurn<Name extends string>(
  measures: Record<Name, () => number | Promise<number>>,
  pairs = PAIRS_MIN,
): Promise<Record<Name, number>[]> {
  const rounds: Record<Name, number>[] = []
  for (let round = 0; round <= pairs; round++) {
    const figures = {} as Record<Name, number>
    for (const name of Object.keys(measures) as Name[]) figures[name] = await measures[name]()
    if (round > 0) rounds.push(figures)
  }
  return rounds
}

/** A row of two things measured in turn: both sides, and the ratio of each pair. */
export function ratioRow(
  id: string,
  what: string,
  rounds: readonly { ours: number; against: number }[],
  target: Row['target'],
  unit: Row['unit'] = 'ms',
): Row {
  const factor = unit === 'µs' ? 1000 : 1
  const of = (pick: (round: { ours: number; against: number }) => number) => spread(rounds.map(pick))
  return {
    id,
    what,
    ours: of((round) => round.ours * factor),
    against: of((round) => round.against * factor),
    unit,
    ratio: of((round) => round.ours / round.against),
    target,
  }
}

/** A row of one figure, such as a count. */
export function figureRow(id: string, what: string, figures: readonly number[], target: Row['target']): Row {
  return { id, what, ours: null, against: null, unit: '', ratio: spread(figures), target }
}

const HEADINGS = ['id', 'what', 'ours', 'against', 'ratio', 'target', '']

/** The table as text: median, and p95 in brackets. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.id,
    row.what,
    row.ours === null ? '' : withUnit(row.ours, row.unit),
    row.against === null ? '' : withUnit(row.against, row.unit),
    withUnit(row.ratio, ''),
    row.target?.text ?? 'report',
    row.target === null ? '' : row.target.isMet(shown(row.ratio)) ? 'met' : 'missed',
  ])
  const widths = HEADINGS.map((heading, at) => Math.max(heading.length, ...cells.map((line) => line[at]!.length)))
  return [HEADINGS, widths.map((width) => '-'.repeat(width)), ...cells]
    .map((line) =>
      line
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const withUnit = ({ median, p95 }: Spread, unit: string) => `${figure(median)} (${figure(p95)})${unit && ` ${unit}`}`

const shown = ({ median, p95 }: Spread): Spread => ({ median: Number(figure(median)), p95: Number(figure(p95)) })

/** Three significant digits; whole numbers stay whole. */
function figure(value: number): string {
  if (Number.isInteger(value)) return String(value)
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}
