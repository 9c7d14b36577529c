/**
 * A delivery: an outside effect that a transaction decided and that is carried out after it, beside the tick. Its record
 * lies in a folder by its state and holds all that carrying it out needs. Its id is the same in every attempt, so that a
 * receiver knows one that it has had already.
 */
import { jsonText, parseJson } from './json.ts'
import { anything, integer, mapOf, oneOf, orNull, record, type Shape, text } from './shape.ts'

/** Kinds of outside effects. */
export const CHANNELS = ['notify'] as const
export type ChannelName = (typeof CHANNELS)[number]

/** Folder it lies in: still to be carried out, carried out, or given up. */
export const DELIVERY_STATES = ['pending', 'done', 'failed'] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

const time = (value: unknown): value is string => text(value) && !Number.isNaN(Date.parse(value))
const id = (value: unknown): value is string => text(value) && DELIVERY_ID.test(value)

/** What an id looks like: safe as a file name. */
export const DELIVERY_ID = /^[a-z_]{1,40}-[0-9a-f]{16}$/

export const isDelivery = record({
  schema_version: oneOf('1.0'),
  kind: oneOf('delivery'),
  delivery_id: id,
  channel: oneOf(...CHANNELS),
  /** Who it is for: of a notification, the name of its rule. */
  recipient: text,
  created_at: time,
  /** Attempts so far that did not succeed, and the one that did. */
  attempts: integer,
  next_attempt_at: time,
  /** How the last attempt went wrong. */
  last_error: orNull(text),
  ended_at: orNull(time),
  payload: mapOf(anything),
})
export type Delivery = typeof isDelivery extends Shape<infer T> ? T : never

/** The record in a file; null if it holds none of that id. */
export function deliveryIn(content: string, delivery_id: string): Delivery | null {
  try {
    const value = parseJson(content)
    return isDelivery(value) && value.delivery_id === delivery_id ? value : null
  } catch {
    return null // no JSON
  }
}

/** The record as it stands in its file. */
export const deliveryText = (delivery: Delivery): string => jsonText(delivery)

/** A new one, due at once or at `dueAt`. */
export const newDelivery = (
  now: string,
  given: Pick<Delivery, 'delivery_id' | 'channel' | 'recipient' | 'payload'>,
  dueAt = now,
): Delivery => ({
  schema_version: '1.0',
  kind: 'delivery',
  ...given,
  created_at: now,
  attempts: 0,
  next_attempt_at: dueAt,
  last_error: null,
  ended_at: null,
})

const BACKOFF_MS = 5000
const BACKOFF_FACTOR = 3
const BACKOFF_MS_MAX = 10 * 60_000

/** How long to wait after so many attempts in vain, from 1. */
export const deliveryBackoffMs = (attempts: number): number =>
  Math.min(BACKOFF_MS_MAX, BACKOFF_MS * BACKOFF_FACTOR ** Math.min(attempts - 1, 10))
