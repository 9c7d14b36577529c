/** A Node program run to its end: what the wall time of a command is measured against. */
import { spawnSync } from 'node:child_process'
import { timed } from './measure.ts'

/** What a long listing may print. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

/** Runs Node with these arguments in a folder; gives the milliseconds. Throws what it printed if it fails. */
export function nodeMs(folder: string, ...args: string[]): Promise<number> {
  return timed(() => {
    const done = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', maxBuffer: OUTPUT_BYTES_MAX })
    if (done.status !== 0) throw new Error(`node ${args.join(' ')} failed: ${done.error ?? done.stderr}`)
  })
}

/** Starting and ending Node: the unit of what a person waits for. */
export const bareNodeMs = (folder: string): Promise<number> => nodeMs(folder, '-e', '0')
