/** The mailbox: the one way in. Commands are files, posted durably, carried out once and archived (design §5). */
import * as path from 'node:path'
import type { Clock } from '../core/clock.ts'
import { MillraceError } from '../core/errors.ts'
import type { Files } from './files.ts'
import { readText } from './files.ts'
import { AT, type Places } from './layout.ts'

export const COMMAND_BYTES_MAX = 2 * 1024 * 1024

export interface Envelope {
  schema_version: '1.0'
  kind: 'mailbox_command'
  command_id: string
  command: string
  issued_at: string
  issuer: string
  payload: Record<string, unknown>
}

/** A file of the incoming folder; `envelope` is null with the reason if it cannot be understood. */
export type Incoming = { file: string; envelope: Envelope } | { file: string; envelope: null; error: string }

export interface Archived {
  disposition: 'processed' | 'failed'
  result: Record<string, unknown>
  error: string | null
}

/** Posts a command durably and gives its id. */
export async function post(files: Files, places: Places, clock: Clock, command: string, payload: Record<string, unknown>, issuer: string): Promise<string> {
  const now = clock.now()
  const command_id = `${command}-${now.getTime()}-${clock.hex(8)}`
  const envelope: Envelope = { schema_version: '1.0', kind: 'mailbox_command', command_id, command, issued_at: now.toISOString(), issuer, payload }
  const text = `${JSON.stringify(envelope, null, 2)}\n`
  if (Buffer.byteLength(text) > COMMAND_BYTES_MAX) throw new MillraceError('document_invalid', `The command would be larger than ${COMMAND_BYTES_MAX} bytes.`, { hint: 'documents may have at most 1 MiB' })
  const folder = places.at(AT.incoming)
  const target = path.join(folder, `${command_id}.json`)
  const temporary = path.join(folder, `.${command_id}.tmp`)
  files.write(temporary, text)
  await files.flush([temporary])
  files.link(temporary, target)
  files.unlink(temporary)
  await files.flush([folder])
  return command_id
}

/** What waits, oldest first. Unreadable files are among it, so that they can be archived as failed. */
export function incoming(files: Files, places: Places): Incoming[] {
  const names = (files.list(places.at(AT.incoming)) ?? []).filter((name) => name.endsWith('.json') && !name.startsWith('.'))
  const read = names.map((file) => readEnvelope(files, places, file))
  const order = (one: Incoming) => one.envelope?.issued_at ?? ''
  return read.sort((a, b) => (order(a) < order(b) ? -1 : order(a) > order(b) ? 1 : a.file < b.file ? -1 : 1))
}

function readEnvelope(files: Files, places: Places, file: string): Incoming {
  const bad = (error: string): Incoming => ({ file, envelope: null, error })
  const at = places.at(`${AT.incoming}/${file}`)
  const stat = files.stat(at)
  if (stat === null || stat.kind !== 'file') return bad('is not a plain file')
  if (stat.bytes > COMMAND_BYTES_MAX) return bad(`is larger than ${COMMAND_BYTES_MAX} bytes`)
  try {
    const json = JSON.parse(readText(files, at) ?? '') as Partial<Envelope>
    if (json.kind !== 'mailbox_command' || typeof json.command !== 'string' || typeof json.command_id !== 'string') return bad('is not a mailbox command: kind, command and command_id are needed')
    if (json.payload !== undefined && (json.payload === null || typeof json.payload !== 'object' || Array.isArray(json.payload))) return bad('payload is not an object')
    const issued = typeof json.issued_at === 'string' ? json.issued_at : ''
    const issuer = typeof json.issuer === 'string' ? json.issuer : 'operator'
    return { file, envelope: { schema_version: '1.0', kind: 'mailbox_command', command_id: json.command_id, command: json.command, issued_at: issued, issuer, payload: json.payload ?? {} } }
  } catch (error) {
    return bad(`is not valid JSON: ${(error as Error).message}`)
  }
}

/** True if a file of that name was carried out before: an archived command is never carried out again. */
export function isArchived(files: Files, places: Places, file: string): boolean {
  return files.stat(places.at(`${AT.processed}/${file}`)) !== null || files.stat(places.at(`${AT.failed}/${file}`)) !== null
}

/** What became of a command; null while it waits. */
export function archived(files: Files, places: Places, commandId: string): Archived | null {
  for (const [folder, disposition] of [[AT.processed, 'processed'], [AT.failed, 'failed']] as const) {
    const text = readText(files, places.at(`${folder}/${commandId}.json`))
    if (text === null) continue
    const json = JSON.parse(text) as { result?: Record<string, unknown>; error?: string }
    return { disposition, result: json.result ?? {}, error: json.error ?? null }
  }
  return null
}

/** Takes a posted command back before anybody carried it out. False if it is gone already. */
export function withdraw(files: Files, places: Places, commandId: string): boolean {
  try {
    files.unlink(places.at(`${AT.incoming}/${commandId}.json`))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
