/** Completion in real shells: what Tab makes of a line, asked of the shell itself. */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const PROGRAM = path.resolve(import.meta.dirname, '../../dist/millrace.js')
const ITEMS = 1000

const top = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-tab-')))
const workspace = path.join(top, 'project')
const tasks = path.join(workspace, 'millrace-agents/tasks')
afterAll(() => fs.rmSync(top, { recursive: true, force: true }))

/** `millrace` on the PATH, as an installation puts it there. */
const env = { PATH: `${top}/bin:${process.env.PATH}`, HOME: top, TERM: 'xterm' }
const run = (program: string, args: readonly string[], input?: string) =>
  spawnSync(program, args, { cwd: workspace, env, encoding: 'utf8', timeout: 60_000, ...(input ? { input } : {}) })
const millrace = (...args: string[]) => run('millrace', args)

const isThere = (shell: string): boolean => spawnSync(shell, ['--version']).error === undefined
const title = (shell: string): string => (isThere(shell) ? shell : `${shell} (not on this machine: not tried)`)

beforeAll(() => {
  fs.mkdirSync(path.join(top, 'bin'))
  fs.mkdirSync(path.join(workspace, 'docs here'), { recursive: true })
  fs.writeFileSync(path.join(top, 'bin/millrace'), `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`, {
    mode: 0o755,
  })
  expect(millrace('init').status).toBe(0)
  for (let n = 0; n < ITEMS; n++) fs.writeFileSync(path.join(tasks, 'queue', `T-${n}.md`), 'no document\n')
  fs.writeFileSync(path.join(tasks, 'blocked', 'B-1.md'), 'no document\n')
  fs.writeFileSync(path.join(tasks, 'blocked', 'B-2.md'), 'no document\n')
})

/** What a shell makes of a line: the words that can stand in place of its last one. */
type Ask = (line: string) => string[]

function asserts(ask: Ask, { valueAlone = false } = {}): void {
  expect(ask('millrace queue sh')).toEqual(['show'])
  expect(ask('millrace queue retry ')).toEqual(['B-1', 'B-2'])
  expect(ask('millrace queue retry B-1 --rea')).toEqual(['--reason'])
  expect(ask('millrace queue show ')).toHaveLength(ITEMS + 2)
  expect(ask('millrace queue ls --state=b')).toEqual([valueAlone ? 'blocked' : '--state=blocked'])
  expect(ask('millrace queue ls --state b')).toEqual(['blocked'])
  expect(ask('millrace status --set runtime.idle')).toEqual(['runtime.idle_sleep_seconds='])
  expect(ask('millrace modes show default_p')).toEqual(['default_pi'])
  expect(ask('millrace nonsense ')).toEqual([])
  expect(ask('millrace add-task docs').map((one) => one.replace(/\/$/, ''))).toEqual(['docs here'])
  // Nothing that stands on the line is carried out.
  expect(ask('millrace queue show $(touch done-it)')).toEqual([])
  expect(fs.existsSync(path.join(workspace, 'done-it'))).toBe(false)
}

describe('completion', () => {
  it.runIf(isThere('bash'))(`in ${title('bash')}`, { timeout: 120_000 }, () => {
    const script = millrace('completion', 'bash').stdout
    asserts(
      (line) => {
        // As bash takes a line apart: the sign in --option=value is a word of its own.
        const words = line.replace('=', ' = ').split(' ')
        const call = `COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _millrace; printf '%s\\n' "\${COMPREPLY[@]}"`
        const { stdout, stderr } = run('bash', ['--norc', '-c', `${script}\n${call}`, 'bash', ...words])
        expect(stderr).toBe('')
        return stdout.split('\n').filter(Boolean)
      },
      { valueAlone: true },
    )
  })

  it.runIf(isThere('fish'))(`in ${title('fish')}`, { timeout: 120_000 }, () => {
    const script = path.join(top, 'millrace.fish')
    fs.writeFileSync(script, millrace('completion', 'fish').stdout)
    asserts((line) => {
      const { stdout } = run('fish', ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', script, line])
      return stdout
        .split('\n')
        .map((one) => one.split('\t')[0]!)
        .filter(Boolean)
    })
  })

  it.runIf(isThere('zsh'))(`in ${title('zsh')}`, { timeout: 120_000 }, () => {
    const script = millrace('completion', 'zsh').stdout
    // The functions of the completion system give back what they were handed, instead of drawing it.
    const system = `
      compdef() { :; }
      _describe() { local each; for each in "\${(@P)3}"; do print -r -- "\${\${each%%:*}}"; done; }
      compadd() { print -rl -- "\${(@P)4}"; }
      compset() { PREFIX=\${words[CURRENT]#--*=}; }
      _files() { local each; for each in \${words[CURRENT]}*(N); do print -r -- "$each"; done; }`
    const call = 'words=("$@"); CURRENT=$#; _millrace'
    asserts((line) => {
      const { stdout, stderr } = run('zsh', ['-f', '-c', `${system}\n${script}\n${call}`, 'zsh', ...line.split(' ')])
      expect(stderr).toBe('')
      return stdout.split('\n').filter(Boolean)
    })
  })
})

describe('what the scripts ask', () => {
  it('is answered with nothing where there is no workspace, or a broken one, and writes nothing', () => {
    const broken = path.join(workspace, 'millrace-agents/state/runtime_snapshot.json')
    const whole = fs.readFileSync(broken)
    const names = () => (fs.readdirSync(top, { recursive: true }) as string[]).sort()
    const before = names()
    try {
      fs.writeFileSync(broken, '{"half":')
      for (const words of [
        ['cancel', ''],
        ['--workspace', '/nowhere', 'queue', 'show', ''],
        ['--config', 'x', 'queue', 'show', ''],
      ]) {
        const { status, stdout, stderr } = millrace('__complete', String(words.length), ...words)
        expect({ words, status, stderr }).toEqual({ words, status: 0, stderr: '' })
        expect(
          stdout
            .split('\n')
            .filter((line) => !line.startsWith(':'))
            .join(''),
        ).toBe('')
      }
      expect(names()).toEqual(before)
    } finally {
      fs.writeFileSync(broken, whole)
    }
  })

  it('is answered quickly among a thousand items: little is loaded, and no document is opened', () => {
    const seconds = (args: readonly string[]): number => {
      const call = `process.argv.splice(1, 1); await import(${JSON.stringify(PROGRAM)}); process.on('exit', () => console.error(process.cpuUsage().user / 1e6))`
      const { stderr } = run(process.execPath, ['--input-type=module', '-e', call, 'x', 'millrace', ...args])
      return Number(stderr.trim())
    }
    const asked = Array.from({ length: 5 }, () => seconds(['__complete', '3', 'queue', 'show', '']))
    // Time of the processor, which does not depend on who else is at work; about 0.12 s.
    expect(Math.min(...asked)).toBeLessThan(0.3)
  })

  it('understands that a shell could not hand over an empty word', () => {
    expect(millrace('__complete', '3', 'queue', 'retry').stdout).toBe('B-1\ttask, blocked\nB-2\ttask, blocked\n:none\n')
  })
})
