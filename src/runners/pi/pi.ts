/**
 * The `pi_rpc` runner: Pi in RPC mode, spoken with by the driver. Pi has no sandbox and asks nothing, so it can be held
 * to the level `maximum` only.
 */
import type { Config } from '../../core/config.ts'
import { honouredLevels, permissionLevel } from '../../core/permission.ts'
import type { StageRequest } from '../../core/request.ts'
import type { Harness } from '../harness.ts'
import type { RunnerProbe } from '../runner.ts'
import { driven } from '../two-way/protocol.ts'
import { piTranscript } from './transcript.ts'

type PiConfig = Config['runners']['pi']

/** Pi's own variables, and those in which it looks for keys of the providers it knows. */
export const PI_PREFIXES = [
  ...['PI_', 'ANTHROPIC_', 'OPENAI_', 'AZURE_OPENAI_', 'GEMINI_', 'GOOGLE_', 'DEEPSEEK_', 'GROQ_', 'CEREBRAS_', 'XAI_'],
  ...['OPENROUTER_', 'AI_GATEWAY_', 'ZAI_', 'MISTRAL_', 'MINIMAX_', 'MOONSHOT_', 'FIREWORKS_', 'TOGETHER_', 'KIMI_'],
  ...['OPENCODE_', 'CLOUDFLARE_', 'XIAOMI_'],
]

/** The first line comes once models and extensions are loaded; the longest measured is a second and a half. */
const START_MS = 60_000

/** The command line of Pi itself in its documented order (spec 04 §9.2). */
export function piArguments(config: PiConfig, request: StageRequest): [program: string, ...args: string[]] {
  const thinking = request.model_reasoning_effort ?? config.thinking
  return [
    config.command,
    ...config.args,
    '--mode',
    'rpc',
    '--no-session',
    ...(config.provider ? ['--provider', config.provider] : []),
    ...(request.model_name ? ['--model', request.model_name] : []),
    ...(thinking ? ['--thinking', thinking] : []),
    ...(config.disable_context_files ? ['--no-context-files'] : []),
    ...(config.disable_skills ? ['--no-skills'] : []),
  ]
}

/** `driver` is the path of the driver program; `probe` needs the processes of the machine. */
export function piHarness(config: PiConfig, driver: string, probe: () => Promise<RunnerProbe>): Harness {
  return {
    name: 'pi_rpc',
    output: 'events',
    command(request) {
      const level = permissionLevel(config, request)
      if (!honouredLevels('pi_rpc')?.includes(level)) {
        const refused = `Pi has no sandbox and asks nothing: it cannot be held to the permission level ${level}.`
        return { refused, cause: 'refused_permission' }
      }
      return {
        ...driven(driver, { protocol: 'pi', settings: {}, startMs: START_MS }, piArguments(config, request)),
        env: config.env,
        envPass: config.env_pass,
        envPrefixes: PI_PREFIXES,
      }
    },
    transcript: piTranscript,
    probe,
  }
}
