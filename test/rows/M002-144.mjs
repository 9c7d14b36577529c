import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { run, succeeded } from './parts/commands.mjs'

const LIMIT_MS = 110_000

export const row = {
  id: 'M002-144',
  says: 'The commands with which contributors check their work are documented, are there, and are green in a clean clone.',
  reads: 'clone',

  async run() {
    const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim()
    const clone = path.resolve('clone')
    git('clone', '-q', process.env.ROWS_CLONE, clone)
    const page = readFileSync(path.join(clone, 'CONTRIBUTING.md'), 'utf8')
    const { scripts } = JSON.parse(readFileSync(path.join(clone, 'package.json'), 'utf8'))

    const named = [...page.matchAll(/^npm run (\S+)|`npm run ([^\s`]+)|^npm (test)\b/gm)].map(
      ([, a, b, c]) => a ?? b ?? c,
    )
    assert.ok(named.includes('test'), 'the command that runs all tests is named')
    for (const script of named) assert.ok(Object.hasOwn(scripts, script), `there is no script ${script}`)
    for (const part of ['types', 'lint', 'vitest run'])
      assert.ok(scripts.test.includes(part), `npm test has no ${part}`)

    // What was installed for the repository the clone was made of: a clone has the same lock file.
    const installed = path.join(git('-C', process.env.ROWS_CLONE, 'remote', 'get-url', 'origin'), 'node_modules')
    symlinkSync(installed, path.join(clone, 'node_modules'))
    for (const [, command] of page.matchAll(/`npx ((?:tsc|vitest run) [^`]+)`/g)) {
      const [program, ...args] = command.split(' ')
      const env = { NO_COLOR: '1' }
      const done = await run(path.join(clone, 'node_modules/.bin', program), args, {
        cwd: clone,
        env,
        limitMs: LIMIT_MS,
      })
      succeeded(done, command)
      ran.push(program)
      if (program === 'vitest') assert.match(done.stdout, /Tests +\d+ passed/)
    }
    assert.deepEqual(ran.sort(), ['tsc', 'vitest'])
  },
}

/** Programs that were named and have run. */
const ran = []
