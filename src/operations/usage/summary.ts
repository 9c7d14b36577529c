/** What was used, summed for people: the usage ledger by stage, run, item, root spec, day, runner or model. */
import { type LedgerLine, ownerOf } from '../../core/ledger.ts'
import { dateIn } from '../../core/period.ts'
import { RecentMap } from '../../core/recent.ts'
import type { TokenUsage } from '../../core/result.ts'
import { addUsage } from '../../core/usage.ts'
import { placesOf } from '../../store/layout.ts'
import { readLedger } from '../../store/ledger.ts'
import type { Context } from '../context.ts'

export const GROUPINGS = ['stage', 'run', 'item', 'root_spec', 'day', 'runner', 'model'] as const
export type Grouping = (typeof GROUPINGS)[number]

export interface UsageQuery {
  /** One group for each combination of these. */
  by: readonly Grouping[]
  /** Root spec of an item whose line of the ledger names none. */
  rootOf?: (line: LedgerLine) => string | null
  /** Stages that ended at or after this, in milliseconds since the epoch; 0 for all. */
  sinceMs: number
  /** Stages that ended before this. */
  untilMs: number
  /** In which days begin. */
  timeZone: string
}

export interface UsageSum {
  stages: number
  usage: TokenUsage
  /** Stages among them whose harness told no cost: the sum of costs is without them. */
  stages_without_cost: number
}

export interface UsageSummary {
  total: UsageSum
  /** Roughly in order of use; a key is the stage kind, run id, kind and id of the item, and so on. */
  groups: (UsageSum & { keys: Partial<Record<Grouping, string>> })[]
  /** Groups beyond GROUPS_MAX, those used longest ago, together; null if there are none. */
  others: UsageSum | null
  /** Lines of the ledger that hold no record. */
  skipped_lines: number
}

const GROUPS_MAX = 10_000

/** Reads the ledger once, in bounded memory. */
export function usageSummary(
  { files, workspaceRoot }: Pick<Context, 'files' | 'workspaceRoot'>,
  query: UsageQuery,
): UsageSummary {
  let total = NOTHING
  let others: UsageSum | null = null
  const groups = new RecentMap<string, UsageSum>(GROUPS_MAX, (_key, left) => {
    others = plus(others ?? NOTHING, left)
  })
  const skipped_lines = readLedger(files, placesOf(workspaceRoot), query.sinceMs, (line) => {
    const endedMs = Date.parse(line.stage_completed_at)
    if (endedMs < query.sinceMs || endedMs >= query.untilMs) return
    const one: UsageSum = {
      stages: 1,
      usage: line.token_usage,
      stages_without_cost: line.token_usage.cost_usd === undefined ? 1 : 0,
    }
    total = plus(total, one)
    const key = query.by.map((by) => KEYS[by](line, query)).join('\n')
    const group = plus(groups.get(key) ?? NOTHING, one)
    groups.set(key, group)
  })
  const keysOf = (key: string) => Object.fromEntries(key.split('\n').map((one, index) => [query.by[index]!, one]))
  return {
    total,
    groups: groups.entries().map(([key, sum]) => ({ keys: keysOf(key), ...sum })),
    others,
    skipped_lines,
  }
}

export const NOTHING: UsageSum = {
  stages: 0,
  usage: { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0, thinking_tokens: 0, total_tokens: 0 },
  stages_without_cost: 0,
}

export const plus = (a: UsageSum, b: UsageSum): UsageSum => ({
  stages: a.stages + b.stages,
  usage: addUsage(a.usage, b.usage),
  stages_without_cost: a.stages_without_cost + b.stages_without_cost,
})

const KEYS: Readonly<Record<Grouping, (line: LedgerLine, query: UsageQuery) => string>> = {
  stage: (line) => line.stage_id,
  run: (line) => line.run_id,
  item: (line) => ownerOf(line).item,
  root_spec: (line, { rootOf }) => line.root_spec_id ?? rootOf?.(line) ?? 'none',
  day: (line, { timeZone }) => dateIn(timeZone, Date.parse(line.stage_completed_at)),
  runner: (line) => line.runner_name,
  model: (line) => line.model_name ?? 'none',
}
