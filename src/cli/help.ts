/** Help: the overview, what a group of verbs has, and one verb with its examples. */
import type { TableEntry } from '../operations/table.ts'
import { commandOf, type Verb } from './arguments.ts'
import { type Spelling, WATCH } from './spellings.ts'
import { VERSION } from './version.ts'

/** First words in the order of the overview; what is missing here comes last, under its own heading. */
const SECTIONS: readonly { title: string; first: readonly string[] }[] = [
  { title: 'Begin', first: ['init', 'demo', 'health', 'doctor', 'selftest'] },
  { title: 'Work', first: ['queue', 'incidents', 'start', 'run', 'daemon', 'control', 'planning'] },
  { title: 'Look', first: ['status', 'why', 'runs', 'logs', 'closure', 'usage', 'rescue'] },
  { title: 'Set up', first: ['compile', 'modes', 'loops', 'stages', 'config'] },
  { title: 'Reference', first: ['docs', 'schema', 'completion', 'version'] },
]

const GROUPS: Readonly<Record<string, string>> = {
  queue: 'Work items: see, add, reorder, retry, set aside, cancel.',
  incidents: 'Trouble handed to planning: see it, see to it, drop it.',
  run: 'Work through the queues, in the foreground.',
  daemon: 'The process in the background: start, stop, see, have the system start it.',
  control: 'Steer a runtime: it obeys between two steps.',
  planning: 'Steer the planning plane.',
  runs: 'What agents did, stage by stage.',
  closure: 'Specs that are judged as a whole, and what the verdicts say.',
  rescue: 'Working trees kept before each stage: see, compare, bring files back.',
  selftest: 'See that nothing is lost on this machine.',
  compile: 'From mode to frozen plan.',
  modes: 'Which loops and bindings there are.',
  loops: 'How stages are wired.',
  stages: 'Kinds of stages: what each is for and what it owes.',
  config: 'Settings: see, change, check.',
}

const INDENT = '  '
const MARGIN = 16

/** `millrace --help`: one line per first word. */
export function overview(table: readonly TableEntry[]): string {
  const firsts = [...new Set(table.map((entry) => entry.name.split(' ')[0]!))]
  const placed = SECTIONS.flatMap((section) => section.first)
  const sections = [...SECTIONS, { title: 'More', first: firsts.filter((first) => !placed.includes(first)) }]
  const blocks = sections.flatMap(({ title, first }) => {
    const lines = first.filter((word) => firsts.includes(word)).flatMap((word) => wordLines(word, table))
    return lines.length === 0 ? [] : [`${title}\n${lines.join('\n')}`]
  })
  return [
    `millrace ${VERSION}: carries long-running agent work to an end you can trust.`,
    'Usage: millrace COMMAND [options]',
    ...blocks,
    `Short\n${INDENT}add-task add-spec add-idea add-probe pause resume stop cancel retry-active clear-stale-state reload-config`,
    `Try\n${INDENT}millrace demo\n${INDENT}cd my-project && millrace init && millrace add-task "Fix the flaky login test" && millrace run daemon`,
    'More on a command: millrace COMMAND --help. Every command takes --workspace PATH and --json.',
  ].join('\n\n')
}

function wordLines(first: string, table: readonly TableEntry[]): string[] {
  const entries = table.filter((entry) => entry.name.split(' ')[0] === first)
  const alone = entries.find((entry) => entry.name === first)
  const verbs = entries.filter((entry) => entry !== alone).map((entry) => entry.name.slice(first.length + 1))
  if (first === 'status') return [line(first, `${alone?.summary ?? ''} Again and again: status watch.`)]
  return verbs.length === 0
    ? [line(first, alone?.summary ?? '')]
    : [line(first, `${GROUPS[first] ?? ''}`), `${' '.repeat(MARGIN + INDENT.length)}${verbs.join(', ')}`]
}

const line = (left: string, right: string): string => `${INDENT}${left.padEnd(MARGIN)}${right}`

/** `millrace queue --help`: the verbs of a group. */
export function groupHelp(
  group: string,
  table: readonly TableEntry[],
  spellings: ReadonlyMap<string, Spelling>,
): string {
  const verbs = table.filter((entry) => entry.name.startsWith(`${group} `))
  const below = [...spellings].filter(([words]) => words.startsWith(`${group} `))
  const others = below.filter(([words, { canonical }]) => words !== canonical)
  const rows = [
    ...verbs.map((entry) => ({ left: entry.name.slice(group.length + 1), right: entry.summary })),
    ...others.map(([words, { canonical }]) => ({
      left: words.slice(group.length + 1),
      right: `the same as ${canonical}`,
    })),
  ]
  const margin = Math.max(MARGIN, ...rows.map(({ left }) => left.length + INDENT.length))
  const bare = spellings.get(group)
  return [
    ...(GROUPS[group] === undefined ? [] : [GROUPS[group]]),
    `Usage: millrace ${group} VERB [options]`,
    rows.map(({ left, right }) => `${INDENT}${left.padEnd(margin)}${right}`).join('\n'),
    ...(bare === undefined ? [] : [`\`millrace ${group}\` alone is \`millrace ${bare.canonical}\`.`]),
    `More on a verb: millrace ${group} VERB --help`,
  ].join('\n\n')
}

/** `millrace queue ls --help`. */
export function verbHelp(verb: Verb, width: number): string {
  const command = commandOf(verb).configureHelp({
    helpWidth: width,
    optionTerm: (option) => option.flags.replace(/[<>]/g, ''),
  })
  const examples = verb.examples.map((example) => `${INDENT}${example.command}\n${INDENT}${INDENT}${example.does}`)
  const parts = [command.helpInformation().trimEnd()]
  if (verb.name === 'status') parts.push(`Again and again: millrace ${WATCH}`)
  if (verb.aliases.length > 0)
    parts.push(`The same command: ${verb.aliases.map((alias) => `millrace ${alias}`).join(', ')}`)
  if (verb.others.length > 0) {
    const others = verb.others.map(({ command, which }) => `${INDENT}millrace ${command}\n${INDENT}${INDENT}${which}`)
    parts.push(`Not the same:\n${others.join('\n')}`)
  }
  if (examples.length > 0) parts.push(`Examples:\n${examples.join('\n')}`)
  return parts.join('\n\n')
}
