/** A written account of what earlier stage runs did, for the prompt of one that cannot go on in their session. */
import { clip } from '../core/clip.ts'
import type { Files } from '../core/files.ts'
import type { StageRequest } from '../core/request.ts'
import type { AgentEvent } from './agent-event.ts'
import { runFiles } from './artifacts.ts'
import type { Harness } from './harness.ts'
import { lineSplitter, readTail } from './lines.ts'

/** End of an event log that is read for it. */
const LOG_BYTES_MAX = 1024 * 1024
const LINES_MAX = 40
const LINE_CHARS_MAX = 300

export interface Account {
  /** What was said and done, oldest first, a line each. */
  lines: string[]
  /** True if there was more before. */
  isCut: boolean
}

/** What the runs named by `account_of` said and did last; no lines if nothing is known of it. Never throws. */
export function accountOf(files: Files, request: StageRequest, harness: Harness): Account {
  const told = request.account_of.map((request_id) => {
    try {
      return linesOf(files, runFiles({ run_dir: request.run_dir, request_id }).events, harness)
    } catch {
      return { lines: [], isCut: false } // a log that cannot be read tells nothing, and is no reason not to work
    }
  })
  const lines = told.flatMap((one) => one.lines)
  return { lines: lines.slice(-LINES_MAX), isCut: lines.length > LINES_MAX || told.some((one) => one.isCut) }
}

function linesOf(files: Files, log: string, harness: Harness): Account {
  const bytes = files.stat(log)?.bytes ?? 0
  const events: AgentEvent[] = []
  const transcript = harness.transcript()
  const splitter = lineSplitter((line) => events.push(...transcript.line(line)))
  splitter.push(Buffer.from(readTail(files, log, LOG_BYTES_MAX) ?? ''))
  splitter.end()
  const ended = new Set(events.flatMap((event) => (event.event === 'tool_ended' ? (event.id ?? []) : [])))
  const lines = events.flatMap((event) => lineOf(event, ended) ?? [])
  return { lines: lines.map((line) => clip(line, LINE_CHARS_MAX)), isCut: bytes > LOG_BYTES_MAX }
}

/** Tools once each: as they ended, or as begun if they did not. */
function lineOf(event: AgentEvent, ended: ReadonlySet<string>): string | null {
  switch (event.event) {
    case 'message':
      return `said: ${event.text}`
    case 'tool_started':
      return event.id !== null && ended.has(event.id)
        ? null
        : `began, and did not finish: ${event.tool} ${event.detail}`
    case 'tool_ended':
      return `${event.ok ? 'did' : 'failed at'}: ${event.tool} ${event.detail}`
    default:
      return null
  }
}
