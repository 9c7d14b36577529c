import { describe, expect, it } from 'vitest'
import { anything, flag, integer, listOf, mapOf, maybe, oneOf, orNull, record, text } from './shape.ts'

const person = record({ name: text, age: integer, tags: listOf(text), nick: maybe(text), boss: orNull(text) })
const whole = { name: 'a', age: 5, tags: ['x'], boss: null }

describe('a shape', () => {
  it('takes a record that has what it asks for, whatever else is there', () => {
    expect(person(whole)).toBe(true)
    expect(person({ ...whole, nick: 'b', more: [] })).toBe(true)
  })

  it('refuses a record in which a member is missing or of another type', () => {
    for (const [name, value] of Object.entries({ name: 1, age: '5', tags: ['x', null], nick: 5, boss: undefined }))
      expect(person({ ...whole, [name]: value }), name).toBe(false)
    for (const value of [null, undefined, [], 'text', 5]) expect(person(value)).toBe(false)
  })

  it('tells lists, maps, words and numbers apart', () => {
    expect(mapOf(flag)({ a: true, b: false })).toBe(true)
    expect(mapOf(flag)({ a: true, b: 1 })).toBe(false)
    expect(mapOf(anything)({ a: undefined, b: [] })).toBe(true)
    expect(mapOf(anything)([])).toBe(false)
    expect(listOf(anything)({})).toBe(false)
    expect([null, 'a', undefined, 1].map((value) => orNull(text)(value))).toEqual([true, true, false, false])
    expect([null, 'a', undefined, 1].map((value) => maybe(text)(value))).toEqual([true, true, true, false])
    expect(oneOf('on', 'off')('on')).toBe(true)
    expect(oneOf('on', 'off')('constructor')).toBe(false)
    for (const value of [1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, '1']) expect(integer(value)).toBe(false)
  })
})
