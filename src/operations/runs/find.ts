/** Which run is meant, and what its records say. */
import { MillraceError } from '../../core/errors.ts'
import { isSafeId } from '../../core/ids.ts'
import { nearestId } from '../../core/nearest.ts'
import type { View } from '../../core/view.ts'
import type { Files } from '../../store/files.ts'
import { readRun, runIds } from '../../store/runs.ts'
import { type Context, placesIn } from '../context.ts'
import type { RunParts } from './summary.ts'

/** Null if the run has no folder yet, or there is no such run. */
export function partsOf(context: Context, view: View, files: Files, runId: string): RunParts | null {
  const folder = readRun(files, placesIn(context), runId)
  if (folder === null) return null
  const active = view.snapshot.active_runs.find((one) => one.run_id === runId) ?? null
  return { folder, active, planOf: view.planOf }
}

/** The run that is meant. Throws what `findRunId` does, and `run_unknown` if it has not started a stage yet. */
export function findRun(context: Context, view: View, files: Files, given: string): RunParts {
  const runId = findRunId(context, view, files, given)
  const parts = partsOf(context, view, files, runId)
  if (parts !== null) return parts
  throw new MillraceError('run_unknown', `Run ${runId} has not started a stage yet.`)
}

/** Throws `id_invalid`, `run_unknown`, and `item_ambiguous` for a start that several share. */
export function findRunId(context: Context, view: View, files: Files, given: string): string {
  if (!isSafeId(given)) {
    throw new MillraceError('id_invalid', `${JSON.stringify(given.slice(0, 80))} is not a run id.`, {
      hint: 'list the runs with `millrace runs ls`',
    })
  }
  const ids = [...new Set([...view.snapshot.active_runs.map((one) => one.run_id), ...runIds(files, placesIn(context))])]
  const found = ids.includes(given)
    ? [given]
    : ids.filter((id) => id.startsWith(given) || id.startsWith(`run-${given}`))
  if (found.length > 1) {
    const shown = found.slice(0, 5).join(', ')
    throw new MillraceError('item_ambiguous', `${given} is the start of ${found.length} runs: ${shown}.`, {
      hint: 'give more of the id',
    })
  }
  const [runId] = found
  if (runId !== undefined) return runId
  const near = nearestId(given, ids)
  throw new MillraceError('run_unknown', `There is no run ${given}.`, {
    hint: near === null ? 'list the runs with `millrace runs ls`' : `did you mean ${near}?`,
  })
}
