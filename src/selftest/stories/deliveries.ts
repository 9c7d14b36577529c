/** Outside effects of a decision. */
import { DELIVERY_ID, type DeliveryState } from '../../core/delivery.ts'
import type { Files } from '../../core/files.ts'
import { deliveryIds, readDeliveries } from '../../store/deliveries.ts'
import { deliveryFile, deliveryFolder, placesOf } from '../../store/layout.ts'
import { RECEIVED, RECEIVER, ROOT } from '../scene.ts'
import type { Story } from '../story.ts'
import { at, has, lines } from './ending.ts'
import { unless, until } from './script.ts'

const RULES = `[notify.rules.told]
on = ["blocked"]
command = ["${RECEIVER}"]
[notify.rules.unheard]
on = ["blocked"]
command = ["nowhere"]
attempts_max = 1
`
const OLD_DELIVERY = 'closed-0123456789abcdef'

export const notification: Story = {
  name: 'notification',
  about: 'control',
  tells: 'an item is blocked, which one receiver is told and the other cannot be; a record of old is put away',
  begin({ task, file }) {
    task('a')
    file('millrace-agents/millrace.toml', RULES)
    file(`millrace-agents/${deliveryFile('done', OLD_DELIVERY)}`, '{}\n')
  },
  script: unless('builder', ({ run_id }) => until('cancel_run', { run_id })),
  first: (engine) => engine.commit([{ change: 'delivery.forget', state: 'done', delivery_id: OLD_DELIVERY }]),
  ends: { 'task a': 'blocked' },
  outcomes: [],
  also(files) {
    const done = blockedIn(files, 'done')
    const received = [...new Set(lines(files, RECEIVED).filter((id) => DELIVERY_ID.test(id)))]
    const recorded = deliveryIds(files, placesOf(ROOT), 'done')
    return [
      ...has(files.list(at(deliveryFolder('pending'))) ?? [], 0, 'deliveries that wait'),
      ...has(blockedIn(files, 'failed'), 1, 'deliveries given up'),
      ...has(done, 1, 'deliveries carried out'),
      ...has(
        done.filter((id) => received.includes(id)),
        1,
        'deliveries that arrived',
      ),
      ...has(
        received.filter((id) => !recorded.includes(id)),
        0,
        'deliveries that arrived without a record',
      ),
    ]
  },
}

/** Ids of the deliveries of a state that tell of a blocked item, not of a run that was held on the way. */
const blockedIn = (files: Files, state: DeliveryState): string[] =>
  readDeliveries(files, placesOf(ROOT), state)
    .filter(({ delivery }) => delivery.payload.event_type === 'work_item_blocked')
    .map(({ delivery }) => delivery.delivery_id)
