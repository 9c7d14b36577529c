/** Why a plane does what it does, or does nothing: its run, else what its queue waits for, else its closure targets. Pure. */
import type { ItemEntry, ItemKind } from '../../core/item.ts'
import { completionGraph, type Plan } from '../../core/plan.ts'
import type { View } from '../../core/view.ts'
import { itemFolder } from '../../store/layout.ts'
import { type Account, below, byItself, inItem, inTarget, type Obstacle, person, waiting } from './account.ts'
import { whyItem } from './item.ts'
import { absence, type Presence } from './presence.ts'
import { pauses, standsBefore } from './standing.ts'
import { standsBeforeClosure } from './standing-run.ts'

/** Items whose standing is told one by one. */
const TOLD_MAX = 20

/** Of a plane on which no run is active. */
export function whyIdle(plane: string, view: View, plan: Plan, presence: Presence): Account {
  const kinds = (plan.claim_order.planes.find((one) => one.plane === plane)?.kinds ?? []) as ItemKind[]
  const queued = kinds.flatMap((kind) => [...view.items.queued(kind)])
  const judges = completionGraph(plan)?.plane === plane
  const targets = judges ? view.targets.filter(({ closure_open }) => closure_open) : []
  if (queued.length > 0) return whyQueue(queued, view, presence)
  if (targets.length > 0) {
    const obstacles = targets.flatMap((target) => standsBeforeClosure(target, view, presence))
    if (obstacles.length > 0) return waiting(obstacles)
    const [target] = targets
    return {
      verdict: 'waiting',
      waits_for: ['turn'],
      because: [
        {
          ...inTarget(target!.root_spec_id),
          at: target!.opened_at,
          code: 'closure_due',
          fact: `the work of ${target!.root_spec_id} is done and is to be judged`,
        },
      ],
      next: [byItself('it is judged once no run is active')],
      can: [],
    }
  }
  const blocked = kinds.flatMap((kind) => view.items.inState(kind, 'blocked'))
  if (blocked.length > 0) return whyAllBlocked(blocked)
  return {
    verdict: 'finished',
    waits_for: [],
    because: [
      ...kinds.slice(0, 1).map((kind) => ({
        path: below(itemFolder(kind, 'queued')),
        event: null,
        at: null,
        code: 'nothing_queued',
        fact: `nothing is queued for plane ${plane}`,
      })),
      ...(presence.stopFiles ?? []).map(lyingThere),
    ],
    next: [person('add work')],
    can: [],
  }
}

/** A stop file says why nothing may go on, or will not for long. */
const lyingThere = (path: string) => ({ path, event: null, at: null, code: 'stop_file', fact: `${path} lies there` })

function whyQueue(queued: readonly ItemEntry[], view: View, presence: Presence): Account {
  const own = queued.slice(0, TOLD_MAX).map((item) => ({ item, obstacles: standsBefore(item, view, presence) }))
  const free = own.find(({ obstacles }) => obstacles.length === 0)
  if (free) return whyItem(free.item, view, presence, { blocked: null })
  const general = [...absence(presence), ...pauses(view.snapshot)]
  const isGeneral = new Set(general.map(({ code, fact }) => `${code} ${fact}`))
  const particular: Obstacle[] = own.flatMap(({ item, obstacles }) =>
    obstacles
      .filter(({ code, fact }) => code !== 'behind' && !isGeneral.has(`${code} ${fact}`))
      .map((one) => ({ ...one, fact: `${item.id}: ${one.fact}` })),
  )
  const first = own[0]!.item
  const where = {
    ...inItem(first),
    at: first.createdAt,
    code: 'queued',
    fact: `${queued.length} queued, ${first.id} first`,
  }
  return waiting([...general, ...particular], { because: [where] })
}

function whyAllBlocked(blocked: readonly ItemEntry[]): Account {
  return waiting(
    blocked.slice(0, TOLD_MAX).map((item) => ({
      ...inItem(item),
      at: item.createdAt,
      code: 'blocked',
      fact: `nothing is queued, and ${item.kind} ${item.id} is blocked`,
      wait: 'human' as const,
      next: person(`see to ${item.kind} ${item.id}`),
      can: [`millrace why ${item.id}`],
    })),
  )
}
