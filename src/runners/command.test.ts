import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { clock, endAll, eventually, requestIn, temporaryFolder } from '../../test/agents/rig.ts'
import { parseConfig } from '../core/config.ts'
import { disk } from '../store/files.ts'
import { runFiles } from './artifacts.ts'
import { findProgram } from './process.ts'
import { runnersFor } from './registry.ts'
import { isHandle } from './runner.ts'

const workspace = temporaryFolder()
const requestIds: string[] = []
afterEach(() => endAll(requestIds.splice(0)))
afterAll(() => fs.rmSync(workspace, { recursive: true, force: true }))

const PATH = process.env.PATH ?? ''
const has = (program: string) => findProgram(program, PATH, workspace) !== null
const environment = { PATH, HOME: workspace }

/** Starts a program that prints a line and then waits; gives whether the line is seen meanwhile. */
async function isSeen(command: string, args: string[], more: object, limitMs: number): Promise<boolean> {
  const config = parseConfig({ runners: { command: { command, args, ...more } } }, 'test')
  const ports = { files: disk, clock, environment, workspaceRoot: workspace, scriptedAgent: '', driver: '' }
  const runner = runnersFor(config, ports).get('command')!
  const request = requestIn(workspace)
  requestIds.push(request.request_id)
  const handle = await runner.start(request)
  if (!isHandle(handle)) throw new Error(handle.message ?? 'not started')
  const { stdout } = runFiles(request)
  const seen = await eventually(() => fs.existsSync(stdout) && fs.readFileSync(stdout, 'utf8') === 'begun\n', limitMs)
  await runner.follow(request, handle).stop('killed')
  return seen
}

const PYTHON = ['-c', 'import time; print("begun"); time.sleep(60)']
/** Printed by the C library; it goes on reading from a pipe that gives nothing more. */
const GREP = ['-c', '(echo begun; sleep 60) | grep begun']

describe('a program that keeps back what it prints into a file', () => {
  it.skipIf(!has('python3'))('in Python is seen line by line with line_buffered only (needs python3)', async () => {
    expect(await isSeen('python3', PYTHON, {}, 1500)).toBe(false)
    expect(await isSeen('python3', PYTHON, { line_buffered: true }, 10_000)).toBe(true)
  })

  it.skipIf(!has('stdbuf'))(
    'by the C library is seen line by line with line_buffered only (needs stdbuf)',
    async () => {
      expect(await isSeen('sh', GREP, {}, 1500)).toBe(false)
      expect(await isSeen('sh', GREP, { line_buffered: true }, 10_000)).toBe(true)
    },
  )
})

describe('line_buffered', () => {
  const started = async (command: string, env: Record<string, string | undefined>) => {
    const config = parseConfig({ runners: { command: { command, line_buffered: true, env: { A: '1' } } } }, 'test')
    const ports = { files: disk, clock, environment: env, workspaceRoot: workspace, scriptedAgent: '', driver: '' }
    const request = requestIn(workspace)
    requestIds.push(request.request_id)
    const runner = runnersFor(config, ports).get('command')!
    const handle = await runner.start(request)
    const raw = isHandle(handle) ? await runner.follow(request, handle).result : handle
    const { command: argv, environment_names: names } = JSON.parse(
      fs.readFileSync(runFiles(request).invocation, 'utf8'),
    ) as { command: string[]; environment_names: string[] }
    return { raw, argv, names }
  }

  it('starts the program itself where there is no stdbuf', async () => {
    const bin = path.join(workspace, 'bin')
    fs.mkdirSync(bin)
    for (const program of ['true', 'sh'])
      fs.symlinkSync(findProgram(program, PATH, workspace)!, path.join(bin, program))
    const { raw, argv, names } = await started('true', { PATH: bin })
    expect(raw).toMatchObject({ ending: 'exited', exit_code: 0 })
    expect(argv).toEqual(['true'])
    expect(names).toEqual(expect.arrayContaining(['A', 'PYTHONUNBUFFERED']))
  })

  it.skipIf(!has('stdbuf'))(
    'tells the name of a program that is missing, not that of stdbuf (needs stdbuf)',
    async () => {
      const { raw } = await started('no-such-agent', environment)
      expect(raw).toMatchObject({ ending: 'not_started', cause: 'missing_binary' })
      expect(raw.message).toContain('"no-such-agent"')
    },
  )
})
