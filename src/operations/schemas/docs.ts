/** What docs and completion give. */
import * as z from 'zod'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)

export const Docs = z
  .strictObject({
    topics: z
      .array(
        z.strictObject({
          topic: text('Name to ask for it by.'),
          title: text('Its heading.'),
          path: text('Its file.'),
        }),
      )
      .describe('Documents there are.'),
    topic: maybe('The one that was asked for.'),
    path: maybe('Its file.'),
    text: maybe('Its text, in Markdown; null unless the document itself was asked for.'),
    found: z
      .array(
        z.strictObject({
          topic: text('Document.'),
          line: z.int().min(1).describe('Line in it.'),
          text: text('The line.'),
        }),
      )
      .nullable()
      .describe('Lines with the words that were searched for, at most 200; null if none were.'),
  })
  .describe('Documents of the package.')
export type DocsOutput = z.infer<typeof Docs>

export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const

export const Completion = z
  .strictObject({
    shell: z.enum(SHELLS).describe('Shell it is for.'),
    script: text('What the shell is to read.'),
  })
  .describe('Completion of command lines in a shell.')
export type CompletionOutput = z.infer<typeof Completion>
