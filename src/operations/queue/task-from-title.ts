/** From a title to a whole task document: what the operator leaves out is filled in, and named. Pure. */
import { newDocument, renderDocument, type WorkDocument } from '../../core/document.ts'
import { sha256 } from '../../core/ids.ts'

export interface TaskWish {
  /** First line: the title. Whatever follows becomes the body. */
  title: string
  id?: string | undefined
  summary?: string | undefined
  /** Comes after what follows the first line of the title. */
  body?: string | undefined
  accept?: readonly string[] | undefined
  target_path?: readonly string[] | undefined
  check?: readonly string[] | undefined
  depends_on?: readonly string[] | undefined
  reference?: readonly string[] | undefined
  risk?: readonly string[] | undefined
  tag?: readonly string[] | undefined
  spec_id?: string | undefined
  root_spec_id?: string | undefined
  root_idea_id?: string | undefined
  parent_task_id?: string | undefined
}

interface WrittenTask {
  document: WorkDocument
  text: string
  /** JSON names of the fields nobody gave. */
  defaulted: string[]
}

/** Control characters other than line breaks and tabs: no document may hold them, and nobody means them. */
const UNPRINTABLE = /[^\P{Cc}\r\n\t]/gu

/**
 * `now` is the time of the wish as ISO text, `check` the project's test command, `seed` what tells this wish from another
 * of the same title. Throws `document_invalid`.
 */
export function taskFromTitle(wish: TaskWish, now: string, check: string, seed = now): WrittenTask {
  const [first = '', ...rest] = wish.title
    .replace(UNPRINTABLE, ' ')
    .trim()
    .split(/\r\n?|\n/)
  const title = first.trim()
  const defaulted: string[] = []
  const given = (field: string, values: readonly string[] | undefined, fallback: string): string[] => {
    const said = (values ?? []).map((value) => value.trim()).filter((value) => value !== '')
    if (said.length > 0) return said
    defaulted.push(field)
    return [fallback]
  }
  if (wish.id === undefined) defaulted.push('task_id')
  const done = `${title.replace(/[.!\s]+$/, '')}: carried out in full, and it can be seen in the project.`
  const fields = {
    task_id: wish.id ?? idFromTitle(title, seed, 'task'),
    title,
    summary: wish.summary?.trim() ?? '',
    ...lineageOf(wish),
    created_at: now,
    created_by: 'operator',
    depends_on: wish.depends_on ?? [],
    tags: wish.tag ?? [],
    target_paths: given('target_paths', wish.target_path, '.'),
    acceptance: [done, ...given('acceptance', wish.accept, done).filter((one) => one !== done)],
    required_checks: given('required_checks', wish.check, check),
    references: given('references', wish.reference, `operator request ${now.slice(0, 10)}`),
    risk: given('risk', wish.risk, 'not assessed'),
  }
  const body = [rest.join('\n'), wish.body?.replace(UNPRINTABLE, ' ') ?? ''].map((part) => part.trim())
  const document = newDocument('task', fields, body.filter((part) => part !== '').join('\n\n'))
  return { document, text: renderDocument(document), defaulted }
}

/** Ids of what the task belongs to, those that were given. */
function lineageOf({ spec_id, root_spec_id, root_idea_id, parent_task_id }: TaskWish): Record<string, string> {
  const given = Object.entries({ spec_id, root_spec_id, root_idea_id, parent_task_id })
  return Object.fromEntries(given.flatMap(([name, id]) => (id === undefined ? [] : [[name, id]])))
}

const SLUG_CHARS_MAX = 48
const HASH_DIGITS = 6

/** `add-a-login-page-3f2a1c`: readable, and not the same twice. `fallback` is for a title without a Latin letter. */
export function idFromTitle(title: string, seed: string, fallback: string): string {
  const words = title
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  const cut = words.length <= SLUG_CHARS_MAX ? words : words.slice(0, SLUG_CHARS_MAX + 1).replace(/-[^-]*$/, '')
  const slug = cut.slice(0, SLUG_CHARS_MAX) || fallback
  return `${slug}-${sha256(`${title}\n${seed}`).slice(0, HASH_DIGITS)}`
}

/** The script npm puts into a new package: it tests nothing. */
const NPM_PLACEHOLDER = /no test specified/
export const NO_CHECK = 'none configured'

/** The project's test command, found by the files that name one; `read` gives the text of a file of its root, or null. */
export function detectedCheck(read: (file: string) => string | null): string {
  const script = npmTest(read('package.json'))
  if (script !== null) {
    if (read('pnpm-lock.yaml') !== null) return 'pnpm test'
    return read('yarn.lock') !== null ? 'yarn test' : 'npm test'
  }
  if (read('Cargo.toml') !== null) return 'cargo test'
  if (read('go.mod') !== null) return 'go test ./...'
  if (read('pytest.ini') !== null || read('pyproject.toml') !== null) return 'pytest'
  return /^test\s*:(?!=)/m.test(read('Makefile') ?? '') ? 'make test' : NO_CHECK
}

function npmTest(text: string | null): string | null {
  try {
    const script = (JSON.parse(text ?? 'null') as { scripts?: { test?: unknown } } | null)?.scripts?.test
    return typeof script === 'string' && !NPM_PLACEHOLDER.test(script) ? script : null
  } catch {
    return null
  }
}
