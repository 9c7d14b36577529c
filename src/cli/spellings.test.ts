import { describe, expect, it } from 'vitest'
import { OPERATIONS } from '../operations/table.ts'
import { aliasesOf, nextWords, resolve, spellingsOf, WATCH } from './spellings.ts'

const names = OPERATIONS.map((entry) => entry.name)
const spellings = spellingsOf(names)
const meaning = (text: string) => {
  const resolved = resolve(text.split(' ').filter(Boolean), spellings)
  return resolved.kind === 'verb' ? resolved.canonical : resolved.kind
}

describe('spellings', () => {
  it.each([
    ['add-task', 'queue add-task'],
    ['add-spec', 'queue add-spec'],
    ['add-idea', 'queue add-idea'],
    ['pause', 'control pause'],
    ['resume', 'control resume'],
    ['stop', 'control stop'],
    ['cancel run-4f0c', 'control cancel'],
    ['retry-active', 'control retry-active'],
    ['clear-stale-state', 'control clear-stale-state'],
    ['reload-config', 'control reload-config'],
    ['config reload', 'control reload-config'],
    ['queue', 'queue ls'],
    ['queue list', 'queue ls'],
    ['queue retry-blocked', 'queue retry'],
    ['queue requeue', 'queue retry'],
    ['queue cleanup remove', 'queue cancel'],
    ['queue cleanup quarantine', 'queue cleanup quarantine'],
    ['queue cleanup', 'group'],
    ['incident resolve', 'incidents resolve'],
    ['incident cancel', 'incidents cancel'],
    ['incident archive-invalid', 'incidents archive-invalid'],
    ['runs', 'runs ls'],
    ['runs list', 'runs ls'],
    ['modes', 'modes ls'],
    ['modes list', 'modes ls'],
    ['loops', 'loops ls'],
    ['stages list', 'stages ls'],
    ['rescue list', 'rescue ls'],
    ['rescue', 'rescue ls'],
    ['incidents', 'incidents ls'],
    ['incident', 'incidents ls'],
    ['incident ls', 'incidents ls'],
    ['closure', 'closure ls'],
    ['closure list', 'closure ls'],
    ['run-provenance run-4f0c', 'runs provenance'],
    ['status', 'status'],
    ['status show', 'status'],
    ['status watch', WATCH],
  ])('takes `millrace %s` for `%s`', (spelled, canonical) => {
    expect(meaning(spelled)).toBe(canonical)
  })

  it('takes every canonical spelling for itself', () => {
    for (const name of names) expect(meaning(name)).toBe(name)
  })

  it('means by an alias only operations that there are', () => {
    for (const { canonical } of spellings.values()) expect([...names, WATCH]).toContain(canonical)
  })

  it('reads `queue inspect` as the queue in full', () => {
    expect(resolve(['queue', 'inspect'], spellings)).toMatchObject({ canonical: 'queue ls', adds: ['--all'] })
  })

  it('leaves the words after a verb to the verb', () => {
    expect(resolve(['add-task', 'queue', 'ls'], spellings)).toMatchObject({ canonical: 'queue add-task', words: 1 })
  })

  it('says which aliases an operation has', () => {
    expect(aliasesOf('control reload-config', spellings).sort()).toEqual(['config reload', 'reload-config'])
  })

  it('tells a group of verbs from a verb', () => {
    expect(resolve(['control'], spellings)).toMatchObject({ kind: 'group', group: 'control' })
    expect(resolve([], spellings)).toMatchObject({ kind: 'group', group: '' })
    expect(nextWords('run', spellings)).toEqual(['once', 'daemon'])
  })
})

describe('an unknown word', () => {
  const hint = (...words: string[]) => {
    const resolved = resolve(words, spellings)
    return resolved.kind === 'unknown' ? resolved.hint : resolved.kind
  }

  it('is answered with the likely slip', () => {
    expect(hint('statsu')).toBe('did you mean `millrace status`?')
    expect(hint('queue', 'shwo')).toBe('did you mean `millrace queue show`?')
  })

  it('is answered with the group that has a verb of that name', () => {
    expect(hint('trace')).toBe('did you mean `millrace runs trace`?')
  })

  it('is answered with the verbs of its group where nothing is near', () => {
    expect(hint('compile', 'everything')).toBe('it is one of: validate, show, graph, diff')
    expect(hint('zzzzzzzzzz')).toContain('millrace --help')
  })

  it('after `run` is taken for a text, and names what takes texts', () => {
    const resolved = resolve(['run', 'fix the login'], spellings)
    expect(resolved).toMatchObject({ kind: 'unknown' })
    expect(hint('run', 'fix the login')).toContain('millrace add-task "fix the login"')
    expect(hint('run', 'fix the login')).toContain('millracer run "fix the login"')
  })
})
