/** A Node program run to its end: what the wall time of a command is measured against. */
import { spawnSync } from 'node:child_process'
import { timed } from './measure.ts'

/** Runs Node with these arguments in a folder; gives the milliseconds. Throws what it printed if it fails. */
export function nodeMs(folder: string, ...args: string[]): Promise<number> {
  return timed(() => {
    const done = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`node ${args.join(' ')} failed: ${done.stdout}${done.stderr}`)
  })
}

/** Starting and ending Node: the unit of what a person waits for. */
export const bareNodeMs = (folder: string): Promise<number> => nodeMs(folder, '-e', '0')
