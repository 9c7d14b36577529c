import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTimestamp } from './timestamp.ts'

const text = (written: string) => parseTimestamp(written)?.text ?? null

describe('parseTimestamp', () => {
  it.each([
    ['2026-03-02T09:15:00Z', '2026-03-02T09:15:00Z'],
    ['2026-03-02t09:15:00z', '2026-03-02T09:15:00Z'],
    ['2026-03-02T09:15:00+00:00', '2026-03-02T09:15:00Z'],
    ['2026-03-02T09:15:00-00:00', '2026-03-02T09:15:00Z'],
    ['2026-03-02T09:15:00+02:00', '2026-03-02T09:15:00+02:00'],
    ['2026-03-02T09:15:00-0530', '2026-03-02T09:15:00-05:30'],
    ['2026-03-02T09:15:00.12Z', '2026-03-02T09:15:00.120000Z'],
    ['2026-03-02T09:15:00,5Z', '2026-03-02T09:15:00.500000Z'],
    ['2026-03-02T09:15:00.000Z', '2026-03-02T09:15:00Z'],
    ['2026-03-02T09:15:00.123456789Z', '2026-03-02T09:15:00.123456Z'],
    ['2026-03-02 09:15', '2026-03-02T09:15:00Z'],
    ['2026-03-02', '2026-03-02T00:00:00Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z'],
    ['2024-02-29', '2024-02-29T00:00:00Z'],
    ['2000-02-29', '2000-02-29T00:00:00Z'],
    ['2026-12-31', '2026-12-31T00:00:00Z'],
    ['0', '1970-01-01T00:00:00Z'],
    ['1772442900', '2026-03-02T09:15:00Z'],
    ['1772442900.25', '2026-03-02T09:15:00.250000Z'],
    ['1772442900250', '2026-03-02T09:15:00.250000Z'],
  ])('reads %s and writes %s', (written, canonical) => {
    expect(text(written)).toBe(canonical)
  })

  it.each([
    '',
    'yesterday',
    '2026-13-01',
    '2026-00-01',
    '2026-03-00',
    '2026-02-30',
    '2026-02-29',
    '1900-02-29',
    '2026-04-31',
    '2026-06-31',
    '2026-09-31',
    '2026-11-31',
    '2026-12-32',
    '0000-01-01',
    '2026-03-02T24:00:00Z',
    '2026-03-02T09:60:00Z',
    '2026-03-02T09:15:60Z',
    '2026-03-02T09:15:00+24:00',
    '2026-03-02T09:15:00+02:60',
    '2026-03-02T09',
    '2026-03-02T09:15:00 Z',
    '-1',
    '1e9',
    '999999999999999',
  ])('refuses %j', (written) => {
    expect(parseTimestamp(written)).toBeNull()
  })

  it('takes a time without offset for UTC', () => {
    expect(parseTimestamp('2026-03-02T09:15:00')).toEqual(parseTimestamp('2026-03-02T09:15:00Z'))
  })

  it('orders times by the instant they name, to the microsecond', () => {
    expect(parseTimestamp('2026-03-02T11:15:00+02:00')?.ms).toBe(Date.UTC(2026, 2, 2, 9, 15))
    expect(parseTimestamp('2026-03-02T04:15:00-05:00')?.ms).toBe(Date.UTC(2026, 2, 2, 9, 15))
    expect(parseTimestamp('2026-03-02T14:45:00+05:30')?.ms).toBe(Date.UTC(2026, 2, 2, 9, 15))
    expect(parseTimestamp('2026-03-02T05:45:00-0330')?.ms).toBe(Date.UTC(2026, 2, 2, 9, 15))
    expect(parseTimestamp('2026-03-03T09:14:00+23:59')?.ms).toBe(Date.UTC(2026, 2, 2, 9, 15))
    expect(parseTimestamp('1772442900.250001')?.ms).toBe(Date.UTC(2026, 2, 2, 9, 15) + 250.001)
    const [early, late] = ['2026-03-02T09:15:00.000001Z', '2026-03-02T09:15:00.000002Z'].map(parseTimestamp)
    expect(early!.ms).toBeLessThan(late!.ms)
  })

  it('agrees with the calendar of the platform and is stable under a second reading', () => {
    const dates = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(dates, (date) => {
        const read = parseTimestamp(date.toISOString())!
        expect(read.ms).toBe(date.getTime())
        expect(parseTimestamp(read.text)).toEqual(read)
      }),
    )
  })

  it('never throws and is stable on anything that looks like a time', () => {
    const alphabet = fc.string({ unit: fc.constantFrom(...'0123456789-:.TZ+ ,'), maxLength: 30 })
    fc.assert(
      fc.property(alphabet, (written) => {
        const read = parseTimestamp(written)
        if (read !== null) expect(parseTimestamp(read.text)?.text).toBe(read.text)
      }),
      { numRuns: 2000 },
    )
  })
})
