/** The index of skills, by which stages choose further ones: one row is added or brought up to date, all else stays. */
import { clip } from './clip.ts'

export interface IndexRow {
  id: string
  description: string
  /** Stage kinds it is recommended for. */
  stages: readonly string[]
  /** Of its `SKILL.md`, relative to the folder of the index. */
  path: string
}

const HEADING = '## Installed Skills'
const TABLE = ['| Skill | Description | Tags | Path | Status |', '|---|---|---|---|---|']
const STATUS = 'installed'
/** Of a row of the index: what stands before, between and behind its bars. */
const CELLS = TABLE[0]!.split('|').length
const CELL_CHARS_MAX = 300

/** The index with a row for the skill. */
export function withIndexRow(index: string, row: IndexRow): string {
  const end = index.includes('\r\n') ? '\r\n' : '\n'
  const lines = index.replace(/\r$/, '').split(/\r?\n/) // half a line end would become a whole one
  const at = lines.findIndex((line) => listedIn(line) === row.id)
  if (at >= 0) lines[at] = updated(lines[at]!, row)
  else add(lines, rowOf(row, row.stages.join(', ') || 'none'))
  return lines.join(end)
}

/** Id of the skill that a line of the index is about; null if it is about none. */
function listedIn(line: string): string | null {
  if (line.startsWith('|')) return plain(line.split('|')[1] ?? '')
  return /^[-*] `?([\w.-]+)`?:/.exec(line)?.[1] ?? null
}

const plain = (cell: string): string => cell.trim().replaceAll('`', '')

/** Tags are the operator's; a row of another form than ours is theirs altogether. */
function updated(line: string, row: IndexRow): string {
  if (!line.startsWith('|')) return `- ${row.id}: ${row.path}`
  const cells = line.split('|')
  return cells.length === CELLS ? rowOf(row, cells[3]!.trim()) : line
}

const rowOf = ({ id, description, path }: IndexRow, tags: string): string =>
  `| \`${id}\` | ${cell(description)} | ${tags} | \`${path}\` | ${STATUS} |`

/** A bar would end the cell. */
const cell = (text: string): string => clip(text.replace(/\s+/g, ' ').replaceAll('|', '/'), CELL_CHARS_MAX)

/** Puts a row at the end of the table of installed skills, which is made where there is none. */
function add(lines: string[], row: string): void {
  const heading = lines.findIndex((line) => line.trim() === HEADING)
  if (heading < 0) {
    while (lines.at(-1)?.trim() === '') lines.pop()
    lines.push(...(lines.length > 0 ? [''] : []), HEADING, '', ...TABLE, row, '')
    return
  }
  let at = heading + 1
  while (at < lines.length && !/^(\||#)/.test(lines[at]!)) at++
  if (!lines[at]?.startsWith('|')) {
    lines.splice(heading + 1, 0, '', ...TABLE, row)
    return
  }
  while (lines[at]?.startsWith('|')) at++
  lines.splice(at, 0, row)
}
