/**
 * Bytes to lines, the lowest layer of every adapter. Splits at LF only (generic readers also split at U+2028, which is
 * legal inside JSON strings), bounds the length of a line, and reads a growing file from the offset it knows.
 */
import type { Files } from '../core/files.ts'

/** A longer line is cut here and says so; what follows up to the line feed is dropped. */
const LINE_BYTES_MAX = 1024 * 1024
const CHUNK_BYTES = 256 * 1024

export interface Line {
  /** Without the line feed. Bytes that are not UTF-8 are replaced by U+FFFD. */
  text: string
  /** True if the line was longer than the bound and `text` is only its beginning. */
  truncated: boolean
}

const lossy = new TextDecoder('utf-8', { ignoreBOM: true })

/** Text of bytes that may not be UTF-8. */
export const decode = (bytes: Uint8Array): string => lossy.decode(bytes)

interface Splitter {
  push(bytes: Uint8Array): void
  /** The last line, if it had no line feed. */
  end(): void
}

/** Incremental splitter; memory is bounded by one line. */
export function lineSplitter(onLine: (line: Line) => void, bytesMax = LINE_BYTES_MAX): Splitter {
  let parts: Uint8Array[] = []
  let held = 0
  let truncated = false

  const keep = (bytes: Uint8Array): void => {
    const room = bytesMax - held
    if (bytes.length > room) truncated = true
    const part = bytes.subarray(0, room)
    if (part.length === 0) return
    parts.push(new Uint8Array(part)) // a copy: the caller may use its buffer again
    held += part.length
  }
  const emit = (): void => {
    const line = { text: decode(parts.length === 1 ? parts[0]! : Buffer.concat(parts)), truncated }
    parts = []
    held = 0
    truncated = false
    onLine(line)
  }

  return {
    push(bytes) {
      let from = 0
      for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, from)) {
        keep(bytes.subarray(from, at))
        emit()
        from = at + 1
      }
      keep(bytes.subarray(from))
    },
    end() {
      if (held > 0 || truncated) emit()
    },
  }
}

export interface GrowingFile {
  /** Reads what was added since, at most `bytesMax` bytes. True if there is more. */
  read(bytesMax: number): boolean
  end(): void
}

/** Follows a file that something else is writing. A file that is not there (yet) reads as empty. */
export function growingFile(files: Files, file: string, onLine: (line: Line) => void): GrowingFile {
  const splitter = lineSplitter(onLine)
  let offset = 0
  return {
    read(bytesMax) {
      for (let budget = bytesMax; budget > 0; ) {
        const wanted = Math.min(CHUNK_BYTES, budget)
        const bytes = files.readRange(file, offset, wanted)
        if (bytes === null || bytes.length === 0) return false
        splitter.push(bytes)
        offset += bytes.length
        budget -= bytes.length
        if (bytes.length < wanted) return false
      }
      return true
    },
    end: () => splitter.end(),
  }
}

/** The last `bytesMax` bytes of a file as text; null if there is no such file. Never starts inside a character. */
export function readTail(files: Files, file: string, bytesMax: number): string | null {
  const stat = files.stat(file)
  if (stat === null) return null
  const from = Math.max(0, stat.bytes - bytesMax)
  const bytes = files.readRange(file, from, Math.min(stat.bytes, bytesMax))
  if (bytes === null) return null
  let start = 0
  while (from > 0 && start < 3 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++
  return decode(bytes.subarray(start))
}
