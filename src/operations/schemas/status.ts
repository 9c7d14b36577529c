/** What status gives: the flat keys of the seed in its order, then our own. */
import * as z from 'zod'
import { PauseSource, RunnerWait, Snapshot, UsageBlocker } from '../../core/state.ts'
import { Subscription } from '../../core/subscription.ts'
import { ACTIVITIES } from '../status/activity.ts'
import { Selection, SelectionExplanation } from './selection.ts'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)
const count = (what: string) => z.int().min(0).describe(what)
const flag = (what: string) => z.boolean().describe(what)
const time = (what: string) => z.string().describe(`${what} (ISO time).`)

const PendingRecord = z
  .strictObject({
    revision: z.int().nullable().describe('Transaction; null for a torn record, which never happened.'),
    operations: count('File operations in it.'),
    since: time('When it was written'),
  })
  .describe('A transaction between its durable point and its retirement.')

export const KindDepth = z.strictObject({
  queued: count('Documents in the queue folder.'),
  active: count('In the active folder.'),
  blocked: count('In the blocked folder.'),
  done: count('In the folder of finished items.'),
})
export type KindDepth = z.infer<typeof KindDepth>

export const ActiveRunStatus = z.strictObject({
  run_id: text('Run.'),
  plane: text('Lane it runs in.'),
  stage: text('Stage kind it stands at.'),
  node_id: text('Node it stands at.'),
  stage_kind_id: text('Stage kind of the node.'),
  status: z
    .enum(['ready', 'started', 'held', 'awaiting_approval'])
    .describe('`started`: an agent is at work. `held`: waits for a person. `awaiting_approval`: a person is asked.'),
  request_kind: z.enum(['active_work_item', 'closure_target']).describe('What is served.'),
  request_id: maybe('Stage run, while started.'),
  work_item_kind: maybe('Kind of the work item.'),
  work_item_id: maybe('Id of the work item.'),
  title: maybe('Heading of its document.'),
  closure_target_root_spec_id: maybe('Root spec of a closure run.'),
  active_since: time('Claim'),
  stage_since: time('Arrival at the node'),
  stage_runs: count('Stages finished so far.'),
  failure_class: maybe('Why the run took a detour.'),
  not_before: maybe('Not started again before this time, after a failure of the surroundings.'),
  held_reason: maybe('Why it is held.'),
  held_since: maybe('Since when.'),
  approval_id: maybe('The question to a person that it waits for.'),
  cancel_requested: maybe('Why an operator wants it ended.'),
})
export type ActiveRunStatus = z.infer<typeof ActiveRunStatus>

const Task = z
  .strictObject({ task_id: text('Task.'), title: text('Its heading.'), spec_id: maybe('Spec it was cut from.') })
  .nullable()

const Asset = z.strictObject({
  path: text('File, relative to the assets root.'),
  source: z.enum(['package', 'workspace']).describe('Whose copy.'),
  sha256: text('Hash of its text.'),
})

/** Only with --detail. */
export const Detail = z.strictObject({
  runtime: z
    .strictObject({
      process_running: flag('Whether a runtime lives.'),
      process_id: z.int().nullable().describe('Its process.'),
      mode: Snapshot.shape.runtime_mode.describe('How it was started.'),
      paused: flag('Whether anything pauses it.'),
      pause_reason: maybe('Why, source by source.'),
      execution_status: maybe('Marker of the lane of execution.'),
      planning_status: maybe('Marker of the lane of planning.'),
      research_status: maybe('The same, under the name older tools know.'),
      active_task_id: maybe('Task at work.'),
      backlog_depth: count('Queued tasks.'),
      deferred_queue_size: count('Root specs that wait for an open closure target.'),
      started_at: maybe('When it took the workspace (ISO time).'),
      uptime_seconds: z.number().min(0).nullable().describe('How long it has been up, in seconds.'),
      updated_at: text('Last transaction (ISO time).'),
      config_hash: text('Config in force.'),
      pending_config_hash: maybe('Config on disk, if that is another one or cannot be read (null then).'),
      asset_bundle_version: maybe('Version that deployed prompts and skills.'),
    })
    .describe('The runtime.'),
  liveness: z
    .strictObject({
      authority: z.literal('lock').describe('What tells whether a runtime lives: its lock, always.'),
      degraded: flag('Whether a transaction cannot be applied to the disk.'),
      snapshot_present: flag('Whether there is a snapshot; there is.'),
      snapshot_process_running: flag('What the last runtime said of itself.'),
      process_id: z.int().nullable().describe('Process that holds the lock.'),
      summary: text('In a sentence.'),
    })
    .describe('Whether a runtime lives, and how that is known.'),
  source_kind: z.literal('snapshot').describe('Where this is from.'),
  config_path: text('The config file.'),
  config_source_kind: z.enum(['file', 'defaults']).describe('Whether there is such a file.'),
  selection: Selection.nullable().describe('What would be chosen now for each stage; null if it does not compile.'),
  selection_explanation: SelectionExplanation,
  selection_error: maybe('Why it does not compile.'),
  mailbox_task_intake: z
    .strictObject({
      buffered_count: count('Tasks that wait.'),
      oldest_issued_at: text('When the oldest was handed in (ISO time).'),
      newest_issued_at: text('When the newest was.'),
      task_titles: z.array(z.string()).describe('Their headings, as far as they have one.'),
      issuers: z.array(z.string()).describe('Who handed them in.'),
    })
    .nullable()
    .describe('Tasks in the mailbox that the runtime has not taken yet; null if none.'),
  assets: z
    .strictObject({
      bundle_version: maybe('Version that deployed prompts and skills.'),
      stage_prompts: z.array(Asset).describe('Prompts of the plan in force.'),
      skills: z.array(Asset).describe('Its skills.'),
      definitions: z.array(Asset).describe('Mode, loops and stage kinds.'),
    })
    .describe('What the plan in force was made from; empty before the first compile.'),
  research: z
    .strictObject({
      status: maybe('Marker of the lane of planning.'),
      queue_families: z
        .array(
          z.strictObject({
            family: text('Kind of work.'),
            ready: flag('Whether any is queued.'),
            item_count: count('Queued.'),
            queue_path: text('Folder of the queue.'),
            first_item: maybe('Id of the one claimed first.'),
          }),
        )
        .describe('What planning is fed from.'),
      active_item: maybe('Kind and id of what it works on.'),
      closure: z.array(text('Root spec.')).describe('Open closure targets.'),
    })
    .describe('The lane of planning.'),
  active_task: Task.describe('Task at work.'),
  next_task: Task.describe('Task that waits for nothing but its turn, the oldest.'),
})
export type DetailOutput = z.infer<typeof Detail>

export const Status = z
  .strictObject({
    workspace: text('Directory that is served.'),
    runtime_mode: Snapshot.shape.runtime_mode.describe('How the last runtime was started.'),
    process_running: flag('Whether a runtime lives; told by the lock.'),
    runtime_ownership_lock: z.enum(['absent', 'active', 'stale', 'invalid']).describe('What the lock says.'),
    paused: flag('Whether anything pauses the runtime.'),
    pause_sources: text('Who pauses, separated by commas; `none` if nobody.'),
    stop_requested: flag('Whether the runtime was asked to end.'),
    active_mode_id: text('Mode in force.'),
    compiled_plan_id: text('Plan in force.'),
    compiled_plan_currentness: z
      .enum(['current', 'stale', 'missing', 'unknown'])
      .describe('Whether assets and config would compile to that plan now.'),
    active_plane: maybe('Lane of the first active run.'),
    active_stage: maybe('Its stage kind.'),
    active_node_id: maybe('Its node.'),
    active_stage_kind_id: maybe('Its stage kind.'),
    active_work_item_kind: maybe('Kind of its work item.'),
    active_work_item_id: maybe('Id of its work item.'),
    active_run_count: count('Active runs.'),
    baseline_manifest_id: maybe('Manifest of the prompts and skills that were deployed.'),
    baseline_seed_package_version: maybe('Version that deployed them.'),
    'compile_input.mode_id': maybe('What would be compiled now: mode.'),
    'compile_input.config_fingerprint': maybe('Config.'),
    'compile_input.assets_fingerprint': maybe('Assets.'),
    'persisted_compile_input.mode_id': maybe('What the plan on disk was compiled from: mode.'),
    'persisted_compile_input.config_fingerprint': maybe('Config.'),
    'persisted_compile_input.assets_fingerprint': maybe('Assets.'),
    compile_plan_currentness_error: text('Why it cannot be told whether the plan is current.').optional(),
    usage_governance_enabled: flag('Whether rules on usage are in force in the last runtime.'),
    usage_governance_paused: flag('Whether one of them pauses.'),
    usage_governance_blocker_count: count('Rules that pause.'),
    usage_governance_auto_resume_possible: flag('Whether the pause clears by itself.'),
    usage_governance_next_auto_resume_at: maybe('When.'),
    usage_governance_subscription_status: text(
      'How the last asking for a subscription ended: `healthy`, `degraded`, or `unknown` before the first; `disabled` without rules over one.',
    ),
    usage_governance_subscription: Subscription.nullable(),
    usage_governance_blockers: z.array(UsageBlocker).describe('Rules that pause, with what was used and when it ends.'),
    closure_target_root_spec_id: maybe('Root spec whose lineage is to be judged.'),
    closure_target_open: z
      .union([z.boolean(), z.literal('invalid')])
      .nullable()
      .describe('Whether it is open.'),
    closure_target_blocked_by_lineage_work: z
      .union([z.boolean(), z.literal('invalid')])
      .nullable()
      .describe('Whether open work of its lineage keeps it from being judged, when last looked at.'),
    planning_root_specs_deferred_by_closure_target: z
      .union([z.int(), z.literal('invalid')])
      .describe('Root specs that wait for it.'),
    closure_target_latest_verdict_path: maybe('Newest verdict.'),
    closure_target_latest_report_path: maybe('Newest report.'),
    current_failure_class: text('Why something stands still or takes a detour.').optional(),
    troubleshoot_attempt_count: count('Repair attempts used on it.').optional(),
    mechanic_attempt_count: count('Planning repair attempts used on it.').optional(),
    fix_cycle_count: count('Fix rounds used on it.').optional(),
    consultant_invocations: count('Escalations used on it.').optional(),

    activity: z.enum(ACTIVITIES).describe('What goes on, in a word.'),
    activity_reason: maybe('Why, where the word does not say it all.'),
    next_step: maybe('A command worth running now.'),
    revision: count('Number of the last transaction.'),
    updated_at: time('Last transaction'),
    degraded: flag('Whether a transaction cannot be applied to the disk.'),
    pending_journal: PendingRecord.nullable(),
    runtime_process_id: z.int().nullable().describe('Process that holds the lock.'),
    runtime_host: maybe('Its host.'),
    runtime_since: maybe('When it took the lock.'),
    watcher_mode: Snapshot.shape.watcher_mode.describe('How changes are noticed.'),
    config_version: text('Config in force.'),
    last_reload_outcome: Snapshot.shape.last_reload_outcome.describe('How the last reload went.'),
    last_reload_error: maybe('Why it failed.'),
    pending_restart: z
      .array(z.string())
      .describe('Config keys whose value in the file counts from the next start only.'),
    stop_files: z.array(z.string()).describe('Stop files that lie there, relative to the workspace.'),
    queue_depths: z
      .strictObject({
        task: KindDepth,
        spec: KindDepth,
        incident: KindDepth,
        probe: KindDepth,
        learning_request: KindDepth,
      })
      .describe('Documents by kind and state.'),
    mailbox_waiting: count('Commands that were not carried out yet.'),
    pauses: z.array(PauseSource).describe('Who pauses, why, since when and until when.'),
    runner_waits: z.array(RunnerWait).describe('Runners whose provider refuses work, why and until when.'),
    active_runs: z.array(ActiveRunStatus),
    held_runs: z.array(
      z.strictObject({
        run_id: text('Run.'),
        plane: text('Lane.'),
        node_id: text('Node.'),
        work: text('Kind and id of what it serves.'),
        reason: text('Why it is held.'),
        since: time('Since when'),
      }),
    ),
    closure_targets: z
      .array(
        z.strictObject({
          root_spec_id: text('Root spec.'),
          opened_at: time('When it was opened'),
          rounds: count('Judgements so far.'),
          blocking_work_ids: z.array(z.string()).describe('Open work of its lineage when last looked at.'),
          held_reason: maybe('Why it is held.'),
          retry_at: maybe('When it is judged again.'),
        }),
      )
      .describe('Open closure targets.'),
    last_results: z.array(
      z.strictObject({
        plane: text('Lane.'),
        terminal_result: text('Outcome.'),
        result_class: text('Its class.'),
        run_id: text('Run.'),
        stage_result_path: text('Its record, relative to the workspace.'),
        failure_class: maybe('Why it failed.'),
      }),
    ),
    last_event: z
      .strictObject({
        event_type: text('What happened.'),
        occurred_at: time('When'),
        data: z.record(z.string(), z.unknown()).describe('Its particulars, by event type.'),
      })
      .nullable()
      .describe('Newest event of the log.'),
  })
  .extend(Detail.partial().shape)
  .describe(
    'What is going on. Lanes of the plan add <plane>_queue_depth and <plane>_status_marker. With --detail the groups of objects are there as well; of the groups older tools know, `size` and `integration_policy` are not: no loop of this version has them.',
  )

/** Of each lane of the plan. */
export interface PlaneKeys {
  [plane: `${string}_queue_depth`]: number
  [plane: `${string}_status_marker`]: string
}
export type StatusOutput = z.infer<typeof Status> & PlaneKeys
