/** R4: how soon the work goes on after the daemon was killed in the middle of a stage. */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { Daemon, EventLog, killAgent, runFile, type StartedStage, until } from './daemon.ts'
import type { Ground } from './main.ts'
import { atMost, inTurn, PAIRS_MIN, type Row, ratioRow } from './measure.ts'
import { bareNodeMs } from './node.ts'
import { STAGES_PER_TASK } from './settle.ts'
import { addTasks, newWorkspace, taskIds } from './workspace.ts'

/** Stages that each round brings to their end. */
const ENDED_PER_ROUND = 2
const TASKS = Math.ceil(((PAIRS_MIN + 1) * ENDED_PER_ROUND + 1) / STAGES_PER_TASK)

export async function restart({ repository, folder }: Ground): Promise<Row[]> {
  const root = await newWorkspace(repository, folder, path.join(repository, 'bench/held-stage.sh'))
  const gate = path.join(root, 'gate')
  execFileSync('mkfifo', [gate])
  addTasks(root, taskIds(TASKS))
  const log = new EventLog(root)
  let daemon = new Daemon(repository, root)
  let stage = await log.nextStart()

  /** Starts a new daemon; gives the milliseconds until the next stage runs. */
  const restarted = async (): Promise<number> => {
    const begun = Date.now()
    daemon = new Daemon(repository, root)
    stage = await log.nextStart()
    return stage.atMs - begun
  }
  const figures = await inTurn({
    node: () => bareNodeMs(root),
    async dead() {
      await daemon.crash()
      await killAgent(stage.requestId)
      return restarted()
    },
    async finished() {
      await daemon.crash()
      await letEnd(root, gate, stage)
      return restarted()
    },
    async adopted() {
      await daemon.crash()
      daemon = new Daemon(repository, root)
      await log.next('stage_adopted')
      const endedMs = await letEnd(root, gate, stage)
      stage = await log.nextStart()
      return stage.atMs - endedMs
    },
  })
  await daemon.crash()
  await killAgent(stage.requestId)
  const row = (name: 'dead' | 'finished' | 'adopted', what: string, limit: number) =>
    ratioRow(
      'R4',
      `${what} ÷ node -e 0`,
      figures.map((round) => ({ ours: round[name], against: round.node })),
      atMost(limit),
    )
  return [
    row('dead', 'restart to the next stage, its agent dead too', 4),
    row('finished', 'restart to the next stage, its agent finished meanwhile', 4),
    row('adopted', 'end of an adopted agent to the next stage', 2),
  ]
}

/** Lets the waiting agent go on to its end; gives when that was, in milliseconds since the epoch. */
async function letEnd(root: string, gate: string, stage: StartedStage): Promise<number> {
  const writer = await until('the agent to wait at its gate', () => openIfRead(gate))
  fs.writeSync(writer, '\n')
  fs.closeSync(writer)
  const exit = runFile(root, stage, 'exit')
  return until('the exit record', () => fs.statSync(exit, { throwIfNoEntry: false })?.mtimeMs ?? null)
}

/** Null while nobody reads the pipe. */
function openIfRead(pipe: string): number | null {
  try {
    return fs.openSync(pipe, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return null
    throw error
  }
}
