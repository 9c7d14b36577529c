/** R2: what the runtime adds to a stage: claim, start, spawn and settle around a program that does nothing. */
import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { systemClock } from '../src/engine/clock.ts'
import { runLoop } from '../src/engine/daemon.ts'
import { delay } from '../src/runners/sweep.ts'
import type { Ground } from './main.ts'
import { atMost, figureRow, inTurn, type Row, spread, timed } from './measure.ts'
import { BareTransactions, noOpStage, STAGES_PER_TASK } from './settle.ts'
import { addTasks, newWorkspace, openEngine, REST_MS, transactions, watched } from './workspace.ts'

const STAGES = 20
const TASKS = STAGES / STAGES_PER_TASK
const TRANSACTIONS_PER_STAGE = 3

export async function noOpStages({ repository, folder }: Ground): Promise<Row[]> {
  const root = await newWorkspace(repository, folder, noOpStage(repository))
  const { files, rounds, record } = watched()
  const { listener, all } = transactions()
  const engine = await openEngine(repository, root, files, listener)
  const bare = new BareTransactions(path.join(folder, 'bare'))
  const folders = runFolders(path.join(folder, 'spawned'))
  const flushes: number[] = []
  const committed: number[] = []
  let number = 0
  let settle: Uint8Array | null = null
  engine.listen((change) => {
    if (change.change === 'item.move' && change.to === 'done') settle = record()
  })
  const figures = await inTurn({
    async stages() {
      addTasks(
        root,
        Array.from({ length: TASKS }, () => `task-${++number}`),
      )
      await delay(systemClock, REST_MS)
      const [roundsBefore, committedBefore] = [rounds(), all.length]
      const wall = await timed(() => runLoop(engine, { ticksMax: STAGES, stopWhenIdle: false }))
      flushes.push((rounds() - roundsBefore) / STAGES)
      committed.push((all.length - committedBefore) / STAGES)
      return wall
    },
    async spawns() {
      let wall = 0
      for (let count = 0; count < STAGES; count++) {
        const run = folders[count % folders.length]!
        wall += await timed(() => bareSpawn(noOpStage(repository), run))
      }
      return wall
    },
    async bare() {
      let wall = 0
      for (let count = 0; count < STAGES * TRANSACTIONS_PER_STAGE; count++) wall += await timed(bare.prepare(settle!))
      return wall / STAGES
    },
  })
  await engine.close()
  const done = fs.readdirSync(path.join(root, 'millrace-agents/tasks/done')).filter((name) => name.endsWith('.md'))
  if (done.length !== number) throw new Error(`${number - done.length} of ${number} tasks did not come to their end`)
  const ours = figures.map(({ stages, spawns }) => (stages - spawns) / STAGES)
  return [
    {
      id: 'R2',
      what: 'what a no-op stage costs beyond its spawn ÷ three bare transactions',
      ours: spread(ours),
      against: spread(figures.map((round) => round.bare)),
      unit: 'ms',
      ratio: spread(figures.map((round, at) => ours[at]! / round.bare)),
      target: atMost(2),
    },
    figureRow('R2', 'flush rounds per stage', flushes, atMost(8)),
    figureRow('R2', 'transactions per stage', committed, null),
    figureRow(
      'R2',
      'bare spawn of the no-op program, ms',
      figures.map(({ spawns }) => spawns / STAGES),
      null,
    ),
  ]
}

/** Run folders as the program finds them at each stage of a run. */
function runFolders(folder: string): string[] {
  return Array.from({ length: STAGES_PER_TASK }, (_, settled) => {
    const run = path.join(folder, String(settled))
    fs.mkdirSync(path.join(run, 'stage_results'), { recursive: true })
    for (let number = 0; number < settled; number++)
      fs.writeFileSync(path.join(run, `stage_results/${number}.json`), '')
    fs.writeFileSync(path.join(run, 'prompt'), '')
    return run
  })
}

/** Runs the program with files for input and output, as the runtime does, and waits for its end. */
function bareSpawn(program: string, run: string): Promise<void> {
  const stdin = fs.openSync(path.join(run, 'prompt'), 'r')
  const stdout = fs.openSync(path.join(run, 'stdout'), 'w')
  const child = spawn(program, [], {
    detached: true,
    env: { PATH: process.env.PATH, MILLRACE_RUN_DIR: run },
    stdio: [stdin, stdout, stdout],
  })
  fs.closeSync(stdin)
  fs.closeSync(stdout)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => resolve())
  })
}
