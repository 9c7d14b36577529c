/**
 * Reading the usage ledger: every line once, in order, however long it has become. A part put aside is passed over if it
 * ends before what is asked for.
 */
import { type LedgerLine, ledgerLineIn } from '../core/ledger.ts'
import { RecentMap } from '../core/recent.ts'
import type { Files } from './files.ts'
import { AT, type Places } from './layout.ts'
import { logParts } from './log-parts.ts'

const CHUNK_BYTES = 1024 * 1024
const NEWLINE = 10
/** What the ledger holds is far shorter; a longer line is nobody's record. */
const LINE_BYTES_MAX = 64 * 1024
/** A copied line lies near the one it was copied from; of so many the ids are remembered. */
const IDS_MAX = 50_000

/**
 * Hands every record counted since `sinceMs` to `take`, and some that are older; a request only once. Gives how many lines
 * hold no record.
 */
export function readLedger(files: Files, places: Places, sinceMs: number, take: (line: LedgerLine) => void): number {
  const seen = new RecentMap<string, true>(IDS_MAX)
  let skipped = 0
  for (const { file, asideMs } of logParts(files, places, AT.usageLedger)) {
    if (asideMs < sinceMs - 1000) continue
    for (const text of linesOf(files, file)) {
      const line = ledgerLineIn(text)
      if (line === null) skipped += 1
      else if (seen.get(line.request_id) === undefined) {
        seen.set(line.request_id, true)
        take(line)
      }
    }
  }
  return skipped
}

/** Complete lines; an end that is torn is none yet. A line that is too long is given empty. */
function* linesOf(files: Files, file: string): Generator<string> {
  let rest = Buffer.alloc(0)
  let isTooLong = false
  for (let offset = 0; ; ) {
    const bytes = files.readRange(file, offset, CHUNK_BYTES)
    if (bytes === null || bytes.length === 0) return
    offset += bytes.length
    const chunk = rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([rest, bytes])
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      yield isTooLong || at - from > LINE_BYTES_MAX ? '' : chunk.toString('utf8', from, at)
      isTooLong = false
      from = at + 1
    }
    rest = chunk.subarray(from)
    if (rest.length <= LINE_BYTES_MAX) continue
    isTooLong = true
    rest = Buffer.alloc(0)
  }
}
