/** A folder of our own for the time something takes; it is gone afterwards, with all that was put into it. */
import * as path from 'node:path'
import type { Files } from '../core/files.ts'

export async function withScratch<T>(files: Files, folder: string, use: (folder: string) => Promise<T>): Promise<T> {
  removeTree(files, folder)
  files.makeFolder(folder)
  try {
    return await use(folder)
  } finally {
    try {
      removeTree(files, folder)
    } catch {
      // What a failing disk leaves of it is in nobody's way.
    }
  }
}

function removeTree(files: Files, file: string): void {
  const stat = files.stat(file)
  if (stat === null) return
  if (stat.kind === 'directory') {
    for (const name of files.list(file) ?? []) removeTree(files, path.join(file, name))
    files.removeFolder(file)
  } else {
    files.unlink(file)
  }
}
