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
