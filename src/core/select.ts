/** Select: which item a free lane takes next, and what keeps the others waiting. Pure; reads the view's index only. */
import { waitOf } from './backoff.ts'
import { leadsTo } from './dependencies.ts'
import type { ItemEntry, ItemKind } from './item.ts'
import type { ConcurrencyPolicy } from './mode.ts'
import { completionGraph, graphOf, nodeOf, type Plan } from './plan.ts'
import type { ActiveRun, RunnerWait, Snapshot } from './state.ts'
import type { View } from './view.ts'

export interface Selection {
  plane: string
  item: ItemEntry
}

/**
 * The next item to claim, or null. Planes are asked in claim order; within a plane kinds, within a kind the oldest
 * eligible item (spec 01 §2.2). `refused` holds `<kind>:<id>` of candidates that turned out unusable in this pass;
 * `admits` says which planes may claim at all.
 */
export function select(
  view: View,
  plan: Plan,
  refused: ReadonlySet<string> = new Set(),
  admits: (plane: string) => boolean = () => true,
): Selection | null {
  for (const { plane, kinds } of planesInOrder(plan, view.snapshot.last_claimed_plane)) {
    if (!admits(plane) || !mayStart(plane, view.snapshot.active_runs, plan.concurrency_policy)) continue
    for (const kind of kinds) {
      if (waitsOfKind(view, plan, plane, kind).length > 0) continue
      for (const item of view.items.queued(kind as ItemKind)) {
        if (!refused.has(`${item.kind}:${item.id}`) && isEligible(item, view, plan)) return { plane, item }
      }
    }
  }
  return null
}

/** Whether anything is queued that a plane of the plan claims. */
export const hasQueued = ({ plan, items }: View): boolean =>
  (plan?.claim_order.planes ?? []).some(({ kinds }) =>
    kinds.some((kind) => items.count(kind as ItemKind, 'queued') > 0),
  )

/**
 * What keeps items of a kind from being claimed while every stage they may begin with waits for its runner: claiming one
 * would only hold the lane. Empty if one of those stages can be started.
 */
export function waitsOfKind({ snapshot, now }: View, plan: Plan, plane: string, kind: string): RunnerWait[] {
  if (snapshot.runner_waits.length === 0) return []
  const entries = graphOf(plan, plane)?.entries.filter((entry) => entry.entry_key === kind) ?? []
  const waits = entries.map(({ node_id }) => {
    const node = nodeOf(plan, plane, node_id)
    return node ? waitOf(snapshot, node, now) : null
  })
  return waits.includes(null) ? [] : [...new Set(waits as RunnerWait[])]
}

/** True while a node is not started because the provider of its runner refuses work. */
export function isWaiting(
  snapshot: Pick<Snapshot, 'runner_waits'>,
  plan: Plan,
  plane: string,
  nodeId: string,
  now: string,
): boolean {
  const node = snapshot.runner_waits.length === 0 ? undefined : nodeOf(plan, plane, nodeId)
  return node !== undefined && waitOf(snapshot, node, now) !== null
}

/** Planes in the order they are asked for work. */
export function planesInOrder(plan: Plan, lastClaimed: string | null): Plan['claim_order']['planes'] {
  const { fairness, planes } = plan.claim_order
  if (fairness === 'strict') return planes
  return [
    ...planes.filter((entry) => entry.plane !== lastClaimed),
    ...planes.filter((entry) => entry.plane === lastClaimed),
  ]
}

/** Whether a run of `plane` may start beside the active ones. One run per plane; without a policy one run at all. */
export function mayStart(plane: string, active: readonly ActiveRun[], policy: ConcurrencyPolicy | null): boolean {
  return !active.some((run) => hinders(run, plane, policy))
}

/** Whether a run keeps one of `plane` from being started beside it. One that waits for an approval is in nobody's way. */
export function hinders(
  run: Pick<ActiveRun, 'plane'> & Partial<Pick<ActiveRun, 'status'>>,
  plane: string,
  policy: ConcurrencyPolicy | null,
): boolean {
  if (run.status === 'awaiting_approval') return false
  if (run.plane === plane || policy === null) return true
  const together = (groups: readonly (readonly string[])[]) =>
    groups.some((group) => group.includes(plane) && group.includes(run.plane))
  return together(policy.mutually_exclusive_planes) || !together(policy.may_run_concurrently)
}

export function isEligible(item: ItemEntry, view: View, plan: Plan): boolean {
  if (isDeferredByClosure(item, view, plan)) return false
  if (item.dependsOn.some((id) => dependencyState(item, id, view) !== 'done')) return false
  // A cancelled one has left its id free.
  return view.items.find(item.kind, item.id).filter(({ state }) => state !== 'cancelled').length === 1
}

/** A second root spec waits while a closure target is open (spec 02 §3.3). */
export function isDeferredByClosure(item: ItemEntry, view: View, plan: Plan): boolean {
  if (item.effectiveRoot !== item.id || completionGraph(plan)?.completion_behavior.opened_by_kind !== item.kind)
    return false
  return view.targets.some((target) => target.closure_open && target.root_spec_id !== item.id)
}

export type DependencyState = 'done' | 'waiting' | 'blocked' | 'cancelled' | 'unknown' | 'cycle'

type Waiting = Pick<ItemEntry, 'kind' | 'id' | 'dependsOn'>

/** How a dependency of a queued item stands. All but `done` and `waiting` need somebody's hand. */
export function dependencyState(item: Waiting, dependency: string, view: View): DependencyState {
  const places = view.items.find(item.kind, dependency)
  if (places.some((place) => place.state === 'done')) return 'done'
  if (places.length === 0) return 'unknown'
  if (places.some((place) => place.state === 'queued' || place.state === 'active')) {
    const unfinished = (id: string) => view.items.find(item.kind, id).filter(({ state }) => state !== 'done')
    const isCyclic = leadsTo([dependency], item.id, (id) => unfinished(id).flatMap((place) => place.dependsOn))
    return isCyclic ? 'cycle' : 'waiting'
  }
  return places.some((place) => place.state === 'blocked') ? 'blocked' : 'cancelled'
}

/** Dependencies that do not come about by themselves, by id (W-17). */
export function unsatisfiable(item: Waiting, view: View): Record<string, DependencyState> {
  return Object.fromEntries(
    item.dependsOn
      .map((id) => [id, dependencyState(item, id, view)] as const)
      .filter(([, state]) => state !== 'done' && state !== 'waiting'),
  )
}

/** Entry node for an item of a kind: the narrowest entry whose condition the document meets. */
export function entryNode(
  plan: Plan,
  plane: string,
  entryKey: string,
  fieldOf: (field: string) => unknown,
): string | null {
  const entries = graphOf(plan, plane)?.entries.filter((entry) => entry.entry_key === entryKey) ?? []
  const narrow = entries.find((entry) => entry.when !== null && fieldOf(entry.when.field) === entry.when.equals)
  return (narrow ?? entries.find((entry) => entry.when === null))?.node_id ?? null
}
