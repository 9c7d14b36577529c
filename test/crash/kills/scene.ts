/** The scene: a copy of the built package, a scratch workspace whose agents are real programs, and its commands. */
import { type ChildProcess, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { pause } from './chance.ts'

export interface Ended {
  /** Exit status; null if a signal ended it. */
  status: number | null
  stdout: string
  stderr: string
}

/** A program of the package at work. */
export interface Program {
  child: ChildProcess
  ended: Promise<Ended>
  /** Null while it lives. */
  end(): Ended | null
}

export type OnRestart = 'adopt' | 'kill'

/** What the shipped planning stages report; the task that is handed in gets the loop of its own. */
const REPLIES = [
  { stage: 'planner', outcome: 'PLANNER_COMPLETE', steps: [{ wait_ms: 250 }, { artifacts: true }] },
  {
    stage: 'arbiter',
    outcome: 'ARBITER_COMPLETE',
    steps: [{ spawn: { command: 'trap "" TERM; while :; do sleep 300; done' } }, { wait_ms: 300 }, { artifacts: true }],
  },
]

export class Scene {
  /** Everything of this scene lies here; kept if something goes wrong. */
  readonly folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-kills-')))
  readonly workspace = path.join(this.folder, 'workspace')
  /** Where agents note what the checks want to know (see test/agents/worker.mjs). */
  readonly notes = path.join(this.folder, 'notes')
  /** Commands that change something, now at work: each may hold the lock for a moment. */
  changing = 0
  /** Such commands so far. */
  changes = 0
  private readonly repository: string
  private readonly program: string

  constructor(repository: string) {
    this.repository = repository
    // A copy, so that a build meanwhile does not pull the program from under the feet of its processes.
    for (const part of ['dist', 'assets', 'package.json'])
      fs.cpSync(path.join(repository, part), path.join(this.folder, 'package', part), { recursive: true })
    this.program = path.join(this.folder, 'package', 'dist', 'millrace.js')
    for (const made of [this.workspace, path.join(this.notes, 'requests'), path.join(this.folder, 'home')])
      fs.mkdirSync(made, { recursive: true })
  }

  async prepare(): Promise<void> {
    const made = await this.start(['init']).ended
    if (made.status !== 0) throw new Error(`millrace init failed: ${made.stderr}`)
    const assets = path.join(this.repository, 'assets')
    const shipped = JSON.parse(fs.readFileSync(path.join(assets, 'modes', 'default_codex.json'), 'utf8'))
    const bindings = ['execution', 'planning'].flatMap((plane) =>
      fs
        .readdirSync(path.join(assets, 'registry', 'stage_kinds', plane))
        .map((name) => [path.basename(name, '.json'), plane === 'execution' ? 'command' : 'scripted']),
    )
    const mode = { ...shipped, mode_id: 'kills', stage_runner_bindings: Object.fromEntries(bindings) }
    fs.writeFileSync(this.at('modes', 'kills.json'), JSON.stringify(mode))
    const replies = { schema_version: '1.0', kind: 'scripted_replies', replies: REPLIES }
    fs.writeFileSync(path.join(this.workspace, 'replies.json'), JSON.stringify(replies))
    this.configure('adopt')
  }

  /** `pace`: whether agents take their time. */
  configure(onRestart: OnRestart, pace: 'leisurely' | 'hurried' = 'leisurely'): void {
    const worker = path.join(this.repository, 'test', 'agents', 'worker.mjs')
    const text = [
      '[runtime]',
      'default_mode = "kills"',
      `on_restart = "${onRestart}"`,
      'idle_sleep_seconds = 0.2',
      'stop_grace_seconds = 0.3',
      '[runners.command]',
      `command = ${JSON.stringify(process.execPath)}`,
      `args = ${JSON.stringify([worker, this.notes, pace])}`,
      '[runners.scripted]',
      'replies = "replies.json"',
    ]
    fs.writeFileSync(this.at('millrace.toml'), `${text.join('\n')}\n`)
  }

  /** Path below the runtime root. */
  at(...parts: string[]): string {
    return path.join(this.workspace, 'millrace-agents', ...parts)
  }

  /** Null if there is no such file. */
  read(...parts: string[]): string | null {
    try {
      return fs.readFileSync(this.at(...parts), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }

  json<T>(...parts: string[]): T | null {
    const text = this.read(...parts)
    return text === null ? null : (JSON.parse(text) as T)
  }

  list(...parts: string[]): string[] {
    return fs.existsSync(this.at(...parts)) ? fs.readdirSync(this.at(...parts)) : []
  }

  exists(...parts: string[]): boolean {
    return fs.existsSync(this.at(...parts))
  }

  /** Starts `millrace`, in an environment built from nothing. */
  start(args: readonly string[]): Program {
    const child = spawn(process.execPath, [this.program, ...args, '--workspace', this.workspace], {
      cwd: this.folder,
      env: { PATH: process.env.PATH, HOME: path.join(this.folder, 'home'), LANG: 'C.UTF-8' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const texts = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        texts[name] += text
      })
    let end: Ended | null = null
    const ended = new Promise<Ended>((resolve) =>
      child.once('close', (status) => {
        end = { status, ...texts }
        resolve(end)
      }),
    )
    return { child, ended, end: () => end }
  }

  /** Runs a command that changes something; with `killAfterMs` it is killed then, if it still lives. */
  async change(args: readonly string[], killAfterMs?: number): Promise<Ended> {
    this.changing += 1
    this.changes += 1
    try {
      const { child, ended } = this.start([...args, '--json'])
      if (killAfterMs !== undefined) {
        await Promise.race([ended, pause(killAfterMs)])
        child.kill('SIGKILL')
      }
      return await ended
    } finally {
      this.changing -= 1
    }
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true })
  }
}
