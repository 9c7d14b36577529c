/**
 * Reading the usage ledger: every line once, in order, however long it has become. A part put aside is passed over if it
 * ends before what is asked for.
 */
import { type LedgerLine, ledgerLineIn } from '../core/ledger.ts'
import { RecentMap } from '../core/recent.ts'
import type { Files } from './files.ts'
import { AT, type Places } from './layout.ts'

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
  for (const file of partsOf(files, places, sinceMs)) {
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

/** Absolute paths, oldest first. */
function partsOf(files: Files, places: Places, sinceMs: number): string[] {
  const [folder, name] = AT.usageLedger.split('/') as [string, string]
  const part = new RegExp(`^${name.replace(/jsonl$/, '')}(\\d{8}T\\d{6}Z)\\.(\\d+)\\.jsonl$`)
  return [
    ...(files.list(places.at(folder)) ?? [])
      .flatMap((file) => {
        const [, stamp, revision] = part.exec(file) ?? []
        return stamp === undefined ? [] : [{ file: `${folder}/${file}`, stamp, revision: Number(revision) }]
      })
      .filter(({ stamp }) => msOf(stamp) >= sinceMs - 1000)
      .sort((a, b) => a.revision - b.revision)
      .map(({ file }) => places.at(file)),
    places.at(AT.usageLedger),
  ]
}

const msOf = (stamp: string): number =>
  Date.parse(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))

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
