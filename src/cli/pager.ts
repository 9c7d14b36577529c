/** Long text on a terminal goes through the pager of whoever sits there. */
import stringWidth from 'string-width'
import type { Signals } from './signals.ts'

/** Programs that share the terminal with us. */
export interface Programs {
  /** Absolute path of a program; null if there is none. */
  find: (program: string, searchPath: string, folder: string) => string | null
  /** Shows text through a command of the shell; gives its exit status, null if it did not end by itself. */
  showThrough: (command: string, text: string, env: Record<string, string | undefined>) => Promise<number | null>
}

type Environment = Readonly<Record<string, string | undefined>>

/** Quits by itself where all fits after all, keeps colours, and leaves the text on the screen. */
const LESS = 'FRX'

/** Whether a text takes more lines than the terminal has, one of which is the next prompt's. */
export function isLong(text: string, rows: number, columns: number): boolean {
  let lines = 1
  for (const line of text.trimEnd().split('\n')) {
    lines += Math.max(1, columns > 0 ? Math.ceil(stringWidth(line) / columns) : 1)
    if (lines > rows) return true
  }
  return false
}

/** The command of the pager: of MILLRACE_PAGER, PAGER, or `less`; null where none is wanted, or none is there. */
export function pagerOf(environment: Environment, find: Programs['find']): string | null {
  const command = (environment.MILLRACE_PAGER ?? environment.PAGER ?? 'less').trim()
  const [program = ''] = command.split(/\s+/)
  if (program === '') return null
  // What is more than a plain name the shell understands better than we do.
  const isPlain = /^[A-Za-z0-9_./+-]+$/.test(program)
  return isPlain && find(program, environment.PATH ?? '', '.') === null ? null : command
}

/** Shows a text through the pager; false if nobody has seen it that way, and it is still to be printed. */
export async function paged(
  text: string,
  environment: Environment,
  programs: Programs,
  signals: Pick<Signals, 'onSignal'>,
): Promise<boolean> {
  const command = pagerOf(environment, programs.find)
  if (command === null) return false
  let interrupted = false
  // Ctrl-C is the pager's: ended by it, we would leave the pager behind without its terminal.
  const release = signals.onSignal(() => {
    interrupted = true
  })
  const env = { ...environment, LESS: environment.LESS ?? LESS }
  const whole = text.endsWith('\n') ? text : `${text}\n`
  const status = await programs.showThrough(command, whole, env)
  release()
  return status === 0 || interrupted
}
