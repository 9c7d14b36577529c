/** Asking a person at the terminal. Loaded only by what asks. */
import { type CANCEL_SYMBOL, confirm, isCancel, multiselect, note, select, text } from '@clack/prompts'
import { MillraceError } from '../core/errors.ts'
import type { Ask, Option } from '../operations/ask.ts'
import { safeText } from './safe.ts'

/** Options shown at a time; the rest is scrolled to. */
const OPTIONS_SHOWN_MAX = 8

async function answered<T>(asked: Promise<T | typeof CANCEL_SYMBOL>): Promise<T> {
  const answer = await asked
  if (isCancel(answer)) throw new MillraceError('interrupted', 'Interrupted; nothing was changed.')
  return answer
}

const shown = ({ value, label, hint }: Option) => ({
  value,
  label: safeText(label),
  ...(hint === undefined ? {} : { hint: safeText(hint) }),
})

async function line(message: string, { suggested, required }: { suggested?: string; required?: string } = {}) {
  const answer = await answered(
    text({
      message,
      ...(suggested === undefined ? {} : { initialValue: suggested }),
      validate: (value) => (required !== undefined && (value ?? '').trim() === '' ? required : undefined),
    }),
  )
  return (answer ?? '').trim()
}

export const terminalAsk: Ask = {
  line,
  async lines(message, { suggested, required } = {}) {
    const found: string[] = []
    for (;;) {
      const isFirst = found.length === 0
      const answer = await line(isFirst ? `${message} (one a line; an empty one ends)` : 'And?', {
        ...(isFirst && suggested !== undefined ? { suggested } : {}),
        ...(isFirst && required !== undefined ? { required } : {}),
      })
      if (answer === '') return found
      found.push(answer)
    }
  },
  one: (message, options) => answered(select({ message, options: options.map(shown), maxItems: OPTIONS_SHOWN_MAX })),
  several: (message, options) =>
    answered(multiselect({ message, options: options.map(shown), required: false, maxItems: OPTIONS_SHOWN_MAX })),
  show: (title, content) => note(content.trimEnd().split('\n').map(safeText).join('\n'), title),
  agree: (message) => answered(confirm({ message })),
}
