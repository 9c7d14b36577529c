import { describe, expect, it } from 'vitest'
import { duration, relativeTime } from './time.ts'

describe('durations', () => {
  it.each([
    [0, '0s'],
    [59.9, '59s'],
    [60, '1m'],
    [200, '3m 20s'],
    [7200, '2h'],
    [7261, '2h 1m'],
    [90_000, '1d 1h'],
    [-5, '0s'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text)
  })
})

describe('relative times', () => {
  const now = new Date('2026-03-02T12:00:00Z')
  it.each([
    ['2026-03-02T11:59:59.500Z', 'just now'],
    ['2026-03-02T11:59:00Z', '1m ago'],
    ['2026-03-01T10:00:00Z', '1d ago'],
    ['2026-03-02T14:00:00Z', 'in 2h'],
    ['soon', 'soon'],
    [null, 'none'],
  ])('%s is %s', (iso, text) => {
    expect(relativeTime(iso, now)).toBe(text)
  })
})
