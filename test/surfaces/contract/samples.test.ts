/** That the one list of sample commands covers every verb there is. */
import { expect, it } from 'vitest'
import { SAMPLES } from './samples.ts'
import { ALL_VERBS } from './verbs.ts'

it('every verb has a sample command, and no sample is of a verb that there is not', () => {
  const sampled = Object.keys(SAMPLES)
  const missing = ALL_VERBS.filter((verb) => !sampled.includes(verb))
  expect(missing, 'add a command line for each to test/surfaces/contract/samples.ts').toEqual([])
  expect(sampled.filter((verb) => !ALL_VERBS.includes(verb))).toEqual([])
})
