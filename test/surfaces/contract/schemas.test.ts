/**
 * Everything printed with --json is judged by an independent validator against the schema that `millrace schema` gives
 * of it; and each of those schemas refuses the same answer with a member too few or too many, wherever in it.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { schema as schemaOperation } from '../../../src/operations/schema.ts'
import { contextIn } from '../../rig/context.ts'
import { incident, spec, task } from '../../rig/runtime.ts'
import { type Answer, answersOf } from './answers.ts'
import { changed, closedObjects, judge, openObjects, type Schema } from './schema-walk.ts'
import { ALL_VERBS } from './verbs.ts'

const published = async (name: string): Promise<Schema> =>
  (await schemaOperation.run(contextIn('/nowhere'), { name: name.split(' ') })) as Schema
const compile = judge()

let answers: Answer[] = []
beforeAll(async () => {
  answers = await answersOf()
}, 600_000)

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

  it('is shown of every verb at least once where it succeeds', () => {
    const shown = new Set(answers.flatMap(({ verb, values }) => (values.some((one) => !isFailure(one)) ? [verb] : [])))
    expect(ALL_VERBS.filter((verb) => !shown.has(verb))).toEqual([])
  })
})

describe('a published schema', () => {
  it('is closed at every object it describes', async () => {
    for (const name of [...ALL_VERBS, 'error', 'help']) expect(openObjects(await published(name)), name).toEqual([])
  })

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
    expect(tried).toBeGreaterThan(3000)
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

describe('the schema of a work document', () => {
  const documents = { task: task('T-1'), spec: spec('S-1'), incident: incident('I-1') }

  it('fits such a document, and refuses it with a member too few or too many', async () => {
    for (const [kind, fields] of Object.entries(documents)) {
      const schema = await published(`document.${kind}`)
      const fits = compile(schema)
      const document = { schema_version: '1.0', kind, ...fields }
      expect(fits(document) ? [] : fits.errors, kind).toEqual([])
      const required = schema.required as string[]
      expect(required.length).toBeGreaterThan(5)
      for (const member of required) {
        const without = changed(document, [], (object) => void delete object[member])
        expect(fits(without), `${kind} without ${member}`).toBe(false)
      }
      expect(fits({ ...document, 'no such member': 1 }), kind).toBe(false)
    }
  })
})
