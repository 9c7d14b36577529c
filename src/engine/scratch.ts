/** Folders of our own for the time something takes; they are gone afterwards, with all that was put into them. */
import * as path from 'node:path'
import type { Clock } from '../core/clock.ts'
import type { Files } from '../core/files.ts'
import { readText } from '../store/files.ts'
import { type Places, SCRATCH } from '../store/layout.ts'
import { isProcessRecord, type Processes, processRecord, provenDead } from '../store/lock.ts'
import { deletion } from '../store/trash.ts'

/** In a command's folder: the process it belongs to. */
const OWNER = 'owner.json'
const STATE = 'state'

export async function withScratch<T>(files: Files, folder: string, use: (folder: string) => Promise<T>): Promise<T> {
  removeTree(files, folder)
  files.makeFolder(folder)
  try {
    return await use(folder)
  } finally {
    removeScratch(files, folder)
  }
}

/** As `withScratch`, for a command: it may run beside the runtime that holds the lock, so the folder says whose it is. */
export function withCommandScratch<T>(
  { files, clock, processes }: { files: Files; clock: Clock; processes: Processes },
  places: Places,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  return withScratch(files, places.at(`${STATE}/rescue-${clock.hex(16)}`), (folder) => {
    files.write(path.join(folder, OWNER), `${JSON.stringify(processRecord(processes))}\n`)
    return use(folder)
  })
}

/** Removes what commands that were killed left: folders whose process is proven dead, and no others. Never throws. */
export function removeAbandoned({ files, processes }: { files: Files; processes: Processes }, places: Places): void {
  try {
    for (const name of files.list(places.at(STATE)) ?? []) {
      const folder = places.at(`${STATE}/${name}`)
      if (SCRATCH.test(name) && isAbandoned(files, processes, folder)) removeScratch(files, folder)
    }
  } catch {
    // A disk that refuses: the next start looks again.
  }
}

/** A folder that does not say whose it is may be one that is just being made. */
export function isAbandoned(files: Files, processes: Processes, folder: string): boolean {
  try {
    const owner: unknown = JSON.parse(readText(files, path.join(folder, OWNER)) ?? 'null')
    return isProcessRecord(owner) && provenDead(processes, owner) !== null
  } catch {
    return false
  }
}

/** Removes a folder with all that is in it. Never throws: what a failing disk leaves of it is in nobody's way. */
export function removeScratch(files: Files, folder: string): void {
  try {
    removeTree(files, folder)
  } catch {
    // Whoever needs the place, or the next start, tries again.
  }
}

/** Whose a folder is goes last, so that what is left can still be told. */
function removeTree(files: Files, folder: string): void {
  for (const _ of deletion(files, folder, OWNER));
}
