/** What every command does with its payload and its answer. */

import type { Draft } from '../../core/changes.ts'
import { problemsText } from '../../core/clip.ts'
import { MillraceError } from '../../core/errors.ts'
import type { ChangeOutcome } from '../../core/operation.ts'

/** Reasons and names are kept in the snapshot and told in events; whatever is longer is a document. */
const TEXT_CHARS_MAX = 4000

export const text = (payload: Record<string, unknown>, name: string, fallback?: string): string => {
  const value = Object.hasOwn(payload, name) ? payload[name] : undefined
  if (typeof value === 'string' && value.length > TEXT_CHARS_MAX)
    throw new MillraceError('mailbox_invalid', `The command takes at most ${TEXT_CHARS_MAX} characters as ${name}.`)
  if (typeof value === 'string' && value.trim() !== '') return value.trim()
  if (fallback !== undefined) return fallback
  throw new MillraceError('mailbox_invalid', `The command needs ${name} as text.`)
}

/** For what may be left out, or be null. */
export const textOrNull = (payload: Record<string, unknown>, name: string): string | null =>
  (Object.hasOwn(payload, name) ? payload[name] : null) === null ? null : text(payload, name)

export function only(payload: Record<string, unknown>, ...names: string[]): void {
  const unknown = Object.keys(payload).filter((name) => !names.includes(name))
  if (unknown.length > 0)
    throw new MillraceError('mailbox_invalid', `The command does not take ${problemsText(unknown)}.`, {
      hint: `it takes ${names.join(', ') || 'nothing'}`,
    })
}

export const done = (draft: Draft, detail: string, more: Record<string, unknown> = {}): ChangeOutcome => ({
  changes: draft.finish(),
  output: { applied: true, detail, ...more },
})
export const unchanged = (detail: string): ChangeOutcome => ({ changes: [], output: { applied: false, detail } })
