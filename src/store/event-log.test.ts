import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Rig } from '../../test/rig/runtime.ts'
import { tailEvents } from './event-log.ts'
import { disk } from './files.ts'
import { AT, type Places, placesOf } from './layout.ts'

let root: string
let places: Places
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-log-'))
  places = placesOf(root)
  fs.mkdirSync(places.at(AT.logs), { recursive: true })
})
afterEach(() => fs.rmSync(root, { recursive: true, force: true }))

const line = (number: number, filler = 0): string =>
  `${JSON.stringify({ schema_version: '1.0', kind: 'runtime_event', event_type: 'test', occurred_at: '2026-03-01T10:00:00Z', data: { number, filler: 'x'.repeat(filler) } })}\n`
const write = (text: string): void => fs.writeFileSync(places.at(AT.events), text)
const numbers = (count: number): unknown[] => tailEvents(disk, places, count).events.map((event) => event.data.number)

describe('the end of the event log', () => {
  test('is read newest last, as many as asked for', () => {
    write(Array.from({ length: 20 }, (_, number) => line(number)).join(''))
    expect(numbers(3)).toEqual([17, 18, 19])
    expect(numbers(100)).toHaveLength(20)
  })

  test('is found in a log of many chunks, with lines that lie across them', () => {
    write(Array.from({ length: 400 }, (_, number) => line(number, 700)).join(''))
    expect(numbers(300)).toEqual(Array.from({ length: 300 }, (_, index) => index + 100))
  })

  test('may hold one line that is larger than a chunk', () => {
    write(`${line(1)}${line(2, 200_000)}${line(3)}`)
    expect(numbers(3)).toEqual([1, 2, 3])
  })

  test('skips and counts what is no event, and leaves a torn last line alone', () => {
    write(`${line(1)}not json\n{"kind":"other"}\n${line(2)}{"kind":"runtime_ev`)
    const page = tailEvents(disk, places, 10)
    expect(page.events.map((event) => event.data.number)).toEqual([1, 2])
    expect(page.skipped).toBe(2)
  })

  test('torn inside a character, or by bytes that are no text, is followed on from behind its last whole line', () => {
    for (const torn of [
      Uint8Array.of(0x7b, 0xe2, 0x80),
      Uint8Array.of(0xff, 0xff),
      new Uint8Array(100_000).fill(0xff),
    ]) {
      fs.writeFileSync(places.at(AT.events), Buffer.concat([Buffer.from(line(1)), torn]))
      expect(tailEvents(disk, places, 1)).toMatchObject({ events: [{ data: { number: 1 } }], end: line(1).length })
    }
  })

  test('passes over an event that lacks what readers show', () => {
    write(`${line(1)}{"schema_version":"1.0","kind":"runtime_event","event_type":"x","occurred_at":"y"}\nnull\n`)
    expect(tailEvents(disk, places, 5)).toMatchObject({ events: [{ data: { number: 1 } }], skipped: 2 })
  })

  test('is empty where there is no log', () => {
    expect(tailEvents(disk, places, 10)).toEqual({ events: [], skipped: 0, end: 0 })
  })
})

test('a log that is put aside keeps every event, and the live name begins anew', async () => {
  const rig = await Rig.create()
  try {
    const engine = await rig.open()
    const before = rig.read('logs/runtime_events.jsonl')
    await engine.commit([{ change: 'log.rotate', path: AT.events }])
    expect(rig.exists('logs/runtime_events.jsonl')).toBe(false)
    await engine.commit([{ change: 'event.append', event_type: 'runtime_tick_idle', data: {} }])
    await rig.close()
    const aside = rig.list('logs').filter((name) => /^runtime_events\.\d{8}T\d{6}Z\.\d+\.jsonl$/.test(name))
    expect(aside).toHaveLength(1)
    expect(rig.read('logs', aside[0]!)).toBe(before)
    expect(rig.read('logs/runtime_events.jsonl')).toContain('runtime_tick_idle')
  } finally {
    rig.dispose()
  }
})
