/**
 * Status: what is going on, and what stands in the way. Reads the snapshot, lists the queues, and opens no document but
 * those of active items, so that it is as quick with ten thousand items as with ten. Loads no schemas: nothing here may
 * import a module that does.
 */
import { MillraceError } from '../../core/errors.ts'
import type { Operation } from '../../core/operation.ts'
import type { ActiveRun } from '../../core/state.ts'
import { isStuck, readConsistently } from '../../store/consistent.ts'
import { type Places, placesOf } from '../../store/layout.ts'
import { type Context, requireWorkspace } from '../context.ts'
import { lockIn, type Owner, ownerOf } from '../owner.ts'
import type { ActiveRunStatus, StatusOutput } from '../schemas/status.ts'
import { activityOf } from './activity.ts'
import { type Currentness, currentness } from './currentness.ts'
import { type Accept, acceptCurrent, type Facts, readFacts } from './facts.ts'
import { closureKeys, failureKeys, governanceKeys, planeKeys } from './keys.ts'

export const status: Operation<Context, { detail?: boolean }, StatusOutput> = {
  name: 'status',
  flavour: 'read',
  summary: 'What goes on, and what stands in the way.',
  description:
    'One consistent look at the workspace: whether a runtime is at work and on what, pauses, queues, closure, the last results. Takes no lock and writes nothing; whether a runtime runs is told by the lock, not by what the last one wrote. With --detail also what would be chosen now for each stage, what waits in the mailbox, prompts and skills, the planning lane, and the active and the next task.',
  input: [{ name: 'detail', type: 'flag', description: 'Everything there is to know, in groups.' }],
  examples: [
    { command: 'millrace status', does: 'see what is going on' },
    { command: 'millrace status --json', does: 'the same for a program' },
    { command: 'millrace status --detail', does: 'see what each stage would run with, and everything else' },
  ],
  output: async () => (await import('../schemas.ts')).statusSchema(),
  async run(context, { detail }) {
    const places = placesOf(context.workspaceRoot)
    requireWorkspace(context)
    const owner = ownerOf(lockIn(context))
    const facts = await factsOf(context, places)
    const plan = await currentness(context, facts.plan)
    const output = outputOf(context, facts, owner, plan)
    // Loads schemas and compiles: only for those who ask.
    return detail === true ? { ...output, ...(await import('./detail.ts')).detailOf(context, output) } : output
  },
}

async function factsOf({ files }: Context, places: Places): Promise<Facts> {
  const read = (accept: Accept) =>
    readConsistently(files, places, (found, pending) => readFacts(found, places, pending, accept))
  try {
    return read(acceptCurrent)
  } catch (error) {
    if (!MillraceError.is(error) || error.code !== 'state_corrupt') throw error
    return read((await import('../../store/state-format.ts')).upgradeState)
  }
}

function outputOf(context: Context, facts: Facts, owner: Owner, plan: Currentness): StatusOutput {
  const { snapshot, depths, pending } = facts
  const running = snapshot.process_running && owner.state === 'active'
  const now = context.clock.now()
  const degraded = owner.state === 'active' && isStuck(pending, now)
  const [first] = snapshot.active_runs
  const persisted = facts.plan?.compile_input_fingerprint
  const activity = activityOf({ snapshot, depths, running, degraded, lock: owner.state, now: now.toISOString() })
  return {
    workspace: context.workspaceRoot,
    runtime_mode: snapshot.runtime_mode,
    process_running: running,
    runtime_ownership_lock: owner.state,
    paused: snapshot.pause_sources.length > 0,
    pause_sources: snapshot.pause_sources.map((source) => source.source).join(',') || 'none',
    stop_requested: snapshot.stop_requested !== null,
    active_mode_id: snapshot.active_mode_id,
    compiled_plan_id: snapshot.compiled_plan_id,
    compiled_plan_currentness: plan.state,
    active_plane: first?.plane ?? null,
    active_stage: first?.stage_kind_id ?? null,
    active_node_id: first?.node_id ?? null,
    active_stage_kind_id: first?.stage_kind_id ?? null,
    active_work_item_kind: first?.work_item_kind ?? null,
    active_work_item_id: first?.work_item_id ?? null,
    active_run_count: snapshot.active_runs.length,
    ...planeKeys(facts),
    baseline_manifest_id: facts.baseline?.manifest_id ?? null,
    baseline_seed_package_version: facts.baseline?.seed_package_version ?? null,
    'compile_input.mode_id': plan.input?.mode_id ?? null,
    'compile_input.config_fingerprint': plan.input?.config_fingerprint ?? null,
    'compile_input.assets_fingerprint': plan.input?.assets_fingerprint ?? null,
    'persisted_compile_input.mode_id': persisted?.mode_id ?? null,
    'persisted_compile_input.config_fingerprint': persisted?.config_fingerprint ?? null,
    'persisted_compile_input.assets_fingerprint': persisted?.assets_fingerprint ?? null,
    ...(plan.error === null ? {} : { compile_plan_currentness_error: plan.error }),
    ...governanceKeys(facts),
    ...closureKeys(facts),
    ...failureKeys(facts),
    activity: activity.activity,
    activity_reason: activity.reason,
    next_step: activity.nextStep,
    revision: snapshot.revision,
    updated_at: snapshot.updated_at,
    degraded,
    pending_journal: pending,
    runtime_process_id: owner.pid,
    runtime_host: owner.host,
    runtime_since: owner.since,
    watcher_mode: snapshot.watcher_mode,
    config_version: snapshot.config_version,
    last_reload_outcome: snapshot.last_reload_outcome,
    last_reload_error: snapshot.last_reload_error,
    pending_restart: snapshot.pending_restart ?? [],
    stop_files: facts.stopFiles,
    queue_depths: depths,
    mailbox_waiting: facts.mailboxWaiting,
    pauses: snapshot.pause_sources,
    runner_waits: snapshot.runner_waits,
    active_runs: snapshot.active_runs.map((run) => runStatus(run, facts.titles.get(run.run_id) ?? null)),
    held_runs: snapshot.active_runs.flatMap((run) =>
      run.held === null
        ? []
        : { run_id: run.run_id, plane: run.plane, node_id: run.node_id, work: workOf(run), ...run.held },
    ),
    closure_targets: facts.targets
      .filter((target) => target.closure_open)
      .map((target) => ({
        root_spec_id: target.root_spec_id,
        opened_at: target.opened_at,
        rounds: target.rounds,
        blocking_work_ids: target.blocking_work_ids,
        held_reason: target.held?.reason ?? null,
        retry_at: target.held?.retry_at ?? null,
      })),
    last_results: Object.entries(snapshot.last_results_by_plane).map(([plane, result]) => ({ plane, ...result })),
    last_event: facts.lastEvent && {
      event_type: facts.lastEvent.event_type,
      occurred_at: facts.lastEvent.occurred_at,
      data: facts.lastEvent.data,
    },
  }
}

const workOf = (run: ActiveRun): string =>
  run.work_item_id === null ? `closure ${run.closure_target_root_spec_id}` : `${run.work_item_kind} ${run.work_item_id}`

function runStatus(run: ActiveRun, title: string | null): ActiveRunStatus {
  return {
    run_id: run.run_id,
    plane: run.plane,
    stage: run.stage_kind_id,
    node_id: run.node_id,
    stage_kind_id: run.stage_kind_id,
    status: run.status,
    request_kind: run.request_kind,
    request_id: run.request_id,
    work_item_kind: run.work_item_kind,
    work_item_id: run.work_item_id,
    title,
    closure_target_root_spec_id: run.closure_target_root_spec_id,
    active_since: run.active_since,
    stage_since: run.stage_since,
    stage_runs: run.stage_runs,
    failure_class: run.failure_class,
    not_before: run.not_before,
    held_reason: run.held?.reason ?? null,
    held_since: run.held?.since ?? null,
    approval_id: run.status === 'awaiting_approval' ? (run.approval?.approval_id ?? null) : null,
    cancel_requested: run.cancel_requested?.reason ?? null,
  }
}
