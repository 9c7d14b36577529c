import { describe, expect, it } from 'vitest'
import { MillraceError } from '../core/errors.ts'
import type { InputField } from '../core/operation.ts'
import { parseArguments, type Verb } from './arguments.ts'

const fields: readonly InputField[] = [
  { name: 'id', type: 'text', positional: true, required: true, placeholder: 'ID', description: 'Which.' },
  { name: 'max_ticks', type: 'integer', minimum: 1, description: 'How many.' },
  { name: 'share', type: 'number', minimum: 0, description: 'How much.' },
  { name: 'reason', type: 'text', default: 'no reason', description: 'Why.' },
  { name: 'accept', type: 'list', description: 'What must hold.' },
  { name: 'monitor', type: 'choice', choices: ['none', 'basic'], description: 'What to print.' },
  { name: 'drain', type: 'flag', description: 'Let it end.' },
]
const verb: Verb = {
  name: 'test it',
  flavour: 'change',
  description: '',
  fields,
  examples: [],
  aliases: [],
  others: [],
}
const parse = (...args: string[]) => parseArguments(verb, args)

function refusal(...args: string[]): { code: string; message: string; hint: string | undefined } {
  try {
    parse(...args)
  } catch (error) {
    if (!MillraceError.is(error)) throw error
    return { code: error.code, message: error.message, hint: error.hint }
  }
  throw new Error('it was accepted')
}

describe('parsing the arguments of a verb', () => {
  it('gives the input under the names of its fields', () => {
    const { input } = parse('X-1', '--max-ticks', '3', '--share=0.5', '--monitor', 'basic', '--drain')
    expect(input).toEqual({ id: 'X-1', max_ticks: 3, share: 0.5, monitor: 'basic', drain: true, reason: 'no reason' })
  })

  it('collects a repeated list option', () => {
    expect(parse('X-1', '--accept', 'one', '--accept=two').input).toMatchObject({ accept: ['one', 'two'] })
  })

  it('takes a choice in any case', () => {
    expect(parse('X-1', '--monitor', 'BASIC').input).toMatchObject({ monitor: 'basic' })
  })

  it('takes everything after a double dash for arguments', () => {
    expect(parse('--drain', '--', '--strange').input).toMatchObject({ id: '--strange', drain: true })
  })

  it('knows the options of every command, in any place', () => {
    const { globals } = parse('--workspace', 'w', 'X-1', '--set', 'a.b=1', '--json', '--set', 'c=2', '--no-color')
    expect(globals).toEqual({
      workspace: 'w',
      config: undefined,
      overrides: ['a.b=1', 'c=2'],
      waitSeconds: 30,
      dryRun: false,
      apply: false,
      ifState: null,
      json: true,
    })
  })

  it('previews, applies, and is meant for one state; not both of the first', () => {
    expect(parse('X-1', '--dry-run', '--if-state', 'state-1-0').globals).toMatchObject({
      dryRun: true,
      ifState: 'state-1-0',
    })
    expect(parse('--apply', 'X-1').globals).toMatchObject({ apply: true, dryRun: false })
    expect(() => parse('X-1', '--apply', '--dry-run')).toThrow('exclude each other')
  })

  it('waits as long as told, and not at all with --no-wait', () => {
    expect(parse('X-1', '--wait-seconds', '2.5').globals.waitSeconds).toBe(2.5)
    expect(parse('X-1', '--no-wait').globals.waitSeconds).toBe(0)
  })
})

describe('a wrong command line', () => {
  it.each([
    [['X-1', '--drian'], '`millrace test it` has no option --drian.', 'did you mean --drain?'],
    [['X-1', 'X-2'], '`millrace test it` takes one argument, not more.', 'quotes'],
    [[], '`millrace test it` needs ID.', '--help'],
    [['X-1', '--reason'], '--reason needs a value.', '--help'],
    [['X-1', '--reason', '--drain'], '--reason needs a value.', '--reason=VALUE'],
    [['X-1', '--reason', 'a', '--reason', 'b'], '--reason was given twice.', 'once'],
    [['X-1', '--workspace', 'a', '--workspace', 'b'], '--workspace was given twice.', 'once'],
    [['X-1', '--workspace', ''], '--workspace was given an empty value.', ''],
    [['X-1', '--monitor', 'loud'], '--monitor cannot be "loud".', 'none, basic'],
    [['X-1', '--max-ticks', '0'], '--max-ticks needs a whole number of at least 1, not "0".', ''],
    [['X-1', '--max-ticks', '-3'], '--max-ticks needs a whole number of at least 1, not "-3".', ''],
    [['X-1', '--max-ticks', '1.5'], '--max-ticks needs a whole number of at least 1, not "1.5".', ''],
    [['X-1', '--max-ticks', '99999999999999999999'], '--max-ticks needs a whole number', ''],
    [['X-1', '--share', 'Infinity'], '--share needs a number of at least 0, not "Infinity".', ''],
    [['X-1', '--set', 'loud'], '--set needs KEY=VALUE, not "loud".', '--set '],
    [['X-1', '--wait-seconds', '-1'], '--wait-seconds needs a number of at least 0', ''],
    [['X-1', '--json=yes'], '--json takes no value.', ''],
  ])('%j is refused in one sentence', (args, message, hint) => {
    const refused = refusal(...args)
    expect(refused.code).toBe('usage')
    expect(refused.message).toContain(message)
    expect(refused.message).toMatch(/^[`A-Z-].*\.$/)
    expect(refused.hint ?? '').toContain(hint)
  })
})
