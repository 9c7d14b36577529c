/** Reading deliveries: each lies as a file in the folder of its state. They are written by transactions (lower.ts). */
import { type Delivery, type DeliveryState, deliveryIn } from '../core/delivery.ts'
import { type Files, hashBytes, readText } from './files.ts'
import { deliveryFile, deliveryFolder, type Places } from './layout.ts'

export interface FoundDelivery {
  delivery: Delivery
  /** SHA-256 of the bytes of its file. */
  hash: string
}

/** Ids of the deliveries of a state. */
export const deliveryIds = (files: Files, places: Places, state: DeliveryState): string[] =>
  (files.list(places.at(deliveryFolder(state))) ?? [])
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .map((name) => name.slice(0, -'.json'.length))
    .sort()

/** One delivery; null if it is not there, or its file holds none of that id. */
export function readDelivery(files: Files, places: Places, state: DeliveryState, id: string): FoundDelivery | null {
  const file = places.at(deliveryFile(state, id))
  try {
    const text = files.stat(file)?.kind === 'file' ? readText(files, file) : null
    const delivery = text === null ? null : deliveryIn(text, id)
    return text === null || delivery === null ? null : { delivery, hash: hashBytes(text) }
  } catch {
    return null // no text
  }
}

/** All of a state, oldest first. */
export function readDeliveries(files: Files, places: Places, state: DeliveryState): FoundDelivery[] {
  return deliveryIds(files, places, state)
    .flatMap((id) => readDelivery(files, places, state, id) ?? [])
    .sort((a, b) => (a.delivery.created_at < b.delivery.created_at ? -1 : 1))
}
