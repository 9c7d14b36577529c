/**
 * Whether a run goes round in circles: the same way back without a change of the working tree in between, or the same
 * work over again for the same findings. Pure; what changed is told by git, what was found by the reports of the stages.
 */
import type { StageResult } from '../../core/result.ts'
import type { Transition } from '../../core/transition.ts'
import { requestIdOf } from '../runs/summary.ts'

/** One settled stage: what it decided, and the working tree on both sides of it (git tree ids; null if unknown). */
export interface Round {
  transition: Transition
  before: string | null
  after: string | null
}

/** Hashes of what a stage changed and of what it reported, with whatever differs by accident taken out. */
export interface Fingerprint {
  change: string | null
  findings: string | null
}

export interface Circle {
  kind: 'same_edge' | 'same_work'
  node_id: string
  /** The two times, the later one last. */
  first: Transition
  again: Transition
}

export function roundsOf(transitions: readonly Transition[], results: readonly StageResult[]): Round[] {
  const trees = new Map(results.map((result) => [requestIdOf(result), result.working_tree]))
  return transitions.map((transition) => {
    const tree = trees.get(transition.request_id)
    return { transition, before: tree?.before ?? null, after: tree?.after ?? null }
  })
}

/**
 * The edge that was taken last was taken before, and no stage in between changed the working tree or the queues. Where
 * trees are unknown nothing is claimed.
 */
export function sameEdgeAgain(rounds: readonly Round[]): Circle | null {
  const last = rounds.at(-1)
  if (last === undefined || last.transition.selected_node_id === null) return null
  const { transition: again } = last
  const at = rounds.findLastIndex(
    ({ transition }) =>
      transition !== again &&
      transition.node_id === again.node_id &&
      transition.outcome === again.outcome &&
      transition.selected_node_id === again.selected_node_id,
  )
  if (at === -1) return null
  const between = rounds.slice(at + 1)
  const isStill = ({ before, after, transition }: Round) =>
    before !== null && before === after && (transition.queue_mutations_applied ?? []).length === 0
  if (!between.every(isStill) || rounds[at]!.after !== last.after) return null
  return { kind: 'same_edge', node_id: again.selected_node_id!, first: rounds[at]!.transition, again }
}

/** Pairs whose fingerprints decide: the last two stages of one node, and what sent the run to each of them. */
export function lastPair(
  rounds: readonly Round[],
): { work: [Round, Round]; causes: [Round | null, Round | null] } | null {
  const ended = rounds.filter(({ before, after }) => before !== null && after !== null && before !== after)
  for (let at = ended.length - 1; at > 0; at--) {
    const again = ended[at]!
    const first = ended.slice(0, at).findLast(({ transition }) => transition.node_id === again.transition.node_id)
    if (first === undefined) continue
    const causeOf = (round: Round) => rounds[rounds.indexOf(round) - 1] ?? null
    return { work: [first, again], causes: [causeOf(first), causeOf(again)] }
  }
  return null
}

/** The last two stages of a node made the same change, after the same findings. */
export function sameWorkAgain(rounds: readonly Round[], fingerprintOf: (round: Round) => Fingerprint): Circle | null {
  const pair = lastPair(rounds)
  if (pair === null) return null
  const [first, again] = pair.work
  const changes = pair.work.map((round) => fingerprintOf(round).change)
  if (changes[0] === null || changes[0] !== changes[1]) return null
  const findings = pair.causes.map((cause) => (cause === null ? null : fingerprintOf(cause).findings))
  if (findings[0] !== findings[1]) return null
  return { kind: 'same_work', node_id: again.transition.node_id, first: first.transition, again: again.transition }
}

/** Takes out what differs from one round to the next by accident: numbers, ids, times, blanks, case. */
export const normalised = (text: string): string =>
  text
    .replace(/\b[0-9a-f]{7,}\b/gi, '#')
    .replace(/\d+/g, '#')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase()
