import { expect, test } from 'vitest'
import { deliveryBackoffMs, deliveryIn, deliveryText, newDelivery } from './delivery.ts'

const delivery = newDelivery('2026-03-02T12:00:00.000Z', {
  delivery_id: 'blocked-0123456789abcdef',
  channel: 'notify',
  recipient: 'oncall',
  payload: { text: 'hello' },
})

test('a record is read as it was written', () => {
  expect(deliveryIn(deliveryText(delivery), delivery.delivery_id)).toEqual(delivery)
  expect(delivery).toMatchObject({ attempts: 0, next_attempt_at: delivery.created_at, ended_at: null })
})

test('what holds no delivery of that id is none', () => {
  const text = deliveryText(delivery)
  expect(deliveryIn(text, 'blocked-0000000000000000')).toBeNull()
  expect(deliveryIn(text.slice(0, -9), delivery.delivery_id)).toBeNull()
  expect(deliveryIn(text.replace('notify', 'pigeon'), delivery.delivery_id)).toBeNull()
  expect(
    deliveryIn(text.replace(/"next_attempt_at": "[^"]*"/, '"next_attempt_at": "soon"'), delivery.delivery_id),
  ).toBeNull()
  const climbing = { ...delivery, delivery_id: '../../etc/passwd-0123456789abcdef' }
  expect(deliveryIn(deliveryText(climbing), climbing.delivery_id)).toBeNull()
})

test('each attempt waits longer than the one before, ten minutes at most; eight take about half an hour', () => {
  const waits = Array.from({ length: 7 }, (_, at) => deliveryBackoffMs(at + 1))
  expect(waits.slice(0, 3)).toEqual([5000, 15_000, 45_000])
  expect(waits).toEqual([...waits].sort((a, b) => a - b))
  expect(deliveryBackoffMs(99)).toBe(600_000)
  const minutes = waits.reduce((all, one) => all + one, 0) / 60_000
  expect(minutes).toBeGreaterThan(25)
  expect(minutes).toBeLessThan(35)
})
