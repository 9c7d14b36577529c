/** What looking at closure targets gives. */
import * as z from 'zod'
import { ITEM_KINDS, ITEM_STATES } from '../../core/item.ts'
import { Verdict } from '../../core/verdict.ts'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)
const count = (what: string) => z.int().min(0).describe(what)
const VERDICTS = [...Verdict.shape.verdict.options, 'unreadable'] as const

const target = {
  root_spec_id: text('Root spec.'),
  title: maybe('Its heading.'),
  state: z.enum(['open', 'held', 'closed']).describe('`held`: open, and judged again only later or by somebody.'),
  opened_at: text('When it was opened (ISO time).'),
  closed_at: maybe('When it was closed.'),
  rounds: count('Judgements so far.'),
  latest_verdict_path: maybe('Newest verdict, relative to the workspace.'),
  latest_report_path: maybe('Newest report.'),
  last_arbiter_run_id: maybe('Run that judged it last.'),
  blocking_work_ids: z.array(z.string()).describe('Open work of its lineage when the runtime last looked.'),
  held: z
    .strictObject({
      reason: text('Why.'),
      since: text('Since when (ISO time).'),
      attempts: count('Times it was held in a row.'),
      retry_at: maybe('When it is judged again by itself; null waits for work or an operator.'),
    })
    .nullable()
    .describe('Why it is held.'),
}

export const TargetRow = z.strictObject({
  ...target,
  verdict: z.enum(VERDICTS).nullable().describe('What the newest verdict says; null before the first.'),
})
export type TargetRow = z.infer<typeof TargetRow>

export const ClosureLs = z
  .strictObject({
    target_count: count('Targets there are.'),
    open_count: count('Open ones among them, held ones included.'),
    targets: z.array(TargetRow).describe('Open ones first.'),
  })
  .describe('Closure targets.')
export type ClosureLsOutput = z.infer<typeof ClosureLs>

const VerdictRead = z.strictObject({
  verdict: z.enum(VERDICTS).describe('What it says.'),
  summary: maybe('In a few sentences.'),
  criteria: Verdict.shape.criteria.unwrap().array().describe('Criterion by criterion; empty if it cannot be read.'),
  fault: maybe('Why it cannot be read.'),
})
export type VerdictRead = z.infer<typeof VerdictRead>

export const ClosureShow = z
  .strictObject({
    ...target,
    root_idea_id: text('Idea it began with.'),
    root_spec_path: text('Frozen copy of the root spec, relative to the workspace.'),
    root_idea_path: text('Frozen copy of the idea.'),
    rubric_path: maybe('Rubric it is judged by; null while there is none.'),
    verdict: VerdictRead.nullable().describe('The newest verdict; null before the first.'),
    judgements: z
      .array(
        z.strictObject({
          run_id: text('Run that judged.'),
          judged_at: text('When (ISO time).'),
          outcome: text('What it reported.'),
          result_class: text('Its class.'),
          failure_class: maybe('Why it failed.'),
          report_path: text('Its report.'),
        }),
      )
      .describe('Judgements that left a report, oldest first.'),
    open_work: z
      .array(
        z.strictObject({
          work_item_kind: z.enum(ITEM_KINDS).describe('Kind.'),
          work_item_id: text('Id.'),
          state: z.enum(ITEM_STATES).describe('Where it stands.'),
          title: text('Heading.'),
        }),
      )
      .describe('Work of its lineage that keeps it from being judged now.'),
    lineage: z
      .strictObject({
        queued: count('Queued items of its lineage.'),
        active: count('Active ones.'),
        done: count('Finished ones.'),
        blocked: count('Blocked ones.'),
        cancelled: count('Cancelled ones.'),
        quarantined: count('Ones set aside.'),
      })
      .describe('Items of its lineage by state.'),
    deferred_root_specs: z.array(z.string()).describe('Queued root specs that wait until it closes.'),
  })
  .describe('One closure target.')
export type ClosureShowOutput = z.infer<typeof ClosureShow>
