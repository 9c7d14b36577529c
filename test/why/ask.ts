/** Asking why in a workspace of a test, and holding the answer to what every answer promises. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect } from 'vitest'
import { resolve, spellingsOf } from '../../src/cli/spellings.ts'
import type { Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { lockIn, ownerOf } from '../../src/operations/owner.ts'
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
  for (const command of answer.can) await expectToBeAccepted(rig, command)
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

/**
 * Every command that is offered would be carried out now. Reads are run, changes previewed; what
 * works needs the lock; what follows a run ends with it, and is not waited for.
 */
async function expectToBeAccepted(rig: Rig, command: string): Promise<void> {
  const [program, ...words] = command.split(' ')
  expect(program).toBe('millrace')
  const found = resolve(words, spellingsOf(OPERATIONS.map(({ name }) => name)))
  if (found.kind !== 'verb') throw new Error(`${command} is no command`)
  const verb = await OPERATIONS.find(({ name }) => name === found.canonical)!.load()
  const given = words.slice(found.words)
  const [first] = verb.input.filter(({ positional }) => positional)
  const input = first && given[0] ? { [first.name]: given[0] } : {}
  if (verb.follows) return
  if (verb.flavour === 'perform') {
    const isOwned = ownerOf(lockIn(contextIn(rig.root))).state === 'active'
    expect(isOwned, `${command} was offered while a runtime owns the workspace`).toBe(false)
    return
  }
  const answer = await verb.run(contextIn(rig.root, { dryRun: true }), input)
  if (verb.flavour === 'change') expect(answer, command).toMatchObject({ state: 'preview' })
}
