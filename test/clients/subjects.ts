/** The real clients as subjects of the conformance kit: each in a throw-away home, with the scripted model as its provider. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runnersFor } from '../../src/runners/registry.ts'
import { readConfig } from '../../src/store/config-file.ts'
import { disk } from '../../src/store/files.ts'
import { placesOf } from '../../src/store/layout.ts'
import type { Subject } from '../../src/testing/conformance.ts'
import type { Turn } from '../../src/testing/turns.ts'
import { clock } from '../agents/clock.ts'
import { bundled } from '../rig/bundle.ts'
import { preparedOpencode } from './acp-engine.ts'
import { chatCompletionsApi } from './chat-completions-api.ts'
import { preparedClaude } from './claude-engine.ts'
import { preparedCodex, sandboxProblem } from './codex-engine.ts'
import { CLAUDE, type Client, CODEX, OPENCODE, PI, resolveClient } from './install.ts'
import { messagesApi } from './messages-api.ts'
import { startModelServer } from './model-server.ts'
import { preparedPi } from './pi-engine.ts'
import { endProcessesWith, processesWith } from './process-table.ts'
import { responsesApi } from './responses-api.ts'
import type { Prepare } from './scene.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const DRIVER = bundled(join(ROOT, 'src/runners/two-way/driver.ts'))

/** Not below a temporary folder, which a sandbox lets be written. */
export const ELSEWHERE = join(ROOT, '.clients/elsewhere')

export interface ClientSubject extends Subject {
  client: Client
  /** Processes of its throw-away homes that were left when all was over, by whatever marks they still had. Linux only. */
  readonly strays: string[]
}

/** The runner of that name, with this client, made ready like in a scene. */
function subject(
  runner: string,
  client: Client,
  prepareFor: (turns: readonly Turn[]) => Prepare,
  more: Pick<Subject, 'quota'> & { exceptions?: Record<string, string>; settings?: Record<string, string> } = {},
): ClientSubject {
  const { settings: ownSettings, ...rest } = more
  const strays: string[] = []
  return {
    name: runner,
    client,
    strays,
    ...rest,
    async prepare({ turns, workspace }) {
      const server = await startModelServer(() => turns, [responsesApi, messagesApi, chatCompletionsApi])
      const folder = mkdtempSync(join(tmpdir(), 'millrace-subject-'))
      const home = join(folder, 'home')
      mkdirSync(home)
      const prepared = prepareFor(turns)(home, server.url)
      const settings = Object.entries({ ...prepared.settings, ...ownSettings })
      const { config } = readConfig(
        disk,
        placesOf(workspace),
        settings.map(([key, value]) => `${key}=${value}`),
      )
      const runners = runnersFor(config, {
        files: disk,
        clock,
        environment: { PATH: process.env.PATH, HOME: home, TERM: 'dumb', ...prepared.environment },
        workspaceRoot: workspace,
        scriptedAgent: 'unused',
        driver: DRIVER,
      })
      return {
        runner: runners.get(runner)!,
        async dispose() {
          await server.close()
          if (process.platform === 'linux') {
            strays.push(...processesWith(`HOME=${home}`))
            endProcessesWith(`HOME=${home}`)
          }
          rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
        },
      }
    },
  }
}

/** Only a plan has a quota that comes back, and with a plan Claude Code tries no 429 again by itself. */
const isOfPlan = (turns: readonly Turn[]): boolean => JSON.stringify(turns).includes('anthropic-ratelimit-unified')

/** Clients of any provider pass on its words. */
const toldInWords = (resetsAt: Date): Turn => ({
  turn: 'http_error',
  status: 429,
  body: { error: { type: 'usage_limit_reached', message: `usage limit reached, resets at ${resetsAt.toISOString()}` } },
})

/** One after the other: installing two large packages at once takes a small machine's memory. */
export async function clientSubjects(): Promise<ClientSubject[]> {
  const codex = await resolveClient(CODEX)
  const claude = await resolveClient(CLAUDE)
  const pi = await resolveClient(PI)
  const opencode = await resolveClient(OPENCODE)
  const noSandbox = sandboxProblem(codex)
  return [
    subject('codex_cli', codex, () => preparedCodex(codex, { requestRetries: 2 }), {
      exceptions: {
        retry: 'Codex takes a 429 for the end, however many retries it is given; Millrace waits and tries again',
        ...(noSandbox === null ? {} : { tool_denied: `this machine has no sandbox for it: ${noSandbox}` }),
      },
      quota: (resetsAt) => ({
        turn: 'http_error',
        status: 429,
        body: {
          error: { type: 'usage_limit_reached', message: 'limit', plan_type: 'pro', resets_at: seconds(resetsAt) },
        },
      }),
    }),
    subject('claude_code', claude, (turns) => preparedClaude(claude, { access: isOfPlan(turns) ? 'plan' : 'key' }), {
      settings: { 'runners.claude.max_retries': '2' },
      quota: (resetsAt) => ({
        turn: 'http_error',
        status: 429,
        headers: {
          'anthropic-ratelimit-unified-status': 'rejected',
          'anthropic-ratelimit-unified-reset': String(seconds(resetsAt)),
          'anthropic-ratelimit-unified-representative-claim': 'five_hour',
          'anthropic-ratelimit-unified-overage-status': 'rejected',
        },
        body: { type: 'error', error: { type: 'rate_limit_error', message: 'This request would exceed the limit.' } },
      }),
    }),
    subject('pi_rpc', pi, () => preparedPi(pi), {
      exceptions: { tool_denied: 'Pi has no sandbox and asks nothing; only the level maximum can be asked of it' },
      quota: toldInWords,
    }),
    subject('acp', opencode, () => preparedOpencode(opencode), {
      exceptions: {
        tool_denied: 'OpenCode takes a refusal as the end of its turn (the command is not carried out)',
        truncated: 'OpenCode asks again for an answer that breaks off, without end: the time limit ends it',
      },
      quota: toldInWords,
    }),
  ]
}

const seconds = (at: Date): number => Math.floor(at.getTime() / 1000)
