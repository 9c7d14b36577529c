/** A disk that refuses, at every call the runtime makes of it: nothing is lost, and the work goes on once it does not. */
import { expect, test } from 'vitest'
import { STORIES } from '../../src/selftest/stories.ts'
import { refuseEverywhere } from './refusals.ts'
import { INSTALLATION } from './table.ts'

/** Of the calls that only read, which outnumber the others thirty to one, every so manieth. */
const READING_STRIDE = 60

test('a disk that refuses any one call loses nothing, and the work comes to its end', {
  timeout: 240_000,
}, async () => {
  const task = STORIES.find((story) => story.name === 'task')!
  const report = await refuseEverywhere(
    INSTALLATION,
    task,
    (number, isReading) => !isReading || number % READING_STRIDE === 0,
  )
  console.info(`${report.calls} calls, ${report.refusals} refusals, ${report.ended} runtimes ended for one`)
  expect(report.broken).toEqual([])
  expect(report.refusals).toBeGreaterThan(500)
  // Most are waited out; those that meet a runtime while it starts end it, with a sentence.
  expect(report.ended).toBeLessThan(report.refusals / 2)
})

test('a disk that refuses for a while is waited out', { timeout: 240_000 }, async () => {
  const commands = STORIES.find((story) => story.name === 'commands')!
  const report = await refuseEverywhere(
    INSTALLATION,
    commands,
    (number, isReading) => !isReading && number % 9 === 0,
    4,
  )
  expect(report.broken).toEqual([])
  expect(report.refusals).toBeGreaterThan(100)
})

test('a disk that refuses while old runs are removed keeps what was to go, or what stays, whole', {
  timeout: 240_000,
}, async () => {
  const story = STORIES.find(({ name }) => name === 'old runs')!
  const isChosen = (number: number, isReading: boolean) => number % (isReading ? 200 : 4) === 0
  const report = await refuseEverywhere(INSTALLATION, story, isChosen)
  // What one file refuses stays for the next round: no other ending is wrong then.
  expect(report.broken.filter((one) => !one.startsWith('EACCES'))).toEqual([])
  expect(report.refusals).toBeGreaterThan(100)
})
