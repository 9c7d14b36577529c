/** Keys of status that tools of the seed read, derived from the facts: per lane, of the closure target, of a failure. Pure. */
import type { ItemKind } from '../../core/item.ts'
import type { Plan } from '../../core/plan.ts'
import { USAGE } from '../../core/usage.ts'
import type { PlaneKeys, StatusOutput } from '../schemas/status.ts'
import type { Facts } from './facts.ts'

/** Planes the seed knows come first, in its order. */
const PLANE_ORDER = ['execution', 'planning', 'learning']
const KINDS_BEFORE_FIRST_PLAN: Record<string, ItemKind[]> = { execution: ['task'], planning: ['spec', 'incident'] }

/** Work item kinds each lane of the plan claims, in the order lanes are listed. */
export function kindsByPlane(plan: Plan | null): [plane: string, kinds: readonly ItemKind[]][] {
  if (plan === null) return Object.entries(KINDS_BEFORE_FIRST_PLAN)
  const rank = (plane: string) => (PLANE_ORDER.includes(plane) ? PLANE_ORDER.indexOf(plane) : PLANE_ORDER.length)
  return Object.keys(plan.graphs_by_plane)
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map((plane) => {
      const claimed = plan.claim_order.planes.find((entry) => entry.plane === plane)?.kinds ?? []
      return [plane, claimed as ItemKind[]]
    })
}

export function planeKeys({ plan, snapshot, depths }: Facts): PlaneKeys {
  const planes = kindsByPlane(plan)
  const depth = (kinds: readonly ItemKind[]) => kinds.reduce((sum, kind) => sum + (depths[kind]?.queued ?? 0), 0)
  return Object.fromEntries([
    ...planes.map(([plane, kinds]) => [`${plane}_queue_depth`, depth(kinds)]),
    ...planes.map(([plane]) => [`${plane}_status_marker`, snapshot.status_markers_by_plane[plane] ?? '### IDLE']),
  ]) as PlaneKeys
}

/** Rules on usage, and those of them that pause. */
export function governanceKeys({ snapshot }: Facts) {
  const pause = snapshot.pause_sources.find(({ source }) => source === USAGE)
  const blockers = snapshot.usage_governance?.blockers ?? []
  const subscription = snapshot.usage_governance?.subscription ?? null
  return {
    usage_governance_enabled: snapshot.usage_governance !== undefined,
    usage_governance_paused: pause !== undefined,
    usage_governance_blocker_count: blockers.length,
    usage_governance_auto_resume_possible: typeof pause?.until === 'string',
    usage_governance_next_auto_resume_at: pause?.until ?? null,
    usage_governance_subscription_status: subscription?.state ?? 'disabled',
    usage_governance_subscription: subscription,
    usage_governance_blockers: blockers,
  }
}

/** The open closure target. Several open ones are no state the runtime makes. */
export function closureKeys({ targets, snapshot }: Facts) {
  const open = targets.filter((target) => target.closure_open)
  const [target] = open
  if (open.length > 1) {
    return {
      closure_target_root_spec_id: 'invalid_multiple_open_targets',
      closure_target_open: 'invalid' as const,
      closure_target_blocked_by_lineage_work: 'invalid' as const,
      planning_root_specs_deferred_by_closure_target: 'invalid' as const,
      closure_target_latest_verdict_path: null,
      closure_target_latest_report_path: null,
    }
  }
  // The runtime tells this standing fact as `<open root>:<deferred>,<deferred>`.
  const deferred = snapshot.announced['closure_target_backpressure:runtime']?.split(':')[1]?.split(',') ?? []
  return {
    closure_target_root_spec_id: target?.root_spec_id ?? null,
    closure_target_open: target ? true : null,
    closure_target_blocked_by_lineage_work: target ? target.blocking_work_ids.length > 0 : null,
    planning_root_specs_deferred_by_closure_target: target ? deferred.length : 0,
    closure_target_latest_verdict_path: target?.latest_verdict_path ?? null,
    closure_target_latest_report_path: target?.latest_report_path ?? null,
  }
}

const FAILURE_COUNTERS = [
  'troubleshoot_attempt_count',
  'mechanic_attempt_count',
  'fix_cycle_count',
  'consultant_invocations',
] as const

/** Why something stands still or goes a detour, and the budgets used on it. Nothing while all is well. */
export function failureKeys({
  snapshot,
  counters,
}: Facts): Partial<Pick<StatusOutput, 'current_failure_class' | (typeof FAILURE_COUNTERS)[number]>> {
  const failing = snapshot.active_runs.find((run) => run.failure_class !== null)
  const failure = failing?.failure_class ?? Object.values(snapshot.failure_class_by_plane)[0]
  if (failure === undefined || failure === null) return {}
  const owner = failing && {
    kind: failing.work_item_kind ?? 'closure_target',
    id: failing.work_item_id ?? failing.closure_target_root_spec_id,
  }
  const used = (name: string) =>
    (counters?.entries ?? [])
      .filter(
        (entry) =>
          entry.counter_name === name &&
          (!owner || (entry.work_item_kind === owner.kind && entry.work_item_id === owner.id)),
      )
      .reduce((sum, entry) => sum + entry.count, 0)
  return {
    current_failure_class: failure,
    ...Object.fromEntries(FAILURE_COUNTERS.map((name) => [name, used(name)] as const).filter(([, count]) => count > 0)),
  }
}
