/** Workspaces to measure in: made, filled, opened by the real engine; a no-op program stands in for the agents. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import type { Change } from '../src/core/changes.ts'
import { newDocument, renderDocument } from '../src/core/document.ts'
import { systemClock } from '../src/engine/clock.ts'
import { Engine, type Listener } from '../src/engine/engine.ts'
import { COMMANDS } from '../src/operations/commands/table.ts'
import { execWith } from '../src/runners/exec.ts'
import { postWith } from '../src/runners/post.ts'
import { processIdentity } from '../src/runners/process.ts'
import { runnersFor } from '../src/runners/registry.ts'
import { disk, type Files } from '../src/store/files.ts'
import { initWorkspace } from '../src/store/init.ts'
import { placesOf } from '../src/store/layout.ts'

export const PORTS = { files: disk, clock: systemClock, processes: processIdentity }

/** Longer than any rest the runtime gives to folders and documents that other hands have touched. */
export const REST_MS = 300
/** After this long without a change a document is put into the derived copy that a runtime leaves behind. */
export const COPIED_AFTER_MS = 3500

/** A workspace whose stages all run `program`. Gives its root. */
export async function newWorkspace(repository: string, folder: string, program = '/bin/true'): Promise<string> {
  const root = fs.mkdtempSync(path.join(folder, 'workspace-'))
  const packageRoot = path.join(repository, 'assets')
  await initWorkspace(disk, systemClock, placesOf(root), { packageRoot, version: '0.0.0-bench' })
  const mode = JSON.parse(fs.readFileSync(path.join(packageRoot, 'modes/default_codex.json'), 'utf8')) as {
    mode_id: string
    stage_runner_bindings: Record<string, string>
  }
  mode.mode_id = 'bench'
  for (const stage of Object.keys(mode.stage_runner_bindings)) mode.stage_runner_bindings[stage] = 'command'
  fs.writeFileSync(inRuntime(root, 'modes/bench.json'), JSON.stringify(mode))
  const command = `[runners.command]\ncommand = ${JSON.stringify(program)}\n`
  fs.writeFileSync(inRuntime(root, 'millrace.toml'), `[runtime]\ndefault_mode = "bench"\n${command}`)
  return root
}

export const inRuntime = (root: string, relative: string): string => placesOf(root).at(relative)

/** A task of ordinary length (about 1 KB); `fields` are laid over its own. */
export function taskText(id: string, fields: Record<string, unknown> = {}): string {
  return renderDocument(
    newDocument('task', {
      task_id: id,
      title: `Split the invoice total of ${id} without losing a cent`,
      summary: 'Shares are rounded one by one today, so that their sum is off by up to one cent for each share.',
      target_paths: ['src/money.js', 'src/split.js', 'test/split-evenly.test.js'],
      acceptance: [
        'The shares of every split add up to the total, whatever the number of shares.',
        'No share differs by more than one cent from any other of the same weight.',
      ],
      required_checks: ['npm test'],
      references: ['README.md', 'docs/rounding.md'],
      risk: ['Callers may rely on the first share being the largest.'],
      tags: ['money', 'rounding'],
      created_at: '2026-03-01T10:00:00Z',
      created_by: 'bench',
      ...fields,
    }),
  )
}

/** Puts tasks into a folder of the workspace as somebody's finished work: old enough to be taken at once. */
export function addTasks(
  root: string,
  ids: Iterable<string>,
  state: 'queue' | 'active' = 'queue',
  fields: Record<string, unknown> = {},
): void {
  const past = new Date(Date.now() - 60_000)
  for (const id of ids) {
    const file = inRuntime(root, `tasks/${state}/${id}.md`)
    fs.writeFileSync(file, taskText(id, fields))
    fs.utimesSync(file, past, past)
  }
}

export function* taskIds(count: number, prefix = 'task'): Generator<string> {
  for (let number = 0; number < count; number++) yield `${prefix}-${String(number).padStart(6, '0')}`
}

export function openEngine(
  repository: string,
  root: string,
  files: Files = disk,
  listener: Listener = () => {},
): Promise<Engine> {
  const ports = { ...PORTS, files }
  return Engine.open(
    {
      ...ports,
      commands: COMMANDS,
      validators: [],
      packageRoot: path.join(repository, 'assets'),
      runnerNames: ['codex_cli', 'pi_rpc', 'command', 'scripted'],
      runners: (config, workspaceRoot) =>
        runnersFor(config, {
          ...ports,
          workspaceRoot,
          scriptedAgent: '',
          driver: '',
          environment: { PATH: process.env.PATH },
        }),
      exec: execWith(ports.clock),
      post: postWith(ports.clock),
      environment: { PATH: process.env.PATH },
      onFatal: (error) => {
        throw error
      },
    },
    { workspaceRoot: root, runtimeMode: 'daemon' },
    [listener],
  )
}

/** The disk, with its flush rounds counted and the last journal record kept. */
export function watched(): { files: Files; rounds: () => number; record: () => Uint8Array } {
  let rounds = 0
  let record: Uint8Array = new Uint8Array()
  const files: Files = {
    ...disk,
    flush(paths) {
      rounds += 1
      return disk.flush(paths)
    },
    write(file, bytes, options) {
      if (/\/state\/journal\.\d+\.json$/.test(file)) record = Buffer.from(bytes)
      disk.write(file, bytes, options)
    },
  }
  return { files, rounds: () => rounds, record: () => record }
}

/** Gathers what is committed, transaction by transaction: each ends with its snapshot. */
export function transactions(): { listener: Listener; all: Change[][] } {
  const all: Change[][] = []
  let open: Change[] = []
  return {
    all,
    listener(change) {
      open.push(change)
      if (change.change !== 'state.set') return
      all.push(open)
      open = []
    },
  }
}
