import type { ItemEntry } from '../../core/item.ts'
import type { ActiveRun, ClosureTarget, RunnerWait } from '../../core/state.ts'
import type { View } from '../../core/view.ts'
import { byItself, inItem, inSnapshot, inTarget, type Obstacle, person } from './account.ts'
import { absence, type Presence } from './presence.ts'
import { comingBack } from './recovery.ts'
import { pauses, RESUME, refusal } from './standing.ts'

/** What keeps a run that is ready from being started at its node. */
export function standsBeforeRun(
  run: ActiveRun,
  view: View,
  presence: Presence,
  refused: RunnerWait | null,
): Obstacle[] {
  const until = run.not_before !== null && run.not_before > view.now ? run.not_before : null
  const cause = /^environment_(\w+)$/.exec(run.previous_attempt?.reason ?? '')?.[1]
  return [
    ...absence(presence),
    ...pauses(view.snapshot),
    ...(until === null
      ? []
      : [
          {
            ...inSnapshot,
            at: run.stage_since,
            code: cause === 'quota' ? 'quota' : 'backoff',
            fact: `its last attempt failed for its surroundings${cause === undefined ? '' : ` (${cause})`}, ${run.environment_failures} in a row`,
            wait: cause === 'quota' ? ('quota' as const) : ('backoff' as const),
            next: byItself('the node is tried again', until),
            can: [RESUME],
          },
        ]),
    ...(refused === null ? [] : [refusal(refused)]),
  ]
}

/** Why an open closure target is not judged now. */
export function standsBeforeClosure(target: ClosureTarget, view: View, presence: Presence): Obstacle[] {
  const { held, root_spec_id: root } = target
  const open = view.items.openLineage(root)
  return [
    ...absence(presence),
    ...pauses(view.snapshot),
    ...(held === null
      ? []
      : [
          {
            ...inTarget(root),
            at: held.since,
            code: 'closure_held',
            fact: `its judgement is held: ${held.reason}`,
            wait: held.retry_at === null ? ('human' as const) : ('backoff' as const),
            next:
              held.retry_at === null
                ? person('mend what the judgement found, then let it be judged again')
                : byItself('it is judged again', held.retry_at),
            can: ['millrace control clear-stale-state'],
          },
        ]),
    ...open.slice(0, LINEAGE_MAX).map((item) => openWork(item, view, presence)),
  ]
}

const LINEAGE_MAX = 20

function openWork(item: ItemEntry, view: View, presence: Presence): Obstacle {
  const told = `${item.kind} ${item.id}`
  const isBlocked = item.state === 'blocked'
  const back = isBlocked ? comingBack(item, view, presence) : null
  return {
    ...inItem(item),
    at: item.createdAt,
    code: 'lineage_open',
    fact: `${told} of its lineage is ${item.state}${back === null ? '' : ` and ${back.clause}`}`,
    wait: back?.obstacle.wait ?? (isBlocked ? 'human' : 'dependency'),
    next: back?.obstacle.next ?? (isBlocked ? person(`see to ${told}`) : byItself(`${told} is finished`)),
    can: [`millrace why ${item.id}`],
  }
}
