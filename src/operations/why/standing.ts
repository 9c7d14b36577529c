/**
 * Everything that stands before a queued item, not just the first thing: the runtime, pauses, lanes, order, dependencies,
 * closure, providers. Pure, and by the same predicates that choose what is claimed (core/select.ts).
 */
import type { ItemEntry } from '../../core/item.ts'
import type { Plan } from '../../core/plan.ts'
import {
  dependencyState,
  hinders,
  isDeferredByClosure,
  isEligible,
  planesInOrder,
  waitsOfKind,
} from '../../core/select.ts'
import type { ActiveRun, PauseSource, RunnerWait, Snapshot } from '../../core/state.ts'
import { USAGE } from '../../core/usage.ts'
import type { View } from '../../core/view.ts'
import {
  byItself,
  inItem,
  inPlan,
  inSnapshot,
  inTarget,
  type Next,
  type Obstacle,
  person,
  type Wait,
} from './account.ts'
import { absence, type Presence } from './presence.ts'
import { comingBack } from './recovery.ts'

/** What stands before a queued item, the runtime's own obstacles first. Empty: it is claimed at the next tick. */
export function standsBefore(item: ItemEntry, view: View, presence: Presence): Obstacle[] {
  const general = [...absence(presence), ...pauses(view.snapshot)]
  const own = [...dependencies(item, view, presence), ...duplicates(item, view), ...taken(item, view)]
  const { plan } = view
  if (plan === null) return [...general, noPlan(), ...own]
  const lane = plan.claim_order.planes.find(({ kinds }) => kinds.includes(item.kind))
  if (lane === undefined) return [...general, noLane(item, plan), ...own]
  return [
    ...general,
    ...own,
    ...closure(item, view, plan),
    ...providers(view, plan, lane.plane, item.kind),
    ...lanes(view.snapshot.active_runs, plan, lane.plane),
    ...order(item, view, plan, lane.plane),
  ]
}

// ---- the runtime as a whole ------------------------------------------------------------------------------------------

/** Pause sources that a person's `resume` clears; the others clear themselves (see the command). */
const RESUMABLE = ['operator', 'environment']
export const RESUME = 'millrace control resume'

export function pauses({ pause_sources, usage_governance }: Snapshot): Obstacle[] {
  return pause_sources.map((pause) => {
    const isClear = pause.source === USAGE && (usage_governance?.blockers.length ?? 0) === 0
    const resumable = RESUMABLE.includes(pause.source) || isClear
    return {
      ...inSnapshot,
      at: pause.since,
      code: 'paused',
      fact: `paused by ${pause.source}: ${pause.reason}`,
      wait: waitOfPause(pause),
      next: nextOfPause(pause, resumable),
      can: resumable ? [RESUME] : [],
    }
  })
}

function waitOfPause({ source, until }: PauseSource): Wait {
  if (source === USAGE) return 'quota'
  return until === null ? 'human' : 'backoff'
}

function nextOfPause({ source, until }: PauseSource, resumable: boolean): Next {
  if (until !== null) return byItself(`the pause by ${source} clears itself`, until)
  if (resumable) return person(`clear the pause by ${source}`)
  return person(`mend what ${source} says; the pause clears itself then`)
}

function noPlan(): Obstacle {
  return {
    ...inSnapshot,
    at: null,
    code: 'no_plan',
    fact: 'no plan is compiled yet',
    wait: 'turn',
    next: byItself('the next runtime compiles one as it starts'),
    can: ['millrace compile validate'],
  }
}

function noLane(item: ItemEntry, plan: Plan): Obstacle {
  return {
    ...inPlan,
    at: plan.compiled_at,
    code: 'no_lane',
    fact: `no plane of mode ${plan.mode_id} takes items of kind ${item.kind}`,
    wait: 'human',
    next: person('run a mode that takes such items'),
    can: ['millrace modes ls'],
  }
}

// ---- the item itself -------------------------------------------------------------------------------------------------

function dependencies(item: ItemEntry, view: View, presence: Presence): Obstacle[] {
  return item.dependsOn.flatMap((id): Obstacle[] => {
    const standing = dependencyState(item, id, view)
    if (standing === 'done') return []
    const place = view.items.find(item.kind, id).find((one) => one.state !== 'cancelled')
    const state = place?.state === 'quarantined' ? 'quarantined' : standing
    const told = `${item.kind} ${id}`
    const back = place === undefined || state !== 'blocked' ? null : comingBack(place, view, presence)
    const facts: Record<typeof state, { fact: string; next: Next; can: string[] }> = {
      waiting: {
        fact: `it depends on ${told}, which is ${place?.state}`,
        next: byItself(`${told} is finished`),
        can: [`millrace why ${id}`],
      },
      blocked: {
        fact: `it depends on ${told}, which is ${place?.state}${back === null ? '' : ` and ${back.clause}`}`,
        next: back?.obstacle.next ?? person(`put ${told} back into its queue, or take it out for good`),
        can: [`millrace queue retry ${id}`],
      },
      cancelled: {
        fact: `it depends on ${told}, which was cancelled`,
        next: person('let it depend on something else, or cancel it as well'),
        can: [],
      },
      quarantined: {
        fact: `it depends on ${told}, which was set aside`,
        next: person(`bring ${told} back, or let this one depend on something else`),
        can: [`millrace queue release ${id}`],
      },
      unknown: {
        fact: `it depends on ${told}, which there is not`,
        next: person(`add ${told}, or take the dependency away`),
        can: [],
      },
      cycle: {
        fact: `it depends on ${told}, which in the end depends on it`,
        next: person('break the cycle'),
        can: [],
      },
    }
    const wait = back?.obstacle.wait ?? (state === 'waiting' ? 'dependency' : 'human')
    const source = place === undefined ? inItem(item) : inItem(place)
    return [{ ...source, at: place?.createdAt ?? item.createdAt, code: `dependency_${state}`, wait, ...facts[state] }]
  })
}

function duplicates(item: ItemEntry, view: View): Obstacle[] {
  const others = view.items
    .find(item.kind, item.id)
    .filter((place) => place.state !== item.state && place.state !== 'cancelled')
  return others.map((other) => ({
    ...inItem(other),
    at: null,
    code: 'duplicate',
    fact: `the same id lies in ${other.state} too, so neither is claimed`,
    wait: 'human' as const,
    next: person('move one of the two files away, or cancel it'),
    can: [],
  }))
}

/** Something that is no document of that id lies where the item would be moved to. */
function taken(item: ItemEntry, view: View): Obstacle[] {
  const place = { kind: item.kind, id: item.id, state: 'active' as const }
  if (!isTaken(item, view)) return []
  return [
    {
      ...inItem(place),
      at: null,
      code: 'place_taken',
      fact: 'something that cannot be read lies where it would go once it is claimed',
      wait: 'human',
      next: person('move away what lies there'),
      can: [],
    },
  ]
}

const isTaken = ({ kind, id }: ItemEntry, view: View): boolean =>
  view.items.invalid().some((one) => one.kind === kind && one.state === 'active' && one.file === `${id}.md`)

function closure(item: ItemEntry, view: View, plan: Plan): Obstacle[] {
  if (!isDeferredByClosure(item, view, plan)) return []
  return view.targets
    .filter((target) => target.closure_open && target.root_spec_id !== item.id)
    .map((target) => ({
      ...inTarget(target.root_spec_id),
      at: target.opened_at,
      code: 'closure_open',
      fact: `root spec ${target.root_spec_id} is still open, and root specs are worked through one after the other`,
      wait: 'turn' as const,
      next: byItself(`${target.root_spec_id} closes`),
      can: [`millrace why ${target.root_spec_id}`],
    }))
}

// ---- its turn --------------------------------------------------------------------------------------------------------

function providers(view: View, plan: Plan, plane: string, kind: string): Obstacle[] {
  return waitsOfKind(view, plan, plane, kind).map(refusal)
}

/** A provider that refuses work until some time. */
export function refusal(wait: RunnerWait): Obstacle {
  const model = wait.model_name === null ? '' : ` (${wait.model_name})`
  return {
    ...inSnapshot,
    at: wait.since,
    code: wait.cause === 'quota' ? 'quota' : 'rate_limit',
    fact: `the provider of ${wait.runner_name}${model} refuses work (${wait.cause}): ${wait.reason}`,
    wait: wait.cause === 'quota' ? 'quota' : 'backoff',
    next: { what: 'the limit of the provider ends', when: wait.until, who: 'provider' },
    can: [RESUME],
  }
}

/** Runs in whose way another would be on a plane. */
export function lanes(active: readonly ActiveRun[], plan: Plan, plane: string): Obstacle[] {
  return active
    .filter((run) => hinders(run, plane, plan.concurrency_policy))
    .map((run) => ({
      ...inSnapshot,
      at: run.active_since,
      code: 'lane_busy',
      fact: `the lane is busy: ${workOf(run)} is at ${run.node_id} of plane ${run.plane} (${run.run_id})`,
      wait: 'turn' as const,
      next: byItself(`${run.run_id} ends`),
      can: [`millrace why ${run.run_id}`],
    }))
}

export const workOf = (run: ActiveRun): string =>
  run.work_item_id === null
    ? `closure of ${run.closure_target_root_spec_id}`
    : `${run.work_item_kind} ${run.work_item_id}`

/** Items that are claimed before this one, and would keep its lane busy. */
function order(item: ItemEntry, view: View, plan: Plan, plane: string): Obstacle[] {
  const before = itemsBefore(item, view, plan, plane)
  const [first] = before
  if (first === undefined) return []
  const names = before.slice(0, NAMED_MAX).map((one) => one.id)
  const rest = before.length > names.length ? ` and ${before.length - names.length} more` : ''
  return [
    {
      ...inItem(first),
      at: first.createdAt,
      code: 'behind',
      fact: `${before.length === 1 ? '1 item is' : `${before.length} items are`} before it in the order of claims: ${names.join(', ')}${rest}`,
      wait: 'turn',
      next: byItself(`${names.join(', ')}${rest} ${before.length === 1 ? 'is' : 'are'} worked through first`),
      can: [],
    },
  ]
}

const NAMED_MAX = 3

/** Those only that could be claimed now: what waits for something else does not hold up what comes after it. */
function itemsBefore(item: ItemEntry, view: View, plan: Plan, plane: string): ItemEntry[] {
  const before: ItemEntry[] = []
  for (const entry of planesInOrder(plan, view.snapshot.last_claimed_plane)) {
    const isSame = entry.plane === plane
    if (!isSame && !hinders({ plane: entry.plane }, plane, plan.concurrency_policy)) continue
    for (const kind of entry.kinds) {
      if (waitsOfKind(view, plan, entry.plane, kind).length > 0) continue
      for (const other of view.items.queued(kind as ItemEntry['kind'])) {
        if (isSame && other.kind === item.kind && other.id === item.id) return before
        if (isEligible(other, view, plan) && !isTaken(other, view)) before.push(other)
      }
    }
    if (isSame) return before
  }
  return before
}
