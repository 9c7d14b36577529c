/** Columns for a terminal: aligned by displayed width, cut to fit. Not used where output goes to a program. */
import stringWidth from 'string-width'
import { safeText } from './safe.ts'

export interface Column {
  title: string
  align?: 'left' | 'right'
  /** Gives way where the line is too long; the widest first if there are several. */
  flexible?: boolean
}

const GAP = 2
const FLEXIBLE_WIDTH_MIN = 12
const INDENT = '    '
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

/**
 * A heading and one line per row, within `width`: flexible columns give way, the widest first. Where that is not enough
 * the cells of a row stand one after the other on as many lines as they need. No line ends in spaces.
 */
export function textTable(
  rows: readonly (readonly string[])[],
  columns: readonly Column[],
  width: number,
  heading: (text: string) => string = (text) => text,
): string {
  const cells = rows.map((row) => columns.map((_, index) => safeText(row[index] ?? '')))
  const widths = widthsOf(cells, columns, width)
  if (widths === null) return cells.map((row) => onLines(row, width)).join('\n')
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

/** Of each column; null where the line is too long however much the flexible ones give way. */
function widthsOf(
  cells: readonly (readonly string[])[],
  columns: readonly Column[],
  width: number,
): readonly number[] | null {
  const widths = columns.map((column, index) =>
    Math.max(stringWidth(column.title), ...cells.map((row) => stringWidth(row[index]!))),
  )
  const flexible = columns.flatMap((column, index) => (column.flexible === true ? [index] : []))
  let overflow = widths.reduce((sum, one) => sum + one, GAP * (columns.length - 1)) - width
  while (overflow > 0) {
    const widest = flexible.reduce((best, index) => (widths[index]! >= widths[best]! ? index : best), flexible[0] ?? -1)
    if (widest === -1 || widths[widest]! <= FLEXIBLE_WIDTH_MIN) return null
    widths[widest]! -= 1
    overflow -= 1
  }
  return widths
}

/** The cells of one row, broken into lines; all but the first are indented. */
function onLines(row: readonly string[], width: number): string {
  const lines: string[] = []
  let current = ''
  for (const cell of row.filter((text) => text.trim() !== '')) {
    const shown = cut(cell.trim(), Math.max(FLEXIBLE_WIDTH_MIN, width - INDENT.length))
    if (current !== '' && stringWidth(current) + GAP + stringWidth(shown) > width) {
      lines.push(current)
      current = `${INDENT}${shown}`
    } else current = current === '' ? shown : `${current}${' '.repeat(GAP)}${shown}`
  }
  return [...lines, current].map((line) => line.trimEnd()).join('\n')
}
