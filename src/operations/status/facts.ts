/** What status reads: the state files, the queues by listing, and the headings of active items. Nothing loads schemas. */
import { MillraceError } from '../../core/errors.ts'
import type { RuntimeEvent } from '../../core/events.ts'
import type { Files } from '../../core/files.ts'
import { ITEM_KINDS, type ItemKind, type ItemState } from '../../core/item.ts'
import { parseJson } from '../../core/json.ts'
import type { Plan } from '../../core/plan.ts'
import {
  amount,
  anything,
  flag,
  integer,
  listOf,
  mapOf,
  maybe,
  oneOf,
  orNull,
  record,
  type Shape,
  text,
} from '../../core/shape.ts'
import type { ActiveRun, ClosureTarget, Counters, Snapshot } from '../../core/state.ts'
import type { PendingRecord } from '../../store/consistent.ts'
import { tailEvents } from '../../store/event-log.ts'
import { readText } from '../../store/files.ts'
import { AT, itemFile, itemFolder, type Places } from '../../store/layout.ts'
import { STOP_FILES, stopFilesIn } from '../../store/stop-files.ts'
import type { KindDepth } from '../schemas/status.ts'

export interface Facts {
  pending: PendingRecord | null
  snapshot: Snapshot
  counters: Counters | null
  targets: ClosureTarget[]
  plan: Plan | null
  baseline: { manifest_id?: string | null | undefined; seed_package_version?: string | null | undefined } | null
  depths: Record<ItemKind, KindDepth>
  mailboxWaiting: number
  titles: Map<string, string | null>
  /** Stop files that lie there, relative to the workspace. */
  stopFiles: string[]
  lastEvent: RuntimeEvent | null
}

/** Takes a parsed state file for what it should be, or throws. */
export type Accept = <T>(kind: string, value: unknown) => T | null

const pause = record({ source: text, reason: text, since: text, until: orNull(text) })
const wait = record({
  runner_name: text,
  model_name: orNull(text),
  cause: text,
  reason: text,
  since: text,
  until: text,
})
const blocker = record({
  source: oneOf('runtime_token', 'subscription_quota'),
  rule_id: text,
  window: text,
  metric: orNull(text),
  observed: amount,
  threshold: amount,
  next_auto_resume_at: orNull(text),
})
const subscription = record({
  provider: text,
  state: oneOf('unknown', 'healthy', 'degraded'),
  detail: orNull(text),
  last_refreshed_at: orNull(text),
  windows: mapOf(record({ percent_used: amount, resets_at: orNull(text), read_at: text })),
})
const run = record({
  run_id: text,
  plane: text,
  node_id: text,
  stage_kind_id: text,
  request_kind: oneOf('active_work_item', 'closure_target'),
  work_item_kind: orNull(oneOf(...ITEM_KINDS)),
  work_item_id: orNull(text),
  closure_target_root_spec_id: orNull(text),
  status: oneOf('ready', 'started', 'held', 'awaiting_approval'),
  approval: maybe(record({ approval_id: text })),
  request_id: orNull(text),
  active_since: text,
  stage_since: text,
  stage_runs: integer,
  failure_class: orNull(text),
  previous_attempt: orNull(record({ reason: text })),
  not_before: orNull(text),
  held: orNull(record({ reason: text, since: text })),
  cancel_requested: orNull(record({ reason: text })),
})
const result = record({
  terminal_result: text,
  result_class: text,
  run_id: text,
  stage_result_path: text,
  failure_class: orNull(text),
})

/** What is looked into here and by the callers, by kind of document. */
const LOOKED_INTO: Readonly<Record<string, Shape<unknown>>> = {
  runtime_snapshot: record({
    revision: integer,
    runtime_mode: oneOf('once', 'daemon'),
    process_running: flag,
    pause_sources: listOf(pause),
    runner_waits: listOf(wait),
    usage_governance: maybe(record({ blockers: listOf(blocker), subscription: maybe(subscription) })),
    stop_requested: orNull(record({ drain: flag })),
    active_mode_id: text,
    compiled_plan_id: text,
    config_version: text,
    active_runs: listOf(run),
    status_markers_by_plane: mapOf(text),
    last_results_by_plane: mapOf(result),
    failure_class_by_plane: mapOf(text),
    last_reload_outcome: orNull(oneOf('applied', 'failed_retained_previous_plan')),
    last_reload_error: orNull(text),
    pending_restart: maybe(listOf(text)),
    watcher_mode: oneOf('watch', 'poll', 'off'),
    announced: mapOf(text),
    updated_at: text,
  }),
  recovery_counters: record({
    entries: listOf(record({ work_item_kind: text, work_item_id: text, counter_name: text, count: integer })),
  }),
  closure_target_state: record({
    root_spec_id: text,
    latest_verdict_path: orNull(text),
    latest_report_path: orNull(text),
    closure_open: flag,
    blocking_work_ids: listOf(text),
    opened_at: text,
    rounds: integer,
    held: orNull(record({ reason: text, retry_at: orNull(text) })),
  }),
}

const isPlan = record({
  schema_version: oneOf('2.0'),
  kind: oneOf('compiled_run_plan'),
  mode_id: text,
  graphs_by_plane: mapOf(anything),
  claim_order: record({ planes: listOf(record({ plane: text, kinds: listOf(text) })) }),
  compile_input_fingerprint: record({ mode_id: text, config_fingerprint: text, assets_fingerprint: text }),
  resolved_assets: listOf(record({ path: text, content_sha256: text })),
})

const isBaseline = record({ manifest_id: maybe(text), seed_package_version: maybe(text) })

/**
 * The quick way to accept: documents of the format in force with all that is looked into. Throws for anything else, which
 * the upgrade of store/state-format.ts, with its schemas, is to judge.
 */
export const acceptCurrent: Accept = <T>(kind: string, value: unknown): T | null => {
  const document = value as Record<string, unknown> | null
  if (document === null) return null
  if (document.kind === kind && document.schema_version === '2.0' && LOOKED_INTO[kind]!(document)) return document as T
  throw corrupt(`state (${kind})`, 'is not of the format in force')
}

export function readFacts(files: Files, places: Places, pending: PendingRecord | null, accept: Accept): Facts {
  const snapshot = accept<Snapshot>('runtime_snapshot', readJson(files, places, AT.snapshot))
  if (snapshot === null) throw corrupt(AT.snapshot, 'is gone')
  const targets = names(files, places.at(AT.targets), '.json').flatMap(
    (name) => accept<ClosureTarget>('closure_target_state', readJson(files, places, `${AT.targets}/${name}`)) ?? [],
  )
  return {
    pending,
    snapshot,
    counters: accept<Counters>('recovery_counters', readJson(files, places, AT.counters)),
    targets,
    plan: readPlan(files, places),
    baseline: readLeniently(files, places, AT.baseline, isBaseline),
    depths: Object.fromEntries(ITEM_KINDS.map((kind) => [kind, depthOf(files, places, kind)])) as Facts['depths'],
    mailboxWaiting: names(files, places.at(AT.incoming), '.json').length,
    titles: new Map(snapshot.active_runs.map((run) => [run.run_id, titleOf(files, places, run)])),
    stopFiles: stopFilesIn(files, places).map((which) => STOP_FILES[which]),
    lastEvent: tailEvents(files, places, 1).events.at(-1) ?? null,
  }
}

const names = (files: Files, folder: string, suffix: string): string[] =>
  (files.list(folder) ?? []).filter((name) => name.endsWith(suffix) && !name.startsWith('.'))

function depthOf(files: Files, places: Places, kind: ItemKind): KindDepth {
  const count = (state: ItemState) => names(files, places.at(itemFolder(kind, state)), '.md').length
  return { queued: count('queued'), active: count('active'), blocked: count('blocked'), done: count('done') }
}

const corrupt = (file: string, what: string): MillraceError =>
  new MillraceError('state_corrupt', `millrace-agents/${file} ${what}.`, {
    hint: 'restore the file from a backup; `millrace doctor` says what else is wrong',
  })

function readJson(files: Files, places: Places, file: string): unknown {
  try {
    return parseJson(readText(files, places.at(file)) ?? 'null')
  } catch (error) {
    throw corrupt(file, `is not valid JSON: ${(error as Error).message}`)
  }
}

/** For records that only inform: unreadable counts as absent. */
function readLeniently<T>(files: Files, places: Places, file: string, shape: Shape<T>): T | null {
  try {
    const value: unknown = parseJson(readText(files, places.at(file)) ?? 'null')
    return shape(value) ? value : null
  } catch {
    return null
  }
}

const readPlan = (files: Files, places: Places): Plan | null =>
  readLeniently(files, places, AT.plan, isPlan) as unknown as Plan | null

const TITLE_BYTES_MAX = 1024

/** Heading of an active item's document; null for closure runs and unreadable documents. */
function titleOf(files: Files, places: Places, run: ActiveRun): string | null {
  if (run.work_item_kind === null || run.work_item_id === null) return null
  const file = places.at(itemFile(run.work_item_kind as ItemKind, run.work_item_id, 'active'))
  const head = Buffer.from(files.readRange(file, 0, TITLE_BYTES_MAX) ?? new Uint8Array()).toString('utf8')
  return /^\uFEFF?#\s+([^\r\n]+)/.exec(head)?.[1]?.trim() ?? null
}
