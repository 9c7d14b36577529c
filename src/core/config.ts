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
import { AssetId, AssetPath, PermissionLevel } from './stage.ts'
import { UsageGovernanceConfig } from './usage-config.ts'
import { ValidatorConfig } from './validator.ts'
import { WatchConfig } from './watch-config.ts'

const Effort = z.enum(['low', 'medium', 'high', 'xhigh'])
const Env = z.record(z.string(), z.string())
const seconds = z.number().positive()

/** The same three keys for every harness that has levels; core/permission.ts says how they are resolved. */
const permissions = {
  permission_default: PermissionLevel.default('maximum').meta(
    tick('Level when neither stage nor model says otherwise.'),
  ),
  permission_by_stage: z
    .record(AssetId, PermissionLevel)
    .default({})
    .meta(tick('Level by stage kind; wins over the others.')),
  permission_by_model: z.record(z.string(), PermissionLevel).default({}).meta(tick('Level by model name.')),
}

const CodexConfig = z.strictObject({
  command: z.string().min(1).default('codex').meta(tick('Program to start.')),
  args: z.array(z.string()).default(['exec']).meta(tick('First arguments.')),
  profile: z.string().nullable().default(null).meta(tick('Profile passed as --profile.')),
  ...permissions,
  model_reasoning_effort: Effort.nullable().default(null).meta(tick('Effort when the stage has none.')),
  skip_git_repo_check: z.boolean().default(true).meta(tick('Pass --skip-git-repo-check.')),
  extra_config: z.array(z.string()).default([]).meta(tick('Each item is passed as a -c argument.')),
  env: Env.default({}).meta(tick('Environment variables to set.')),
  env_pass: z
    .array(z.string())
    .default([])
    .meta(tick('Names of environment variables to pass on beyond the allow-list.')),
})

/** Flags of Pi that Millrace sets by itself. */
const PI_OWN = ['--mode', '--no-session', '--provider', '--model', '--thinking', '--no-context-files', '--no-skills']

const PiConfig = z.strictObject({
  command: z.string().min(1).default('pi').meta(tick('Program to start.')),
  args: z
    .array(
      z.string().refine((argument) => !PI_OWN.includes(argument.split('=', 1)[0]!), {
        error: ({ input }) =>
          `${input} is set by millrace itself; see the other keys of runners.pi and the stage's model`,
      }),
    )
    .default([])
    .meta(tick('First arguments.')),
  ...permissions,
  provider: z.string().nullable().default(null).meta(tick('Provider.')),
  thinking: z.string().nullable().default(null).meta(tick('Thinking level.')),
  disable_context_files: z.boolean().default(true).meta(tick('Pass --no-context-files.')),
  disable_skills: z.boolean().default(true).meta(tick('Pass --no-skills.')),
  event_log_policy: z
    .enum(['failure_full', 'full'])
    .default('failure_full')
    .meta(
      tick(
        'Accepted and without effect: the event log is written while Pi works, and kept however the stage ends; only ' +
          'updates that repeat what came before are left out.',
      ),
    ),
  env: Env.default({}).meta(tick('Environment variables to set.')),
  env_pass: z.array(z.string()).default([]).meta(tick('Names of environment variables to pass on.')),
})

const ClaudeConfig = z.strictObject({
  command: z.string().min(1).default('claude').meta(tick('Program to start.')),
  args: z.array(z.string()).default([]).meta(tick('Arguments before those of Millrace.')),
  ...permissions,
  max_retries: z
    .int()
    .min(0)
    .default(2)
    .meta(tick('Times the harness itself tries a failed request again, before Millrace takes over.')),
  env: Env.default({}).meta(tick('Environment variables to set.')),
  env_pass: z.array(z.string()).default([]).meta(tick('Names of environment variables to pass on.')),
})

const AcpConfig = z.strictObject({
  command: z
    .string()
    .nullable()
    .default(null)
    .meta(tick('Program that speaks the Agent Client Protocol on stdio, such as `gemini` or `opencode`.')),
  args: z.array(z.string()).default([]).meta(tick('Its arguments, such as `["--acp"]`.')),
  ...permissions,
  start_seconds: seconds.default(60).meta(tick('Time the agent gets to answer the first message.')),
  env: Env.default({}).meta(tick('Environment variables to set.')),
  env_pass: z.array(z.string()).default([]).meta(tick('Names of environment variables to pass on.')),
  env_prefixes: z
    .array(z.string())
    .default(['ANTHROPIC_', 'CLAUDE_', 'CODEX_', 'GEMINI_', 'GOOGLE_', 'GOOSE_', 'OPENAI_', 'OPENCODE_'])
    .meta(tick('Prefixes of environment variables that belong to the agent.')),
})

const CommandConfig = z.strictObject({
  command: z
    .string()
    .nullable()
    .default(null)
    .meta(tick('Program to start: it reads the prompt on stdin and ends with a marker line or a result file.')),
  args: z.array(z.string()).default([]).meta(tick('Its arguments.')),
  line_buffered: z
    .boolean()
    .default(false)
    .meta(tick('Start it so that its lines are seen as it prints them, where it would keep them back (Python, C).')),
  env: Env.default({}).meta(tick('Environment variables to set.')),
  env_pass: z.array(z.string()).default([]).meta(tick('Names of environment variables to pass on.')),
})

const ScriptedConfig = z.strictObject({
  replies: z
    .string()
    .nullable()
    .default(null)
    .meta(tick('Reply file of the scripted agent; relative to the workspace.')),
})

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
  runners: z
    .strictObject({
      default_runner: z
        .string()
        .min(1)
        .default('codex_cli')
        .meta(claim('Adapter where neither mode nor stage names one.')),
      output_bytes_max: z.int().min(1_000_000).default(256_000_000).meta(tick('An agent that prints more is stopped.')),
      stalled_after_seconds: z
        .int()
        .min(0)
        .default(0)
        .meta(tick('An agent without any sign of life for so long is stopped; 0 waits for its time limit.')),
      codex: CodexConfig.prefault({}),
      pi: PiConfig.prefault({}),
      claude: ClaudeConfig.prefault({}),
      acp: AcpConfig.prefault({}),
      command: CommandConfig.prefault({}),
      scripted: ScriptedConfig.prefault({}),
      modules: z
        .record(AssetId, z.string().min(1))
        .default({})
        .meta(claim('Runners of your own: name to path of an ES module, relative to the workspace.')),
    })
    .prefault({}),
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

/** Sections of `runners` that hold permission levels. */
export const LEVELLED = ['codex', 'claude', 'acp', 'pi'] as const

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
