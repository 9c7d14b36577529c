/** The command that has deliveries carried out which had been given up. */
import { Draft } from '../../core/changes.ts'
import { DELIVERY_ID, deliveryIn } from '../../core/delivery.ts'
import { MillraceError } from '../../core/errors.ts'
import type { ChangeOperation } from '../../core/operation.ts'
import { text as isText, listOf } from '../../core/shape.ts'
import type { View } from '../../core/view.ts'
import { deliveryFile } from '../../store/layout.ts'
import { named } from './interventions.ts'
import { done, only, unchanged } from './payload.ts'

/** Deliveries that one command may put back: each is written anew in its transaction. */
export const RETRIED_MAX = 1000

const isIds = listOf(isText)

export const retryDeliveries: ChangeOperation = ({ view }, payload) => {
  only(payload, 'delivery_ids')
  const ids = payload.delivery_ids
  if (!isIds(ids) || ids.length > RETRIED_MAX)
    throw new MillraceError('mailbox_invalid', `The command needs delivery_ids as a list of ${RETRIED_MAX} at most.`)
  const draft = new Draft(view)
  const wanted = [...new Set(ids)]
  for (const id of wanted) {
    const found = failedIn(view, id)
    if (found === null)
      throw new MillraceError('delivery_unknown', `No delivery ${JSON.stringify(id.slice(0, 80))} was given up.`, {
        hint: 'see which were with `millrace notify ls`',
      })
    const delivery = { ...found.delivery, attempts: 0, next_attempt_at: view.now, ended_at: null }
    draft.add({ change: 'delivery.update', from: 'failed', to: 'pending', delivery, hash: found.hash })
  }
  if (wanted.length === 0) return unchanged('no notification was given up')
  const told = wanted.length === 1 ? `${wanted[0]} is` : `${wanted.length} notifications are`
  return done(draft, `${told} to be delivered again`)
}

function failedIn(view: View, id: string) {
  if (!DELIVERY_ID.test(id)) return null
  const file = named(deliveryFile('failed', id))
  const content = view.readFile(file)
  const hash = view.hashOf(file)
  const delivery = content === null ? null : deliveryIn(content, id)
  return delivery === null || hash === null ? null : { delivery, hash }
}
