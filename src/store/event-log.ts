/** Reading the event log: newest lines first from the end of the file, torn or foreign lines skipped and counted. */
import type { RuntimeEvent } from '../core/events.ts'
import type { Files } from './files.ts'
import { AT, type Places } from './layout.ts'

const CHUNK_BYTES = 64 * 1024

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
  let rest: Buffer = Buffer.alloc(0)
  let end = size
  let first = true
  for (let at = size; at > 0 && events.length < count; ) {
    const from = Math.max(0, at - CHUNK_BYTES)
    const text = Buffer.concat([files.readRange(file, from, at - from) ?? new Uint8Array(), rest])
    at = from
    const start = at === 0 ? 0 : text.indexOf(10) + 1
    if (at > 0 && start === 0) {
      rest = text
      continue
    }
    rest = text.subarray(0, start)
    const lines = text.toString('utf8', start).split('\n')
    const torn = lines.pop() ?? ''
    if (first) {
      end = size - Buffer.byteLength(torn)
      first = false
    } else if (torn !== '') lines.push(torn)
    for (const line of lines.reverse()) {
      if (line === '' || events.length >= count) continue
      const event = parseEvent(line)
      if (event === null) skipped++
      else if (accept(event)) events.push(event)
    }
  }
  return { events: events.reverse(), skipped, end }
}

function parseEvent(line: string): RuntimeEvent | null {
  try {
    const event = JSON.parse(line) as RuntimeEvent
    return event.kind === 'runtime_event' &&
      typeof event.event_type === 'string' &&
      typeof event.occurred_at === 'string'
      ? event
      : null
  } catch {
    return null
  }
}
