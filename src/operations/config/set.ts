/** Setting one key of the config. The runtime at work takes it in at once; without one the next start reads it. */
import type { Boundary } from '../../core/boundary.ts'
import { MillraceError } from '../../core/errors.ts'
import type { Operation } from '../../core/operation.ts'
import { type Context, requireWorkspace } from '../context.ts'
import { type Issued, issue } from '../issue.ts'
import { reloaded } from '../reload.ts'

interface Setting {
  key: string
  value?: string
  unset?: boolean
  reason?: string
}

/** When a change counts for a runtime at work. */
const EFFECT: Readonly<Record<Boundary, string>> = {
  tick: 'takes effect at once',
  claim: 'takes effect with the next item that is claimed',
  restart: 'is refused while a runtime is at work',
}

export const set: Operation<Context, Setting, Issued> = {
  name: 'config set',
  flavour: 'change',
  summary: 'Set a key of millrace.toml.',
  description:
    'Sets one key, or takes it out, and leaves comments, order and all other lines of the file as they are. The whole config is checked before it is written. A value is read as TOML (3, true, ["a"]), or else as text. A runtime at work reads the config again; the answer says when the change counts.',
  input: [
    { name: 'key', type: 'text', positional: true, required: true, placeholder: 'KEY', description: 'Dotted key.' },
    { name: 'value', type: 'text', positional: true, placeholder: 'VALUE', description: 'Its new value.' },
    { name: 'unset', type: 'flag', description: 'Take the key out, so that its default counts.' },
    { name: 'reason', type: 'text', placeholder: 'TEXT', description: 'Why; kept in the record.' },
  ],
  examples: [
    { command: 'millrace config set recovery.max_fix_cycles 3', does: 'allow three fix rounds' },
    { command: 'millrace config set stages.builder.model gpt-5 --dry-run', does: 'see which lines would change' },
    { command: 'millrace config set recovery.max_fix_cycles --unset', does: 'go back to the default' },
  ],
  output: async () => (await import('../schemas.ts')).issuedSchema(),
  async run(context, { key, value, unset, reason }) {
    requireWorkspace(context)
    if ((value === undefined) === (unset !== true))
      throw new MillraceError('usage', 'Give either a value to set, or --unset.', {
        hint: 'for example: millrace config set recovery.max_fix_cycles 3',
      })
    const why = reason === undefined ? {} : { reason }
    const issued = await issue(context, 'set_config', { key, ...why, ...(unset ? { unset } : { value }) })
    return reloaded(context, issued, EFFECT[(issued.result.boundary as Boundary | undefined) ?? 'claim'])
  },
}
