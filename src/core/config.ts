/**
 * `millrace.toml`: every key with its default, its description and the boundary at which a change takes effect.
 * `tick` = at once, `claim` = with the next item (everything that is compiled), `restart` = with the next start.
 * Reading the file is the store's work; this module only knows what a valid one says.
 */
import * as z from 'zod'
import { AutoRecoveryConfig } from './auto-recovery-config.ts'
import { type Boundary, claim, restart, tick } from './boundary.ts'
import { CapabilityId, ExecutionCapabilitiesConfig } from './capability.ts'
import { clip, problemsText } from './clip.ts'
import { canonical } from './config-carried.ts'
import { MillraceError } from './errors.ts'
import { canonicalJson } from './ids.ts'
import { nearest } from './nearest.ts'
import { NotifyConfig } from './notify-config.ts'
import { RetentionConfig } from './retention-config.ts'
import { Effort, LEVELLED, RunnersConfig } from './runner-config.ts'
import { AssetId, AssetPath, PermissionLevel } from './stage.ts'
import { UsageGovernanceConfig } from './usage-config.ts'
import { ValidatorConfig } from './validator.ts'
import { WatchConfig } from './watch-config.ts'

const seconds = z.number().positive()

/** Levels as 0.10 named them: `normal` is what is called `basic` elsewhere. */
const PermissionProfile = z
  .enum(['normal', ...PermissionLevel.options])
  .transform((profile) => (profile === 'normal' ? 'basic' : profile))

const StageConfig = z.strictObject({
  runner: z.string().optional().meta(claim('Adapter for this stage kind.')),
  model: z.string().optional().meta(claim('Model for this stage kind.')),
  model_reasoning_effort: Effort.optional().meta(claim('Effort for this stage kind.')),
  timeout_seconds: z.int().min(1).optional().meta(claim('Time limit for this stage kind.')),
  required_capabilities: z
    .array(CapabilityId)
    .optional()
    .meta(claim('What this stage kind may not start without, beyond what it says itself.')),
  entrypoint_path: AssetPath.optional().meta(
    claim(
      'Prompt for this stage kind: a file below `millrace-agents/entrypoints/`, such as `entrypoints/execution/builder.md`.',
    ),
  ),
  permission_profile: PermissionProfile.optional().meta(
    tick('Level for this stage kind on whatever runner: normal (the same as basic), elevated, maximum.'),
  ),
})

export const Config = z.strictObject({
  runtime: z
    .strictObject({
      default_mode: z
        .string()
        .default('default_codex')
        .transform((mode) => mode.trim() || 'default_codex')
        .meta(claim('Mode to compile when none is named.')),
      model_profile: AssetId.nullable()
        .default(null)
        .meta(claim('Profile that says which model each stage has, in place of the one that the mode names.')),
      run_style: z
        .enum(['once', 'daemon'])
        .default('daemon')
        .meta(tick('Shown to tools that read it; a runtime runs as the command that starts it says.')),
      idle_sleep_seconds: seconds
        .default(1)
        .meta(tick('Polling floor of an idle daemon, which is otherwise woken by events.')),
      on_restart: z
        .enum(['adopt', 'kill'])
        .default('adopt')
        .meta(restart('What a new daemon does with an agent it finds still running.')),
      free_disk_floor_mib: z
        .int()
        .min(0)
        .default(200)
        .meta(tick('Free space, in MiB, below which no stage is started; 0 starts them on any disk.')),
      wedged_after_seconds: z
        .int()
        .min(1)
        .default(900)
        .meta(tick('An agent without any sign of life for so long, and without a tool at work, is called wedged.')),
      stop_grace_seconds: seconds
        .default(5)
        .meta(tick('Time an agent gets after the polite stop, before it is killed.')),
    })
    .prefault({}),
  runners: RunnersConfig.prefault({}),
  recovery: z
    .strictObject({
      max_fix_cycles: z.int().min(1).default(2).meta(claim('Fix rounds per item before a repair stage is asked.')),
      max_troubleshoot_attempts_before_consult: z
        .int()
        .min(1)
        .default(2)
        .meta(claim('Repair attempts before escalation.')),
      max_mechanic_attempts: z
        .int()
        .min(1)
        .default(2)
        .meta(claim('Planning repair attempts before the item is blocked.')),
      stale_state_recovery_enabled: z
        .boolean()
        .default(true)
        .meta(
          restart(
            'A new runtime runs the stages again by itself that a dead one left unfinished; false holds their runs for a person.',
          ),
        ),
      resume_sessions: z
        .boolean()
        .default(true)
        .meta(
          tick('After a failure of the surroundings the next attempt goes on in the session of the interrupted one.'),
        ),
    })
    .prefault({}),
  auto_recovery: AutoRecoveryConfig.prefault({}),
  watchers: WatchConfig.prefault({}),
  usage_governance: UsageGovernanceConfig.prefault({}),
  execution_capabilities: ExecutionCapabilitiesConfig.prefault({}),
  validators: z.record(AssetId, ValidatorConfig).default({}),
  notify: NotifyConfig.prefault({}),
  retention: RetentionConfig.prefault({}),
  stages: z.record(AssetId, StageConfig).default({}),
})
export type Config = z.infer<typeof Config>

/** Text written by `init` (spec 01 §5.1). */
export const NEW_CONFIG = `[runtime]
default_mode = "default_codex"
run_style = "daemon"

[runners.codex]
permission_default = "maximum"
`

export interface ConfigKey {
  /** Dotted; `*` stands for a name the user chooses. */
  key: string
  description: string
  boundary: Boundary
  default: unknown
  schema: z.core.$ZodType
}

/** Every key there is, in the order of the schema: the source of help, docs and suggestions. */
export function configKeys(): ConfigKey[] {
  const keys: ConfigKey[] = []
  const walk = (schema: z.core.$ZodType, at: string, fallback: unknown): void => {
    const meta = z.globalRegistry.get(schema) as { description?: string; boundary?: Boundary } | undefined
    const def = (schema as z.ZodType).def as {
      type: string
      innerType?: z.core.$ZodType
      defaultValue?: unknown
      in?: z.core.$ZodType
    }
    if (meta?.boundary) {
      const own = innermostDefault(schema)
      keys.push({
        key: at,
        description: meta.description ?? '',
        boundary: meta.boundary,
        default: own === undefined ? fallback : own,
        schema,
      })
      return
    }
    if (schema instanceof z.ZodObject)
      for (const [name, member] of Object.entries(schema.shape))
        walk(member as z.core.$ZodType, at ? `${at}.${name}` : name, undefined)
    else if (schema instanceof z.ZodRecord) walk(schema.valueType as z.core.$ZodType, `${at}.*`, undefined)
    else if (def.innerType) walk(def.innerType, at, def.defaultValue)
  }
  walk(Config, '', undefined)
  return keys
}

/** Keys that a runtime takes in when it starts, and of which it has another value. */
export function restartKeys(started: Config, now: Config): string[] {
  const at = (config: Config, key: string): unknown =>
    key.split('.').reduce((table: unknown, part) => (table as Record<string, unknown>)[part], config)
  return configKeys().flatMap(({ key, boundary }) =>
    boundary === 'restart' && canonicalJson(at(started, key)) !== canonicalJson(at(now, key)) ? [key] : [],
  )
}

function innermostDefault(schema: z.core.$ZodType): unknown {
  const def = (schema as z.ZodType).def as { defaultValue?: unknown; innerType?: z.core.$ZodType; in?: z.core.$ZodType }
  if (def.defaultValue !== undefined) return def.defaultValue
  if (def.innerType) return innermostDefault(def.innerType)
  return def.in ? innermostDefault(def.in) : undefined
}

const KEY_CHARS_MAX = 200
/** Looking for the nearest known key takes a moment for each; a file of nonsense has thousands. */
const KEYS_COMPARED_MAX = 50

/**
 * Checks a parsed TOML table against the schema, fills in defaults, and takes aliases for the keys they stand for.
 * Throws `config_invalid` with every problem: which key, what is wrong, and the nearest known key. `place` says where a
 * key stands, such as ` (line 7)`.
 */
export function parseConfig(table: unknown, file: string, place: (key: string) => string = () => ''): Config {
  const read = canonical(table, place)
  const parsed = Config.safeParse(read.table)
  if (parsed.success && read.problems.length === 0) return unambiguous(parsed.data, file)
  const known = configKeys().map((key) => key.key)
  const problems = (parsed.error?.issues ?? []).flatMap((issue) => {
    const at = issue.path.join('.')
    if (issue.code !== 'unrecognized_keys') {
      const key = read.aliases.get(at) ?? at
      return [`${key === '' ? 'the file' : `${key}${place(key)}`}: ${issue.message}`]
    }
    return issue.keys.map((name, index) => {
      const full = clip(at ? `${at}.${name}` : name, KEY_CHARS_MAX)
      if (index >= KEYS_COMPARED_MAX) return `unknown key ${full}${place(full)}`
      const candidates = known.map((key) => chosenNames(key, full))
      const near = nearest(full, candidates)
      return `unknown key ${full}${place(full)}${near ? `, did you mean ${near}?` : ''}`
    })
  })
  throw new MillraceError('config_invalid', `${file}: ${problemsText([...read.problems, ...problems])}.`, {
    hint: 'mend the file and run `millrace config validate`; `millrace config show` lists the keys in force',
  })
}

/** A level is said in one place: which of two would win is nothing to find out by an accident. */
function unambiguous(config: Config, file: string): Config {
  const twice = Object.entries(config.stages)
    .filter(([, { permission_profile }]) => permission_profile !== undefined)
    .flatMap(([stage]) =>
      LEVELLED.filter((section) => Object.hasOwn(config.runners[section].permission_by_stage, stage)).map(
        (section) => `stages.${stage}.permission_profile and runners.${section}.permission_by_stage.${stage}`,
      ),
    )
  if (twice.length === 0) return config
  throw new MillraceError('config_invalid', `${file}: the same is said twice: ${problemsText(twice)}.`, {
    hint: 'keep one of each pair',
  })
}

/** A known key with the names the user chose in place of its `*`. */
function chosenNames(key: string, full: string): string {
  const chosen = full.split('.')
  return key
    .split('.')
    .map((part, index) => (part === '*' ? (chosen[index] ?? part) : part))
    .join('.')
}
