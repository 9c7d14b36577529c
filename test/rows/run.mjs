/**
 * The rows: what the product promises, one check a file, asked of the packed and installed commands. Then the same rows
 * with commands that do nothing: one that still passes proves nothing. See README.md.
 */
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { ROW_IDS } from './ids.mjs'
import { judge } from './run/judge.mjs'
import { cloneRepository, emptyPrefix, installPacked, toolsFolder } from './run/surroundings.mjs'

/** With commands that do nothing, nothing is worth waiting for. */
const PATIENCE_WITHOUT_PRODUCT_MS = 400

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: 'string', default: '2' },
    keep: { type: 'boolean', default: false },
    'no-proof': { type: 'boolean', default: false },
    prefix: { type: 'string' },
    rows: { type: 'string', default: import.meta.dirname },
  },
})
const ids = positionals.length > 0 ? positionals : ROW_IDS
const jobs = Number(values.jobs)

const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'millrace-rows-')))
const surroundings = {
  // Rows run from a copy that has nothing above it, so that none of them can reach the sources.
  rows: path.join(folder, 'rows'),
  scratch: path.join(folder, 'scratch'),
  tools: toolsFolder(folder),
  prefix: values.prefix === undefined ? installPacked(folder) : path.resolve(values.prefix),
  clone: cloneRepository(folder),
}
cpSync(values.rows, surroundings.rows, { recursive: true })

const print = (line) => process.stdout.write(`${line}\n`)
const seconds = (count) => `${count.toFixed(1).padStart(6)} s`
const indented = (text) => text.replace(/^/gm, '    ')

const began = performance.now()
const verdicts = []
await judge(ids, surroundings, jobs, (verdict) => {
  verdicts.push(verdict)
  print(`${verdict.id} ${seconds(verdict.seconds)}  ${verdict.passed ? 'passed' : 'FAILED'}  ${verdict.says}`)
  if (!verdict.passed) print(indented(verdict.error))
})

const idle = []
if (!values['no-proof']) {
  const empty = path.join(folder, 'empty')
  mkdirSync(empty)
  const proof = { ...surroundings, scratch: path.join(folder, 'proof'), patienceMs: PATIENCE_WITHOUT_PRODUCT_MS }
  const told = (verdict) => {
    if (!verdict.passed) return
    idle.push(verdict)
    print(`${verdict.id} ${seconds(verdict.seconds)}  PROVES NOTHING: it passes without the product as well`)
  }
  const passed = verdicts.filter((verdict) => verdict.passed)
  const readers = passed.filter(({ reads }) => reads === 'clone').map(({ id }) => id)
  const users = passed.filter(({ reads }) => reads !== 'clone').map(({ id }) => id)
  await judge(users, { ...proof, prefix: emptyPrefix(folder) }, jobs, told)
  await judge(readers, { ...proof, clone: empty }, jobs, told)
}

const failed = verdicts.filter((verdict) => !verdict.passed)
const proof = values['no-proof'] ? '' : `, ${idle.length} prove nothing`
print(
  `${verdicts.length} rows: ${verdicts.length - failed.length} passed, ${failed.length} failed${proof}; ${seconds((performance.now() - began) / 1000).trim()}`,
)
if (values.keep) print(`kept: ${folder}`)
else rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
if (failed.length + idle.length > 0) process.exitCode = 1
