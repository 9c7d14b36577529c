/** What comparing plans gives. */
import * as z from 'zod'
import { PLAN_PARTS } from '../../core/plan-diff.ts'

const text = (what: string) => z.string().describe(what)

const Side = z.strictObject({
  compiled_plan_id: text('Plan.'),
  mode_id: text('Its mode.'),
  compiled_at: text('When it was compiled (ISO time).'),
  source: z
    .enum(['in_force', 'frozen', 'compiled_now'])
    .describe('`compiled_now`: in memory, from the assets and the config on disk.'),
})

export const PlanChange = z
  .strictObject({
    part: z.enum(PLAN_PARTS).describe('What kind of part differs.'),
    change: z.enum(['added', 'removed', 'changed']).describe('How.'),
    plane: z.string().nullable().describe('Lane it belongs to; null for what belongs to none.'),
    id: text('Which one: a node, an edge as `source --OUTCOME--> (edge id)`, a policy, an asset path.'),
    key: z
      .string()
      .nullable()
      .describe('Member that differs; `origins.<member>` is where a bound value came from; null: the whole.'),
    before: z.unknown().describe('Value in the first plan; null: none. Texts are given by their SHA-256.'),
    after: z.unknown().describe('Value in the second.'),
  })
  .describe('One difference.')

export const CompileDiff = z
  .strictObject({
    before: Side.describe('The first plan.'),
    after: Side.describe('The second.'),
    same: z.boolean().describe('Whether both route and start the same.'),
    changes: z.array(PlanChange),
  })
  .describe('What differs between two plans.')
export type CompileDiffOutput = z.infer<typeof CompileDiff>
