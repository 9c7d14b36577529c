/** `status watch`: the status again and again, redrawn on a terminal, until Ctrl-C or a number of updates. */
import { asMillraceError, EXIT } from '../core/errors.ts'
import type { Context } from '../operations/context.ts'
import type { Verb } from './arguments.ts'
import type { Look } from './look.ts'
import { errorRecord, type Output } from './output.ts'
import { cut } from './table.ts'

/** The one verb that is no operation of its own. */
export const WATCH_VERB: Omit<Verb, 'aliases' | 'others'> = {
  name: 'status watch',
  flavour: 'read',
  description:
    'Shows `millrace status` again and again until Ctrl-C, with --detail everything that `millrace status --detail` tells. With --json one object per line; the last line says why it ended.',
  fields: [
    {
      name: 'workspace',
      type: 'list',
      placeholder: 'PATH',
      description: 'Workspace to watch; may be repeated (default: found as everywhere).',
    },
    { name: 'detail', type: 'flag', description: 'Everything there is to know, in groups.' },
    { name: 'max_updates', type: 'integer', minimum: 1, placeholder: 'N', description: 'End after N updates.' },
    {
      name: 'interval_seconds',
      type: 'number',
      minimum: 0,
      default: 1,
      placeholder: 'N',
      description: 'Pause between updates.',
    },
  ],
  examples: [
    { command: 'millrace status watch', does: 'keep an eye on the workspace' },
    {
      command: 'millrace status watch --json --max-updates 10 --interval-seconds 5',
      does: 'ten readings, one JSON object per line, for a program',
    },
  ],
}

/** Between two updates even with an interval of 0, so that signals are heard and the disk gets a rest. */
const PAUSE_MS_MIN = 10
const CLEAR = '\u001b[H\u001b[2J'
const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'

export interface Watched {
  context: Context
  read: (context: Context) => Promise<object>
}

interface Watching {
  json: boolean
  terminal: boolean
  /** Lines of the terminal, asked afresh for each update. */
  rows: () => number
  look: () => Look
  render: (output: object, look: Look) => string
  output: Output
}

/** Gives the exit status: 0 however it was ended, 1 if there is nothing to read. */
export async function watch(
  watched: readonly Watched[],
  input: { max_updates?: number; interval_seconds?: number },
  watching: Watching,
): Promise<number> {
  const { output, json } = watching
  const { clock, onSignal } = watched[0]!.context
  let ended: 'interrupted' | 'closed' | null = null
  let wake = (): void => {}
  const end = (how: 'interrupted' | 'closed') => {
    ended ??= how
    wake()
  }
  const release = onSignal(() => end('interrupted'))
  output.onClosed(() => end('closed'))
  let updates = 0
  try {
    while (ended === null) {
      const statuses = []
      for (const { context, read } of watched) statuses.push(await read(context))
      show(statuses, updates, watching)
      updates += 1
      if (updates === input.max_updates) break
      await new Promise<void>((resolve) => {
        const cancel = clock.after(Math.max(PAUSE_MS_MIN, (input.interval_seconds ?? 1) * 1000), resolve)
        wake = () => {
          cancel()
          resolve()
        }
        if (ended !== null) wake()
      })
    }
  } catch (thrown) {
    if (!json) throw thrown
    const error = asMillraceError(thrown)
    output.line({ end: { reason: 'error', updates, error: errorRecord(error) } })
    output.complain(error)
    return error.exitStatus
  } finally {
    release()
  }
  if (json) output.line({ end: { reason: ended ?? 'max_updates', updates } })
  else if (ended === 'interrupted') output.text(watching.terminal ? '\n' : 'interrupted: true')
  return EXIT.done
}

function show(
  statuses: readonly object[],
  updates: number,
  { json, terminal, rows, look, render, output }: Watching,
): void {
  if (json) {
    for (const status of statuses) output.line(status)
    return
  }
  const text = statuses.map((status) => render(status, look()).trimEnd()).join('\n\n')
  if (!terminal) {
    output.text(`${updates === 0 ? '' : '\n'}${text}`)
    return
  }
  // A line too many, or one that is wrapped, would push the first one off the screen.
  const lines = text.split('\n').slice(0, Math.max(1, rows() - 1))
  const fitting = lines.map((line) => `${cut(line, look().width - 1)}${CLEAR_LINE}`)
  output.text(`${updates === 0 ? CLEAR : HOME}${fitting.join('\n')}${CLEAR_BELOW}\n`)
}
