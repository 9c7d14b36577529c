/** The long run: crashes in the middle of recovery, and refused calls, story after story until the time is up. */
import { parseArgs } from 'node:util'
import { STORIES } from '../../src/selftest/stories.ts'
import { seeded } from '../../src/selftest/virtual-clock.ts'
import { refuseEverywhere } from './refusals.ts'
import { INSTALLATION } from './table.ts'
import { crashTwice } from './twice.ts'

/** Of the calls that can be refused, so many are chosen of each story in a turn; and so many crashes. */
const CALLS_PER_TURN = 20
const CRASHES_PER_TURN = 8

/** Gives the exit status: 0 if everything held. */
export async function main(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } },
  })
  const untilMs = performance.now() + Number(values.seconds) * 1000
  const isOver = () => performance.now() >= untilMs
  const seed = Number(values.seed ?? Date.now() % 1_000_000)
  const random = seeded(seed)
  console.log(`seed ${seed}`)
  const total = { crashes: 0, statesInRecovery: 0, refusals: 0 }
  const broken: string[] = []
  while (!isOver()) {
    const story = STORIES[Math.floor(random() * STORIES.length)]!
    let crashes = 0
    const twice = await crashTwice(INSTALLATION, story, random, () => isOver() || crashes++ >= CRASHES_PER_TURN)
    total.crashes += twice.crashes
    total.statesInRecovery += twice.states
    broken.push(...twice.broken.map(({ after, what }) => `${story.name}, ${after}: ${what.join('; ')}`))
    if (isOver()) break
    const lasts = 1 + Math.floor(random() * 5)
    const refused = await refuseEverywhere(
      INSTALLATION,
      story,
      (_, __, calls) => !isOver() && random() < CALLS_PER_TURN / calls,
      lasts,
    )
    total.refusals += refused.refusals
    broken.push(...refused.broken)
  }
  console.log(
    `${total.crashes} recoveries cut short in ${total.statesInRecovery} states, ${total.refusals} calls refused: ${broken.length} broken`,
  )
  for (const line of broken.slice(0, 20)) console.log(`BROKEN, seed ${seed}, ${line}`)
  return broken.length > 0 ? 1 : 0
}
