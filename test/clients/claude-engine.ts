/** The real Claude Code in a scene: how it is made ready. Needs no file; all it must know is in its environment. */
import { STUB_KEY } from './codex-process.ts'
import type { Client } from './install.ts'
import { type Prepare, type Scene, type SceneOptions, scenes } from './scene.ts'
import type { Script } from './script.ts'

/** Tells how the model may be used: a key that is billed, or a plan with limits that come back at a time. */
export type Access = 'key' | 'plan' | 'none'

export interface ClaudeOptions {
  access?: Access
  /** Says that the machine is a sandbox, without which root may not use the level maximum. */
  isSandbox?: boolean
}

const ACCESS: Readonly<Record<Access, Record<string, string>>> = {
  key: { ANTHROPIC_API_KEY: STUB_KEY },
  plan: { CLAUDE_CODE_OAUTH_TOKEN: STUB_KEY },
  none: {},
}

export const preparedClaude =
  (claude: Client, { access = 'key', isSandbox = true }: ClaudeOptions = {}): Prepare =>
  (_home, url) => ({
    // A model whose price it knows.
    environment: { ANTHROPIC_BASE_URL: url, ANTHROPIC_MODEL: 'claude-sonnet-4-5', ...ACCESS[access] },
    settings: {
      'runners.claude.command': claude.available ? claude.command : 'claude',
      'runners.claude.max_retries': '0',
      'runtime.default_mode': 'default_claude',
      ...(isSandbox ? { 'runners.claude.env.IS_SANDBOX': '"1"' } : {}),
    },
  })

/** Like `scenes`, with Claude Code as the only harness. */
export function claudeScenes(
  claude: Client,
): (script: Script, options?: SceneOptions & ClaudeOptions) => Promise<Scene> {
  const open = scenes()
  return (script, options) => open(script, [preparedClaude(claude, options)], options)
}
