/** What the daemon printed: the last lines, and what it goes on printing. */
import type { Operation } from '../../core/operation.ts'
import { AT } from '../../store/layout.ts'
import { alarmOf } from '../alarm.ts'
import { type Context, placesIn, requireWorkspace } from '../context.ts'
import type { DaemonLogEnd } from '../schemas/daemon.ts'

interface LogsInput {
  tail?: number
  follow?: boolean
}

const TAIL_LINES_DEFAULT = 50

export const daemonLogs: Operation<Context, LogsInput, DaemonLogEnd> = {
  name: 'daemon logs',
  flavour: 'read',
  follows: () => true,
  summary: 'What the daemon itself printed.',
  description:
    'The last lines of millrace-agents/logs/daemon.log, which a detached daemon appends to, and with --follow what it goes on printing, also after it was started anew. What happened to the work is in the event log: `logs`; what an agent does: `runs follow`.',
  input: [
    {
      name: 'tail',
      type: 'integer',
      minimum: 0,
      default: TAIL_LINES_DEFAULT,
      placeholder: 'N',
      description: 'Begin with the last N lines.',
    },
    { name: 'follow', type: 'flag', description: 'Go on with what is printed from now on, until Ctrl-C.' },
  ],
  examples: [
    { command: 'millrace daemon logs --tail 20', does: 'see the last 20 lines' },
    { command: 'millrace daemon logs --follow', does: 'look on' },
  ],
  output: async () => (await import('../schemas.ts')).daemonLogsSchema(),
  async run(context, { tail = TAIL_LINES_DEFAULT, follow }) {
    requireWorkspace(context)
    const alarm = alarmOf(context)
    try {
      const reader = new LineReader(context)
      let lines = 0
      const tell = async (texts: readonly string[]) => {
        for (const line of texts) await context.tell({ line })
        lines += texts.length
      }
      await tell(reader.tail(tail))
      if (follow !== true) {
        await tell(reader.rest())
        return { end: { reason: 'end_of_log', lines } }
      }
      alarm.watch(placesIn(context).at(AT.logs))
      while (alarm.ended === null) {
        await tell(reader.more())
        await alarm.sleep(PAUSE_MS, POLL_MS)
      }
      return { end: { reason: alarm.ended, lines } }
    } finally {
      alarm.release()
    }
  },
}

const PAUSE_MS = 50
const POLL_MS = 500
const READ_BYTES = 64 * 1024
/** A line longer than this is told in pieces. */
const LINE_BYTES_MAX = 1024 * 1024
const NEWLINE = 10

/** Whole lines of a file that grows, and gives way to a new one of the same name. */
class LineReader {
  private readonly context: Context
  private readonly path: string
  private offset = 0
  private inode: string | null = null
  /** Bytes of a line whose end is not there yet. */
  private begun = Buffer.alloc(0)

  constructor(context: Context) {
    this.context = context
    this.path = placesIn(context).at(AT.daemonLog)
  }

  /** The last `count` whole lines there are now; reading goes on behind them. */
  tail(count: number): string[] {
    const stat = this.context.files.stat(this.path)
    this.inode = stat?.inode ?? null
    const end = stat?.bytes ?? 0
    // Backwards in chunks, until enough line ends were met: one more than lines, for the one before them.
    let from = end
    let ends = 0
    while (from > 0 && ends <= count) {
      const next = Math.max(0, from - READ_BYTES)
      ends += this.read(next, from - next).reduce((sum, byte) => sum + (byte === NEWLINE ? 1 : 0), 0)
      from = next
    }
    this.offset = from
    const lines = this.upTo(end)
    return count === 0 ? [] : lines.slice(-count)
  }

  /** Lines that came since. */
  more(): string[] {
    const stat = this.context.files.stat(this.path)
    if (stat === null) return []
    if (this.inode !== stat.inode || stat.bytes < this.offset) {
      const rest = this.rest()
      this.inode = stat.inode
      this.offset = 0
      return [...rest, ...this.upTo(stat.bytes)]
    }
    return this.upTo(stat.bytes)
  }

  /** The line that has no end, now that none will come. */
  rest(): string[] {
    const text = this.begun.toString('utf8')
    this.begun = Buffer.alloc(0)
    return text === '' ? [] : [text]
  }

  private upTo(end: number): string[] {
    const lines: string[] = []
    while (this.offset < end) {
      const bytes = this.read(this.offset, Math.min(READ_BYTES, end - this.offset))
      if (bytes.length === 0) break
      this.offset += bytes.length
      let known = Buffer.concat([this.begun, bytes])
      for (let at = known.indexOf(NEWLINE); at !== -1; at = known.indexOf(NEWLINE)) {
        lines.push(known.toString('utf8', 0, at))
        known = known.subarray(at + 1)
      }
      this.begun = known
      if (known.length > LINE_BYTES_MAX) lines.push(...this.rest())
    }
    return lines
  }

  private read(offset: number, length: number): Buffer {
    return Buffer.from(this.context.files.readRange(this.path, offset, length) ?? new Uint8Array())
  }
}
