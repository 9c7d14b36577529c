/**
 * One consistent look at the files of a workspace, without a lock, an index or a schema library: what quick readers such
 * as `status` start from. The full reader with documents and their index is in workspace.ts.
 */
import { MillraceError } from '../core/errors.ts'
import { type Files, readText } from './files.ts'
import { decodeRecord } from './journal.ts'
import { AT, type Places } from './layout.ts'
import { overlay } from './overlay.ts'
import { pendingRecord } from './pending.ts'

/** A reader that keeps meeting a writer gives up after this many tries. */
const READ_ATTEMPTS_MAX = 50

/** The journal file as it lies there, between the durable point of a transaction and its retirement. */
export interface PendingRecord {
  /** Null for a torn record: that transaction never happened. */
  revision: number | null
  operations: number
  /** When the record was written, ISO time. */
  since: string
}

/** A transaction takes milliseconds; one that a living runtime still has not applied after this is stuck on its disk. */
const STUCK_AFTER_MS = 2000

export const isStuck = (pending: PendingRecord | null, now: Date): boolean =>
  pending !== null && pending.revision !== null && now.getTime() - Date.parse(pending.since) > STUCK_AFTER_MS

/**
 * Hands `read` the files as of one transaction: a whole pending record is laid over them. Runs it again if a writer was
 * at work meanwhile. Throws `conflict` if that never ends.
 */
export function readConsistently<T>(
  files: Files,
  places: Places,
  read: (files: Files, pending: PendingRecord | null) => T,
): T {
  for (let attempt = 1; attempt <= READ_ATTEMPTS_MAX; attempt++) {
    const before = look(files, places)
    const record = before.journal === null ? null : decodeRecord(before.journal)
    const laid = record !== null && record.revision >= (before.revision ?? 0) ? record : null
    const pending = before.journal === null ? null : pendingOf(files, places, record)
    const isStill = () => holds(before, laid?.revision ?? null, look(files, places))
    let value: T
    try {
      value = read(laid === null ? files : overlay(files, places.runtime, laid), pending)
    } catch (error) {
      if (attempt < READ_ATTEMPTS_MAX && !isStill()) continue
      throw error
    }
    if (isStill()) return value
  }
  throw new MillraceError('conflict', 'The workspace kept changing while it was read.', {
    hint: 'run the command again',
  })
}

interface Look {
  journal: Uint8Array | null
  revision: number | null
}

function look(files: Files, places: Places): Look {
  return { journal: pendingRecord(files, places)?.bytes ?? null, revision: revisionOf(files, places) }
}

/**
 * Whether what was read between two looks is one state. With a record laid over it (`laidRevision`), how far that record
 * has been applied makes no difference, nor that it was retired meanwhile; only the next one must not have begun.
 */
function holds(before: Look, laidRevision: number | null, after: Look): boolean {
  if (after.journal === null) {
    if (laidRevision !== null) return after.revision === laidRevision
    return before.journal === null && after.revision === before.revision
  }
  if (before.journal === null || !Buffer.from(before.journal).equals(after.journal)) return false
  return laidRevision !== null || before.revision === after.revision
}

function revisionOf(files: Files, places: Places): number | null {
  try {
    const snapshot = JSON.parse(readText(files, places.at(AT.snapshot)) ?? 'null') as { revision?: unknown } | null
    return typeof snapshot?.revision === 'number' ? snapshot.revision : null
  } catch {
    return null
  }
}

function pendingOf(files: Files, places: Places, record: ReturnType<typeof decodeRecord>): PendingRecord {
  const file = pendingRecord(files, places)?.file
  const since = new Date((file === undefined ? null : files.stat(places.at(file)))?.mtimeMs ?? 0).toISOString()
  return { revision: record?.revision ?? null, operations: record?.operations.length ?? 0, since }
}
