/** The order an operator gave to queues. Age decides among what it does not name. */
import * as z from 'zod'
import { claimOrder, type ItemEntry, type ItemKind } from './item.ts'

export const QueueOrder = z
  .strictObject({
    schema_version: z.literal('1.0'),
    kind: z.literal('queue_order'),
    ids_by_kind: z
      .record(z.string(), z.array(z.string()))
      .describe('Ids of queued items, first ones first; ids that are not queued mean nothing.'),
    updated_at: z.string(),
    issuer: z.string().describe('Who ordered it last.'),
  })
  .describe('The order in which queues are claimed, before age.')
export type QueueOrder = z.infer<typeof QueueOrder>

export function newQueueOrder(now: string): QueueOrder {
  return { schema_version: '1.0', kind: 'queue_order', ids_by_kind: {}, updated_at: now, issuer: 'runtime' }
}

/** Compares items of one queue: those listed as listed, before all others; the others by age. */
export function claimOrderOf(order: QueueOrder, kind: ItemKind): (a: ItemEntry, b: ItemEntry) => number {
  const ids = Object.hasOwn(order.ids_by_kind, kind) ? order.ids_by_kind[kind]! : []
  if (ids.length === 0) return claimOrder
  const ranks = new Map(ids.map((id, rank) => [id, rank]))
  const rank = (item: ItemEntry) => ranks.get(item.id) ?? ids.length
  return (a, b) => rank(a) - rank(b) || claimOrder(a, b)
}
