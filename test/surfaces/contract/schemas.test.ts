/** The schemas that `millrace schema` publishes: each closed, and those of work documents true of such documents. */
import { describe, expect, it } from 'vitest'
import { incident, spec, task } from '../../rig/runtime.ts'
import { judge, published } from './published.ts'
import { changed, openObjects } from './schema-walk.ts'
import { ALL_VERBS } from './verbs.ts'

const compile = judge()

describe('a published schema', () => {
  it('is closed at every object it describes', async () => {
    for (const name of [...ALL_VERBS, 'error', 'help']) expect(openObjects(await published(name)), name).toEqual([])
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
