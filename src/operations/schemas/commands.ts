/** What changes, running and the demo give. */
import * as z from 'zod'
import type { DemoOutput } from '../demo.ts'
import type { Issued } from '../issue.ts'
import type { Added } from '../queue/add.ts'
import type { RunDaemonOutput, RunOnceOutput } from '../run.ts'
import type { StartOutput } from '../start.ts'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)
const count = (what: string) => z.int().min(0).describe(what)
const flag = (what: string) => z.boolean().describe(what)

const issued = {
  action: text('Name of the command in the mailbox.'),
  mode: z
    .enum(['direct', 'mailbox'])
    .describe('`direct`: carried out here. `mailbox`: by the runtime that owns the workspace.'),
  state: z.enum(['applied', 'refused', 'queued', 'preview']).describe('What became of it; `preview`: only looked at.'),
  applied: flag('True only when its archive says so.'),
  detail: text('In a sentence.'),
  command_id: maybe('Its id in the mailbox; null for a preview.'),
  mailbox_path: maybe('Where it was posted; null for a preview.'),
  state_id: text('Of a preview: the state it looked at, for --if-state.').optional(),
  would: z.array(z.string()).describe('Of a preview: what would change, step by step.').optional(),
  result: z
    .strictObject({
      work_item_kind: text('Kind of the item concerned.').optional(),
      work_item_id: text('Its id.').optional(),
      approval_id: text('Approval that was answered.').optional(),
      artifact_path: text('Document that was made, relative to the workspace.').optional(),
      defaulted_fields: z.array(z.string()).describe('Fields that were filled in.').optional(),
      unsatisfiable_dependencies: z
        .record(z.string(), z.string())
        .describe('What it waits for in vain unless somebody sees to it, by id: unknown, blocked, cancelled or cycle.')
        .optional(),
      affected_dependents: z.array(z.string()).describe('Items that waited for the one taken away.').optional(),
      replacement_work_item_id: text('What took its place.').optional(),
      key: text('Key of millrace.toml.').optional(),
      boundary: z
        .enum(['tick', 'claim', 'restart'])
        .describe('When a change of the key counts: at once, with the next item, with the next start.')
        .optional(),
      diff: z.array(z.string()).describe('Lines of the file that go (`- `) and come (`+ `).').optional(),
      skill_id: text('Skill concerned.').optional(),
      files: count('Files it consists of.').optional(),
      sha256: text('Of its SKILL.md.').optional(),
      kept_as: maybe('Folder that keeps what it held before, relative to the workspace; null: nothing.').optional(),
      reloaded: flag('Whether the runtime at work took config and assets in.').optional(),
      root_spec_id: text('Root spec whose lineage was looked at.').optional(),
      repair_count: count('Documents that name the wrong root spec.').optional(),
      change_count: count('Fields that are to be set right.').optional(),
      skipped_count: count('Documents left to a person: specs, and what is active.').optional(),
      lineage_changes: z
        .array(
          z.strictObject({
            work_item_kind: text('Kind of the item.'),
            work_item_id: text('Its id.'),
            state: text('Where it stands.'),
            path: text('Its document, relative to the workspace.'),
            field_name: text('JSON name of the field.'),
            old_value: maybe('What it says.'),
            new_value: text('What it is to say.'),
          }),
        )
        .describe('Fields of documents that are to be set right.')
        .optional(),
      lineage_skipped: z
        .array(
          z.strictObject({
            work_item_kind: text('Kind of the item.'),
            work_item_id: text('Its id.'),
            state: text('Where it stands.'),
          }),
        )
        .describe('What strays and is left alone.')
        .optional(),
      run_id: text('Run concerned.').optional(),
      compiled_plan_id: text('Plan that was put in force.').optional(),
      error: z.strictObject({ code: z.string(), message: z.string() }).describe('Why a reload was refused.').optional(),
    })
    .describe('What the command answered beyond that.'),
}

export const IssuedCommand = z.strictObject(issued).describe('What became of a command.')
IssuedCommand satisfies z.ZodType<Omit<Issued, 'result'>>

export const AddedWork = z
  .strictObject({
    ...issued,
    work_item_kind: z.enum(['task', 'spec', 'probe', 'learning_request', 'idea']).describe('What was added.'),
    work_item_id: text('Its id; of an idea, its name in the inbox.'),
    title: maybe('Its heading.'),
    path: text('Its document, once it is enqueued.'),
    defaulted_fields: z.array(z.string()).describe('Fields nobody gave, that were filled in.'),
  })
  .describe('What became of work that was added.')
AddedWork satisfies z.ZodType<Omit<Added, 'result'>>

export const RunOnce = z
  .strictObject({
    run_mode: z.literal('once'),
    active_mode_id: text('Mode in force.'),
    mode_override: maybe('Mode that was asked for.'),
    compiled_plan_id: text('Plan in force.'),
    tick_reason: text('Reason of the last decision, or why nothing was done.'),
    result_class: maybe('Class of the stage that was run.'),
    failure_class: maybe('Why it failed.'),
    message: maybe('What went wrong, in a sentence.'),
    failed: flag('Whether it failed for reasons that are not the work’s.'),
  })
  .describe('One counted tick.')
RunOnce satisfies z.ZodType<RunOnceOutput>

export const Start = z
  .strictObject({
    run_mode: z.literal('once'),
    active_mode_id: text('Mode in force.'),
    mode_override: maybe('Mode that was asked for.'),
    compiled_plan_id: text('Plan in force.'),
    end_reason: z
      .enum(['item_left', 'planned', 'waiting', 'paused', 'nothing_to_do', 'stop_requested'])
      .describe('Why it ended. `planned`: work was brought to a plane that had none, and waits for the next time.'),
    detail: text('The same in a sentence.'),
    stages: z.int().min(0).describe('Stages that were settled.'),
    items: z
      .array(
        z.strictObject({
          run_id: text('Run.'),
          plane: text('Plane it was on.'),
          work_item_kind: text('Kind of the item; `closure` for the judging of a spec.'),
          work_item_id: text('Its id.'),
          state: text('Where the item lies now; of a closure, open or closed.'),
        }),
      )
      .describe('What had its turn, in order.'),
    left_queued: z
      .array(z.strictObject({ kind: text('Kind of item.'), count: z.int().min(1).describe('How many.') }))
      .describe('What waits for the next time.'),
    tick_reason: text('Reason of the last decision, or why nothing was done.'),
    result_class: maybe('Class of the last stage.'),
    failure_class: maybe('Why it failed.'),
    message: maybe('What went wrong, in a sentence.'),
    failed: flag('Whether it failed for reasons that are not the work’s.'),
  })
  .describe('One pass over the planes.')
Start satisfies z.ZodType<StartOutput>

export const RunDaemon = z
  .strictObject({
    interrupted: flag('Whether Ctrl-C ended it.'),
    run_mode: z.literal('daemon'),
    active_mode_id: text('Mode in force.'),
    mode_override: maybe('Mode that was asked for.'),
    compiled_plan_id: text('Plan in force.'),
    exit_reason: z.enum(['max_ticks', 'stop_requested', 'idle']).describe('Why it ended.'),
    ticks: z.int().min(0).describe('Counted ticks.'),
  })
  .describe('How a daemon ended.')
RunDaemon satisfies z.ZodType<RunDaemonOutput>

export const Demo = z
  .strictObject({
    project: text('Folder of the sample project.'),
    runner: text('Adapter that did the stages.'),
    ran: flag('False if only the project was made.'),
    interrupted: flag('Whether Ctrl-C ended it.'),
    spec_id: text('Spec that went through the runtime.'),
    closed: flag('Whether it was judged as fulfilled.'),
    failed: flag('Whether it ran and did not end well: exit 1.'),
    tests_green: flag('Whether the tests of the project pass.'),
    duration_seconds: z.number().min(0).describe('From start to end, in seconds.'),
    stages: z.array(
      z.strictObject({
        stage: text('Stage kind.'),
        outcome: text('What it reported.'),
        seconds: z.number().min(0).describe('Time it took.'),
      }),
    ),
    runs: z.array(z.string()).describe('Run ids.'),
    report: maybe('Report of the last judgement.'),
  })
  .describe('How the demo went.')
Demo satisfies z.ZodType<DemoOutput>
