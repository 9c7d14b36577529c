import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { documentText } from '../../test/rig/documents.ts'
import { leadsTo, turnDependency } from './dependencies.ts'
import { listField, parseDocument } from './document.ts'

const waits = (text: string): readonly string[] => {
  const read = parseDocument('task', text)
  return read.ok ? listField(read.document, 'depends_on') : ['not valid']
}

describe('what leads to what', () => {
  const next = (id: string) => ({ a: ['b'], b: ['c'], c: ['b', 'd'] })[id] ?? []

  it('follows dependencies through others, and ends in circles', () => {
    expect(leadsTo(['a'], 'd', next)).toBe(true)
    expect(leadsTo(['a'], 'z', next)).toBe(false)
    expect(leadsTo([], 'd', next)).toBe(false)
  })
})

describe('turning a dependency', () => {
  const text = documentText('task', 'T-1', { depends_on: ['T-0', 'T-00', 'x-T-0'] }, '\nDepends-On a person.\n')

  it('changes one id within its line and nothing else', () => {
    expect(turnDependency(text, 'task', 'T-0', ['T-9'])).toBe(text.replace('- T-0\n', '- T-9\n'))
    const odd = text.replace('- T-0\n', '-    T-0  \n').replaceAll('\n', '\r\n')
    expect(turnDependency(`\uFEFF${odd}`, 'task', 'T-0', ['T-9'])).toBe(
      `\uFEFF${odd.replace('T-0  \r\n', 'T-9  \r\n')}`,
    )
  })

  it('keeps a dependency that stands on the line of its label there', () => {
    const inline = documentText('task', 'T-1').replace('Target-Paths:', 'Depends-On: T-0\n\nTarget-Paths:')
    expect(turnDependency(inline, 'task', 'T-0', ['T-9'])).toBe(inline.replace('T-0', 'T-9'))
  })

  it('takes it out where there is nothing to wait for, or where that is waited for already', () => {
    expect(waits(turnDependency(text, 'task', 'T-0', []))).toEqual(['T-00', 'x-T-0'])
    expect(waits(turnDependency(text, 'task', 'T-0', ['x-T-0']))).toEqual(['x-T-0', 'T-00'])
    const only = documentText('task', 'T-1', { depends_on: ['T-0'] })
    expect(turnDependency(only, 'task', 'T-0', [])).toBe(documentText('task', 'T-1'))
  })

  it('puts several in its place', () => {
    expect(waits(turnDependency(text, 'task', 'T-0', ['a', 'b']))).toEqual(['a', 'b', 'T-00', 'x-T-0'])
  })

  it('never touches a line that names no dependency, whatever is written around it', () => {
    const line = fc.constantFrom('- T-0', 'T-0', '', 'Depends-On a person', '> Depends-On: T-0', '\tT-0', '## T-0')
    const id = fc.constantFrom('T-0', 'T-00', 'T-0.b', 'a-T-0')
    fc.assert(
      fc.property(fc.array(line), fc.uniqueArray(id, { minLength: 1 }), fc.boolean(), (lines, ids, windows) => {
        const body = lines.length === 0 ? '' : `\nNotes.\n\n${lines.join('\n')}\n`
        const unix = documentText('task', 'T-1', { depends_on: ids }) + body
        const source = windows ? unix.replaceAll('\n', '\r\n') : unix
        if (!parseDocument('task', source).ok || waits(source).join() !== ids.join()) return
        const turned = turnDependency(source, 'task', ids[0]!, ['T-9'])
        expect(waits(turned)).toEqual(['T-9', ...ids.slice(1)])
        const before = source.split('\n')
        const after = turned.split('\n')
        expect(after.length).toBe(before.length)
        const changed = before.flatMap((one, at) => (one === after[at] ? [] : [at]))
        expect(changed).toHaveLength(1)
        expect(before[changed[0]!]).toContain(ids[0]!)
      }),
    )
  })
})
