import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeLines } from './line-edit.ts'

describe('an edited text over its original', () => {
  it('keeps the line ends of the original, also where they differ', () => {
    const original = 'a\r\nb\nc\r\n'
    expect(mergeLines(original, 'a\nb\nx\nc\n')).toEqual({ text: 'a\r\nb\nx\nc\r\n', at: 2, removed: [], added: ['x'] })
    expect(mergeLines(original, 'a\nx\nb\nc\n').text).toBe('a\r\nx\r\nb\nc\r\n')
  })

  it('begins a new line behind a last one that had no end', () => {
    expect(mergeLines('a', 'a\nb').text).toBe('a\nb\n')
    expect(mergeLines('', 'a').text).toBe('a\n')
    expect(mergeLines('a\nb', 'a\nc\nb')).toMatchObject({ text: 'a\nc\nb' })
  })

  it('says which lines went and which came', () => {
    expect(mergeLines('a\nb\nc\n', 'a\nB\nc\n')).toMatchObject({ removed: ['b'], added: ['B'] })
  })

  it('always says what the edited text says, and nothing new where nothing was changed', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', '', 'a = 1'))
      .map((lines) => lines.map((line) => `${line}\n`).join(''))
    fc.assert(
      fc.property(text, text, (before, after) => {
        const windows = before.replaceAll('\n', '\r\n')
        expect(mergeLines(windows, after).text.replaceAll('\r\n', '\n')).toBe(after)
        expect(mergeLines(windows, before).text).toBe(windows)
      }),
    )
  })
})
