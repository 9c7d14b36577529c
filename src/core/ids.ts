/** Identifiers: what is safe to become a file name, and the spellings of generated ids (spec 01 §2.2, §6.5). */
import { MillraceError } from './errors.ts'

const SAFE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]*$/
/** A file name is at most 255 bytes on every file system we support; `.md` and our own suffixes must still fit. */
export const ID_LENGTH_MAX = 200

export function isSafeId(value: string): boolean {
  return value.length <= ID_LENGTH_MAX && SAFE_ID.test(value)
}

/** Returns the id, or throws `id_invalid` naming what was being read. */
export function requireSafeId(value: string, what: string): string {
  if (isSafeId(value)) return value
  throw new MillraceError('id_invalid', `${what} ${JSON.stringify(value.slice(0, 80))} is not a safe identifier.`, {
    hint: `use letters, digits, ".", "_" and "-", start with a letter or digit, at most ${ID_LENGTH_MAX} characters`,
  })
}

/** The ids a text means: the very one, or else all that begin so, with or without the prefix all of them have. */
export function idsMeant(given: string, ids: readonly string[], prefix = ''): string[] {
  if (given === '') return []
  return ids.includes(given) ? [given] : ids.filter((id) => id.startsWith(given) || id.startsWith(prefix + given))
}

const SHARERS_TOLD_MAX = 5

/** Refuses a start that several ids share; `what` they are, in the plural. */
export function requireOneMeant(given: string, found: readonly string[], what: string): void {
  if (found.length < 2) return
  const shown = found.slice(0, SHARERS_TOLD_MAX).join(', ')
  throw new MillraceError('item_ambiguous', `${given} is the start of ${found.length} ${what}: ${shown}.`, {
    hint: 'give more of the id',
  })
}

/** Hex. What hashes is loaded when first needed: that takes longer than all that commands such as `status` do. */
export function sha256(bytes: Uint8Array | string): string {
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(bytes).digest('hex')
}

/** JSON with recursively sorted keys and no white space: the form every content hash is taken over. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : member,
  )
}

/** `<prefix>-<12 hex>` over the canonical JSON of a value. */
export function contentId(prefix: string, value: unknown): string {
  return `${prefix}-${sha256(canonicalJson(value)).slice(0, 12)}`
}
