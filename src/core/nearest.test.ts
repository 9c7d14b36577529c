import { expect, it } from 'vitest'
import { nearest, nearestId } from './nearest.ts'

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
  const longest = 'a'.repeat(120)
  expect(nearest(longest, [`${longest}b`])).toBe(`${longest}b`)
  expect(nearest(`${longest}a`, [longest])).toBeNull()
})

it('takes two slips for one word, and one letter in three of a longer one', () => {
  expect(nearest('tiel', ['title'])).toBe('title')
  expect(nearest('tie', ['title'])).toBe('title')
  expect(nearest('te', ['title'])).toBeNull()
  expect(nearest('twelve_chars', ['twelve_XXXXs'])).toBe('twelve_XXXXs')
  expect(nearest('twelve_chars', ['twelve_XXXXX'])).toBeNull()
})

it('names the first of several that are equally near, and the nearest of all', () => {
  expect(nearest('tag', ['tar', 'tan', 'bag'])).toBe('tar')
  expect(nearest('tags', ['tarx', 'tagx', 'bagx'])).toBe('tagx')
})

it('counts a letter too many, one too few and one for another alike', () => {
  for (const slip of ['tittle', 'titl', 'xtitle', 'itle', 'tiXle']) expect(nearest(slip, ['title']), slip).toBe('title')
})

it('names of ids the one whose start was mistyped, unless several begin so', () => {
  const ids = ['run-b6246e5f0000000000000000', 'run-aaaa111122220000000000']
  expect(nearestId('run-b6246e5x', ids)).toBe(ids[0])
  expect(nearestId('run-aaaa111122220000000001', ids)).toBe(ids[1])
  expect(nearestId('run-b6246e5x', [...ids, 'run-b6246e5f0000000000000001'])).toBeNull()
  expect(nearestId('nothing', ids)).toBeNull()
})
