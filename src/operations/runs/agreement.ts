/** Whether everything a run left speaks of one run and one plan. */
import * as path from 'node:path'
import { clip } from '../../core/clip.ts'
import { isDerived, isOfPython } from '../../core/derived-history.ts'
import { MillraceError } from '../../core/errors.ts'
import { canonicalJson, sha256 } from '../../core/ids.ts'
import { maybe, record, text } from '../../core/shape.ts'
import { NO_PLAN } from '../../core/state.ts'
import { graphsHash } from '../../core/transition.ts'
import { type Files, readText } from '../../store/files.ts'
import { RUNTIME_ROOT } from '../../store/layout.ts'
import type { RunParts } from './summary.ts'

const isSnapshot = record({ run_id: text, compiled_plan_id: text, mode_id: text })
const isFrozen = record({ plan_id: text, run_id: maybe(text), content_hash: maybe(text) })

/** Gives the plan all records name, null if none does; throws `records_disagree` where two of them differ. */
export function agreed(
  files: Files,
  workspaceRoot: string,
  { folder, active, planOf }: RunParts,
): { planId: string | null; notes: string[] } {
  const notes: string[] = []
  const recorded = folder.transitions.filter((transition) => !isDerived(transition))
  // A run that another runtime began goes on under a plan of ours.
  const isTakenOver = active !== null || recorded.length > 0
  const snapshot = readSnapshot(files, folder.path, notes)
  const claims: Claim[] = [
    ...(snapshot === null
      ? []
      : [{ by: 'resolved_snapshot.json', run: snapshot.run_id, plan: snapshot.compiled_plan_id }]),
    ...(active === null || active.compiled_plan_id === NO_PLAN
      ? []
      : [{ by: 'the runtime snapshot', run: active.run_id, plan: active.compiled_plan_id }]),
    ...folder.requests.map((request) => ({
      by: `stage_requests/${request.request_id}.json`,
      run: request.run_id,
      plan: request.compiled_plan_id,
    })),
    ...folder.results.map((result) => ({
      by: `the stage result of ${result.node_id} at ${result.completed_at}`,
      run: result.run_id,
      plan: isTakenOver && isOfPython(result) ? null : textOr(result.metadata.compiled_plan_id),
    })),
    ...recorded.flatMap((transition) => {
      const { run_id } = transition as unknown as Record<string, unknown>
      const frozen = isFrozen(transition.frozen_plan) ? transition.frozen_plan : null
      const by = `${transition.event_id} of transition_history.jsonl`
      return [
        { by, run: textOr(run_id), plan: transition.frozen_plan.plan_id },
        { by, run: frozen?.run_id ?? null, plan: null },
      ]
    }),
  ]
  for (const { by, run } of claims) {
    if (run !== null && run !== folder.run_id) throw disagree(folder.run_id, `${by} belongs to ${run}`)
  }
  const [first] = claims.filter(({ plan }) => plan !== null)
  for (const { by, plan } of claims) {
    if (first && plan !== null && plan !== first.plan)
      throw disagree(folder.run_id, `${by} names plan ${plan}, but ${first.by} names ${first.plan}`)
  }
  requireChain({ ...folder, transitions: recorded })
  const planId = first?.plan ?? null
  if (planId !== null && planOf(planId) !== null)
    requireFrozen(files, workspaceRoot, planId, { ...folder, transitions: recorded }, planOf(planId)!)
  return { planId, notes }
}

interface Claim {
  by: string
  run: string | null
  plan: string | null
}

const textOr = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** Ids in records that somebody changed may be anything. */
const WHAT_CHARS_MAX = 400

const disagree = (runId: string, what: string): MillraceError =>
  new MillraceError(
    'records_disagree',
    `The records of ${runId} contradict each other: ${clip(what, WHAT_CHARS_MAX)}.`,
    {
      hint: 'compare the files of its run folder; something changed them after they were written',
    },
  )

function readSnapshot(files: Files, folder: string, notes: string[]) {
  const name = 'resolved_snapshot.json'
  try {
    const found = readText(files, path.join(folder, name))
    if (found === null) {
      notes.push(`${name} is missing`)
      return null
    }
    const value: unknown = JSON.parse(found)
    if (isSnapshot(value)) return value
  } catch {
    // told below, like one of another form
  }
  notes.push(`${name} cannot be read`)
  return null
}

/** Every record names the one before it. */
function requireChain({ run_id, transitions, malformed }: RunParts['folder']): void {
  if (malformed.includes('transition_history.jsonl')) return
  let before: string | null = null
  for (const transition of transitions) {
    const previous = (transition as unknown as Record<string, unknown>).previous_event_id
    if (previous !== undefined && previous !== before) {
      const found = previous === null ? 'nothing' : String(previous)
      throw disagree(run_id, `${transition.event_id} of its history follows ${found}, not ${before ?? 'nothing'}`)
    }
    before = transition.event_id
  }
}

/** The plan that is kept is the one the run was decided by: its content has the hash that is in its name and history. */
function requireFrozen(
  files: Files,
  workspaceRoot: string,
  planId: string,
  { run_id, transitions }: RunParts['folder'],
  plan: Parameters<typeof graphsHash>[0],
): void {
  const file = path.join(workspaceRoot, RUNTIME_ROOT, 'state/plans', planId, 'plan.json')
  // As it was written: a version that knows more members fills them in as it reads.
  const written = graphsIn(files, file)
  const hashes = [graphsHash(plan), ...(written === null ? [] : [sha256(canonicalJson(written)).slice(0, 12)])]
  for (const transition of transitions) {
    const hash = isFrozen(transition.frozen_plan) ? (transition.frozen_plan.content_hash ?? null) : null
    if (hash !== null && !hashes.includes(hash)) {
      throw disagree(
        run_id,
        `${transition.event_id} was decided by content ${hash}, but plan ${planId} has ${hashes[0]}`,
      )
    }
  }
}

function graphsIn(files: Files, file: string): unknown {
  try {
    const plan = JSON.parse(readText(files, file) ?? 'null') as { graphs_by_plane?: unknown } | null
    return plan?.graphs_by_plane ?? null
  } catch {
    return null
  }
}
