/** Plays rows, each in a process, a folder and an environment of its own, and says what became of them. */
import { fork } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { endProcessesWith } from '../parts/processes.mjs'

const ROW_LIMIT_MS = 120_000
const ERROR_CHARS_MAX = 4000
const WORDS_MIN = 3

/**
 * Plays the rows, `jobs` at a time, and calls `told` with each verdict: {id, seconds, passed, says, reads, error}.
 * `surroundings` has the folders: `rows` (files of rows), `scratch`, `tools`, `prefix`, `clone`; and `patienceMs`, if any.
 */
export async function judge(ids, surroundings, jobs, told) {
  const waiting = [...ids]
  const worker = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) told(await judgeOne(id, surroundings))
  }
  await Promise.all(Array.from({ length: jobs }, worker))
}

async function judgeOne(id, surroundings) {
  const file = path.join(surroundings.rows, `${id}.mjs`)
  const began = performance.now()
  const row = existsSync(file) ? await rowIn(file) : { error: 'it is skipped: it has no file' }
  const error = row.error ?? (await play(file, id, surroundings))
  const seconds = (performance.now() - began) / 1000
  return { id, seconds, passed: error === null, says: row.says ?? '', reads: row.reads, error }
}

/** What a row says of itself, or why it is none. */
async function rowIn(file) {
  try {
    const { row } = await import(pathToFileURL(file).href)
    if (String(row?.says ?? '').split(' ').length < WORDS_MIN) return { error: 'it says nothing of what it checks' }
    return row
  } catch (error) {
    return { error: `it cannot be read: ${error.message}` }
  }
}

/** Null if the row passed, else what went wrong. */
function play(file, id, surroundings) {
  const folder = path.join(surroundings.scratch, id)
  const home = path.join(folder, 'home')
  rmSync(folder, { recursive: true, force: true })
  for (const name of ['home', 'tmp', 'work']) mkdirSync(path.join(folder, name), { recursive: true })
  writeFileSync(path.join(home, '.gitconfig'), GIT_CONFIG)
  const child = fork(path.join(surroundings.rows, 'run/play.mjs'), [file], {
    cwd: path.join(folder, 'work'),
    env: environment(surroundings, home, path.join(folder, 'tmp')),
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  return new Promise((resolve) => {
    let passed = false
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        printed = (printed + text).slice(-ERROR_CHARS_MAX)
      })
    }
    child.on('message', (message) => {
      passed = message === 'passed'
    })
    const limit = setTimeout(() => {
      printed += `\nit did not end within ${ROW_LIMIT_MS / 1000} s`
      child.kill('SIGKILL')
    }, ROW_LIMIT_MS)
    // Not `close`: what the row left running may hold its streams. It is ended now, whatever it is.
    child.on('exit', (code) => {
      clearTimeout(limit)
      endProcessesWith(`HOME=${home}`)
      if (passed && code === 0) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
      setImmediate(() =>
        resolve(passed && code === 0 ? null : printed.trim() || `it ended with ${code} and said nothing`),
      )
    })
  })
}

const GIT_CONFIG = '[user]\n\tname = Somebody\n\temail = somebody@example.org\n[init]\n\tdefaultBranch = main\n'

/** Built from nothing: no variable of the caller reaches a row. */
function environment({ prefix, tools, clone, patienceMs }, home, tmp) {
  return {
    PATH: [path.join(prefix, 'bin'), tools, '/usr/bin', '/bin'].join(':'),
    HOME: home,
    TMPDIR: tmp,
    LANG: 'C.UTF-8',
    ROWS_PACKAGE: path.join(prefix, 'lib/node_modules/millrace'),
    ROWS_CLONE: clone,
    ...(patienceMs === undefined ? {} : { ROWS_PATIENCE_MS: String(patienceMs) }),
  }
}
