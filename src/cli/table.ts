/** Columns for a terminal: aligned by displayed width, cut to fit. Not used where output goes to a program. */
import stringWidth from 'string-width'
import { safeText } from './safe.ts'

export interface Column {
  title: string
  align?: 'left' | 'right'
  /** Gives way first where the line is too long; the last such column if there are several. */
  flexible?: boolean
}

const GAP = 2
const FLEXIBLE_WIDTH_MIN = 12
const ESCAPE = '\u001b'
const COLOURS = /(\u001b\[[0-9;]*m)/
const RESET = `${ESCAPE}[0m`

/** Cuts to a displayed width with an ellipsis; never inside a wide character or a colour. */
export function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text
  let taken = ''
  let used = 0
  for (const piece of text.split(COLOURS)) {
    if (piece.startsWith(ESCAPE)) {
      taken += piece
      continue
    }
    for (const { segment } of new Intl.Segmenter().segment(piece)) {
      used += stringWidth(segment)
      if (used > width - 1) return `${taken}…${taken.includes(ESCAPE) ? RESET : ''}`
      taken += segment
    }
  }
  return taken
}

/** A heading and one line per row, within `width` where the flexible column can give way; no line ends in spaces. */
export function textTable(
  rows: readonly (readonly string[])[],
  columns: readonly Column[],
  width: number,
  heading: (text: string) => string = (text) => text,
): string {
  const cells = rows.map((row) => columns.map((_, index) => safeText(row[index] ?? '')))
  const widths = columns.map((column, index) =>
    Math.max(stringWidth(column.title), ...cells.map((row) => stringWidth(row[index]!))),
  )
  const flexible = columns.findLastIndex((column) => column.flexible === true)
  const overflow = widths.reduce((sum, one) => sum + one, GAP * (columns.length - 1)) - width
  if (flexible !== -1 && overflow > 0)
    widths[flexible] = Math.max(Math.min(FLEXIBLE_WIDTH_MIN, widths[flexible]!), widths[flexible]! - overflow)
  const line = (texts: readonly string[]) =>
    texts
      .map((text, index) => {
        const shown = cut(text, widths[index]!)
        const padding = ' '.repeat(Math.max(0, widths[index]! - stringWidth(shown)))
        return columns[index]!.align === 'right' ? padding + shown : shown + padding
      })
      .join(' '.repeat(GAP))
      .trimEnd()
  return [heading(line(columns.map((column) => column.title))), ...cells.map(line)].join('\n')
}
