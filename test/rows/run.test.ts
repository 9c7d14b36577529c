/** The runner of the rows, with rows and commands made for it: what it takes for a pass, and what it does not. */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROWS = import.meta.dirname
const PARTS = ['run/play.mjs', 'parts/commands.mjs']
/** Every row there has to be. It stands in ids.mjs as well: a row that is to go has to be taken out of both. */
const EXPECTED = `
  M000-01 M000-02 M000-03 M000-04 M000-05 M000-06 M000-07 M000-08 M000-09 M000-10 M000-11 M000-12
  M000-13 M000-14 M000-15 M000-16 M000-17 M000-18 M000-19 M000-20 M000-21 M000-22 M000-23 M000-24
  M001-01 M001-02 M001-03 M001-04 M001-05 M001-06 M001-07 M001-08 M001-09 M001-10 M001-11 M001-12
  M001-13 M001-14 M001-15 M001-16 M001-17 M001-18 M001-19 M001-20 M001-21 M001-22 M001-23 M001-24
  M001-25 M001-26 M001-27 M001-28 M001-29 M001-30 M001-31 M002-01 M002-02 M002-03 M002-04 M002-08
  M002-09 M002-10 M002-15 M002-16 M002-19 M002-20 M002-21 M002-22 M002-23 M002-24 M002-26 M002-27
  M002-29 M002-30 M002-31 M002-32 M002-33 M002-35 M002-37 M002-38 M002-39 M002-40 M002-54 M002-74
  M002-75 M002-76 M002-77 M002-78 M002-79 M002-80 M002-81 M002-82 M002-83 M002-84 M002-86 M002-88
  M002-89 M002-90 M002-108 M002-109 M002-111 M002-115 M002-116 M002-130 M002-141 M002-142 M002-143 M002-144
  M002-145
`
const top = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-rows-test-')))
const rows = path.join(top, 'rows')
const prefix = path.join(top, 'prefix')

const rowOf = (id: string, body: string, more = '') =>
  `import assert from 'node:assert/strict'\nimport { run, start, eventually } from './parts/commands.mjs'\n` +
  `export const row = { id: '${id}', says: 'A row made for this test.', ${more} async run() { ${body} } }\n`

const GIVEN: Record<string, string> = {
  good: rowOf('good', `assert.equal((await run('millrace', ['version'])).stdout, 'it works\\n')`),
  bad: rowOf('bad', `assert.equal((await run('millrace', ['version'])).stdout, 'it does not work\\n')`),
  idle: rowOf('idle', `assert.equal((await run('millrace', ['version'])).code, 0)`),
  early: rowOf('early', 'process.exit(0)'),
  waiting: rowOf('waiting', 'await new Promise(() => {})'),
  sources: rowOf('sources', `await import('../../src/core/route.ts')`),
  bundled: `import '../../dist/index.js'\n${rowOf('bundled', '')}`,
  misnamed: rowOf('other', `assert.equal((await run('millrace', ['version'])).stdout, 'it works\\n')`),
  silent: `export const row = { id: 'silent', says: '', async run() {} }\n`,
  caller: rowOf(
    'caller',
    `assert.equal(process.env.OF_THE_CALLER, undefined); await run('millrace', []); assert.fail('x')`,
  ),
  daemon: rowOf(
    'daemon',
    `const running = start('millrace', ['hang']); await running.said('hanging'); console.error('pid ' + running.pid); assert.fail()`,
  ),
  clone: rowOf(
    'clone',
    `(await import('node:fs')).readFileSync(process.env.ROWS_CLONE + '/package.json')`,
    `reads: 'clone',`,
  ),
  'clone-idle': rowOf('clone-idle', '', `reads: 'clone',`),
}

function judge(...args: string[]) {
  const done = spawnSync(process.execPath, [path.join(ROWS, 'run.mjs'), '--rows', rows, '--prefix', prefix, ...args], {
    encoding: 'utf8',
    env: { ...process.env, OF_THE_CALLER: 'yes' },
  })
  return { status: done.status, text: done.stdout + done.stderr }
}

beforeAll(() => {
  for (const folder of ['run', 'parts']) fs.mkdirSync(path.join(rows, folder), { recursive: true })
  fs.mkdirSync(path.join(prefix, 'bin'), { recursive: true })
  for (const name of PARTS) fs.copyFileSync(path.join(ROWS, name), path.join(rows, name))
  for (const [id, text] of Object.entries(GIVEN)) fs.writeFileSync(path.join(rows, `${id}.mjs`), text)
  const program = '#!/bin/sh\nif [ "$1" = hang ]; then echo hanging; exec sleep 300; fi\necho it works\n'
  fs.writeFileSync(path.join(prefix, 'bin/millrace'), program, { mode: 0o755 })
})
afterAll(() => fs.rmSync(top, { recursive: true, force: true }))

describe('the rows', () => {
  it('are all there: each has its id in the list, and a file of that name', async () => {
    const { ROW_IDS } = await import(pathToFileURL(path.join(ROWS, 'ids.mjs')).href)
    const expected = EXPECTED.trim().split(/\s+/).sort()
    expect([...ROW_IDS].sort()).toEqual(expected)
    const files = fs.readdirSync(ROWS).filter((name) => /^M\d/.test(name))
    expect(files.map((name) => path.basename(name, '.mjs')).sort()).toEqual(expected)
  })

  it('are played by what must be green before anything lands', () => {
    const commands = fs.readFileSync(path.join(ROWS, '../../.ci/run'), 'utf8').split('\n')
    expect(commands).toContain('set -euo pipefail')
    expect(commands).toContain('npm run rows')
    const { scripts } = JSON.parse(fs.readFileSync(path.join(ROWS, '../../package.json'), 'utf8'))
    expect(scripts.rows).toBe('npm run build && node test/rows/run.mjs')
  })
})

describe('the runner of the rows', () => {
  it('ends with 0 where every row passes, and says id, seconds and verdict', () => {
    const { status, text } = judge('good', 'clone')
    expect(text).toMatch(/^good +\d+\.\d s {2}passed {2}A row made for this test\.$/m)
    expect(text).toContain('2 rows: 2 passed, 0 failed, 0 prove nothing')
    expect(status).toBe(0)
  })

  it.each([
    ['bad', 'it does not work'],
    ['missing', 'it is skipped: it has no file'],
    ['early', 'it ended with 0 and said nothing'],
    ['waiting', 'said nothing'],
    ['sources', 'Cannot find module'],
    ['bundled', 'it cannot be read: Cannot find module'],
    ['misnamed', 'calls itself other'],
    ['silent', 'it says nothing of what it checks'],
  ])('fails for the row `%s`: %s', (id, sentence) => {
    const { status, text } = judge('good', id)
    expect(text).toContain(sentence)
    expect(text).toContain('2 rows: 1 passed, 1 failed')
    expect(status).toBe(1)
  })

  it('fails for a row that passes with commands that do nothing, and for one that asks nothing of the clone', () => {
    const { status, text } = judge('good', 'idle', 'clone-idle')
    expect(text).toMatch(/^idle .* PROVES NOTHING/m)
    expect(text).toMatch(/^clone-idle .* PROVES NOTHING/m)
    expect(text).not.toMatch(/^good .* PROVES NOTHING/m)
    expect(status).toBe(1)
  })

  it('lets no variable of its own surroundings reach a row', () => {
    const { text } = judge('caller', '--no-proof')
    expect(text).toContain('AssertionError [ERR_ASSERTION]: x')
  })

  it.runIf(process.platform === 'linux')('ends what a row left running (needs Linux)', () => {
    const pid = Number(/pid (\d+)/.exec(judge('daemon', '--no-proof').text)![1])
    // Killed, though nobody may have taken notice of its end yet.
    const command = `/proc/${pid}/cmdline`
    expect(fs.existsSync(command) ? fs.readFileSync(command, 'utf8') : '').toBe('')
  })
})
