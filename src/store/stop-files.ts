/** Files by which a person stops the runtime with nothing but a file manager. Reading only: they are never written or removed. */
import * as path from 'node:path'
import type { Files } from './files.ts'
import { AT, type Places, RUNTIME_ROOT } from './layout.ts'

/** Each relative to the workspace, in the order in which they are told of. */
export const STOP_FILES = {
  /** Stops as `control stop` does. */
  stop: `${RUNTIME_ROOT}/${AT.stopAutonomy}`,
  /** Stops once nothing is left to do. */
  complete: `${RUNTIME_ROOT}/${AT.autonomyComplete}`,
  /** Pauses, as the source `tasklist`. */
  tasklist: '.millstone/STOP.md',
} as const
export type StopFile = keyof typeof STOP_FILES

/** Those that lie there. */
export const stopFilesIn = (files: Files, { root }: Places): StopFile[] =>
  (Object.keys(STOP_FILES) as StopFile[]).filter((which) => {
    const kind = files.stat(path.join(root, STOP_FILES[which]))?.kind
    return kind !== undefined && kind !== 'directory'
  })
