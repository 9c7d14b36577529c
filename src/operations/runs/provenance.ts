/**
 * Why a run went as it did: the plan that was frozen for it and what that bound, what would be chosen now, and every
 * decision in order. Records that contradict each other are an error; nothing is put together from two runs or plans.
 */
import * as path from 'node:path'
import { MillraceError } from '../../core/errors.ts'
import { sha256 } from '../../core/ids.ts'
import { graphOf, nodeOf, type Plan, skillsGiven } from '../../core/plan.ts'
import { planDiff } from '../../core/plan-diff.ts'
import type { StageRequest } from '../../core/request.ts'
import { amount, anything, listOf, mapOf, type Shape, text } from '../../core/shape.ts'
import type { Transition } from '../../core/transition.ts'
import type { Files } from '../../store/files.ts'
import { RUNTIME_ROOT } from '../../store/layout.ts'
import { explanationOf, selectionOf } from '../plan/selection.ts'
import type { HistoryRecord, RunsProvenanceOutput } from '../schemas/provenance.ts'
import { agreed } from './agreement.ts'
import { aboutRun, type RunParts, requestIdOf, runState } from './summary.ts'
import { derivationNotes } from './trace.ts'

/** What would be compiled now, or why that cannot be told. */
export type Preview = { plan: Plan } | { error: string }

/** Throws `records_disagree`. */
export function provenanceOf(files: Files, workspaceRoot: string, parts: RunParts, preview: Preview) {
  const { folder } = parts
  const { plane, compiled_plan_id: _, mode_id: __, ...work } = aboutRun(parts)
  const { planId, notes } = agreed(files, workspaceRoot, parts)
  const plan = planId === null ? null : parts.planOf(planId)
  const requests = inOrder(folder)
  const own = (name: string) => {
    const file = path.join(folder.path, name)
    return files.stat(file)?.kind === 'file' ? file : null
  }
  const planPath = planId === null ? null : path.join(workspaceRoot, RUNTIME_ROOT, 'state/plans', planId, 'plan.json')
  return {
    run_id: folder.run_id,
    state: runState(parts),
    plane,
    ...work,
    selection: plan === null || plane === null ? null : selectionOf(plan, [plane]),
    selection_explanation: plan === null || plane === null ? [] : explanationOf(plan, [plane]),
    ...previewOf(plan, plane, preview),
    runtime_history: folder.transitions.map(historyRecord),
    compile_snapshot: plan === null ? null : withoutTexts(plan),
    documents_handed_in: requests.flatMap((request) => handedIn(files, request, folder.transitions)),
    skill_revisions: requests.flatMap((request) => skillsOf(request, plan)),
    evidence_trees: folder.results.flatMap((result) => {
      const tree = result.working_tree
      return tree ? [{ request_id: requestIdOf(result), node_id: result.node_id, ...tree }] : []
    }),
    snapshot_path: own('resolved_snapshot.json'),
    compiled_plan_path: planPath !== null && files.stat(planPath) !== null ? planPath : null,
    transition_history_path: own('transition_history.jsonl'),
    notes: [
      ...folder.malformed.map((file) => `${file} cannot be read`),
      ...(plan === null ? [`the frozen plan${planId === null ? '' : ` ${planId}`} is gone`] : []),
      ...derivationNotes(folder.transitions),
      ...notes,
    ],
  } satisfies RunsProvenanceOutput
}

/** Requests as their stages were settled; those that never were come last. */
function inOrder({ requests, transitions }: RunParts['folder']): RunParts['folder']['requests'] {
  const settled = transitions.map((one) => one.request_id)
  const place = ({ request_id }: StageRequest) => {
    const at = settled.indexOf(request_id)
    return at < 0 ? settled.length : at
  }
  return [...requests].sort((a, b) => place(a) - place(b))
}

/** What the request says; one that an older version wrote says it by its plan alone. */
function skillsOf(request: StageRequest, plan: Plan | null): RunsProvenanceOutput['skill_revisions'] {
  const { request_id, node_id, plane, skill_revisions } = request
  const node = plan === null || skill_revisions.length > 0 ? undefined : nodeOf(plan, plane, node_id)
  const given = node === undefined ? skill_revisions : skillsGiven(plan!, node)
  return given.map((one) => ({ request_id, node_id, ...one }))
}

type PreviewKeys = `current_preview${'' | '_explanation' | '_error' | '_changes'}`

function previewOf(
  frozen: Plan | null,
  plane: string | null,
  preview: Preview,
): Pick<RunsProvenanceOutput, PreviewKeys> {
  const failed = (current_preview_error: string) => ({
    current_preview: null,
    current_preview_explanation: [],
    current_preview_error,
    current_preview_changes: null,
  })
  if ('error' in preview) return failed(preview.error)
  if (plane === null) return failed('the lane of the run is not on record')
  const { plan } = preview
  if (graphOf(plan, plane) === undefined) return failed(`mode ${plan.mode_id} has no lane ${plane} now`)
  return {
    current_preview: selectionOf(plan, [plane]),
    current_preview_explanation: explanationOf(plan, [plane]),
    current_preview_error: null,
    current_preview_changes:
      frozen === null
        ? null
        : planDiff(frozen, plan).filter((change) => change.plane === null || change.plane === plane),
  }
}

function withoutTexts(plan: Plan): NonNullable<RunsProvenanceOutput['compile_snapshot']> {
  const { entrypoint_texts: texts, ...rest } = plan
  const hashes = Object.entries(texts).map(([file, content]) => [file, sha256(content)])
  return { ...rest, entrypoint_hashes: Object.fromEntries(hashes) }
}

/** Members of a record in the order they are shown; what is of another kind than it should be counts as absent. */
const MEMBERS: { [name in keyof HistoryRecord]: Shape<unknown> } = {
  event_id: text,
  previous_event_id: text,
  run_id: text,
  request_id: text,
  frozen_plan: mapOf(text),
  timestamp: text,
  observed_timestamp: text,
  phase: text,
  event_name: text,
  source: text,
  plane: text,
  node_id: text,
  kind_id: text,
  outcome: text,
  result_class: text,
  failure_class: text,
  selected_edge_id: text,
  selected_node_id: text,
  selected_terminal_state_id: text,
  selected_edge_reason: text,
  condition_inputs: mapOf(anything),
  status_before: text,
  status_after: text,
  active_task_before: text,
  active_task_after: text,
  artifacts_emitted: listOf(text),
  queue_mutations_applied: listOf(text),
  bound_execution_parameters: mapOf(anything),
  started_at: text,
  completed_at: text,
  duration_seconds: amount,
  token_usage: mapOf(amount),
}

function historyRecord(transition: Transition): HistoryRecord {
  const raw = transition as unknown as Record<string, unknown>
  const members = Object.entries(MEMBERS).map(([name, shape]) => [name, shape(raw[name]) ? raw[name] : null])
  return Object.fromEntries(members) as HistoryRecord
}

/** Documents in the outbox of a stage run, and whether settling it put them into a queue. */
function handedIn(
  files: Files,
  request: RunParts['folder']['requests'][number],
  transitions: readonly Transition[],
): RunsProvenanceOutput['documents_handed_in'] {
  const names = (folder: string) => (files.list(folder) ?? []).filter((name) => !name.startsWith('.')).sort()
  const decision = transitions.find((one) => one.request_id === request.request_id)
  return names(request.outbox_dir).flatMap((kind) =>
    names(path.join(request.outbox_dir, kind)).map((name) => {
      const item_id = name.replace(/\.md$/, '')
      return {
        request_id: request.request_id,
        node_id: request.node_id,
        kind,
        item_id,
        path: path.join(request.outbox_dir, kind, name),
        queued: decision?.queue_mutations_applied?.includes(`${kind} ${item_id} queued`) ?? false,
      }
    }),
  )
}

/** Why there is no preview, from what compiling threw; anything but an operator's mistake is thrown on. */
export function previewFrom(compile: () => { plan: Plan | null; error: string | null }): Preview {
  try {
    const { plan, error } = compile()
    return plan === null ? { error: error ?? 'the mode does not compile' } : { plan }
  } catch (thrown) {
    if (!MillraceError.is(thrown)) throw thrown
    return { error: thrown.message }
  }
}
