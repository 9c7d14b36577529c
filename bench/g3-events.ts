/** G3: how the cost of the event log grows with it: reading its end, and appending one event. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { event } from '../src/core/changes.ts'
import { OPERATIONS } from '../src/operations/table.ts'
import { tailEvents } from '../src/store/event-log.ts'
import { disk } from '../src/store/files.ts'
import { AT, placesOf } from '../src/store/layout.ts'
import { Workspace } from '../src/store/workspace.ts'
import type { Ground } from './main.ts'
import { atMost, inTurn, PAIRS_MIN, quantile, type Row, ratioRow, timed } from './measure.ts'
import { nodeMs } from './node.ts'
import { inRuntime, newWorkspace, PORTS } from './workspace.ts'

const FEW = 1000
const MANY = 1_000_000
const SHOWN = 50
/** Looks of one sample, of which the median counts: one takes microseconds. */
const LOOKS = 50

export async function eventsAtSizes({ repository, folder }: Ground): Promise<Row[]> {
  const [many, few] = [await withEvents(repository, folder, MANY), await withEvents(repository, folder, FEW)]
  const what = (deed: string) => `${deed} at ${MANY.toLocaleString('en')} events ÷ at ${FEW.toLocaleString('en')}`
  const tail = await inTurn({ ours: () => tailMs(many), against: () => tailMs(few) })
  const rows = [ratioRow('G3', what(`the last ${SHOWN} events read`), tail, atMost(1.5), 'µs')]
  if (OPERATIONS.some(({ name }) => name === 'logs')) {
    const logs = (root: string) =>
      nodeMs(root, path.join(repository, 'dist/millrace.js'), 'logs', '--tail', String(SHOWN))
    const told = await inTurn({ ours: () => logs(many), against: () => logs(few) })
    rows.push(ratioRow('G3', what(`logs --tail ${SHOWN}`), told, atMost(1.5)))
  }
  const open = (root: string) =>
    Workspace.open(PORTS, root, {
      onFatal: (error) => {
        throw error
      },
    })
  const [to, against] = [await open(many), await open(few)]
  const append = (workspace: Workspace) => timed(() => workspace.commit([event('runtime_tick_idle', {})]))
  const appended = await inTurn({ ours: () => append(to), against: () => append(against) }, 2 * PAIRS_MIN)
  for (const workspace of [to, against]) await workspace.close()
  return [...rows, ratioRow('G3', what('appending an event'), appended, atMost(1.5))]
}

async function tailMs(root: string): Promise<number> {
  const looks: number[] = []
  for (let look = 0; look < LOOKS; look++) looks.push(await timed(() => tailEvents(disk, placesOf(root), SHOWN)))
  return quantile(looks, 0.5)
}

/** A workspace whose log holds so many events of ordinary length. */
async function withEvents(repository: string, folder: string, count: number): Promise<string> {
  const root = await newWorkspace(repository, folder)
  const log = fs.openSync(inRuntime(root, AT.events), 'w')
  for (let number = 0; number < count; number += FEW) {
    const lines = Array.from({ length: FEW }, (_, at) => {
      const data = { run_id: `run-${number + at}`, stage: 'builder', node_id: 'builder', work_item_id: 'task-000001' }
      const when = { occurred_at: '2026-03-01T10:00:00.000Z' }
      return `${JSON.stringify({ schema_version: '1.0', kind: 'runtime_event', event_type: 'stage_started', ...when, data })}\n`
    })
    fs.writeSync(log, lines.join(''))
  }
  fs.closeSync(log)
  return root
}
