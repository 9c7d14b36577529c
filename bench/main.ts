/**
 * `npm run bench`: prints every ratio, or those named, with both sides, the target and the machine.
 * `npm run bench -- R9 --idle-seconds 20` watches for less than a minute.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { parseArgs } from 'node:util'
import { claimAtSizes } from './g1-claim.ts'
import { readingAtSizes } from './g2-reading.ts'
import { eventsAtSizes } from './g3-events.ts'
import { viewWhileCommitting } from './g4-view.ts'
import { describeMachine } from './machine.ts'
import { type Row, table } from './measure.ts'
import { statusCommand } from './r1-status.ts'
import { noOpStages } from './r2-stage.ts'
import { oneTransaction } from './r3-transaction.ts'
import { restart } from './r4-restart.ts'
import { runAgain } from './r5-rerun.ts'
import { throughput } from './r6-throughput.ts'
import { coldOpen } from './r7-cold-open.ts'
import { reaction } from './r8-reaction.ts'
import { idle } from './r9-idle.ts'
import { stop } from './r10-stop.ts'
import { bytesOfRun } from './r11-bytes.ts'
import { addTaskCommand } from './r12-add-task.ts'

/** Where things lie while a ratio is measured. */
export interface Ground {
  /** The repository, with `dist/` built. */
  repository: string
  /** An empty folder for workspaces, removed afterwards. */
  folder: string
  /** Bundled programs that a ratio runs in processes of their own. */
  programs: string
  /** How long a daemon with nothing to do is watched. */
  idleSeconds: number
}

const IDLE_SECONDS = 60

const RATIOS: Record<string, (ground: Ground) => Promise<Row[]>> = {
  R1: statusCommand,
  R2: noOpStages,
  R3: oneTransaction,
  R4: restart,
  R5: runAgain,
  R6: throughput,
  R7: coldOpen,
  R8: reaction,
  R9: idle,
  R10: stop,
  R11: bytesOfRun,
  R12: addTaskCommand,
  G1: claimAtSizes,
  G2: readingAtSizes,
  G3: eventsAtSizes,
  G4: viewWhileCommitting,
}

async function main(repository: string, folder: string, words: string[]): Promise<void> {
  const { values, positionals: chosen } = parseArgs({
    args: words,
    options: { 'idle-seconds': { type: 'string', default: String(IDLE_SECONDS) } },
    allowPositionals: true,
  })
  const idleSeconds = Number(values['idle-seconds'])
  if (!(idleSeconds > 0)) throw new Error('--idle-seconds takes a number of seconds')
  const unknown = chosen.filter((id) => !Object.hasOwn(RATIOS, id))
  if (unknown.length > 0) throw new Error(`no ratio ${unknown.join(', ')}; there are ${Object.keys(RATIOS).join(', ')}`)
  console.log(`${await describeMachine(folder)}\n`)
  const rows: Row[] = []
  for (const id of chosen.length > 0 ? chosen : Object.keys(RATIOS)) {
    process.stderr.write(`measuring ${id} …\n`)
    const workspaces = path.join(folder, id)
    fs.mkdirSync(workspaces)
    const programs = path.join(folder, 'programs')
    rows.push(...(await RATIOS[id]!({ repository, folder: workspaces, programs, idleSeconds })))
    fs.rmSync(workspaces, { recursive: true })
  }
  console.log(table(rows))
}

const [repository = '', folder = '', ...words] = process.argv.slice(2)
await main(repository, folder, words)
