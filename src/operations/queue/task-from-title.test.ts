import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDocument } from '../../core/document.ts'
import { isSafeId } from '../../core/ids.ts'
import { detectedCheck, idFromTitle, NO_CHECK, taskFromTitle } from './task-from-title.ts'

const NOW = '2026-03-01T12:00:00.000Z'

describe('taskFromTitle', () => {
  it('fills in what nobody said, and names it', () => {
    const { document, defaulted } = taskFromTitle({ title: 'Add a login page.' }, NOW, 'npm test')
    expect(document.fields).toMatchObject({
      title: 'Add a login page.',
      target_paths: ['.'],
      acceptance: ['Add a login page: carried out in full, and it can be seen in the project.'],
      required_checks: ['npm test'],
      references: ['operator request 2026-03-01'],
      risk: ['not assessed'],
      created_by: 'operator',
    })
    expect(defaulted).toEqual(['task_id', 'target_paths', 'acceptance', 'required_checks', 'references', 'risk'])
  })

  it('keeps what was said, and adds each --accept to the title as a statement', () => {
    const wish = { title: 'Fix it', id: 'FIX-1', accept: ['It works twice', ' '], check: ['make'], risk: ['none'] }
    const { document, defaulted } = taskFromTitle(wish, NOW, 'npm test')
    expect(document.id).toBe('FIX-1')
    expect(document.fields.acceptance).toEqual([
      'Fix it: carried out in full, and it can be seen in the project.',
      'It works twice',
    ])
    expect(document.fields.required_checks).toEqual(['make'])
    expect(defaulted).toEqual(['target_paths', 'references'])
  })

  it('takes the first line for the title and the rest for the body', () => {
    const { document } = taskFromTitle({ title: 'Fix it\n\nIt broke on Monday.\nRisk: high' }, NOW, NO_CHECK)
    expect(document.title).toBe('Fix it')
    expect(document.body).toContain('It broke on Monday.')
    expect(document.fields.risk).toEqual(['not assessed'])
  })

  it('takes no control characters into the document', () => {
    const { document } = taskFromTitle({ title: '\u0000Mend\u0007 it' }, NOW, NO_CHECK)
    expect(document.title).toBe('Mend  it')
  })

  it('makes a valid document with a safe id of any title that says something', () => {
    const title = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme', maxLength: 400 }))
    fc.assert(
      fc.property(title, (text) => {
        fc.pre(
          /[\p{L}\p{N}]/u.test(
            text
              .replace(/\p{Cc}/gu, (one) => (/[\r\n]/.test(one) ? one : ' '))
              .trim()
              .split(/\r\n?|\n/)[0] ?? '',
          ),
        )
        const { document, text: written } = taskFromTitle({ title: text }, NOW, NO_CHECK)
        const parsed = parseDocument('task', written)
        expect(parsed.ok && parsed.document.id).toBe(document.id)
        expect(isSafeId(document.id)).toBe(true)
      }),
      { examples: [['\u0000𝐀']] },
    )
  })
})

describe('idFromTitle', () => {
  it('is readable, without accents, cut at a word, and differs from one moment to the next', () => {
    expect(idFromTitle('Über-Größe: prüfen!', NOW, 'task')).toMatch(/^uber-gro-e-prufen-[0-9a-f]{6}$/)
    expect(idFromTitle('登録ページ', NOW, 'task')).toMatch(/^task-[0-9a-f]{6}$/)
    const long = idFromTitle('make the very long title of this task short enough to be read', NOW, 'task')
    expect(long).toMatch(/^make-the-very-long-title-of-this-task-short-[0-9a-f]{6}$/)
    expect(idFromTitle('Fix it', NOW, 'task')).not.toBe(idFromTitle('Fix it', '2026-03-01T12:00:01.000Z', 'task'))
  })
})

describe('detectedCheck', () => {
  const project = (files: Record<string, string>) => detectedCheck((file) => files[file] ?? null)

  it('knows the test command by the files of the project', () => {
    const script = JSON.stringify({ scripts: { test: 'vitest' } })
    expect(project({ 'package.json': script })).toBe('npm test')
    expect(project({ 'package.json': script, 'pnpm-lock.yaml': '' })).toBe('pnpm test')
    expect(project({ 'pyproject.toml': '' })).toBe('pytest')
    expect(project({ 'Cargo.toml': '' })).toBe('cargo test')
    expect(project({ 'go.mod': '' })).toBe('go test ./...')
    expect(project({ Makefile: 'all:\n\ntest: all\n\tgo\n' })).toBe('make test')
  })

  it('takes neither npm’s placeholder nor a broken package file for one', () => {
    const placeholder = JSON.stringify({ scripts: { test: 'echo "Error: no test specified" && exit 1' } })
    expect(project({ 'package.json': placeholder })).toBe(NO_CHECK)
    expect(project({ 'package.json': '{' })).toBe(NO_CHECK)
    expect(project({ 'package.json': 'null', Makefile: 'test := 1\n' })).toBe(NO_CHECK)
    expect(project({})).toBe(NO_CHECK)
  })
})
