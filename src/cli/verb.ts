/** A verb as the command line has it: the operation with its other spellings, and what is easily taken for it. */
import type { AnyOperation } from '../operations/table.ts'
import type { Verb } from './arguments.ts'
import { aliasesOf, notTheSame, type Spelling, WATCH } from './spellings.ts'

/** `name`: its canonical spelling. */
export async function verbOf(
  name: string,
  operation: AnyOperation,
  spellings: ReadonlyMap<string, Spelling>,
): Promise<Verb> {
  const spelled = { aliases: aliasesOf(name, spellings), others: notTheSame(name, spellings) }
  if (name === WATCH) return { ...(await import('./watch.ts')).WATCH_VERB, ...spelled }
  const { flavour, description, input, examples } = operation
  return { name, flavour, description, fields: input, examples, ...spelled }
}
