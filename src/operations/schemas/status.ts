/** What status gives: the flat keys of the seed in its order, then our own. */
import * as z from 'zod'
import { PauseSource, RunnerWait, Snapshot, UsageBlocker } from '../../core/state.ts'
import { ACTIVITIES } from '../activity.ts'

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
  status: z.enum(['ready', 'started', 'held']).describe('`started`: an agent is at work. `held`: waits for a person.'),
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
  cancel_requested: maybe('Why an operator wants it ended.'),
})
export type ActiveRunStatus = z.infer<typeof ActiveRunStatus>

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
    usage_governance_subscription_status: text('State of the subscription telemetry: `disabled`, there is none.'),
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
  .describe('What is going on. Lanes of the plan add <plane>_queue_depth and <plane>_status_marker.')

/** Of each lane of the plan. */
export interface PlaneKeys {
  [plane: `${string}_queue_depth`]: number
  [plane: `${string}_status_marker`]: string
}
export type StatusOutput = z.infer<typeof Status> & PlaneKeys
