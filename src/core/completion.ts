/**
 * Completion: closure targets. A root spec opens one when it is claimed; once its lineage is finished, the plan's
 * completion stage judges it. Pure; nothing here knows which stage that is (spec 02 §6, W-04, W-09, W-10, W-11).
 */
import { Draft } from './changes.ts'
import type { ItemEntry } from './item.ts'
import type { CompletionBehavior } from './loop.ts'
import { completionGraph, nodeOf, type Plan, type PlanNode } from './plan.ts'
import type { ActiveRun, ClosureTarget } from './state.ts'
import type { View } from './view.ts'

export const closurePaths = (root: string, idea: string) => ({
  spec: `millrace-agents/arbiter/contracts/root-specs/${root}.md`,
  idea: `millrace-agents/arbiter/contracts/ideas/${idea}.md`,
  rubric: `millrace-agents/arbiter/rubrics/${root}.md`,
  verdict: `millrace-agents/arbiter/verdicts/${root}.json`,
})

/** Where the seed idea of a root spec may lie, in the order it is looked for (spec 02 §6.1). */
function ideaPlaces(spec: { sourceId: string | null; rootIdeaId: string; references: readonly string[] }): string[] {
  return [
    `millrace-agents/intake/ideas/${spec.rootIdeaId}.md`,
    ...spec.references.filter(
      (reference) => reference.endsWith('.md') && !reference.startsWith('/') && !reference.split('/').includes('..'),
    ),
    ...(spec.sourceId ? [`ideas/inbox/${spec.sourceId}.md`] : []),
    `ideas/inbox/${spec.rootIdeaId}.md`,
  ]
}

export interface RootSpec {
  id: string
  text: string
  rootSpecId: string | null
  rootIdeaId: string | null
  sourceId: string | null
  sourceType: string
  references: readonly string[]
}

export type Opening =
  | { opened: true }
  | { opened: false; reason: 'not_a_root' | 'exists' }
  | { opened: false; reason: 'missing_root_idea_source'; looked: string[] }

/** Adds what opens the closure target of a root spec to the draft; says why if it cannot. */
export function openTarget(draft: Draft, view: View, spec: RootSpec): Opening {
  if (spec.rootSpecId !== spec.id || spec.rootIdeaId === null) return { opened: false, reason: 'not_a_root' }
  if (view.targets.some((target) => target.root_spec_id === spec.id)) return { opened: false, reason: 'exists' }
  const places = ideaPlaces({ sourceId: spec.sourceId, rootIdeaId: spec.rootIdeaId, references: spec.references })
  // A spec written by hand that names itself as its idea is its own seed.
  const ownSeed = spec.sourceType === 'manual' && spec.rootIdeaId === spec.id ? spec.text : null
  const idea = places.map((place) => view.readFile(place)).find((text) => text !== null) ?? ownSeed
  if (idea === null) return { opened: false, reason: 'missing_root_idea_source', looked: places }
  const paths = closurePaths(spec.id, spec.rootIdeaId)
  const target: ClosureTarget = {
    schema_version: '2.0',
    kind: 'closure_target_state',
    root_spec_id: spec.id,
    root_idea_id: spec.rootIdeaId,
    root_spec_path: paths.spec,
    root_idea_path: paths.idea,
    rubric_path: paths.rubric,
    latest_verdict_path: null,
    latest_report_path: null,
    closure_open: true,
    blocking_work_ids: [],
    opened_at: view.now,
    closed_at: null,
    last_arbiter_run_id: null,
    rounds: 0,
    finished_items_at_last_round: null,
    held: null,
  }
  draft.add(
    { change: 'document.put', path: paths.spec.slice('millrace-agents/'.length), text: spec.text, once: true },
    { change: 'document.put', path: paths.idea.slice('millrace-agents/'.length), text: idea, once: true },
    { change: 'closure.put', target },
  )
  draft.event('closure_target_opened', { root_spec_id: spec.id, root_idea_id: spec.rootIdeaId })
  return { opened: true }
}

/** Items that keep a target from being judged. A blocked item whose incident is finished no longer counts (W-11). */
export function openLineageWork(view: View, root: string, behavior: CompletionBehavior): ItemEntry[] {
  return view.items
    .openLineage(root)
    .filter(
      (item) =>
        item.state !== 'blocked' || (behavior.blocked_work_policy === 'suppress' && !view.items.isSucceeded(item)),
    )
}

export interface CompletionStep {
  draft: Draft
  /** A root spec without target whose text is needed to open one; the engine reads it and calls `backfill`. */
  backfill: ItemEntry | null
  run: ActiveRun | null
}

/** What is due when nothing runs and nothing can be claimed. `runId` is used if a judgement starts. */
export function completionStep(view: View, plan: Plan, runId: string): CompletionStep {
  const draft = new Draft(view)
  const graph = completionGraph(plan)
  const node = graph && nodeOf(plan, graph.plane, graph.completion_behavior.target_node_id)
  if (!graph || !node) return { draft, backfill: null, run: null }
  const behavior = graph.completion_behavior
  const target = [...view.targets]
    .filter((candidate) => candidate.closure_open)
    .sort((a, b) => (a.opened_at < b.opened_at ? -1 : 1))[0]
  if (!target) return { draft, backfill: backfillCandidate(draft, view, node, behavior), run: null }

  const blocking = openLineageWork(view, target.root_spec_id, behavior).map((item) => item.id)
  const unique = [...new Set(blocking)]
  if (unique.join('\n') !== target.blocking_work_ids.join('\n'))
    draft.add({ change: 'closure.put', target: { ...target, blocking_work_ids: unique } })
  // A judgement that waits for a person's answer is one that is under way.
  const isJudged = view.snapshot.active_runs.some((one) => one.closure_target_root_spec_id === target.root_spec_id)
  if (unique.length > 0 || isJudged || isHeld(target, view)) return { draft, backfill: null, run: null }

  const run = newRun(view.now, {
    runId,
    plane: graph.plane,
    nodeId: node.node_id,
    stageKindId: node.stage_kind_id,
    planId: plan.compiled_plan_id,
    closureRoot: target.root_spec_id,
  })
  draft.putRun(run)
  return { draft, backfill: null, run }
}

function isHeld(target: ClosureTarget, view: View): boolean {
  const held = target.held
  if (held === null) return false
  if (view.snapshot.finished_items > held.finished_items) return false
  return held.retry_at === null || Date.parse(view.now) < Date.parse(held.retry_at)
}

/** Time at which a held target is due again, or null. */
export function nextClosureTime(view: View): number | null {
  const times = view.targets.flatMap((target) =>
    target.closure_open && target.held?.retry_at ? [Date.parse(target.held.retry_at)] : [],
  )
  return times.length > 0 ? Math.min(...times) : null
}

/** The newest root spec that never had a target (spec 02 §6.3). One without lineage ids is told once. */
function backfillCandidate(draft: Draft, view: View, node: PlanNode, behavior: CompletionBehavior): ItemEntry | null {
  const { plane } = node
  const kind = behavior.opened_by_kind as ItemEntry['kind']
  const candidates = (['done', 'queued', 'active', 'blocked'] as const)
    .flatMap((state) => view.items.inState(kind, state))
    .filter((item) => item.effectiveRoot === item.id)
    .sort((a, b) => b.createdMs - a.createdMs || (a.id < b.id ? 1 : -1))
  const spec = candidates[0]
  if (!spec || view.targets.some((target) => target.root_spec_id === spec.id)) return null
  if (spec.rootSpecId === spec.id && spec.rootIdeaId !== null) return spec
  const told = draft.announce('completion_behavior_blocked', plane, `missing_root_lineage:${spec.id}`, {
    reason: 'missing_root_lineage',
    spec_id: spec.id,
    spec_path: `millrace-agents/specs/${spec.state === 'queued' ? 'queue' : spec.state}/${spec.id}.md`,
  })
  if (told) {
    draft.mark(plane, node.failure_outcome)
    draft.snapshot.failure_class_by_plane = {
      ...draft.snapshot.failure_class_by_plane,
      [plane]: 'missing_root_lineage',
    }
  }
  return null
}

export function newRun(
  now: string,
  at: {
    runId: string
    plane: string
    nodeId: string
    stageKindId: string
    planId: string
    item?: { kind: string; id: string }
    closureRoot?: string
  },
): ActiveRun {
  return {
    run_id: at.runId,
    plane: at.plane,
    node_id: at.nodeId,
    stage_kind_id: at.stageKindId,
    request_kind: at.item ? 'active_work_item' : 'closure_target',
    work_item_kind: at.item?.kind ?? null,
    work_item_id: at.item?.id ?? null,
    closure_target_root_spec_id: at.closureRoot ?? null,
    compiled_plan_id: at.planId,
    status: 'ready',
    request_id: null,
    active_since: now,
    stage_since: now,
    stage_runs: 0,
    failure_class: null,
    runtime_error: null,
    edge_uses: {},
    previous_attempt: null,
    interruptions: 0,
    environment_failures: 0,
    not_before: null,
    last_transition: null,
    held: null,
    cancel_requested: null,
  }
}
