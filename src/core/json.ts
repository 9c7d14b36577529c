/** JSON of state files, as whoever had them in hand left them. */

/**
 * What the text holds, without members named `__proto__`, however they are spelled: schemas do not look at them, and they
 * change what is copied from the object. Throws what JSON.parse throws.
 */
export const parseJson = (text: string): unknown =>
  /__proto__|\\u/.test(text)
    ? JSON.parse(text, (name, value: unknown) => (name === '__proto__' ? undefined : value))
    : JSON.parse(text)

/** As it is written to a file of its own: for people to read as well. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
