/** JSON Schemas by name: what a command prints with --json, and what a work document has to say. */
import { DOCUMENT_KINDS, type DocumentKind } from '../core/document.ts'
import { documentJsonSchema } from '../core/document-schema.ts'
import { MillraceError } from '../core/errors.ts'
import { didYouMean, nearest } from '../core/nearest.ts'
import type { Operation } from '../core/operation.ts'
import type { Context } from './context.ts'

const DOCUMENT = 'document.'

/** What is printed by the command line itself: for a failure of whatever verb, for help, and by the verb that only repeats another. */
const OF_THE_COMMAND_LINE: Readonly<Record<string, () => Promise<object>>> = {
  'status watch': async () => (await import('./schemas.ts')).statusWatchSchema(),
  error: async () => (await import('./schemas.ts')).failureSchema(),
  help: async () => (await import('./schemas.ts')).helpSchema(),
}

export const schema: Operation<Context, { name?: string[] }, object> = {
  name: 'schema',
  flavour: 'read',
  summary: 'JSON Schema of what a command prints with --json.',
  description:
    'Prints the JSON Schema (draft 2020-12) of the answer of a command, or of a work document: document.task, document.spec and so on. `error` is what any command prints where it fails. Without a name: which there are. Needs no workspace.',
  input: [
    {
      name: 'name',
      type: 'list',
      positional: true,
      placeholder: 'NAME',
      description: 'A command, or document.<kind>.',
      names: 'schema',
    },
  ],
  examples: [
    { command: 'millrace schema queue ls', does: 'see what `millrace queue ls --json` prints' },
    { command: 'millrace schema document.task', does: 'see what a task has to say' },
  ],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run(_context, { name = [] }) {
    const { OPERATIONS } = await import('./table.ts')
    const asked = name.join(' ').trim()
    const known = [
      ...OPERATIONS.map((entry) => entry.name),
      ...Object.keys(OF_THE_COMMAND_LINE),
      ...DOCUMENT_KINDS.map((kind) => `${DOCUMENT}${kind}`),
    ]
    if (asked === '') return { schemas: known }
    const kind = asked.startsWith(DOCUMENT) ? asked.slice(DOCUMENT.length) : ''
    if ((DOCUMENT_KINDS as readonly string[]).includes(kind)) return documentJsonSchema(kind as DocumentKind)
    const entry = OPERATIONS.find((one) => one.name === asked)
    if (entry) return (await entry.load()).output()
    if (Object.hasOwn(OF_THE_COMMAND_LINE, asked)) return OF_THE_COMMAND_LINE[asked]!()
    const near = nearest(asked, known)
    throw new MillraceError('usage', `There is no schema ${asked}.`, {
      hint: didYouMean(near, 'see which there are with `millrace schema`'),
    })
  },
}
