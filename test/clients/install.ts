/**
 * Finds a real harness client, or installs the pinned version into the ignored folder `.clients/`. If it can't be had,
 * the answer is a named reason, so that the suite is skipped visibly, unless MILLRACE_CLIENTS=required.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const exec = promisify(execFile)
const INSTALL_MS_MAX = 600_000
const VERSION_MS_MAX = 30_000
const CLIENTS = resolve(import.meta.dirname, '../../.clients')

/** A client at an exact version: newer ones may ask for a newer Node or speak differently. */
interface PinnedClient {
  name: string
  package: string
  version: string
  /** Name of its program. */
  bin: string
  /** Environment variable with the path of a program to use instead. */
  variable: string
  /** Set for a program that only speaks its protocol: it is not started to look whether it starts. */
  hasNoVersion?: true
}

export const CODEX: PinnedClient = {
  name: 'codex',
  package: '@openai/codex',
  version: '0.169.0',
  bin: 'codex',
  variable: 'MILLRACE_CODEX',
}

export const CLAUDE: PinnedClient = {
  name: 'claude',
  package: '@anthropic-ai/claude-code',
  version: '2.1.197',
  bin: 'claude',
  variable: 'MILLRACE_CLAUDE',
}

export const PI: PinnedClient = {
  name: 'pi',
  package: '@earendil-works/pi-coding-agent',
  version: '0.74.2',
  bin: 'pi',
  variable: 'MILLRACE_PI',
}

export const GEMINI: PinnedClient = {
  name: 'gemini',
  package: '@google/gemini-cli',
  version: '0.61.0',
  bin: 'gemini',
  variable: 'MILLRACE_GEMINI',
}

export const OPENCODE: PinnedClient = {
  name: 'opencode',
  package: 'opencode-ai',
  version: '1.18.33',
  bin: 'opencode',
  variable: 'MILLRACE_OPENCODE',
}

export const CODEX_ACP: PinnedClient = {
  name: 'codex-acp',
  package: '@zed-industries/codex-acp',
  version: '0.16.0',
  bin: 'codex-acp',
  variable: 'MILLRACE_CODEX_ACP',
  hasNoVersion: true,
}

export const CLAUDE_ACP: PinnedClient = {
  name: 'claude-acp',
  package: '@agentclientprotocol/claude-agent-acp',
  version: '0.49.0',
  bin: 'claude-agent-acp',
  variable: 'MILLRACE_CLAUDE_ACP',
  hasNoVersion: true,
}

export type Client =
  | { available: true; command: string; version: string; title: string }
  | { available: false; reason: string; title: string }

/** Never rejects for a missing client, unless MILLRACE_CLIENTS=required. `title` is meant for the name of the suite. */
export async function resolveClient(pinned: PinnedClient): Promise<Client> {
  const client = await find(pinned)
  if (!client.available && process.env.MILLRACE_CLIENTS === 'required') {
    throw new Error(`${pinned.name} is required (MILLRACE_CLIENTS=required), but ${client.reason}`)
  }
  return client
}

async function find(pinned: PinnedClient): Promise<Client> {
  const named = process.env[pinned.variable]
  if (named) return probe(pinned, resolve(named), `${pinned.variable} names ${named}, which`)
  const folder = join(CLIENTS, pinned.name)
  const command = join(folder, 'node_modules', '.bin', pinned.bin)
  if (installedVersion(folder, pinned.package) !== pinned.version || !existsSync(command)) {
    const problem = await install(folder, pinned)
    if (problem !== null) return missing(pinned, problem)
  }
  return probe(pinned, command, `the installed ${pinned.package}@${pinned.version}`)
}

async function probe(pinned: PinnedClient, command: string, what: string): Promise<Client> {
  if (pinned.hasNoVersion) {
    if (!existsSync(command)) return missing(pinned, `${what} is not there`)
    return { available: true, command, version: pinned.version, title: `${pinned.name} (${pinned.version})` }
  }
  try {
    // Pi prints it on stderr.
    const { stdout, stderr } = await exec(command, ['--version'], { timeout: VERSION_MS_MAX })
    const version = stdout.trim() || stderr.trim()
    return { available: true, command, version, title: `${pinned.name} (${version})` }
  } catch (error) {
    return missing(pinned, `${what} does not start: ${firstLine(error)}`)
  }
}

function installedVersion(folder: string, name: string): string | null {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')) as {
      version: string
    }
    return manifest.version
  } catch {
    return null
  }
}

/** Null if it went well, else what went wrong. */
async function install(folder: string, pinned: PinnedClient): Promise<string | null> {
  const wanted = `${pinned.package}@${pinned.version}`
  try {
    mkdirSync(folder, { recursive: true })
    // A package of its own, so that npm does not take the folder for a part of this repository.
    writeFileSync(
      join(folder, 'package.json'),
      `${JSON.stringify({ name: `millrace-client-${pinned.name}`, private: true })}\n`,
    )
    await exec('npm', ['install', '--no-audit', '--no-fund', '--save-exact', wanted], {
      cwd: folder,
      timeout: INSTALL_MS_MAX,
    })
    return null
  } catch (error) {
    return `npm install ${wanted} failed: ${firstLine(error)}`
  }
}

function missing(pinned: PinnedClient, reason: string): Client {
  return { available: false, reason, title: `${pinned.name} (skipped: ${reason})` }
}

function firstLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message?: string }
  const lines = `${stderr ?? ''}\n${message ?? String(error)}`.split('\n').map((line) => line.trim())
  return lines.find((line) => line !== '' && !line.startsWith('npm warn')) ?? 'no message'
}
