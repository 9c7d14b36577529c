/**
 * Reading on in the event log while it is written: whole lines only, across a log that is put aside, and from the
 * beginning again of one that was cut off or replaced.
 */
import type { RuntimeEvent } from '../core/events.ts'
import { eventIn, tailLog, type Wanted } from './event-log.ts'
import type { Files } from './files.ts'
import { AT, type Places } from './layout.ts'
import { logParts } from './log-parts.ts'

const CHUNK_BYTES = 1024 * 1024
const NEWLINE = 10
/** What the log holds is far shorter; a longer line is nobody's event. */
const LINE_BYTES_MAX = 16 * 1024 * 1024
/** So many bytes before the place reading has come to tell a file from another that was put in its place. */
const MARK_BYTES = 256

export class EventReader {
  private readonly files: Files
  private readonly places: Places
  /** The file that is read, known by its inode, since it is renamed when it is put aside. */
  private inode: string | null
  private offset: number
  /** What lies there right before `offset`. */
  private mark: Buffer
  /** The beginning of a line whose end is not written yet. */
  private rest: Buffer = Buffer.alloc(0)
  private isTooLong = false
  /** Events from before the first look, oldest first. */
  readonly earlier: readonly RuntimeEvent[]
  /** Lines so far that are not events. */
  skipped: number

  /** Begins behind the last whole line that is there now; `earlier` are the last ones wanted before it. */
  constructor(files: Files, places: Places, wanted: Wanted) {
    this.files = files
    this.places = places
    const inodeNow = () => files.stat(places.at(AT.events))?.inode ?? null
    let page: ReturnType<typeof tailLog>
    do {
      this.inode = inodeNow()
      page = tailLog(files, places, wanted)
    } while (inodeNow() !== this.inode)
    this.offset = page.end
    const from = Math.max(0, page.end - MARK_BYTES)
    this.mark = Buffer.from(files.readRange(places.at(AT.events), from, page.end - from) ?? new Uint8Array())
    this.earlier = page.events
    this.skipped = page.skipped
  }

  /** What was written since the last look, in order. */
  *readOn(): Generator<RuntimeEvent> {
    const parts = logParts(this.files, this.places, AT.events).map(({ file }) => file)
    const known = parts.findIndex((file) => this.inode !== null && this.files.stat(file)?.inode === this.inode)
    for (const file of known === -1 ? parts.slice(-1) : parts.slice(known)) yield* this.readFile(file)
  }

  private *readFile(file: string): Generator<RuntimeEvent> {
    const stat = this.files.stat(file)
    if (stat === null) return
    if (stat.inode !== this.inode || !this.isMarked(file)) this.begin(stat.inode)
    for (;;) {
      const bytes = Buffer.from(this.files.readRange(file, this.offset, CHUNK_BYTES) ?? new Uint8Array())
      if (bytes.length === 0) return
      this.offset += bytes.length
      this.mark = Buffer.concat([this.mark, bytes.subarray(-MARK_BYTES)]).subarray(-MARK_BYTES)
      yield* this.eventsIn(bytes)
    }
  }

  /** Inodes are used again, and a file that was cut off may have grown as long as before. */
  private isMarked(file: string): boolean {
    const { length } = this.mark
    return this.mark.equals(this.files.readRange(file, this.offset - length, length) ?? new Uint8Array())
  }

  private begin(inode: string): void {
    if (this.rest.length > 0 || this.isTooLong) this.skipped += 1
    this.inode = inode
    this.offset = 0
    this.mark = Buffer.alloc(0)
    this.rest = Buffer.alloc(0)
    this.isTooLong = false
  }

  private *eventsIn(bytes: Buffer): Generator<RuntimeEvent> {
    const chunk = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes])
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      const line = chunk.toString('utf8', from, at)
      const event = this.isTooLong ? null : eventIn(line)
      this.isTooLong = false
      from = at + 1
      if (event !== null) yield event
      else if (line !== '') this.skipped += 1
    }
    this.rest = chunk.subarray(from)
    if (this.rest.length <= LINE_BYTES_MAX) return
    this.isTooLong = true
    this.rest = Buffer.alloc(0)
  }
}
