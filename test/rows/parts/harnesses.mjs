/** Fake harnesses: programs named `codex` and `pi` on the PATH of the row, that speak as the real ones do. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { program } from './programs.mjs'
import { agentProgram, repliesText } from './workspace.mjs'

/**
 * Installs `name` (`codex` or `pi`) for this row. What it decides is scripted by `replies`, as that of the scripted agent
 * is. `calls()` tells how it was started so far; `fails(message)` makes it fail from now on, `recovers()` work again;
 * `uninstall()` takes its program away.
 */
export function installHarness(name, replies = []) {
  const folder = path.resolve(`fake-${name}`)
  const at = (file) => path.join(folder, file)
  mkdirSync(folder, { recursive: true })
  const script = (given) => writeFileSync(at('replies.json'), repliesText(given))
  script(replies)
  const mind = path.join(process.env.ROWS_PACKAGE, 'dist/scripted-agent.js')
  const bin = program(name, `FAKE_HARNESS='${folder}' FAKE_MIND='${mind}' exec node '${agentProgram(name)}' "$@"`)
  return {
    script,
    calls: () => (existsSync(at('calls.jsonl')) ? linesOf(readFileSync(at('calls.jsonl'), 'utf8')) : []),
    fails: (message) => writeFileSync(at('failure'), message),
    recovers: () => rmSync(at('failure')),
    uninstall: () => rmSync(path.join(bin, name)),
  }
}

const linesOf = (text) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
