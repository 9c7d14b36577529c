/**
 * Formats of state files: each document carries its version and a pure upgrade from the one before. A newer one than
 * this program knows is refused. (Adopting a workspace of the Python reference is a verb of its own.)
 */
import * as path from 'node:path'
import type * as z from 'zod'
import { clip, issuesText } from '../core/clip.ts'
import { MillraceError } from '../core/errors.ts'
import { canonicalJson } from '../core/ids.ts'
import { parseJson } from '../core/json.ts'
import { QueueOrder } from '../core/queue-order.ts'
import { ClosureTarget, Counters, Snapshot } from '../core/state.ts'
import { type Files, readText } from './files.ts'
import { AT, type Places } from './layout.ts'
import { pendingRecord } from './pending.ts'

type Upgrade = (document: Record<string, unknown>) => Record<string, unknown>

interface Format {
  /** Where such documents lie, relative to the runtime root. */
  file: string
  version: string
  /** How to come from an older version to the next. */
  from: Record<string, Upgrade>
  /** Members that documents of the version in force did not always have, as those without them mean it. */
  added: Record<string, unknown>
  /** What a document of the version in force holds. */
  schema: z.ZodType
}

const FORMATS: Record<string, Format> = {
  runtime_snapshot: { file: AT.snapshot, version: '2.0', from: {}, added: { runner_waits: [] }, schema: Snapshot },
  recovery_counters: { file: AT.counters, version: '2.0', from: {}, added: {}, schema: Counters },
  queue_order: { file: AT.order, version: '1.0', from: {}, added: {}, schema: QueueOrder },
  closure_target_state: { file: `${AT.targets}/*.json`, version: '2.0', from: {}, added: {}, schema: ClosureTarget },
}

/** A state file and what upgrading its format comes to. */
export interface FormatStep {
  kind: string
  /** Relative to the runtime root. */
  file: string
  /** In the format in force. */
  document: unknown
  isChanged: boolean
}

/** Every state file there is, as `upgradeState` makes it. Throws as it does, and for a file that holds no JSON. */
export function formatSteps(files: Files, places: Places): FormatStep[] {
  return Object.entries(FORMATS).flatMap(([kind, { file }]) =>
    filesOf(files, places, file).flatMap((found) => {
      if (files.stat(places.at(found)) === null) return []
      let value: unknown
      try {
        value = parseJson(readText(files, places.at(found)) ?? 'null')
      } catch {
        throw corrupt(found, 'does not hold JSON')
      }
      const document = upgradeState(kind, value)
      return [{ kind, file: found, document, isChanged: canonicalJson(document) !== canonicalJson(value) }]
    }),
  )
}

function filesOf(files: Files, places: Places, file: string): string[] {
  if (!file.endsWith('/*.json')) return [file]
  const folder = path.dirname(file)
  return (files.list(places.at(folder)) ?? [])
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .sort()
    .map((name) => `${folder}/${name}`)
}

const UPGRADES_MAX = 20
/** Enough to see what is wrong; doctor tells them all. */
const ISSUES_TOLD_MAX = 3

/**
 * The document in the format in force; null for null. Throws `state_newer`, `workspace_unsupported` (a format of another
 * runtime) or `state_corrupt` (no such document, or a member of it is missing or of the wrong type). Members that this
 * version does not know are left as they are.
 */
export function upgradeState<T>(kind: string, value: unknown): T | null {
  if (value === null) return null
  const { file, version, from, added, schema } = FORMATS[kind]!
  let document = value as Record<string, unknown>
  if (typeof document !== 'object' || Array.isArray(document) || document.kind !== kind) {
    throw corrupt(file, `does not hold a ${kind}`)
  }
  for (let step = 0; step < UPGRADES_MAX && document.schema_version !== version; step++) {
    const found = String(document.schema_version)
    if (!Object.hasOwn(from, found)) throw unknownFormat(file, found, version)
    document = from[found]!(document)
  }
  document = { ...added, ...document }
  const issues = schema.safeParse(document).error?.issues.filter((issue) => issue.code !== 'unrecognized_keys') ?? []
  if (issues.length > 0) throw corrupt(file, `is not what it should be: ${issuesText(issues, ISSUES_TOLD_MAX)}`)
  return document as T
}

/**
 * Throws as `upgradeState` does for the workspace of another runtime, or of a newer version: before a lock is looked at
 * or anything is made. What cannot be read at all is told by whoever needs it.
 */
export function requireKnownFormat(files: Files, places: Places): void {
  // A transaction that is pending may be the very one that puts it into the format in force.
  if (pendingRecord(files, places) !== null) return
  let version: unknown
  try {
    version = (JSON.parse(readText(files, places.at(AT.snapshot)) ?? 'null') as { schema_version?: unknown } | null)
      ?.schema_version
  } catch {
    return
  }
  const { file, version: known, from } = FORMATS.runtime_snapshot!
  if (typeof version === 'string' && version !== known && !Object.hasOwn(from, version))
    throw unknownFormat(file, version, known)
}

function corrupt(file: string, what: string): MillraceError {
  return new MillraceError('state_corrupt', `millrace-agents/${file} ${what}.`, {
    hint: 'restore the file from a backup, or move it away',
  })
}

function unknownFormat(file: string, found: string, known: string): MillraceError {
  const newer = Number.parseFloat(found) > Number.parseFloat(known)
  const format = clip(found, FORMAT_CHARS_MAX)
  if (!newer) {
    const what = `millrace-agents/${file} has format ${format}, written by another runtime.`
    return new MillraceError('workspace_unsupported', what, { hint: 'run `millrace upgrade`' })
  }
  const what = `millrace-agents/${file} has format ${format}; this version of Millrace knows ${known}.`
  return new MillraceError('state_newer', what, { hint: 'use the newer Millrace that wrote it' })
}

const FORMAT_CHARS_MAX = 40
