/** The adapters as subjects of the conformance kit, each with a small program in place of its harness. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { parseConfig } from '../../src/core/config.ts'
import { runnersFor } from '../../src/runners/registry.ts'
import { disk } from '../../src/store/files.ts'
import type { Subject } from '../../src/testing/conformance.ts'
import type { Turn } from '../../src/testing/turns.ts'
import { agent, clock } from '../agents/rig.ts'
import { bundled } from '../rig/bundle.ts'

const DRIVER = bundled(path.join(import.meta.dirname, '../../src/runners/two-way/driver.ts'))

/** A subject whose runner starts this program of test/agents; `config` is its section of the config. */
function fake(
  name: string,
  section: string,
  program: string,
  more: {
    config?: Record<string, unknown>
    env?: Record<string, string>
    exceptions?: Record<string, string>
    quota?: Subject['quota']
  } = {},
): Subject {
  return {
    name: `${name} (fake)`,
    ...(more.exceptions ? { exceptions: more.exceptions } : {}),
    ...(more.quota ? { quota: more.quota } : {}),
    async prepare({ turns, workspace }) {
      const bin = path.join(workspace, 'bin', program)
      const file = path.join(workspace, 'turns.json')
      fs.mkdirSync(path.dirname(bin), { recursive: true })
      fs.writeFileSync(file, JSON.stringify(turns))
      fs.writeFileSync(bin, `#!/bin/sh\nexec "${process.execPath}" "${agent(program)}" "$@"\n`, { mode: 0o755 })
      const config = parseConfig(
        { runners: { [section]: { command: bin, ...more.config, env: { FAKE_TURNS: file, ...more.env } } } },
        'test',
      )
      const environment = { PATH: process.env.PATH, HOME: workspace, TERM: 'dumb' }
      const ports = {
        files: disk,
        clock,
        environment,
        workspaceRoot: workspace,
        scriptedAgent: 'unused',
        driver: DRIVER,
      }
      return { runner: runnersFor(config, ports).get(name)! }
    },
  }
}

/** The words Codex has for it, with the clock time of the machine. */
function codexQuota(resetsAt: Date): Turn {
  const time = resetsAt.toLocaleTimeString('en-US', { hour: 'numeric', minute: '2-digit' })
  const date = resetsAt.toLocaleDateString('en-US', { month: 'short', day: 'numeric', year: 'numeric' })
  return {
    turn: 'http_error',
    status: 429,
    body: `You've hit your usage limit. Upgrade to Pro or try again at ${date} ${time}.`,
  }
}

const NO_LEVELS = 'it has no sandbox and asks nothing; only the level maximum can be asked of it'
const NO_PROVIDER = 'a plain program has no model provider that Millrace knows of'

export const FAKES: readonly Subject[] = [
  fake('codex_cli', 'codex', 'codex', { quota: codexQuota }),
  fake('acp', 'acp', 'acp', {
    quota: (resetsAt) => ({
      turn: 'http_error',
      status: 429,
      body: `usage limit reached, resets at ${resetsAt.toISOString()}`,
    }),
  }),
  fake('claude_code', 'claude', 'claude', {
    env: { IS_SANDBOX: '1' },
    quota: (resetsAt) => ({
      turn: 'http_error',
      status: 429,
      body: { resets_at: resetsAt.getTime() / 1000 },
    }),
  }),
  fake('pi_rpc', 'pi', 'pi', {
    quota: codexQuota,
    exceptions: { tool_denied: NO_LEVELS },
  }),
  fake('command', 'command', 'turns-program', {
    exceptions: {
      usage: 'a plain program tells no tokens',
      session: 'a plain program has no sessions',
      tool_denied: NO_LEVELS,
      unauthorized: NO_PROVIDER,
      retry: NO_PROVIDER,
      rate_limit: NO_PROVIDER,
      quota: NO_PROVIDER,
      truncated: NO_PROVIDER,
    },
  }),
]
