/** On which line of a TOML file a key is set: for telling people where to look. The file is known to parse. */

const BARE = '[A-Za-z0-9_-]+'
const KEY = `(?:${BARE}|"(?:[^"\\\\]|\\\\.)*"|'[^']*')`
const DOTTED = `${KEY}(?:\\s*\\.\\s*${KEY})*`
const HEADER = new RegExp(`^\\s*\\[{1,2}\\s*(${DOTTED})\\s*\\]{1,2}\\s*(?:#.*)?$`)
const SETTING = new RegExp(`^\\s*(${DOTTED})\\s*=`)
const PARTS = new RegExp(KEY, 'g')
/** A longer line is no header that a person wrote, and its key is not looked for. */
const LINE_CHARS_MAX = 2000

/** Lines, counted from 1, by dotted key; a table stands for its header, and of what is set twice the first line counts. */
export function keyLines(toml: string): Map<string, number> {
  const lines = new Map<string, number>()
  let table = ''
  const inside = new Values()
  for (const [index, line] of toml.split('\n').entries()) {
    const isOpen = inside.isOpen
    const header = isOpen || line.length > LINE_CHARS_MAX ? null : HEADER.exec(line)
    const setting = isOpen || header || line.length > LINE_CHARS_MAX ? null : SETTING.exec(line)
    if (header) table = plain(header[1]!)
    else inside.read(line, setting ? setting[0].length : 0)
    const key = header ? table : setting ? [table, plain(setting[1]!)].filter((part) => part !== '').join('.') : null
    if (key !== null && !lines.has(key)) lines.set(key, index + 1)
  }
  return lines
}

/** The line of a key, or of the table or inline table that holds it; null where the file does not set it. */
export function lineOf(lines: ReadonlyMap<string, number>, key: string): number | null {
  const parts = key.split('.')
  for (let count = parts.length; count > 0; count--) {
    const line = lines.get(parts.slice(0, count).join('.'))
    if (line !== undefined) return line
  }
  return null
}

/** Says of a key of a file on which line it stands, such as ` (line 7)`; the file is only looked through once asked. */
export function placesIn(toml: string): (key: string) => string {
  let lines: ReadonlyMap<string, number> | null = null
  return (key) => {
    lines ??= keyLines(toml)
    const line = lineOf(lines, key)
    return line === null ? '' : ` (line ${line})`
  }
}

/** Keys without their quotes; a name with a dot in it is no key of ours. */
const plain = (dotted: string): string =>
  (dotted.match(PARTS) ?? []).map((part) => (/^["']/.test(part) ? part.slice(1, -1) : part)).join('.')

/** Whether a value goes on over the end of a line: a text in three quotes, or an array. */
class Values {
  private quote: '"""' | "'''" | null = null
  private depth = 0

  get isOpen(): boolean {
    return this.quote !== null || this.depth > 0
  }

  read(line: string, from: number): void {
    for (let at = from; at < line.length; at++) {
      const three = line.slice(at, at + 3)
      if (this.quote !== null) {
        if (this.quote === '"""' && line[at] === '\\') at += 1
        else if (three === this.quote) {
          this.quote = null
          at += 2
        }
      } else if (three === '"""' || three === "'''") {
        this.quote = three
        at += 2
      } else if (line[at] === '"' || line[at] === "'") at = closing(line, at)
      else if (line[at] === '#') return
      else if (line[at] === '[') this.depth += 1
      else if (line[at] === ']') this.depth = Math.max(0, this.depth - 1)
    }
  }
}

/** Where the text that begins at `at` ends. */
function closing(line: string, at: number): number {
  const quote = line[at]
  for (let end = at + 1; end < line.length; end++) {
    if (quote === '"' && line[end] === '\\') end += 1
    else if (line[end] === quote) return end
  }
  return line.length
}
