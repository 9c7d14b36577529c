/** The real Codex in a scene: how it is made ready, and whether this machine can confine its commands. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CodexHomeOptions, STUB_KEY_VARIABLE, writeCodexHome } from './codex-process.ts'
import type { Client } from './install.ts'
import { type Prepare, type Scene, type SceneOptions, scenes } from './scene.ts'
import type { Script } from './script.ts'

export interface CodexOptions extends CodexHomeOptions {
  /** Names passed on to Codex beyond the allow-list. */
  envPass?: readonly string[]
}

export const preparedCodex =
  (codex: Client, options: CodexOptions = {}): Prepare =>
  (home, url) => ({
    environment: writeCodexHome(join(home, '.codex'), url, options),
    settings: {
      'runners.codex.command': codex.available ? codex.command : 'codex',
      'runners.codex.env_pass': JSON.stringify(options.envPass ?? [STUB_KEY_VARIABLE]),
    },
  })

/** Like `scenes`, with Codex as the only harness. */
export function codexScenes(codex: Client): (script: Script, options?: SceneOptions & CodexOptions) => Promise<Scene> {
  const open = scenes()
  return (script, options) => open(script, [preparedCodex(codex, options)], options)
}

const PROBE_MS_MAX = 20_000

/** Why this machine cannot confine a command as the permission level `basic` asks for; null if it can. */
export function sandboxProblem(codex: Client): string | null {
  if (!codex.available) return null
  const home = mkdtempSync(join(tmpdir(), 'codex-sandbox-'))
  try {
    const env = { PATH: process.env.PATH, HOME: home }
    execFileSync(codex.command, ['sandbox', '--', 'true'], { env, stdio: 'pipe', timeout: PROBE_MS_MAX })
    return null
  } catch (error) {
    const lines = String((error as { stderr?: Buffer }).stderr ?? error).split('\n')
    return lines.findLast((line) => line.trim() !== '' && !line.startsWith('WARNING'))?.slice(0, 150) ?? 'no message'
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}
