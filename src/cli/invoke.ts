/** From a parsed command line to its effect: ports, the operation itself, its answer on the screen, its exit status. */
import { asMillraceError, EXIT, MillraceError } from '../core/errors.ts'
import type { Context } from '../operations/context.ts'
import type { AnyOperation } from '../operations/table.ts'
import type { Globals, Verb } from './arguments.ts'
import { contextFor, type Install, PORTS } from './context.ts'
import { errorRecord, exitStatus, type Output } from './output.ts'
import { findPlace } from './place.ts'
import type { Signals } from './signals.ts'

/** Shown where nobody says how wide the terminal is. */
export const WIDTH_DEFAULT = 80

/** Verbs that look at no workspace: nothing is said about the one found. */
const WITHOUT_WORKSPACE: readonly string[] = ['version', 'schema', 'demo', 'docs', 'completion']

/** What one run of the program has: where it lies, where its words go, and whether they may be coloured. */
export interface Session {
  install: Install
  output: Output
  signals: Signals
  colour: boolean
  /** Text that is longer than the terminal may be shown in a pager. */
  pager: boolean
}

export interface Call {
  verb: Verb
  operation: AnyOperation
  input: Record<string, unknown>
  globals: Globals
}

/** Gives the exit status; throws what the operation throws. */
export async function invoke({ verb, operation, input, globals }: Call, session: Session): Promise<number> {
  const { output, signals } = session
  const elsewhere = verb.name === 'init' && input.dest !== undefined
  if (elsewhere && globals.workspace !== undefined) {
    throw new MillraceError('usage', '`millrace init` takes DEST or --workspace, not both.')
  }
  const quiet = elsewhere || WITHOUT_WORKSPACE.includes(verb.name)
  const context = await contextIn(verb, globals.workspace, globals, session, quiet)
  const end = () => {
    const hint = 'the command stays queued if nobody has carried it out yet'
    const error = new MillraceError('interrupted', 'Interrupted.', verb.flavour === 'change' ? { hint } : {})
    // Nothing else ends a wait for a runtime; what was committed is on the disk.
    process.exit(output.failure(error))
  }
  if (verb.flavour === 'change') signals.endOnInterrupt(end)
  if (verb.flavour === 'perform') signals.endOnSecondSignal(end)
  if (operation.follows?.(input))
    return following({ operation, input, context, json: globals.json, name: verb.name }, session)
  const answer: object = await operation.run(context, input)
  if (globals.json) output.value(answer)
  else {
    const text = await rendered(verb.name, answer, session)
    if (verb.flavour === 'read') await show(text, session)
    else output.text(text)
  }
  return exitStatus(verb.flavour, answer, signals.interrupted())
}

interface Following {
  name: string
  operation: AnyOperation
  input: Record<string, unknown>
  context: Context
  json: boolean
}

/** An operation that tells its answer record by record; also an error is a line then. */
async function following({ name, operation, input, context, json }: Following, session: Session): Promise<number> {
  const { output } = session
  const [{ telling }, { makeLook }, { rendererOf }] = await Promise.all([
    import('./telling.ts'),
    import('./look.ts'),
    import('./render/table.ts'),
  ])
  const tell = telling({
    json,
    terminal: process.stdout.isTTY === true,
    look: () => makeLook(lookOptions(session)),
    render: await rendererOf(name),
    output,
  })
  try {
    const answer: object = await operation.run({ ...context, tell }, input)
    await tell(answer)
    return EXIT.done
  } catch (thrown) {
    if (!json) throw thrown
    const error = asMillraceError(thrown)
    output.line({ end: { reason: 'error', error: errorRecord(error) } })
    output.complain(error)
    return error.exitStatus
  }
}

/** `status watch`: the operation `status`, of one or more workspaces, again and again. */
export async function invokeWatch({ operation, input, globals }: Call, session: Session): Promise<number> {
  const [{ watch }, { makeLook }, { rendererOf }] = await Promise.all([
    import('./watch.ts'),
    import('./look.ts'),
    import('./render/table.ts'),
  ])
  const contexts = new Map<string, Context>()
  for (const workspace of (input.workspace as string[] | undefined) ?? [undefined]) {
    const context = await contextIn({ name: 'status', flavour: 'read' }, workspace, globals, session, false)
    contexts.set(context.workspaceRoot, context)
  }
  const read = (context: Context): Promise<object> => operation.run(context, { detail: input.detail === true })
  return watch(
    [...contexts.values()].map((context) => ({ context, read })),
    input,
    {
      json: globals.json,
      terminal: process.stdout.isTTY === true,
      rows: () => process.stdout.rows || Number.POSITIVE_INFINITY,
      look: () => makeLook(lookOptions(session)),
      render: await rendererOf('status'),
      output: session.output,
    },
  )
}

async function contextIn(
  verb: { name: string; flavour: string },
  workspace: string | undefined,
  globals: Globals,
  session: Session,
  quiet: boolean,
): Promise<Context> {
  const place = findPlace(PORTS.files, { workspace, config: globals.config }, process.env, currentFolder())
  if (place.found === 'above' && !quiet) {
    session.output.notice(`using the workspace ${place.root}, found above this folder`)
  }
  return contextFor(verb, place.root, globals, session)
}

export function currentFolder(): string {
  try {
    return process.cwd()
  } catch {
    throw new MillraceError('file_unreadable', 'The folder you are in does not exist any more.', {
      hint: 'change to one that does',
    })
  }
}

/** Text to be read from its beginning: what does not fit on the terminal goes through the pager. */
export async function show(text: string, { output, signals, pager }: Session): Promise<void> {
  const { rows, columns } = process.stdout
  if (pager && rows > 0) {
    const { isLong, paged } = await import('./pager.ts')
    if (isLong(text, rows, columns) && (await paged(text, process.env, PORTS.programs, signals))) return
  }
  output.text(text)
}

async function rendered(name: string, answer: object, session: Session): Promise<string> {
  const options = lookOptions(session)
  const [look, render] = await Promise.all([
    options.terminal
      ? import('./look.ts').then(({ makeLook }) => makeLook(options))
      : import('./plain-look.ts').then(({ plainLook }) => plainLook(options)),
    import('./render/table.ts').then(({ rendererOf }) => rendererOf(name)),
  ])
  return render(answer, look)
}

function lookOptions({ colour }: Session) {
  const terminal = process.stdout.isTTY === true
  const width = process.stdout.columns || WIDTH_DEFAULT
  return { terminal, colour: colour && terminal, width, now: PORTS.clock.now() }
}
