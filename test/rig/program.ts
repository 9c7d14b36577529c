/** The built command line as people and scripts start it: real processes, which a test ends again. */
import { type ChildProcess, spawn } from 'node:child_process'
import * as path from 'node:path'

const DIST = path.resolve(import.meta.dirname, '../../dist')
/** What the person at this machine has set must not reach a test. */
const NOT_INHERITED = ['MILLRACE_WORKSPACE', 'MILLRACE_PAGER', 'PAGER', 'NO_COLOR']

export interface Ended {
  status: number | null
  stdout: string
  stderr: string
}

export interface Place {
  cwd: string
  env?: Record<string, string>
  input?: string
  /** Which of the commands of the package (default: millrace). */
  program?: 'millrace' | 'millracer' | 'millstone'
}

export interface Started {
  child: ChildProcess
  ended: Promise<Ended>
  /** Resolves once stdout or stderr has this text. */
  said: (text: string) => Promise<void>
}

const started = new Set<ChildProcess>()

/** For after the tests of a file: ends what is still there. */
export function endAll(): void {
  for (const child of started) child.kill('SIGKILL')
}

export function startMillrace(args: readonly string[], { cwd, env = {}, input, program }: Place): Started {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_INHERITED.includes(name)))
  const child = spawn(process.execPath, [path.join(DIST, `${program ?? 'millrace'}.js`), ...args], {
    cwd,
    env: { ...inherited, ...env },
  })
  started.add(child)
  const texts = { stdout: '', stderr: '' }
  const listeners = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      texts[name] += chunk
      for (const listener of listeners) listener()
    })
  }
  child.stdin.on('error', () => {}).end(input ?? '')
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (status) => {
      started.delete(child)
      resolve({ status, ...texts })
    })
  })
  const said = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (texts.stdout.includes(text) || texts.stderr.includes(text)) resolve()
      }
      listeners.add(look)
      look()
      void ended.then(() => reject(new Error(`it ended without saying ${text}: ${texts.stdout}${texts.stderr}`)))
    })
  return { child, ended, said }
}

/** Words of a command line as a shell would give them; quotes hold words together. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  )
}
