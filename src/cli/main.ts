/**
 * The command line: the operations table projected to words, options, text, JSON and exit statuses. It knows no facts
 * of its own; what is not in the answer of an operation is not shown.
 */
import { asMillraceError, EXIT, MillraceError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import type { Context } from '../operations/context.ts'
import { type AnyOperation, OPERATIONS, type TableEntry } from '../operations/table.ts'
import { disk } from '../store/files.ts'
import { type Globals, parseArguments, type Verb } from './arguments.ts'
import { contextFor, type Install } from './context.ts'
import { GLOBAL_OPTIONS, type Scanned, scan } from './options.ts'
import { exitStatus, type Output, outputTo } from './output.ts'
import { findPlace } from './place.ts'
import { type Signals, signalsOf } from './signals.ts'
import { aliasesOf, resolve, spellingsOf, WATCH } from './spellings.ts'

/** Shown where nobody says how wide the terminal is. */
const WIDTH_DEFAULT = 80
/** Verbs that look at no workspace: nothing is said about one. */
const WITHOUT_WORKSPACE: readonly string[] = ['version', 'schema', 'demo']

interface Session {
  install: Install
  output: Output
  signals: Signals
  colour: boolean
}

/** Carries out one command line (without the program's name) and gives its exit status; everything is told on the way. */
export async function main(argv: string[], install: Install): Promise<number> {
  const scanned = scan(argv)
  const colour = !argv.includes('--no-color') && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
  const debug = process.env.MILLRACE_DEBUG === '1'
  const output = outputTo(process.stdout, process.stderr, { json: scanned.json, colour, debug })
  process.on('uncaughtException', (thrown) => {
    process.exit(output.failure(asMillraceError(thrown)))
  })
  try {
    return await carryOut(argv, scanned, { install, output, signals: signalsOf(process), colour })
  } catch (thrown) {
    return output.failure(asMillraceError(thrown))
  }
}

async function carryOut(argv: readonly string[], scanned: Scanned, session: Session): Promise<number> {
  const spellings = spellingsOf(OPERATIONS.map((entry) => entry.name))
  const asksHelp = scanned.words[0] === 'help'
  const help = scanned.help || asksHelp
  const skipped = asksHelp ? 1 : 0
  const wantsVersion = scanned.version && scanned.words.length === 0
  const resolved = resolve(wantsVersion ? ['version'] : scanned.words.slice(skipped), spellings)
  if (resolved.kind === 'unknown') throw new MillraceError('usage', resolved.sentence, { hint: resolved.hint })
  if (resolved.kind === 'group') {
    if (help || (argv.length === 0 && process.stdout.isTTY))
      return tell(await helpOnGroup(resolved.group), scanned, session)
    throw incomplete(resolved.group, scanned, spellings)
  }
  const entry = OPERATIONS.find((one) => one.name === (resolved.canonical === WATCH ? 'status' : resolved.canonical))!
  const operation = await entry.load()
  const verb = await verbOf(resolved.canonical, operation, aliasesOf(resolved.canonical, spellings))
  if (help)
    return tell((await import('./help.ts')).verbHelp(verb, process.stdout.columns || WIDTH_DEFAULT), scanned, session)
  const taken = new Set(wantsVersion ? [] : scanned.places.slice(0, skipped + resolved.words))
  const rest = argv.filter((word, at) => !taken.has(at) && !(wantsVersion && (word === '--version' || word === '-V')))
  const { input, globals } = parseArguments(verb, [...resolved.adds, ...rest])
  requirePlatform()
  if (verb.name === WATCH) return watchStatus(operation, input, globals, session)
  return runOperation(verb, operation, input, globals, session)
}

async function runOperation(
  verb: Verb,
  operation: AnyOperation,
  input: Record<string, unknown>,
  globals: Globals,
  session: Session,
): Promise<number> {
  const { output, signals } = session
  const context = await contextIn(verb, globals.workspace, globals, session, input.dest === undefined)
  if (verb.flavour !== 'read') {
    signals.whenUnheard(() => {
      const error = new MillraceError(
        'interrupted',
        'Interrupted.',
        verb.flavour === 'change' ? { hint: 'the command stays queued if nobody has carried it out yet' } : {},
      )
      // Nothing else ends a wait for a runtime; what was committed is on the disk.
      process.exit(output.failure(error))
    })
  }
  const answer: object = await operation.run(context, input)
  if (globals.json) output.value(answer)
  else output.text(await rendered(verb.name, answer, session))
  return exitStatus(verb.flavour, answer, signals.interrupted())
}

async function watchStatus(
  operation: AnyOperation,
  input: Record<string, unknown>,
  globals: Globals,
  session: Session,
): Promise<number> {
  const { watch } = await import('./watch.ts')
  const { makeLook } = await import('./look.ts')
  const { rendererOf } = await import('./render/table.ts')
  const named = (input.workspace as string[] | undefined) ?? [undefined]
  const contexts = new Map<string, Context>()
  for (const one of named) {
    const context = await contextIn({ name: 'status', flavour: 'read' }, one, globals, session, true)
    contexts.set(context.workspaceRoot, context)
  }
  const watched = [...contexts.values()].map((context) => ({
    context,
    read: (given: Context): Promise<object> => operation.run(given, {}),
  }))
  const terminal = process.stdout.isTTY === true
  return watch(watched, input, {
    json: globals.json,
    terminal,
    rows: () => process.stdout.rows || Number.POSITIVE_INFINITY,
    look: () => makeLook(lookOptions(watched[0]!.context, session)),
    render: await rendererOf('status'),
    output: session.output,
  })
}

async function contextIn(
  verb: { name: string; flavour: string },
  workspace: string | undefined,
  globals: Globals,
  session: Session,
  says: boolean,
): Promise<Context> {
  const place = findPlace(disk, { workspace, config: globals.config }, process.env, process.cwd())
  if (place.found === 'above' && says && !WITHOUT_WORKSPACE.includes(verb.name))
    session.output.notice(`using the workspace ${place.root}, found above this folder`)
  return contextFor(verb, place.root, globals, session)
}

async function rendered(name: string, answer: object, session: Session): Promise<string> {
  const { makeLook } = await import('./look.ts')
  const { rendererOf } = await import('./render/table.ts')
  const { systemClock } = await import('../engine/clock.ts')
  const render = await rendererOf(name)
  return render(answer, makeLook(lookOptions({ clock: systemClock }, session)))
}

function lookOptions({ clock }: Pick<Context, 'clock'>, { colour }: Session) {
  const terminal = process.stdout.isTTY === true
  return { terminal, colour: colour && terminal, width: process.stdout.columns || WIDTH_DEFAULT, now: clock.now() }
}

async function verbOf(name: string, operation: AnyOperation, aliases: readonly string[]): Promise<Verb> {
  const verb = {
    name,
    flavour: operation.flavour,
    description: operation.description,
    fields: operation.input,
    examples: operation.examples,
    aliases,
  }
  if (name !== WATCH) return verb
  const { WATCH_EXAMPLES, WATCH_FIELDS } = await import('./watch.ts')
  return {
    ...verb,
    description:
      'Shows `status` again and again until Ctrl-C. With --json one object per line; the last line says why it ended.',
    fields: WATCH_FIELDS,
    examples: WATCH_EXAMPLES,
  }
}

async function helpOnGroup(group: string): Promise<string> {
  const help = await import('./help.ts')
  return group === ''
    ? help.overview(OPERATIONS)
    : help.groupHelp(group, OPERATIONS as readonly TableEntry[], spellingsOf(OPERATIONS.map((entry) => entry.name)))
}

function tell(text: string, scanned: Scanned, { output }: Session): number {
  if (scanned.json) output.value({ help: text })
  else output.text(text)
  return EXIT.done
}

/** A command line that ends before its verb is whole. */
function incomplete(group: string, scanned: Scanned, spellings: ReturnType<typeof spellingsOf>): MillraceError {
  const about = group === '' ? 'millrace' : `millrace ${group}`
  if (scanned.stopped !== null) {
    const near = nearest(
      scanned.stopped,
      GLOBAL_OPTIONS.map((option) => option.long),
    )
    return new MillraceError('usage', `\`${about}\` has no option ${scanned.stopped}.`, {
      hint: near === null ? 'options of a command come after it' : `did you mean ${near}?`,
    })
  }
  const next = [...spellings.keys()]
    .filter((words) => words.startsWith(`${group} `))
    .map((words) => words.slice(group.length + 1))
  return new MillraceError('usage', group === '' ? 'No command was given.' : `\`${about}\` needs a verb.`, {
    hint: group === '' ? 'see what there is with `millrace --help`' : `it is one of: ${next.join(', ')}`,
  })
}

function requirePlatform(): void {
  if (process.platform !== 'win32') return
  throw new MillraceError(
    'workspace_unsupported',
    'Millrace does not run on Windows itself; run it inside WSL (Windows Subsystem for Linux).',
  )
}
