import * as fc from 'fast-check'
import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import { makeLook } from './look.ts'
import { cut, textTable } from './table.ts'

describe('a table', () => {
  const columns = [{ title: 'ID' }, { title: 'TITLE', flexible: true }, { title: 'AGE', align: 'right' as const }]

  it('aligns its columns by displayed width, and ends no line in spaces', () => {
    const rows = [
      ['T-1', '日本', '5m'],
      ['T-200', 'ascii', '12h'],
    ]
    expect(textTable(rows, columns, 80).split('\n')).toEqual([
      'ID     TITLE  AGE',
      'T-1    日本    5m',
      'T-200  ascii  12h',
    ])
  })

  it('cuts the flexible column where a line is too long', () => {
    const lines = textTable([['T-1', 'a title that is far too long for this', '5m']], columns, 30).split('\n')
    expect(lines[1]).toBe('T-1  a title that is far…   5m')
    for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(30)
  })

  it('lets the widest of several flexible columns give way first', () => {
    const two = [
      { title: 'LAST', flexible: true },
      { title: 'TITLE', flexible: true },
    ]
    const [heading, row] = textTable([['a stage and its outcome', 'a title']], two, 24).split('\n')
    expect(heading).toBe('LAST             TITLE')
    expect(row).toBe('a stage and it…  a title')
  })

  it('breaks rows into lines where the terminal is too narrow for its columns', () => {
    const wide = ['ID', 'STATE', 'NODE'].map((title) => ({ title })).concat([{ title: 'TITLE' }])
    const rows = [
      ['T-1', 'quarantined', 'checker', 'Log out everywhere, and be quick about it'],
      ['T-2', '', '', '日本'],
    ]
    const lines = textTable(rows, wide, 24).split('\n')
    expect(lines).toEqual(['T-1  quarantined', '    checker', '    Log out everywhere,…', 'T-2  日本'])
  })

  it('keeps to any width that leaves room for a word, whatever stands in it', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ' ', '界', 'é'), maxLength: 40 })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(text, text, text), { maxLength: 5 }),
        fc.integer({ min: 16, max: 90 }),
        (rows, width) => {
          for (const line of textTable(rows, columns, width).split('\n')) {
            expect(stringWidth(line)).toBeLessThanOrEqual(width)
            expect(line).toBe(line.trimEnd())
          }
        },
      ),
    )
  })

  it('shows nothing of others that steers a terminal', () => {
    expect(textTable([['T\u001b[2J', 'a\nb\u0007', '']], columns, 80)).not.toMatch(/[\u001b\u0007]/)
  })
})

describe('cutting', () => {
  it('never gives more than the width, and leaves what fits', () => {
    const piece = fc.constantFrom('a', ' ', '界', '👩‍🚀', 'é', '\u001b[31m', '\u001b[39m')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 1, max: 20 }), (pieces, width) => {
        const text = pieces.join('')
        const shown = cut(text, width)
        expect(stringWidth(shown)).toBeLessThanOrEqual(width)
        if (stringWidth(text) <= width) expect(shown).toBe(text)
      }),
    )
  })
})

describe('a look', () => {
  const look = makeLook({ terminal: false, colour: false, width: 80, now: new Date('2026-03-02T12:00:00Z') })

  it('writes fields as programs read them', () => {
    expect(look.field('paused', false)).toBe('paused: false')
    expect(look.field('stage', null)).toBe('stage: none')
    expect(look.field('title', 'two\nlines')).toBe('title: "two\\nlines"')
    expect(look.field('count', 0)).toBe('count: 0')
  })

  it('gives texts back unchanged where colour is off', () => {
    expect(look.paint.red('x')).toBe('x')
    expect(makeLook({ ...look, colour: true }).paint.red('x')).toBe('\u001b[31mx\u001b[39m')
  })

  it('tells times relative to now', () => {
    expect(look.ago('2026-03-02T11:55:00Z')).toBe('5m ago')
    expect(look.ago(null)).toBe('none')
  })
})
