/**
 * How every answer reads: as JSON, as lines for a program, and on a terminal. The files in `answers/` are for reading:
 * a change of them is a change of what people see. `npx vitest run -u` on this file writes them anew.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { makeLook } from '../../../src/cli/look.ts'
import { rendererOf } from '../../../src/cli/render/table.ts'
import { type Answer, answersOf } from './answers.ts'
import { head, NOW, normaliser, shortened } from './normal.ts'
import { ALL_VERBS } from './verbs.ts'

const FOLDER = path.join(import.meta.dirname, 'answers')
const fileOf = (verb: string): string => path.join(FOLDER, `${verb.replaceAll(' ', '-')}.txt`)
/** Verbs whose text holds what their JSON does not: it is taken from the command itself. */
const BEYOND_JSON: readonly string[] = ['compile graph']
const RULE = '-'.repeat(80)

let answers: Answer[] = []
beforeAll(async () => {
  answers = await answersOf((verb) => BEYOND_JSON.includes(verb))
}, 600_000)

/** The one verb that is no operation of its own is shown as the operation it repeats. */
const rendererFor = (verb: string) => rendererOf(verb === 'status watch' ? 'status' : verb)

/** A failure is told on stderr, also as the last line of a stream; and the end of watching is no status. */
const isShown = (value: { error?: unknown; end?: { error?: unknown } }, verb: string): boolean =>
  value.error === undefined && value.end?.error === undefined && !(verb === 'status watch' && 'end' in value)

async function section(answer: Answer): Promise<string> {
  const { verb, sample, cwd, ended } = answer
  const normal = normaliser(cwd)
  const values = answer.values.map((value) => normal(value) as object)
  const render = await rendererFor(verb)
  const look = (terminal: boolean) => makeLook({ terminal, colour: false, width: 100, now: NOW })
  const shown = values.filter((value) => isShown(value, verb))
  const text = (terminal: boolean) =>
    head(
      answer.text === null
        ? shown.map((value) => render(value, look(terminal))).join('\n')
        : String(normal(answer.text)),
    )
  const told = String(normal(ended.stderr)).trimEnd()
  return [
    `${sample.shows}: millrace ${normal(sample.args)}`,
    `exit ${ended.status}`,
    ...(told === '' ? [] : [`---- stderr ${RULE}`, told]),
    `---- JSON ${RULE}`,
    head(values.map((value) => JSON.stringify(shortened(value), null, 2)).join('\n')),
    ...(shown.length === 0
      ? []
      : [`---- for a program ${RULE}`, text(false), `---- on a terminal ${RULE}`, text(true)]),
    '',
  ].join('\n')
}

describe('the answers of every verb', () => {
  it.each(ALL_VERBS.map((verb) => [verb]))('of `millrace %s` read as they did', async (verb) => {
    const sections: string[] = []
    for (const answer of answers.filter((one) => one.verb === verb)) sections.push(await section(answer))
    await expect(sections.join(`\n${'='.repeat(100)}\n`)).toMatchFileSnapshot(fileOf(verb))
  })

  it('are on record for verbs that there are, and no other', () => {
    expect(fs.readdirSync(FOLDER).sort()).toEqual(ALL_VERBS.map((verb) => path.basename(fileOf(verb))).sort())
  })
})
