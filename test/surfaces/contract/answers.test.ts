/**
 * What every command answers, tried once for all samples. Everything printed with --json is judged by an independent
 * validator against the schema that `millrace schema` gives of it, and that schema refuses the same answer with a member
 * too few or too many, wherever in it. How it reads (as JSON, as lines for a program, on a terminal) is on record in
 * `answers/`, for reading: a change of those files is a change of what people see. `npx vitest run <this file> --update`
 * writes them anew.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeLook } from '../../../src/cli/look.ts'
import { rendererOf } from '../../../src/cli/render/table.ts'
import { endAll } from '../../rig/program.ts'
import { type Answer, answersOf } from './answers.ts'
import { head, NOW, normaliser, shortened } from './normal.ts'
import { judge, published } from './published.ts'
import { changed, closedObjects } from './schema-walk.ts'
import { ALL_VERBS } from './verbs.ts'

const FOLDER = path.join(import.meta.dirname, 'answers')
const fileOf = (verb: string): string => path.join(FOLDER, `${verb.replaceAll(' ', '-')}.txt`)
/** Verbs whose text holds what their JSON does not: it is taken from the command itself. */
const BEYOND_JSON: readonly string[] = ['compile graph']
/** Verbs that nothing but a person can bring to an end, and the verb whose answer they give then. */
const ASKING: Readonly<Record<string, string>> = { 'queue new': 'queue add-task' }
const RULE = '-'.repeat(80)

const compile = judge()
let answers: Answer[] = []
beforeAll(async () => {
  answers = await answersOf((verb) => BEYOND_JSON.includes(verb))
}, 600_000)
afterAll(endAll)

/** A failure that is no line of a stream has one shape for all verbs. */
const isFailure = (value: unknown): boolean => typeof value === 'object' && value !== null && 'error' in value

/** Every value of every sample, with the name of the schema that is to fit. */
function judged(): { name: string; verb: string; line: string; value: unknown }[] {
  return answers.flatMap(({ verb, sample, values }) =>
    values.map((value) => ({ name: isFailure(value) ? 'error' : verb, verb, line: `millrace ${sample.args}`, value })),
  )
}

describe('what a command prints with --json', () => {
  it('fits the schema published of it, and a failure that of failures', async () => {
    for (const { name, line, value } of judged()) {
      const fits = compile(await published(name))
      expect(fits(value) ? [] : fits.errors, line).toEqual([])
    }
  })

  it('ends with the exit status the sample is there for, failures included', () => {
    const wrong = answers.filter(({ sample, ended }) => ended.status !== (sample.status ?? 0))
    expect(wrong.map(({ sample, ended }) => `${sample.args}: ${ended.status} ${ended.stderr}`)).toEqual([])
  })

  it('is shown of every verb at least once where it succeeds', async () => {
    const shown = new Set(answers.flatMap(({ verb, values }) => (values.some((one) => !isFailure(one)) ? [verb] : [])))
    expect(ALL_VERBS.filter((verb) => !shown.has(verb))).toEqual(Object.keys(ASKING))
    for (const [verb, like] of Object.entries(ASKING)) expect(await published(verb)).toEqual(await published(like))
  })
})

describe('the schema of an answer', { timeout: 120_000 }, () => {
  it('refuses its answer without any one of the members it requires', async () => {
    let tried = 0
    for (const { name, line, value } of judged().filter((one) => one.verb !== 'schema')) {
      const schema = await published(name)
      const fits = compile(schema)
      for (const { path, required } of closedObjects(schema, value, compile)) {
        for (const member of required) {
          tried += 1
          const without = changed(value, path, (object) => void delete object[member])
          expect(fits(without), `${line}: without ${[...path, member].join('.')}`).toBe(false)
        }
      }
    }
    expect(tried).toBeGreaterThan(5000)
  })

  it('refuses its answer with a member more than it knows', async () => {
    const found = new Map<string, number>()
    for (const { name, verb, line, value } of judged().filter((one) => one.verb !== 'schema')) {
      const schema = await published(name)
      const fits = compile(schema)
      for (const { path } of closedObjects(schema, value, compile)) {
        found.set(verb, (found.get(verb) ?? 0) + 1)
        const more = changed(value, path, (object) => {
          object['no such member'] = 1
        })
        expect(fits(more), `${line}: with another member in ${path.join('.') || 'the answer'}`).toBe(false)
      }
    }
    expect(ALL_VERBS.filter((verb) => verb !== 'schema' && !found.has(verb))).toEqual([])
  })
})

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
