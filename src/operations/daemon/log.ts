/** The daemon's own output: one file below the runtime root, put aside under a dated name once it has grown. */
import type { Files } from '../../core/files.ts'
import { AT, type Places } from '../../store/layout.ts'

/** A log larger than this is put aside when the next daemon starts. */
export const DAEMON_LOG_BYTES_MAX = 8 * 1024 * 1024

export interface DaemonLog {
  path: string
  /** Where what the new daemon prints begins. */
  offset: number
}

/**
 * The log a new daemon appends to. `now` gives the one put aside its name. By link, so that of two starts at once only
 * one puts it aside and neither takes the other's place.
 */
export function readyLog(files: Files, places: Places, now: Date, bytesMax = DAEMON_LOG_BYTES_MAX): DaemonLog {
  const path = places.at(AT.daemonLog)
  const bytes = files.stat(path)?.bytes ?? 0
  if (bytes <= bytesMax) return { path, offset: bytes }
  const stamp = now.toISOString().replace(/[-:]|\.\d+/g, '')
  try {
    files.link(path, path.replace(/log$/, `${stamp}.log`))
    files.unlink(path)
  } catch {
    return { path, offset: bytes } // put aside a moment ago by another start
  }
  return { path, offset: 0 }
}

const TAIL_BYTES_MAX = 64 * 1024

/** The last lines printed since an offset, at most `count`, empty ones left out. */
export function lastLines(files: Files, { path, offset }: DaemonLog, count: number): string[] {
  const end = files.stat(path)?.bytes ?? 0
  const from = Math.max(offset, end - TAIL_BYTES_MAX)
  const bytes = files.readRange(path, from, Math.max(0, end - from)) ?? new Uint8Array()
  const lines = Buffer.from(bytes).toString('utf8').split('\n')
  return lines.filter((line) => line.trim() !== '').slice(-count)
}

const READ_BYTES = 64 * 1024
/** A line longer than this is told in pieces. */
const LINE_BYTES_MAX = 1024 * 1024
const NEWLINE = 10

/** Whole lines of the log while it grows, and gives way to a new one of the same name. */
export class LogReader {
  private readonly files: Files
  private readonly path: string
  private offset = 0
  private inode: string | null = null
  /** Bytes of a line whose end is not there yet. */
  private begun = Buffer.alloc(0)

  constructor(files: Files, places: Places) {
    this.files = files
    this.path = places.at(AT.daemonLog)
  }

  /** The last `count` whole lines there are now; reading goes on behind them. */
  tail(count: number): string[] {
    const stat = this.files.stat(this.path)
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
    const stat = this.files.stat(this.path)
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
    return Buffer.from(this.files.readRange(this.path, offset, length) ?? new Uint8Array())
  }
}
