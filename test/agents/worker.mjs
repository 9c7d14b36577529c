// Works on any stage as its request asks, in a manner the dice choose: at once or slowly, its artifacts written last,
// with a flood of output, deaf to polite signals, leaving processes behind. The first argument is a folder where it
// notes what a test wants to know: `processes` (what it left), `violations` (what should never be), and a file for each
// request. With a second one, `hurried`, it is never slow.
import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const { MILLRACE_REQUEST_ID: requestId, MILLRACE_RUN_DIR: runDir } = process.env
const notes = process.argv[2]
const isHurried = process.argv[3] === 'hurried'
const chance = (probability) => Math.random() < probability

fs.readFileSync(0, 'utf8')
const request = JSON.parse(fs.readFileSync(join(runDir, 'stage_requests', `${requestId}.json`), 'utf8'))

/** Tells what should never be: a request started twice, another agent of the workspace still at work. */
function lookAround() {
  const complain = (text) => fs.appendFileSync(join(notes, 'violations'), `${requestId} (${process.pid}): ${text}\n`)
  try {
    fs.writeFileSync(join(notes, 'requests', requestId), '', { flag: 'wx' })
  } catch {
    complain('was started a second time')
  }
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    let environment = []
    try {
      environment = fs.readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
    } catch {
      continue
    }
    const isOurs = environment.some((line) => line.startsWith(`MILLRACE_RUN_DIR=${dirname(runDir)}/`))
    if (isOurs && !environment.includes(`MILLRACE_REQUEST_ID=${requestId}`))
      complain(`process ${pid} of an earlier agent still lives`)
  }
}

/** Leaves processes in sessions of their own; each notes its pid and can be told by the folder in its arguments. */
function litter() {
  const note = 'echo $$ >>"$1/processes"'
  const scripts = [
    `trap "" TERM HUP INT; ${note}; while :; do sleep 300; done`,
    `${note}; sleep 1`,
    `${note}; setsid /bin/sh -c 'trap "" TERM; ${note}; while :; do sleep 300; done' deep "$1" & sleep 0.2`,
  ]
  const script = scripts[Math.floor(Math.random() * scripts.length)]
  spawn('/bin/sh', ['-c', script, 'stray', notes], { detached: true, stdio: 'ignore' }).unref()
}

/** Success, but one item in four is sent back the first time a stage can do so. */
function chooseOutcome() {
  const outcomes = Object.entries(request.allowed_result_classes_by_outcome)
  const followup = outcomes.find(([, classes]) => classes.includes('followup_needed'))
  const digits = Buffer.from(request.active_work_item_id ?? '').reduce((sum, byte) => sum + byte, 0)
  const results = join(runDir, 'stage_results')
  const isFirst = !(fs.existsSync(results) ? fs.readdirSync(results) : []).some(
    (name) => JSON.parse(fs.readFileSync(join(results, name), 'utf8')).node_id === request.node_id,
  )
  if (followup && isFirst && digits % 4 === 0) return followup[0]
  return outcomes.find(([, classes]) => classes.includes('success'))[0]
}

function writeArtifacts(outcome) {
  for (const { path } of request.owed_artifacts_by_outcome[outcome] ?? [])
    fs.writeFileSync(path, path.endsWith('.json') ? JSON.stringify({ by: requestId }) : `By ${requestId}.\n`)
}

lookAround()
if (chance(0.2)) for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {})
if (chance(0.3)) litter()
if (chance(0.1)) process.stdout.write(`${'x'.repeat(1023)}\n`.repeat(2048))
const outcome = chooseOutcome()
const isLate = chance(0.3)
if (!isLate) writeArtifacts(outcome)
if (!isHurried && chance(0.65)) await wait(chance(0.6) ? 100 + Math.random() * 800 : 900 + Math.random() * 1500)
process.stdout.write(`Done.\n\n### ${outcome}\n`)
if (isLate) {
  await wait(Math.random() * 300)
  writeArtifacts(outcome)
}
