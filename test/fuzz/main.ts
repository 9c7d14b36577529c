/** The long run: every parser in turn, with new seeds, until the time is up. */
import { parseArgs } from 'node:util'
import { REPEATED } from './generators.ts'
import { growthOf, PLACES } from './growth.ts'
import { everyParser, type Parser } from './parsers.ts'
import { type Failure, runsOf, told, tried } from './property.ts'
import { workedWorkspace } from './workspace.ts'

const RUNS_PER_TURN = 200

/** Gives the exit status: 0 if every parser kept its law. */
export async function main(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' }, parser: { type: 'string' } },
  })
  const untilMs = performance.now() + Number(values.seconds) * 1000
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
  const workspace = await workedWorkspace()
  const parsers = everyParser(workspace).filter(
    ({ name }) => values.parser === undefined || name.includes(values.parser),
  )
  console.log(`${parsers.length} parsers, seed ${seed}`)

  const failed = new Set<string>()
  let runs = 0
  let turn = 0
  const began = performance.now()
  try {
    for (; performance.now() < untilMs && parsers.length > failed.size; turn++) {
      for (const parser of parsers) {
        if (performance.now() >= untilMs) break
        if (failed.has(parser.name)) continue
        const failure = (await tried(parser, seed + turn, RUNS_PER_TURN)) ?? (await slowness(parser, seed, turn))
        runs += runsOf(parser, RUNS_PER_TURN)
        if (failure === null) continue
        failed.add(parser.name)
        console.log(`\n${told(failure)}`)
      }
    }
  } finally {
    workspace.dispose()
  }
  const seconds = (performance.now() - began) / 1000
  console.log(`${turn} turns, ${runs} inputs, ${Math.round(runs / seconds)} a second; ${failed.size} parsers failed`)
  return failed.size === 0 ? 0 : 1
}

/** One repeated text a turn, another each time. */
async function slowness(parser: Parser, seed: number, turn: number): Promise<Failure | null> {
  const unit = REPEATED[(seed + turn) % REPEATED.length]!
  const place = PLACES[turn % PLACES.length]!
  const wrong = await growthOf(parser, unit, place)
  const what = `${wrong}: ${JSON.stringify(unit)} repeated ${place}`
  return wrong === null
    ? null
    : { parser: parser.name, wrong: what, base64: Buffer.from(unit).toString('base64'), seed: seed + turn, path: null }
}
