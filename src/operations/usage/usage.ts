/** What stages used, summed from the ledger, and how the rules on usage stand. Reads only. */

import { MillraceError } from '../../core/errors.ts'
import type { ItemKind } from '../../core/item.ts'
import type { Operation } from '../../core/operation.ts'
import { readConfig } from '../../store/config-file.ts'
import { type Context, placesIn } from '../context.ts'
import { limitField } from '../fields.ts'
import { instantOf } from '../instant.ts'
import { reading } from '../reading.ts'
import type { UsageOutput } from '../schemas/usage.ts'
import { usageAtWork } from './at-work.ts'
import { ruleStandings } from './rule-standing.ts'
import { subscriptionStanding } from './subscription-standing.ts'
import { GROUPINGS, type Grouping, plus, usageSummary } from './summary.ts'

const LISTED_DEFAULT = 50
/** Words people use for a grouping. */
const ALSO: Readonly<Record<string, Grouping>> = { root: 'root_spec', 'root-spec': 'root_spec' }

interface UsageInput {
  by?: string[]
  since?: string
  until?: string
  limit?: number
}

export const usage: Operation<Context, UsageInput, UsageOutput> = {
  name: 'usage',
  flavour: 'read',
  summary: 'What stages used: tokens and cost, and what the rules leave.',
  description:
    'Sums the usage ledger by stage, run, item, root spec, day, runner or model, or by combinations of these, and says of every rule on usage in force what was used in its window and what is left; of a subscription, what its provider last told. What agents at work have told of so far is shown apart: the ledger has it once their stage has ended, whatever the times asked for. Costs are those that harnesses tell; it is said of how many stages none was told.',
  input: [
    {
      name: 'by',
      type: 'list',
      choices: GROUPINGS,
      placeholder: 'WHAT',
      description: `What to sum by: ${GROUPINGS.join(', ')} (root for short); may be repeated for combinations (default: stage).`,
    },
    {
      name: 'since',
      type: 'text',
      placeholder: 'TIME|AGE',
      description: 'Only stages that ended from then on: a time, or an age such as 5h or 7d.',
    },
    { name: 'until', type: 'text', placeholder: 'TIME|AGE', description: 'Only stages that ended before then.' },
    { ...limitField(LISTED_DEFAULT), description: 'The N largest groups, the others as one; 0 for all.' },
  ],
  examples: [
    { command: 'millrace usage', does: 'see which stages used how much' },
    { command: 'millrace usage --by root --since 7d', does: 'see what each spec cost in the last week' },
    { command: 'millrace usage --by day --by model', does: 'see each day apart, model by model' },
  ],
  output: async () => (await import('../schemas.ts')).usageSchema(),
  async run(context, input) {
    const by = groupings(input.by ?? [])
    const now = context.clock.now()
    const sinceMs = input.since === undefined ? 0 : instantOf(input.since, '--since', now)
    const untilMs = input.until === undefined ? Number.POSITIVE_INFINITY : instantOf(input.until, '--until', now)
    return reading(context, (view) => {
      const { config } = readConfig(context.files, placesIn(context), context.overrides)
      const settings = config.usage_governance
      const timeZone = settings.calendar_timezone
      const summary = usageSummary(context, {
        by,
        sinceMs,
        untilMs,
        timeZone,
        rootOf: ({ work_item_kind, work_item_id }) =>
          view.items.find(work_item_kind as ItemKind, work_item_id)[0]?.effectiveRoot ?? null,
      })
      const sorted = inOrder(summary.groups)
      const limit = input.limit ?? LISTED_DEFAULT
      const shown = limit === 0 ? sorted : largest(sorted, limit)
      const rest = sorted.filter((group) => !shown.includes(group))
      const folded = rest.reduce<UsageOutput['others']>(
        (sum, { keys: _, ...one }) => (sum === null ? one : plus(sum, one)),
        summary.others,
      )
      return {
        by,
        since: input.since === undefined ? null : new Date(sinceMs).toISOString(),
        until: input.until === undefined ? null : new Date(untilMs).toISOString(),
        time_zone: timeZone,
        total: summary.total,
        group_count: sorted.length,
        groups: shown as UsageOutput['groups'],
        others: folded,
        at_work: usageAtWork(context, view, config),
        skipped_lines: summary.skipped_lines,
        rules_in_force: settings.enabled && settings.runtime_token_rules.enabled,
        rules: ruleStandings(context, view, settings, now.getTime()),
        subscription: subscriptionStanding(view, settings),
      }
    })
  },
}

/** Throws `usage` for what cannot be summed by. */
function groupings(given: readonly string[]): Grouping[] {
  const words = given.flatMap((one) => one.split(',')).map((one) => one.trim().toLowerCase())
  const found = words.map((word) => {
    const by = ALSO[word] ?? GROUPINGS.find((one) => one === word)
    if (by !== undefined) return by
    throw new MillraceError('usage', `--by cannot be ${JSON.stringify(word.slice(0, 80))}.`, {
      hint: `it is one of: ${GROUPINGS.join(', ')}`,
    })
  })
  return found.length === 0 ? ['stage'] : [...new Set(found)]
}

type Group = ReturnType<typeof usageSummary>['groups'][number]

/** Days in their order; else what used most comes first. */
function inOrder(groups: readonly Group[]): Group[] {
  const day = ({ keys }: Group) => keys.day ?? ''
  return [...groups].sort((a, b) =>
    day(a) === day(b) ? b.usage.total_tokens - a.usage.total_tokens : day(a) < day(b) ? -1 : 1,
  )
}

/** The largest, in the order they were given. */
function largest(groups: readonly Group[], count: number): Group[] {
  const chosen = new Set([...groups].sort((a, b) => b.usage.total_tokens - a.usage.total_tokens).slice(0, count))
  return groups.filter((group) => chosen.has(group))
}
