/** From an operation's input fields to a parsed command line: options, help and usage errors come from the same fields. */
import { Argument, Command, type CommanderError, Option } from 'commander'
import { MillraceError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import type { InputField } from '../core/operation.ts'
import { flagOf, GLOBAL_OPTIONS, type GlobalOption, WAIT_SECONDS_DEFAULT, WITH_FORMAT } from './options.ts'

export interface Globals {
  workspace: string | undefined
  config: string | undefined
  overrides: string[]
  waitSeconds: number
  dryRun: boolean
  apply: boolean
  ifState: string | null
  json: boolean
}

export interface Verb {
  /** Canonical spelling. */
  name: string
  flavour: 'read' | 'change' | 'perform'
  description: string
  fields: readonly InputField[]
  examples: readonly { command: string; does: string }[]
  aliases: readonly string[]
  /** Other verbs that are easily taken for this one. */
  others: readonly { command: string; which: string }[]
}

/** Options met so far while parsing: all but lists may be given once only, and commander would take the last. */
type Given = Set<string>

/** The options and arguments of one verb, ready to parse or to print as help. */
export function commandOf(verb: Verb): Command {
  const given: Given = new Set()
  const command = new Command(`millrace ${verb.name}`)
    .description(verb.description)
    .helpOption(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} })
    .optionsGroup('Options:')
  for (const field of verb.fields) {
    if (field.positional === true) command.addArgument(argument(field))
    else command.addOption(option(field, given))
  }
  if (offersFormat(verb))
    command.addOption(
      choice(
        new Option('--format <FORM>', 'text or json; json is the same as --json.'),
        ['text', 'json'],
        '--format',
        given,
      ),
    )
  for (const global of GLOBAL_OPTIONS) {
    if (!verb.fields.some((field) => flagOf(field) === global.long))
      command.addOption(globalOption(global, verb, given).helpGroup('Options of every command:'))
  }
  return command
}

/** Reads the arguments after the verb. Throws `usage`, in one sentence. */
export function parseArguments(
  verb: Verb,
  args: readonly string[],
): { input: Record<string, unknown>; globals: Globals } {
  const command = commandOf(verb)
  requireValues(command, verb, args)
  try {
    command.parse([...args], { from: 'user' })
  } catch (error) {
    if (!isCommanderError(error)) throw error
    throw usageOf(error, verb)
  }
  const values = command.opts<Record<string, unknown>>()
  const input: Record<string, unknown> = {}
  let position = 0
  for (const field of verb.fields) {
    const value = field.positional === true ? command.processedArgs[position++] : values[attribute(flagOf(field))]
    if (value !== undefined) input[field.name] = value
    else if (field.default !== undefined) input[field.name] = field.default
  }
  return { input, globals: globalsOf(values, offersFormat(verb)) }
}

function globalsOf(values: Record<string, unknown>, hasFormat: boolean): Globals {
  if (values.dryRun === true && values.apply === true)
    throw new MillraceError('usage', '--apply and --dry-run exclude each other.', { hint: 'give one of them' })
  return {
    workspace: values.workspace as string | undefined,
    config: values.config as string | undefined,
    overrides: (values.set as string[] | undefined) ?? [],
    waitSeconds: values.wait === false ? 0 : ((values.waitSeconds as number | undefined) ?? WAIT_SECONDS_DEFAULT),
    dryRun: values.dryRun === true,
    apply: values.apply === true,
    ifState: (values.ifState as string | undefined) ?? null,
    json: values.json === true || (hasFormat && values.format === 'json'),
  }
}

const offersFormat = (verb: Verb): boolean => WITH_FORMAT.includes(verb.name)

const attribute = (flag: string): string => new Option(flag).attributeName()

function argument(field: InputField): Argument {
  const name = field.placeholder ?? field.name.toUpperCase()
  const dots = field.type === 'list' ? '...' : ''
  const made = new Argument(field.required === true ? `<${name}${dots}>` : `[${name}${dots}]`, described(field))
  return field.type === 'choice' ? made.argParser((text: string) => oneOf(text, field.choices ?? [], name)) : made
}

function option(field: InputField, given: Given): Option {
  const flag = flagOf(field)
  const value = `<${field.placeholder ?? field.name.toUpperCase()}>`
  const made = new Option(field.type === 'flag' ? flag : `${flag} ${value}`, described(field))
  if (field.required === true) made.makeOptionMandatory()
  switch (field.type) {
    case 'flag':
      return made
    case 'list':
      return made.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text])
    case 'choice':
      return choice(made, field.choices ?? [], flag, given)
    case 'integer':
    case 'number':
      return made.argParser((text: string) => numberFrom(once(text, flag, given), flag, field))
    case 'text':
      return made.argParser((text: string) => once(text, flag, given))
  }
}

/** Defaults are said in the text; they are filled in after parsing, so that an option given is known as such. */
function described(field: InputField): string {
  const { description, choices = [], default: fallback } = field
  const named = choices.every((one) => description.includes(one)) ? '' : ` One of: ${choices.join(', ')}.`
  const silent = fallback === undefined || fallback === false || description.includes('default')
  const must = field.required === true && field.positional !== true ? ' Required.' : ''
  return `${description}${named}${must}${silent ? '' : ` (default: ${fallback})`}`
}

function choice(made: Option, choices: readonly string[], flag: string, given: Given): Option {
  return made.argParser((text: string) => oneOf(once(text, flag, given), choices, flag))
}

function oneOf(text: string, choices: readonly string[], what: string): string {
  const wanted = text.toLowerCase()
  if (choices.includes(wanted)) return wanted
  const near = nearest(wanted, choices)
  const all = `it is one of: ${choices.join(', ')}`
  throw new MillraceError('usage', `${what} cannot be ${JSON.stringify(text)}.`, {
    hint: near === null ? all : `did you mean ${near}? ${all}`,
  })
}

function globalOption(global: GlobalOption, verb: Verb, given: Given): Option {
  const { long, short, value, description } = global
  const made = new Option(
    `${short === undefined ? '' : `${short}, `}${long}${value === undefined ? '' : ` <${value}>`}`,
    description,
  )
  const { onlyFor = verb.flavour, alsoFor } = global
  if (onlyFor !== verb.flavour && alsoFor !== verb.name) made.hideHelp()
  if (long === '--set')
    return made.argParser((text: string, before: string[] | undefined) => [...(before ?? []), keyAndValue(text)])
  if (long === '--wait-seconds')
    return made.argParser((text: string) => numberFrom(once(text, long, given), long, { type: 'number', minimum: 0 }))
  if (value === undefined) return made
  return made.argParser((text: string) => {
    if (once(text, long, given).trim() === '') throw new MillraceError('usage', `${long} was given an empty value.`)
    return text
  })
}

function once(text: string, flag: string, given: Given): string {
  if (given.has(flag)) throw new MillraceError('usage', `${flag} was given twice.`, { hint: 'give it once' })
  given.add(flag)
  return text
}

function keyAndValue(text: string): string {
  if (/^[^=\s]+=/.test(text)) return text
  throw new MillraceError('usage', `--set needs KEY=VALUE, not ${JSON.stringify(text)}.`, {
    hint: 'such as --set runtime.idle_sleep_seconds=5',
  })
}

function numberFrom(text: string, flag: string, field: Pick<InputField, 'type' | 'minimum'>): number {
  const isInteger = field.type === 'integer'
  const value = (isInteger ? /^[+-]?\d+$/ : /^[+-]?(\d+\.?\d*|\.\d+)$/).test(text.trim()) ? Number(text) : Number.NaN
  const minimum = field.minimum ?? Number.NEGATIVE_INFINITY
  if (value >= minimum && (!isInteger || Number.isSafeInteger(value)) && Number.isFinite(value)) return value
  const wanted = `${isInteger ? 'a whole number' : 'a number'}${field.minimum === undefined ? '' : ` of at least ${field.minimum}`}`
  throw new MillraceError('usage', `${flag} needs ${wanted}, not ${JSON.stringify(text)}.`)
}

/** An option where a value belongs is a forgotten value, not a value; commander would take it. */
function requireValues(command: Command, verb: Verb, args: readonly string[]): void {
  for (const [at, word] of args.entries()) {
    if (word === '--') return
    const option = command.options.find((one) => one.long === word || one.short === word)
    if (option === undefined || !option.required) continue
    const next = args[at + 1]
    if (next === undefined || (next.startsWith('-') && next !== '-' && !/^-[\d.]/.test(next))) {
      throw new MillraceError('usage', `${word} needs a value.`, {
        hint: next?.startsWith('-') ? `if the value begins with a dash, write ${word}=VALUE` : helpHint(verb),
      })
    }
  }
}

const helpHint = (verb: Verb): string => `see \`millrace ${verb.name} --help\``

const isSwitchWithValue = (word: string, verb: Verb): boolean => {
  const [name, value] = word.split('=')
  return value !== undefined && commandOf(verb).options.some((option) => option.long === name)
}

const isCommanderError = (error: unknown): error is CommanderError =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('commander.')

/** Commander's messages as our sentences: whole, with the mend as a hint. */
function usageOf(error: CommanderError, verb: Verb): MillraceError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const guess = /\(Did you mean (.+)\?\)/.exec(rest.join(' '))?.[1]
  const named = /'([^']*)'/.exec(first)?.[1] ?? ''
  const hint = guess === undefined ? helpHint(verb) : `did you mean ${guess}?`
  const places = verb.fields.filter((field) => field.positional === true).length
  const refuse = (sentence: string, mend = hint) => new MillraceError('usage', sentence, { hint: mend })
  const about = `\`millrace ${verb.name}\``
  switch (error.code) {
    case 'commander.unknownOption':
      if (isSwitchWithValue(named, verb)) return refuse(`${named.split('=')[0]} takes no value.`)
      if (guess !== undefined || places === 0) return refuse(`${about} has no option ${named}.`)
      return refuse(`${about} has no option ${named}.`, `${hint}; if it is no option but a text, put -- before it`)
    case 'commander.missingArgument':
    case 'commander.missingMandatoryOptionValue':
      return refuse(`${about} needs ${named}.`)
    case 'commander.excessArguments':
      if (places === 0) return refuse(`${about} takes no arguments.`)
      return refuse(
        `${about} takes ${places === 1 ? 'one argument' : `${places} arguments`}, not more.`,
        'put a text of several words in quotes',
      )
    default:
      return refuse(`${first.charAt(0).toUpperCase()}${first.slice(1).replace(/\.?$/, '.')}`)
  }
}
