/** What the queue operations give. */
import * as z from 'zod'
import { ITEM_KINDS, ITEM_STATES } from '../../core/item.ts'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)
const count = (what: string) => z.int().min(0).describe(what)
const Kind = z.enum(ITEM_KINDS).describe('Kind of the work item.')
const State = z.enum(ITEM_STATES).describe('Where it stands: the folder it lies in.')

const WaitsFor = z.strictObject({
  id: text('Item it depends on.'),
  state: z
    .enum(['waiting', 'blocked', 'cancelled', 'unknown', 'cycle'])
    .describe('How that stands. All but `waiting` need somebody to act.'),
})

export const QueueRow = z.strictObject({
  work_item_kind: Kind,
  work_item_id: text('Id.'),
  state: State,
  title: text('Heading.'),
  created_at: text('When it was written (ISO time); the oldest is claimed first.'),
  path: text('Its document.'),
  root_spec_id: maybe('Root spec whose lineage it belongs to.'),
  waits_for: z.array(WaitsFor).describe('Dependencies that are not done.'),
  deferred_by: maybe('Root spec whose closure target is open: this one waits for it.'),
  duplicate_of: z.array(State).describe('Other states the same id lies in; such an item is not claimed.'),
  run_id: maybe('Its run, while active.'),
  node_id: maybe('Where the run stands.'),
  approval_id: maybe('Question to a person that it waits for: see `approvals`.'),
  reason: maybe('Why it is blocked, if that is on record.'),
})
export type QueueRow = z.infer<typeof QueueRow>

const InvalidDocument = z.strictObject({
  work_item_kind: Kind,
  state: State,
  path: text('The document.'),
  faults: z.array(z.string()).describe('What is wrong with it.'),
})

export const QueueLs = z
  .strictObject({
    active_task_count: count('Active tasks.'),
    active_spec_count: count('Active specs.'),
    active_incident_count: count('Active incidents.'),
    active_learning_request_count: count('Active learning requests.').optional(),
    item_count: count('Items of the choice, however few are listed.'),
    items: z.array(QueueRow).describe('Active ones first, then the queue in the order of claims, then the rest.'),
    unreadable: z.array(InvalidDocument).describe('Documents that cannot be read.'),
  })
  .describe('The queues. Lanes of the plan add <plane>_queue_depth and <plane>_active.')

export interface QueuePlaneKeys {
  [plane: `${string}_queue_depth`]: number
  [plane: `${string}_active`]: number
}
export type QueueLsOutput = QueuePlaneKeys & z.infer<typeof QueueLs>

export const QueueShow = z
  .strictObject({
    work_item_id: text('Id.'),
    work_item_kind: Kind,
    work_item_state: z
      .enum([...ITEM_STATES, 'invalid'])
      .describe('Where it stands; `invalid`: set aside as unreadable.'),
    path: text('Its document.'),
    title: maybe('Heading.'),
    fields: z
      .record(z.string(), z.union([z.string(), z.boolean(), z.array(z.string()), z.record(z.string(), z.unknown())]))
      .describe('Every field of the document by its JSON name; see `millrace schema document.<kind>`.'),
    body: text('What stands in the document beyond the fields.'),
    faults: z.array(z.string()).describe('What is wrong with the document.'),
    also_in: z.array(State).describe('Other states the same id lies in.'),
    waits_for: z.array(WaitsFor).describe('Dependencies that are not done.'),
    deferred_by: maybe('Root spec whose closure target is open: this one waits for it.'),
    stands_before: z
      .array(
        z.strictObject({
          code: text('What kind of obstacle; stable.'),
          fact: text('The obstacle in words.'),
        }),
      )
      .describe('Of a queued item: everything that stands before it; `millrace why` says more of each.'),
    run_id: maybe('Its run, while active; else the last one on record.'),
    node_id: maybe('Where the run stands, while active.'),
    reason: maybe('Why it is blocked, if that is on record.'),
    auto_requeue_at: maybe(
      'Of a blocked task: from when on the runtime puts it back into its queue by itself (ISO time); null: it does not.',
    ),
  })
  .describe('One work item in full.')
export type QueueShowOutput = z.infer<typeof QueueShow>
