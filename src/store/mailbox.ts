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
export async function post(
  files: Files,
  places: Places,
  clock: Clock,
  command: string,
  payload: Record<string, unknown>,
  issuer: string,
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
  }
  const text = `${JSON.stringify(envelope, null, 2)}\n`
  if (Buffer.byteLength(text) > COMMAND_BYTES_MAX)
    throw new MillraceError('document_invalid', `The command would be larger than ${COMMAND_BYTES_MAX} bytes.`, {
      hint: 'documents may have at most 1 MiB',
    })
  const folder = places.at(AT.incoming)
  const target = path.join(folder, `${command_id}.json`)
  const temporary = path.join(folder, `.${command_id}.tmp`)
  try {
    files.write(temporary, text)
    await files.flush([temporary])
    files.link(temporary, target)
    files.unlink(temporary)
    await files.flush([folder])
  } catch (error) {
    // Reported as not posted, so it must not be found there later.
    for (const file of [target, temporary]) removeIfThere(files, file)
    throw error
  }
  return command_id
}

/** A file that cannot be understood counts as being written until it has rested this long. */
const UNREADABLE_AFTER_MS = 2000

/**
 * What waits, oldest first. Unreadable files are among it, so that they can be archived as failed, but not before they
 * have rested at `now` (milliseconds since the epoch).
 */
export function incoming(files: Files, places: Places, now: number): Incoming[] {
  const names = files.list(places.at(AT.incoming)) ?? []
  const found = names
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .flatMap((file) => {
      const stat = files.stat(places.at(`${AT.incoming}/${file}`))
      if (stat === null) return []
      const one = readEnvelope(files, places, file, stat)
      if (one === null || (one.envelope === null && Math.abs(now - stat.mtimeMs) < UNREADABLE_AFTER_MS)) return []
      return { one, at: one.envelope?.issued_at ?? '', mtimeNs: BigInt(stat.mtimeNs) }
    })
  return found
    .sort((a, b) => compare(a.at, b.at) || compare(a.mtimeNs, b.mtimeNs) || compare(a.one.file, b.one.file))
    .map(({ one }) => one)
}

const compare = <T extends string | bigint>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0)

/** Null if the file has gone since it was listed. */
function readEnvelope(files: Files, places: Places, file: string, stat: FileStat): Incoming | null {
  const bad = (error: string): Incoming => ({ file, envelope: null, error })
  if (stat.kind !== 'file') return bad('is not a plain file')
  if (stat.bytes > COMMAND_BYTES_MAX) return bad(`is larger than ${COMMAND_BYTES_MAX} bytes`)
  let json: Partial<Envelope> | null
  try {
    const text = readText(files, places.at(`${AT.incoming}/${file}`))
    if (text === null) return null
    json = JSON.parse(text) as Partial<Envelope> | null
  } catch (error) {
    if (isDiskError(error)) throw error
    return bad(`is not valid JSON: ${(error as Error).message}`)
  }
  if (json?.kind !== 'mailbox_command' || typeof json.command !== 'string' || typeof json.command_id !== 'string') {
    return bad('is not a mailbox command: kind, command and command_id are needed')
  }
  const payload = json.payload ?? {}
  if (typeof payload !== 'object' || Array.isArray(payload)) return bad('payload is not an object')
  const issued_at = typeof json.issued_at === 'string' ? json.issued_at : ''
  const issuer = typeof json.issuer === 'string' ? json.issuer : 'operator'
  const { command_id, command } = json
  return {
    file,
    envelope: { schema_version: '1.0', kind: 'mailbox_command', command_id, command, issued_at, issuer, payload },
  }
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
