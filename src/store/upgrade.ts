/**
 * Formats of state files: each document carries its version and a pure upgrade from the one before. A newer one than
 * this program knows is refused. (Adopting a workspace of the Python reference is a verb of its own.)
 */
import { MillraceError } from '../core/errors.ts'

type Upgrade = (document: Record<string, unknown>) => Record<string, unknown>

/** By kind: the version in force, and how to come from an older one to the next. */
const FORMATS: Record<string, { version: string; from: Record<string, Upgrade> }> = {
  runtime_snapshot: { version: '2.0', from: {} },
  recovery_counters: { version: '2.0', from: {} },
  closure_target_state: { version: '2.0', from: {} },
}

const UPGRADES_MAX = 20

/** The document in the format in force; null for null. Throws `state_newer` or `state_corrupt`. */
export function upgradeState<T>(kind: string, value: unknown): T | null {
  if (value === null) return null
  const format = FORMATS[kind]!
  let document = value as Record<string, unknown>
  if (typeof document !== 'object' || Array.isArray(document) || document['kind'] !== kind) {
    throw new MillraceError('state_corrupt', `A ${kind} file does not hold one.`, { hint: 'restore it from a backup, or move it away' })
  }
  for (let step = 0; step < UPGRADES_MAX && document['schema_version'] !== format.version; step++) {
    const upgrade = format.from[String(document['schema_version'])]
    if (!upgrade) {
      const newer = Number.parseFloat(String(document['schema_version'])) > Number.parseFloat(format.version)
      throw newer
        ? new MillraceError('state_newer', `The ${kind} file has format ${String(document['schema_version'])}; this version of Millrace knows ${format.version}.`, { hint: 'use the newer Millrace that wrote it' })
        : new MillraceError('workspace_unsupported', `The ${kind} file has format ${String(document['schema_version'])}, written by another runtime.`, { hint: 'work on a copy, or start a new workspace' })
    }
    document = upgrade(document)
  }
  return document as T
}
