/** Options that every command has, and reading the words of a verb past them. */
import type { InputField } from '../core/operation.ts'

export const WAIT_SECONDS_DEFAULT = 30

/** Shown in every help; `long` is what is typed. */
export interface GlobalOption {
  long: string
  short?: string
  /** What stands for its value; none: a switch. */
  value?: string
  description: string
  /** Only shown where it does something. */
  onlyFor?: 'change'
  /** Besides. */
  alsoFor?: string
}

export const GLOBAL_OPTIONS: readonly GlobalOption[] = [
  {
    long: '--workspace',
    value: 'PATH',
    description:
      'Workspace (default: MILLRACE_WORKSPACE, else the nearest folder above with millrace-agents/, else this one).',
  },
  { long: '--config', value: 'FILE', description: 'The same, named by its millrace.toml.' },
  { long: '--set', value: 'KEY=VALUE', description: 'Override a config key for this command; may be repeated.' },
  {
    long: '--wait-seconds',
    value: 'N',
    description: `How long to wait for a daemon to be at work, to carry a change out, or to end (default: ${WAIT_SECONDS_DEFAULT}).`,
    onlyFor: 'change',
    alsoFor: 'daemon start',
  },
  { long: '--no-wait', description: 'Only queue the change for the daemon.', onlyFor: 'change' },
  {
    long: '--dry-run',
    description: 'Only say what would change, and the id of the state it would change.',
    onlyFor: 'change',
  },
  { long: '--apply', description: 'Carry out what is otherwise only previewed.', onlyFor: 'change' },
  {
    long: '--if-state',
    value: 'ID',
    description: 'Refuse if the workspace is not in that state any more; --dry-run prints its id.',
    onlyFor: 'change',
  },
  { long: '--json', description: 'Print one JSON value.' },
  { long: '--no-pager', description: 'Show long text at once (also: an empty MILLRACE_PAGER).' },
  { long: '--no-color', description: 'No colours (also: NO_COLOR).' },
  { long: '--help', short: '-h', description: 'Show this help.' },
]

/** Where `--format text|json` is understood as well as `--json` (spec 03 §1.1); `compile graph` has more forms, of its own. */
export const WITH_FORMAT: readonly string[] = ['status', 'runs trace']

export const flagOf = (field: InputField): string => `--${field.name.replaceAll('_', '-')}`

export interface Scanned {
  /** Words before the first option that is not known everywhere, with their places in argv. */
  words: string[]
  places: number[]
  help: boolean
  version: boolean
  /** Found wherever it stands, so that also a usage error is told as JSON. */
  json: boolean
  colour: boolean
  pager: boolean
  /** The option the reading of words stopped at, if any. */
  stopped: string | null
}

/** Tells the words of the verb from options that stand before or between them. */
export function scan(argv: readonly string[]): Scanned {
  const scanned: Scanned = {
    words: [],
    places: [],
    help: false,
    version: false,
    json: false,
    colour: true,
    pager: true,
    stopped: null,
  }
  const end = argv.indexOf('--')
  const options = end === -1 ? argv : argv.slice(0, end)
  scanned.help = options.some((word) => word === '--help' || word === '-h')
  scanned.colour = !options.includes('--no-color')
  scanned.pager = !options.includes('--no-pager')
  scanned.json = options.some(
    (word, at) => word === '--json' || word === '--format=json' || (word === '--format' && options[at + 1] === 'json'),
  )
  for (let at = 0; at < options.length; at++) {
    const word = options[at]!
    if (!word.startsWith('-') || word === '-') {
      scanned.words.push(word)
      scanned.places.push(at)
      continue
    }
    if (word === '--version' || word === '-V') {
      scanned.version = true
      continue
    }
    const [name] = word.split('=')
    const known = GLOBAL_OPTIONS.find((option) => option.long === name || option.short === name)
    if (known === undefined) {
      scanned.stopped = name ?? word
      break
    }
    if (known.value !== undefined && !word.includes('=')) at += 1
  }
  return scanned
}
