/**
 * The command line: the operations table projected to words, options, text, JSON and exit statuses. It knows no facts
 * of its own; what is not in the answer of an operation is not shown.
 */
import { asMillraceError, EXIT, MillraceError } from '../core/errors.ts'
import { didYouMean, nearest } from '../core/nearest.ts'
import { OPERATIONS } from '../operations/table.ts'
import { parseArguments } from './arguments.ts'
import { type Install, PORTS, sightOf } from './context.ts'
import { currentFolder, invoke, invokeWatch, type Session, show, WIDTH_DEFAULT } from './invoke.ts'
import { GLOBAL_OPTIONS, type Scanned, scan } from './options.ts'
import { outputTo } from './output.ts'
import { findPlace } from './place.ts'
import { signalsOf } from './signals.ts'
import { nextWords, resolve, type Spelling, spellingsOf, WATCH, withSwitch } from './spellings.ts'
import { verbOf } from './verb.ts'

/** The word with which the scripts of `millrace completion` ask, before the number of words and the words themselves. */
const COMPLETE = '__complete'

type Spellings = ReadonlyMap<string, Spelling>

/** Carries out one command line (without the program's name) and gives its exit status; everything is told on the way. */
export async function main(argv: string[], install: Install): Promise<number> {
  if (argv[0] === COMPLETE) return completing(argv.slice(1), install)
  const scanned = withSwitch(argv, scan(argv))
  const { NO_COLOR, TERM, MILLRACE_DEBUG } = process.env
  const colour = scanned.colour && !NO_COLOR && TERM !== 'dumb'
  const output = outputTo(process.stdout, process.stderr, {
    json: scanned.json,
    colour,
    debug: MILLRACE_DEBUG === '1',
  })
  process.on('uncaughtException', (thrown) => {
    process.exit(output.failure(asMillraceError(thrown)))
  })
  const pager = scanned.pager && !scanned.json && process.stdout.isTTY === true && TERM !== 'dumb'
  const session: Session = { install, output, signals: signalsOf(process), colour, pager }
  try {
    return await output.finish(await carryOut(argv, scanned, session))
  } catch (thrown) {
    return output.finish(output.failure(asMillraceError(thrown)))
  }
}

/** Whatever goes wrong, a shell that wants a completion is told nothing. */
async function completing([count = '0', ...words]: readonly string[], install: Install): Promise<number> {
  process.stdout.on('error', () => {})
  try {
    const { complete, told } = await import('./complete.ts')
    // Not every shell can hand over an empty word.
    const whole = words.length < Number(count) ? [...words, ''] : words
    const completed = await complete(whole, (named) =>
      sightOf(findPlace(PORTS.files, named, process.env, currentFolder()).root, install),
    )
    process.stdout.write(`${told(completed)}\n`)
  } catch {
    // Neither a broken workspace nor a line that means nothing is worth a word between two keys.
  }
  return EXIT.done
}

async function carryOut(argv: readonly string[], scanned: Scanned, session: Session): Promise<number> {
  const spellings = spellingsOf(OPERATIONS.map((entry) => entry.name))
  const wantsVersion = scanned.version && scanned.words.length === 0
  const asksHelp = scanned.words[0] === 'help'
  const help = scanned.help || asksHelp
  const words = wantsVersion ? ['version'] : scanned.words.slice(asksHelp ? 1 : 0)
  const resolved = resolve(words, spellings)
  if (resolved.kind === 'unknown') throw new MillraceError('usage', resolved.sentence, { hint: resolved.hint })
  if (resolved.kind === 'group') {
    const bare = argv.length === 0 && process.stdout.isTTY === true
    if (help || bare) return tell(await groupHelp(resolved.group, spellings), scanned, session)
    throw incomplete(resolved.group, scanned, spellings)
  }
  const spelled = words.slice(0, resolved.words).join(' ')
  // `queue` alone is `queue ls`, but whoever asks for help on it wants to see all its verbs.
  if (help && spelled !== resolved.canonical && nextWords(spelled, spellings).length > 0) {
    return tell(await groupHelp(spelled, spellings), scanned, session)
  }
  const watches = resolved.canonical === WATCH
  const entry = OPERATIONS.find((one) => one.name === (watches ? 'status' : resolved.canonical))!
  const operation = await entry.load()
  const verb = await verbOf(resolved.canonical, operation, spellings)
  if (help) {
    const { verbHelp } = await import('./help.ts')
    return tell(verbHelp(verb, process.stdout.columns || WIDTH_DEFAULT), scanned, session)
  }
  const taken = wantsVersion ? [] : scanned.places.slice(0, resolved.words)
  const rest = argv.filter((word, at) => !taken.includes(at) && !(wantsVersion && isVersionOption(word)))
  const call = { verb, operation, ...parseArguments(verb, [...resolved.adds, ...rest]) }
  requirePlatform()
  return watches ? invokeWatch(call, session) : invoke(call, session)
}

const isVersionOption = (word: string): boolean => word === '--version' || word === '-V'

async function groupHelp(group: string, spellings: Spellings): Promise<string> {
  const help = await import('./help.ts')
  return group === '' ? help.overview(OPERATIONS) : help.groupHelp(group, OPERATIONS, spellings)
}

async function tell(text: string, scanned: Scanned, session: Session): Promise<number> {
  if (scanned.json) session.output.value({ help: text })
  else await show(text, session)
  return EXIT.done
}

/** A command line that ends before its verb is whole. */
function incomplete(group: string, scanned: Scanned, spellings: Spellings): MillraceError {
  const about = group === '' ? '`millrace`' : `\`millrace ${group}\``
  if (scanned.stopped !== null) {
    const options = GLOBAL_OPTIONS.map((option) => option.long)
    const near = nearest(scanned.stopped, options)
    const hint = didYouMean(near, 'options of a command come after it')
    return new MillraceError('usage', `${about} has no option ${scanned.stopped}.`, { hint })
  }
  if (group === '') {
    return new MillraceError('usage', 'No command was given.', { hint: 'see what there is with `millrace --help`' })
  }
  const hint = `it is one of: ${nextWords(group, spellings).join(', ')}`
  return new MillraceError('usage', `${about} needs a verb.`, { hint })
}

function requirePlatform(): void {
  if (process.platform !== 'win32') return
  throw new MillraceError(
    'workspace_unsupported',
    'Millrace does not run on Windows itself; run it inside WSL (Windows Subsystem for Linux).',
  )
}
