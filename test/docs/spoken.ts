/** Command lines that documents name: whether there is such a verb, and whether it has such options. */
import { commandOf } from '../../src/cli/arguments.ts'
import { scan } from '../../src/cli/options.ts'
import { nextWords, resolve, spellingsOf, withSwitch } from '../../src/cli/spellings.ts'
import { verbOf } from '../../src/cli/verb.ts'
import { OPERATIONS } from '../../src/operations/table.ts'
import { wordsOf } from '../rig/program.ts'

const spellings = spellingsOf(OPERATIONS.map(({ name }) => name))
/** First words that have no meaning without a second one. */
const GROUPS = new Set(
  [...spellings.keys()].map((words) => words.split(' ')[0]!).filter((word) => nextWords(word, spellings).length > 0),
)
/** Stand for a verb where a sentence is about all of them. */
const ANY_VERB = /\b(VERB|COMMAND)\b|^…$/

/** What is wrong with a command line as a document spells it (without `millrace`); null if nothing is. */
export async function wrongWith(line: string): Promise<string | null> {
  const choice = /(?<![^\s[])[\w-]+(?:\|[\w-]+)+/.exec(line)?.[0]
  if (choice === undefined) return wrongWithOne(line)
  for (const one of choice.split('|')) {
    const wrong = await wrongWith(line.replace(choice, one))
    if (wrong !== null) return wrong
  }
  return null
}

async function wrongWithOne(line: string): Promise<string | null> {
  const argv = wordsOf(plain(line))
  if (argv.length === 0 || argv.some((word) => ANY_VERB.test(word))) return null
  const scanned = withSwitch(argv, scan(argv))
  const { words, help, version } = scanned
  if (version) return null
  const meant = words[0] === 'help' ? words.slice(1) : words
  const resolved = resolve(meant, spellings)
  if (resolved.kind === 'unknown') return `${resolved.sentence} ${resolved.hint}`
  if (resolved.kind === 'group')
    return help || meant.length === resolved.words ? null : `\`${line}\` is no whole command`
  const name = resolved.canonical
  const entry = OPERATIONS.find((one) => one.name === (name === 'status watch' ? 'status' : name))!
  const { options } = commandOf(await verbOf(name, await entry.load(), spellings))
  const unknown = argv
    .filter((word) => /^--?[a-z]/i.test(word))
    .map((word) => word.split('=')[0]!)
    .filter((word) => !meant.includes(word) && !options.some((option) => option.long === word || option.short === word))
  return unknown.length === 0 ? null : `\`millrace ${name}\` has no option ${unknown.join(', ')}`
}

/** Without the marks of what may be left out or repeated, and without what a shell makes of the rest. */
const plain = (line: string): string =>
  line
    .replace(/\s[|>&;].*$/, '')
    .replace(/\s#.*$/, '')
    .replaceAll('[options]', ' ')
    .replaceAll(/[[\]]/g, ' ')
    .replaceAll('…', ' ')

/** Code within a line that is a command: with the name of the program, or with the first word of a group and one more. */
export function commandIn(code: string): string | null {
  const named = /^(?:\$ )?millrace(?: (.*))?$/.exec(code.trim())
  if (named) return named[1] ?? ''
  const [first, second] = code.split(' ')
  return GROUPS.has(first!) && /^[a-z][a-z-]+$/.test(second ?? '') ? code : null
}
