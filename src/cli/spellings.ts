/**
 * Which words mean which operation: one canonical spelling each, and the aliases people know. An alias is the same
 * command: same help, same output. Nothing else parses.
 */
import { nearest } from '../core/nearest.ts'

/** Alias → canonical spelling, with the options it stands for, and the one beside which it does not mean it. */
const ALIASES: Readonly<Record<string, { means: string; adds?: readonly string[]; unless?: string }>> = {
  'add-task': { means: 'queue add-task' },
  'add-spec': { means: 'queue add-spec' },
  'add-idea': { means: 'queue add-idea' },
  'add-probe': { means: 'queue add-probe' },
  pause: { means: 'control pause' },
  resume: { means: 'control resume' },
  stop: { means: 'control stop' },
  cancel: { means: 'control cancel' },
  'retry-active': { means: 'control retry-active' },
  'clear-stale-state': { means: 'control clear-stale-state' },
  'reload-config': { means: 'control reload-config' },
  'config reload': { means: 'control reload-config' },
  'queue inspect': { means: 'queue ls', adds: ['--all'] },
  'queue retry-blocked': { means: 'queue retry' },
  'queue requeue': { means: 'queue retry' },
  'queue cleanup remove': { means: 'queue cancel' },
  'run-provenance': { means: 'runs provenance' },
  'incident resolve': { means: 'incidents resolve' },
  'incident cancel': { means: 'incidents cancel' },
  'incident archive-invalid': { means: 'incidents archive-invalid' },
  'assets localize': { means: 'assets localise' },
  'status show': { means: 'status' },
  'start --daemon': { means: 'run daemon', unless: '--once' },
}

/** What is easily taken for a verb and is another one: for the help of the verb. */
const NOT_THE_SAME: Readonly<Record<string, readonly { command: string; which: string }[]>> = {
  'run once': [
    { command: 'run daemon --max-ticks 1', which: 'does the same work, with the output of the daemon' },
    { command: 'start --once', which: 'goes on until the active item leaves its plane' },
  ],
  'run daemon': [{ command: 'daemon start', which: 'starts one in the background and comes back' }],
  'control stop': [
    { command: 'daemon stop', which: 'also waits until the process has ended' },
    { command: 'control pause', which: 'starts nothing new and lets the runtime live' },
    { command: 'control cancel', which: 'ends one run' },
  ],
  'control pause': [{ command: 'control stop', which: 'ends the runtime' }],
  'daemon stop': [{ command: 'control stop', which: 'asks the runtime to end and does not wait for its process' }],
  'daemon status': [{ command: 'status', which: 'is about the work, not the process' }],
  'daemon logs': [
    { command: 'logs', which: 'shows the event log' },
    { command: 'runs follow', which: 'shows what an agent does' },
  ],
  init: [{ command: 'upgrade', which: 'brings a workspace up to a newer package and keeps what was edited' }],
  upgrade: [{ command: 'init --force', which: 'puts every deployed file back to what the package has, edited or not' }],
  'queue ls': [{ command: 'queue show', which: 'shows one item in full' }],
  'runs show': [{ command: 'why', which: 'says why a run stands where it stands' }],
  'runs trace': [{ command: 'why', which: 'says why a run stands where it stands' }],
  'runs tail': [{ command: 'runs follow', which: 'shows what the agent does now' }],
  'queue retry': [
    { command: 'control retry-active', which: 'is for the item that is running' },
    { command: 'planning retry-active', which: 'the same, of the planning plane only' },
  ],
  'control retry-active': [{ command: 'queue retry', which: 'is for an item that is blocked' }],
  'control cancel': [{ command: 'queue cancel', which: 'takes an item out of its queue' }],
  'queue cancel': [{ command: 'control cancel', which: 'ends the agent of a run' }],
  'queue add-task': [{ command: 'queue new', which: 'asks for what a task needs' }],
}

/** Those of them that there are. */
export function notTheSame(
  canonical: string,
  spellings: ReadonlyMap<string, Spelling>,
): readonly { command: string; which: string }[] {
  return (NOT_THE_SAME[canonical] ?? []).filter(({ command }) => spellings.has(command.replace(/ --.*$/, '')))
}

/** The one verb that is no operation of its own: the operation `status`, shown again and again. */
export const WATCH = 'status watch'

export interface Spelling {
  /** Name in the operations table, or `status watch`. */
  canonical: string
  adds: readonly string[]
}

type Resolved =
  | ({ kind: 'verb'; words: number } & Spelling)
  /** Only the first words of some verbs, or none at all: `group` is empty then. */
  | { kind: 'group'; group: string; words: number }
  | { kind: 'unknown'; sentence: string; hint: string }

/** Every spelling there is, from the canonical ones. */
export function spellingsOf(names: readonly string[]): Map<string, Spelling> {
  const spellings = new Map<string, Spelling>()
  for (const name of [...names, WATCH]) {
    spellings.set(name, { canonical: name, adds: [] })
    const listed = /^(.+) (ls|list)$/.exec(name)
    for (const alias of listed ? [listed[1]!, `${listed[1]} ls`, `${listed[1]} list`] : []) {
      spellings.set(alias, { canonical: name, adds: [] })
    }
  }
  for (const [words, spelling] of [...spellings]) {
    const [first, ...rest] = words.split(' ')
    if (first === 'incidents') spellings.set(['incident', ...rest].join(' '), spelling)
  }
  for (const [alias, { means, adds = [] }] of Object.entries(ALIASES)) {
    if (names.includes(means)) spellings.set(alias, { canonical: means, adds })
  }
  return spellings
}

/** The other spellings of a canonical one, for its help. */
export function aliasesOf(canonical: string, spellings: ReadonlyMap<string, Spelling>): string[] {
  return [...spellings]
    .filter(([words, one]) => one.canonical === canonical && words !== canonical)
    .map(([words]) => words)
}

/** The next words after a prefix (empty: the first words). */
export function nextWords(prefix: string, spellings: ReadonlyMap<string, Spelling>): string[] {
  const before = prefix === '' ? '' : `${prefix} `
  const next = [...spellings.keys()]
    .filter((words) => words.startsWith(before))
    .map((words) => words.slice(before.length).split(' ')[0]!)
  return [...new Set(next)].filter((word) => word !== '' && !word.startsWith('--'))
}

/** The words of a command line, with the switch that makes another command of them: `start --daemon`. */
export function withSwitch<Scanned extends { words: string[]; places: number[] }>(
  argv: readonly string[],
  scanned: Scanned,
): Scanned {
  const { words, places } = scanned
  const end = argv.indexOf('--')
  const options = end === -1 ? argv : argv.slice(0, end)
  const at = options.findIndex((word) => {
    const alias = word.startsWith('--') ? ALIASES[[...words, word].join(' ')] : undefined
    return alias !== undefined && !(alias.unless !== undefined && options.includes(alias.unless))
  })
  return at === -1 ? scanned : { ...scanned, words: [...words, options[at]!], places: [...places, at] }
}

/** What the leading words of a command line mean; as many words as possible belong to the verb. */
export function resolve(words: readonly string[], spellings: ReadonlyMap<string, Spelling>): Resolved {
  let prefix = ''
  let taken = 0
  for (const word of words) {
    const next = nextWords(prefix, spellings)
    if (next.length === 0 && !spellings.has(`${prefix} ${word}`)) break
    if (!next.includes(word) && !word.startsWith('--')) return unknownWord(prefix, word, next, spellings)
    prefix = prefix === '' ? word : `${prefix} ${word}`
    taken += 1
  }
  const spelling = spellings.get(prefix)
  return spelling === undefined
    ? { kind: 'group', group: prefix, words: taken }
    : { kind: 'verb', words: taken, ...spelling }
}

function unknownWord(
  prefix: string,
  word: string,
  next: readonly string[],
  spellings: ReadonlyMap<string, Spelling>,
): Resolved {
  if (prefix === 'run' && nearest(word, next) === null) {
    return {
      kind: 'unknown',
      sentence: `\`millrace run\` takes no text: ${JSON.stringify(word)}.`,
      hint: `queue it with \`millrace add-task ${JSON.stringify(word)}\`, or have the gateway see it through with \`millracer run ${JSON.stringify(word)}\``,
    }
  }
  return {
    kind: 'unknown',
    sentence: `There is no command \`millrace ${prefix === '' ? word : `${prefix} ${word}`}\`.`,
    hint: mend(prefix, word, next, spellings),
  }
}

/** The likely slip, else verbs that are called so in a group, else where to look. */
function mend(prefix: string, word: string, next: readonly string[], spellings: ReadonlyMap<string, Spelling>): string {
  const near = nearest(word, next)
  const whole = near === null ? null : prefix === '' ? near : `${prefix} ${near}`
  const namesakes = [...spellings.keys()].filter((words) => words.endsWith(` ${word}`))
  const guesses = whole !== null ? [whole] : prefix === '' ? namesakes : []
  if (guesses.length > 0) return `did you mean ${guesses.map((guess) => `\`millrace ${guess}\``).join(' or ')}?`
  return prefix === '' ? 'see what there is with `millrace --help`' : `it is one of: ${next.join(', ')}`
}
