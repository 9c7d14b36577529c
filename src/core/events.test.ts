import { expect, test } from 'vitest'
import { describeFormat } from '../../test/rig/format.ts'
import { EVENT_TYPES, RuntimeEvent } from './events.ts'

const event = {
  schema_version: '1.0',
  kind: 'runtime_event',
  event_type: 'stage_started',
  occurred_at: '2026-03-02T12:00:00.000Z',
  data: { node_id: 'builder', anything: [1] },
}

describeFormat('an event', {
  schema: RuntimeEvent,
  full: event,
  least: event,
  filled: event,
  words: { schema_version: ['1.0'], kind: ['runtime_event'] },
  filledIn: ['event_type'],
  free: ['data'],
})

test('each type of event says in a sentence what it tells', () => {
  for (const [type, text] of Object.entries(EVENT_TYPES)) {
    expect(type).toMatch(/^[a-z]+(?:_[a-z]+)*$/)
    expect(text, type).toMatch(/^[A-Z].*\.$/)
  }
})
