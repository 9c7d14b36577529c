/** The `claude_code` runner: Claude Code in its one-shot form, `claude -p`, with the prompt on stdin. */
import type { Config } from '../../core/config.ts'
import { permissionLevel } from '../../core/permission.ts'
import type { StageRequest } from '../../core/request.ts'
import type { PermissionLevel } from '../../core/stage.ts'
import type { Harness } from '../harness.ts'
import type { RunnerProbe } from '../runner.ts'
import { claudeTranscript } from './transcript.ts'

export type ClaudeConfig = Config['runners']['claude']

/** What it otherwise asks for before use; older and newer releases name some of them differently. */
const ORDINARY_TOOLS = [
  ...['Bash', 'Edit', 'Write', 'NotebookEdit', 'Read', 'Glob', 'Grep', 'WebFetch', 'WebSearch'],
  ...['Agent', 'Task', 'TodoWrite', 'Skill'],
]

const PERMISSION_FLAGS: Readonly<Record<PermissionLevel, readonly string[]>> = {
  // Edits in the workspace; whatever it would ask for beyond that is denied, because nobody answers.
  basic: ['--permission-mode', 'acceptEdits'],
  // The list takes every word up to the next flag, so it is one word.
  elevated: ['--permission-mode', 'acceptEdits', '--allowedTools', ORDINARY_TOOLS.join(',')],
  maximum: ['--permission-mode', 'bypassPermissions'],
}

export const CLAUDE_PREFIXES = ['ANTHROPIC_', 'CLAUDE_']

/** The command line; the prompt comes on stdin. */
export function claudeArguments(config: ClaudeConfig, request: StageRequest): string[] {
  return [
    config.command,
    ...config.args,
    '-p',
    ...(request.model_name ? ['--model', request.model_name] : []),
    ...(request.model_reasoning_effort ? ['--effort', request.model_reasoning_effort] : []),
    ...PERMISSION_FLAGS[permissionLevel(config, request)],
    ...(request.resume_session === null ? [] : ['--resume', request.resume_session.session_id]),
    // Without `--verbose` it refuses to print the stream.
    ...['--output-format', 'stream-json', '--verbose'],
  ]
}

/** What an unattended stage needs; whoever wants it otherwise says so in `runners.claude.env`. */
export const claudeVariables = (config: ClaudeConfig): Record<string, string> => ({
  CLAUDE_CODE_MAX_RETRIES: String(config.max_retries),
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  DISABLE_AUTOUPDATER: '1',
  ...config.env,
})

/** `probe` looks for the binary; it is a parameter because it needs the processes of the machine. */
export function claudeHarness(config: ClaudeConfig, probe: () => Promise<RunnerProbe>): Harness {
  return {
    name: 'claude_code',
    output: 'events',
    command: (request) => ({
      argv: claudeArguments(config, request),
      env: claudeVariables(config),
      envPass: config.env_pass,
      envPrefixes: CLAUDE_PREFIXES,
    }),
    transcript: claudeTranscript,
    probe,
  }
}
