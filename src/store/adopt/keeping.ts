/** Writing what is there for good before anything of the workspace is replaced: what is kept of the old runtime. */
import * as path from 'node:path'
import type { Files } from '../files.ts'
import type { Places } from '../layout.ts'

/** A file relative to the runtime root, with its bytes. */
export interface Kept {
  path: string
  bytes: Uint8Array
}

/**
 * Writes files and makes them durable, names and all. One that is there with the same bytes is left as it is, so that it
 * may be done again after a crash.
 */
export async function writeKept(files: Files, places: Places, kept: readonly Kept[]): Promise<void> {
  const touched = new Set<string>()
  const written: { temporary: string; target: string }[] = []
  for (const { path: relative, bytes } of kept) {
    const target = places.at(relative)
    const there = files.stat(target) === null ? null : files.read(target)
    for (const above of [target, ...foldersAbove(places, target)]) touched.add(above)
    if (there !== null && Buffer.from(there).equals(bytes)) continue
    files.makeFolder(path.dirname(target))
    const temporary = path.join(path.dirname(target), `.${path.basename(target)}.tmp`)
    files.write(temporary, bytes)
    written.push({ temporary, target })
  }
  await files.flush(written.map(({ temporary }) => temporary))
  for (const { temporary, target } of written) files.rename(temporary, target)
  await files.flush([...touched])
}

/** Makes folders, given relative to the runtime root, that are still there after a loss of power. */
export async function keepFolders(files: Files, places: Places, folders: readonly string[]): Promise<void> {
  const made = folders.map(places.at)
  for (const folder of made) files.makeFolder(folder)
  await files.flush([...new Set(made.flatMap((folder) => [folder, ...foldersAbove(places, folder)]))])
}

/** The folders a name of the workspace hangs by, up to the runtime root. */
function foldersAbove(places: Places, target: string): string[] {
  const above = path.dirname(target)
  return above.length < places.runtime.length ? [] : [above, ...foldersAbove(places, above)]
}
