import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CalendarUnit, isTimeZone, periodAt } from './period.ts'

const UNITS: CalendarUnit[] = ['day', 'week', 'month']
/** With clocks put forward and back, by hours and by half of one, at midnight, over the date line, or never. */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Sao_Paulo', // clocks were put forward at midnight: the day began at one
  'America/St_Johns', // until 2011 they were put back a minute after midnight, into the day before
  'America/Havana',
  'Asia/Beirut',
  'Asia/Kathmandu',
  'Australia/Lord_Howe', // by half an hour
  'Pacific/Apia', // left a whole day out
  'Pacific/Kiritimati',
  'Africa/Casablanca',
]
const iso = (unit: CalendarUnit, zone: string, at: string) => {
  const { startMs, endMs } = periodAt(unit, zone, Date.parse(at))
  return [new Date(startMs).toISOString(), new Date(endMs).toISOString()]
}

describe('a calendar period', () => {
  test.each<[string, CalendarUnit, string, string, string, string]>([
    ['a day in UTC', 'day', 'UTC', '2026-03-02T12:00:00Z', '2026-03-02T00:00:00.000Z', '2026-03-03T00:00:00.000Z'],
    [
      'the first instant belongs to its day',
      'day',
      'UTC',
      '2026-03-02T00:00:00Z',
      '2026-03-02T00:00:00.000Z',
      '2026-03-03T00:00:00.000Z',
    ],
    [
      'the day clocks are put forward has 23 hours',
      'day',
      'Europe/Berlin',
      '2026-03-29T10:00:00Z',
      '2026-03-28T23:00:00.000Z',
      '2026-03-29T22:00:00.000Z',
    ],
    [
      'the day they are put back has 25',
      'day',
      'Europe/Berlin',
      '2026-10-25T10:00:00Z',
      '2026-10-24T22:00:00.000Z',
      '2026-10-25T23:00:00.000Z',
    ],
    [
      'a day without midnight begins at one',
      'day',
      'America/Sao_Paulo',
      '2018-11-04T12:00:00Z',
      '2018-11-04T03:00:00.000Z',
      '2018-11-05T02:00:00.000Z',
    ],
    [
      'a week begins on Monday',
      'week',
      'America/New_York',
      '2026-03-08T23:00:00Z', // Sunday, and clocks are put forward
      '2026-03-02T05:00:00.000Z',
      '2026-03-09T04:00:00.000Z',
    ],
    [
      'a February of a leap year',
      'month',
      'Asia/Kathmandu',
      '2028-02-29T18:14:59Z',
      '2028-01-31T18:15:00.000Z',
      '2028-02-29T18:15:00.000Z',
    ],
    [
      'the last minute of a year, elsewhere the next already',
      'month',
      'Pacific/Kiritimati',
      '2026-12-31T09:59:59Z',
      '2026-11-30T10:00:00.000Z',
      '2026-12-31T10:00:00.000Z',
    ],
    [
      'a month that lacks a day',
      'month',
      'Pacific/Apia',
      '2011-12-31T08:00:00Z',
      '2011-12-01T10:00:00.000Z',
      '2011-12-31T10:00:00.000Z',
    ],
  ])('%s', (_what, unit, zone, at, start, end) => {
    expect(iso(unit, zone, at)).toEqual([start, end])
  })

  test('of any instant in any zone holds it, and the next begins where it ends', () => {
    const instant = fc.integer({ min: Date.parse('2000-01-01'), max: Date.parse('2040-01-01') })
    fc.assert(
      fc.property(fc.constantFrom(...UNITS), fc.constantFrom(...ZONES), instant, (unit, zone, ms) => {
        const period = periodAt(unit, zone, ms)
        expect(period.startMs).toBeLessThanOrEqual(ms)
        expect(period.endMs).toBeGreaterThan(ms)
        expect(periodAt(unit, zone, period.startMs)).toEqual(period)
        expect(periodAt(unit, zone, period.endMs - 1)).toEqual(period)
        expect(periodAt(unit, zone, period.endMs).startMs).toBe(period.endMs)
      }),
      { numRuns: 300 },
    )
  })

  test('begins and ends with the local date, as another reading of the calendar has it', () => {
    const instant = fc.integer({ min: Date.parse('2012-01-01'), max: Date.parse('2040-01-01') })
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), instant, (zone, ms) => {
        const date = (at: number) => new Date(at).toLocaleDateString('sv-SE', { timeZone: zone })
        const { startMs, endMs } = periodAt('day', zone, ms)
        expect(date(startMs)).toBe(date(ms))
        expect(date(endMs - 1)).toBe(date(ms))
        expect(date(startMs - 1) < date(ms)).toBe(true)
        expect(date(endMs) > date(ms)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('holds on both sides of every midnight that clocks were put back over', () => {
    // 2010-11-07 in Newfoundland: 00:01 became 23:01 of the day before.
    const around = Date.parse('2010-11-07T02:30:00Z')
    for (let ms = around - 3_600_000; ms < around + 7_200_000; ms += 30_000) {
      const { startMs, endMs } = periodAt('day', 'America/St_Johns', ms)
      expect(startMs <= ms && ms < endMs, new Date(ms).toISOString()).toBe(true)
    }
  })
})

test('a time zone is known by its name', () => {
  expect(ZONES.filter((zone) => !isTimeZone(zone))).toEqual([])
  expect(isTimeZone('Europe/Berlim')).toBe(false)
  expect(isTimeZone('')).toBe(false)
})
