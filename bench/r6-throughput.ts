/** R6: no-op stages per second of eight daemons at once, with short and with long queues. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { systemClock } from '../src/engine/clock.ts'
import { delay } from '../src/runners/sweep.ts'
import { Daemon, EventLog } from './daemon.ts'
import type { Ground } from './main.ts'
import { atLeast, inTurn, type Row, ratioRow, spread } from './measure.ts'
import { noOpStage } from './settle.ts'
import { addTasks, newWorkspace, taskIds } from './workspace.ts'

const WORKSPACES = 8
/** Tasks of a short queue: as many as are worked off while it is measured. */
const SHORT = 60
const LONG = 1000
const SAMPLE_MS = 1000
const FLUSH_SAMPLE_MS = 200
/** What "does not fall" means where two equal things measured in turn differ by a few hundredths. */
const FALLS_BELOW = 0.95

export async function throughput({ repository, folder }: Ground): Promise<Row[]> {
  const short = await Fleet.start(repository, folder, SHORT)
  const long = await Fleet.start(repository, folder, LONG)
  const figures = await inTurn({
    short: () => short.stagesPerSecond(),
    flushes: () => flushesPerSecond(folder),
    long: () => long.stagesPerSecond(),
  })
  await short.end()
  await long.end()
  const row = (name: 'short' | 'long', queued: number): Row => ({
    id: 'R6',
    what: `stages a second, ${WORKSPACES} daemons with ${queued.toLocaleString('en')} items each ÷ fdatasyncs a second`,
    ours: spread(figures.map((round) => round[name])),
    against: spread(figures.map((round) => round.flushes)),
    unit: '/s',
    ratio: spread(figures.map((round) => round[name] / round.flushes)),
    target: null,
  })
  return [
    row('short', SHORT),
    row('long', LONG),
    ratioRow(
      'R6',
      `stages a second with ${LONG.toLocaleString('en')} items each ÷ with ${SHORT}`,
      figures.map((round) => ({ ours: round.long, against: round.short })),
      atLeast(FALLS_BELOW),
      '/s',
    ),
  ]
}

/** Daemons that are held by a signal except while they are measured, so that two fleets can be measured in turn. */
class Fleet {
  readonly #daemons: Daemon[] = []
  readonly #logs: EventLog[] = []

  static async start(repository: string, folder: string, queued: number): Promise<Fleet> {
    const fleet = new Fleet()
    for (let count = 0; count < WORKSPACES; count++) {
      const root = await newWorkspace(repository, folder, noOpStage(repository))
      addTasks(root, taskIds(queued))
      const log = new EventLog(root)
      const daemon = new Daemon(repository, root)
      await log.next('stage_completed')
      daemon.signal('SIGSTOP')
      fleet.#daemons.push(daemon)
      fleet.#logs.push(log)
    }
    return fleet
  }

  async stagesPerSecond(): Promise<number> {
    for (const log of this.#logs) log.news()
    const begun = performance.now()
    for (const daemon of this.#daemons) daemon.signal('SIGCONT')
    await delay(systemClock, SAMPLE_MS)
    for (const daemon of this.#daemons) daemon.signal('SIGSTOP')
    const seconds = (performance.now() - begun) / 1000
    const news = this.#logs.flatMap((log) => log.news())
    if (news.some((event) => event.event_type === 'runtime_tick_idle')) throw new Error('a queue ran out of work')
    return news.filter((event) => event.event_type === 'stage_completed').length / seconds
  }

  /** Lets the stages at work end, and the daemons with them. */
  async end(): Promise<void> {
    for (const daemon of this.#daemons) {
      daemon.signal('SIGCONT')
      await daemon.stop()
    }
  }
}

/** Of one program that flushes a small write after the other. */
function flushesPerSecond(folder: string): number {
  const file = path.join(folder, 'flushed')
  const descriptor = fs.openSync(file, 'w')
  const begun = performance.now()
  let count = 0
  for (; performance.now() - begun < FLUSH_SAMPLE_MS; count++) {
    fs.writeSync(descriptor, 'x'.repeat(512))
    fs.fdatasyncSync(descriptor)
  }
  const seconds = (performance.now() - begun) / 1000
  fs.closeSync(descriptor)
  fs.unlinkSync(file)
  return count / seconds
}
