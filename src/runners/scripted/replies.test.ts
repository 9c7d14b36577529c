import { describe, expect, it } from 'vitest'
import { chooseReply, fill, parseReplies, type Reply } from './replies.ts'

const reply = (name: string, more: Partial<Reply>): Reply => ({
  stage: '*',
  steps: [],
  outcome: 'X',
  message: name,
  ...more,
})
const chosen = (replies: Reply[], run: { stageKind?: string; node?: string; item?: string | null; attempt?: number }) =>
  chooseReply(replies, { stageKind: 'builder', node: 'build-1', item: 'a', attempt: 1, ...run })?.message

describe('choosing a reply', () => {
  const any = reply('any', {})
  const builder = reply('builder', { stage: 'builder' })
  const item = reply('item', { item: 'a' })
  const both = reply('both', { stage: 'builder', item: 'a' })

  it('prefers the item, then the stage', () => {
    expect(chosen([any, builder, item, both], {})).toBe('both')
    expect(chosen([any, builder, item], {})).toBe('item')
    expect(chosen([any, builder], {})).toBe('builder')
    expect(chosen([any, builder, item, both], { stageKind: 'checker', node: 'c', item: 'b' })).toBe('any')
    expect(chosen([builder], { stageKind: 'checker', node: 'c' })).toBeUndefined()
    expect(chosen([reply('node', { stage: 'build-1' })], {})).toBe('node')
  })

  it('prefers this very attempt, then any, then repeats the last one listed', () => {
    const first = reply('first', { stage: 'builder', attempt: 1 })
    const second = reply('second', { stage: 'builder', attempt: 2 })
    expect([1, 2, 3, 9].map((attempt) => chosen([first, second], { attempt }))).toEqual([
      'first',
      'second',
      'second',
      'second',
    ])
    expect([1, 2, 3].map((attempt) => chosen([second, builder, first], { attempt }))).toEqual([
      'first',
      'second',
      'builder',
    ])
    expect(chosen([any, second], { attempt: 1 }), 'one for a later attempt does not fit').toBe('any')
  })
})

describe('templates', () => {
  it('are filled wherever they stand, and other braces stay', () => {
    const filled = fill({ a: ['{item}/{x}', 1, null], b: { c: '{"item": {item}}' } }, { item: 'i$&' })
    expect(filled).toEqual({ a: ['i$&/{x}', 1, null], b: { c: '{"item": i$&}' } })
    expect(fill('{constructor}', {})).toBe('{constructor}')
  })
})

describe('a reply file', () => {
  const file = (replies: unknown) => JSON.stringify({ schema_version: '1.0', kind: 'scripted_replies', replies })

  it.each([
    ['[]', /schema_version/],
    [file([1]), /reply 1: must be an object/],
    [
      file([
        { stage: 'a', outcome: 'X' },
        { stage: '', outcome: 'X' },
      ]),
      /reply 2: "stage"/,
    ],
    [file([{ stage: 'a' }]), /"outcome"/],
    [file([{ stage: 'a', outcome: 'X', attempt: 0 }]), /"attempt"/],
    [file([{ stage: 'a', outcome: 'X', exit_code: 256 }]), /"exit_code"/],
    [file([{ stage: 'a', outcome: 'X', mesage: '' }]), /unknown member mesage/],
    [file([{ stage: 'a', outcome: 'X', steps: [{ say: 'a', wait_ms: 1 }] }]), /step 1/],
    [file([{ stage: 'a', outcome: 'X', steps: [{ say: 'a' }, { run: { command: 'x', expect: 'maybe' } }] }]), /step 2/],
    [file([{ stage: 'a', outcome: 'X', steps: [{ write: { path: 'x' } }] }]), /step 1/],
    [file([{ stage: 'a', outcome: 'X', steps: [{ constructor: 1 }] }]), /step 1 must have/],
    [file([{ stage: 'a', outcome: 'X', steps: [JSON.parse('{"__proto__":{}}')] }]), /step 1 must have/],
  ])('that is wrong is refused with the place: %s', (text, message) => {
    expect(() => parseReplies(text)).toThrow(message)
  })

  it('may leave out the steps', () => {
    expect(parseReplies(file([{ stage: 'a', outcome: null }]))).toMatchObject([
      { stage: 'a', outcome: null, steps: [] },
    ])
  })
})
