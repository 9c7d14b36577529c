import { expect, it } from 'vitest'
import { nearest } from './nearest.ts'

it('names the candidate a slip away', () => {
  expect(nearest('taks_id', ['title', 'task_id', 'tags'])).toBe('task_id')
  expect(nearest('Task-Id', ['Task-ID', 'Title'])).toBe('Task-ID')
})

it('says nothing when no candidate is near', () => {
  expect(nearest('zebra', ['title', 'references'])).toBeNull()
  expect(nearest('x', [])).toBeNull()
})

it('does not compare words too long to be a slip', () => {
  expect(nearest('a'.repeat(1_000_000), ['a'.repeat(1_000_000)])).toBeNull()
})
