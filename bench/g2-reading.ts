/** G2: how the cost of looking grows with the workspace: status, the queue and the runs, at 10 to 10,000 of each. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { systemClock } from '../src/engine/clock.ts'
import { delay } from '../src/runners/sweep.ts'
import type { Ground } from './main.ts'
import { atMost, inTurn, type Row, ratioRow } from './measure.ts'
import { nodeMs } from './node.ts'
import { sampleSettle } from './settle.ts'
import { addTasks, COPIED_AFTER_MS, inRuntime, openEngine, taskIds } from './workspace.ts'

const SIZES = [10, 100, 1000, 10_000]
const TARGETS: Record<number, number> = { 10000: 3 }
const COMMANDS = ['status', 'queue ls --limit 50', 'queue ls', 'runs ls']
/** Of a run folder, what is looked at to list it. */
const RECORDS = ['stage_requests', 'stage_results', 'transition_history.jsonl']

export async function readingAtSizes({ repository, folder }: Ground): Promise<Row[]> {
  const { root: sample } = await sampleSettle(repository, folder)
  const roots = new Map<number, string>()
  for (const size of SIZES) {
    const root = path.join(folder, `of-${size}`)
    fs.cpSync(sample, root, { recursive: true })
    addTasks(root, taskIds(size))
    addRuns(root, size)
    roots.set(size, root)
  }
  await delay(systemClock, COPIED_AFTER_MS)
  for (const root of roots.values()) await (await openEngine(repository, root)).close()
  const program = path.join(repository, 'dist/millrace.js')
  const rows: Row[] = []
  for (const command of COMMANDS) {
    const measures = Object.fromEntries(
      [...roots].map(([size, root]) => [size, () => nodeMs(root, program, ...command.split(' '))]),
    )
    const rounds = await inTurn(measures)
    for (const size of SIZES.slice(1)) {
      const target = TARGETS[size] === undefined ? null : atMost(TARGETS[size])
      const pairs = rounds.map((round) => ({ ours: round[size]!, against: round[SIZES[0]!]! }))
      rows.push(ratioRow('G2', `${command} at ${size.toLocaleString('en')} ÷ at ${SIZES[0]}`, pairs, target))
    }
  }
  return rows
}

/** Makes so many runs of the one that is there. */
function addRuns(root: string, count: number): void {
  const runs = inRuntime(root, 'runs')
  const [first] = fs.readdirSync(runs)
  for (let number = 1; number < count; number++) {
    const run = path.join(runs, `run-${String(number).padStart(32, '0')}`)
    for (const record of RECORDS) {
      fs.cpSync(path.join(runs, first!, record), path.join(run, record), { recursive: true })
    }
  }
}
