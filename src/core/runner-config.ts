/** `[runners]` of millrace.toml: how each harness is started, and what its agents may do without asking. */
import * as z from 'zod'
import { claim, tick } from './boundary.ts'
import { AssetId, PermissionLevel } from './stage.ts'

export const Effort = z.enum(['low', 'medium', 'high', 'xhigh'])
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

export const RunnersConfig = z.strictObject({
  default_runner: z.string().min(1).default('codex_cli').meta(claim('Adapter where neither mode nor stage names one.')),
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

/** Sections of `runners` that hold permission levels. */
export const LEVELLED = ['codex', 'claude', 'acp', 'pi'] as const
