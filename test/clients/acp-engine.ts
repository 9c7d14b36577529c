/** Real agents of the Agent Client Protocol in a scene, each with a throw-away home and the scripted model. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { STUB_KEY_VARIABLE, writeCodexHome } from './codex-process.ts'
import { CLAUDE_ACP, type Client, CODEX_ACP, GEMINI, OPENCODE, resolveClient } from './install.ts'
import type { Prepare } from './scene.ts'
import type { FunctionCall } from './script.ts'

export const ACP_KEY = 'sk-test'
/** A native program with a fresh home takes up to half a minute on a busy machine. */
const START_SECONDS = 120

interface Setting {
  environment: Record<string, string>
  args?: string[]
  env?: Record<string, string>
}

export interface AcpAgent {
  client: Client
  /** Makes the home and says how the agent is started. */
  prepare: Prepare
  /** The call that writes a file with the agent's own tool; null if it has none that asks. */
  write: ((file: string, content: string) => FunctionCall) | null
  /** Another model than its first, as it is offered, and as the server is asked for it; null if it offers none we serve. */
  otherModel: { name: string; asked: string } | null
}

const preparedWith =
  (client: Client, setUp: (home: string, url: string) => Setting): Prepare =>
  (home, url) => {
    const { environment, args = [], env = {} } = setUp(home, url)
    return {
      environment,
      settings: {
        'stages.builder.runner': 'acp',
        'runners.acp.command': client.available ? client.command : client.title,
        'runners.acp.args': JSON.stringify(args),
        'runners.acp.start_seconds': String(START_SECONDS),
        ...Object.fromEntries(
          Object.entries(env).map(([name, value]) => [`runners.acp.env.${name}`, JSON.stringify(value)]),
        ),
      },
    }
  }

function geminiHome(home: string, url: string): Setting {
  const settings = {
    security: { auth: { selectedType: 'gemini-api-key' } },
    privacy: { usageStatisticsEnabled: false },
  }
  const temporary = join(home, 'tmp') // it leaves its error reports there
  for (const folder of [temporary, join(home, '.gemini')]) mkdirSync(folder)
  writeFileSync(join(home, '.gemini/settings.json'), JSON.stringify(settings))
  return {
    environment: { GEMINI_API_KEY: ACP_KEY, GOOGLE_GEMINI_BASE_URL: url, TMPDIR: temporary },
    args: ['--acp', '-m', 'gemini-2.5-flash', '--skip-trust'],
  }
}

function opencodeHome(home: string, url: string): Setting {
  const model = { name: 'stub', limit: { context: 128_000, output: 8192 }, cost: { input: 1000, output: 2000 } }
  const stub = {
    npm: '@ai-sdk/openai-compatible',
    name: 'stub',
    options: { baseURL: `${url}/v1`, apiKey: ACP_KEY },
    models: { 'stub-model': model, 'other-model': model },
  }
  const config = {
    model: 'stub/stub-model',
    small_model: 'stub/stub-model',
    autoupdate: false,
    provider: { stub },
    // By itself it asks for nothing.
    permission: { bash: 'ask', edit: 'ask' },
  }
  mkdirSync(join(home, '.config/opencode'), { recursive: true })
  writeFileSync(join(home, '.config/opencode/opencode.json'), JSON.stringify(config))
  return {
    environment: {
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
    },
    args: ['acp'],
  }
}

function claudeHome(_home: string, url: string): Setting {
  return {
    environment: {
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: ACP_KEY,
      ANTHROPIC_MODEL: 'claude-sonnet-4-5',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      CLAUDE_CODE_MAX_RETRIES: '0',
    },
    env: { DISABLE_AUTOUPDATER: '1' },
  }
}

function codexHome(home: string, url: string): Setting {
  const { [STUB_KEY_VARIABLE]: key = '', ...environment } = writeCodexHome(join(home, '.codex'), url, { mayAsk: true })
  return { environment, env: { [STUB_KEY_VARIABLE]: key } }
}

export const preparedOpencode = (opencode: Client): Prepare => preparedWith(opencode, opencodeHome)

/** One after the other: installing two large packages at once takes a small machine's memory. */
export async function acpAgents(): Promise<AcpAgent[]> {
  const gemini = await resolveClient(GEMINI)
  const opencode = await resolveClient(OPENCODE)
  const claude = await resolveClient(CLAUDE_ACP)
  const codex = await resolveClient(CODEX_ACP)
  return [
    {
      client: gemini,
      prepare: preparedWith(gemini, geminiHome),
      write: (file_path, content) => ({ name: 'write_file', arguments: { file_path, content } }),
      otherModel: { name: 'gemini-2.5-pro', asked: 'gemini-2.5-pro' },
    },
    {
      client: opencode,
      prepare: preparedOpencode(opencode),
      write: (filePath, content) => ({ name: 'write', arguments: { filePath, content } }),
      otherModel: { name: 'stub/other-model', asked: 'other-model' },
    },
    {
      client: claude,
      prepare: preparedWith(claude, claudeHome),
      write: (file_path, content) => ({ name: 'Write', arguments: { file_path, content } }),
      otherModel: null,
    },
    { client: codex, prepare: preparedWith(codex, codexHome), write: null, otherModel: null },
  ]
}
