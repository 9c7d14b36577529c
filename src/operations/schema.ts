/** JSON Schemas by name: what a command prints with --json, and what a work document has to say. */
import { DOCUMENT_KINDS, type DocumentKind } from '../core/document.ts'
import { documentJsonSchema } from '../core/document-schema.ts'
import { MillraceError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import type { Operation } from '../core/operation.ts'
import type { Context } from './context.ts'

const DOCUMENT = 'document.'

export const schema: Operation<Context, { name?: string[] }, object> = {
  name: 'schema',
  flavour: 'read',
  summary: 'JSON Schema of what a command prints with --json.',
  description:
    'Prints the JSON Schema (draft 2020-12) of the answer of a command, or of a work document: document.task, document.spec and so on. Without a name: which there are. Needs no workspace.',
  input: [
    {
      name: 'name',
      type: 'list',
      positional: true,
      placeholder: 'NAME',
      description: 'A command, or document.<kind>.',
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
    const known = [...OPERATIONS.map((entry) => entry.name), ...DOCUMENT_KINDS.map((kind) => `${DOCUMENT}${kind}`)]
    if (asked === '') return { schemas: known }
    const kind = asked.startsWith(DOCUMENT) ? asked.slice(DOCUMENT.length) : ''
    if ((DOCUMENT_KINDS as readonly string[]).includes(kind)) return documentJsonSchema(kind as DocumentKind)
    const entry = OPERATIONS.find((one) => one.name === asked)
    if (entry) return (await entry.load()).output()
    const near = nearest(asked, known)
    throw new MillraceError('usage', `There is no schema ${asked}.`, {
      hint: near === null ? 'see which there are with `millrace schema`' : `did you mean ${near}?`,
    })
  },
}
