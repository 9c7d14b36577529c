/** R10: how soon nothing is left of a stage that ignores every polite signal, and whether ever anything is. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { carriersOf, processIdentity } from '../src/runners/process.ts'
import { command, Daemon, EventLog, until } from './daemon.ts'
import type { Ground } from './main.ts'
import { atMost, exactly, figureRow, PAIRS_MIN, type Row, spread } from './measure.ts'
import { addTasks, inRuntime, newWorkspace, taskIds } from './workspace.ts'

const GRACE_SECONDS = 5
const SHORT_GRACE_SECONDS = 0.2
const STOPS = 100
const AT_ONCE = 10

interface Stop {
  /** Milliseconds from the command to the end of the last process of the tree. */
  wall: number
  orphans: number
}

export async function stop({ repository, folder }: Ground): Promise<Row[]> {
  const stops = (count: number, graceSeconds: number) =>
    inBatches(count, () => oneStop(repository, folder, graceSeconds))
  const long = await stops(PAIRS_MIN, GRACE_SECONDS)
  const all = [...long, ...(await stops(STOPS - PAIRS_MIN, SHORT_GRACE_SECONDS))]
  const orphans = all.reduce((sum, one) => sum + one.orphans, 0)
  const graceMs = GRACE_SECONDS * 1000
  return [
    {
      id: 'R10',
      what: `stop of a stage that ignores TERM, ${AT_ONCE} at a time ÷ grace`,
      ours: spread(long.map((one) => one.wall)),
      against: { median: graceMs, p95: graceMs },
      unit: 'ms',
      ratio: spread(long.map((one) => one.wall / graceMs)),
      target: atMost(1.2),
    },
    figureRow(
      'R10',
      `orphans in ${STOPS} stops (${STOPS - PAIRS_MIN} of them with a grace of ${SHORT_GRACE_SECONDS} s)`,
      [orphans],
      exactly(0),
    ),
  ]
}

async function inBatches(count: number, stop: () => Promise<Stop>): Promise<Stop[]> {
  const stops: Stop[] = []
  while (stops.length < count)
    stops.push(...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - stops.length) }, stop))))
  return stops
}

async function oneStop(repository: string, folder: string, graceSeconds: number): Promise<Stop> {
  const root = await newWorkspace(repository, folder, path.join(repository, 'bench/stubborn-stage.sh'))
  const config = inRuntime(root, 'millrace.toml')
  const text = fs.readFileSync(config, 'utf8')
  fs.writeFileSync(config, text.replace('[runtime]\n', `[runtime]\nstop_grace_seconds = ${graceSeconds}\n`))
  addTasks(root, taskIds(1))
  const daemon = new Daemon(repository, root)
  const { requestId, runId } = await new EventLog(root).nextStart()
  const ready = inRuntime(root, `runs/${runId}/ready`)
  await until('the grandchild', () => fs.existsSync(ready) || null)
  const tree = carriersOf(requestId).map(({ pid }) => pid)
  const begun = performance.now()
  await command(root, 'stop')
  await until('the end of the tree', () => !tree.some(isRunning) || null)
  const wall = performance.now() - begun
  await daemon.gone()
  return { wall, orphans: carriersOf(requestId).length }
}

function isRunning(pid: number): boolean {
  const process = processIdentity.identify(pid)
  return process !== null && !process.zombie
}
