/** R9: what a daemon with nothing to do costs: memory beside an idle Node, and processor time. Linux only (/proc). */
import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { systemClock } from '../src/engine/clock.ts'
import { delay } from '../src/runners/sweep.ts'
import { Daemon, EventLog } from './daemon.ts'
import type { Ground } from './main.ts'
import { atMost, figureRow, PAIRS_MIN, type Row, ratioRow } from './measure.ts'
import { noOpStage } from './settle.ts'
import { addTasks, newWorkspace, taskIds } from './workspace.ts'

const ITEMS = 1000
/** V8 gives the memory of the start back within this time, by collections that happen once in the life of a daemon. */
const WARM_UP_MS = 28_000
const TICKS_PER_SECOND = 100
const KIB_PER_PAGE = 4

export async function idle({ repository, folder, idleSeconds }: Ground): Promise<Row[]> {
  const root = await newWorkspace(repository, folder, noOpStage(repository))
  // Each waits for a task that never comes, so that every look has to go through all of them.
  addTasks(root, taskIds(ITEMS), 'queue', { depends_on: ['never-comes'] })
  const log = new EventLog(root)
  const daemon = new Daemon(repository, root)
  const node = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' })
  await log.next('runtime_tick_idle')
  await delay(systemClock, WARM_UP_MS)
  const begun = performance.now()
  const cpuBegun = { ours: cpuSeconds(daemon.pid), against: cpuSeconds(node.pid!) }
  const memory: { ours: number; against: number }[] = []
  for (let pair = 0; pair < PAIRS_MIN; pair++) {
    await delay(systemClock, (idleSeconds * 1000) / PAIRS_MIN)
    memory.push({ ours: residentKib(daemon.pid), against: residentKib(node.pid!) })
  }
  const hours = (performance.now() - begun) / 3_600_000
  const cpu = (cpuSeconds(daemon.pid) - cpuBegun.ours) / hours
  const cpuOfNode = (cpuSeconds(node.pid!) - cpuBegun.against) / hours
  node.kill()
  await daemon.stop()
  const what = `idle daemon with ${ITEMS.toLocaleString('en')} waiting items`
  return [
    ratioRow('R9', `memory of an ${what} ÷ of an idle node`, memory, atMost(2), 'KiB'),
    figureRow('R9', `seconds of processor an hour of an ${what}, over ${idleSeconds} s`, [cpu], atMost(5)),
    figureRow('R9', 'the same of an idle node', [cpuOfNode], null),
  ]
}

/** User and system time of all threads of a process: fields 14 and 15 of proc(5). */
function cpuSeconds(pid: number): number {
  const line = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function residentKib(pid: number): number {
  return Number(fs.readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * KIB_PER_PAGE
}
