/**
 * What an agent gets to see of the environment: an allow-list, never everything (design §9). Values stay here; only
 * names are ever written to artifacts or shown.
 */
import { MARKER } from './process.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const ALLOWED = new Set([
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'TERM', 'TMPDIR', 'TZ', 'SSH_AUTH_SOCK'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'],
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'GIT_SSL_CAINFO'],
])
const ALLOWED_PREFIXES = ['LC_', 'XDG_']

interface EnvironmentRules {
  /** Prefixes of variables that belong to the harness, such as `CODEX_`. */
  prefixes: readonly string[]
  /** Names the configuration passes on besides. */
  pass: readonly string[]
  /** Variables the configuration sets. */
  set: Readonly<Record<string, string>>
}

/** The part of our own environment an agent inherits, with what the configuration sets laid over it. */
export function agentEnvironment(own: Environment, rules: EnvironmentRules): Record<string, string> {
  const prefixes = [...ALLOWED_PREFIXES, ...rules.prefixes]
  const pass = new Set(rules.pass)
  const passed: Record<string, string> = {}
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined) continue
    if (ALLOWED.has(name) || pass.has(name) || prefixes.some((prefix) => name.startsWith(prefix))) passed[name] = value
  }
  return { ...passed, ...rules.set }
}

/** The two variables every agent of a stage carries. Laid over last: no configuration can change them. */
export function stageVariables(requestId: string, runDir: string): Record<string, string> {
  return { [MARKER]: requestId, MILLRACE_RUN_DIR: runDir }
}

/** An environment for what belongs to no stage, whoever starts it. */
export function withoutStage(own: Environment): Environment {
  const ofStage = Object.keys(stageVariables('', ''))
  return Object.fromEntries(Object.entries(own).filter(([name]) => !ofStage.includes(name)))
}
