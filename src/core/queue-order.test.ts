import { describe, expect, it } from 'vitest'
import { documentText } from '../../test/rig/documents.ts'
import { MemoryWorkspace, NOW } from '../../test/rig/view.ts'
import { newQueueOrder } from './queue-order.ts'

describe('the order of a queue', () => {
  const workspace = new MemoryWorkspace()
  for (const [id, day] of [
    ['old', 1],
    ['mid', 2],
    ['new', 3],
  ] as const)
    workspace.put('task', 'queued', id, documentText('task', id, { created_at: `2026-03-0${day}T10:00:00Z` }))
  const ordered = (ids_by_kind: Record<string, string[]>) => {
    workspace.order = { ...newQueueOrder(NOW), ids_by_kind }
    return [...workspace.view().items.queued('task')].map(({ id }) => id)
  }

  it('is that of age where nobody gave another', () => {
    expect(ordered({})).toEqual(['old', 'mid', 'new'])
    expect(ordered({ spec: ['new'] })).toEqual(['old', 'mid', 'new'])
  })

  it('puts listed items first as listed, and the others behind them by age', () => {
    expect(ordered({ task: ['new', 'mid'] })).toEqual(['new', 'mid', 'old'])
    expect(ordered({ task: ['new'] })).toEqual(['new', 'old', 'mid'])
  })

  it('takes no notice of ids that are not queued', () => {
    expect(ordered({ task: ['gone', 'mid', 'never'] })).toEqual(['mid', 'old', 'new'])
  })
})
