/** Event streams as harnesses print them: one JSON object a line, and now and then a line that is none. */
import { objectInLine } from '../core/json-line.ts'
import type { AgentEvent } from './agent-event.ts'
import type { Fields } from './fields.ts'
import type { Line } from './lines.ts'

interface EventLines {
  line(line: Line): AgentEvent[]
  /** What is worth telling of the lines that held no event. */
  notes(): string[]
}

export function eventLines(onEvent: (fields: Fields) => AgentEvent[]): EventLines {
  let unreadable = 0
  return {
    line({ text, truncated }) {
      if (text.trim() === '') return []
      const fields = truncated ? null : objectInLine(text)
      if (fields !== null) return onEvent(fields)
      unreadable++
      return []
    },
    notes: () => (unreadable > 0 ? [`${unreadable} lines of the event log are not events or are too long`] : []),
  }
}
