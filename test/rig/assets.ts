/** The packaged assets as the compiler receives them, and compiling them with some files changed. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import type { AssetFile, Assets } from '../../src/core/assets.ts'
import { type Compiled, type CompileInput, compile } from '../../src/core/compile.ts'
import { type Config, parseConfig } from '../../src/core/config.ts'
import { describeDiagnostic } from '../../src/core/diagnostics.ts'
import type { Plan } from '../../src/core/plan.ts'

const ROOT = path.resolve(import.meta.dirname, '../../assets')
const FAMILIES = ['modes', 'graphs', 'registry', 'entrypoints', 'skills']
/** Names this build's runners go by. */
export const RUNNERS = ['codex_cli', 'claude_code', 'pi_rpc', 'command', 'scripted']
export const COMPILED_AT = '2026-03-02T09:15:00.000Z'

/** What becomes of one asset file: its text, a JSON value, null for "not there", or an edit of its text. */
export type Change = string | object | null | ((text: string) => string)

const packaged: readonly AssetFile[] = FAMILIES.flatMap((family) =>
  fs
    .readdirSync(path.join(ROOT, family), { recursive: true, encoding: 'utf8' })
    .map((name) => path.posix.join(family, name.split(path.sep).join('/')))
    .filter((name) => /\.(json|md)$/.test(name))
    .map(
      (name): AssetFile => ({ path: name, text: fs.readFileSync(path.join(ROOT, name), 'utf8'), source: 'package' }),
    ),
)

/** The packaged assets with some files changed or added; those count as the workspace's unless `source` says otherwise. */
export function assetsWith(changes: Record<string, Change> = {}, source: AssetFile['source'] = 'workspace'): Assets {
  const files = new Map(packaged.map((file) => [file.path, file]))
  for (const [name, change] of Object.entries(changes)) {
    const text = textAfter(change, files.get(name)?.text)
    if (text === null) files.delete(name)
    else files.set(name, { path: name, text, source })
  }
  return { files }
}

function textAfter(change: Change, before: string | undefined): string | null {
  if (change === null || typeof change === 'string') return change
  if (typeof change === 'object') return JSON.stringify(change, null, 2)
  if (before === undefined) throw new Error('there is nothing to edit')
  return change(before)
}

/** An edit of a JSON file: `change` alters the parsed value in place. What the file leaves out is not there yet. */
export function edit<T>(change: (value: T) => void): (text: string) => string {
  return (text) => {
    const value = JSON.parse(text) as T
    change(value)
    return JSON.stringify(value, null, 2)
  }
}

export function configWith(table: object = {}): Config {
  return parseConfig(table, 'millrace.toml')
}

export interface CompileChoice {
  /** Asset files changed in the workspace. */
  changes?: Record<string, Change>
  /** Table of the config file. */
  config?: object
  mode?: string
  input?: Partial<CompileInput>
}

export function compileWith({ changes = {}, config = {}, mode, input = {} }: CompileChoice = {}): Compiled {
  return compile({
    assets: assetsWith(changes),
    config: configWith(config),
    modeId: mode,
    runners: RUNNERS,
    validators: [],
    compiledAt: COMPILED_AT,
    ...input,
  })
}

/** The plan of a compile that must succeed. */
export function planWith(choice: CompileChoice = {}): Plan {
  const { plan, diagnostics } = compileWith(choice)
  if (plan === null) throw new Error(`does not compile: ${diagnostics.map(describeDiagnostic).join('\n')}`)
  return plan
}
