/** The page on the event log. */
import { EVENT_TYPES } from '../src/core/events.ts'
import { code, page, table } from './markdown.ts'

export function eventsPage(): string {
  return page(
    'Events',
    '`millrace-agents/logs/runtime_events.jsonl` has one JSON object a line: `schema_version`, `kind` (`runtime_event`), `event_type`, `occurred_at`, and `data` with what belongs to it. It is told for people and programs that look on; nothing is decided by it. `millrace logs` reads it, `millrace logs --follow` goes on reading, `millrace logs --type "stage_*"` picks.',
    table(
      ['event', 'what happened'],
      Object.entries(EVENT_TYPES).map(([name, text]) => [code(name), text]),
    ),
  )
}
