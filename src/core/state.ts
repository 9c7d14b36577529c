/**
 * The persisted runtime state: snapshot, recovery counters and closure targets. Queues are folders and are not
 * repeated here; what can be derived is derived. Every document carries its version (see store/upgrade).
 */
import * as z from 'zod'
import { isItemKind } from './item.ts'
import { FailureCause } from './result.ts'
import { KINDS } from './retention.ts'
import { RetentionLimits } from './retention-config.ts'
import { Subscription } from './subscription.ts'

const time = (what: string) => z.string().describe(`${what} (ISO time).`)

export const ActiveRun = z
  .strictObject({
    run_id: z.string(),
    plane: z.string(),
    node_id: z.string().describe('Node the run stands at.'),
    stage_kind_id: z.string(),
    request_kind: z.enum(['active_work_item', 'closure_target']),
    work_item_kind: z
      .string()
      .refine((kind): boolean => isItemKind(kind), 'no kind of work item')
      .nullable(),
    work_item_id: z.string().nullable(),
    closure_target_root_spec_id: z.string().nullable(),
    compiled_plan_id: z.string().describe('Plan the run keeps to its end.'),
    status: z
      .enum(['ready', 'started', 'held', 'awaiting_approval'])
      .describe(
        '`ready`: to be started. `started`: an agent was or is at work. `held`: waits for an operator. `awaiting_approval`: a person has been asked; it takes up no lane meanwhile.',
      ),
    request_id: z.string().nullable().describe('Stage run, while started.'),
    active_since: time('Claim'),
    stage_since: time('Arrival at the node'),
    stage_runs: z.int().describe('Stage runs finished so far.'),
    failure_class: z.string().nullable(),
    runtime_error: z.strictObject({ code: z.string(), report_path: z.string() }).nullable(),
    edge_uses: z.record(z.string(), z.int()).describe('How often retry edges were taken.'),
    previous_attempt: z
      .strictObject({ request_id: z.string(), reason: z.string(), rescue_ref: z.string().optional() })
      .nullable()
      .describe(
        'Unfinished attempt at this very node, with the ref of the working tree from before it, if one was kept.',
      ),
    interruptions: z.int().describe('Attempts at this node that were interrupted.'),
    environment_failures: z.int().describe('Failures of the surroundings in a row.'),
    not_before: z.string().nullable().describe('Backoff: not started before this time.'),
    last_transition: z.string().nullable().describe('Newest record of the transition history.'),
    held: z.strictObject({ reason: z.string(), since: z.string() }).nullable(),
    approval: z
      .strictObject({
        approval_id: z.string(),
        since: z.string(),
        expires_at: z.string().nullable().describe('When no answer counts as a denial.'),
        request_id: z
          .string()
          .nullable()
          .describe('Stage run that has ended and is settled once there is an answer; null: the node is to begin.'),
      })
      .optional()
      .describe('The question it waits for, and from the answer on until the stage run in question is settled.'),
    cancel_requested: z
      .strictObject({ reason: z.string(), requeue: z.boolean() })
      .nullable()
      .describe('An operator wants the run ended; the item is blocked, or goes back to its queue.'),
    begun_by: z
      .string()
      .optional()
      .describe('Runtime that began the stage the run stands at, while that is not settled and it was another one.'),
  })
  .describe('One passage of a work item or closure target.')
export type ActiveRun = z.infer<typeof ActiveRun>

export const PauseSource = z.strictObject({
  source: z.string().describe('Who paused: operator, environment, a governance rule.'),
  reason: z.string(),
  since: z.string(),
  until: z.string().nullable().describe('When the source clears itself; null waits for a person.'),
})
export type PauseSource = z.infer<typeof PauseSource>

export const UsageBlocker = z
  .strictObject({
    source: z
      .enum(['runtime_token', 'subscription_quota'])
      .describe('What it is about: what stages used, or a subscription.'),
    rule_id: z.string(),
    window: z.string(),
    metric: z
      .string()
      .nullable()
      .describe('What is counted; null where the rule is over an answer that failed to come.'),
    observed: z.number().describe('What was used when the rule was found over, as the metric counts.'),
    threshold: z.number(),
    next_auto_resume_at: z.string().nullable().describe('When the rule is kept again if nothing more is used.'),
  })
  .describe('A rule on usage that pauses the runtime.')
export type UsageBlocker = z.infer<typeof UsageBlocker>

export const RunnerWait = z
  .strictObject({
    runner_name: z.string(),
    model_name: z.string().nullable().describe('Model whose stages wait; null means every stage of the runner.'),
    cause: FailureCause,
    reason: z.string().describe('What the provider said.'),
    since: z.string(),
    until: z.string().describe('When its stages are started again.'),
  })
  .describe('A limit of the provider that one stage ran into: until it ends no other stage is sent after it.')
export type RunnerWait = z.infer<typeof RunnerWait>

const Removed = z
  .partialRecord(z.enum(KINDS), z.strictObject({ count: z.int().min(0), bytes: z.number().min(0) }))
  .describe('What was removed, by kind.')

export const Retention = z
  .strictObject({
    asked: z
      .strictObject({
        by: z.enum(['operator', 'policy', 'disk']).describe('Who wants it: a command, the policy, a disk nearly full.'),
        at: z.string(),
        limits: RetentionLimits,
        removed: Removed,
      })
      .nullable()
      .describe('Removing of what may go that is under way; the next runtime goes on with it.'),
    last: z
      .strictObject({ by: z.string(), asked_at: z.string(), at: z.string(), removed: Removed })
      .nullable()
      .describe('How the last one ended.'),
  })
  .describe('Removing of what old runs left.')
export type Retention = z.infer<typeof Retention>

export const Snapshot = z
  .strictObject({
    schema_version: z.literal('2.0'),
    kind: z.literal('runtime_snapshot'),
    revision: z.int().min(0).describe('Number of the last transaction.'),
    runtime_mode: z.enum(['once', 'daemon']),
    process_running: z.boolean().describe('What the last runtime said; surfaces ask the lock as well.'),
    pause_sources: z.array(PauseSource),
    runner_waits: z.array(RunnerWait),
    usage_governance: z
      .strictObject({
        auto_resume: z.boolean(),
        blockers: z.array(UsageBlocker),
        subscription: Subscription.optional(),
      })
      .optional()
      .describe('Rules on usage that pause, while such rules are in force; absent while none are.'),
    retention: Retention.optional(),
    stop_requested: z.strictObject({ drain: z.boolean(), since: z.string() }).nullable(),
    active_mode_id: z.string(),
    compiled_plan_id: z.string(),
    loop_ids_by_plane: z.record(z.string(), z.string()),
    config_version: z.string(),
    active_runs: z.array(ActiveRun),
    status_markers_by_plane: z.record(z.string(), z.string()),
    last_results_by_plane: z.record(
      z.string(),
      z.strictObject({
        terminal_result: z.string(),
        result_class: z.string(),
        run_id: z.string(),
        stage_result_path: z.string(),
        failure_class: z.string().nullable(),
      }),
    ),
    failure_class_by_plane: z.record(z.string(), z.string()).describe('Why a plane stands still, while it does.'),
    last_claimed_plane: z.string().nullable(),
    finished_items: z
      .int()
      .describe('Items finished outside the plane that judges closure, for telling progress between rounds.'),
    last_reload_outcome: z.enum(['applied', 'failed_retained_previous_plan']).nullable(),
    last_reload_error: z.string().nullable(),
    pending_restart: z
      .array(z.string())
      .optional()
      .describe('Config keys whose value in the file counts from the next start only; absent while there are none.'),
    watcher_mode: z.enum(['watch', 'poll', 'off']),
    announced: z
      .record(z.string(), z.string())
      .describe('Standing facts already told by an event, so that each is told once.'),
    seen_ideas: z
      .record(z.string(), z.string())
      .describe('Idea files already turned into specs or refused, by path and hash.'),
    updated_at: z.string(),
  })
  .describe('The runtime snapshot.')
export type Snapshot = z.infer<typeof Snapshot>

export const CounterEntry = z.strictObject({
  work_item_kind: z.string(),
  work_item_id: z.string(),
  counter_name: z.string(),
  key: z.string().describe('Failure class or metadata value the budget is kept for; empty = the whole item.'),
  count: z.int().min(0),
  last_updated_at: z.string(),
})
export type CounterEntry = z.infer<typeof CounterEntry>

export const Counters = z
  .strictObject({
    schema_version: z.literal('2.0'),
    kind: z.literal('recovery_counters'),
    entries: z.array(CounterEntry),
  })
  .describe('Recovery budgets used so far.')
export type Counters = z.infer<typeof Counters>

export const ClosureTarget = z
  .strictObject({
    schema_version: z.literal('2.0'),
    kind: z.literal('closure_target_state'),
    root_spec_id: z.string(),
    root_idea_id: z.string(),
    root_spec_path: z.string().describe('Frozen copy of the root spec, relative to the workspace.'),
    root_idea_path: z.string().describe('Frozen copy of the seed idea.'),
    rubric_path: z.string(),
    latest_verdict_path: z.string().nullable(),
    latest_report_path: z.string().nullable(),
    closure_open: z.boolean(),
    blocking_work_ids: z.array(z.string()).describe('Open work of the lineage when it was last looked at.'),
    opened_at: z.string(),
    closed_at: z.string().nullable(),
    last_arbiter_run_id: z.string().nullable(),
    rounds: z.int().describe('Judgements so far.'),
    finished_items_at_last_round: z.int().nullable().describe('Progress mark of the last judgement that found a gap.'),
    held: z
      .strictObject({
        reason: z.string(),
        since: z.string(),
        attempts: z.int(),
        retry_at: z.string().nullable(),
        finished_items: z.int(),
      })
      .nullable()
      .describe(
        'Held: judged again at retry_at, or when work of the lineage finishes, or when an operator releases it.',
      ),
  })
  .describe('A root spec whose lineage is to be judged as a whole.')
export type ClosureTarget = z.infer<typeof ClosureTarget>

/** Stands for the plan where none is in force yet, and for that of a run another runtime began. */
export const NO_PLAN = 'bootstrap'

export function newSnapshot(now: string): Snapshot {
  return {
    schema_version: '2.0',
    kind: 'runtime_snapshot',
    revision: 0,
    runtime_mode: 'daemon',
    process_running: false,
    pause_sources: [],
    runner_waits: [],
    stop_requested: null,
    active_mode_id: 'default_codex',
    compiled_plan_id: NO_PLAN,
    loop_ids_by_plane: {},
    config_version: 'bootstrap',
    active_runs: [],
    status_markers_by_plane: {},
    last_results_by_plane: {},
    failure_class_by_plane: {},
    last_claimed_plane: null,
    finished_items: 0,
    last_reload_outcome: null,
    last_reload_error: null,
    watcher_mode: 'off',
    announced: {},
    seen_ideas: {},
    updated_at: now,
  }
}

export function newCounters(): Counters {
  return { schema_version: '2.0', kind: 'recovery_counters', entries: [] }
}

export const IDLE_MARKER = '### IDLE'

/** Identity counters are kept under: the item, or for closure runs the target. */
export function counterOwner(run: Pick<ActiveRun, 'work_item_kind' | 'work_item_id' | 'closure_target_root_spec_id'>): {
  kind: string
  id: string
} {
  return { kind: run.work_item_kind ?? 'closure_target', id: run.work_item_id ?? run.closure_target_root_spec_id ?? '' }
}

export function countOf(counters: Counters, owner: { kind: string; id: string }, name: string, key: string): number {
  return (
    counters.entries.find(
      (entry) =>
        entry.work_item_kind === owner.kind &&
        entry.work_item_id === owner.id &&
        entry.counter_name === name &&
        entry.key === key,
    )?.count ?? 0
  )
}

/** A copy with one budget used once more. */
export function countUp(
  counters: Counters,
  owner: { kind: string; id: string },
  name: string,
  key: string,
  now: string,
): Counters {
  const rest = counters.entries.filter(
    (entry) =>
      !(
        entry.work_item_kind === owner.kind &&
        entry.work_item_id === owner.id &&
        entry.counter_name === name &&
        entry.key === key
      ),
  )
  const count = countOf(counters, owner, name, key) + 1
  return {
    ...counters,
    entries: [
      ...rest,
      { work_item_kind: owner.kind, work_item_id: owner.id, counter_name: name, key, count, last_updated_at: now },
    ],
  }
}

/** A copy without the budgets of one item. */
export function forgetCounters(counters: Counters, owner: { kind: string; id: string }): Counters {
  const entries = counters.entries.filter(
    (entry) => entry.work_item_kind !== owner.kind || entry.work_item_id !== owner.id,
  )
  return entries.length === counters.entries.length ? counters : { ...counters, entries }
}

/** The run that works on an item; null while none does. */
export const runOf = (
  { active_runs }: Pick<Snapshot, 'active_runs'>,
  item: { kind: string; id: string },
): ActiveRun | null =>
  active_runs.find((run) => run.work_item_kind === item.kind && run.work_item_id === item.id) ?? null
