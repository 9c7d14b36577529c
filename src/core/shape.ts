/**
 * Shapes of records that are read where no schema library is loaded, or where one look at a few members is enough.
 * A shape is a test of a value; members nobody asks for may be there and are not looked at.
 */
export type Shape<T> = (value: unknown) => value is T

type Members = Readonly<Record<string, Shape<unknown>>>
type RecordOf<M extends Members> = { [name in keyof M]: M[name] extends Shape<infer T> ? T : never }

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const anything = (_value: unknown): _value is unknown => true
export const text = (value: unknown): value is string => typeof value === 'string'
export const flag = (value: unknown): value is boolean => typeof value === 'boolean'
/** A whole number that is exact. */
export const integer = (value: unknown): value is number => Number.isSafeInteger(value)

export const finite = (value: unknown): value is number => Number.isFinite(value)

/** A number that is not below nothing. */
export const amount = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value < Infinity

export const oneOf =
  <T extends string>(...words: readonly T[]): Shape<T> =>
  (value): value is T =>
    (words as readonly unknown[]).includes(value)

export const orNull =
  <T>(shape: Shape<T>): Shape<T | null> =>
  (value): value is T | null =>
    value === null || shape(value)

/** For members that may be missing; null counts as missing. */
export const maybe =
  <T>(shape: Shape<T>): Shape<T | null | undefined> =>
  (value): value is T | null | undefined =>
    value === null || value === undefined || shape(value)

export const listOf =
  <T>(shape: Shape<T>): Shape<T[]> =>
  (value): value is T[] =>
    Array.isArray(value) && value.every(shape)

/** An object with any keys, all its values of one shape. */
export const mapOf =
  <T>(shape: Shape<T>): Shape<Record<string, T>> =>
  (value): value is Record<string, T> =>
    isObject(value) && Object.values(value).every(shape)

export function record<M extends Members>(members: M): Shape<RecordOf<M>> {
  const asked = Object.entries(members)
  return (value): value is RecordOf<M> => isObject(value) && asked.every(([name, shape]) => shape(value[name]))
}
