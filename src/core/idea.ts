/**
 * Idea intake: what the spec made from an idea file says (spec 01 §2.10). An idea is any markdown, not a work document.
 * Finding the files, and not taking one twice, is the store's and the engine's work.
 */
import { clip } from './clip.ts'
import { newDocument, type WorkDocument } from './document.ts'
import { oneLine } from './document-values.ts'
import { ID_LENGTH_MAX, isSafeId, sha256 } from './ids.ts'

const EXTENSION = '.md'
/** An idea may be one paragraph of a megabyte; a title and a summary are lines people read. */
const TITLE_CHARS_MAX = 200
const SUMMARY_CHARS_MAX = 1000

/** True for a file name an idea may be given by command: `<safe id>.md`. */
export function isIdeaName(name: string): boolean {
  return name.endsWith(EXTENSION) && isSafeId(name.slice(0, -EXTENSION.length))
}

function stemOf(fileName: string): string {
  return fileName.endsWith(EXTENSION) ? fileName.slice(0, -EXTENSION.length) : fileName
}

/** Id of the spec that is made from an idea file of any name. Always a safe id. */
export function ideaSpecId(fileName: string): string {
  const safe = stemOf(fileName)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
  const stem = safe || 'idea'
  const id = stem.startsWith('idea-') ? stem : `idea-${stem}`
  if (id.length <= ID_LENGTH_MAX) return id
  const digest = sha256(fileName).slice(0, 12)
  return `${id.slice(0, ID_LENGTH_MAX - digest.length - 1)}-${digest}`
}

/**
 * The spec an idea becomes. `text` is the idea, `now` the time of intake as ISO text, `reference` the path of the idea
 * relative to the workspace. Throws `document_invalid` if `now` is no time or `reference` is blank.
 */
export function ideaToSpec(fileName: string, text: string, now: string, reference: string): WorkDocument {
  const id = ideaSpecId(fileName)
  const stem = clipped(stemOf(fileName), TITLE_CHARS_MAX) || 'idea'
  const title = clipped(headline(text) ?? stem, TITLE_CHARS_MAX)
  const summary = summaryLine(text, title) ?? `Work out the idea ${stem} and deliver it.`
  return newDocument('spec', {
    spec_id: id,
    title,
    summary,
    source_type: 'idea',
    source_id: id,
    root_idea_id: id,
    root_spec_id: id,
    created_at: now,
    created_by: 'watcher',
    goals: [summary],
    constraints: ['Stay within what the idea asks for.'],
    acceptance: ['Everything the idea asks for is delivered and can be checked.'],
    references: [oneLine(reference)],
  })
}

/** The first heading of any level, else the first line that says something. */
function headline(text: string): string | null {
  let first: string | null = null
  for (const { heading, content } of wordLines(text)) {
    if (heading) return content
    first ??= content
  }
  return first
}

/** The first line that says something else than the title. */
function summaryLine(text: string, title: string): string | null {
  for (const { content } of wordLines(text)) {
    if (clipped(content, TITLE_CHARS_MAX) !== title) return clipped(content, SUMMARY_CHARS_MAX)
  }
  return null
}

/** Lines with a letter or digit in them, hashes stripped: rules, fences and front matter marks are no words. */
function* wordLines(text: string): Generator<{ heading: boolean; content: string }> {
  for (const [line] of text.matchAll(/[^\r\n]+/g)) {
    const trimmed = oneLine(line)
    const hashes = /^#+(?=\s)/.exec(trimmed)?.[0].length ?? 0
    const content = trimmed.slice(hashes).trimStart()
    if (/[\p{L}\p{N}]/u.test(content)) yield { heading: hashes > 0, content }
  }
}

const clipped = (text: string, charsMax: number): string => clip(oneLine(text), charsMax)
