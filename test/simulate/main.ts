/** The long run: seed after seed for as long as asked. */
import * as path from 'node:path'
import { parseArgs } from 'node:util'
import { installationIn, simulate, told } from './play.ts'

const ACTIONS_MAX = 120
const SHRINK_MS_MAX = 60_000

/** Gives the exit status: 0 if everything held. */
export async function main(argv: string[], repository: string): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      seconds: { type: 'string' },
      seed: { type: 'string' },
      failures: { type: 'string', default: '1' },
      shrink: { type: 'string' },
    },
  })
  const installation = installationIn(path.join(repository, 'assets'))
  const untilMs = performance.now() + Number(values.seconds ?? 60) * 1000
  const shrinkMsMax = values.shrink === undefined ? SHRINK_MS_MAX : Number(values.shrink) * 1000
  const began = performance.now()
  const total = { seeds: 0, ticks: 0, crashes: 0, commands: 0, stages: 0, lives: 0, recoveries: 0, told: 0 }
  let failures = 0
  for (let seed = Number(values.seed ?? Date.now() % 1_000_000_000); failures < Number(values.failures); seed++) {
    const { failure, played } = await simulate(installation, seed, ACTIONS_MAX, shrinkMsMax)
    total.seeds += 1
    for (const name of ['ticks', 'crashes', 'commands', 'stages', 'lives', 'recoveries', 'told'] as const)
      total[name] += played.counts[name]
    if (failure) {
      failures += 1
      console.log(`${told(failure)}\nagain: node test/run.mjs simulation --seed ${seed}`)
    }
    const isOneSeed = values.seed !== undefined && values.seconds === undefined
    if (isOneSeed || performance.now() > untilMs) break
  }
  const took = (performance.now() - began) / 1000
  const counted = Object.entries(total).map(([name, count]) => `${count} ${name}`)
  console.log(`${(total.seeds / took).toFixed(2)} seeds/s: ${counted.join(', ')} in ${took.toFixed(1)} s`)
  return failures > 0 ? 1 : 0
}
