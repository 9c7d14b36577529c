/**
 * Keys that other versions of millrace.toml had and this one spells otherwise or does without. With the keys of the
 * schema they make up every key there ever was: it works, it is an alias of one that does, or it is not carried and a
 * file that sets it is refused with the reason.
 */
import { problemsText } from './clip.ts'

type Table = Record<string, unknown>

export interface Alias {
  /** Dotted; `*` stands for a name the user chooses. */
  key: string
  /** The key that is meant; a `*` is the same name. */
  of: string
  /** The value as the other key takes it; left out where it is the same. What is no value of the alias stays as it is. */
  convert?: (value: unknown) => unknown
  /** What `convert` does, in words. */
  converted?: string
}

const SEARCH =
  'whether a harness searches the web is its own setting; give it in the arguments of its section of runners'

export const ALIASES: readonly Alias[] = [
  { key: 'engine.mode', of: 'runtime.run_style' },
  { key: 'engine.idle_mode', of: 'watchers.mode' },
  { key: 'engine.poll_interval_seconds', of: 'runtime.idle_sleep_seconds' },
  { key: 'execution.quickfix_max_attempts', of: 'recovery.max_fix_cycles' },
  {
    key: 'watchers.debounce_seconds',
    of: 'watchers.debounce_ms',
    convert: (value) => (typeof value === 'number' ? Math.round(value * 1000) : value),
    converted: 'in seconds',
  },
  { key: 'policies.usage.enabled', of: 'usage_governance.enabled' },
  { key: 'stages.*.effort', of: 'stages.*.model_reasoning_effort' },
  { key: 'stages.*.thinking_level', of: 'stages.*.model_reasoning_effort' },
  { key: 'stages.*.prompt_file', of: 'stages.*.entrypoint_path' },
]

export interface NotCarried {
  /** Everything in this section is meant, whatever it is called; without one the keys alone are. */
  section?: string
  /** Dotted, below the section if there is one; `*` stands for one name. */
  keys: readonly string[]
  why: string
}

export const NOT_CARRIED: readonly NotCarried[] = [
  {
    keys: ['engine.inter_task_delay_seconds'],
    why: 'items follow one another without a pause; how much is used in a time is bounded by rules of usage_governance',
  },
  {
    section: 'paths',
    keys: ['workspace', 'agents_dir'],
    why: 'the file lies in the workspace that it is about, whose runtime root is always millrace-agents; another workspace is chosen with --workspace',
  },
  {
    keys: ['execution.integration_mode', 'execution.run_update_on_empty'],
    why: 'which stages there are, and after which outcome each runs, is said by the loops of the mode; choose another with runtime.default_mode',
  },
  {
    section: 'routing',
    keys: ['*'],
    why: 'where an outcome leads is said by the edges of a loop; see `millrace loops show`',
  },
  {
    section: 'sizing',
    keys: ['mode', '*'],
    why: 'no route depends on the size of a task; another loop is chosen with runtime.default_mode',
  },
  {
    section: 'research',
    keys: [
      'mode',
      'idle_mode',
      'idle_poll_seconds',
      'stage_retry_max',
      'stage_retry_backoff_seconds',
      'interview_policy',
    ],
    why: 'specs and incidents are planned by the planning loop of the mode, which retries and waits as recovery_limits of the mode say',
  },
  {
    section: 'sentinel',
    keys: [
      'enabled',
      'diagnostic.runner',
      'diagnostic.model',
      'diagnostic.effort',
      'cadence',
      'progress_thresholds.no_progress_seconds',
      'progress_thresholds.stale_status_seconds',
      'progress_thresholds.stalled_recovery_seconds',
      'reset_cadence_on_recovery',
      'caps.soft_cap_threshold',
      'caps.hard_cap_threshold',
      'caps.halt_on_hard_cap',
      'notify.enabled',
      'notify.adapter',
      'notify.openclaw_command',
      'notify.openclaw_timeout_seconds',
      'notify.allow_direct_notify_when_supervised',
    ],
    why: 'no second monitor runs beside the runtime, which watches its agents itself: see runtime.wedged_after_seconds and runners.stalled_after_seconds',
  },
  {
    section: 'policies.preflight',
    keys: ['enabled', 'transport_check'],
    why: 'that a runner can be started is always looked at, by `millrace doctor` beforehand and by the runtime when it starts a stage',
  },
  {
    section: 'policies.search',
    keys: ['execution_enabled', 'execution_exception', 'research_enabled', 'research_exception'],
    why: SEARCH,
  },
  { keys: ['stages.*.allow_search'], why: SEARCH },
  {
    section: 'policies.network_guard',
    keys: ['enabled', 'execution_policy', 'research_policy', 'execution_exception', 'research_exception'],
    why: 'a variable that an agent may heed or not keeps nothing from the network; what a harness may reach is its permission level (runners.*.permission_default)',
  },
  {
    section: 'policies.outage',
    keys: [
      'enabled',
      'wait_initial_seconds',
      'wait_max_seconds',
      'max_probes',
      'probe_host',
      'probe_port',
      'probe_command',
      'probe_timeout_seconds',
      'policy',
      'route_to_incident',
      'route_to_blocker',
    ],
    why: 'after a failure of the surroundings a stage is tried again after the waits that recovery_limits.environment_backoff_seconds of the mode give',
  },
  {
    section: 'policies.usage',
    keys: [
      'provider',
      'cache_max_age_secs',
      'execution_command',
      'research_command',
      'refresh_utc',
      'execution.remaining_threshold',
      'execution.consumed_threshold',
      'execution.legacy_threshold',
      'research.remaining_threshold',
      'research.consumed_threshold',
      'research.legacy_threshold',
    ],
    why: 'what may be used of a subscription is said for each of its windows, as rules of usage_governance.subscription_quota_rules',
  },
  {
    section: 'policies.complexity',
    keys: ['enabled', 'default_band', '*'],
    why: 'models are bound when a plan is compiled, not for each task; choose them with runtime.model_profile',
  },
  {
    section: 'policies.compounding',
    keys: ['*'],
    why: 'stages are given the skills that their kind and their mode name, and nothing else',
  },
]

/** The keys of an entry, as they stand in a file. */
export const keysOf = ({ section, keys }: NotCarried): string[] =>
  keys.map((key) => (section === undefined ? key : `${section}.${key}`))

/** What an entry takes out of a file. */
const taken = (entry: NotCarried): readonly string[] => (entry.section === undefined ? entry.keys : [entry.section])

export interface Canonical {
  /** A copy with every alias under the key that is meant. */
  table: Table
  /** The alias that the file has, by the key that is meant. */
  aliases: ReadonlyMap<string, string>
  problems: string[]
}

/**
 * The table of a file with aliases resolved, and what cannot be taken of it: keys that are not carried, and keys said
 * twice. `place` says where a key stands, such as ` (line 7)`.
 */
export function canonical(table: unknown, place: (key: string) => string = () => ''): Canonical {
  const aliases = new Map<string, string>()
  if (!isTable(table)) return { table: table as Table, aliases, problems: [] }
  const copy = copyOf(table)
  const problems: string[] = []
  for (const { key, of, convert } of ALIASES) {
    for (const path of pathsIn(copy, key.split('.'))) {
      const target = named(of, path)
      const [said, other] = [path.join('.'), aliases.get(target.join('.')) ?? target.join('.')]
      const value = take(copy, path)
      if (memberAt(copy, target) !== undefined)
        problems.push(`${said}${place(said)} and ${other}${place(other)} are the same key; keep one of them`)
      else if (put(copy, target, convert ? convert(value) : value)) aliases.set(target.join('.'), said)
    }
  }
  for (const entry of NOT_CARRIED) {
    const found = taken(entry).flatMap((key) => pathsIn(copy, key.split('.')))
    const leaves = found.flatMap((path) => leavesOf(memberAt(copy, path), path)).map((path) => path.join('.'))
    for (const path of found) take(copy, path)
    if (leaves.length > 0)
      problems.push(
        `not carried: ${problemsText(
          leaves.map((key) => `${key}${place(key)}`),
          KEYS_NAMED_MAX,
        )} (${entry.why})`,
      )
  }
  return { table: copy, aliases, problems }
}

const KEYS_NAMED_MAX = 6

/** The key that is meant by a dotted path, and the value as that one takes it: both as they are, unless it is an alias. */
export function meant(path: readonly string[], value: unknown = null): { path: string[]; value: unknown } {
  for (const { key, of, convert } of ALIASES) {
    const parts = key.split('.')
    if (parts.length === path.length && parts.every((part, at) => part === '*' || part === path[at]))
      return { path: named(of, path), value: convert ? convert(value) : value }
  }
  return { path: [...path], value }
}

/** Why a key is not carried; null for any other. */
export function whyNotCarried(path: readonly string[]): string | null {
  const found = NOT_CARRIED.find((entry) =>
    taken(entry).some((key) => key.split('.').every((part, at) => part === '*' || part === path[at])),
  )
  return found?.why ?? null
}

/** A dotted key with the names of a path in place of its `*`. */
const named = (key: string, path: readonly string[]): string[] =>
  key.split('.').map((part, at) => (part === '*' ? path[at]! : part))

const isTable = (value: unknown): value is Table =>
  value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date)

/** Every path of a table that a dotted key with `*` fits. */
function pathsIn(table: unknown, [part, ...rest]: readonly string[], above: readonly string[] = []): string[][] {
  if (part === undefined) return [[...above]]
  if (!isTable(table)) return []
  const names = part === '*' ? Object.keys(table) : Object.hasOwn(table, part) ? [part] : []
  return names.flatMap((name) => pathsIn(table[name], rest, [...above, name]))
}

/** No key of ours has more parts. */
const PARTS_MAX = 8

/** A copy down to where no key of ours reaches. */
function copyOf(table: Table, depth = PARTS_MAX): Table {
  const copy: Table = {}
  for (const [name, member] of Object.entries(table))
    setOwn(copy, name, isTable(member) && depth > 0 ? copyOf(member, depth - 1) : member)
  return copy
}

/** The keys below a table, or the path itself. */
function leavesOf(value: unknown, path: readonly string[]): string[][] {
  if (!isTable(value) || path.length >= PARTS_MAX || Object.keys(value).length === 0) return [[...path]]
  return Object.entries(value).flatMap(([name, member]) => leavesOf(member, [...path, name]))
}

function memberAt(table: unknown, path: readonly string[]): unknown {
  return path.reduce((at: unknown, part) => (isTable(at) && Object.hasOwn(at, part) ? at[part] : undefined), table)
}

/** Takes a member out, and the tables above it that it leaves empty; gives it. */
function take(table: Table, path: readonly string[]): unknown {
  const [part = '', ...rest] = path
  if (!Object.hasOwn(table, part)) return undefined
  const member = table[part]
  if (rest.length === 0) {
    delete table[part]
    return member
  }
  if (!isTable(member)) return undefined
  const taken = take(member, rest)
  if (Object.keys(member).length === 0) delete table[part]
  return taken
}

/** False where something that is no table stands in the way; the schema says what is wrong with it. */
function put(table: Table, [part = '', ...rest]: readonly string[], value: unknown): boolean {
  if (rest.length === 0) {
    setOwn(table, part, value)
    return true
  }
  if (!Object.hasOwn(table, part)) setOwn(table, part, {})
  const inner = table[part]
  return isTable(inner) && put(inner, rest, value)
}

/** Sets a member of the table itself, so that `__proto__` is a name like any other. */
export function setOwn(table: Table, key: string, value: unknown): void {
  Object.defineProperty(table, key, { value, configurable: true, enumerable: true, writable: true })
}
