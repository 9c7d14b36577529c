/**
 * How tests are run under mutation. Properties: few runs, so that a mutant costs no seconds; one seed, so that a score
 * can be had again; no search for the smallest counterexample, since any will do. Tests of speed: not at all, since
 * instrumented code says nothing about it.
 */
import { beforeEach, vi } from 'vitest'

const RUNS_MAX = 40
const SEED = 20260101
const ABOUT_SPEED = / takes linear time | at once$/

vi.mock('fast-check', async (original) => {
  const fc = await original<typeof import('fast-check')>()
  const assert: typeof fc.assert = (property, parameters = {}) => {
    const numRuns = Math.min(parameters.numRuns ?? RUNS_MAX, RUNS_MAX)
    return fc.assert(property, { ...parameters, numRuns, seed: SEED, endOnFailure: true }) as never
  }
  return { ...fc, assert, default: { ...fc.default, assert } }
})

beforeEach(({ task, skip }) => skip(ABOUT_SPEED.test(` ${task.name}`), 'about speed'))
