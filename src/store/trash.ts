/** Deleting for good, in small steps, so that whoever has to go on meanwhile can. Links are removed, not followed. */
import * as path from 'node:path'
import type { Files } from './files.ts'
import { AT, type Places } from './layout.ts'

/** Deletes a file or folder with all that is in it; one thing each step, a file named `last` at the end of its folder. */
export function* deletion(files: Files, file: string, last?: string): Generator<void> {
  const stat = files.stat(file)
  if (stat === null) return
  if (stat.kind === 'directory') {
    const names = files.list(file) ?? []
    for (const name of [...names.filter((one) => one !== last), ...names.filter((one) => one === last)])
      yield* deletion(files, path.join(file, name), last)
    files.removeFolder(file)
  } else {
    files.unlink(file)
  }
  yield
}

/** Deletes what transactions have taken away. What a disk refuses to delete is left for the next time. */
export function* emptyTrash(files: Files, places: Places): Generator<void> {
  for (const name of files.list(places.at(AT.trash)) ?? []) {
    try {
      yield* deletion(files, places.at(`${AT.trash}/${name}`))
    } catch (error) {
      if (!LEFT.has(String((error as NodeJS.ErrnoException).code))) throw error
    }
  }
}

const LEFT = new Set(['EACCES', 'EPERM', 'EBUSY', 'ENOENT', 'ENOTEMPTY'])
