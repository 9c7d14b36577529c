import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { claimOrder, ITEM_KINDS, type ItemEntry, isItemKind } from './item.ts'

const entry = (id: string, createdMs: number): ItemEntry => ({
  kind: 'task',
  id,
  state: 'queued',
  title: id,
  createdAt: '',
  createdMs,
  dependsOn: [],
  rootSpecId: null,
  rootIdeaId: null,
  effectiveRoot: null,
  sourceIds: [],
})

test('a kind of work item is one of the five, spelt as it is', () => {
  expect([...ITEM_KINDS, 'Task', 'tasks', ''].filter(isItemKind)).toEqual([
    'task',
    'spec',
    'incident',
    'probe',
    'learning_request',
  ])
})

describe('the order in which a queue is claimed', () => {
  test('is by age, and by id where items are equally old', () => {
    const queue = [entry('b', 2), entry('a', 3), entry('c', 1), entry('a', 2), entry('c', 2)]
    expect(queue.sort(claimOrder).map(({ id, createdMs }) => `${id}${createdMs}`)).toEqual([
      'c1',
      'a2',
      'b2',
      'c2',
      'a3',
    ])
  })

  test('is the same whatever order the folder is listed in', () => {
    const anyEntry = fc.tuple(fc.constantFrom('a', 'b', 'B', 'aa', '0'), fc.constantFrom(0, 1, 2.5, 9e15))
    fc.assert(
      fc.property(fc.uniqueArray(anyEntry, { selector: String }), (places) => {
        const listed = places.map(([id, createdMs]) => entry(id, createdMs))
        const sorted = (items: ItemEntry[]) => [...items].sort(claimOrder)
        expect(sorted([...listed].reverse())).toEqual(sorted(listed))
        for (const one of listed) {
          expect(claimOrder(one, { ...one })).toBe(0)
          for (const other of listed) expect(claimOrder(one, other)).toBe(0 - claimOrder(other, one))
        }
      }),
    )
  })
})
