/** Recovery is cut short too: a few crashes here; `npm run test:deep` goes on for as long as it is told. */
import { expect, test } from 'vitest'
import { STORIES } from '../../src/selftest/stories.ts'
import { seeded } from '../../src/selftest/virtual-clock.ts'
import { SEED } from '../rig/seed.ts'
import { INSTALLATION } from './table.ts'
import { crashTwice } from './twice.ts'

const CRASHES = 12

test('recovery that is cut short anywhere is finished by the next one', { timeout: 240_000 }, async () => {
  let states = 0
  for (const name of ['task', 'gap', 'commands', 'log rotation', 'notification', 'old runs']) {
    const story = STORIES.find((one) => one.name === name)!
    let judged = 0
    const report = await crashTwice(INSTALLATION, story, seeded(SEED), () => judged++ >= CRASHES)
    expect(report.broken, `seed ${SEED}`).toEqual([])
    states += report.states
  }
  console.info(`${states} states in the middle of recovery, seed ${SEED}`)
  expect(states).toBeGreaterThan(1000)
})
