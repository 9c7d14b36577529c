/** An edited text over its original: only the lines that differ are taken over, every other byte stays the original's. */

export interface LineEdit {
  text: string
  /** Index of the first line that differs. */
  at: number
  removed: string[]
  added: string[]
}

/**
 * `edited` was made from `original`, perhaps with other line ends. New lines get the line end of the line they come
 * after, or of the first one.
 */
export function mergeLines(original: string, edited: string): LineEdit {
  const before = linesOf(original)
  const after = linesOf(edited).map(bare)
  const most = Math.min(before.length, after.length)
  let head = 0
  while (head < most && bare(before[head]!) === after[head]) head++
  let tail = 0
  while (tail < most - head && bare(before.at(-1 - tail)!) === after.at(-1 - tail)) tail++
  const added = after.slice(head, after.length - tail)
  const end = endOf(before[head - 1] ?? '') || endOf(before[0] ?? '') || '\n'
  const start = before.slice(0, head).map((line) => (endOf(line) === '' && added.length > 0 ? line + end : line))
  const rest = before.slice(before.length - tail)
  const text = [...start, ...added.map((line) => line + end), ...rest].join('')
  return { text, at: head, removed: before.slice(head, before.length - tail).map(bare), added }
}

const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? []
const endOf = (line: string): string => /\r?\n$/.exec(line)?.[0] ?? ''
const bare = (line: string): string => line.slice(0, line.length - endOf(line).length)
