/**
 * "No stale proof" (design §7): before a stage starts, what lies where its artifacts belong moves to the history of the
 * run, so that what lies there at its end is its own. No bytes are lost by it.
 */
import * as path from 'node:path'
import type { Files } from '../core/files.ts'
import type { StageRequest } from '../core/request.ts'

/** Moves artifacts that the stage owes, and may not take over from an earlier one, to `history/<request id>`. */
export async function putStaleAside(files: Files, request: StageRequest): Promise<void> {
  const owed = Object.values(request.owed_artifacts_by_outcome).flat()
  const own = new Set(owed.flatMap((artifact) => (artifact.reuse ? [] : [artifact.path])))
  const stale = [...own].filter((file) => files.stat(file) !== null)
  if (stale.length === 0) return
  const history = path.join(request.run_dir, 'history', request.request_id)
  files.makeFolder(history)
  for (const file of stale) files.rename(file, freeName(files, path.join(history, path.basename(file))))
  // Until the folders on both sides are flushed, a loss of power may take either name.
  await files.flush([
    history,
    path.dirname(history),
    request.run_dir,
    ...new Set(stale.map((file) => path.dirname(file))),
  ])
}

/** Artifacts of one name may lie in different folders. */
function freeName(files: Files, wanted: string): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? wanted : `${wanted}.${number}`
    if (files.stat(name) === null) return name
  }
}
