import { describe, expect, it } from 'vitest'
import { asMillraceError, MillraceError } from '../core/errors.ts'
import { exitStatus, outputTo } from './output.ts'

function capture(options: Partial<Parameters<typeof outputTo>[2]> = {}) {
  const texts = { stdout: '', stderr: '' }
  const errors: ((error: Error) => void)[] = []
  const stream = (name: keyof typeof texts) => ({
    isTTY: false,
    write: (text: string, written?: () => void) => {
      texts[name] += text
      written?.()
      return true
    },
    on: (_event: string, listener: (error: Error) => void) => {
      if (name === 'stdout') errors.push(listener)
    },
  })
  type Stream = Parameters<typeof outputTo>[0]
  const output = outputTo(stream('stdout') as unknown as Stream, stream('stderr') as unknown as Stream, {
    json: false,
    colour: false,
    debug: false,
    ...options,
  })
  const fail = (code: string) => {
    for (const listener of errors) listener(Object.assign(new Error(`write ${code}`), { code }))
  }
  return { output, written: texts, fail }
}

describe('output', () => {
  it('tells an error on stderr as a sentence with its hint below, and nothing on stdout', () => {
    const { output, written } = capture()
    const status = output.failure(new MillraceError('item_unknown', 'There is no work item X.', { hint: 'a\nb' }))
    expect(status).toBe(1)
    expect(written).toEqual({ stdout: '', stderr: 'error: There is no work item X.\n  a\n  b\n' })
  })

  it('tells an error as JSON on stdout too where JSON was asked for', () => {
    const { output, written } = capture({ json: true })
    output.failure(new MillraceError('item_unknown', 'There is no work item X.'))
    expect(JSON.parse(written.stdout)).toEqual({
      error: { code: 'item_unknown', message: 'There is no work item X.' },
    })
    expect(written.stderr).toBe('error: There is no work item X.\n')
  })

  it('never lets a message steer the terminal or break its line', () => {
    const { output, written } = capture()
    output.failure(new MillraceError('item_unknown', 'There is no \u001b]0;title\u0007\u001b[2Jitem\nat all.'))
    expect(written.stderr).toBe('error: There is no ]0;title[2Jitem at all.\n')
  })

  it('tells a defect in one sentence, and where it happened only for debugging', () => {
    const defect = asMillraceError(new TypeError('x is not a function\n    at somewhere'))
    const quiet = capture()
    expect(quiet.output.failure(defect)).toBe(1)
    expect(quiet.written.stderr.split('\n').length).toBe(3)
    expect(quiet.written.stderr).not.toContain('    at ')
    const loud = capture({ debug: true })
    loud.output.failure(defect)
    expect(loud.written.stderr).toContain('    at ')
  })

  it('ends a text with one line break', () => {
    const { output, written } = capture()
    output.text('one')
    output.text('two\n')
    output.text('')
    expect(written.stdout).toBe('one\ntwo\n')
  })

  it('tells followers that nobody reads any more', () => {
    const { output, fail } = capture()
    let told = false
    output.onClosed(() => {
      told = true
    })
    fail('EPIPE')
    expect(told).toBe(true)
  })
})

describe('the end', () => {
  it('is a failure if the answer could not be written, but not if a reader had seen enough', async () => {
    const full = capture()
    full.fail('ENOSPC')
    expect(await full.output.finish(0)).toBe(1)
    expect(full.written.stderr).toContain('could not be written')
    const closed = capture()
    closed.fail('EPIPE')
    expect(await closed.output.finish(0)).toBe(0)
  })
})

describe('exit statuses', () => {
  it.each([
    ['read', {}, 0],
    ['read', { ok: false }, 1],
    ['perform', { failed: true }, 1],
    ['perform', { failed: false }, 0],
    ['change', { applied: true, state: 'applied' }, 0],
    ['change', { applied: false, state: 'refused' }, 3],
    ['change', { applied: false, state: 'queued' }, 0],
    ['perform', { interrupted: true }, 130],
  ] as const)('%s with %j is %i', (flavour, answer, status) => {
    expect(exitStatus(flavour, answer, false)).toBe(status)
  })

  it('is 130 for a command that was changing something when Ctrl-C came, not for a reader', () => {
    expect(exitStatus('perform', {}, true)).toBe(130)
    expect(exitStatus('read', {}, true)).toBe(0)
  })
})
