/**
 * A workspace whose stages are run by real harnesses against the scripted model: what the tests of the whole runtime
 * share. Every process of a scene carries its throw-away HOME, by which it is found again.
 */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { documentText } from '../rig/documents.ts'
import { chatCompletionsApi } from './chat-completions-api.ts'
import { geminiApi } from './gemini-api.ts'
import { messagesApi } from './messages-api.ts'
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

export interface SceneOptions {
  settings?: Record<string, string>
  /** Where the harnesses look for the model, if not at the server. */
  modelUrl?: string
}

/** Makes a harness ready for a throw-away HOME and a model at `url`: what the environment and the settings need for it. */
export type Prepare = (
  home: string,
  url: string,
) => { environment: Record<string, string>; settings: Record<string, string> }

/** Opens a scene with a model that follows the script; the scene is closed after its test. */
export type OpenScene = (script: Script, harnesses: readonly Prepare[], options?: SceneOptions) => Promise<Scene>

/** Registers what a test file has to do before, between and after its tests, and gives the way to open scenes. */
export function scenes(): OpenScene {
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
  return async (script, harnesses, options = {}) => {
    const scene = await openScene(millrace, script, harnesses, options)
    open.push(scene)
    return scene
  }
}

async function openScene(
  program: string,
  script: Script,
  harnesses: readonly Prepare[],
  options: SceneOptions,
): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-scene-'))
  const server = await startModelServer(script, [responsesApi, messagesApi, chatCompletionsApi, geminiApi])
  const home = join(folder, 'home')
  mkdirSync(home)
  const prepared = harnesses.map((prepare) => prepare(home, options.modelUrl ?? server.url))
  const workspace = workspaceAt(join(folder, 'the project'), {
    program,
    environment: {
      PATH: process.env.PATH ?? '',
      HOME: home,
      TERM: 'dumb',
      SECRET_OF_THE_CALLER: 'not for agents',
      ...Object.assign({}, ...prepared.map(({ environment }) => environment)),
    },
    settings: { ...Object.assign({}, ...prepared.map(({ settings }) => settings)), ...options.settings },
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
