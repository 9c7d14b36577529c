/** Help: the overview, what a group of verbs has, and one verb with its examples. */
import type { TableEntry } from '../operations/table.ts'
import { commandOf, type Verb } from './arguments.ts'
import { type Spelling, WATCH } from './spellings.ts'
import { VERSION } from './version.ts'
import { wrap } from './wrap.ts'

/** First words in the order of the overview; what is missing here comes last, under its own heading. */
const SECTIONS: readonly { title: string; first: readonly string[] }[] = [
  { title: 'Begin', first: ['init', 'upgrade', 'demo', 'health', 'doctor', 'gc', 'selftest'] },
  { title: 'Work', first: ['queue', 'approvals', 'incidents', 'start', 'run', 'daemon', 'control', 'planning'] },
  { title: 'Look', first: ['status', 'why', 'runs', 'logs', 'closure', 'usage', 'notify', 'rescue'] },
  { title: 'Set up', first: ['compile', 'modes', 'loops', 'stages', 'models', 'skills', 'assets', 'config'] },
  { title: 'Reference', first: ['docs', 'schema', 'completion', 'version'] },
]

const GROUPS: Readonly<Record<string, string>> = {
  queue: 'Work items: see, add, reorder, retry, set aside, cancel.',
  approvals: 'What a person is asked.',
  incidents: 'Trouble handed to planning.',
  run: 'Work through the queues, in the foreground.',
  daemon: 'The process in the background, and having the system start it.',
  control: 'Steer a runtime: it obeys between two steps.',
  planning: 'Steer the planning plane.',
  runs: 'What agents did.',
  closure: 'Specs that are judged as a whole.',
  notify: 'Be told when something needs you.',
  rescue: 'Working trees kept before each stage.',
  selftest: 'See that nothing is lost on this machine.',
  compile: 'From mode to frozen plan.',
  modes: 'Which loops and bindings there are.',
  loops: 'How stages are wired.',
  stages: 'Kinds of stages, and what each owes.',
  assets: 'Whose copy of an asset counts.',
  models: 'Which models stages are given.',
  skills: 'Advice for stages.',
  config: 'Settings of the workspace.',
}

const INDENT = '  '
const MARGIN = 16
const BELOW = ' '.repeat(MARGIN + INDENT.length)
/** The overview is the same on every terminal. */
const WIDTH = 80

const SHORT =
  'add-task add-spec add-idea add-probe pause resume stop cancel retry-active clear-stale-state reload-config'
const TRY = [
  'millrace demo',
  'cd my-project && millrace init',
  'millrace add-task "Fix the flaky login test"',
  'millrace run daemon',
]

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
    ['Short', ...wrap(SHORT, WIDTH, INDENT)].join('\n'),
    `Try\n${TRY.map((one) => `${INDENT}${one}`).join('\n')}`,
    wrap('More on a command: millrace COMMAND --help. Every command takes --workspace PATH and --json.', WIDTH).join(
      '\n',
    ),
  ].join('\n\n')
}

function wordLines(first: string, table: readonly TableEntry[]): string[] {
  const entries = table.filter((entry) => entry.name.split(' ')[0] === first)
  const alone = entries.find((entry) => entry.name === first)
  const verbs = entries.filter((entry) => entry !== alone).map((entry) => entry.name.slice(first.length + 1))
  if (first === 'status') return lines(first, `${alone?.summary ?? ''} Again: status watch.`)
  if (verbs.length === 0) return lines(first, alone?.summary ?? '')
  const summary = GROUPS[first] ?? ''
  const list = listedFirst(verbs)
  const [whole, ...more] = lines(first, `${summary.replace(/\.$/, ':')} ${list.join(', ')}`)
  if (whole !== undefined && more.length === 0 && !summary.includes(':')) return [whole]
  // A verb of two words stays on one line.
  const below = wrap(list.map((verb) => verb.replaceAll(' ', KEPT)).join(', '), WIDTH, BELOW)
  return [...lines(first, summary), ...below.map((one) => one.replaceAll(KEPT, ' '))]
}

const KEPT = '\u00a0'

/** What lists the others goes first. */
const listedFirst = (verbs: readonly string[]): string[] => [
  ...verbs.filter((verb) => verb === 'ls'),
  ...verbs.filter((verb) => verb !== 'ls'),
]

const lines = (left: string, right: string): string[] => row(left, right, MARGIN)

/** `margin`: where what stands on the right begins, behind the indent. */
const row = (left: string, right: string, margin: number): string[] =>
  wrap(right, WIDTH, `${INDENT}${left.padEnd(margin)}`, ' '.repeat(margin + INDENT.length))

/** `millrace queue --help`: the verbs of a group. */
export function groupHelp(
  group: string,
  table: readonly TableEntry[],
  spellings: ReadonlyMap<string, Spelling>,
): string {
  const found = table.filter((entry) => entry.name.startsWith(`${group} `))
  const verbs = [...found].sort((a, b) => Number(b.name === `${group} ls`) - Number(a.name === `${group} ls`))
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
    rows.flatMap(({ left, right }) => row(left, right, margin)).join('\n'),
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
    parts.push(
      wrap(`The same command: ${verb.aliases.map((alias) => `millrace ${alias}`).join(', ')}`, width, '', INDENT).join(
        '\n',
      ),
    )
  if (verb.others.length > 0) {
    const others = verb.others.map(({ command, which }) => `${INDENT}millrace ${command}\n${INDENT}${INDENT}${which}`)
    parts.push(`Not the same:\n${others.join('\n')}`)
  }
  if (examples.length > 0) parts.push(`Examples:\n${examples.join('\n')}`)
  return parts.join('\n\n')
}
