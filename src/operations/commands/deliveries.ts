/** The command that has a delivery carried out which had been given up. */
import { Draft } from '../../core/changes.ts'
import { DELIVERY_ID, deliveryIn } from '../../core/delivery.ts'
import { MillraceError } from '../../core/errors.ts'
import type { ChangeOperation } from '../../core/operation.ts'
import type { View } from '../../core/view.ts'
import { deliveryFile } from '../../store/layout.ts'
import { named } from './interventions.ts'
import { done, only, text } from './payload.ts'

export const retryDelivery: ChangeOperation = ({ view }, payload) => {
  only(payload, 'delivery_id')
  const id = text(payload, 'delivery_id')
  const found = failedIn(view, id)
  if (found === null)
    throw new MillraceError('delivery_unknown', `No delivery ${JSON.stringify(id.slice(0, 80))} was given up.`, {
      hint: 'see which were with `millrace notify ls`',
    })
  const draft = new Draft(view)
  const delivery = { ...found.delivery, attempts: 0, next_attempt_at: view.now, ended_at: null }
  draft.add({ change: 'delivery.update', from: 'failed', to: 'pending', delivery, hash: found.hash })
  return done(draft, `${id} is to be delivered again`)
}

function failedIn(view: View, id: string) {
  if (!DELIVERY_ID.test(id)) return null
  const file = named(deliveryFile('failed', id))
  const content = view.readFile(file)
  const hash = view.hashOf(file)
  const delivery = content === null ? null : deliveryIn(content, id)
  return delivery === null || hash === null ? null : { delivery, hash }
}
