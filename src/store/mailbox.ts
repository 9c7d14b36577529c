/** The mailbox: the one way in. Commands are files, posted durably, carried out once and archived (design §5). */
import * as path from 'node:path'
import type { Clock } from '../core/clock.ts'
import { MillraceError } from '../core/errors.ts'
import { jsonText } from '../core/json.ts'
import { anything, mapOf, maybe, record, text } from '../core/shape.ts'
import { type FileStat, type Files, utf8 } from './files.ts'
import { decodeRecord } from './journal.ts'
import { AT, type Places } from './layout.ts'
import { pendingRecord } from './pending.ts'

export const COMMAND_BYTES_MAX = 2 * 1024 * 1024

export interface Envelope {
  schema_version: '1.0'
  kind: 'mailbox_command'
  command_id: string
  command: string
  issued_at: string
  issuer: string
  payload: Record<string, unknown>
  /** Only for the state of that id (core/state-id.ts). */
  if_state?: string
}

/** A file of the incoming folder; `envelope` is null with the reason if it cannot be understood. */
export type Incoming = { file: string; envelope: Envelope } | { file: string; envelope: null; error: string }

export interface Archived {
  disposition: 'processed' | 'failed'
  result: Record<string, unknown>
  error: string | null
}

/** Posts a command durably and gives its id. */
export async function post(
  files: Files,
  places: Places,
  clock: Clock,
  command: string,
  payload: Record<string, unknown>,
  issuer: string,
  ifState: string | null = null,
): Promise<string> {
  const now = clock.now()
  const command_id = `${command}-${now.getTime()}-${clock.hex(8)}`
  const envelope: Envelope = {
    schema_version: '1.0',
    kind: 'mailbox_command',
    command_id,
    command,
    issued_at: now.toISOString(),
    issuer,
    payload,
    ...(ifState === null ? {} : { if_state: ifState }),
  }
  const content = jsonText(envelope)
  if (Buffer.byteLength(content) > COMMAND_BYTES_MAX) {
    const what = `The command would be larger than ${COMMAND_BYTES_MAX} bytes.`
    throw new MillraceError('document_invalid', what, { hint: 'documents may have at most 1 MiB' })
  }
  const folder = places.at(AT.incoming)
  const target = path.join(folder, `${command_id}.json`)
  const temporary = path.join(folder, `.${command_id}.tmp`)
  const written = [temporary]
  try {
    files.write(temporary, content)
    await files.flush([temporary])
    files.link(temporary, target)
    written.push(target)
    files.unlink(temporary)
    await files.flush([folder])
  } catch (error) {
    // Reported as not posted, so it must not be found there later.
    for (const file of written) removeQuietly(files, file)
    throw error
  }
  return command_id
}

/** Archiving a file takes reading it. */
const ARCHIVED_BYTES_MAX = 256 * 1024 * 1024

/** A file that cannot be understood counts as being written until it has rested this long. */
const UNREADABLE_AFTER_MS = 2000

/**
 * What waits, oldest first. Unreadable files are among it, so that they can be archived as failed, but not before they
 * have rested at `now` (milliseconds since the epoch). A folder, a link to nowhere or a file too large to be read can't be
 * archived: it is passed over.
 */
export function incoming(files: Files, places: Places, now = Number.POSITIVE_INFINITY): Incoming[] {
  const names = files.list(places.at(AT.incoming)) ?? []
  const found = names
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .flatMap((file) => {
      const stat = files.stat(places.at(`${AT.incoming}/${file}`))
      if (stat === null || !isReadable(files, places.at(`${AT.incoming}/${file}`), stat)) return []
      if (stat.bytes > ARCHIVED_BYTES_MAX) return []
      const one = readEnvelope(files, places, file, stat)
      if (one === null || (one.envelope === null && Math.abs(now - stat.mtimeMs) < UNREADABLE_AFTER_MS)) return []
      return { one, at: one.envelope?.issued_at ?? '', mtimeNs: stat.mtimeNs }
    })
  return found
    .sort((a, b) => compare(a.at, b.at) || compare(a.mtimeNs, b.mtimeNs) || compare(a.one.file, b.one.file))
    .map(({ one }) => one)
}

function isReadable(files: Files, at: string, stat: FileStat): boolean {
  const real = stat.kind === 'link' ? files.realpath(at) : null
  return stat.kind === 'file' || (real !== null && files.stat(real)?.kind === 'file')
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Names travel into events and errors. */
const NAME_CHARS_MAX = 200
const isName = (value: unknown): value is string => typeof value === 'string' && value.length <= NAME_CHARS_MAX
/** Metadata of a document may have half as many. What writes JSON goes down level by level, and has only so much stack. */
const PAYLOAD_DEPTH_MAX = 64

function isNestedBeyond(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((member) => isNestedBeyond(member, levels - 1))
}

/** Null if the file has gone since it was listed. */
function readEnvelope(files: Files, places: Places, file: string, stat: FileStat): Incoming | null {
  const bad = (error: string): Incoming => ({ file, envelope: null, error })
  if (stat.kind !== 'file') return bad('is not a plain file')
  if (stat.bytes > COMMAND_BYTES_MAX) return bad(`is larger than ${COMMAND_BYTES_MAX} bytes`)
  const bytes = files.read(places.at(`${AT.incoming}/${file}`))
  if (bytes === null) return null
  let json: Partial<Envelope> | null
  try {
    json = JSON.parse(utf8.decode(bytes)) as Partial<Envelope> | null
  } catch (error) {
    return bad(`is not valid JSON: ${(error as Error).message}`)
  }
  if (json?.kind !== 'mailbox_command' || !isName(json.command) || !isName(json.command_id)) {
    return bad('is not a mailbox command: kind, command and command_id are needed')
  }
  const payload = json.payload ?? {}
  if (typeof payload !== 'object' || Array.isArray(payload)) return bad('payload is not an object')
  if (isNestedBeyond(payload, PAYLOAD_DEPTH_MAX)) return bad(`is nested more than ${PAYLOAD_DEPTH_MAX} levels deep`)
  const issued_at = isName(json.issued_at) ? json.issued_at : ''
  const issuer = isName(json.issuer) ? json.issuer : 'operator'
  const { command_id, command, if_state } = json
  // One that nobody can have seen must not be taken for none.
  if (if_state !== undefined && !isName(if_state)) return bad('if_state is no id of a state')
  const envelope: Envelope = {
    schema_version: '1.0',
    kind: 'mailbox_command',
    command_id,
    command,
    issued_at,
    issuer,
    payload,
    ...(if_state === undefined ? {} : { if_state }),
  }
  return { file, envelope }
}

/** True if a file of that name was carried out before: an archived command is never carried out again. */
export function isArchived(files: Files, places: Places, file: string): boolean {
  return (
    files.stat(places.at(`${AT.processed}/${file}`)) !== null || files.stat(places.at(`${AT.failed}/${file}`)) !== null
  )
}

/** What became of a command; null while it waits. */
export function archived(files: Files, places: Places, commandId: string): Archived | null {
  for (const [folder, disposition] of [
    [AT.processed, 'processed'],
    [AT.failed, 'failed'],
  ] as const) {
    const bytes = files.read(places.at(`${folder}/${commandId}.json`))
    if (bytes === null) continue
    const archive = archiveIn(bytes)
    if (archive === null) return { disposition, result: {}, error: `The archive of ${commandId} cannot be read.` }
    return { disposition, result: archive.result ?? {}, error: archive.error ?? null }
  }
  return null
}

const isArchive = record({ result: maybe(mapOf(anything)), error: maybe(text) })

function archiveIn(bytes: Uint8Array) {
  try {
    const archive: unknown = JSON.parse(utf8.decode(bytes))
    return isArchive(archive) ? archive : null
  } catch {
    return null
  }
}

/**
 * Takes a posted command back. True: nobody has carried it out, and nobody will. False: it is gone already, or a
 * transaction that carries it out is just being made; then its archive tells (see `checkNotWithdrawn` in journal.ts).
 */
export async function withdraw(files: Files, places: Places, commandId: string): Promise<boolean> {
  const file = `${AT.incoming}/${commandId}.json`
  try {
    files.unlink(places.at(file))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  const bytes = pendingRecord(files, places)?.bytes ?? null
  const pending = bytes === null ? null : decodeRecord(bytes)
  const isTaken = pending?.operations.some((operation) => operation.op === 'remove' && operation.path === file) ?? false
  await files.flush([places.at(AT.incoming)])
  return !isTaken && !isArchived(files, places, `${commandId}.json`)
}

function removeQuietly(files: Files, file: string): void {
  try {
    files.unlink(file)
  } catch {
    // Not there, or the disk refuses everything: what is thrown already says so.
  }
}
