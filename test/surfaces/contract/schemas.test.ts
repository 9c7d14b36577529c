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

  it('of a listing calls what cannot be read `unreadable`, whatever is listed', async () => {
    const listings = ALL_VERBS.filter((name) => name.endsWith(' ls'))
    expect(listings.length).toBeGreaterThan(10)
    const members = async (name: string) => Object.keys((await published(name)).properties ?? {})
    const found = await Promise.all(listings.map(async (name) => ({ name, members: await members(name) })))
    expect(found.filter((one) => one.members.some((member) => /invalid|broken|faulty/.test(member)))).toEqual([])
    const telling = found.filter((one) => one.members.includes('unreadable')).map(({ name }) => name)
    expect(telling).toEqual(expect.arrayContaining(['approvals ls', 'incidents ls', 'queue ls']))
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
