/** The machine a table was measured on: figures of another one are not comparable, only their ratios are. */
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { quantile, timed } from './measure.ts'

const FLUSHES = 200
const EARLY_BELOW_MS = 0.5

/** One or two lines; `folder` lies on the disk that is measured. */
export async function describeMachine(folder: string): Promise<string> {
  const flushMs = await fdatasyncMs(folder)
  const early = flushMs < EARLY_BELOW_MS
  const facts = [
    `${os.availableParallelism()} cores (${os.cpus()[0]?.model ?? 'unknown'})`,
    `node ${process.version}`,
    `${os.type()} ${os.release()}`,
    `fdatasync ${flushMs.toFixed(3)} ms (median)`,
    `load ${os.loadavg()[0]!.toFixed(2)}`,
  ]
  const warning = `This disk acknowledges a flush early (under ${EARLY_BELOW_MS} ms); a laptop's will not, and a share of the time spent on our side of a ratio weighs less there.`
  return [`${facts.join(', ')}; workspaces in ${folder}`, ...(early ? [warning] : [])].join('\n')
}

async function fdatasyncMs(folder: string): Promise<number> {
  const file = path.join(folder, 'flushed')
  const descriptor = fs.openSync(file, 'w')
  const samples: number[] = []
  for (let count = 0; count < FLUSHES; count++) {
    fs.writeSync(descriptor, 'x'.repeat(512))
    samples.push(await timed(() => fs.fdatasyncSync(descriptor)))
  }
  fs.closeSync(descriptor)
  fs.unlinkSync(file)
  return quantile(samples, 0.5)
}
