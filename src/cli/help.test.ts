import { describe, expect, it } from 'vitest'
import { OPERATIONS } from '../operations/table.ts'
import { parseArguments, type Verb } from './arguments.ts'
import { groupHelp, overview, verbHelp } from './help.ts'
import { scan } from './options.ts'
import { RENDERED } from './render/table.ts'
import { resolve, spellingsOf } from './spellings.ts'
import { verbOf } from './verb.ts'
import { WATCH_VERB } from './watch.ts'

const spellings = spellingsOf(OPERATIONS.map((entry) => entry.name))

async function verbs(): Promise<Verb[]> {
  const loaded = OPERATIONS.map(async ({ name, load }) => verbOf(name, await load(), spellings))
  return [...(await Promise.all(loaded)), { ...WATCH_VERB, aliases: [], others: [] }]
}

/** The arguments after the last `millrace` of an example, as a shell would give them. */
function wordsOf(command: string): string[] {
  const call = command.slice(command.lastIndexOf('millrace ') + 'millrace '.length).split(/ [|>;&]/)[0]!
  return [...call.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare!)
}

describe('help', () => {
  it('shows every operation in the overview', () => {
    const text = overview(OPERATIONS)
    for (const { name } of OPERATIONS) {
      const [first] = name.split(' ')
      const verb = name.slice(first!.length + 1)
      expect(text).toMatch(new RegExp(`^ +${first} `, 'm'))
      if (verb !== '') expect(text).toMatch(new RegExp(`[ ,]${verb}(,|$)`, 'm'))
    }
    expect(text.split('\n').length).toBeLessThan(70)
  })

  it('lists the verbs of a group, aliases with what they mean', () => {
    const text = groupHelp('queue', OPERATIONS, spellings)
    expect(text).toContain('add-task')
    expect(text).toContain('the same as queue ls')
    expect(text).toContain('`millrace queue` alone is `millrace queue ls`')
  })

  it('shows of every verb its options, its aliases and its examples', async () => {
    for (const verb of await verbs()) {
      const text = verbHelp(verb, 100)
      expect(text).toContain(`Usage: millrace ${verb.name}`)
      for (const field of verb.fields) {
        expect(text).toContain(
          field.positional === true ? (field.placeholder ?? field.name) : `--${field.name.replaceAll('_', '-')}`,
        )
      }
      for (const alias of verb.aliases) expect(text).toContain(`millrace ${alias}`)
      for (const example of verb.examples) expect(text).toContain(example.command)
    }
  })

  it('gives for every verb an example that means the verb and parses', async () => {
    for (const verb of await verbs()) {
      expect(verb.examples.length, verb.name).toBeGreaterThan(0)
      for (const { command } of verb.examples) {
        const words = wordsOf(command)
        const scanned = scan(words)
        const resolved = resolve(scanned.words, spellings)
        expect(resolved, command).toMatchObject({ kind: 'verb', canonical: verb.name })
        if (resolved.kind !== 'verb') continue
        const taken = scanned.places.slice(0, resolved.words)
        expect(
          () =>
            parseArguments(
              verb,
              words.filter((_, at) => !taken.includes(at)),
            ),
          command,
        ).not.toThrow()
      }
    }
  })

  it('has a text form for every answer but one that is a JSON document itself', () => {
    const without = OPERATIONS.map((entry) => entry.name).filter((name) => !RENDERED.includes(name))
    expect(without).toEqual(['schema'])
  })
})
