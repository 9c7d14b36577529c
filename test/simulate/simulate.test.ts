/** Seeded simulation in the default suite. */
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { SEED } from '../rig/seed.ts'
import { installationIn, play, simulate, storyOf, told, withBlockedDependency } from './play.ts'

const installation = installationIn(path.join(import.meta.dirname, '../../assets'))
const ACTIONS_MAX = 60
const SHRINK_MS_MAX = 30_000
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, SEED, SEED + 1, SEED + 2, SEED + 3]
/** One in which people are told of something, by a receiver that fails now and then. */
const TELLING = 9

test.each(SEEDS)(
  'whatever people, agents and the machine do, nothing is lost and the work comes to its end: seed %i',
  async (seed) => {
    const { failure } = await simulate(installation, seed, ACTIONS_MAX, SHRINK_MS_MAX)
    if (failure) throw new Error(told(failure))
  },
  SHRINK_MS_MAX * 2,
)

test('a blocked task that another waits for is put back by itself, whatever else happens meanwhile', async () => {
  let recoveries = 0
  for (const seed of [1, 2, 3, 4]) {
    const { problems, counts } = await play(installation, seed, withBlockedDependency(storyOf(seed, 20)))
    expect(problems, `seed ${seed}`).toEqual([])
    recoveries += counts.recoveries
  }
  expect(recoveries).toBeGreaterThan(1)
})

test('one seed is one run: it ends with the same bytes, and another one with others', async () => {
  const runOf = (seed: number) => play(installation, seed, storyOf(seed, ACTIONS_MAX))
  const [first, again, other] = [await runOf(5), await runOf(5), await runOf(6)]
  expect(again).toEqual(first)
  expect(first.counts.stages).toBeGreaterThan(0)
  expect(other.hash).not.toBe(first.hash)
})

test('what is told is tried again while the receiver fails', async () => {
  const { problems, counts } = await play(installation, TELLING, storyOf(TELLING, ACTIONS_MAX))
  expect(problems).toEqual([])
  expect(counts.told).toBeGreaterThan(1)
})
