import { describe, expect, it } from 'vitest'
import { absurd, asMillraceError, ERROR_CODES, type ErrorCode, EXIT, MillraceError } from './errors.ts'

describe('the list of codes', () => {
  it('says of each what it means, in a sentence', () => {
    for (const [code, { text }] of Object.entries(ERROR_CODES)) {
      expect(code).toMatch(/^[a-z]+(?:_[a-z]+)*$/)
      expect(text, code).toMatch(/^[A-Z`m].*\.$/)
    }
  })

  it.each([
    ['usage', 2],
    ['file_unreadable', 2],
    ['lock_held', 3],
    ['conflict', 3],
    ['wait_elapsed', 3],
    ['compile_failed', 1],
    ['internal', 1],
  ] as [ErrorCode, number][])('gives %s the exit status %i', (code, status) => {
    expect(new MillraceError(code, 'A sentence.').exitStatus).toBe(status)
  })

  it('keeps the statuses scripts rely on', () => {
    expect(EXIT).toEqual({ done: 0, failed: 1, usage: 2, refused: 3, interrupted: 130 })
  })
})

describe('a MillraceError', () => {
  it('carries code, sentence, hint and cause', () => {
    const cause = new Error('below')
    const error = new MillraceError('conflict', 'It changed.', { hint: 'run it again', cause })
    expect(error).toMatchObject({ code: 'conflict', message: 'It changed.', hint: 'run it again', cause })
    expect(new MillraceError('conflict', 'It changed.').hint).toBeUndefined()
    expect('cause' in new MillraceError('conflict', 'It changed.')).toBe(false)
  })

  it('is recognised even when another copy of the module made it', () => {
    const foreign = Object.assign(new Error('x'), { name: 'MillraceError', code: 'usage' })
    expect(MillraceError.is(foreign)).toBe(true)
    for (const other of [new Error('x'), null, 'usage', { name: 'MillraceError', code: 'usage' }])
      expect(MillraceError.is(other)).toBe(false)
  })
})

describe('whatever was thrown', () => {
  it('stays as it is if it is one of ours', () => {
    const error = new MillraceError('lock_lost', 'Gone.')
    expect(asMillraceError(error)).toBe(error)
  })

  it.each([
    'ENOSPC',
    'EDQUOT',
    'EROFS',
    'EACCES',
    'EPERM',
    'EIO',
    'EMFILE',
    'ENFILE',
    'ENAMETOOLONG',
    'EISDIR',
    'ENOTDIR',
    'ELOOP',
    'ERR_FS_FILE_TOO_LARGE',
  ])('is a trouble of the disk for %s, with the file and what to do', (code) => {
    const cause = Object.assign(new Error('raw'), { code, path: '/w/state/x.json' })
    const error = asMillraceError(cause)
    expect(error).toMatchObject({ code: 'workspace_unwritable', cause })
    expect(error.message).toMatch(new RegExp(`^[A-Z][a-z/ -]+: /w/state/x\\.json \\(${code}\\)\\.$`))
    expect(error.hint).toMatch(/run the command again/)
  })

  it('is a trouble of the disk also where no file is named', () => {
    const cause = Object.assign(new Error('raw'), { code: 'ENOSPC' })
    expect(asMillraceError(cause).message).toBe('The disk is full (ENOSPC).')
  })

  it('is a defect otherwise, also if it is no error at all', () => {
    for (const thrown of [
      new TypeError('x is not a function'),
      'text',
      undefined,
      Object.assign(new Error('e'), { code: 'constructor' }),
    ]) {
      const error = asMillraceError(thrown)
      expect(error.code).toBe('internal')
      expect(error.hint).toContain('defect in Millrace')
      expect(error.cause).toBeInstanceOf(Error)
    }
    expect(asMillraceError('text').message).toBe('text')
  })

  it('is a defect where a switch forgot a case', () => {
    expect(() => absurd({ kind: 'new' } as never)).toThrow(
      new MillraceError('internal', 'unexpected value {"kind":"new"}'),
    )
  })
})
