/** How documents read: Markdown as it is for programs; for people without its marks, as wide as the terminal. */
import type { DocsOutput } from '../../operations/schemas/docs.ts'
import type { Look } from '../look.ts'
import { wrap } from '../wrap.ts'

export function docs(output: DocsOutput, look: Look): string {
  if (output.text !== null) return look.terminal ? plain(output.text, look) : output.text
  if (output.found !== null) return found(output.found, look)
  if (output.path !== null) return output.path
  return look.terminal
    ? `${look.table(
        output.topics.map(({ topic, title }) => [topic, title]),
        [{ title: 'TOPIC' }, { title: 'TITLE', flexible: true }],
      )}\n\nRead one: ${look.paint.bold('millrace docs TOPIC')}`
    : output.topics.map(({ topic, title }) => look.field(topic, title)).join('\n')
}

function found(lines: NonNullable<DocsOutput['found']>, { terminal, paint }: Look): string {
  if (lines.length === 0) return terminal ? paint.dim('Nothing found.') : ''
  return lines.map(({ topic, line, text }) => `${paint.cyan(`${topic}:${line}`)}: ${text}`).join('\n')
}

const FENCE = /^\s*```/
/** For whoever edits the page, not for who reads it. */
const COMMENT = /^<!--.*-->$/
/** What begins a block of its own: a heading, a list item, a table, a quotation, or nothing at all. */
const BLOCK = /^\s*(#{1,6} |[-*] |\d+\. |\||>|$)/

/** Markdown without its marks: paragraphs laid out anew, code and tables as they are. */
function plain(markdown: string, look: Look): string {
  const shown: string[] = []
  let paragraph: string[] = []
  let isCode = false
  const flush = () => {
    if (paragraph.length > 0) shown.push(...laidOut(paragraph, look))
    paragraph = []
  }
  for (const line of markdown.split('\n')) {
    if (FENCE.test(line)) {
      flush()
      isCode = !isCode
    } else if (isCode) shown.push(look.paint.cyan(`    ${line}`.trimEnd()))
    else if (!COMMENT.test(line)) {
      if (BLOCK.test(line)) flush()
      const heading = /^#{1,6} +(.*)$/.exec(line)
      if (heading) shown.push(look.paint.bold(unmarked(heading[1]!, look)))
      else if (line.trim() === '') shown.push('')
      else if (line.trimStart().startsWith('|')) shown.push(unmarked(line, look))
      else paragraph.push(line)
    }
  }
  flush()
  return shown.join('\n').trim()
}

/** Bold and code without their marks; a link with its address behind it, where that leads out of the package. */
function unmarked(text: string, { paint }: Look): string {
  return text
    .replace(/\[([^\]]+)\]\(([^)]+)\)/g, (_, label: string, to: string) =>
      /^https?:/.test(to) ? `${label} <${to}>` : label,
    )
    .replace(/\*\*([^*]+)\*\*/g, (_, bold: string) => paint.bold(bold))
    .replace(/`([^`]+)`/g, (_, code: string) => paint.cyan(code))
}

/** The lines of a paragraph or list item, broken anew; what follows the first line is indented under its text. */
function laidOut(lines: readonly string[], look: Look): string[] {
  const [, indent = '', mark = ''] = /^(\s*)([-*] |\d+\. |> )?/.exec(lines[0]!)!
  const text = unmarked(
    lines
      .map((line) => line.trim())
      .join(' ')
      .slice(mark.length),
    look,
  )
  const first = `${indent}${mark}`
  return wrap(text, look.width, first, ' '.repeat(first.length))
}
