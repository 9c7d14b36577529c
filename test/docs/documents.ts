/** The documents of the product, taken apart: blocks of code, code within lines, links, headings. */
import * as fs from 'node:fs'
import * as path from 'node:path'

export const REPOSITORY = path.join(import.meta.dirname, '../..')
const TOP = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md']

export interface Block {
  /** First word behind the fence. */
  language: string
  /** The words after it: what a test has to know of the block. */
  words: string[]
  text: string
  /** Line of the fence, from 1. */
  line: number
}

export interface Inline {
  text: string
  line: number
}

export interface Document {
  /** Relative to the repository. */
  name: string
  blocks: Block[]
  codes: Inline[]
  links: Inline[]
  /** As renderers of Markdown name headings. */
  anchors: string[]
}

/** Every document that people read: those at the top, and all below docs/. */
export function documents(): Document[] {
  const below = (fs.readdirSync(path.join(REPOSITORY, 'docs'), { recursive: true }) as string[])
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.replaceAll(path.sep, '/')}`)
  return [...TOP, ...below.sort()].map((name) => takenApart(name, fs.readFileSync(path.join(REPOSITORY, name), 'utf8')))
}

export function takenApart(name: string, text: string): Document {
  const document: Document = { name, blocks: [], codes: [], links: [], anchors: [] }
  let block: (Block & { fence: string }) | null = null
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^\s*(`{3,}|~{3,})(.*)$/.exec(line)
    if (block !== null) {
      if (fence !== null && fence[1]!.startsWith(block.fence) && fence[2]!.trim() === '') {
        const { fence: _, ...closed } = block
        document.blocks.push(closed)
        block = null
      } else block.text += `${line}\n`
    } else if (fence) {
      const [language = '', ...words] = fence[2]!.trim().split(/\s+/)
      block = { language, words, text: '', line: index + 1, fence: fence[1]! }
    } else readLine(document, line, index + 1)
  }
  if (block !== null) throw new Error(`${name}: the block of line ${block.line} has no end`)
  return document
}

function readLine(document: Document, line: string, at: number): void {
  const heading = /^#{1,6} +(.+?) *$/.exec(line)
  if (heading) document.anchors.push(anchorOf(heading[1]!))
  for (const [, text] of line.matchAll(/`([^`]+)`/g))
    document.codes.push({ text: text!.replaceAll('\\|', '|'), line: at })
  const prose = line.replace(/`[^`]+`/g, (code) => 'x'.repeat(code.length))
  for (const [, to] of prose.matchAll(/\]\(([^)]+)\)/g)) document.links.push({ text: to!, line: at })
}

const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/\[([^\]]+)\]\([^)]*\)/g, '$1')
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
