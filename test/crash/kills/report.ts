/** The outcome of a play: one value for programs, one table for people. */
import { type Fate, noFate } from './fates.ts'
import type { Play, Row } from './play.ts'

export interface Summary {
  seed: number
  kills: number
  seconds: number
  strikes: Record<string, Row>
  total: Fate
  /** Stages run again for each stage in flight at a crash. */
  rerun_ratio: number
  stages_settled: number
  items_done: number
  closed: number
  interrupted: number
  recovered_transactions: number
  refused_starts: number
  enqueued: { acknowledged: number; repeated: number; missing: number; unsure: number }
  orphans: number
  looks: number
  looks_unquiet: number
  problems: string[]
}

export function summaryOf(
  play: Play,
  given: { seed: number; seconds: number; missing: string[]; orphans: number },
): Summary {
  const { ledger, feeder, audit } = play
  const total = noFate()
  for (const row of play.rows.values()) for (const key of Object.keys(total) as (keyof Fate)[]) total[key] += row[key]
  return {
    seed: given.seed,
    kills: play.kills,
    seconds: Math.round(given.seconds),
    strikes: Object.fromEntries(play.rows),
    total,
    rerun_ratio: total.inFlight === 0 ? 0 : (total.killed + total.died + total.stopped) / total.inFlight,
    stages_settled: ledger.count('stage_completed'),
    items_done: [...ledger.items.values()].filter((state) => state === 'done').length,
    closed: ledger.closed.size,
    interrupted: ledger.count('stage_interrupted'),
    recovered_transactions: ledger.count('runtime_recovered'),
    refused_starts: play.refusedStarts,
    enqueued: {
      acknowledged: feeder.acknowledged.size,
      repeated: feeder.repeated,
      missing: given.missing.length,
      unsure: feeder.unsure.size,
    },
    orphans: given.orphans,
    looks: audit.looks,
    looks_unquiet: audit.unquiet,
    problems: play.problems,
  }
}

const COLUMNS: readonly [string, keyof Row][] = [
  ['count', 'count'],
  ['in flight', 'inFlight'],
  ['adopted', 'adopted'],
  ['collected', 'collected'],
  ['killed', 'killed'],
  ['died', 'died'],
  ['unborn', 'unborn'],
  ['stopped', 'stopped'],
  ['again', 'struckAgain'],
]

export function tableOf(summary: Summary): string {
  const line = (name: string, cells: string[]) => `${name.padEnd(26)}${cells.map((cell) => cell.padStart(10)).join('')}`
  const row = (name: string, from: Partial<Row>) =>
    line(
      name,
      COLUMNS.map(([, key]) => String(from[key] ?? '')),
    )
  const { enqueued, total } = summary
  return [
    '',
    line(
      'strike',
      COLUMNS.map(([title]) => title),
    ),
    ...Object.entries(summary.strikes).map(([name, found]) => row(name, found)),
    row('all', total),
    '',
    `kills ${summary.kills} in ${summary.seconds} s (${(summary.seconds / Math.max(1, summary.kills)).toFixed(2)} s each)`,
    `stages settled ${summary.stages_settled}, interrupted ${summary.interrupted}, run again of those in flight at a crash ${summary.rerun_ratio.toFixed(2)}`,
    `items done ${summary.items_done}, specs closed ${summary.closed}`,
    `enqueues acknowledged ${enqueued.acknowledged}, repeated ${enqueued.repeated}, missing ${enqueued.missing}, never answered ${enqueued.unsure}`,
    `transactions recovered ${summary.recovered_transactions}, starts refused ${summary.refused_starts}, orphans ${summary.orphans}`,
    `looks ${summary.looks}, found at work ${summary.looks_unquiet}`,
  ].join('\n')
}
