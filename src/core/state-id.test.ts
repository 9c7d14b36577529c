import { describe, expect, it } from 'vitest'
import { documentText } from '../../test/rig/documents.ts'
import { MemoryWorkspace } from '../../test/rig/view.ts'
import { isStateId, stateId } from './state-id.ts'

const filled = () =>
  new MemoryWorkspace()
    .put('task', 'queued', 'T-1', documentText('task', 'T-1'))
    .put('task', 'blocked', 'T-2', documentText('task', 'T-2'))
    .put('task', 'done', 'T-3', documentText('task', 'T-3'))
const idOf = (workspace: MemoryWorkspace) => stateId(workspace.view())

describe('the id of a state', () => {
  it('is the same for the same state, whenever it is asked', () => {
    const later = filled()
    later.now = '2027-01-01T00:00:00.000Z'
    expect(idOf(later)).toBe(idOf(filled()))
    expect(isStateId(idOf(filled()))).toBe(true)
  })

  it.each<[string, (workspace: MemoryWorkspace) => unknown]>([
    ['a transaction', (one) => (one.snapshot = { ...one.snapshot, revision: one.snapshot.revision + 1 })],
    [
      'an edit of a queued document',
      (one) => one.put('task', 'queued', 'T-1', documentText('task', 'T-1', {}, '\nx\n')),
    ],
    [
      'an edit of a blocked document',
      (one) => one.put('task', 'blocked', 'T-2', documentText('task', 'T-2', {}, '\nx\n')),
    ],
    ['a document dropped in', (one) => one.put('spec', 'queued', 'S-1', documentText('spec', 'S-1'))],
    ['a document dropped among the finished', (one) => one.put('task', 'done', 'T-4', documentText('task', 'T-4'))],
    ['an edit of the config', (one) => one.files.set('millrace-agents/millrace.toml', '# x')],
  ])('moves with %s', (_, change) => {
    const workspace = filled()
    change(workspace)
    expect(idOf(workspace)).not.toBe(idOf(filled()))
  })

  it('moves when a document is moved by hand', () => {
    const moved = new MemoryWorkspace()
      .put('task', 'blocked', 'T-1', documentText('task', 'T-1'))
      .put('task', 'blocked', 'T-2', documentText('task', 'T-2'))
      .put('task', 'done', 'T-3', documentText('task', 'T-3'))
    expect(idOf(moved)).not.toBe(idOf(filled()))
  })

  it('is told from other texts', () => {
    for (const text of ['state-1', 'state-x-0123456789ab', '', null, 'state-1-0123456789ab '])
      expect(isStateId(text)).toBe(false)
  })
})
