import { describe, expect, test } from 'vitest'
import { appendStep, isTorn } from './append-step.ts'

describe('an append', () => {
  const ours = Buffer.from('abc\n')

  test('does not look for its torn end in the middle of a line', () => {
    for (const text of ['0123456789xxab', '0123456789ab\0\0']) {
      const file = Buffer.from(text)
      const step = appendStep(file.length, (offset, length) => file.subarray(offset, offset + length), 5, ours)
      expect(step).toEqual({ keep: file.length, add: Buffer.from('\nabc\n'), gap: true })
    }
  })

  test('looks for it at the beginning of a file that was cut short', () => {
    for (const text of ['ab', 'abc', 'ab\0\0']) {
      const file = Buffer.from(text)
      const step = appendStep(file.length, (offset, length) => file.subarray(offset, offset + length), 5, ours)
      expect(step).toEqual({ keep: 0, add: ours, gap: true })
    }
  })
})

test('bytes count as torn only if they are a prefix, with zeros behind it at most', () => {
  const ours = Buffer.from('abc')
  for (const torn of ['', 'a', 'abc', 'a\0\0', '\0']) expect(isTorn(Buffer.from(torn), ours)).toBe(true)
  for (const foreign of ['abcd', 'b', 'a\0c', 'abc\0']) expect(isTorn(Buffer.from(foreign), ours)).toBe(false)
})
