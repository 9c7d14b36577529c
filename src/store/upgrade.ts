/**
 * Formats of state files: each document carries its version and a pure upgrade from the one before. A newer one than
 * this program knows is refused. (Adopting a workspace of the Python reference is a verb of its own.)
 */
import { MillraceError } from '../core/errors.ts'
import { type ClosureTarget, newCounters, newSnapshot } from '../core/state.ts'
import { AT } from './layout.ts'

type Upgrade = (document: Record<string, unknown>) => Record<string, unknown>

interface Format {
  /** Where such documents lie, relative to the runtime root. */
  file: string
  version: string
  /** How to come from an older version to the next. */
  from: Record<string, Upgrade>
  /** A document of the version in force; null in it where there may be more than one type of value. */
  sample: object
}

const CLOSURE_TARGET: ClosureTarget = {
  schema_version: '2.0',
  kind: 'closure_target_state',
  root_spec_id: '',
  root_idea_id: '',
  root_spec_path: '',
  root_idea_path: '',
  rubric_path: '',
  latest_verdict_path: null,
  latest_report_path: null,
  closure_open: true,
  blocking_work_ids: [],
  opened_at: '',
  closed_at: null,
  last_arbiter_run_id: null,
  rounds: 0,
  finished_items_at_last_round: null,
  held: null,
}

const FORMATS: Record<string, Format> = {
  runtime_snapshot: { file: AT.snapshot, version: '2.0', from: {}, sample: newSnapshot('') },
  recovery_counters: { file: AT.counters, version: '2.0', from: {}, sample: newCounters() },
  closure_target_state: { file: `${AT.targets}/*.json`, version: '2.0', from: {}, sample: CLOSURE_TARGET },
}

const UPGRADES_MAX = 20

/**
 * The document in the format in force; null for null. Throws `state_newer`, `workspace_unsupported` (a format of another
 * runtime) or `state_corrupt` (no such document, or a member of it is missing or of the wrong type).
 */
export function upgradeState<T>(kind: string, value: unknown): T | null {
  if (value === null) return null
  const { file, version, from, sample } = FORMATS[kind]!
  let document = value as Record<string, unknown>
  if (typeof document !== 'object' || Array.isArray(document) || document.kind !== kind) {
    throw corrupt(file, `does not hold a ${kind}`)
  }
  for (let step = 0; step < UPGRADES_MAX && document.schema_version !== version; step++) {
    const upgrade = from[String(document.schema_version)]
    if (!upgrade) throw unknownFormat(file, String(document.schema_version), version)
    document = upgrade(document)
  }
  const wrong = Object.entries(sample).find(([key, example]) => !isLike(document[key], example))
  if (wrong) throw corrupt(file, `lacks ${wrong[0]}, or has something else there`)
  return document as T
}

function isLike(value: unknown, example: unknown): boolean {
  if (value === undefined || example === null) return value !== undefined
  return value !== null && typeof value === typeof example && Array.isArray(value) === Array.isArray(example)
}

function corrupt(file: string, what: string): MillraceError {
  return new MillraceError('state_corrupt', `millrace-agents/${file} ${what}.`, {
    hint: 'restore the file from a backup, or move it away',
  })
}

function unknownFormat(file: string, found: string, known: string): MillraceError {
  const newer = Number.parseFloat(found) > Number.parseFloat(known)
  if (!newer) {
    const what = `millrace-agents/${file} has format ${found}, written by another runtime.`
    return new MillraceError('workspace_unsupported', what, { hint: 'work on a copy, or start a new workspace' })
  }
  const what = `millrace-agents/${file} has format ${found}; this version of Millrace knows ${known}.`
  return new MillraceError('state_newer', what, { hint: 'use the newer Millrace that wrote it' })
}
