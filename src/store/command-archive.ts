/** The archive of a command: what was asked, and what became of it. */
import type { Change } from '../core/changes.ts'
import { jsonText } from '../core/json.ts'

/** Of an archive, as it stands in a record: what the command itself writes must fit beside it. */
const ARCHIVE_CHARS_MAX = 3 * 1024 * 1024
const RAW_PAYLOAD_BYTES_MAX = 100_000

/** `bytes`: of the command file, whatever they are. */
export function archiveText(
  bytes: Uint8Array,
  { disposition, result, ...change }: Change & { change: 'command.archive' },
  now: string,
): string {
  const head = { schema_version: '1.0', kind: 'mailbox_archive', disposition, archived_at: now }
  const error = change.error === null ? {} : { error: change.error }
  // Whoever waits for a command that was carried out reads what came of it.
  const done = disposition === 'processed' ? { result } : {}
  const whole = withEnvelope(bytes, (envelope) => jsonText({ ...head, envelope, result, ...error }))
  return whole ?? jsonText({ ...head, ...done, ...error, raw_payload: rawPayload(bytes) })
}

/** What `write` makes of the envelope; null where there is none, or none that can be written as part of a record. */
function withEnvelope(bytes: Uint8Array, write: (envelope: unknown) => string): string | null {
  if (bytes.length > ARCHIVE_CHARS_MAX) return null
  try {
    const archive = write(JSON.parse(Buffer.from(bytes).toString('utf8')))
    return JSON.stringify(archive).length <= ARCHIVE_CHARS_MAX ? archive : null
  } catch {
    return null // no JSON, or nested so deep that it cannot be written again
  }
}

const rawPayload = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(0, RAW_PAYLOAD_BYTES_MAX)).toString('utf8')
