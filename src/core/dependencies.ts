/** What waits for what among items of one kind, and how one item's wait is turned to another. Pure. */
import { listField, parseDocument, setFields } from './document.ts'
import { TABLES } from './document-fields.ts'
import { readText } from './document-read.ts'
import { MillraceError } from './errors.ts'
import type { ItemKind } from './item.ts'

const STEPS_MAX = 10_000

/** Whether `target` is among what `from` wait for, or what that waits for in turn. `next`: what an id waits for. */
export function leadsTo(from: readonly string[], target: string, next: (id: string) => readonly string[]): boolean {
  const seen = new Set<string>()
  const stack = [...from]
  for (let id = stack.pop(); id !== undefined && seen.size < STEPS_MAX; id = stack.pop()) {
    if (id === target) return true
    if (seen.has(id)) continue
    seen.add(id)
    stack.push(...next(id))
  }
  return false
}

/**
 * The document with `to` in place of the dependency `from`, each named once; without any `to`, or where it names them all
 * already, the dependency is taken out. Every byte beside the lines of the dependencies stays as it is. Throws
 * `document_invalid` if the text is no valid document.
 */
export function turnDependency(text: string, kind: ItemKind, from: string, to: readonly string[]): string {
  const read = parseDocument(kind, text)
  if (!read.ok)
    throw new MillraceError('document_invalid', `The ${kind} cannot be edited.`, {
      hint: 'see what is wrong with `millrace doctor`',
    })
  const before = listField(read.document, 'depends_on')
  const wanted = [...new Set(before.flatMap((id) => (id === from ? to : [id])))]
  const [only, ...more] = to
  if (only !== undefined && more.length === 0 && !before.includes(only)) {
    const swapped = swapItem(text, kind, from, only)
    const after = parseDocument(kind, swapped)
    if (after.ok && JSON.stringify(listField(after.document, 'depends_on')) === JSON.stringify(wanted)) return swapped
  }
  return setFields(text, kind, { depends_on: wanted })
}

/** One id for another within its own line, however the line is written. */
function swapItem(text: string, kind: ItemKind, from: string, to: string): string {
  const read = readText(TABLES[kind], text)
  const entry = read.ok
    ? read.scan.entries.find(({ use, items }) => use.field?.name === 'depends_on' && items.includes(from))
    : undefined
  if (entry === undefined) return text
  const line = new RegExp(`(^|[\\s:])${from.replaceAll('.', '\\.')}(?=[^\\S\\r\\n]*(?:[\\r\\n]|$))`)
  const lines = text.slice(entry.start, entry.end)
  return text.slice(0, entry.start) + lines.replace(line, (_, lead: string) => lead + to) + text.slice(entry.end)
}
