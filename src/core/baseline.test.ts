import { describe, expect, it } from 'vitest'
import { dispositionOf, manifestOf, type ThreeWay } from './baseline.ts'

const [A, B, C] = ['a', 'b', 'c']

describe('what becomes of a deployed file', () => {
  it.each<[string, ThreeWay, string]>([
    ['all three are one', { original: A, current: A, candidate: A }, 'unchanged'],
    [
      'nobody edited it and the package has a newer one',
      { original: A, current: A, candidate: B },
      'safe_package_update',
    ],
    [
      'it was edited and the package has not changed',
      { original: A, current: B, candidate: A },
      'local_only_modification',
    ],
    ['the edit is what the package has by now', { original: A, current: B, candidate: B }, 'already_converged'],
    [
      'nobody deployed it and it is what the package has',
      { original: null, current: A, candidate: A },
      'already_converged',
    ],
    ['it was deleted', { original: A, current: null, candidate: A }, 'missing'],
    ['it is new', { original: null, current: null, candidate: A }, 'missing'],
    ['it was edited and the package has another', { original: A, current: B, candidate: C }, 'conflict'],
    ['somebody else put one there', { original: null, current: B, candidate: A }, 'conflict'],
    ['the package has it no more', { original: A, current: A, candidate: null }, 'conflict'],
    ['it is gone on both sides', { original: A, current: null, candidate: null }, 'already_converged'],
    ['something else lies there', { original: A, current: 'other', candidate: A }, 'conflict'],
  ])('if %s', (_when, three, expected) => {
    expect(dispositionOf(three)).toBe(expected)
  })
})

describe('the manifest', () => {
  it('has the same id for the same content, whatever the order, and another for anything else', () => {
    const one = manifestOf(
      '1.0.0',
      new Map([
        ['skills/b.md', A],
        ['docs/a.md', B],
      ]),
    )
    const same = manifestOf(
      '1.0.0',
      new Map([
        ['docs/a.md', B],
        ['skills/b.md', A],
      ]),
    )
    expect(same).toEqual(one)
    expect(one.entries.map((entry) => entry.asset_family)).toEqual(['docs', 'skills'])
    const others = [
      manifestOf(
        '1.0.1',
        new Map([
          ['skills/b.md', A],
          ['docs/a.md', B],
        ]),
      ),
      manifestOf('1.0.0', new Map([['skills/b.md', A]])),
      manifestOf(
        '1.0.0',
        new Map([
          ['skills/b.md', A],
          ['docs/a.md', C],
        ]),
      ),
    ]
    expect(new Set([one, ...others].map((each) => each.manifest_id)).size).toBe(4)
  })
})
