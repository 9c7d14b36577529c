import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { countingFiles } from '../../test/rig/counting-files.ts'
import { EventReader } from './event-follow.ts'
import { tailLog } from './event-log.ts'
import { disk } from './files.ts'
import { AT, type Places, placesOf } from './layout.ts'

let root: string
let places: Places
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-follow-'))
  places = placesOf(root)
  fs.mkdirSync(places.at(AT.logs), { recursive: true })
})
afterEach(() => fs.rmSync(root, { recursive: true, force: true }))

const line = (number: number, at = '2026-03-01T10:00:00Z'): string =>
  `${JSON.stringify({ schema_version: '1.0', kind: 'runtime_event', event_type: 'test', occurred_at: at, data: { number } })}\n`
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => line(from + index)).join('')
const live = (): string => places.at(AT.events)
const put = (text: string): void => fs.writeFileSync(live(), text)
const append = (text: string | Uint8Array): void => fs.appendFileSync(live(), text)
/** Puts the log aside as the runtime does. */
const rotate = (revision: number, stamp = '20260301T100000Z'): void =>
  fs.renameSync(live(), places.at(`logs/runtime_events.${stamp}.${revision}.jsonl`))
const all = (count: number, more: { sinceMs?: number } = {}) => ({ count, accept: () => true, ...more })
const numbers = (events: Iterable<{ data: Record<string, unknown> }>) => [...events].map(({ data }) => data.number)

describe('the end of a log in parts', () => {
  test('goes on in what was put aside, newest part first, as far as is wanted', () => {
    for (const revision of [9, 10, 100]) {
      put(lines(revision * 10, revision * 10 + 4))
      rotate(revision)
    }
    put(lines(2000, 2001))
    expect(numbers(tailLog(disk, places, all(1)).events)).toEqual([2001])
    expect(numbers(tailLog(disk, places, all(4)).events)).toEqual([1003, 1004, 2000, 2001])
    expect(numbers(tailLog(disk, places, all(9)).events)).toEqual([
      ...[103, 104, 1000, 1001, 1002, 1003, 1004, 2000, 2001],
    ])
    expect(tailLog(disk, places, all(1000)).events).toHaveLength(17)
  })

  test('is found while no event has been written to the live file yet', () => {
    put(lines(1, 3))
    rotate(5)
    expect(tailLog(disk, places, all(2))).toMatchObject({ events: [{ data: { number: 2 } }, {}], end: 0 })
  })

  test('since a time ends at the first event that is older, and opens no part from before', () => {
    put(line(1, '2026-03-01T08:00:00Z'))
    rotate(1, '20260301T080000Z')
    put(line(2, '2026-03-01T09:00:00Z') + line(3, '2026-03-01T10:00:00Z'))
    rotate(2)
    put(line(4, '2026-03-01T11:00:00Z'))
    const { files, take } = countingFiles()
    const sinceMs = Date.parse('2026-03-01T10:00:00Z')
    expect(numbers(tailLog(files, places, all(100, { sinceMs })).events)).toEqual([3, 4])
    const opened = take().flatMap((call) => (call.operation === 'readRange' ? [path.basename(call.path)] : []))
    expect(opened).not.toContain('runtime_events.20260301T080000Z.1.jsonl')
  })

  test('costs as much in a long log as in a short one', () => {
    const cost = () => {
      const { files, take } = countingFiles()
      expect(tailLog(files, places, all(50)).events).toHaveLength(50)
      return take().length
    }
    put(lines(1, 1000))
    const short = cost()
    append(lines(1001, 100_000))
    expect(cost()).toBe(short)
    expect(short).toBeLessThan(5)
  })
})

describe('reading on', () => {
  test('gives what comes after the events that were there, and nothing twice', () => {
    put(lines(1, 5))
    const reader = new EventReader(disk, places, all(2))
    expect(numbers(reader.earlier)).toEqual([4, 5])
    expect(numbers(reader.readOn())).toEqual([])
    append(lines(6, 7))
    expect(numbers(reader.readOn())).toEqual([6, 7])
    expect(numbers(reader.readOn())).toEqual([])
  })

  test('begins behind the last whole line even where nothing from before is wanted', () => {
    put(`${line(1)}${line(2).slice(0, 20)}`)
    const reader = new EventReader(disk, places, all(0))
    append(line(2).slice(20))
    expect(numbers(reader.readOn())).toEqual([2])
    expect(reader.skipped).toBe(0)
  })

  test('waits for the rest of a torn line, be it cut inside a character', () => {
    put('')
    const reader = new EventReader(disk, places, all(0))
    const bytes = Buffer.from(line(1).replace('"test"', '"tést"'))
    const middle = bytes.indexOf(0xc3) + 1
    append(bytes.subarray(0, middle))
    expect(numbers(reader.readOn())).toEqual([])
    append(bytes.subarray(middle))
    expect([...reader.readOn()]).toMatchObject([{ event_type: 'tést', data: { number: 1 } }])
  })

  test('passes over a whole line that is no event, and counts it', () => {
    put(line(1))
    const reader = new EventReader(disk, places, all(0))
    append(`nonsense\n\n{"kind":"other"}\n${line(2)}`)
    expect(numbers(reader.readOn())).toEqual([2])
    expect(reader.skipped).toBe(2)
  })

  test('loses nothing when the log is put aside, even twice between two looks', () => {
    put(lines(1, 2))
    const reader = new EventReader(disk, places, all(0))
    append(line(3))
    rotate(7)
    expect(numbers(reader.readOn())).toEqual([3])
    expect(numbers(reader.readOn())).toEqual([])
    put(lines(4, 5))
    rotate(8)
    put(line(6))
    rotate(9)
    put(line(7))
    expect(numbers(reader.readOn())).toEqual([4, 5, 6, 7])
    append(line(8))
    expect(numbers(reader.readOn())).toEqual([8])
  })

  test('begins anew in a log that was cut off or replaced', () => {
    put(lines(1, 9))
    const reader = new EventReader(disk, places, all(0))
    fs.truncateSync(live(), 0)
    append(line(10))
    expect(numbers(reader.readOn())).toEqual([10])
    fs.rmSync(live())
    expect(numbers(reader.readOn())).toEqual([])
    put(line(11))
    expect(numbers(reader.readOn())).toEqual([11])
  })

  test('waits for a log that is not there yet', () => {
    const reader = new EventReader(disk, places, all(10))
    expect(numbers(reader.readOn())).toEqual([])
    put(line(1))
    expect(numbers(reader.readOn())).toEqual([1])
  })
})
