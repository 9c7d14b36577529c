#!/usr/bin/env node
/**
 * Kills the daemon with SIGKILL at ten random moments inside the demo's stages and starts it again each time. Then
 * prints the stage results per node and checks: the spec is closed, every request that ended has one result, no stage
 * was run twice to an end, agents that were alive were adopted, and no process is left. Exit 1 if any of it fails.
 *
 *   node test/crash/kill-demo.mjs [--seed N] [--kills N]
 */
import { spawn, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'

const MILLRACE = path.join(import.meta.dirname, '..', '..', 'dist', 'millrace.js')
const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? fallback : Number(process.argv[at + 1])
}
const seed = option('seed', Date.now() % 1_000_000)
const kills = option('kills', 10)
const random = mulberry(seed)
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-kill-'))
const runtime = path.join(dir, 'millrace-agents')

function mulberry(start) {
  let state = start >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

function daemon() {
  const child = spawn(process.execPath, [MILLRACE, 'run', 'daemon', '--stop-when-idle', '--workspace', dir], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaint = ''
  child.stderr.on('data', (bytes) => {
    complaint += bytes
  })
  return {
    child,
    ended: new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal, complaint }))),
  }
}

function snapshot() {
  return JSON.parse(fs.readFileSync(path.join(runtime, 'state/runtime_snapshot.json'), 'utf8'))
}

const events = () =>
  fs
    .readFileSync(path.join(runtime, 'logs/runtime_events.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

function processesOf(requestIds) {
  if (process.platform !== 'linux') return []
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const environment = fs.readFileSync(`/proc/${pid}/environ`, 'latin1')
        return requestIds.some((id) => environment.includes(`MILLRACE_REQUEST_ID=${id}`))
      } catch {
        return false
      }
    })
}

const problems = []
const prepared = spawnSync(process.execPath, [MILLRACE, 'demo', '--prepare', '--dir', dir], { encoding: 'utf8' })
if (prepared.status !== 0) throw new Error(`demo --prepare failed: ${prepared.stderr}`)
console.log(`seed ${seed}, ${kills} kills, project ${dir}`)

let killed = 0
let last = null
while (last === null) {
  const { child, ended } = daemon()
  if (killed >= kills) {
    last = await ended
    break
  }
  // Wait until a stage is at work, then strike somewhere inside it.
  const deadline = Date.now() + 30_000
  let working = false
  while (Date.now() < deadline && child.exitCode === null && !working) {
    await sleep(25)
    working = snapshot().active_runs.some((run) => run.status === 'started')
  }
  await sleep(50 + random() * 900)
  if (child.exitCode !== null) {
    last = await ended
    break
  }
  const at = snapshot().active_runs[0]
  child.kill('SIGKILL')
  await ended
  killed += 1
  console.log(`kill ${killed}: in ${at ? `${at.node_id} (${at.status})` : 'no stage'}`)
  await sleep(random() * 300)
}
if (last.code !== 0) problems.push(`the last daemon ended with ${last.code ?? last.signal}: ${last.complaint}`)

const rows = new Map()
const requests = []
for (const run of fs.readdirSync(path.join(runtime, 'runs'))) {
  const read = (folder) => {
    const at = path.join(runtime, 'runs', run, folder)
    return fs.existsSync(at)
      ? fs.readdirSync(at).map((name) => JSON.parse(fs.readFileSync(path.join(at, name), 'utf8')))
      : []
  }
  const results = read('stage_results')
  for (const request of read('stage_requests')) {
    requests.push(request.request_id)
    const own = results.filter((result) => result.metadata.request_id === request.request_id)
    const row = rows.get(request.node_id) ?? { requests: 0, results: 0, interrupted: 0, outcomes: [] }
    row.requests += 1
    row.results += own.length
    row.outcomes.push(...own.map((result) => result.terminal_result))
    if (own.length === 0) row.interrupted += 1
    if (own.length > 1) problems.push(`request ${request.request_id} of ${request.node_id} has ${own.length} results`)
    rows.set(request.node_id, row)
  }
}
console.log('\nnode             requests  results  interrupted  outcomes')
for (const [node, row] of rows)
  console.log(
    `${node.padEnd(16)} ${String(row.requests).padStart(8)} ${String(row.results).padStart(8)} ${String(row.interrupted).padStart(12)}  ${row.outcomes.join(', ')}`,
  )

const log = events()
const count = (type) => log.filter((event) => event.event_type === type).length
const settled = log.filter((event) => event.event_type === 'stage_completed').map((event) => event.data.request_id)
if (new Set(settled).size !== settled.length) problems.push('a result was applied twice')
if ([...rows.values()].some((row) => row.requests !== row.results + row.interrupted))
  problems.push('requests, results and interruptions do not add up')
if (count('closure_target_closed') !== 1) problems.push(`the spec was closed ${count('closure_target_closed')} times`)
const left = processesOf(requests)
if (left.length > 0) problems.push(`processes left: ${left.join(', ')}`)
const tests = spawnSync('npm', ['test'], { cwd: dir, encoding: 'utf8' })
if (tests.status !== 0) problems.push("the sample's tests are not green")

console.log(
  `\nkills ${killed}, adopted ${count('stage_adopted')}, interrupted ${count('stage_interrupted')}, stages settled ${settled.length}, closed ${count('closure_target_closed')}, tests ${tests.status === 0 ? 'green' : 'red'}, processes left ${left.length}`,
)
for (const problem of problems) console.log(`PROBLEM: ${problem}`)
if (problems.length === 0) fs.rmSync(dir, { recursive: true, force: true })
process.exitCode = problems.length === 0 ? 0 : 1
