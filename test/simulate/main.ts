/** The long run: seed after seed for as long as asked. The first argument is the repository. */
import * as path from 'node:path'
import { installationIn, simulate, told } from './play.ts'

const ACTIONS_MAX = 120
const SHRINK_MS_MAX = 60_000

const option = (name: string): number | null => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? null : Number(process.argv[at + 1])
}

const installation = installationIn(path.join(process.argv[2]!, 'assets'))
const seconds = option('seconds') ?? 60
const only = option('seed')
const failuresMax = option('failures') ?? 1
const shrinkMsMax = option('shrink') === null ? SHRINK_MS_MAX : option('shrink')! * 1000
const began = performance.now()
const total = { seeds: 0, ticks: 0, crashes: 0, commands: 0, stages: 0, lives: 0 }
let failures = 0
for (let seed = only ?? Date.now() % 1_000_000_000; failures < failuresMax; seed++) {
  const { failure, played } = await simulate(installation, seed, ACTIONS_MAX, shrinkMsMax)
  total.seeds += 1
  for (const name of ['ticks', 'crashes', 'commands', 'stages', 'lives'] as const) total[name] += played.counts[name]
  if (failure) {
    failures += 1
    console.log(`${told(failure)}\nagain: node test/simulate/run.mjs --seed ${seed}`)
  }
  if (only !== null && option('seconds') === null) break
  if (performance.now() - began > seconds * 1000) break
}
const took = (performance.now() - began) / 1000
const counted = Object.entries(total).map(([name, count]) => `${count} ${name}`)
console.log(`${(total.seeds / took).toFixed(2)} seeds/s: ${counted.join(', ')} in ${took.toFixed(1)} s`)
process.exitCode = failures > 0 ? 1 : 0
