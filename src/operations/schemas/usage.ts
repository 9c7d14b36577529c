/** What summing usage gives. */
import * as z from 'zod'
import { TokenUsage } from '../../core/result.ts'
import { Subscription } from '../../core/subscription.ts'
import { METRICS, QUOTA_WINDOW_NAMES } from '../../core/usage-config.ts'
import { GROUPINGS } from '../usage/summary.ts'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)
const count = (what: string) => z.int().min(0).describe(what)
const amount = (what: string) => z.number().min(0).describe(what)

const sum = {
  stages: count('Stage runs.'),
  usage: TokenUsage.describe('What they used together; the cost is the sum of those that told one.'),
  stages_without_cost: count('Stage runs among them whose harness told no cost.'),
}

const RuleStanding = z.strictObject({
  rule_id: text('Rule.'),
  window: text('Window it counts in.'),
  metric: z.enum(METRICS).describe('What it counts.'),
  enforcement: z.enum(['soft', 'hard']).describe('Whether it waits for the stage to end.'),
  threshold: amount('What it allows.'),
  window_since: maybe('When the window began (ISO time); null if it counts whatever one run or item used.'),
  window_until: maybe('When the next one begins; null if it moves on by itself, or has no end.'),
  observed: amount('What was used in it; of a rule per run or item by the active one that used most.'),
  left: amount('What is left.'),
  over: z.boolean().describe('Whether it has reached its threshold.'),
  pauses: z.boolean().describe('Whether it pauses the runtime now.'),
  clears_at: maybe('When that ends by itself.'),
  owners: z
    .array(
      z.strictObject({
        owner: text('Run, or kind and id of the item.'),
        observed: amount('What it used.'),
        left: amount('What is left to it.'),
      }),
    )
    .describe('Active runs or items, of a rule that counts for each.'),
})
export type RuleStanding = z.infer<typeof RuleStanding>

const QuotaStanding = z.strictObject({
  rule_id: text('Rule.'),
  window: z.enum(QUOTA_WINDOW_NAMES).describe('Window of the provider.'),
  pause_at_percent_used: amount('From how many percent on it pauses.'),
  percent_used: amount('What was used when the provider last told; null if it is not known.').nullable(),
  resets_at: maybe('When the window begins anew; null if it is not known.'),
  pauses: z.boolean().describe('Whether it pauses the runtime now.'),
})

export const Usage = z
  .strictObject({
    by: z.array(z.enum(GROUPINGS)).describe('What was summed by.'),
    since: maybe('Only stages that ended from then on; null: all.'),
    until: maybe('Only stages that ended before then.'),
    time_zone: text('Time zone in which days begin.'),
    total: z.strictObject(sum).describe('Everything together.'),
    group_count: count('Groups there are.'),
    groups: z
      .array(
        z.strictObject({
          keys: z
            .strictObject({
              stage: text('Stage kind.').optional(),
              run: text('Run.').optional(),
              item: text('Kind and id of the item.').optional(),
              root_spec: text('Root spec; `none` for work without one.').optional(),
              day: text('Day the stage ended.').optional(),
              runner: text('Adapter.').optional(),
              model: text('Model; `none` where none was asked for.').optional(),
            })
            .describe('What the group is of, by the names in `by`.'),
          ...sum,
        }),
      )
      .describe('Days in order; else what used most first.'),
    others: z.strictObject(sum).nullable().describe('The groups left out, as one; null if there are none.'),
    at_work: z
      .array(
        z.strictObject({
          run: text('Run.'),
          stage: text('Stage kind.'),
          item: text('Kind and id of the item.'),
          runner: text('Adapter.'),
          model: maybe('Model; null where none was asked for.'),
          usage: TokenUsage.nullable().describe('What it has told of so far; null while it has told nothing.'),
        }),
      )
      .describe('Agents at work: in none of the sums, because the ledger has them once they have ended.'),
    skipped_lines: count('Lines of the ledger that hold no record.'),
    rules_in_force: z.boolean().describe('Whether rules on usage count.'),
    rules: z.array(RuleStanding).describe('How each stands.'),
    subscription: z
      .strictObject({ ...Subscription.omit({ windows: true }).shape, rules: z.array(QuotaStanding) })
      .nullable()
      .describe('What is used of the subscription, and how the rules over it stand; null without such rules.'),
  })
  .describe('What stages used.')
export type UsageOutput = z.infer<typeof Usage>
