/** Long text on a real terminal goes through the pager, and nothing else does. */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const PROGRAM = path.resolve(import.meta.dirname, '../../dist/millrace.js')
const top = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-pager-')))
const seen = path.join(top, 'seen')
const PAGER = `sh -c 'cat > ${seen}; echo "$LESS" >> ${seen}'`
/** `script` gives a command a terminal; that of macOS has other options. */
const hasTerminals = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0

afterAll(() => fs.rmSync(top, { recursive: true, force: true }))
beforeAll(() => {
  const made = spawnSync(process.execPath, [PROGRAM, 'init'], { cwd: top })
  expect(made.status).toBe(0)
})

/** What a terminal of 20 lines shows of a command, and what the pager was given. */
function onTerminal(line: string, pager: Record<string, string> = { PAGER }) {
  fs.rmSync(seen, { force: true })
  const command = `stty rows 20 cols 80; ${process.execPath} ${PROGRAM} ${line}`
  const { PAGER: _, MILLRACE_PAGER: __, LESS: ___, NO_COLOR: ____, ...inherited } = process.env
  const env = { ...inherited, TERM: 'xterm', ...pager }
  const { stdout, status } = spawnSync('script', ['-qec', command, '/dev/null'], { cwd: top, env, encoding: 'utf8' })
  return { shown: stdout, status, paged: fs.existsSync(seen) ? fs.readFileSync(seen, 'utf8') : null }
}

describe.runIf(hasTerminals)('on a terminal (needs `script`, which makes one)', () => {
  it('an answer, a help and a document that do not fit go through the pager, which is told to behave', () => {
    for (const line of ['config show', 'queue add-task --help', '--help', 'docs usage']) {
      const { shown, status, paged } = onTerminal(line)
      expect({ line, status }).toEqual({ line, status: 0 })
      expect(shown.trim()).toBe('')
      expect(paged?.split('\n').length).toBeGreaterThan(20)
      expect(paged).toMatch(/\nFRX\n$/)
    }
  })

  it('a short answer does not, nor JSON, nor what says --no-pager, nor what follows something, nor a failure', () => {
    const lines = [
      'version',
      'config show --json',
      'config show --no-pager',
      'status watch --max-updates 2 --interval-seconds 0',
      'queue show T-nowhere',
    ]
    for (const line of lines) {
      const { shown, paged } = onTerminal(line)
      expect({ line, paged }).toEqual({ line, paged: null })
      expect(shown.trim()).not.toBe('')
    }
  })

  it.each([
    ['is empty', { MILLRACE_PAGER: '', PAGER }],
    ['is missing', { PAGER: 'no-such-pager -R' }],
    ['is missing, as only the shell finds out', { PAGER: 'X=1 no-such-pager' }],
    ['fails', { PAGER: 'false' }],
  ])('the text is printed where the pager %s', (_, pager) => {
    const { shown, status, paged } = onTerminal('config show', pager)
    expect({ status, paged }).toEqual({ status: 0, paged: null })
    expect(shown).toContain('runtime.default_mode')
    expect(shown).toContain('millrace.toml')
  })

  it('a pager that is closed before the end is no failure', () => {
    const { shown, status } = onTerminal('docs architecture', { PAGER: 'head -n 1' })
    expect(status).toBe(0)
    expect(shown.trim().split('\n')).toHaveLength(1)
  })

  it('colours reach the pager, unless they are not wanted', () => {
    expect(onTerminal('config show').paged).toContain('\u001b[')
    for (const [line, more] of [
      ['config show --no-color', {}],
      ['config show', { NO_COLOR: '1' }],
    ] as const) {
      expect(onTerminal(line, { PAGER, ...more }).paged).not.toContain('\u001b[')
    }
  })
})

it('piped, nothing goes through a pager', () => {
  fs.rmSync(seen, { force: true })
  const env = { ...process.env, PAGER }
  const { stdout } = spawnSync(process.execPath, [PROGRAM, 'docs', 'usage'], { cwd: top, env, encoding: 'utf8' })
  expect(stdout).toBe(fs.readFileSync(path.resolve(import.meta.dirname, '../../docs/usage.md'), 'utf8'))
  expect(fs.existsSync(seen)).toBe(false)
})
