/** R5: which stages are run again after the daemon was killed, with the agents alive and with the agents dead too. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { systemClock } from '../src/engine/clock.ts'
import { carriersOf } from '../src/runners/process.ts'
import { delay } from '../src/runners/sweep.ts'
import { readWorkspace } from '../src/store/workspace.ts'
import { Daemon, EventLog, killAgent, runFile, until } from './daemon.ts'
import type { Ground } from './main.ts'
import { exactly, figureRow, type Row } from './measure.ts'
import { STAGES_PER_TASK } from './settle.ts'
import { addTasks, newWorkspace, PORTS, taskIds } from './workspace.ts'

const CRASHES = 40
/** Moments of the crashes, counted from the start of a stage: evenly spread over it, its settling and the next start. */
const MOMENT_MS_MAX = 260

type Kind = 'alive' | 'dead' | 'finished'

interface Stage {
  requestId: string
  runId: string
}

export async function runAgain({ repository, folder }: Ground): Promise<Row[]> {
  const root = await newWorkspace(repository, folder, path.join(repository, 'bench/brief-stage.sh'))
  // Every crash costs at most the stage it meets and the one after it.
  addTasks(root, taskIds(Math.ceil((2 * CRASHES * 2) / STAGES_PER_TASK)))
  const log = new EventLog(root)
  const again: Record<Kind, number[]> = { alive: [], dead: [], finished: [] }
  let daemon = new Daemon(repository, root)
  for (let crash = 0; crash < 2 * CRASHES; crash++) {
    await log.nextStart()
    await delay(systemClock, (Math.floor(crash / 2) / CRASHES) * MOMENT_MS_MAX)
    await daemon.crash()
    const found = inFlight(root).map((stage) => ({ stage, kind: stateOf(root, stage) }))
    if (crash % 2 === 1) for (const one of found) if (one.kind === 'alive') one.kind = await killed(root, one.stage)
    daemon = new Daemon(repository, root)
    for (const { stage, kind } of found) {
      const fate = await fateOf(log, stage)
      if (kind !== null) again[kind].push(fate === 'stage_interrupted' ? 1 : 0)
    }
  }
  await daemon.stop()
  const row = (kind: Kind, what: string, target: Row['target']): Row => {
    const figures = again[kind]
    const share = figures.reduce((sum, figure) => sum + figure, 0) / figures.length
    return { ...figureRow('R5', `${what} (${figures.length} met)`, [], target), ratio: { median: share, p95: share } }
  }
  return [
    row('alive', 'stages run again ÷ in flight at a crash, agent alive', exactly(0)),
    row('finished', 'stages run again ÷ finished but not settled at a crash', exactly(0)),
    row('dead', 'stages run again ÷ in flight at a crash, agent dead too', null),
  ]
}

/** Stages that were started and not settled, as the state on disk says. */
function inFlight(root: string): Stage[] {
  const { value: runs } = readWorkspace(PORTS, root, (view) => view.snapshot.active_runs)
  return runs.flatMap((run) =>
    run.status === 'started' && run.request_id !== null ? [{ requestId: run.request_id, runId: run.run_id }] : [],
  )
}

/** Null for one whose agent had not come to life yet: starting it then is not running it again. */
function stateOf(root: string, stage: Stage): Kind | null {
  const isAlive = carriersOf(stage.requestId).length > 0
  if (fs.existsSync(runFile(root, stage, 'exit'))) return 'finished'
  return isAlive ? 'alive' : null
}

async function killed(root: string, stage: Stage): Promise<Kind> {
  await killAgent(stage.requestId)
  return fs.existsSync(runFile(root, stage, 'exit')) ? 'finished' : 'dead'
}

/** How a stage went on: its result was settled, or it was given up to be run again. */
async function fateOf(log: EventLog, stage: Stage): Promise<string> {
  return until(`the fate of ${stage.requestId}`, () => {
    const told = log.news().find(({ event_type, data }) => data.request_id === stage.requestId && isFate(event_type))
    return told?.event_type ?? null
  })
}

const isFate = (type: string) => type === 'stage_completed' || type === 'stage_interrupted'
