/**
 * A workspace whose stages are run by the real Codex against the scripted model: what the tests of the whole runtime
 * share. Every process of a scene carries its throw-away HOME, by which it is found again.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { documentText } from '../rig/documents.ts'
import { type CodexHomeOptions, STUB_KEY_VARIABLE, writeCodexHome } from './codex-process.ts'
import type { Client } from './install.ts'
import { installMillrace, type Workspace, workspaceAt } from './millrace-process.ts'
import { type ModelServer, startModelServer } from './model-server.ts'
import { endProcessesWith, processesWith } from './process-table.ts'
import { responsesApi } from './responses-api.ts'
import { contextLine, type Script, type Turn } from './script.ts'

const LONG_AGO = new Date('2026-03-02T09:15:00Z')

export interface Scene {
  readonly folder: string
  readonly server: ModelServer
  readonly workspace: Workspace
  /** Processes that are left of all that was started here, and those of the stages again by their own marker. Linux only. */
  processes(): string[]
  /** Makes the workspace, with one task in its queue. */
  withTask(): Promise<Scene>
  /** Ends every process of the scene and removes its folder. */
  close(): Promise<void>
}

export interface SceneOptions extends CodexHomeOptions {
  settings?: Record<string, string>
  /** Where Codex looks for the model, if not at the server. */
  modelUrl?: string
  /** Names passed on to Codex beyond the allow-list. */
  envPass?: readonly string[]
}

/** Opens a scene with a model that follows the script; the scene is closed after its test. */
type OpenScene = (script: Script, options?: SceneOptions) => Promise<Scene>

/** Registers what a test file has to do before, between and after its tests, and gives the way to open scenes. */
export function scenesWith(codex: Client): OpenScene {
  const open: Scene[] = []
  let folder: string
  let millrace: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-installed-'))
    millrace = await installMillrace(folder)
  })
  afterEach(async () => {
    for (const scene of open.splice(0)) await scene.close()
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return async (script, options = {}) => {
    const scene = await openScene({ millrace, codex: codex.available ? codex.command : 'codex' }, script, options)
    open.push(scene)
    return scene
  }
}

async function openScene(
  programs: { millrace: string; codex: string },
  script: Script,
  options: SceneOptions,
): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), 'codex-engine-'))
  const server = await startModelServer(script, [responsesApi])
  const home = join(folder, 'home')
  const codexVariables = writeCodexHome(join(home, '.codex'), options.modelUrl ?? server.url, options)
  const workspace = workspaceAt(join(folder, 'the project'), {
    program: programs.millrace,
    environment: {
      PATH: process.env.PATH ?? '',
      HOME: home,
      TERM: 'dumb',
      SECRET_OF_THE_CALLER: 'not for agents',
      ...codexVariables,
    },
    settings: {
      'runners.codex.command': programs.codex,
      'runners.codex.env_pass': JSON.stringify(options.envPass ?? [STUB_KEY_VARIABLE]),
      ...options.settings,
    },
  })
  const assignments = () => [
    `HOME=${home}`,
    ...workspace.stageRuns().map(({ request }) => `MILLRACE_REQUEST_ID=${request.request_id}`),
  ]
  const scene: Scene = {
    folder,
    server,
    workspace,
    processes: () => assignments().flatMap(processesWith),
    async withTask() {
      const made = await workspace.run('init')
      if (made.code !== 0) throw new Error(`init failed: ${made.stderr}`)
      const queue = join(workspace.root, 'millrace-agents/tasks/queue')
      mkdirSync(queue, { recursive: true })
      const file = join(queue, 'one-task.md')
      writeFileSync(file, documentText('task', 'one-task'))
      // Old enough not to be taken for a file that is still being written.
      utimesSync(file, LONG_AGO, LONG_AGO)
      return scene
    },
    async close() {
      if (process.platform === 'linux') endProcessesWith(`HOME=${home}`)
      await server.close()
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
  }
  return scene
}

/** Turns of a builder that runs a command, writes the summary it owes and says that it is done. */
export function building(promptText: string, command = 'true'): Turn[] {
  const runDir = contextLine(promptText, 'Run Directory')
  return [
    { turn: 'shell', command: `${command}; echo Built. > '${runDir}/builder_summary.md'` },
    { turn: 'text', text: 'Built.\n\n### BUILDER_COMPLETE' },
  ]
}

/** Turns of a troubleshooter that found nothing in the way. */
export function troubleshooting(promptText: string): Turn[] {
  const report = contextLine(promptText, 'Preferred Troubleshoot Report Path')
  return [
    { turn: 'shell', command: `echo Nothing is in the way. > '${report}'` },
    { turn: 'text', text: 'Mended.\n\n### TROUBLESHOOT_COMPLETE' },
  ]
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
