/**
 * The line grammar of work documents (spec 01 §2.1): finds the heading, the known fields with their places, and the
 * rest, which is kept as the body. What the values mean is not decided here. One pass, linear in the text.
 *
 * Lines end at LF, CR LF or CR, as every editor shows them. The Python reference also ends them at form feeds, NEL,
 * U+2028 and the like; here those are ordinary characters, so that pasted text never turns into a field nobody sees.
 */
import type { LabelUse } from './document-fields.ts'

/** A known label and what belongs to it. Offsets count UTF-16 units of the text. */
export interface Entry {
  use: LabelUse
  /** 1-based line of the label. */
  line: number
  /** Start of the label's line. */
  start: number
  /** End of the last line that belongs to it, line break included. */
  end: number
  /** What stands on the line of the label; '' if nothing does. */
  value: string
  /** List items; an inline value is one. Empty for scalars. */
  items: string[]
  /** 1-based line of the first item; the others follow line by line. */
  itemsLine: number
}

export interface Scan {
  heading: { text: string; start: number; end: number } | null
  entries: Entry[]
  /** Lines no field claims, in order, LF between them; stretches parted by fields are parted by a blank line. */
  body: string
  /** The first labels no kind knows, for suggestions. */
  unknown: { label: string; line: number }[]
}

type LineFault = (line: number, use: LabelUse | null, message: string) => void

const UNKNOWN_LABELS_MAX = 50
const DASH = 0x2d
const HASH = 0x23
const LABEL = /^[A-Za-z][A-Za-z0-9-]*$/

/** Steps over lines without copying the text. */
class Lines {
  readonly #text: string
  #lf: number
  #cr: number
  #next = 0
  start = 0
  /** Offset past the line, its break included. */
  end = 0
  number = 0
  /** Where the line's own characters end. */
  stop = 0

  constructor(text: string) {
    this.#text = text
    this.#lf = text.indexOf('\n')
    this.#cr = text.indexOf('\r')
  }

  advance(): boolean {
    const start = this.#next
    if (start >= this.#text.length) return false
    if (this.#lf !== -1 && this.#lf < start) this.#lf = this.#text.indexOf('\n', start)
    if (this.#cr !== -1 && this.#cr < start) this.#cr = this.#text.indexOf('\r', start)
    const atCr = this.#cr !== -1 && (this.#lf === -1 || this.#cr < this.#lf)
    this.start = start
    this.stop = atCr ? this.#cr : this.#lf === -1 ? this.#text.length : this.#lf
    this.end = Math.min(this.#text.length, this.stop + (atCr && this.#lf === this.#cr + 1 ? 2 : 1))
    this.#next = this.end
    this.number++
    return true
  }

  /** The line without surrounding white space; a byte order mark counts as such. */
  content(): string {
    return this.#text.slice(this.start, this.stop).trim()
  }
}

/** The text behind a mark and white space (`- item`, `# Title`), or null if the (trimmed) line is no such. */
function markedText(content: string, mark: number): string | null {
  if (content.charCodeAt(0) !== mark) return null
  const text = content.slice(1).trimStart()
  return text !== '' && text.length < content.length - 1 ? text : null
}

/** The label of a field line, or null if the (trimmed) line is none. */
function labelOf(content: string, labels: ReadonlyMap<string, LabelUse>): string | null {
  const first = content.charCodeAt(0) | 0x20
  if (first < 0x61 || first > 0x7a) return null
  const colon = content.indexOf(':')
  if (colon === -1) return null
  const label = content.slice(0, colon)
  return labels.has(label) || LABEL.test(label) ? label : null
}

/** True if a line would be read as a field line, known or not. */
export function isFieldLine(line: string): boolean {
  return labelOf(line.trim(), new Map()) !== null
}

/** The lines no field claims, gathered stretch by stretch. */
class Body {
  readonly #text: string
  readonly #stretches: string[] = []
  #start = -1
  /** End of the last line that says something. */
  #stop = -1

  constructor(text: string) {
    this.#text = text
  }

  take(lines: Lines): void {
    if (this.#start === -1) this.#start = lines.start
    this.#stop = lines.stop
  }

  /** Joins the stretch if a line follows that does. */
  takeCaption(lines: Lines): void {
    if (this.#start === -1) this.#start = lines.start
  }

  endStretch(): void {
    if (this.#stop !== -1) this.#stretches.push(this.#text.slice(this.#start, this.#stop))
    this.#start = this.#stop = -1
  }

  toText(): string {
    this.endStretch()
    const joined = this.#stretches.join('\n\n').trimEnd()
    return joined.includes('\r') ? joined.replace(/\r\n?/g, '\n') : joined
  }
}

/** What scalars have for items; never pushed to. */
const NO_ITEMS: string[] = []

/** Reads line after line; the fields are what one line means for the next. */
class Scanner {
  readonly #lines: Lines
  readonly #fault: LineFault
  readonly #body: Body
  readonly entries: Entry[] = []
  readonly unknown: Scan['unknown'] = []
  /** The list that still takes items, and the items. */
  #open: Entry | null = null
  #items: string[] = []
  /** The scalar without a value just above. */
  #blank: LabelUse | null = null

  constructor(lines: Lines, body: Body, fault: LineFault) {
    this.#lines = lines
    this.#body = body
    this.#fault = fault
  }

  takeBlankLine(): void {
    if (this.#items.length > 0) this.#open = null
  }

  takeField(use: LabelUse, content: string): void {
    const value = content.slice(use.label.length + 1).trimStart()
    this.#open = null
    this.#blank = value === '' && !use.list ? use : null
    // Among prose, "Request:" in a task is a caption. It stays with the lines it introduces; alone it says nothing.
    if (this.#blank !== null && use.field === null) {
      this.#body.takeCaption(this.#lines)
      return
    }
    this.#body.endStretch()
    const { number: line, start, end } = this.#lines
    const entry: Entry = { use, line, start, end, value, items: NO_ITEMS, itemsLine: line }
    this.entries.push(entry)
    if (!use.list) return
    if (value !== '') {
      entry.items = [value]
      return
    }
    this.#open = entry
    entry.items = this.#items = []
  }

  takeUnknown(label: string): void {
    this.#open = this.#blank = null
    if (this.unknown.length < UNKNOWN_LABELS_MAX) this.unknown.push({ label, line: this.#lines.number })
    this.#body.take(this.#lines)
  }

  takeOther(content: string): void {
    const item = markedText(content, DASH)
    if (this.#open !== null) {
      this.#takeItem(this.#open, item ?? content, item !== null)
      return
    }
    if (this.#blank !== null) {
      const { label } = this.#blank
      if (item !== null)
        this.#report(this.#blank, `a list item follows ${label}, which takes one value on its own line`)
      this.#blank = null
    }
    this.#body.take(this.#lines)
  }

  #takeItem(list: Entry, text: string, sound: boolean): void {
    if (!sound) {
      const { label } = list.use
      this.#report(list.use, `a line in the list ${label} is no "- item"; a blank line ends the list`)
    }
    if (this.#items.length === 0) list.itemsLine = this.#lines.number
    this.#items.push(text)
    list.end = this.#lines.end
  }

  #report(use: LabelUse, message: string): void {
    this.#fault(this.#lines.number, use, message)
  }
}

/** Scans a document, given what each known label means in its kind. Violations of the line grammar go to `fault`. */
export function scanLines(text: string, labels: ReadonlyMap<string, LabelUse>, fault: LineFault): Scan {
  const lines = new Lines(text)
  const body = new Body(text)
  const scanner = new Scanner(lines, body, fault)
  let heading: Scan['heading'] = null
  while (lines.advance()) {
    const content = lines.content()
    if (lines.number === 1) {
      const title = markedText(content, HASH)
      if (title !== null) {
        heading = { text: title, start: lines.start, end: lines.end }
        continue
      }
      fault(1, null, `line 1 ${content === '' ? 'is blank' : 'is not a heading'}; a document begins with "# Title"`)
    }
    if (content === '') {
      scanner.takeBlankLine()
      continue
    }
    const label = labelOf(content, labels)
    const use = label === null ? undefined : labels.get(label)
    if (use !== undefined) scanner.takeField(use, content)
    else if (label !== null) scanner.takeUnknown(label)
    else scanner.takeOther(content)
  }
  return { heading, entries: scanner.entries, unknown: scanner.unknown, body: body.toText() }
}
