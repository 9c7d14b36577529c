/** What status reads: the state files, the queues by listing, and the headings of active items. Nothing loads schemas. */
import { MillraceError } from '../core/errors.ts'
import type { RuntimeEvent } from '../core/events.ts'
import type { Files } from '../core/files.ts'
import { ITEM_KINDS, type ItemKind, type ItemState } from '../core/item.ts'
import type { Plan } from '../core/plan.ts'
import type { ActiveRun, ClosureTarget, Counters, Snapshot } from '../core/state.ts'
import type { PendingRecord } from '../store/consistent.ts'
import { tailEvents } from '../store/event-log.ts'
import { readText } from '../store/files.ts'
import { AT, itemFile, itemFolder, type Places } from '../store/layout.ts'
import type { KindDepth } from './schemas/status.ts'

export interface Facts {
  pending: PendingRecord | null
  snapshot: Snapshot
  counters: Counters | null
  targets: ClosureTarget[]
  plan: Plan | null
  baseline: { manifest_id?: string; seed_package_version?: string } | null
  depths: Record<ItemKind, KindDepth>
  mailboxWaiting: number
  titles: Map<string, string | null>
  lastEvent: RuntimeEvent | null
}

/** Takes a parsed state file for what it should be, or throws. */
export type Accept = <T>(kind: string, value: unknown) => T | null

/** Members this module and its callers look into, by kind of document. */
const LOOKED_INTO: Readonly<Record<string, readonly string[]>> = {
  runtime_snapshot: [
    'active_runs',
    'pause_sources',
    'announced',
    'status_markers_by_plane',
    'last_results_by_plane',
    'failure_class_by_plane',
  ],
  recovery_counters: ['entries'],
  closure_target_state: ['root_spec_id', 'blocking_work_ids', 'closure_open'],
}

/**
 * The quick way to accept: documents of the format in force with all that is looked into. Throws for anything else, which
 * the upgrade of store/upgrade.ts, with its schemas, is to judge.
 */
export const acceptCurrent: Accept = <T>(kind: string, value: unknown): T | null => {
  const document = value as Record<string, unknown> | null
  if (document === null) return null
  const isWhole = LOOKED_INTO[kind]!.every((member) => document[member] !== null && document[member] !== undefined)
  if (document.kind === kind && document.schema_version === '2.0' && isWhole) return document as T
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
    baseline: readLeniently<{ manifest_id?: string; seed_package_version?: string }>(files, places, AT.baseline),
    depths: Object.fromEntries(ITEM_KINDS.map((kind) => [kind, depthOf(files, places, kind)])) as Facts['depths'],
    mailboxWaiting: names(files, places.at(AT.incoming), '.json').length,
    titles: new Map(snapshot.active_runs.map((run) => [run.run_id, titleOf(files, places, run)])),
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
    return JSON.parse(readText(files, places.at(file)) ?? 'null')
  } catch (error) {
    throw corrupt(file, `is not valid JSON: ${(error as Error).message}`)
  }
}

/** For records that only inform: unreadable counts as absent. */
function readLeniently<T>(files: Files, places: Places, file: string): T | null {
  try {
    return JSON.parse(readText(files, places.at(file)) ?? 'null') as T | null
  } catch {
    return null
  }
}

function readPlan(files: Files, places: Places): Plan | null {
  const plan = readLeniently<Plan>(files, places, AT.plan)
  return plan?.schema_version === '2.0' && plan.kind === 'compiled_run_plan' ? plan : null
}

const TITLE_BYTES_MAX = 1024

/** Heading of an active item's document; null for closure runs and unreadable documents. */
function titleOf(files: Files, places: Places, run: ActiveRun): string | null {
  if (run.work_item_kind === null || run.work_item_id === null) return null
  const file = places.at(itemFile(run.work_item_kind as ItemKind, run.work_item_id, 'active'))
  const head = Buffer.from(files.readRange(file, 0, TITLE_BYTES_MAX) ?? new Uint8Array()).toString('utf8')
  return /^\uFEFF?#\s+([^\r\n]+)/.exec(head)?.[1]?.trim() ?? null
}
