/** What the run folders say: every stage result that is kept, and how far the passages under way have come. */
import * as path from 'node:path'
import type { StageResult } from '../../core/result.ts'
import type { Files } from '../files.ts'
import { readInvocations } from '../invocations.ts'
import { type Places, RUNTIME_ROOT, runFolder } from '../layout.ts'
import { readRun, runIds } from '../runs.ts'
import type { PythonActive, Standing } from './snapshot.ts'
import type { KeptResult } from './usage.ts'

const pathOf = ({ run_id, metadata }: StageResult): string =>
  `${RUNTIME_ROOT}/${runFolder(run_id)}/stage_results/${String(metadata.request_id)}.json`

/** Every stage result that can be read. */
export function keptResults(files: Files, places: Places): KeptResult[] {
  return runIds(files, places).flatMap((runId) =>
    (readRun(files, places, runId)?.results ?? [])
      .filter(({ metadata, run_id }) => typeof metadata.request_id === 'string' && run_id === runId)
      .map((result) => ({ path: pathOf(result), result })),
  )
}

/**
 * Where a passage stands. Its newest result was not routed if it is of the node the passage stands at, the snapshot names
 * another one as the last that was, and the marker of the plane is not that of the result, which routing writes.
 */
export function standingOf(
  files: Files,
  places: Places,
  passage: PythonActive,
  { lastResultPath, marker }: { lastResultPath: string | null; marker: string | undefined },
): Standing {
  const results = readRun(files, places, passage.run_id)?.results ?? []
  const begun = readInvocations(files, path.join(places.runtime, runFolder(passage.run_id))).at(-1)
  const newest = results.at(-1)
  const isNewestRouted =
    newest === undefined ||
    newest.node_id !== passage.node_id ||
    pathOf(newest) === lastResultPath ||
    newest.summary_status_marker === marker
  if (!isNewestRouted)
    return {
      atWork: { request_id: String(newest.metadata.request_id), hasResult: true },
      routed: results.length - 1,
    }
  const hasEnded = results.some(({ metadata }) => metadata.request_id === begun?.request_id)
  const isBegun = begun !== undefined && !hasEnded && begun.stage === passage.stage_kind_id
  return {
    atWork: isBegun ? { request_id: begun.request_id, hasResult: false } : null,
    routed: results.length,
  }
}
