import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJson } from './json.ts'

test('members named __proto__ are left out, at every depth and in every spelling', () => {
  expect(Object.hasOwn(parseJson('{"a":1,"__proto__":{"b":2}}') as object, '__proto__')).toBe(false)
  const deep = parseJson('{"a":[{"\\u005f_proto__":{"b":2},"c":3}]}') as { a: [object] }
  expect(Object.keys(deep.a[0])).toEqual(['c'])
})

test('everything else is what JSON.parse makes of it', () => {
  const noProto = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('__proto__'))
  fc.assert(
    fc.property(noProto, (value) => {
      const text = JSON.stringify(value)
      expect(parseJson(text)).toEqual(JSON.parse(text))
    }),
  )
})

test('text that is no JSON throws as JSON.parse does', () => {
  expect(() => parseJson('{')).toThrow(SyntaxError)
  expect(() => parseJson('{"__proto__":')).toThrow(SyntaxError)
})
