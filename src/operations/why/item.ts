/** Why a work item stands where it stands. Pure. */
import type { ItemEntry, ItemKind } from '../../core/item.ts'
import type { View } from '../../core/view.ts'
import { itemFolder } from '../../store/layout.ts'
import { type Account, type Because, below, byItself, inItem, type Obstacle, person, waiting } from './account.ts'
import { absence, type Presence } from './presence.ts'
import { comingBack, notComingBack } from './recovery.ts'
import { pauses, standsBefore } from './standing.ts'

/** What the event log says about how the item came to where it is. */
export interface ItemEvidence {
  /** Newest event that tells why it was blocked. */
  blocked: { event: string; at: string; reason: string; run_id: string | null } | null
  /** The last thing its run left to read, in short; the path is relative to the workspace. */
  lastWord?: { path: string; node_id: string; text: string } | null
}

/** Of an item that no run is active for. */
export function whyItem(item: ItemEntry, view: View, presence: Presence, evidence: ItemEvidence): Account {
  switch (item.state) {
    case 'queued':
      return whyQueued(item, view, presence)
    case 'active':
      return ownerless(item, view, presence)
    case 'blocked':
      return whyBlocked(item, view, presence, evidence)
    case 'quarantined':
      return waiting([
        {
          ...inItem(item),
          at: null,
          code: 'quarantined',
          fact: 'it was set aside for a person to look at',
          wait: 'human',
          next: person('put it back into its queue, or leave it'),
          can: [`millrace queue release ${item.id}${kindOption(item, view)}`],
        },
      ])
    case 'done':
    case 'cancelled':
      return over(item)
  }
}

/** Where several kinds share the id, a command has to be told which one is meant. */
function kindOption(item: ItemEntry, view: View): string {
  const kinds: ItemKind[] = ['task', 'spec', 'incident', 'probe', 'learning_request']
  const rivals = kinds.filter(
    (kind) => kind !== item.kind && view.items.find(kind, item.id).some(({ state }) => state !== 'cancelled'),
  )
  return rivals.length === 0 ? '' : ` --kind ${item.kind}`
}

const isDuplicate = (item: ItemEntry, view: View): boolean =>
  view.items.find(item.kind, item.id).filter(({ state }) => state !== 'cancelled').length > 1

function whyQueued(item: ItemEntry, view: View, presence: Presence): Account {
  const obstacles = standsBefore(item, view, presence)
  const can = isDuplicate(item, view) ? [] : [`millrace queue cancel ${item.id}${kindOption(item, view)}`]
  const where: Because = {
    ...inItem(item),
    at: item.createdAt,
    code: 'queued',
    fact: `${item.kind} ${item.id} is queued`,
  }
  if (obstacles.length > 0) return waiting(obstacles, { because: [where], can })
  return {
    verdict: 'waiting',
    waits_for: ['turn'],
    because: [where],
    next: [byItself('it is claimed at the next tick')],
    can,
  }
}

/** An item that somebody put among the active ones. */
function ownerless(item: ItemEntry, view: View, presence: Presence): Account {
  const obstacles: Obstacle[] = isDuplicate(item, view)
    ? standsBefore(item, view, presence).filter(({ code }) => code === 'duplicate')
    : []
  const lies: Obstacle = {
    ...inItem(item),
    at: null,
    code: 'no_run',
    fact: 'it lies among the active items, and no run is at work on it',
    wait: 'turn',
    next: byItself('the runtime puts it back into its queue'),
    can: [],
  }
  return waiting([
    ...standsBefore(item, view, presence).filter(({ code }) => GENERAL.includes(code)),
    ...obstacles,
    lies,
  ])
}

/** What keeps the runtime from doing anything, whatever the item. */
const GENERAL = [
  'no_runtime',
  'runtime_died',
  'lock_unreadable',
  'runtime_suspended',
  'runtime_stopping',
  'disk_refuses',
]

function whyBlocked(
  item: ItemEntry,
  view: View,
  presence: Presence,
  { blocked: told, lastWord }: ItemEvidence,
): Account {
  const why: Because =
    told === null
      ? { ...inItem(item), at: null, code: 'blocked', fact: 'it lies among the blocked items; why is not on record' }
      : {
          path: null,
          event: told.event,
          at: told.at,
          code: 'blocked',
          fact: `it was blocked: ${told.reason || 'no reason was given'}`,
        }
  const said: Because[] = lastWord
    ? [
        {
          path: lastWord.path,
          event: null,
          at: null,
          code: 'last_word',
          fact: `the last word of ${lastWord.node_id} was: ${lastWord.text}`,
        },
      ]
    : []
  const option = kindOption(item, view)
  const can = isDuplicate(item, view)
    ? []
    : ['retry', 'cancel', ...(item.kind === 'task' ? ['archive-blocked'] : [])].map(
        (verb) => `millrace queue ${verb} ${item.id}${verb === 'archive-blocked' ? '' : option}`,
      )
  const back = comingBack(item, view, presence)
  if (back !== null)
    return waiting([...absence(presence), ...pauses(view.snapshot), back.obstacle], {
      because: [why, ...said],
      can,
    })
  const open = incidentsOf(item, view)
  if (open.length > 0) {
    return waiting(
      open.map((incident) => ({
        ...inItem(incident),
        at: incident.createdAt,
        code: 'incident_open',
        fact: `incident ${incident.id} was opened for it and is ${incident.state}`,
        wait: incident.state === 'blocked' ? ('human' as const) : ('dependency' as const),
        next:
          incident.state === 'blocked'
            ? person(`see to incident ${incident.id}`)
            : byItself(`incident ${incident.id} is worked through`),
        can: [`millrace why ${incident.id}`],
      })),
      { because: [why, ...said], can },
    )
  }
  const lineage: Because[] = view.items.isSucceeded(item)
    ? [
        {
          ...inItem(item),
          at: null,
          code: 'succeeded',
          fact: 'an incident about it was resolved, so that others carry its work on',
        },
      ]
    : []
  return {
    verdict: 'waiting',
    waits_for: ['human'],
    because: [why, ...said, ...lineage, ...[notComingBack(item, view, presence)].filter((fact) => fact !== null)],
    next: [person('mend what blocked it and put it back, or take it out for good')],
    can: [
      ...can,
      ...(told?.run_id
        ? [`millrace runs show ${told.run_id}`, ...(lastWord ? [`millrace runs tail ${told.run_id}`] : [])]
        : []),
    ],
  }
}

/** Open incidents that were opened on account of an item. */
const incidentsOf = (item: ItemEntry, view: View): ItemEntry[] =>
  (['queued', 'active', 'blocked'] as const).flatMap((state) =>
    view.items.inState('incident', state).filter(({ sourceIds, id }) => id !== item.id && sourceIds.includes(item.id)),
  )

function over(item: ItemEntry): Account {
  const done = item.state === 'done'
  return {
    verdict: 'finished',
    waits_for: [],
    because: [
      done
        ? { ...inItem(item), at: null, code: 'done', fact: `${item.kind} ${item.id} is finished` }
        : {
            path: below(itemFolder(item.kind, 'cancelled')),
            event: null,
            at: null,
            code: 'cancelled',
            fact: `${item.kind} ${item.id} was taken out of its queue for good`,
          },
    ],
    next: [],
    can: done ? [`millrace queue show ${item.id}`] : [],
  }
}

/** A document that nobody could read, and that was set aside or will be. */
export function whyUnreadable(file: string, faults: readonly string[]): Account {
  return {
    verdict: 'waiting',
    waits_for: ['human'],
    because: [
      {
        path: file,
        event: null,
        at: null,
        code: 'unreadable',
        fact: `the document cannot be read: ${faults.slice(0, 3).join('; ')}`,
      },
    ],
    next: [person('mend the document and give it its name back')],
    can: [],
  }
}
