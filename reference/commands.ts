/** The page on the command line: every verb with its usage, options, other spellings and examples, as its help has them. */
import { commandOf, type Verb } from '../src/cli/arguments.ts'
import { GLOBAL_OPTIONS } from '../src/cli/options.ts'
import { spellingsOf, WATCH } from '../src/cli/spellings.ts'
import { verbOf } from '../src/cli/verb.ts'
import { OPERATIONS } from '../src/operations/table.ts'
import { code, codes, page, table } from './markdown.ts'

const FLAVOURS: Readonly<Record<Verb['flavour'], string>> = {
  read: '*Reads:* takes no lock and changes nothing.',
  change:
    '*Changes the workspace:* through the mailbox, carried out by whoever holds the lock, exactly once. Exits with 3 where it is refused or not applied in time.',
  perform: '*Acts where it is called.*',
}

/** Under which commandOf puts the options of the verb itself. */
const OWN_OPTIONS = 'Options:'

export async function commandsPage(): Promise<string> {
  const spellings = spellingsOf(OPERATIONS.map((entry) => entry.name))
  const verbs: { verb: Verb; summary: string }[] = []
  for (const { name, summary, load } of OPERATIONS) {
    const operation = await load()
    verbs.push({ verb: await verbOf(name, operation, spellings), summary })
    if (name === 'status')
      verbs.push({ verb: await verbOf(WATCH, operation, spellings), summary: 'The status, again and again.' })
  }
  return page(
    'Commands',
    'Every verb, as `millrace VERB --help` shows it. One canonical spelling each; an alias is the same command. Exit statuses and error codes: [errors.md](errors.md). What `--json` prints: `millrace schema VERB`, and [schemas/](schemas/).',
    table(
      ['command', 'what it does'],
      verbs.map(({ verb, summary }) => [`[${code(verb.name)}](#${anchorOf(verb)})`, summary]),
    ),
    '## Options of every command',
    table(
      ['option', ''],
      GLOBAL_OPTIONS.map(({ long, short, value, description, onlyFor, alsoFor }) => [
        code(`${short === undefined ? '' : `${short}, `}${long}${value === undefined ? '' : ` ${value}`}`),
        onlyFor === undefined
          ? description
          : `${description} For commands that change the workspace${alsoFor === undefined ? '' : `, and ${code(alsoFor)}`}.`,
      ]),
    ),
    ...verbs.flatMap(blocksOf),
  )
}

/** As renderers of Markdown make anchors of headings. */
const anchorOf = (verb: Verb): string => `millrace-${verb.name.replaceAll(' ', '-')}`

function blocksOf({ verb }: { verb: Verb }): string[] {
  const command = commandOf(verb)
  const own = command.options.filter(({ hidden, helpGroupHeading }) => !hidden && helpGroupHeading === OWN_OPTIONS)
  const words = [
    ...command.registeredArguments.map((one) => (one.required ? one.name() : `[${one.name()}]`)),
    ...own.filter((option) => option.mandatory).map((option) => bare(option.flags)),
    ...(own.some((option) => !option.mandatory) ? ['[options]'] : []),
  ]
  const rows = [
    ...command.registeredArguments.map((one) => [code(one.name()), one.description]),
    ...own.map((option) => [code(bare(option.flags)), option.description]),
  ]
  return [
    `## millrace ${verb.name}`,
    verb.description,
    `\`\`\`text\n${['millrace', verb.name, ...words].join(' ')}\n\`\`\``,
    rows.length === 0 ? '' : table(['', ''], rows),
    FLAVOURS[verb.flavour],
    verb.aliases.length === 0 ? '' : `The same command: ${codes(verb.aliases.map((alias) => `millrace ${alias}`))}.`,
    verb.others.length === 0
      ? ''
      : `Not the same: ${verb.others.map(({ command: other, which }) => `${code(`millrace ${other}`)} ${which}`).join('; ')}.`,
    verb.examples.map(({ command: example, does }) => `- ${code(example)}: ${does}`).join('\n'),
  ]
}

const bare = (flags: string): string => flags.replace(/[<>]/g, '')
