/**
 * The field tables of the work documents: the one schema that parsing, rendering, JSON import, in-place edits and the
 * JSON Schema are derived from (spec 01 §2.4 to §2.8). Data only; a new kind of document is a new table.
 */
import type { DocumentKind, FieldValue } from './document.ts'

/** `id` is a safe identifier; `name` a lower-case asset id such as a stage; `json` an object written on one line. */
export type FieldType = 'id' | 'name' | 'text' | 'timestamp' | 'boolean' | 'enum' | 'json'

export interface Field {
  /** As written in markdown; matched exactly. */
  label: string
  /** As written in JSON: the label in snake_case. */
  name: string
  type: FieldType
  list: boolean
  /** A document without it is invalid. For a list: at least one item. */
  required: boolean
  /** Value when absent; a scalar equal to it is not rendered. Undefined: the field is simply not there. */
  fallback: FieldValue | undefined
  /** The allowed words of an `enum`. */
  values: readonly string[]
  /** List items `none`, `n/a` and `-` mean "nothing" and are dropped. */
  placeholders: boolean
  description: string
}

/** What a label means in documents of one kind. */
export interface LabelUse {
  /** Null: the label belongs to other kinds only, and is a fault here. */
  field: Field | null
  label: string
  list: boolean
  /** Position of the field in `fields`; foreign labels are numbered after them. */
  index: number
}

export interface KindTable {
  kind: DocumentKind
  description: string
  idField: string
  createdField: string
  /** In the order of rendering: all scalars, then all lists. */
  fields: readonly Field[]
  byName: ReadonlyMap<string, Field>
  labels: ReadonlyMap<string, LabelUse>
}

type Options = Partial<Pick<Field, 'required' | 'fallback' | 'values' | 'placeholders'>>

function field(type: FieldType, list: boolean, label: string, description: string, options: Options): Field {
  const name = label.toLowerCase().replaceAll('-', '_')
  const fallback = list ? [] : options.fallback
  return {
    required: false,
    values: [],
    placeholders: false,
    ...options,
    fallback,
    type,
    list,
    label,
    name,
    description,
  }
}
const scalar =
  (type: FieldType) =>
  (label: string, description: string, options: Options = {}): Field =>
    field(type, false, label, description, options)
const list = (label: string, description: string, options: Options = {}): Field =>
  field('text', true, label, description, options)

const id = scalar('id')
const name = scalar('name')
const text = scalar('text')
const time = scalar('timestamp')
const choice = (label: string, description: string, values: readonly string[], options: Options = {}): Field =>
  field('enum', false, label, description, { ...options, values })

const REQUIRED: Options = { required: true }
const EMPTY: Options = { fallback: '' }
const HINTS = ['queued', 'active', 'blocked', 'done']
const HINT = 'State the writer had in mind; the folder alone decides.'

const title = text('Title', 'One line; the same as the heading.', REQUIRED)
const rootIds = [
  id('Root-Idea-ID', 'Idea the lineage began with.'),
  id('Root-Spec-ID', 'Spec whose closure this work counts towards.'),
]
const rootIntake = [
  choice('Root-Intake-Kind', 'What the lineage began with.', ['idea', 'probe', 'manual', 'incident', 'derived_spec']),
  id('Root-Intake-ID', 'Id of what the lineage began with.'),
]
const written = (verb: 'Created' | 'Opened') => [
  time(`${verb}-At`, `When the document was ${verb.toLowerCase()}; the oldest is claimed first.`, REQUIRED),
  text(`${verb}-By`, `Who ${verb.toLowerCase()} it.`, REQUIRED),
  time('Updated-At', 'When it was last changed.'),
]

const TASK = [
  id('Task-ID', 'Identity of the task; also its file name.', REQUIRED),
  title,
  text('Summary', 'What is to be done, in a sentence.', EMPTY),
  ...rootIds,
  ...rootIntake,
  id('Spec-ID', 'Spec the task was cut from.'),
  id('Parent-Task-ID', 'Task this one follows from.'),
  id('Incident-ID', 'Incident this task answers.'),
  choice('Status-Hint', HINT, HINTS),
  ...written('Created'),
  list('Depends-On', 'Ids of tasks that must be done first.', { placeholders: true }),
  list('Blocks', 'Ids of tasks that wait for this one.', { placeholders: true }),
  list('Tags', 'Words to find it by.'),
  list('Target-Paths', 'Files or folders the work is about.', REQUIRED),
  list('Acceptance', 'Statements that must hold for the task to be done.', REQUIRED),
  list('Required-Checks', 'Commands or checks that must pass.', REQUIRED),
  list('References', 'Documents worth reading first.', REQUIRED),
  list('Risk', 'What could go wrong.', REQUIRED),
]

const SPEC = [
  id('Spec-ID', 'Identity of the spec; also its file name.', REQUIRED),
  title,
  text('Summary', 'What is wanted, in a sentence.', REQUIRED),
  choice(
    'Source-Type',
    'What the spec was made from.',
    ['idea', 'incident', 'manual', 'derived_spec', 'probe'],
    REQUIRED,
  ),
  id('Source-ID', 'Id of what it was made from.'),
  id('Parent-Spec-ID', 'Spec this one was derived from.'),
  ...rootIds,
  ...rootIntake,
  ...written('Created'),
  list('Goals', 'What must be true at the end.', REQUIRED),
  list('Non-Goals', 'What is left out on purpose.'),
  list('Scope', 'What is touched.'),
  list('Constraints', 'What must be respected.', REQUIRED),
  list('Assumptions', 'What is taken for granted.'),
  list('Risks', 'What could go wrong.'),
  list('Target-Paths', 'Files or folders the work is about.'),
  list('Entrypoints', 'Where to start reading.'),
  list('Required-Skills', 'Skills the work needs.'),
  list('Decomposition-Hints', 'How it may be cut into tasks.'),
  list('Acceptance', 'Statements by which the whole is judged.', REQUIRED),
  list('References', 'Documents worth reading first.', REQUIRED),
]

const INCIDENT = [
  id('Incident-ID', 'Identity of the incident; also its file name.', REQUIRED),
  title,
  text('Summary', 'What happened, in a sentence.', REQUIRED),
  ...rootIds,
  ...rootIntake,
  id('Source-Task-ID', 'Task it came from.'),
  id('Source-Spec-ID', 'Spec it came from.'),
  // Stages and planes are the plan's to know: any id is taken, the table names none.
  name('Source-Stage', 'Stage kind that raised it.', REQUIRED),
  name('Source-Plane', 'Plane of that stage.', REQUIRED),
  text('Failure-Class', 'Kind of failure.', REQUIRED),
  choice('Status-Hint', HINT, ['incoming', 'active', 'blocked', 'resolved']),
  choice('Severity', 'How bad it is.', ['low', 'medium', 'high', 'critical'], { fallback: 'medium' }),
  scalar('boolean')('Needs-Planning', 'Whether planning must act on it.', { fallback: true }),
  text('Trigger-Reason', 'Why it was raised.', REQUIRED),
  choice('Consultant-Decision', 'What the escalating stage decided.', ['needs_planning', 'blocked'], REQUIRED),
  ...written('Opened'),
  list('Observed-Symptoms', 'What was seen.'),
  list('Failed-Attempts', 'What was tried in vain.'),
  list('Evidence-Paths', 'Files that show it.'),
  list('Related-Run-IDs', 'Runs it concerns.'),
  list('Related-Stage-Results', 'Stage results it concerns.'),
  list('References', 'Documents worth reading first.'),
]

const PROBE = [
  id('Probe-ID', 'Identity of the probe; also its file name.', REQUIRED),
  title,
  text('Summary', 'Why it is asked, in a sentence.', EMPTY),
  text('Request', 'What is to be found out.', REQUIRED),
  choice('Status-Hint', HINT, HINTS),
  ...written('Created'),
  list('Target-Paths', 'Files or folders to look at.'),
  list('Constraints', 'What must be respected.'),
  list('Acceptance', 'Statements an answer must satisfy.'),
  list('Risk-Notes', 'What could go wrong.'),
  list('References', 'Documents worth reading first.'),
  list('Tags', 'Words to find it by.'),
]

const LEARNING_REQUEST = [
  id('Learning-Request-ID', 'Identity of the request; also its file name.', REQUIRED),
  title,
  text('Summary', 'What is to be learned, in a sentence.', EMPTY),
  choice(
    'Requested-Action',
    'What is to become of the skill.',
    ['create', 'improve', 'promote', 'export', 'install'],
    REQUIRED,
  ),
  id('Target-Skill-ID', 'Skill it concerns.'),
  name('Target-Stage', 'Stage kind to start at.'),
  scalar('json')('Trigger-Metadata', 'What triggered it.', { fallback: {} }),
  ...written('Created'),
  list('Source-Refs', 'Where the lesson comes from, as `run:…`, `stage:…` and the like.'),
  list('Preferred-Output-Paths', 'Where results should go.'),
  field('id', true, 'Originating-Run-IDs', 'Runs the lesson comes from.', {}),
  list('Artifact-Paths', 'Files that show it.'),
  list('References', 'Documents worth reading first.'),
]

function table(
  kind: DocumentKind,
  description: string,
  fields: readonly Field[],
  everyField: readonly Field[],
): KindTable {
  const own = new Map(fields.map((one) => [one.label, one]))
  const labels = new Map<string, LabelUse>()
  for (const one of [...fields, ...everyField]) {
    if (labels.has(one.label)) continue
    labels.set(one.label, { field: own.get(one.label) ?? null, label: one.label, list: one.list, index: labels.size })
  }
  return {
    kind,
    description,
    idField: fields[0]!.name,
    createdField: fields.find((one) => one.label === 'Created-At' || one.label === 'Opened-At')!.name,
    fields,
    byName: new Map(fields.map((one) => [one.name, one])),
    labels,
  }
}

const EVERY_FIELD = [...TASK, ...SPEC, ...INCIDENT, ...PROBE, ...LEARNING_REQUEST]

export const TABLES: Readonly<Record<DocumentKind, KindTable>> = {
  task: table('task', 'A piece of work an agent can carry out and check.', TASK, EVERY_FIELD),
  spec: table('spec', 'A wish with goals and acceptance, to be cut into tasks.', SPEC, EVERY_FIELD),
  incident: table('incident', 'A failure that local repair did not mend.', INCIDENT, EVERY_FIELD),
  probe: table('probe', 'A question to look into before any work is decided.', PROBE, EVERY_FIELD),
  learning_request: table('learning_request', 'A lesson to turn into a skill.', LEARNING_REQUEST, EVERY_FIELD),
}
