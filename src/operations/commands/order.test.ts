import { beforeEach, describe, expect, it } from 'vitest'
import { carryOut, ledger, refusal } from '../../../test/rig/command.ts'
import { documentText } from '../../../test/rig/documents.ts'
import { MemoryWorkspace } from '../../../test/rig/view.ts'
import { reorderQueue, retargetDependency } from './order.ts'

let workspace: MemoryWorkspace
const queue = () => [...workspace.view().items.queued('task')].map(({ id }) => id)

beforeEach(() => {
  workspace = new MemoryWorkspace()
  for (const [index, id] of ['a', 'b', 'c'].entries())
    workspace.put('task', 'queued', id, documentText('task', id, { created_at: `2026-03-02T0${index}:00:00Z` }))
})

describe('reordering a queue', () => {
  it('takes every queued item once, and claims in that order', () => {
    const { output } = carryOut(workspace, reorderQueue, { work_item_ids: ['c', 'a', 'b'], reason: 'urgent' })
    expect(output).toMatchObject({ applied: true, detail: 'reordered 3 queued task items; next is c' })
    expect(queue()).toEqual(['c', 'a', 'b'])
    expect(workspace.order).toMatchObject({ ids_by_kind: { task: ['c', 'a', 'b'] }, issuer: 'ada' })
    expect(ledger(workspace)).toMatchObject([
      { action: 'reorder', before: { ids: ['a', 'b', 'c'] }, after: { ids: ['c', 'a', 'b'] } },
    ])
    expect(workspace.told).toEqual(['queue_reordered'])
  })

  it('puts some before or behind the others', () => {
    carryOut(workspace, reorderQueue, { work_item_ids: ['b'], place: 'first' })
    expect(queue()).toEqual(['b', 'a', 'c'])
    carryOut(workspace, reorderQueue, { work_item_ids: ['b', 'a'], place: 'last' })
    expect(queue()).toEqual(['c', 'b', 'a'])
  })

  it('puts what is queued later behind, and keeps the orders of other queues', () => {
    workspace.put('spec', 'queued', 's', documentText('spec', 's'))
    workspace.put('spec', 'queued', 't', documentText('spec', 't'))
    carryOut(workspace, reorderQueue, { work_item_ids: ['t', 's'] })
    carryOut(workspace, reorderQueue, { work_item_ids: ['c', 'b', 'a'] })
    workspace.put('task', 'queued', 'oldest', documentText('task', 'oldest', { created_at: '2020-01-01T00:00:00Z' }))
    expect(queue()).toEqual(['c', 'b', 'a', 'oldest'])
    expect(workspace.order.ids_by_kind).toEqual({ spec: ['t', 's'], task: ['c', 'b', 'a'] })
  })

  it('changes nothing where the queue has that order', () => {
    const { changes, output } = carryOut(workspace, reorderQueue, { work_item_ids: ['a', 'b', 'c'] })
    expect([changes, output.applied]).toEqual([[], false])
  })

  it('names in one sentence all that is missing and all that is not queued', () => {
    expect(refusal(workspace, reorderQueue, { work_item_ids: ['x', 'b', 'y'] })).toMatchObject({
      code: 'order_invalid',
      message: 'The order does not fit the task queue (not queued: x; y; missing: a; c).',
    })
  })

  it('refuses ids given twice, none at all, and ids of several queues', () => {
    expect(refusal(workspace, reorderQueue, { work_item_ids: ['a', 'b', 'a', 'c'] }).message).toContain(
      'a more than once',
    )
    expect(refusal(workspace, reorderQueue, { work_item_ids: [] }).code).toBe('usage')
    expect(refusal(workspace, reorderQueue, { work_item_ids: ['x'] }).message).toContain('None of these is queued')
    workspace.put('spec', 'queued', 'a', documentText('spec', 'a'))
    expect(refusal(workspace, reorderQueue, { work_item_ids: ['a', 'b', 'c'] }).hint).toContain('--kind')
    carryOut(workspace, reorderQueue, { work_item_ids: ['c', 'b', 'a'], work_item_kind: 'task' })
    expect(queue()).toEqual(['c', 'b', 'a'])
  })
})

describe('turning a dependency', () => {
  const turn = { work_item_id: 'c', from: 'a', to: 'b', reason: 'a was split' }
  beforeEach(() => {
    workspace.put('task', 'queued', 'c', `${documentText('task', 'c', { depends_on: ['a'] })}\n<!-- a note -->\n`)
  })

  it('rewrites one line of the document', () => {
    const before = workspace.textOf('task', 'queued', 'c')!
    carryOut(workspace, retargetDependency, turn)
    expect(workspace.textOf('task', 'queued', 'c')).toBe(before.replace('- a\n', '- b\n'))
    expect(workspace.events[0]).toMatchObject({ event_type: 'task_dependency_retargeted', data: { work_item_id: 'c' } })
  })

  it('refuses a task that does not wait for it, one there is not, and one that is not queued', () => {
    expect(refusal(workspace, retargetDependency, { ...turn, from: 'x' })).toMatchObject({
      code: 'item_state',
      message: 'task c names x 0 times as a dependency, not once.',
    })
    expect(refusal(workspace, retargetDependency, { ...turn, to: 'x' }).code).toBe('item_unknown')
    workspace.put('task', 'blocked', 'd', documentText('task', 'd', { depends_on: ['a'] }))
    expect(refusal(workspace, retargetDependency, { ...turn, work_item_id: 'd' }).code).toBe('item_state')
  })

  it('refuses to let a task wait for itself, directly or through others', () => {
    expect(refusal(workspace, retargetDependency, { ...turn, to: 'c' }).code).toBe('dependency_cycle')
    workspace.put('task', 'queued', 'b', documentText('task', 'b', { depends_on: ['c'] }))
    expect(refusal(workspace, retargetDependency, turn).code).toBe('dependency_cycle')
  })
})
