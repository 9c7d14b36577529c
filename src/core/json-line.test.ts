import { describe, expect, it } from 'vitest'
import { objectInLine } from './json-line.ts'

describe('a line', () => {
  it('gives the object it holds, with or without white space around it', () => {
    expect(objectInLine('{"a":[1]}')).toEqual({ a: [1] })
    expect(objectInLine(' {} \r')).toEqual({})
  })

  it('gives nothing if it holds no object, or more than one', () => {
    for (const line of ['', 'text', 'null', '5', '"{}"', '[]', '{', '}', '{"a":', '{}{}', '{} {}', '{x}'])
      expect(objectInLine(line), line).toBeNull()
  })

  it('keeps a key that stands for the prototype to itself', () => {
    const object = objectInLine('{"__proto__":{"polluted":true}}')!
    expect(Object.keys(object)).toEqual(['__proto__'])
    expect(object.polluted).toBeUndefined()
  })
})
