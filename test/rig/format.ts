/**
 * The laws of a file format. A document that says everything is read as it stands, one that says as little as it may is
 * filled in, and whatever is misspelt, missing, of another type or out of bounds is refused at its place.
 */
import { describe, expect, test } from 'vitest'
import type * as z from 'zod'

export interface Format {
  schema: z.ZodType
  /** Says everything: longer texts than one letter, more than one entry in each list, no key with a dot. */
  full: object
  /** Says only what has to be said. */
  least: object
  /** What `least` is read as. */
  filled: object
  /** Words a member takes, by its dotted path in `full`; no other word is one. */
  words?: Readonly<Record<string, readonly (string | null)[]>>
  /** Lowest whole number a member takes, by its path. */
  lowest?: Readonly<Record<string, number>>
  /** Paths of texts and lists that must not be empty. */
  filledIn?: readonly string[]
  /** Paths of objects whose keys anybody may choose. */
  open?: readonly string[]
  /** Paths below which anything goes. */
  free?: readonly string[]
}

interface Place {
  path: string
  value: unknown
  /** Whether the keys beside it are the format's own. */
  named: boolean
}

/** Every value inside a value, with the way to it. */
function placesIn(value: unknown, format: Format, at: readonly string[] = []): Place[] {
  const path = at.join('.')
  if (value === null || typeof value !== 'object' || format.free?.includes(path)) return []
  const named = !Array.isArray(value) && !format.open?.includes(path)
  return Object.entries(value).flatMap(([key, member]) => [
    { path: [...at, key].join('.'), value: member, named },
    ...placesIn(member, format, [...at, key]),
  ])
}

/** A copy with another value at a path; undefined takes the member away. Samples may use one object in two places. */
function altered(document: object, path: string, value: unknown): object {
  const copy = JSON.parse(JSON.stringify(document)) as Record<string, unknown>
  const keys = path.split('.')
  const last = keys.pop()!
  const holder = keys.reduce<Record<string, unknown>>((at, key) => at[key] as Record<string, unknown>, copy)
  if (value === undefined) delete holder[last]
  else holder[last] = value
  return copy
}

/** Whether a document is refused because of what is, or is missing, at a path or inside it. */
function isRefusedAt(schema: z.ZodType, document: object, path: string): boolean {
  const { error } = schema.safeParse(document)
  return error?.issues.some((issue) => `${issue.path.join('.')}.`.startsWith(`${path}.`)) ?? false
}

const ofAnotherType = (value: unknown): unknown => (typeof value === 'string' ? 7 : 'a text')

/** Describes a format by its laws. */
export function describeFormat(name: string, format: Format): void {
  const { schema, full, least, filled, words = {}, lowest = {}, filledIn = [], free = [] } = format
  const places = placesIn(full, format)
  const notRefused = (paths: readonly string[], change: (path: string) => unknown, document = full) =>
    paths.filter((path) => !isRefusedAt(schema, altered(document, path, change(path)), path))

  describe(name, () => {
    test('is read as it stands where it says everything', () => {
      expect(schema.parse(full)).toEqual(full)
    })

    test('is filled in where it says as little as it may', () => {
      expect(schema.parse(least)).toEqual(filled)
    })

    test('is refused without any member that has to be there', () => {
      const owed = placesIn(least, format).flatMap(({ path, named }) => (named ? [path] : []))
      expect(notRefused(owed, () => undefined, least)).toEqual([])
    })

    test('is refused with a member it does not know, wherever it stands', () => {
      const own = new Set(places.flatMap(({ path, named }) => (named ? [path.split('.').slice(0, -1).join('.')] : [])))
      expect(own.size).toBeGreaterThan(0)
      for (const holder of own) {
        const path = holder ? `${holder}.unheard_of` : 'unheard_of'
        const { error } = schema.safeParse(altered(full, path, 1))
        const told = error?.issues.filter((issue) => issue.code === 'unrecognized_keys')
        expect(told, path).toMatchObject([{ path: holder ? holder.split('.').map(keyOf) : [], keys: ['unheard_of'] }])
      }
    })

    test('is refused with a value of another type, wherever it stands', () => {
      const typed = places.filter(({ path, value }) => value !== null && !free.some((at) => path.startsWith(`${at}.`)))
      const valueAt = new Map(typed.map(({ path, value }) => [path, value]))
      expect(notRefused([...valueAt.keys()], (path) => ofAnotherType(valueAt.get(path)))).toEqual([])
    })

    if (Object.keys(words).length > 0)
      test.each(Object.entries(words))('has its own words for %s', (path, known) => {
        for (const word of known) expect(schema.parse(altered(full, path, word)), `${word}`).toBeDefined()
        for (const word of ['', 'unheard_of'])
          expect(
            notRefused([path], () => word),
            word,
          ).toEqual([])
      })

    if (Object.keys(lowest).length > 0)
      test.each(Object.entries(lowest))('counts %s in whole numbers from %i', (path, number) => {
        for (const taken of [number, number + 1, 1_000_000]) {
          expect(schema.safeParse(altered(full, path, taken)).success, `${taken}`).toBe(true)
        }
        for (const refused of [number - 1, number + 0.5]) expect(notRefused([path], () => refused)).toEqual([])
      })

    if (filledIn.length > 0)
      test('leaves no text and no list empty that has to say something', () => {
        const valueAt = new Map(places.map(({ path, value }) => [path, value]))
        expect(notRefused(filledIn, (path) => (Array.isArray(valueAt.get(path)) ? [] : ''))).toEqual([])
      })
  })
}

/** Positions are numbers in the path of an issue. */
const keyOf = (key: string): string | number => (/^\d+$/.test(key) ? Number(key) : key)
