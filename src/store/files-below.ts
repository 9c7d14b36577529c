/** Looking through a folder to its depth, within bounds. */
import * as path from 'node:path'
import type { Files } from './files.ts'

const FILES_MAX = 5000
const DEPTH_MAX = 8

/** Paths of the plain files below a folder, relative to it, hidden ones left out. */
export function filesBelow(files: Files, folder: string): string[] {
  const found: string[] = []
  const walk = (relative: string, depth: number) => {
    for (const name of files.list(path.join(folder, relative)) ?? []) {
      if (name.startsWith('.') || found.length >= FILES_MAX) continue
      const child = relative === '' ? name : `${relative}/${name}`
      const kind = files.stat(path.join(folder, child))?.kind
      if (kind === 'directory' && depth < DEPTH_MAX) walk(child, depth + 1)
      else if (kind === 'file') found.push(child)
    }
  }
  walk('', 0)
  return found
}
