/** Asking why in a workspace of a test, and holding the answer to what every answer promises. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect } from 'vitest'
import { resolve, spellingsOf } from '../../src/cli/spellings.ts'
import type { Clock } from '../../src/core/clock.ts'
import { MillraceError } from '../../src/core/errors.ts'
import { systemClock } from '../../src/engine/clock.ts'
import type { Issued } from '../../src/operations/issue.ts'
import { Why, type WhyOutput } from '../../src/operations/schemas/why.ts'
import { OPERATIONS } from '../../src/operations/table.ts'
import { why } from '../../src/operations/why/why.ts'
import { contextIn } from '../rig/context.ts'
import type { Rig } from '../rig/runtime.ts'

/** As an operator asks, `minutes` later than it is. */
export async function ask(
  rig: Rig,
  subject: string,
  { minutes = 0, kind }: { minutes?: number; kind?: 'task' } = {},
): Promise<WhyOutput> {
  const clock: Clock = { ...systemClock, now: () => new Date(Date.now() + minutes * 60_000) }
  const context = contextIn(rig.root, { clock, environment: process.env })
  const answer = await why.run(context, kind === undefined ? { subject } : { subject, kind })
  expect(Why.safeParse(JSON.parse(JSON.stringify(answer))).error).toBeUndefined()
  for (const fact of answer.because) expectToExist(rig, fact)
  for (const command of answer.can) expect(`${command}: ${await standing(rig, command)}`).toBe(`${command}: accepted`)
  return answer
}

/** Every fact names a file that is there, or an event that the log holds. */
function expectToExist(rig: Rig, { fact, path: file, event, at }: WhyOutput['because'][number]): void {
  expect([file === null, event === null].filter(Boolean), `one source of "${fact}"`).toHaveLength(1)
  if (file !== null) expect(fs.existsSync(path.join(rig.root, file)), `${file}, the source of "${fact}"`).toBe(true)
  if (event !== null) {
    const told = fs
      .readFileSync(rig.at('logs/runtime_events.jsonl'), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { event_type: string; occurred_at: string })
    expect(
      told.some((one) => one.event_type === event && one.occurred_at === at),
      `${event} at ${at}`,
    ).toBe(true)
  }
}

/** What would become of a command that was offered: reads are run, changes are previewed as they would be carried out. */
async function standing(rig: Rig, command: string): Promise<string> {
  const [program, ...words] = command.split(' ')
  const found = resolve(words, spellingsOf(OPERATIONS.map(({ name }) => name)))
  if (program !== 'millrace' || found.kind !== 'verb') return 'no command'
  const verb = await OPERATIONS.find(({ name }) => name === found.canonical)!.load()
  // Without --fix it only looks.
  const isLook = verb.name === 'doctor'
  if (verb.flavour === 'perform' && !isLook)
    return rig.lock().state === 'active' ? 'refused while a runtime lives' : 'accepted'
  const [id, option, value] = words.slice(found.words)
  const first = verb.input.find(({ positional }) => positional)
  const input = { ...(first && id ? { [first.name]: id } : {}), ...(option === '--kind' ? { kind: value } : {}) }
  try {
    if (verb.flavour === 'change') {
      const { state, detail } = (await verb.run(contextIn(rig.root, { dryRun: true }), input)) as Issued
      return state === 'preview' ? 'accepted' : `${state}: ${detail}`
    }
    if (verb.follows === undefined) await verb.run(contextIn(rig.root), input)
    return 'accepted'
  } catch (error) {
    return MillraceError.is(error) ? error.message : String(error)
  }
}
