/** What `status --detail` adds: groups that need documents read and the mode compiled. */
import { describeDiagnostic } from '../../core/diagnostics.ts'
import { parseDocument } from '../../core/document.ts'
import { MillraceError } from '../../core/errors.ts'
import type { ItemEntry, ItemKind } from '../../core/item.ts'
import { type Plan, planesOf } from '../../core/plan.ts'
import type { View } from '../../core/view.ts'
import { readConfig } from '../../store/config-file.ts'
import { AT, itemFolder, type Places } from '../../store/layout.ts'
import { incoming } from '../../store/mailbox.ts'
import { type Context, placesIn } from '../context.ts'
import { compileHere } from '../plan/compiling.ts'
import { explanationOf, selectionOf } from '../plan/selection.ts'
import { deferredBy, waitsFor } from '../queue/rows.ts'
import { reading } from '../reading.ts'
import type { DetailOutput, StatusOutput } from '../schemas/status.ts'
import { kindsByPlane } from './keys.ts'

/** Lanes older tools have names for. */
const EXECUTION = 'execution'
const PLANNING = 'planning'

/** `status` is the answer without. */
export function detailOf(context: Context, status: StatusOutput): DetailOutput {
  const places = placesIn(context)
  const { plan, error } = chosenNow(context)
  return reading(context, (view, files) => ({
    runtime: runtimeOf(context, places, view, status),
    liveness: livenessOf(view, status),
    source_kind: 'snapshot' as const,
    config_path: places.at(AT.config),
    config_source_kind: files.stat(places.at(AT.config)) === null ? ('defaults' as const) : ('file' as const),
    selection: plan && selectionOf(plan, planesOf(plan)),
    selection_explanation: plan === null ? [] : explanationOf(plan, planesOf(plan)),
    selection_error: error,
    mailbox_task_intake: intakeOf(context, places),
    assets: assetsOf(view.plan, status),
    research: researchOf(places, view, status),
    active_task: taskOf(view, activeTask(view)),
    next_task: taskOf(view, nextTask(view)),
  }))
}

function chosenNow(context: Context): { plan: Plan | null; error: string | null } {
  try {
    const { plan, diagnostics } = compileHere(context)
    const fault = diagnostics.find(({ severity }) => severity === 'error')
    return { plan, error: fault === undefined ? null : describeDiagnostic(fault) }
  } catch (thrown) {
    if (!MillraceError.is(thrown)) throw thrown
    return { plan: null, error: thrown.message }
  }
}

function runtimeOf(context: Context, places: Places, view: View, status: StatusOutput): DetailOutput['runtime'] {
  const marker = (plane: string) => status[`${plane}_status_marker`] ?? null
  const since = status.process_running ? status.runtime_since : null
  const deferred = status.planning_root_specs_deferred_by_closure_target
  return {
    process_running: status.process_running,
    process_id: status.runtime_process_id,
    mode: status.runtime_mode,
    paused: status.paused,
    pause_reason: status.pauses.map(({ source, reason }) => `${source}: ${reason}`).join('; ') || null,
    execution_status: marker(EXECUTION),
    planning_status: marker(PLANNING),
    research_status: marker(PLANNING),
    active_task_id: activeTask(view)?.id ?? null,
    backlog_depth: view.items.count('task', 'queued'),
    deferred_queue_size: typeof deferred === 'number' ? deferred : 0,
    started_at: since,
    uptime_seconds: since === null ? null : Math.max(0, (context.clock.now().getTime() - Date.parse(since)) / 1000),
    updated_at: status.updated_at,
    config_hash: status.config_version,
    pending_config_hash: pendingConfig(context, places, status),
    asset_bundle_version: status.baseline_seed_package_version,
  }
}

function pendingConfig(context: Context, places: Places, status: StatusOutput): string | null {
  try {
    const { version } = readConfig(context.files, places)
    return version === status.config_version ? null : version
  } catch (thrown) {
    if (!MillraceError.is(thrown)) throw thrown
    return null
  }
}

const SUMMARIES = {
  absent: 'no runtime holds the workspace',
  active: 'a runtime holds the workspace',
  stale: 'the runtime that held the workspace is dead',
  invalid: 'the lock cannot be read, so no runtime is taken to live',
} as const

const livenessOf = ({ snapshot }: View, status: StatusOutput): DetailOutput['liveness'] => ({
  authority: 'lock',
  degraded: status.degraded,
  snapshot_present: true,
  snapshot_process_running: snapshot.process_running,
  process_id: status.runtime_process_id,
  summary: SUMMARIES[status.runtime_ownership_lock],
})

const TITLES_MAX = 50

function intakeOf(context: Context, places: Places): DetailOutput['mailbox_task_intake'] {
  const tasks = incoming(context.files, places).flatMap(({ envelope }) =>
    envelope?.command === 'add_task' ? [envelope] : [],
  )
  const times = tasks.map(({ issued_at }) => issued_at).sort()
  const [oldest] = times
  if (oldest === undefined) return null
  return {
    buffered_count: tasks.length,
    oldest_issued_at: oldest,
    newest_issued_at: times.at(-1)!,
    task_titles: tasks.flatMap(({ payload }) => titleIn(payload) ?? []).slice(0, TITLES_MAX),
    issuers: [...new Set(tasks.map(({ issuer }) => issuer))].sort(),
  }
}

function titleIn({ document, text }: Record<string, unknown>): string | null {
  const title = (document as { title?: unknown } | undefined)?.title
  if (typeof title === 'string') return title
  return typeof text === 'string' ? (/^\uFEFF?#\s+([^\r\n]+)/.exec(text)?.[1]?.trim() ?? null) : null
}

function assetsOf(plan: Plan | null, status: StatusOutput): DetailOutput['assets'] {
  const of = (...families: string[]) =>
    (plan?.resolved_assets ?? [])
      .filter(({ asset_family }) => families.includes(asset_family))
      .map(({ path, source, content_sha256 }) => ({ path, source, sha256: content_sha256 }))
  return {
    bundle_version: status.baseline_seed_package_version,
    stage_prompts: of('entrypoint'),
    skills: of('skill'),
    definitions: of('mode', 'graph_loop', 'stage_kind'),
  }
}

function researchOf(places: Places, view: View, status: StatusOutput): DetailOutput['research'] {
  const kinds = kindsByPlane(view.plan).find(([plane]) => plane === PLANNING)?.[1] ?? []
  const run = view.snapshot.active_runs.find(({ plane }) => plane === PLANNING)
  return {
    status: status[`${PLANNING}_status_marker`] ?? null,
    queue_families: kinds.map((kind) => {
      const [first] = view.items.inState(kind, 'queued')
      return {
        family: kind,
        ready: first !== undefined,
        item_count: view.items.count(kind, 'queued'),
        queue_path: places.at(itemFolder(kind, 'queued')),
        first_item: first?.id ?? null,
      }
    }),
    active_item:
      run === undefined
        ? null
        : `${run.work_item_kind ?? 'closure'} ${run.work_item_id ?? run.closure_target_root_spec_id}`,
    closure: view.targets.filter((target) => target.closure_open).map((target) => target.root_spec_id),
  }
}

function activeTask(view: View): ItemEntry | null {
  const run = view.snapshot.active_runs.find(({ work_item_kind }) => work_item_kind === 'task')
  return run?.work_item_id ? (view.items.find('task', run.work_item_id)[0] ?? null) : null
}

function nextTask(view: View): ItemEntry | null {
  for (const item of view.items.queued('task'))
    if (waitsFor(item, view).length === 0 && deferredBy(item, view) === null) return item
  return null
}

function taskOf(view: View, item: ItemEntry | null): DetailOutput['active_task'] {
  if (item === null) return null
  const text = view.read(item.kind as ItemKind, item.id, item.state)?.text
  const parsed = text === undefined ? null : parseDocument('task', text)
  const spec = parsed?.ok ? parsed.document.fields.spec_id : null
  return { task_id: item.id, title: item.title, spec_id: typeof spec === 'string' && spec !== '' ? spec : null }
}
