/** What differs between two plans, piece by piece, whatever order their parts are in. Pure. */
import { canonicalJson, sha256 } from './ids.ts'
import type { Plan, PlanGraph } from './plan.ts'

export const PLAN_PARTS = [
  'mode',
  'loop',
  'entry',
  'node',
  'edge',
  'threshold',
  'resume',
  'terminal',
  'completion',
  'claims',
  'concurrency',
  'recovery',
  'prompt',
  'skill',
] as const

export interface PlanChange {
  part: (typeof PLAN_PARTS)[number]
  change: 'added' | 'removed' | 'changed'
  /** Null for what belongs to no lane. */
  plane: string | null
  id: string
  /** Which member of it differs; null where the whole was added or removed. */
  key: string | null
  before: unknown
  after: unknown
}

interface Piece {
  part: PlanChange['part']
  plane: string | null
  id: string
  members: Record<string, unknown>
}

/** In the order of PLAN_PARTS, then by lane and id. Empty if both would route and start the same. */
export function planDiff(before: Plan, after: Plan): PlanChange[] {
  const [old, fresh] = [piecesOf(before), piecesOf(after)]
  const changes = [...new Set([...old.keys(), ...fresh.keys()])].flatMap((key) =>
    compared(old.get(key) ?? null, fresh.get(key) ?? null),
  )
  const rank = (change: PlanChange) => [
    String(PLAN_PARTS.indexOf(change.part)).padStart(2, '0'),
    change.plane ?? '',
    change.id,
    // Where a value comes from stands right behind the value.
    change.key?.replace(/^origins\.(.*)$/, '$1 origin') ?? '',
  ]
  return changes.sort((a, b) => (rank(a).join('\0') < rank(b).join('\0') ? -1 : 1))
}

function compared(old: Piece | null, fresh: Piece | null): PlanChange[] {
  if (old === null || fresh === null) {
    const { part, plane, id } = (old ?? fresh)!
    const change = old === null ? 'added' : 'removed'
    return [{ part, change, plane, id, key: null, before: old?.members ?? null, after: fresh?.members ?? null }]
  }
  const { part, plane, id } = fresh
  return [...new Set([...Object.keys(old.members), ...Object.keys(fresh.members)])].flatMap((key) => {
    const [before = null, after = null] = [old.members[key], fresh.members[key]]
    if (canonicalJson(before) === canonicalJson(after)) return []
    return [{ part, change: 'changed' as const, plane, id, key, before, after }]
  })
}

function piecesOf(plan: Plan): Map<string, Piece> {
  const hashed = (texts: Readonly<Record<string, string>>) =>
    Object.entries(texts).map(([path, text]): [string, string] => [path, sha256(text)])
  const pieces: Piece[] = [
    piece('mode', null, plan.mode_id, {}),
    ...Object.values(plan.graphs_by_plane).flatMap(graphPieces),
    piece('claims', null, 'claim_order', { ...plan.claim_order }),
    ...(plan.concurrency_policy ? [piece('concurrency', null, 'concurrency_policy', plan.concurrency_policy)] : []),
    piece('recovery', null, 'recovery_limits', plan.recovery_limits),
    ...hashed(plan.entrypoint_texts).map(([path, hash]) => piece('prompt', null, path, { sha256: hash })),
    ...Object.entries(plan.skill_hashes).map(([path, hash]) => piece('skill', null, path, { sha256: hash })),
  ]
  return new Map(pieces.map((one) => [[one.part, one.plane ?? '', one.id].join('\0'), one]))
}

const piece = (part: Piece['part'], plane: string | null, id: string, members: Record<string, unknown>): Piece => ({
  part,
  plane,
  id,
  members,
})

function graphPieces(graph: PlanGraph): Piece[] {
  const { plane } = graph
  return [
    piece('loop', plane, graph.loop_id, {}),
    ...graph.entries.map(({ entry_key, when, node_id }) => {
      const narrowed = when === null ? '' : ` (${when.field}=${when.equals})`
      return piece('entry', plane, `${entry_key}${narrowed}`, { node_id })
    }),
    ...graph.nodes.map(({ node_id, plane: _, origins, ...rest }) =>
      piece('node', plane, node_id, {
        ...rest,
        ...Object.fromEntries(Object.entries(origins).map(([key, origin]) => [`origins.${key}`, origin])),
      }),
    ),
    ...graph.transitions.map(({ edge_id, source_node_id, outcome, ...rest }) =>
      piece('edge', plane, `${source_node_id} --${outcome}--> (${edge_id})`, rest),
    ),
    ...graph.threshold_policies.map(({ policy_id, ...rest }) => piece('threshold', plane, policy_id, rest)),
    ...graph.resume_policies.map(({ policy_id, ...rest }) => piece('resume', plane, policy_id, rest)),
    ...graph.terminal_states.map(({ terminal_state_id, ...rest }) => piece('terminal', plane, terminal_state_id, rest)),
    ...(graph.completion_behavior
      ? [piece('completion', plane, graph.completion_behavior.target_node_id, graph.completion_behavior)]
      : []),
  ]
}
