/** Which run is meant, and what its records say. */
import { derivedTransitions } from '../../core/derived-history.ts'
import { MillraceError } from '../../core/errors.ts'
import { idsMeant, isSafeId, requireOneMeant } from '../../core/ids.ts'
import { didYouMean, nearestId } from '../../core/nearest.ts'
import { graphOf, type Plan } from '../../core/plan.ts'
import type { View } from '../../core/view.ts'
import type { Files } from '../../store/files.ts'
import { readRun, runIds } from '../../store/runs.ts'
import { type Context, placesIn } from '../context.ts'
import { compileHere } from '../plan/compiling.ts'
import type { RunParts } from './summary.ts'

/** Null if the run has no folder yet, or there is no such run. */
export function partsOf(context: Context, view: View, files: Files, runId: string): RunParts | null {
  const folder = readRun(files, placesIn(context), runId)
  if (folder === null) return null
  const active = view.snapshot.active_runs.find((one) => one.run_id === runId) ?? null
  // Of a run with records that cannot be read nobody knows whether its last result was the last.
  const isOpen = active !== null || folder.malformed.length > 0
  const known = { results: folder.results, recorded: folder.transitions, isOpen }
  const derived = derivedTransitions(known, (plane) => {
    const plan = planInForce(context, view)
    return plan === null ? undefined : graphOf(plan, plane)
  })
  return { folder: { ...folder, transitions: [...derived, ...folder.transitions] }, active, planOf: view.planOf }
}

const compiled = new WeakMap<View, Plan | null>()

/** The plan of the workspace; before its first runtime has started, that which would be put in force. */
function planInForce(context: Context, view: View): Plan | null {
  if (view.plan !== null) return view.plan
  if (!compiled.has(view)) compiled.set(view, planHere(context))
  return compiled.get(view) ?? null
}

function planHere(context: Context): Plan | null {
  try {
    return compileHere(context).plan
  } catch (error) {
    if (MillraceError.is(error)) return null
    throw error
  }
}

/** The run that is meant. Throws what `findRunId` does, and `run_unknown` if it has not started a stage yet. */
export function findRun(context: Context, view: View, files: Files, given: string): RunParts {
  const runId = findRunId(context, view, files, given)
  const parts = partsOf(context, view, files, runId)
  if (parts !== null) return parts
  throw new MillraceError('run_unknown', `Run ${runId} has not started a stage yet.`)
}

/** Ids of the active runs, and of those that left a folder. */
export const runIdsKnown = (context: Context, view: View, files: Files): string[] => [
  ...new Set([...view.snapshot.active_runs.map((one) => one.run_id), ...runIds(files, placesIn(context))]),
]

/** Ids of the runs that a text means; several, for a start that they share. */
export const runsMeant = (context: Context, view: View, files: Files, given: string): string[] =>
  idsMeant(given, runIdsKnown(context, view, files), 'run-')

/** Throws `id_invalid`, `run_unknown`, and `item_ambiguous` for a start that several share. */
export function findRunId(context: Context, view: View, files: Files, given: string): string {
  if (!isSafeId(given)) {
    throw new MillraceError('id_invalid', `${JSON.stringify(given.slice(0, 80))} is not a run id.`, {
      hint: 'list the runs with `millrace runs ls`',
    })
  }
  const found = runsMeant(context, view, files, given)
  requireOneMeant(given, found, 'runs')
  const [runId] = found
  if (runId !== undefined) return runId
  const near = nearestId(given, runIdsKnown(context, view, files))
  throw new MillraceError('run_unknown', `There is no run ${given}.`, {
    hint: didYouMean(near, 'list the runs with `millrace runs ls`'),
  })
}
