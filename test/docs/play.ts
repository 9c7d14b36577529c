/**
 * Carries out the commands of a document as a reader would: in a shell of its own, with the built command line on the PATH,
 * in a home with a small git project, `my-project`. The harness is a fake `codex` that does whatever a stage owes.
 */
import { execFileSync, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { newDocument, renderDocument } from '../../src/core/document.ts'
import { makeScene, type Scene, type Stage } from '../surfaces/contract/scene.ts'
import { REPOSITORY } from './documents.ts'
import type { Command } from './shell.ts'

const TIMEOUT_MS = 150_000
const AGENTS = path.join(REPOSITORY, 'test/rows/agents')
const PROGRAMS = path.join(import.meta.dirname, 'programs')
/** What the blocks that are played in the scene call things, and what they are there. */
const NAMES_OF_THE_SCENE = { 'T-12': 'T-blocked', 'T-13': 'T-waits', 'T-14': 'T-next' }

/** What became of a command. */
export interface Played {
  command: Command
  /** null: its turn never came. */
  status: number | null
  /** What was printed from its start on. */
  said: string
}

export class Stagehand {
  private readonly top = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-docs-')))
  private readonly bin = path.join(this.top, 'bin')
  private scene: Promise<Scene> | null = null
  private shells = 0

  constructor() {
    fs.mkdirSync(this.bin)
    for (const name of ['millrace', 'millracer', 'millstone'])
      this.program(name, `exec node '${dist(`${name}.js`)}' "$@"`)
    const mind = path.join(this.top, 'mind')
    fs.mkdirSync(mind)
    fs.writeFileSync(path.join(mind, 'replies.json'), REPLIES)
    const folders = `FAKE_HARNESS='${mind}' FAKE_MIND='${dist('scripted-agent.js')}'`
    this.program('codex', `${folders} exec node '${path.join(AGENTS, 'codex.mjs')}' "$@"`)
    for (const name of ['until-quiet', 'newest-run']) {
      this.program(name, `exec node '${path.join(PROGRAMS, `${name}.mjs`)}' "$@"`)
    }
  }

  /** A home as a reader has it before the first command. */
  home(): string {
    const home = path.join(this.top, `home-${this.shells}`)
    const project = path.join(home, 'my-project')
    for (const [name, text] of Object.entries(PROJECT)) {
      fs.mkdirSync(path.dirname(path.join(project, name)), { recursive: true })
      fs.writeFileSync(path.join(project, name), text)
    }
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.invalid', ...args], { cwd: project })
    git('init', '--quiet')
    git('add', '.')
    git('commit', '--quiet', '-m', 'first')
    return home
  }

  /** A fresh copy of one of the workspaces in which much has happened, and what its names are there. */
  async copy(stage: Stage): Promise<{ cwd: string; names: Record<string, string> }> {
    this.scene ??= makeScene()
    const { cwd, known } = (await this.scene).copy(stage)
    return { cwd, names: { ...NAMES_OF_THE_SCENE, RUN: known.done_run, 'ACTIVE-RUN': known.active_run } }
  }

  async play(commands: readonly Command[], cwd: string, names: Record<string, string>): Promise<Played[]> {
    const number = this.shells++
    const results = path.join(this.top, `results-${number}`)
    const script = path.join(this.top, `script-${number}.sh`)
    fs.writeFileSync(script, scriptOf(commands, results, names))
    const home = path.basename(cwd).startsWith('home-') ? cwd : path.join(this.top, `home-of-${number}`)
    fs.mkdirSync(home, { recursive: true })
    const said = await this.run(script, cwd, home)
    const lines = fs.existsSync(results) ? fs.readFileSync(results, 'utf8').trim().split('\n') : []
    const parts = said.split('\u0001')
    return commands.map((command, index) => ({
      command,
      status: lines[index] === undefined || lines[index] === '' ? null : Number(lines[index]),
      said: parts[index + 1] ?? '',
    }))
  }

  private run(script: string, cwd: string, home: string): Promise<string> {
    const child = spawn('bash', ['--noprofile', '--norc', script], {
      cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: [this.bin, path.dirname(process.execPath), '/usr/bin', '/bin'].join(':'),
        HOME: home,
        TMPDIR: this.top,
        CODEX_API_KEY: 'made-up',
        GIT_AUTHOR_NAME: 'T',
        GIT_AUTHOR_EMAIL: 't@example.invalid',
        GIT_COMMITTER_NAME: 'T',
        GIT_COMMITTER_EMAIL: 't@example.invalid',
      },
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
    const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), TIMEOUT_MS)
    return new Promise((resolve) => {
      child.on('close', () => {
        clearTimeout(timer)
        resolve(said)
      })
    })
  }

  private program(name: string, script: string): void {
    fs.writeFileSync(path.join(this.bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }

  async dispose(): Promise<void> {
    ;(await this.scene)?.dispose()
    fs.rmSync(this.top, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}

const dist = (name: string): string => path.join(REPOSITORY, 'dist', name)

/** Each command, what it ended with in a file, and a mark in what is printed; at the end no daemon is left. */
function scriptOf(commands: readonly Command[], results: string, names: Record<string, string>): string {
  const steps = commands.map(({ text, isEndless }) => {
    const named = Object.entries({ RUN: '"$(newest-run)"', ...names }).reduce(
      (line, [name, value]) => line.replace(new RegExp(`(?<=\\s)${name}(?=\\s|$)`, 'gm'), () => value),
      text,
    )
    return `printf '\\001'\n${isEndless ? named.replace(/\bmillrace /, 'until-quiet millrace ') : named}\necho $? >> '${results}'\n`
  })
  const stop = commands.some(({ text }) => /daemon start|--daemon/.test(text)) ? 'millrace daemon stop\n' : ''
  return `${steps.join('')}printf '\\001'\n${stop}`
}

const spec = newDocument('spec', {
  spec_id: 'retry-budget',
  title: 'A budget for upload retries',
  summary: 'Uploads are tried again at most five times.',
  goals: ['An upload is tried at most six times.'],
  constraints: ['No new dependency.'],
  acceptance: ['An upload that fails five times is given up with an error.'],
  references: ['src/upload.js'],
  source_type: 'manual',
  created_at: '2026-03-01T09:00:00Z',
  created_by: 'reader',
})

const PROJECT: Readonly<Record<string, string>> = {
  'package.json': `${JSON.stringify({ name: 'my-project', type: 'module', scripts: { test: 'node --test' } }, null, 2)}\n`,
  'src/upload.js': 'export const upload = (send) => send()\n',
  'specs/retry-budget.md': renderDocument(spec),
}

/** Every stage succeeds at once, with the least it owes. */
const REPLIES = JSON.stringify({ schema_version: '1.0', kind: 'scripted_replies', replies: [] })
