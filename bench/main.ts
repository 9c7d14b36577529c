/** `npm run bench`: prints every ratio, or those named, with both sides, the target and the machine. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { claimAtSizes } from './g1-claim.ts'
import { viewWhileCommitting } from './g4-view.ts'
import { describeMachine } from './machine.ts'
import { type Row, table } from './measure.ts'
import { statusCommand } from './r1-status.ts'
import { noOpStages } from './r2-stage.ts'
import { oneTransaction } from './r3-transaction.ts'
import { coldOpen } from './r7-cold-open.ts'

/** Where things lie while a ratio is measured. */
export interface Ground {
  /** The repository, with `dist/` built. */
  repository: string
  /** An empty folder for workspaces, removed afterwards. */
  folder: string
  /** Bundled programs that a ratio runs in processes of their own. */
  programs: string
}

const RATIOS: Record<string, (ground: Ground) => Promise<Row[]>> = {
  R1: statusCommand,
  R2: noOpStages,
  R3: oneTransaction,
  R7: coldOpen,
  G1: claimAtSizes,
  G4: viewWhileCommitting,
}

async function main(repository: string, folder: string, chosen: string[]): Promise<void> {
  const unknown = chosen.filter((id) => !Object.hasOwn(RATIOS, id))
  if (unknown.length > 0) throw new Error(`no ratio ${unknown.join(', ')}; there are ${Object.keys(RATIOS).join(', ')}`)
  console.log(`${await describeMachine(folder)}\n`)
  const rows: Row[] = []
  for (const id of chosen.length > 0 ? chosen : Object.keys(RATIOS)) {
    process.stderr.write(`measuring ${id} …\n`)
    const workspaces = path.join(folder, id)
    fs.mkdirSync(workspaces)
    rows.push(...(await RATIOS[id]!({ repository, folder: workspaces, programs: path.join(folder, 'programs') })))
    fs.rmSync(workspaces, { recursive: true })
  }
  console.log(table(rows))
}

const [repository = '', folder = '', ...chosen] = process.argv.slice(2)
await main(repository, folder, chosen)
