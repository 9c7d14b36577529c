/** Reading the event log: newest lines first from the end of the file, torn or foreign lines skipped and counted. */
import type { RuntimeEvent } from '../core/events.ts'
import { objectInLine } from '../core/json-line.ts'
import { anything, mapOf, oneOf, record, text } from '../core/shape.ts'
import type { Files } from './files.ts'
import { AT, type Places } from './layout.ts'

const CHUNK_BYTES = 64 * 1024
const NEWLINE = 10

export interface EventPage {
  /** Oldest first. */
  events: RuntimeEvent[]
  /** Lines that are not events. */
  skipped: number
  /** Offset behind the last complete line: where to follow on from. */
  end: number
}

/** The last `count` events that `accept` takes. Reads only as much of the file's end as that needs. */
export function tailEvents(
  files: Files,
  places: Places,
  count: number,
  accept: (event: RuntimeEvent) => boolean = () => true,
): EventPage {
  const file = places.at(AT.events)
  const size = files.stat(file)?.bytes ?? 0
  const events: RuntimeEvent[] = []
  let skipped = 0
  /** What was read of lines that begin further up, in the order of the file. */
  let rest: Buffer[] = []
  let end = size
  let first = true
  for (let at = size; at > 0 && events.length < count; ) {
    const from = Math.max(0, at - CHUNK_BYTES)
    const chunk = Buffer.from(files.readRange(file, from, at - from) ?? new Uint8Array())
    at = from
    const start = at === 0 ? 0 : chunk.indexOf(NEWLINE) + 1
    if (at > 0 && start === 0) {
      rest.unshift(chunk)
      continue
    }
    const text = Buffer.concat([chunk.subarray(start), ...rest])
    rest = [chunk.subarray(0, start)]
    // By bytes: a line torn inside a character has another length once it is text.
    const stop = first ? text.lastIndexOf(NEWLINE) + 1 : text.length
    if (first) end = size - (text.length - stop)
    first = false
    const lines = text.toString('utf8', 0, stop).split('\n')
    for (const line of lines.reverse()) {
      if (line === '' || events.length >= count) continue
      const event = parseEvent(line)
      if (event === null) skipped++
      else if (accept(event)) events.push(event)
    }
  }
  return { events: events.reverse(), skipped, end }
}

const isEvent = record({
  schema_version: oneOf('1.0'),
  kind: oneOf('runtime_event'),
  event_type: text,
  occurred_at: text,
  data: mapOf(anything),
})

function parseEvent(line: string): RuntimeEvent | null {
  const event = objectInLine(line)
  return isEvent(event) ? event : null
}
