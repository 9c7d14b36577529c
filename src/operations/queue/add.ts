/** Adding work: a task, a spec or an idea, checked here and carried out by whoever holds the workspace. */
import * as path from 'node:path'
import { DOCUMENT_BYTES_MAX } from '../../core/document.ts'
import { MillraceError } from '../../core/errors.ts'
import { isIdeaName } from '../../core/idea.ts'
import { requireSafeId } from '../../core/ids.ts'
import type { InputField, Operation } from '../../core/operation.ts'
import { textOrNull } from '../../store/files.ts'
import { itemFile } from '../../store/layout.ts'
import { type Context, placesIn } from '../context.ts'
import { rootSpecField } from '../fields.ts'
import { type Issued, issue } from '../issue.ts'
import { ensureWorkspace } from '../workspace/ensure.ts'
import { isFileArgument, readDocument } from './document-argument.ts'
import { detectedCheck, type TaskWish, taskFromTitle } from './task-from-title.ts'

/** Kinds of documents an operator adds. */
type DocumentWork = 'task' | 'spec' | 'probe' | 'learning_request'

export interface Added extends Issued {
  work_item_kind: DocumentWork | 'idea'
  work_item_id: string
  title: string | null
  /** Absolute path of the document once it is enqueued. */
  path: string
  /** JSON names of fields that nobody gave and that were filled in. */
  defaulted_fields: string[]
}

const output = async () => (await import('../schemas.ts')).addedSchema()

const list = (name: string, placeholder: string, description: string): InputField => ({
  name,
  type: 'list',
  placeholder,
  description: `${description} May be repeated.`,
})

type TaskInput = Omit<TaskWish, 'title'> & { source?: string; title?: string }

/** Fields that say what a title leaves out; a file says all of it itself. */
const TITLE_FIELDS: readonly InputField[] = [
  { name: 'title', type: 'text', placeholder: 'TEXT', description: 'What is to be done, in a line.' },
  { name: 'id', type: 'text', placeholder: 'ID', description: 'Id of the task (default: from the title).' },
  { name: 'summary', type: 'text', placeholder: 'TEXT', description: 'What is to be done, in a sentence.' },
  list('accept', 'TEXT', 'A statement that must hold for the task to be done.'),
  list('target_path', 'PATH', 'A file or folder the work is about.'),
  list('check', 'COMMAND', 'A command that must pass (default: the test command of the project).'),
  list('depends_on', 'ID', 'A task that must be done first.'),
  list('reference', 'TEXT', 'A document worth reading first.'),
  list('risk', 'TEXT', 'What could go wrong.'),
  list('tag', 'WORD', 'A word to find it by.'),
  { name: 'body', type: 'text', placeholder: 'TEXT', description: 'More about it, in as many lines as it takes.' },
  {
    name: 'spec_id',
    type: 'text',
    placeholder: 'ID',
    description: 'Spec the task belongs to.',
    names: 'work_item',
    kinds: ['spec'],
  },
  rootSpecField('Spec whose closure it counts towards (default: that of --spec-id).'),
  { name: 'root_idea_id', type: 'text', placeholder: 'ID', description: 'Idea the lineage began with.' },
  { name: 'parent_task_id', type: 'text', placeholder: 'ID', description: 'Task it follows from.' },
]

/** Of these, each value is an id. */
const ID_FIELDS = ['id', 'spec_id', 'root_spec_id', 'root_idea_id', 'parent_task_id'] as const

export const addTask: Operation<Context, TaskInput, Added> = {
  name: 'queue add-task',
  flavour: 'change',
  summary: 'Queue a task.',
  description:
    'Takes a task document (.md or .json), - for one that is piped in, or simply a title: then a whole document is written, and what was filled in is said. Refuses an id that exists already, and dependencies that lead back to the task.',
  input: [
    { name: 'source', type: 'text', positional: true, placeholder: 'ARG', description: 'A file, -, or a title.' },
    ...TITLE_FIELDS,
  ],
  examples: [
    { command: 'millrace add-task "Add a login page"', does: 'queue a task by its title' },
    {
      command: 'millrace add-task "Fix the login" --accept "Logging in works twice" --check "npm test"',
      does: 'say more',
    },
    { command: 'millrace queue add-task task.md', does: 'queue a document' },
  ],
  output,
  async run(context, input) {
    const { source, ...said } = input
    const fields = Object.entries(said).filter(([, value]) => value !== undefined)
    if (source !== undefined && isFileArgument(context, source)) {
      if (fields.length > 0) throw onlyForTitles(fields.map(([name]) => name))
      return addDocument(context, 'task', source)
    }
    const title = titleOf(source, input.title)
    for (const name of ID_FIELDS) {
      const id = input[name]
      if (id !== undefined) requireSafeId(id, `--${name.replaceAll('_', '-')}`)
    }
    for (const id of input.depends_on ?? []) requireSafeId(id, 'The id of a task to wait for')
    const now = context.clock.now().toISOString()
    const seed = `${now} ${context.clock.hex(SEED_DIGITS)}`
    const written = taskFromTitle({ ...input, title }, now, detectedCheck(projectFile(context)), seed)
    await ensureWorkspace(context)
    const added = await add(context, 'task', written.document, { text: written.text }, written.defaulted)
    const told = written.defaulted.map((name) => `${name} = ${[written.document.fields[name]].flat().join(', ')}`)
    if (told.length > 0) context.notice(`filled in: ${told.join('; ')}`)
    return added
  },
}

/** Random digits that tell one wish from another of the same title and moment. */
export const SEED_DIGITS = 16

function titleOf(source: string | undefined, title: string | undefined): string {
  if (source !== undefined && title !== undefined) {
    throw new MillraceError('usage', 'A title was given twice, once as the argument and once with --title.', {
      hint: 'give one of them; --summary is for more text',
    })
  }
  const wanted = (title ?? source ?? '').trim()
  if (wanted !== '') return wanted
  throw new MillraceError('usage', 'There is no task to add: neither a file nor a title was given.', {
    hint: 'for example: millrace add-task "Add a login page"',
  })
}

function onlyForTitles(names: readonly string[]): MillraceError {
  const options = names.map((name) => `--${name.replaceAll('_', '-')}`)
  return new MillraceError('usage', `${options.join(', ')} cannot be given together with a document.`, {
    hint: 'say it in the document, or give a title instead of a file',
  })
}

/** Text of a file in the root of the project; null if there is none that can be read. */
export function projectFile(context: Context): (file: string) => string | null {
  return (file) => textOrNull(context.files, path.join(context.workspaceRoot, file))
}

const DOCUMENT_FIELD: InputField = {
  name: 'source',
  type: 'text',
  positional: true,
  required: true,
  placeholder: 'FILE',
  description: 'A file, or -.',
}

export const addSpec: Operation<Context, { source: string }, Added> = {
  name: 'queue add-spec',
  flavour: 'change',
  summary: 'Queue a spec, to be planned into tasks.',
  description:
    'Takes a spec document (.md or .json), or - for one that is piped in. A root spec that names no root idea is its own seed: the lineage ids it lacks are filled in, and said.',
  input: [DOCUMENT_FIELD],
  examples: [{ command: 'millrace queue add-spec spec.md', does: 'queue a spec' }],
  output,
  run: (context, { source }) => addDocument(context, 'spec', source),
}

export const addProbe: Operation<Context, { source: string }, Added> = {
  name: 'queue add-probe',
  flavour: 'change',
  summary: 'Queue a probe: a question to look into before any work is decided.',
  description:
    'Takes a probe document (.md or .json), or - for one that is piped in. Refuses where no plane of the mode takes probes: what nobody would ever claim is not queued.',
  input: [DOCUMENT_FIELD],
  examples: [{ command: 'millrace queue add-probe probe.md', does: 'queue a probe' }],
  output,
  run: (context, { source }) => addDocument(context, 'probe', source),
}

export const addLearningRequest: Operation<Context, { source: string }, Added> = {
  name: 'queue add-learning-request',
  flavour: 'change',
  summary: 'Queue a lesson that is to become a skill.',
  description:
    'Takes a learning request (.md or .json), or - for one that is piped in. Refuses where no plane of the mode takes learning requests: what nobody would ever claim is not queued.',
  input: [DOCUMENT_FIELD],
  examples: [{ command: 'millrace queue add-learning-request lesson.md', does: 'queue a lesson' }],
  output,
  run: (context, { source }) => addDocument(context, 'learning_request', source),
}

async function addDocument(context: Context, kind: DocumentWork, source: string): Promise<Added> {
  const { document, payload } = await readDocument(context, kind, source)
  await ensureWorkspace(context)
  return add(context, kind, document, payload, [])
}

/** Queues a document that was checked before; `defaulted` names the fields nobody gave. */
export async function add(
  context: Context,
  kind: DocumentWork,
  document: { id: string; title: string },
  payload: Record<string, unknown>,
  defaulted: readonly string[],
): Promise<Added> {
  const issued = await issue(context, `add_${kind}`, payload)
  const lineage = (issued.result.defaulted_fields as string[] | undefined) ?? []
  if (lineage.length > 0) context.notice(`filled in: ${lineage.map((name) => `${name} = ${document.id}`).join('; ')}`)
  const stuck = Object.entries((issued.result.unsatisfiable_dependencies as Record<string, string> | undefined) ?? {})
  if (stuck.length > 0) {
    const told = stuck.map(([id, state]) => `${id} (${state})`).join(', ')
    context.notice(`${document.id} waits for what does not come about by itself: ${told}`)
  }
  return {
    ...issued,
    work_item_kind: kind,
    work_item_id: document.id,
    title: document.title,
    path: placesIn(context).at(itemFile(kind, document.id, 'queued')),
    defaulted_fields: [...defaulted, ...lineage],
  }
}

export const addIdea: Operation<Context, { source: string; name?: string }, Added> = {
  name: 'queue add-idea',
  flavour: 'change',
  summary: 'Drop an idea, to become a spec.',
  description:
    'Puts a text file, or with - what is piped in, into ideas/inbox. The runtime makes a spec of it, once. Any text will do; the first heading becomes the title.',
  input: [
    {
      name: 'source',
      type: 'text',
      positional: true,
      required: true,
      placeholder: 'FILE',
      description: 'A text file, or -.',
    },
    { name: 'name', type: 'text', placeholder: 'NAME', description: 'Name in the inbox (default: that of the file).' },
  ],
  examples: [
    { command: 'millrace add-idea idea.md', does: 'drop an idea' },
    { command: 'echo "# Dark mode" | millrace add-idea - --name dark-mode', does: 'drop what is piped in' },
  ],
  output,
  async run(context, { source, name }) {
    const source_name = ideaName(source, name)
    const markdown = await readIdea(context, source)
    await ensureWorkspace(context)
    const issued = await issue(context, 'add_idea', { source_name, markdown })
    return {
      ...issued,
      work_item_kind: 'idea',
      work_item_id: source_name,
      title: null,
      path: path.join(context.workspaceRoot, 'ideas', 'inbox', source_name),
      defaulted_fields: [],
    }
  },
}

function ideaName(source: string, given: string | undefined): string {
  if (given === undefined && source === '-') {
    throw new MillraceError('usage', 'An idea that is piped in needs a name.', { hint: 'give one with --name' })
  }
  const stem = (given ?? path.basename(source)).replace(/\.(md|markdown|txt)$/i, '')
  // A name somebody chose is taken as it is or refused; that of a file is made to fit.
  const name = given === undefined ? stem.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[-._]+/, '') : stem
  if (isIdeaName(`${name}.md`)) return `${name}.md`
  throw new MillraceError('id_invalid', `${JSON.stringify(given ?? source)} gives no name for an idea.`, {
    hint: 'give one with --name: letters, digits, ".", "_" and "-", first a letter or digit',
  })
}

async function readIdea(context: Context, source: string): Promise<string> {
  const bytes = await context.readUserFile(source)
  const invalid = (what: string) => new MillraceError('document_invalid', `The idea ${source} ${what}.`)
  if (bytes.length > DOCUMENT_BYTES_MAX) throw invalid(`is larger than ${DOCUMENT_BYTES_MAX} bytes`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw invalid('is not UTF-8 text')
  }
  if (text.includes('\0')) throw invalid('is not text: it holds NUL bytes')
  if (text.trim() === '') throw invalid('is empty')
  return text
}
