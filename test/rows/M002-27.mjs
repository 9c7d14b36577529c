import assert from 'node:assert/strict'
import { chmodSync, existsSync } from 'node:fs'
import path from 'node:path'
import { open, reached, waitAt } from './parts/gate.mjs'
import { hideSystemPrograms, program } from './parts/programs.mjs'
import { newWorkspace } from './parts/workspace.mjs'

/** More than a code: words with blanks between them. */
const TEXT = /[a-z]+ [a-z]+ [a-z]+/i

export const row = {
  id: 'M002-27',
  says: 'Blocked work, partial progress and a failing neighbourhood are told with their reasons in words.',

  async run() {
    await blocked()
    await halfWay()
    await degraded()
  },
}

async function blocked() {
  const say = (stage, message) => ({ stage, outcome: 'BLOCKED', message })
  const workspace = await newWorkspace({
    name: 'blocked',
    replies: [
      say('builder', 'The compiler is missing.'),
      say('troubleshooter', 'I may not install one.'),
      say('consultant', 'Somebody has to install a compiler first.'),
    ],
  })
  await workspace.add('task', 'work')
  await workspace.ok('run', 'daemon', '--stop-when-idle')
  const status = await workspace.json('status')
  assert.match(status.activity_reason, /1 item blocked/)
  assert.match(status.next_step, /queue ls --state blocked/)
  const [runId] = await workspace.runIds()
  assert.match((await workspace.ok('runs', 'tail', runId)).stdout, /Somebody has to install a compiler first\./)
  const { because, can } = await whyIs(workspace, { verdict: 'waiting', waits_for: ['human'] })
  const { stdout } = await workspace.ok('why', 'work')
  for (const { fact } of because) assert.ok(stdout.includes(fact), `${fact}: ${stdout}`)
  assert.ok(can.includes('millrace queue retry work'), can.join())
  await workspace.ok('queue', 'retry', 'work')
}

/** Asks why the task stands where it stands; every fact is in words, and there is a file or an event to it. */
async function whyIs(workspace, expected) {
  const why = await workspace.json('why', 'work')
  assert.deepEqual({ verdict: why.verdict, waits_for: why.waits_for }, expected)
  assert.ok(why.because.length > 0)
  for (const { fact, path: file, event } of why.because) {
    assert.match(fact, TEXT)
    assert.ok(file === null ? workspace.events(event).length > 0 : existsSync(path.resolve(workspace.root, file)), fact)
  }
  assert.ok(why.next.length > 0 && why.next.every(({ what, who }) => TEXT.test(what) && who !== ''))
  return why
}

async function halfWay() {
  const workspace = await newWorkspace({
    name: 'half-way',
    replies: [{ stage: 'checker', steps: [waitAt('checker'), { artifacts: true }], outcome: 'CHECKER_PASS' }],
  })
  await workspace.add('task', 'work')
  const daemon = await workspace.daemon()
  await reached('checker')
  await whyIs(workspace, { verdict: 'working', waits_for: [] })
  const { activity, active_runs: runs } = await workspace.json('status')
  assert.equal(activity, 'working')
  assert.deepEqual(
    runs.map((one) => [one.stage, one.stage_runs, one.title]),
    [['checker', 1, 'Task work']],
  )
  daemon.kill('SIGTERM')
  await daemon.ended
  const stopped = await workspace.json('status')
  assert.match(stopped.activity_reason, /1 run waits to be taken up/)
  assert.equal(stopped.active_runs[0].stage, 'checker')
  await whyIs(workspace, { verdict: 'waiting', waits_for: ['human'] })
  open('checker')
}

/** The program of the runner may not be started: no failure of the work, and said as what it is. */
async function degraded() {
  const folder = program('codex', 'exit 0')
  chmodSync(`${folder}/codex`, 0o644)
  const workspace = await newWorkspace({ name: 'degraded', runner: null })
  hideSystemPrograms()
  await workspace.add('task', 'work')
  assert.equal((await workspace.millrace('run', 'once')).code, 1)
  const daemon = await workspace.daemon()
  const { activity, activity_reason: reason } = await workspace.json('status')
  assert.ok(['waiting', 'working'].includes(activity), activity)
  assert.match(reason, /the surroundings failed \(missing_binary\); next try at 20/)
  assert.match((await workspace.ok('status')).stdout, /the surroundings failed/)
  await whyIs(workspace, { verdict: 'waiting', waits_for: ['backoff'] })
  daemon.kill('SIGTERM')
  await daemon.ended
}
