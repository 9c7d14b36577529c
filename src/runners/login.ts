/**
 * Whether a harness has something to log in with, as far as that can be told without asking anybody: a variable that it
 * reads, a file that it keeps. Whether the key is good only a request would show, and none is sent. Values are never
 * looked at; what is told are names. `codex login status` is not asked: it knows neither of keys in variables nor of
 * other providers, and leaves files in its home.
 */
import * as path from 'node:path'
import type { Config } from '../core/config.ts'
import type { Files } from '../core/files.ts'
import { decode } from './lines.ts'

export interface Login {
  /** `unknown`: it may well be logged in, in a way that cannot be seen from outside. */
  state: 'found' | 'missing' | 'unknown'
  /** What was found, or where it was looked for. */
  detail: string
}

/** `env` is what the agent will get. */
export type LookForLogin = (env: Readonly<Record<string, string>>) => Login

const CONFIG_BYTES_MAX = 256 * 1024

export function codexLogin(config: Config['runners']['codex'], files: Files): LookForLogin {
  return (env) => {
    if (env.CODEX_API_KEY) return found('variable CODEX_API_KEY')
    const home = env.CODEX_HOME ?? path.join(env.HOME ?? '/', '.codex')
    const kept = path.join(home, 'auth.json')
    if (files.stat(kept) !== null) return found(kept)
    const own = [textOf(files, path.join(home, 'config.toml')), ...config.args, ...config.extra_config].join('\n')
    if (
      config.profile !== null ||
      /^\s*(?:model_provider|profile|cli_auth_credentials_store|oss_provider)\s*=/m.test(own)
    )
      return { state: 'unknown', detail: 'its own configuration chooses a provider or keyring' }
    const unused = env.OPENAI_API_KEY ? ' (`codex exec` makes no use of OPENAI_API_KEY)' : ''
    return missing(`neither the variable CODEX_API_KEY nor ${kept}${unused}`)
  }
}

export function claudeLogin(files: Files, platform: string): LookForLogin {
  return (env) => {
    const variable = firstSet(env, [
      ...['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN'],
      ...['CLAUDE_CODE_USE_BEDROCK', 'CLAUDE_CODE_USE_VERTEX', 'CLAUDE_CODE_USE_FOUNDRY'],
    ])
    if (variable !== null) return found(`variable ${variable}`)
    const home = env.CLAUDE_CONFIG_DIR ?? path.join(env.HOME ?? '/', '.claude')
    const kept = path.join(home, '.credentials.json')
    if (files.stat(kept) !== null) return found(kept)
    if (platform === 'darwin') return { state: 'unknown', detail: 'it may be kept in the keychain' }
    if (/"apiKeyHelper"/.test(textOf(files, path.join(home, 'settings.json'))))
      return { state: 'unknown', detail: 'its own settings name a program that gives the key' }
    return missing(`neither the variable ANTHROPIC_API_KEY nor ${kept}`)
  }
}

/** Providers that are logged in to by other programs of theirs. */
const PI_FOREIGN_LOGINS = ['amazon-bedrock', 'google-vertex']

export function piLogin(config: Config['runners']['pi'], files: Files): LookForLogin {
  return (env) => {
    const variable = Object.keys(env)
      .sort()
      .find((name) => /_(?:API_KEY|OAUTH_TOKEN)$/.test(name) && env[name] !== '')
    if (variable !== undefined) return found(`variable ${variable}`)
    const home = env.PI_CODING_AGENT_DIR ?? path.join(env.HOME ?? '/', '.pi', 'agent')
    const kept = ['auth.json', 'models.json'].map((name) => path.join(home, name))
    const there = kept.find((file) => files.stat(file) !== null)
    if (there !== undefined) return found(there)
    if (config.provider !== null && PI_FOREIGN_LOGINS.includes(config.provider))
      return { state: 'unknown', detail: `${config.provider} has a login of its own` }
    return missing(`neither a variable with a key of a provider nor ${kept.join(' or ')}`)
  }
}

export const acpLogin: LookForLogin = () => ({ state: 'unknown', detail: 'the agent keeps it itself' })

const found = (detail: string): Login => ({ state: 'found', detail })
const missing = (detail: string): Login => ({ state: 'missing', detail })

const firstSet = (env: Readonly<Record<string, string>>, names: readonly string[]): string | null =>
  names.find((name) => (env[name] ?? '') !== '') ?? null

/** The beginning of a file; empty if there is none that can be read. */
function textOf(files: Files, file: string): string {
  try {
    return decode(files.readRange(file, 0, CONFIG_BYTES_MAX) ?? new Uint8Array())
  } catch {
    return ''
  }
}
