/** The commands that pause, resume, stop and reload a runtime. */
import { Draft } from '../../core/changes.ts'
import { MillraceError } from '../../core/errors.ts'
import type { ChangeOperation } from '../../core/operation.ts'
import type { Snapshot } from '../../core/state.ts'
import { USAGE } from '../../core/usage.ts'
import { compileFailed } from '../../engine/compile-fresh.ts'
import { planChanges } from '../../store/plans.ts'
import { done, only, text, unchanged } from './payload.ts'

export const pause: ChangeOperation = ({ view }, payload) => {
  only(payload, 'reason')
  if (view.snapshot.pause_sources.some((source) => source.source === 'operator'))
    return unchanged('already paused by the operator')
  const draft = new Draft(view)
  const reason = text(payload, 'reason', 'operator requested pause')
  draft.snapshot.pause_sources = [
    { source: 'operator', reason, since: view.now, until: null },
    ...view.snapshot.pause_sources,
  ]
  draft.event('runtime_paused', { source: 'operator', reason, until: null })
  return done(draft, 'paused; running stages go on, nothing new is started')
}

/** Sources that a person's word clears whatever they say. */
const RESUMABLE = ['operator', 'environment']

/** A pause by rules on usage waits for a person only where it may not clear itself, and once every rule is kept again. */
const isOverBudget = ({ usage_governance }: Snapshot): boolean => (usage_governance?.blockers.length ?? 0) > 0

export const resume: ChangeOperation = ({ view }, payload) => {
  only(payload, 'reason')
  // A person saying "go on" also means "try again now" where the surroundings had failed.
  const cleared = view.snapshot.pause_sources.filter(
    ({ source }) => RESUMABLE.includes(source) || (source === USAGE && !isOverBudget(view.snapshot)),
  )
  const waiting = view.snapshot.active_runs.filter((run) => run.not_before !== null)
  const refused = view.snapshot.runner_waits
  const left = view.snapshot.pause_sources.filter((source) => !cleared.includes(source)).map((source) => source.source)
  if (cleared.length + waiting.length + refused.length === 0)
    return unchanged(left.length > 0 ? `still paused by ${left.join(', ')}` : 'not paused')
  const draft = new Draft(view)
  draft.snapshot.pause_sources = view.snapshot.pause_sources.filter((source) => !cleared.includes(source))
  draft.snapshot.runner_waits = []
  for (const run of waiting) draft.putRun({ ...run, not_before: null, environment_failures: 0 })
  for (const source of cleared) draft.event('runtime_resumed', { source: source.source, reason: 'operator' })
  for (const { runner_name, model_name, cause } of refused)
    draft.event('runner_ready', { runner_name, model_name, cause })
  return done(draft, left.length > 0 ? `resumed; still paused by ${left.join(', ')}` : 'resumed')
}

export const stop: ChangeOperation = ({ view, live }, payload) => {
  only(payload, 'drain', 'reason')
  if (!live) return unchanged('no runtime is running; active runs are taken up by the next one')
  const drain = payload.drain === true
  const draft = new Draft(view)
  draft.snapshot.stop_requested = { drain, since: view.now }
  draft.event('runtime_stopped', { drain, active_runs: view.snapshot.active_runs.map((run) => run.run_id) })
  return done(
    draft,
    drain
      ? 'stopping once the running stages have ended'
      : 'stopping; running stages are ended and run again at the next start',
  )
}

export const reloadConfig: ChangeOperation = ({ view, live, compile }, payload) => {
  only(payload, 'reason')
  if (!live) return unchanged('no runtime is running; the config is read at the next start')
  const draft = new Draft(view)
  try {
    const fresh = compile()
    draft.add(...planChanges(fresh, view.plan, view.now))
    if (fresh.plan === null) throw compileFailed(fresh)
    draft.snapshot.active_mode_id = fresh.modeId
    draft.snapshot.compiled_plan_id = fresh.plan.compiled_plan_id
    draft.snapshot.loop_ids_by_plane = fresh.plan.loop_ids_by_plane
    draft.snapshot.config_version = fresh.configVersion
    draft.snapshot.last_reload_outcome = 'applied'
    draft.snapshot.last_reload_error = null
    draft.snapshot.watcher_mode = fresh.watcherMode ?? view.snapshot.watcher_mode
    const pending = fresh.pendingRestart ?? []
    if (pending.length > 0) draft.snapshot.pending_restart = [...pending]
    else delete draft.snapshot.pending_restart
    draft.event('runtime_config_reloaded', {
      mode_id: fresh.modeId,
      compiled_plan_id: fresh.plan.compiled_plan_id,
      ...(pending.length > 0 ? { pending_restart: pending } : {}),
    })
    const later = pending.length === 0 ? '' : `; from the next start on: ${pending.join(', ')}`
    return done(draft, `reloaded; new runs start under ${fresh.plan.compiled_plan_id}${later}`, {
      compiled_plan_id: fresh.plan.compiled_plan_id,
      ...(pending.length > 0 ? { pending_restart: pending } : {}),
    })
  } catch (error) {
    if (!MillraceError.is(error)) throw error
    draft.snapshot.last_reload_outcome = 'failed_retained_previous_plan'
    draft.snapshot.last_reload_error = error.message
    draft.event('runtime_config_reload_failed', {
      error: error.message,
      retained_previous_plan: true,
      compiled_plan_id: view.snapshot.compiled_plan_id,
    })
    return {
      changes: draft.finish(),
      output: {
        applied: false,
        detail: `kept the previous plan: ${error.message}`,
        error: { code: error.code, message: error.message },
      },
    }
  }
}
