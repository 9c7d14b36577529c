/** Where a command's words go: the answer to stdout, everything said beside it to stderr, and never a stack trace. */
import picocolors from 'picocolors'
import { EXIT, MillraceError } from '../core/errors.ts'
import { jsonText } from '../core/json.ts'
import { safeText } from './safe.ts'

export interface Output {
  /** One JSON value, on several lines. */
  value(value: unknown): void
  /** One JSON value on one line, for commands that follow something. */
  line(value: unknown): void
  /** Text of the answer; a line break is added if it ends without one. */
  text(text: string): void
  /** A line for the operator that is no part of the answer. */
  notice(line: string): void
  /** Says what went wrong, as JSON too where JSON was asked for; gives the exit status. */
  failure(error: MillraceError): number
  /** Only the sentence, to stderr. */
  complain(error: MillraceError): void
  /** Waits until what was written so far has left this process, so that a slow reader does not fill its memory. */
  written(): Promise<void>
  /** Calls back once nobody reads stdout any more. */
  onClosed(callback: () => void): void
  /** Waits until everything is written; gives the exit status, which is a failure if the answer was lost. */
  finish(status: number): Promise<number>
}

interface OutputOptions {
  json: boolean
  /** Colours may be used where stderr is a terminal. */
  colour: boolean
  /** Stack traces of defects go to stderr. */
  debug: boolean
}

type Stream = Pick<NodeJS.WriteStream, 'write' | 'on' | 'isTTY'>

export function outputTo(stdout: Stream, stderr: Stream, options: OutputOptions): Output {
  const paint = picocolors.createColors(options.colour && stderr.isTTY === true)
  const closed: (() => void)[] = []
  let lost: NodeJS.ErrnoException | null = null
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough is no failure; a full disk is.
    if (error.code !== 'EPIPE') lost = error
    for (const callback of closed) callback()
  })
  stderr.on('error', () => {})
  const complain = (error: MillraceError) => {
    stderr.write(`${paint.red('error:')} ${safeText(sentenceOf(error))}\n`)
    for (const line of error.hint?.split('\n') ?? []) if (line !== '') stderr.write(`  ${safeText(line)}\n`)
    if (options.debug && error.code === 'internal')
      stderr.write(`${(error.cause as Error | undefined)?.stack ?? error.stack}\n`)
  }
  const written = () => new Promise<void>((resolve) => void stdout.write('', () => resolve()))
  return {
    value: (value) => void stdout.write(jsonText(value)),
    line: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
    text: (text) => void stdout.write(text === '' || text.endsWith('\n') ? text : `${text}\n`),
    notice: (line) => void stderr.write(`${safeText(line)}\n`),
    complain,
    failure(error) {
      if (options.json) stdout.write(jsonText({ error: errorRecord(error) }))
      complain(error)
      return error.exitStatus
    },
    written,
    onClosed: (callback) => void closed.push(callback),
    async finish(status) {
      await written()
      if (lost === null) return status
      complain(new MillraceError('workspace_unwritable', `The answer could not be written: ${lost.message}.`))
      return status === EXIT.done ? EXIT.failed : status
    },
  }
}

/** The shape of an error in JSON. */
export function errorRecord(error: MillraceError): { code: string; message: string; hint?: string } {
  return { code: error.code, message: sentenceOf(error), ...(error.hint ? { hint: error.hint } : {}) }
}

/** A defect is told in one sentence too; where it happened is for MILLRACE_DEBUG=1. */
function sentenceOf(error: MillraceError): string {
  return error.code === 'internal'
    ? `Something went wrong inside Millrace: ${error.message.split('\n')[0]}`
    : error.message
}

/** What a change that was not applied may say of itself without having been refused: nothing was to be done, or not yet. */
const NOT_REFUSED: readonly unknown[] = ['queued', 'preview', 'not_running']

/**
 * The exit status that an answer means (rulings, *exit codes*). The facts have the same names in every output:
 * `failed` and `ok` of what ran or was checked, `applied` and `state` of a change.
 */
export function exitStatus(flavour: 'read' | 'change' | 'perform', output: object, interrupted: boolean): number {
  const facts = output as { interrupted?: boolean; failed?: boolean; ok?: boolean; applied?: boolean; state?: string }
  if (facts.interrupted === true || (interrupted && flavour !== 'read')) return EXIT.interrupted
  if (facts.failed === true || facts.ok === false) return EXIT.failed
  if (facts.state === 'refused') return EXIT.refused
  if (flavour === 'change' && facts.applied === false && !NOT_REFUSED.includes(facts.state)) return EXIT.refused
  return EXIT.done
}
