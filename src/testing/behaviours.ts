/**
 * What is asked of every runner. Each behaviour says what the agent does, what is done to it meanwhile, and what must be
 * seen; a runner that truly cannot do one names the reason as its exception.
 */
import * as path from 'node:path'
import type { StageRequest } from '../core/request.ts'
import type { RawResult } from '../core/result.ts'
import type { PermissionLevel } from '../core/stage.ts'
import type { Turn } from './turns.ts'

export const MARKER = '### BUILDER_COMPLETE'
const OTHER_MARKER = '### BLOCKED'
const said = (text: string): string => `${text}\n\n${MARKER}`

/** What a behaviour may name in its turns. */
export interface Place {
  workspace: string
  /** A folder outside of the workspace, and of temporary folders, which a sandbox keeps from an agent. */
  elsewhere: string
  request: StageRequest
  /** A file that a tool makes to show that it has begun. */
  begun: string
  /** The provider's refusal of an account whose quota is used up until then. */
  quota: (resetsAt: Date) => Turn
  resetsAt: Date
}

export interface Seen {
  raw: RawResult
  place: Place
  /** Commands of processes that were left when the runner said it was over. */
  left: readonly string[]
  seconds: number
  /** Growth of the runtime's own memory meanwhile. */
  grownBytes: number
  exists(file: string): boolean
}

export interface Behaviour {
  id: string
  about: string
  turns(place: Place): readonly Turn[]
  level?: PermissionLevel
  timeoutSeconds?: number
  /** Stopped once the tool has begun. */
  stop?: boolean
  /** What is not as it must be, as sentences. */
  problems(seen: Seen): string[]
}

const MEBIBYTE = 1024 * 1024
const FLOOD_BYTES = 100_000_000
const GROWTH_BYTES_MAX = 200 * MEBIBYTE
const HANG_SECONDS = 3
const STOP_SECONDS_MAX = 15

const expect = (holds: boolean, problem: string): string[] => (holds ? [] : [problem])

const lastLine = (text: string | null): string =>
  (text ?? '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .at(-1)
    ?.trim() ?? ''

const ended = ({ raw }: Seen, ending: RawResult['ending']): string[] =>
  expect(raw.ending === ending, `it ended as ${raw.ending} (${raw.message ?? 'nothing said'}), not as ${ending}`)

const finished = (seen: Seen): string[] => [
  ...ended(seen, 'exited'),
  ...expect(seen.raw.cause === null, `it named the cause ${seen.raw.cause}`),
  ...expect(
    lastLine(seen.raw.final_message) === MARKER,
    `the final message ends with ${JSON.stringify(lastLine(seen.raw.final_message))}`,
  ),
]

const quiet = ({ left }: Seen): string[] => expect(left.length === 0, `still running: ${left.join('; ')}`)

const caused = (seen: Seen, ...causes: (RawResult['cause'] & string)[]): string[] =>
  expect(
    seen.raw.cause !== null && causes.includes(seen.raw.cause),
    `the cause is ${seen.raw.cause} (${seen.raw.ending}: ${seen.raw.message}), not ${causes.join(' or ')}`,
  )

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

export const BEHAVIOURS: readonly Behaviour[] = [
  {
    id: 'happy_path',
    about: 'calls a tool, then ends with a marker',
    turns: ({ workspace }) => [
      { turn: 'shell', command: `echo made > ${quoted(path.join(workspace, 'made.txt'))}`, say: 'I make a file.' },
      { turn: 'text', text: said('The file is made.') },
    ],
    problems: (seen) => [
      ...finished(seen),
      ...quiet(seen),
      ...expect(seen.exists(path.join(seen.place.workspace, 'made.txt')), 'the tool made no file'),
    ],
  },
  {
    id: 'usage',
    about: 'tokens are told, cached ones among the input',
    turns: () => [{ turn: 'text', text: said('Nothing to do.') }],
    problems: (seen) => {
      const usage = seen.raw.token_usage
      return [
        ...finished(seen),
        ...expect(usage !== null && usage.input_tokens > 0 && usage.output_tokens > 0, 'no tokens were told'),
        ...expect(
          usage === null || usage.cached_input_tokens <= usage.input_tokens,
          'more input tokens were cached than there were',
        ),
        ...expect(
          usage === null || usage.total_tokens === usage.input_tokens + usage.output_tokens,
          'input and output do not add up to the total',
        ),
      ]
    },
  },
  {
    id: 'session',
    about: 'the session of the harness is named',
    turns: () => [{ turn: 'text', text: said('Nothing to do.') }],
    problems: (seen) => [...finished(seen), ...expect(Boolean(seen.raw.session_id), 'no session id was told')],
  },
  {
    id: 'marker_missing',
    about: 'ends without a marker: the message is there, and nothing is made up',
    turns: () => [{ turn: 'text', text: 'I think that is all.' }],
    problems: (seen) => [
      ...ended(seen, 'exited'),
      ...expect(lastLine(seen.raw.final_message) === 'I think that is all.', 'the final message is another one'),
    ],
  },
  {
    id: 'two_markers',
    about: 'ends with two markers: both are in the message',
    turns: () => [{ turn: 'text', text: `${OTHER_MARKER}\n\n${said('Or rather not.')}` }],
    problems: (seen) => [
      ...finished(seen),
      ...expect((seen.raw.final_message ?? '').includes(OTHER_MARKER), 'the first marker is gone'),
    ],
  },
  {
    id: 'result_file',
    about: 'writes a structured result file',
    turns: ({ request }) => [
      {
        turn: 'shell',
        command: `printf %s '{"terminal_result":"BLOCKED","summary":"no"}' > ${quoted(request.terminal_result_path)}`,
      },
      { turn: 'text', text: said('See the file.') },
    ],
    problems: (seen) => [
      ...finished(seen),
      ...expect(seen.exists(seen.place.request.terminal_result_path), 'the result file was not made'),
    ],
  },
  {
    id: 'tool_denied',
    about: 'level basic keeps a command from changing what lies outside of the workspace, and the stage goes on',
    level: 'basic',
    turns: ({ elsewhere }) => [
      { turn: 'shell', command: `touch ${quoted(path.join(elsewhere, 'denied'))}` },
      { turn: 'text', text: said('I was not allowed to.') },
    ],
    problems: (seen) => [
      ...finished(seen),
      ...expect(!seen.exists(path.join(seen.place.elsewhere, 'denied')), 'the command was carried out'),
    ],
  },
  {
    id: 'unauthorized',
    about: 'a refused key is a failure of the surroundings: auth',
    turns: () => [{ turn: 'http_error', status: 401 }],
    problems: (seen) => [...caused(seen, 'auth'), ...quiet(seen)],
  },
  {
    id: 'retry',
    about: 'one 429, then an answer: the harness tries again by itself',
    turns: () => [
      {
        turn: 'in_sequence',
        turns: [
          { turn: 'http_error', status: 429, headers: { 'retry-after': '1' } },
          { turn: 'text', text: said('At last.') },
        ],
      },
    ],
    problems: (seen) => [...finished(seen), ...quiet(seen)],
  },
  {
    id: 'rate_limit',
    about: 'nothing but 429 is a failure of the surroundings: rate limit',
    turns: () => [{ turn: 'http_error', status: 429 }],
    problems: (seen) => [...caused(seen, 'rate_limit'), ...quiet(seen)],
  },
  {
    id: 'quota',
    about: 'a used-up quota is named, with the time it is there again',
    turns: ({ quota, resetsAt }) => [quota(resetsAt)],
    problems: (seen) => {
      const told = seen.raw.resets_at === null ? Number.NaN : Date.parse(seen.raw.resets_at)
      const offMs = Math.abs(told - seen.place.resetsAt.getTime())
      return [
        ...caused(seen, 'quota', 'rate_limit'),
        ...expect(offMs <= 90_000, `it says that the quota resets at ${seen.raw.resets_at}`),
      ]
    },
  },
  {
    id: 'truncated',
    about: 'an answer that breaks off is no answer',
    turns: () => [{ turn: 'truncate', text: said('I did') }],
    problems: (seen) => [
      ...expect(seen.raw.ending !== 'exited' || seen.raw.exit_code !== 0, 'it counts as a good end'),
      ...caused(seen, 'network', 'overloaded'),
    ],
  },
  {
    id: 'hang',
    about: 'a silent provider ends with the time limit, and nothing is left',
    timeoutSeconds: HANG_SECONDS,
    turns: () => [{ turn: 'hang' }],
    problems: (seen) => [...ended(seen, 'timed_out'), ...quiet(seen)],
  },
  {
    id: 'flood',
    about: 'a tool prints 100 MB: memory stays bounded',
    turns: () => [
      { turn: 'shell', command: `head -c ${FLOOD_BYTES} /dev/zero | tr '\\0' x | fold -w 200` },
      { turn: 'text', text: said('That was much.') },
    ],
    problems: (seen) => [
      ...(seen.raw.ending === 'output_limit' ? [] : finished(seen)),
      ...expect(
        seen.grownBytes < GROWTH_BYTES_MAX,
        `the runtime grew by ${Math.round(seen.grownBytes / MEBIBYTE)} MiB`,
      ),
    ],
  },
  {
    id: 'long_line',
    about: 'a tool prints a line of 1 MB',
    turns: () => [
      { turn: 'shell', command: "head -c 1000000 /dev/zero | tr '\\0' y; echo" },
      { turn: 'text', text: said('That was long.') },
    ],
    problems: finished,
  },
  {
    id: 'odd_bytes',
    about: 'invalid UTF-8 from a tool, and U+2028 in the message',
    turns: () => [
      { turn: 'shell', command: "printf '\\377\\376 \\342\\200\\250 end\\n'" },
      { turn: 'text', text: said('One\u2028line, “quoted”, 漢字.') },
    ],
    problems: (seen) => [
      ...finished(seen),
      ...expect((seen.raw.final_message ?? '').includes('One\u2028line, “quoted”, 漢字.'), 'the message was changed'),
    ],
  },
  {
    id: 'stop_in_tool',
    about: 'stopped in the middle of a tool: no process is left',
    stop: true,
    turns: ({ begun }) => [
      { turn: 'shell', command: `touch ${quoted(begun)}; tail -f /dev/null` },
      { turn: 'text', text: said('Slept well.') },
    ],
    problems: (seen) => [
      ...ended(seen, 'cancelled'),
      ...quiet(seen),
      ...expect(seen.seconds < STOP_SECONDS_MAX, `the stop took ${seen.seconds.toFixed(1)} s`),
    ],
  },
  {
    id: 'grandchildren',
    about: 'background processes of a tool do not outlive the stage',
    turns: () => [
      {
        turn: 'shell',
        command: 'nohup tail -f /dev/null > /dev/null 2>&1 & (setsid sleep 600 > /dev/null 2>&1 &) ; echo started',
      },
      { turn: 'text', text: said('They run.') },
    ],
    problems: (seen) => [...finished(seen), ...quiet(seen)],
  },
  {
    id: 'late_marker',
    about: 'a marker that comes after the stop does not count',
    stop: true,
    turns: ({ begun }) => [
      { turn: 'shell', command: `trap '' TERM; touch ${quoted(begun)}; sleep 1.5` },
      { turn: 'text', text: said('Done all the same.') },
    ],
    problems: (seen) => [...ended(seen, 'cancelled'), ...quiet(seen)],
  },
]
