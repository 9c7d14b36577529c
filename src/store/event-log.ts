/** Reading the event log: newest lines first from the end of the file, torn or foreign lines skipped and counted. */
import type { RuntimeEvent } from '../core/events.ts'
import { objectInLine } from '../core/json-line.ts'
import { anything, mapOf, oneOf, record, text } from '../core/shape.ts'
import type { Files } from './files.ts'
import { AT, type Places } from './layout.ts'
import { logParts } from './log-parts.ts'

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

/** The last `count` events of the live file that `accept` takes. Reads only as much of its end as that needs. */
export function tailEvents(
  files: Files,
  places: Places,
  count: number,
  accept: (event: RuntimeEvent) => boolean = () => true,
): EventPage {
  const { events, skipped, end } = tailOf(files, places.at(AT.events), { count, accept })
  return { events, skipped, end }
}

export interface Wanted {
  count: number
  accept: (event: RuntimeEvent) => boolean
  /** Reading ends at an event that is older, in milliseconds since the epoch. */
  sinceMs?: number
}

/** As `tailEvents`, going on to the files that were put aside while more is wanted. `end` is that of the live file. */
export function tailLog(files: Files, places: Places, wanted: Wanted): EventPage {
  const [live, ...aside] = logParts(files, places, AT.events).reverse()
  let page = tailOf(files, live!.file, wanted)
  const { end } = page
  for (const { file, asideMs } of aside) {
    const count = wanted.count - page.events.length
    if (count <= 0 || page.isOlder || asideMs < (wanted.sinceMs ?? 0) - 1000) break
    const earlier = tailOf(files, file, { ...wanted, count })
    page = { ...earlier, events: [...earlier.events, ...page.events], skipped: earlier.skipped + page.skipped }
  }
  return { events: page.events, skipped: page.skipped, end }
}

/** `isOlder`: reading ended at an event that is older than what is wanted. */
function tailOf(files: Files, file: string, { count, accept, sinceMs = 0 }: Wanted): EventPage & { isOlder: boolean } {
  const size = files.stat(file)?.bytes ?? 0
  const events: RuntimeEvent[] = []
  let skipped = 0
  /** What was read of lines that begin further up, in the order of the file. */
  let rest: Buffer[] = []
  let end = size
  let first = true
  let isOlder = false
  for (let at = size; at > 0 && !isOlder && (first || events.length < count); ) {
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
      const event = eventIn(line)
      if (event === null) skipped++
      else if (Date.parse(event.occurred_at) < sinceMs) {
        isOlder = true
        break
      } else if (accept(event)) events.push(event)
    }
  }
  return { events: events.reverse(), skipped, end, isOlder }
}

const isEvent = record({
  schema_version: oneOf('1.0'),
  kind: oneOf('runtime_event'),
  event_type: text,
  occurred_at: text,
  data: mapOf(anything),
})

/** The event in a line of the log; null if it holds none. Members that this version does not know are left out. */
export function eventIn(line: string): RuntimeEvent | null {
  const event = objectInLine(line)
  if (!isEvent(event)) return null
  const { schema_version, kind, event_type, occurred_at, data } = event
  return { schema_version, kind, event_type, occurred_at, data }
}
