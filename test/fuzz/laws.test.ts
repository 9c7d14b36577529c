/** What holds between writing and reading, whatever is written and however it is cut. */
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { MillraceError } from '../../src/core/errors.ts'
import { newCounters, newSnapshot } from '../../src/core/state.ts'
import { acceptCurrent } from '../../src/operations/status/facts.ts'
import {
  readExit,
  readHandle,
  readStop,
  type StopReason,
  writeExit,
  writeHandle,
  writeStop,
} from '../../src/runners/artifacts.ts'
import { type Line, lineSplitter, readTail } from '../../src/runners/lines.ts'
import { tailEvents } from '../../src/store/event-log.ts'
import type { FileOperation } from '../../src/store/file-operation/file-operation.ts'
import { disk } from '../../src/store/files.ts'
import { decodeRecord, encodeRecord } from '../../src/store/journal.ts'
import { AT, placesOf } from '../../src/store/layout.ts'
import { incoming, post } from '../../src/store/mailbox.ts'
import { upgradeState } from '../../src/store/state-format.ts'
import { clock } from '../agents/clock.ts'
import { misshapen, mutated } from './generators.ts'
import { withFile } from './one-file.ts'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-laws-'))
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))
const at = (name: string) => path.join(folder, name)

const text = fc.string({ unit: 'binary', maxLength: 30 })
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 120 }),
  fc
    .array(fc.oneof(text, fc.constantFrom('\n', '\r\n', 'ü', '😀', '{}\n')), { maxLength: 20 })
    .map((parts) => Buffer.from(parts.join(''))),
)

describe('lines', () => {
  const linesOf = (pieces: readonly Uint8Array[], bytesMax: number): Line[] => {
    const lines: Line[] = []
    const splitter = lineSplitter((line) => lines.push(line), bytesMax)
    for (const piece of pieces) splitter.push(piece)
    splitter.end()
    return lines
  }
  const cutAt = (whole: Uint8Array, cuts: readonly number[]): Uint8Array[] => {
    const places = [0, ...cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length]
    return places.slice(1).map((end, index) => whole.subarray(places[index], end))
  }

  test('are the same however the bytes arrive', () => {
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(), { maxLength: 8 }), fc.constantFrom(1, 5, 1000), (whole, cuts, bytesMax) => {
        expect(linesOf(cutAt(whole, cuts), bytesMax)).toEqual(linesOf([whole], bytesMax))
      }),
    )
  })

  test('put together again are the bytes, where these are text and no line is too long', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (whole) => {
        const lines = linesOf([Buffer.from(whole)], 10_000).map((line) => line.text)
        expect(lines.join('\n') + (whole.endsWith('\n') ? '\n' : '')).toBe(whole)
      }),
    )
  })

  test('at the end of a file are the end of the whole file', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.nat(200), (whole, bytesMax) => {
        const file = '/nowhere/log.txt'
        const tail = readTail(withFile('/nowhere', 'log.txt', Buffer.from(whole)), file, bytesMax)!
        expect(whole.endsWith(tail)).toBe(true)
        // At most three bytes of a character that did not fit are left out.
        expect(Buffer.byteLength(tail)).toBeGreaterThan(Math.min(bytesMax, Buffer.byteLength(whole)) - 4)
      }),
    )
  })
})

describe('the event log', () => {
  const places = placesOf('/nowhere')
  const event = (number: number, filler: number) =>
    JSON.stringify({
      schema_version: '1.0',
      kind: 'runtime_event',
      event_type: `number-${number}`,
      occurred_at: '2026-03-01T10:00:00Z',
      data: { filler: 'ü'.repeat(filler) },
    })
  const content = fc
    .array(
      fc.oneof(
        { arbitrary: fc.nat(200).map((filler) => ({ filler })), weight: 4 },
        { arbitrary: fc.constant({ filler: 70_000 }), weight: 1 },
        { arbitrary: bytes.map((raw) => ({ raw })), weight: 3 },
      ),
      { maxLength: 12 },
    )
    .map((parts) =>
      Buffer.concat(
        parts.map((part, number) =>
          'raw' in part ? Buffer.from(part.raw) : Buffer.from(`${event(number, part.filler)}\n`),
        ),
      ),
    )

  test('read from its end tells what it tells read whole', () => {
    fc.assert(
      fc.property(content, fc.nat(8), (whole, count) => {
        const files = withFile(places.runtime, AT.events, whole)
        const page = tailEvents(files, places, count)
        const complete = whole.subarray(0, whole.lastIndexOf(10) + 1)
        const types = complete
          .toString('utf8')
          .split('\n')
          .flatMap((line) => {
            try {
              const value = JSON.parse(line) as { event_type?: string; data?: unknown } | null
              return typeof value?.data === 'object' ? [value.event_type] : []
            } catch {
              return []
            }
          })
        expect(page.events.map((one) => one.event_type)).toEqual(count === 0 ? [] : types.slice(-count))
        if (count > 0) expect(page.end).toBe(complete.length)
      }),
    )
  })
})

describe('the journal', () => {
  const content = fc.oneof(
    fc.record({ text }),
    fc.uint8Array({ maxLength: 20 }).map((raw) => ({ base64: Buffer.from(raw).toString('base64') })),
  )
  const operation: fc.Arbitrary<FileOperation> = fc.oneof(
    fc.record({ op: fc.constant('put' as const), path: text, content, expects: fc.option(text), leaves: text }),
    fc.record({ op: fc.constant('move' as const), from: text, to: text, content: fc.option(content), hash: text }),
    fc.record({ op: fc.constant('append' as const), path: text, offset: fc.nat(), content }),
    fc.record({ op: fc.constant('remove' as const), path: text, hash: text }),
  )
  const record = fc.record({
    revision: fc.nat(),
    generation: fc.nat(),
    operations: fc.array(operation, { maxLength: 4 }),
  })
  /** Half a character is written as its replacement, once and for all. */
  const written = <T>(value: T): T => JSON.parse(Buffer.from(JSON.stringify(value)).toString('utf8')) as T

  /** A format of another number is refused, so that a newer runtime can carry it out. */
  const taken = (whole: Uint8Array): string => {
    try {
      return decodeRecord(whole) === null ? 'nothing' : 'a record'
    } catch (error) {
      return MillraceError.is(error) && error.code === 'state_newer' ? 'nothing' : String(error)
    }
  }

  test('gives back every record that was written', () => {
    fc.assert(
      fc.property(record, (one) => {
        expect(decodeRecord(encodeRecord(one))).toEqual(written(one))
      }),
    )
  })

  test('never takes a record for whole that is not what was written', () => {
    const changed = record.chain((one) => fc.tuple(fc.constant(encodeRecord(one)), mutated([encodeRecord(one)])))
    fc.assert(
      fc.property(changed, ([whole, other]) => {
        if (whole.equals(other)) return
        expect(taken(other)).toBe('nothing')
      }),
    )
  })
})

describe('what a runner notes down', () => {
  test('is read as it was written', () => {
    const reasons: StopReason[] = ['cancelled', 'killed', 'timed_out', 'output_limit']
    fc.assert(
      fc.property(fc.option(fc.nat(255)), fc.constantFrom(...reasons), text, (code, reason, name) => {
        writeExit(disk, at('exit'), code)
        writeStop(disk, at('stop'), reason, '2026-03-02T09:15:00Z')
        const handle = {
          request_id: name,
          run_id: name,
          runner_name: name,
          pid: 5,
          start_time: name,
          boot_id: name,
          run_dir: name,
          started_at: '2026-03-02T09:15:00Z',
          deadline_boot_ms: 1.5,
          stop_grace_seconds: 0.5,
        }
        writeHandle(disk, at('handle'), handle)
        expect(readExit(disk, at('exit'))).toEqual({ code })
        expect(readStop(disk, at('stop'))).toBe(reason)
        expect(readHandle(disk, at('handle'))).toEqual(handle)
      }),
      { numRuns: 50 },
    )
  })
})

describe('a command', () => {
  test('is found in the mailbox as it was posted', async () => {
    const places = placesOf(at('workspace'))
    fs.mkdirSync(places.at(AT.incoming), { recursive: true })
    const payload = fc.dictionary(text, fc.jsonValue({ maxDepth: 5 }), { maxKeys: 4 })
    const property = fc.asyncProperty(fc.constantFrom('pause', 'add_task'), payload, async (command, given) => {
      const id = await post(disk, places, clock, command, given, 'test')
      const [found, ...more] = incoming(disk, places)
      fs.rmSync(places.at(`${AT.incoming}/${id}.json`))
      expect(more).toEqual([])
      expect(found?.envelope).toMatchObject({ command_id: id, command, issuer: 'test' })
      expect(found?.envelope?.payload).toEqual(JSON.parse(JSON.stringify(given)))
    })
    await fc.assert(property, { numRuns: 50 })
  })
})

describe('a state document', () => {
  test('that the schema takes is taken at once by status as well', () => {
    const examples: Record<string, object> = {
      runtime_snapshot: newSnapshot('2026-03-02T09:15:00.000Z'),
      recovery_counters: newCounters(),
    }
    for (const [kind, example] of Object.entries(examples)) {
      const changed = misshapen([Buffer.from(JSON.stringify(example))])!
      fc.assert(
        fc.property(changed, (raw) => {
          // The schema passes this key over; then status leaves it to the schema to say so.
          if (Buffer.from(raw).includes('__proto__')) return
          let value: unknown
          try {
            value = upgradeState(kind, JSON.parse(Buffer.from(raw).toString()))
          } catch {
            return // refused by the schema, or no JSON
          }
          expect(acceptCurrent(kind, value)).toEqual(value)
        }),
      )
    }
  })
})
