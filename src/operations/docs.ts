/** The documents that come with the package: which there are, one of them, or where some words stand in them. */
import * as path from 'node:path'
import { MillraceError } from '../core/errors.ts'
import { didYouMean, nearest } from '../core/nearest.ts'
import type { Operation } from '../core/operation.ts'
import { readText } from '../store/files.ts'
import type { Context } from './context.ts'
import { pagesOf } from './pages.ts'
import type { DocsOutput } from './schemas/docs.ts'

interface DocsInput {
  topic?: string
  path?: boolean
  search?: string
}

interface Document {
  topic: string
  path: string
  text: string
}

const FOUND_MAX = 200
/** Topic of the page that puts the others in order. */
const INDEX = 'docs'

export const docs: Operation<Context, DocsInput, DocsOutput> = {
  name: 'docs',
  flavour: 'read',
  summary: 'The documents that come with Millrace.',
  description:
    'Prints one of the documents that come with the package; without a topic, which there are. Piped, a document comes as the Markdown it is. Needs no workspace.',
  input: [
    { name: 'topic', type: 'text', positional: true, placeholder: 'TOPIC', description: 'Name of a document.' },
    { name: 'path', type: 'flag', description: 'Only say where the document lies.' },
    { name: 'search', type: 'text', placeholder: 'WORDS', description: 'Show the lines that have all these words.' },
  ],
  examples: [
    { command: 'millrace docs', does: 'see which documents there are' },
    { command: 'millrace docs architecture', does: 'read one' },
    { command: 'millrace docs --search "rate limit"', does: 'find where something is said' },
  ],
  output: async () => (await import('./schemas.ts')).docsSchema(),
  async run(context, { topic, path: onlyPath = false, search }) {
    const documents = shipped(context)
    const asked = topic === undefined ? null : meant(documents, topic)
    const among = asked === null ? documents : [asked]
    const isShown = asked !== null && !onlyPath && search === undefined
    return {
      topics: documents.map(({ topic: name, path: file, text }) => ({ topic: name, title: titleOf(text), path: file })),
      topic: asked?.topic ?? null,
      path: asked?.path ?? null,
      text: isShown ? asked.text : null,
      found: search === undefined ? null : among.flatMap((document) => linesWith(document, search)).slice(0, FOUND_MAX),
    }
  },
}

/** In the order in which the index, docs/README.md, names them; what it does not name comes last. */
function shipped({ files, packageRoot }: Context): Document[] {
  const top = path.join(packageRoot, '..')
  const documents = pagesOf(files, top).flatMap(({ topic, path: name }) => {
    const text = readText(files, path.join(top, name))
    return text === null ? [] : [{ topic, path: path.join(top, name), text }]
  })
  const index = documents.find(({ topic }) => topic === INDEX)
  const links = [...(index?.text ?? '').matchAll(/\]\(([^)#]+\.md)/g)].map((match) => path.join(top, 'docs', match[1]!))
  const rank = ({ topic, path: file }: Document) => {
    if (topic === 'readme' || topic === INDEX) return -1
    return links.includes(file) ? links.indexOf(file) : links.length
  }
  return documents.sort((a, b) => rank(a) - rank(b))
}

function meant(documents: readonly Document[], topic: string): Document {
  const wanted = path.basename(topic.toLowerCase(), '.md')
  const topics = documents.map((one) => one.topic)
  const starts = documents.filter((one) => one.topic.startsWith(wanted))
  const found = documents.find((one) => one.topic === wanted) ?? (starts.length === 1 ? starts[0] : undefined)
  if (found !== undefined) return found
  const near = nearest(wanted, topics)
  throw new MillraceError('usage', `There is no document ${topic}.`, {
    hint: didYouMean(near, `there are: ${topics.join(', ')}`),
  })
}

const titleOf = (text: string): string => /^# +(.+)$/m.exec(text)?.[1]?.trim() ?? ''

function linesWith({ topic, text }: Document, words: string): NonNullable<DocsOutput['found']> {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean)
  return text.split('\n').flatMap((line, index) => {
    const low = line.toLowerCase()
    return wanted.length > 0 && wanted.every((word) => low.includes(word))
      ? [{ topic, line: index + 1, text: line.trim() }]
      : []
  })
}
