import { expect, test } from 'vitest'
import { instantOf } from './instant.ts'

const NOW = new Date('2026-03-02T12:00:00Z')
const iso = (text: string) => new Date(instantOf(text, '--since', NOW)).toISOString()

test.each([
  ['2026-03-02', '2026-03-02T00:00:00.000Z'],
  ['2026-03-02T09:15:00+01:00', '2026-03-02T08:15:00.000Z'],
  ['90s', '2026-03-02T11:58:30.000Z'],
  ['30m', '2026-03-02T11:30:00.000Z'],
  ['5h', '2026-03-02T07:00:00.000Z'],
  ['2d', '2026-02-28T12:00:00.000Z'],
  ['1w', '2026-02-23T12:00:00.000Z'],
])('%s is %s', (text, expected) => {
  expect(iso(text)).toBe(expected)
})

test.each(['yesterday', '5 parsecs', '', '-5h', '2026-13-01'])('%j is refused in a sentence', (text) => {
  expect(() => instantOf(text, '--since', NOW)).toThrow('--since needs a time or an age')
})
