/**
 * Completion: what the word at hand of a command line can become. Asked by the scripts of `millrace completion`, at every
 * press of a key: it answers from the operations table and from names of files, writes nothing, and never complains.
 */
import { MillraceError } from '../core/errors.ts'
import type { InputField } from '../core/operation.ts'
import { type Candidate, namedBy, type Sight, valuesOf } from '../operations/field-values.ts'
import { type AnyOperation, OPERATIONS } from '../operations/table.ts'
import { flagOf, GLOBAL_OPTIONS, scan, WITH_FORMAT } from './options.ts'
import { safeText } from './safe.ts'
import { nextWords, resolve, type Spelling, spellingsOf, WATCH } from './spellings.ts'

/** What the shell is to offer beside the candidates. */
type Besides = 'files' | 'folders' | 'none'

export interface Completed {
  candidates: Candidate[]
  besides: Besides
}

const NOTHING: Completed = { candidates: [], besides: 'none' }

/** `words`: those after `millrace`, the one at hand last. `sightOf`: where to look, given the workspace that is named. */
export async function complete(
  given: readonly string[],
  sightOf: (named: { workspace: string | undefined; config: string | undefined }) => Sight,
): Promise<Completed> {
  const { words, isSplit } = joined(given)
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const spellings = spellingsOf(OPERATIONS.map((entry) => entry.name))
  const asksAbout = before[0] === 'help' || before[0] === 'schema'
  if (asksAbout && !current.startsWith('-')) return begun(verbWords(before.slice(1).join(' '), spellings), current)

  const scanned = scan(before)
  const sight = () => sightOf({ workspace: valueIn(before, '--workspace'), config: valueIn(before, '--config') })
  const resolved = resolve(scanned.words, spellings)
  if (resolved.kind === 'unknown') return NOTHING
  const spelled = scanned.words.slice(0, 'words' in resolved ? resolved.words : 0).join(' ')
  const name = resolved.kind === 'verb' ? resolved.canonical : null
  const operation = name === null ? null : await loaded(name)
  const fields = [...(operation?.input ?? []), ...globals(name, operation)]

  const option = optionAt(before, current, fields)
  if (option !== null) return completedValue(option, isSplit, sight())
  if (current.startsWith('-') && !before.includes('--')) return begun(options(fields, before), current)

  const taken = positionals(before, scanned.places.slice(0, resolved.words), fields)
  const deeper = taken === 0 ? verbWords(spelled, spellings) : []
  const places = fields.filter((field) => field.positional === true)
  const field = places[taken] ?? (places.at(-1)?.type === 'list' ? places.at(-1) : undefined)
  if (field === undefined) return begun(deeper, current)
  const values = await candidatesOf(field, sight())
  return { ...begun([...deeper, ...values], current), besides: besidesOf(field) }
}

/** The answer as the scripts read it: a line for each candidate, and last what else the shell is to offer. */
export const told = ({ candidates, besides }: Completed): string =>
  [...candidates.map(({ value, description }) => `${safeText(value)}\t${safeText(description)}`), `:${besides}`].join(
    '\n',
  )

/** bash takes the sign in `--option=value` for a word of its own, and wants the value alone. */
function joined(given: readonly string[]): { words: string[]; isSplit: boolean } {
  const words: string[] = []
  let isSplit = false
  for (const [at, word] of given.entries()) {
    const opens = word === '=' && words.at(-1)?.startsWith('--') === true
    const follows = given[at - 1] === '=' && words.at(-1)?.endsWith('=') === true
    isSplit = opens || follows
    if (isSplit) words.push(`${words.pop()}${word}`)
    else words.push(word)
  }
  return { words, isSplit }
}

async function loaded(name: string): Promise<Pick<AnyOperation, 'flavour' | 'input'>> {
  if (name === WATCH) {
    const { WATCH_VERB } = await import('./watch.ts')
    return { flavour: WATCH_VERB.flavour, input: WATCH_VERB.fields }
  }
  const entry = OPERATIONS.find((one) => one.name === name)
  if (entry === undefined) throw new MillraceError('internal', `There is no operation ${name}.`)
  return entry.load()
}

/** The options of every command, as fields; `--format` where it is understood. */
function globals(name: string | null, operation: Pick<AnyOperation, 'flavour' | 'input'> | null): InputField[] {
  const own = new Set(operation?.input.map(flagOf))
  const format: InputField[] =
    name !== null && WITH_FORMAT.includes(name)
      ? [{ name: 'format', type: 'choice', choices: ['text', 'json'], description: 'Form of the answer.' }]
      : []
  const known = GLOBAL_OPTIONS.filter(
    ({ long, onlyFor }) => !own.has(long) && (onlyFor === undefined || onlyFor === operation?.flavour),
  )
  return [
    ...format,
    ...known.map(
      ({ long, value, description }): InputField => ({
        name: long.slice(2).replaceAll('-', '_'),
        type: value === undefined ? 'flag' : long === '--set' ? 'list' : 'text',
        description,
      }),
    ),
  ]
}

/** The words that can follow a prefix of verbs; of a whole verb what it does. */
function verbWords(prefix: string, spellings: ReadonlyMap<string, Spelling>): Candidate[] {
  return nextWords(prefix, spellings).map((value) => {
    const canonical = spellings.get(prefix === '' ? value : `${prefix} ${value}`)?.canonical
    return { value, description: OPERATIONS.find((entry) => entry.name === canonical)?.summary ?? '' }
  })
}

const begun = (candidates: readonly Candidate[], current: string): Completed => ({
  candidates: candidates.filter(({ value }) => value.startsWith(current)),
  besides: 'none',
})

interface Asked {
  field: InputField
  /** What stands before the value in the word at hand: `--state=`, or nothing. */
  prefix: string
  begun: string
}

/** The option whose value the word at hand is; null if it is none. */
function optionAt(before: readonly string[], current: string, fields: readonly InputField[]): Asked | null {
  const taking = (flag: string | undefined): InputField | undefined =>
    fields.find((field) => field.positional !== true && field.type !== 'flag' && flagOf(field) === flag)
  const [, flag, value] = /^(--[^=]+)=(.*)$/s.exec(current) ?? []
  const inside = taking(flag)
  if (inside !== undefined) return { field: inside, prefix: `${flag}=`, begun: value! }
  const behind = before.includes('--') ? undefined : taking(before.at(-1))
  return behind === undefined ? null : { field: behind, prefix: '', begun: current }
}

async function completedValue(
  { field, prefix, begun: start }: Asked,
  isSplit: boolean,
  sight: Sight,
): Promise<Completed> {
  const values = await candidatesOf(field, sight)
  const shown = prefix === '' || isSplit ? '' : prefix
  const found = values.filter(({ value }) => value.startsWith(start))
  return {
    candidates: found.map(({ value, description }) => ({ value: `${shown}${value}`, description })),
    besides: besidesOf(field),
  }
}

async function candidatesOf(field: InputField, sight: Sight): Promise<Candidate[]> {
  if (field.choices !== undefined) return field.choices.map((value) => ({ value, description: '' }))
  if (field.name === 'set') {
    const keys = await valuesOf({ ...field, names: 'config_key' }, sight)
    return keys.map(({ value, description }) => ({ value: `${value}=`, description }))
  }
  return valuesOf(field, sight)
}

function besidesOf(field: InputField): Besides {
  const named = namedBy(field)
  return named === 'file' ? 'files' : named === 'folder' ? 'folders' : 'none'
}

/** Options that can still be given: lists again and again, all others once. */
function options(fields: readonly InputField[], before: readonly string[]): Candidate[] {
  const given = new Set(before.map((word) => word.split('=')[0]))
  return fields
    .filter((field) => field.positional !== true && (field.type === 'list' || !given.has(flagOf(field))))
    .map((field) => ({ value: flagOf(field), description: field.description }))
}

/** How many arguments stand there already, besides the words of the verb and the values of options. */
function positionals(before: readonly string[], verb: readonly number[], fields: readonly InputField[]): number {
  const takes = new Set(
    fields.filter((field) => field.positional !== true && field.type !== 'flag').map((field) => flagOf(field)),
  )
  const end = before.indexOf('--')
  let count = 0
  for (let at = 0; at < before.length; at++) {
    const word = before[at]!
    const isOption = word.startsWith('-') && word !== '-' && (end === -1 || at <= end)
    if (isOption) at += takes.has(word) ? 1 : 0
    else if (!verb.includes(at)) count += 1
  }
  return count
}

/** What an option was given on the line. */
function valueIn(words: readonly string[], option: string): string | undefined {
  const at = words.lastIndexOf(option)
  return at === -1 ? words.find((word) => word.startsWith(`${option}=`))?.slice(option.length + 1) : words[at + 1]
}
