import * as os from 'node:os'
import { describe, expect, it } from 'vitest'
import { clock, endAll, eventually } from '../../test/agents/rig.ts'
import type { ExecOptions } from '../core/exec.ts'
import { execWith } from './exec.ts'
import { carriersOf, MARKER } from './process.ts'

const exec = execWith(clock)
const options = (changes: Partial<ExecOptions> = {}): ExecOptions => ({
  cwd: os.tmpdir(),
  env: { PATH: process.env.PATH },
  timeoutMs: 10_000,
  outputBytesMax: 1_000_000,
  ...changes,
})
const shell = (script: string, changes: Partial<ExecOptions> = {}) => exec('/bin/sh', ['-c', script], options(changes))

describe('running a program to its end', () => {
  it('gives status and both outputs', async () => {
    const result = await shell('echo out; echo err >&2; exit 4')
    expect(result).toEqual({ code: 4, stdout: 'out\n', stderr: 'err\n', timedOut: false, truncated: false })
  })

  it('passes stdin, or an empty one', async () => {
    expect((await exec('cat', [], options({ stdin: 'größe\n' }))).stdout).toBe('größe\n')
    expect((await exec('cat', [], options())).stdout).toBe('')
    expect((await shell('exit 0', { stdin: 'x'.repeat(1_000_000) })).code, 'a program need not read it').toBe(0)
  })

  it('ends the program and its children when told to', async () => {
    const ending = new AbortController()
    const begun = performance.now()
    const result = shell('sleep 30 & sleep 30', { signal: ending.signal })
    setTimeout(() => ending.abort(), 100)
    expect(await result).toMatchObject({ code: null, timedOut: false })
    expect(performance.now() - begun).toBeLessThan(5000)
    expect(await shell('sleep 30', { signal: ending.signal })).toMatchObject({ code: null })
  })

  it('shows the program only the environment it was given', async () => {
    expect((await shell('echo "$A-$HOME"', { env: { PATH: process.env.PATH, A: '1' } })).stdout).toBe('1-\n')
  })

  it('gives 127 for a program that is not there and 126 for arguments no process can be given', async () => {
    const missing = await exec('no-such-program-at-all', [], options())
    expect(missing.code).toBe(127)
    expect(missing.stderr).toContain('no-such-program-at-all')
    expect((await exec('echo', ['a\0b'], options())).code).toBe(126)
  })

  it('ends a program and its children when its time is up', async () => {
    const id = `request-${clock.hex(32)}`
    const result = await shell('sleep 60 & sleep 60', { timeoutMs: 100, env: { PATH: process.env.PATH, [MARKER]: id } })
    expect(result).toMatchObject({ code: null, timedOut: true })
    expect(await eventually(() => carriersOf(id).length === 0)).toBe(true)
  })

  it('ends a program that prints too much and keeps what fits', async () => {
    const result = await shell('while :; do echo 0123456789; done', { outputBytesMax: 1000 })
    expect(result).toMatchObject({ truncated: true, timedOut: false })
    expect(result.stdout.length + result.stderr.length).toBe(1000)
  })

  it('does not wait for a background process that holds the output', async () => {
    const id = `request-${clock.hex(32)}`
    const beforeMs = performance.now()
    const result = await shell('echo done; sleep 60 &', { env: { PATH: process.env.PATH, [MARKER]: id } })
    expect(result).toMatchObject({ code: 0, stdout: 'done\n', timedOut: false })
    expect(performance.now() - beforeMs).toBeLessThan(3000)
    endAll([id])
  })
})
