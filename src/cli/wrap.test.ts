import * as fc from 'fast-check'
import stringWidth from 'string-width'
import { expect, it } from 'vitest'
import { wrap } from './wrap.ts'

it('breaks between words, and indents as told', () => {
  expect(wrap('one two three four', 10, '- ', '  ')).toEqual(['- one two', '  three', '  four'])
  expect(wrap('a verylongwordindeed b', 8)).toEqual(['a', 'verylongwordindeed', 'b'])
  expect(wrap('', 8, '- ')).toEqual([])
})

it('counts wide letters and not colours', () => {
  expect(wrap('修理 修理 修理', 9)).toEqual(['修理 修理', '修理'])
  expect(wrap('\u001b[31mone\u001b[39m two', 7)).toEqual(['\u001b[31mone\u001b[39m two'])
})

it('loses no word, and keeps to the width where the words do', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '界'), minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(fc.array(word), fc.integer({ min: 12, max: 40 }), (words, width) => {
      const lines = wrap(words.join(' '), width, '  ')
      expect(lines.flatMap((line) => line.trim().split(' ')).filter(Boolean)).toEqual(words)
      for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width)
    }),
  )
})
