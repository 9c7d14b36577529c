/** R8: how soon an idle daemon has a stage at work after a command was posted, or a file dropped by other hands. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { systemClock } from '../src/engine/clock.ts'
import { delay } from '../src/runners/sweep.ts'
import { command, Daemon, EventLog } from './daemon.ts'
import type { Ground } from './main.ts'
import { inTurn, p95AtMost, type Row, spread } from './measure.ts'
import { noOpStage } from './settle.ts'
import { inRuntime, newWorkspace, taskText } from './workspace.ts'

/** Longer than the daemon goes on looking at folders it has just changed itself. */
const IDLE_AFTER_MS = 1300

export async function reaction({ repository, folder }: Ground): Promise<Row[]> {
  const root = await newWorkspace(repository, folder, noOpStage(repository))
  fs.mkdirSync(path.join(root, 'ideas/inbox'), { recursive: true })
  const log = new EventLog(root)
  const daemon = new Daemon(repository, root)
  await log.next('runtime_tick_idle')
  let number = 0
  /** Milliseconds from before `give` to the process of the stage; then waits until the daemon is idle again. */
  const untilStarted = async (give: (id: string) => unknown): Promise<number> => {
    const id = `task-${++number}`
    await delay(systemClock, IDLE_AFTER_MS)
    log.news()
    const begun = Date.now()
    await give(id)
    const { atMs } = await log.nextStart()
    await log.finished()
    return atMs - begun
  }
  const figures = await inTurn({
    posted: () => untilStarted((id) => command(root, 'add_task', { text: taskText(id) })),
    dropped: () => untilStarted((id) => fs.writeFileSync(inRuntime(root, `tasks/queue/${id}.md`), taskText(id))),
  })
  await daemon.stop()
  const row = (name: 'posted' | 'dropped', what: string, limit: number): Row => ({
    id: 'R8',
    what,
    ours: null,
    against: null,
    unit: 'ms',
    ratio: spread(figures.map((round) => round[name])),
    target: p95AtMost(limit),
  })
  return [
    row('posted', 'command posted to the process of its stage, ms', 150),
    row('dropped', 'document dropped in the queue to the process of its stage, ms', 400),
  ]
}
