/** The queues as they are looked at. */
import { requireSafeId } from '../../core/ids.ts'
import { ITEM_STATES, type ItemKind, type ItemState } from '../../core/item.ts'
import type { Operation } from '../../core/operation.ts'
import type { Plan } from '../../core/plan.ts'
import { tailEvents } from '../../store/event-log.ts'
import type { Files } from '../../store/files.ts'
import { AT, itemFile, itemFolder, type Places } from '../../store/layout.ts'
import { type Context, placesIn } from '../context.ts'
import { itemField, kindField, limitedTo, limitField } from '../fields.ts'
import { reading } from '../reading.ts'
import type { QueueLsOutput, QueuePlaneKeys, QueueShowOutput } from '../schemas/queue.ts'
import { kindsByPlane } from '../status/keys.ts'
import { lookAtRuntime } from '../why/look-at-runtime.ts'
import { blockedBy, listedItems, rowOf } from './rows.ts'
import { showItem } from './show.ts'

interface Listing {
  all?: boolean
  kind?: ItemKind
  state?: ItemState
  limit?: number
}

export const ls: Operation<Context, Listing, QueueLsOutput> = {
  name: 'queue ls',
  flavour: 'read',
  summary: 'What is queued, active and blocked.',
  description:
    'Lists the items of every queue with what they wait for: active ones first, then the queued ones in the order they are claimed, then blocked and quarantined ones. Finished and cancelled items are left out unless asked for. Counts are of all of them, however few are listed.',
  input: [
    { name: 'all', type: 'flag', description: 'Finished and cancelled items too.' },
    { ...kindField, description: 'Only items of this kind.' },
    {
      name: 'state',
      type: 'choice',
      choices: ITEM_STATES,
      placeholder: 'STATE',
      description: 'Only items in this state.',
    },
    limitField(0),
  ],
  examples: [
    { command: 'millrace queue ls', does: 'see what is to be done' },
    { command: 'millrace queue ls --limit 20', does: 'see what is to be done next' },
    { command: 'millrace queue ls --state blocked', does: 'see what needs you' },
  ],
  output: async () => (await import('../schemas.ts')).queueLsSchema(),
  async run(context, { limit = 0, ...choice }) {
    const places = placesIn(context)
    return reading(context, (view, files) => {
      const items = listedItems(view, choice)
      const shown = limitedTo(limit, items)
      const blocked = shown.filter((item) => item.state === 'blocked').map((item) => `${item.kind}:${item.id}`)
      const reasons = blockedReasons(files, places, new Set(blocked))
      const rows = shown.map((item) => rowOf(item, view, (one) => pathOf(places, one), reasons))
      const active = (one: ItemKind) => view.items.count(one, 'active')
      return {
        ...planeKeys(view.plan, (one, state) => view.items.count(one, state)),
        active_task_count: active('task'),
        active_spec_count: active('spec'),
        active_incident_count: active('incident'),
        ...(view.plan?.graphs_by_plane.learning ? { active_learning_request_count: active('learning_request') } : {}),
        item_count: items.length,
        items: rows,
        unreadable: view.items
          .invalid()
          .filter((one) => (!choice.kind || one.kind === choice.kind) && (!choice.state || one.state === choice.state))
          .map(({ kind: work_item_kind, state, file, faults }) => ({
            work_item_kind,
            state,
            path: places.at(`${itemFolder(work_item_kind, state)}/${file}`),
            faults,
          })),
      } as QueueLsOutput
    })
  },
}

/** The document of an item; a cancelled one lies under a name with a stamp, so its folder is named. */
function pathOf(places: Places, item: { kind: ItemKind; id: string; state: ItemState }): string {
  return places.at(
    item.state === 'cancelled' ? itemFolder(item.kind, item.state) : itemFile(item.kind, item.id, item.state),
  )
}

function planeKeys(plan: Plan | null, count: (kind: ItemKind, state: ItemState) => number): QueuePlaneKeys {
  const planes = kindsByPlane(plan)
  const sum = (kinds: readonly ItemKind[], state: ItemState) =>
    kinds.reduce((total, one) => total + count(one, state), 0)
  return Object.fromEntries([
    ...planes.map(([plane, kinds]) => [`${plane}_queue_depth`, sum(kinds, 'queued')]),
    ...planes.map(([plane, kinds]) => [`${plane}_active`, sum(kinds, 'active')]),
  ]) as QueuePlaneKeys
}

/** A log longer than this is not searched for a listing; `queue show` searches the whole. */
const SEARCHED_BYTES_MAX = 8 * 1024 * 1024

/** Why items were blocked, from the newest event of each. */
function blockedReasons(files: Files, places: Places, keys: ReadonlySet<string>): Map<string, string> {
  const reasons = new Map<string, string>()
  if (keys.size === 0 || (files.stat(places.at(AT.events))?.bytes ?? 0) > SEARCHED_BYTES_MAX) return reasons
  tailEvents(files, places, keys.size, (event) => {
    const told = blockedBy(event)
    if (told === null || reasons.has(told.key) || !keys.has(told.key)) return false
    reasons.set(told.key, told.reason)
    return true
  })
  return reasons
}

export const show: Operation<Context, { work_item_id: string; kind?: ItemKind }, QueueShowOutput> = {
  name: 'queue show',
  flavour: 'read',
  summary: 'One work item in full.',
  description:
    'Shows where an item stands, its document field by field, everything that stands before it while it is queued, and why it is blocked. Looks in every state, cancelled and set-aside documents included.',
  input: [itemField('Id of the item.'), kindField],
  examples: [{ command: 'millrace queue show add-login-3f2a1c', does: 'see everything about that item' }],
  output: async () => (await import('../schemas.ts')).queueShowSchema(),
  async run(context, input) {
    requireSafeId(input.work_item_id, 'The work item id')
    const presenceIn = await lookAtRuntime(context)
    return reading(context, (view, files) => showItem(context, view, files, input, presenceIn(view.snapshot)))
  },
}
