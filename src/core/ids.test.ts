import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MillraceError } from './errors.ts'
import { canonicalJson, contentId, ID_LENGTH_MAX, isSafeId, requireSafeId, sha256 } from './ids.ts'

describe('a safe id', () => {
  it.each(['a', '0', 'Task-1', 'a.b_c-d', 'x'.repeat(ID_LENGTH_MAX)])('may be %s', (id) => {
    expect(isSafeId(id)).toBe(true)
    expect(requireSafeId(id, 'The id')).toBe(id)
  })

  it.each([
    '',
    '.',
    '..',
    '.hidden',
    '-flag',
    '_x',
    'a/b',
    'a\\b',
    'a b',
    'ä',
    'a\n',
    'a\0',
    '../../etc',
    'x'.repeat(ID_LENGTH_MAX + 1),
  ])('may not be %j', (id) => {
    expect(isSafeId(id)).toBe(false)
  })

  it('is refused with what was read, shortened, and what is allowed', () => {
    const long = `${'../'.repeat(1000)}x`
    let error: unknown
    try {
      requireSafeId(long, 'The task id')
    } catch (thrown) {
      error = thrown
    }
    expect(MillraceError.is(error) && error.code).toBe('id_invalid')
    expect((error as MillraceError).message).toMatch(/^The task id "\.\.\/.{0,90} is not a safe identifier\.$/)
    expect((error as MillraceError).hint).toContain(String(ID_LENGTH_MAX))
  })

  it('is never a path, and with a suffix always a file name', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[A-Za-z0-9./_-]{1,20}$/)), (text) => {
        fc.pre(isSafeId(text))
        expect(text).toMatch(/^[A-Za-z0-9]/)
        expect(text).not.toMatch(/[/\\\0]/)
        expect(new TextEncoder().encode(`${text}.md.invalid.1000.findings.json`).length).toBeLessThan(255)
      }),
    )
  })
})

describe('canonical JSON', () => {
  it('does not depend on the order of members, at any depth', () => {
    const shuffled = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(shuffled)
      if (value === null || typeof value !== 'object') return value
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, member]) => [key, shuffled(member)]),
      )
    }
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value))
      }),
    )
  })

  it('says the same as plain JSON and keeps the order of arrays', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
    expect(canonicalJson({ b: [2, 1], a: { d: 1, c: null } })).toBe('{"a":{"c":null,"d":1},"b":[2,1]}')
  })
})

describe('hashes', () => {
  it('are SHA-256 in hexadecimal, of text as of its bytes', () => {
    expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(sha256(new TextEncoder().encode('ü'))).toBe(sha256('ü'))
  })

  it('make an id of a prefix and twelve digits that follows the content', () => {
    expect(contentId('plan-x', { a: 1, b: 2 })).toBe(contentId('plan-x', { b: 2, a: 1 }))
    expect(contentId('plan-x', { a: 1 })).toMatch(/^plan-x-[0-9a-f]{12}$/)
    expect(contentId('plan-x', { a: 1 })).not.toBe(contentId('plan-x', { a: 2 }))
  })
})
