/** R11: bytes a run leaves on the disk against the bytes it was about: prompts, output and results. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { systemClock } from '../src/engine/clock.ts'
import { runLoop } from '../src/engine/daemon.ts'
import { delay } from '../src/runners/sweep.ts'
import type { Ground } from './main.ts'
import { atMost, PAIRS_MIN, type Row, ratioRow } from './measure.ts'
import { noOpStage, STAGES_PER_TASK } from './settle.ts'
import { addTasks, inRuntime, newWorkspace, openEngine, REST_MS } from './workspace.ts'

/** Of the files of a run: what its agents were told, what they printed and left, and what came of it. */
const PAYLOAD = [/^runner_prompt\./, /^runner_std(out|err)\./, /^stage_results\//, /^[a-z_]+\.md$/]
const BYTES_PER_KIB = 1024
const BYTES_PER_BLOCK = 512

interface Run {
  /** Length of everything that came into being or grew below the runtime root, in KiB. */
  length: number
  /** The same as the disk counts it, in whole blocks. */
  blocks: number
  payload: number
}

export async function bytesOfRun({ repository, folder }: Ground): Promise<Row[]> {
  const telling = await runs(repository, folder, path.join(repository, 'bench/reporting-stage.sh'))
  const silent = await runs(repository, folder, noOpStage(repository))
  const row = (what: string, of: Run[], name: 'length' | 'blocks', target: Row['target']) =>
    ratioRow(
      'R11',
      what,
      of.map((run) => ({ ours: run[name], against: run.payload })),
      target,
      'KiB',
    )
  return [
    row('bytes of a run ÷ payload, stages that print 8 KB', telling, 'length', atMost(3)),
    row('the same in blocks of the disk', telling, 'blocks', null),
    row('bytes of a run ÷ payload, stages that print a line', silent, 'length', null),
  ]
}

async function runs(repository: string, folder: string, program: string): Promise<Run[]> {
  const root = await newWorkspace(repository, folder, program)
  const engine = await openEngine(repository, root)
  const found: Run[] = []
  for (let number = 0; number < PAIRS_MIN; number++) {
    addTasks(root, [`task-${number}`])
    await delay(systemClock, REST_MS)
    const before = sizeOf(inRuntime(root, ''))
    await runLoop(engine, { ticksMax: STAGES_PER_TASK, stopWhenIdle: false })
    const after = sizeOf(inRuntime(root, ''))
    const run = inRuntime(root, `runs/${newest(inRuntime(root, 'runs'))}`)
    const payload = filesIn(run).filter((file) => PAYLOAD.some((pattern) => pattern.test(path.relative(run, file))))
    found.push({
      length: after.length - before.length,
      blocks: after.blocks - before.blocks,
      payload: payload.reduce((sum, file) => sum + fs.statSync(file).size, 0) / BYTES_PER_KIB,
    })
  }
  await engine.close()
  return found
}

function newest(folder: string): string {
  const ages = fs.readdirSync(folder).map((name) => ({ name, ms: fs.statSync(path.join(folder, name)).birthtimeMs }))
  return ages.sort((a, b) => b.ms - a.ms)[0]!.name
}

/** In KiB. */
function sizeOf(folder: string): Pick<Run, 'length' | 'blocks'> {
  const stats = filesIn(folder).map((file) => fs.statSync(file))
  return {
    length: stats.reduce((sum, stat) => sum + stat.size, 0) / BYTES_PER_KIB,
    blocks: stats.reduce((sum, stat) => sum + stat.blocks * BYTES_PER_BLOCK, 0) / BYTES_PER_KIB,
  }
}

function filesIn(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
}
