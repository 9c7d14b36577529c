/** `millrace selftest crash` through the built command: what it answers, and that it leaves nothing behind. */
import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makeLook } from '../../src/cli/look.ts'
import { selftestCrash } from '../../src/cli/render/selftest.ts'
import { selftestSchema } from '../../src/operations/schemas.ts'
import type { SelftestOutput } from '../../src/operations/selftest.ts'
import { STATE_KINDS } from '../../src/selftest/disk-states.ts'
import { until } from '../rig/live.ts'

const PROGRAM = path.resolve(import.meta.dirname, '../../dist/millrace.js')
const LIMIT = { timeout: 120_000 }
const opened: string[] = []
afterEach(() => {
  for (const folder of opened.splice(0)) fs.rmSync(folder, { recursive: true, force: true })
})

function folder(): string {
  const made = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-selftest-surface-')))
  opened.push(made)
  return made
}

/** Starts the command where no workspace is. */
function start(...args: string[]) {
  const env = { PATH: process.env.PATH, HOME: '/nowhere' }
  const child = spawn(process.execPath, [PROGRAM, 'selftest', 'crash', ...args], { cwd: folder(), env })
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text) => {
      texts[name] += text
    })
  }
  const ended = new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) => {
    child.once('close', (status) => resolve({ status, ...texts }))
  })
  return { child, ended }
}

async function checked(stdout: string): Promise<SelftestOutput> {
  const schema = z.fromJSONSchema((await selftestSchema()) as Parameters<typeof z.fromJSONSchema>[0])
  const found = schema.safeParse(JSON.parse(stdout))
  expect(found.success ? '' : z.prettifyError(found.error)).toBe('')
  return found.data as SelftestOutput
}

describe('millrace selftest crash', () => {
  it(
    'answers by its schema, judges as many crashes of each kind as asked for, and leaves nothing behind',
    LIMIT,
    async () => {
      const where = folder()
      fs.writeFileSync(path.join(where, 'theirs.txt'), 'text')
      const run = () => start('--folder', where, '--crashes', '3', '--seed', '1', '--json').ended
      const { status, stdout, stderr } = await run()
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      const answer = await checked(stdout)
      expect(answer).toMatchObject({ ok: true, interrupted: false, folder: where, seed: 1, judged: 21, broken: [] })
      expect(answer.states.map(({ state }) => state)).toEqual(Object.keys(STATE_KINDS))
      for (const { judged, held } of answer.states) expect([judged, held]).toEqual([3, 3])
      expect(answer.crash_points).toBeGreaterThan(1000)
      expect(fs.readdirSync(where)).toEqual(['theirs.txt'])
    },
  )

  it('prints the table, a line for each kind of state, and the seed it has drawn', LIMIT, async () => {
    const where = folder()
    const { status, stdout } = await start('--folder', where, '--crashes', '1').ended
    expect(status).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    for (const kind of Object.keys(STATE_KINDS)) expect(lines).toContain(`state: ${kind} judged=1 held=1`)
    expect(lines).toContain('ok: true')
    expect(lines.find((line) => line.startsWith('seed:'))).toMatch(/^seed: \d+$/)
    expect(fs.readdirSync(where)).toEqual([])
  })

  it('interrupted, says how far it came, and leaves nothing behind', LIMIT, async () => {
    const where = folder()
    const { child, ended } = start('--folder', where, '--crashes', '1000', '--json')
    await until(
      'the scratch folder to be filled',
      () => fs.readdirSync(where).some((name) => fs.existsSync(path.join(where, name, 'workspace'))),
      60_000,
    )
    child.kill('SIGINT')
    const { status, stdout } = await ended
    const answer = await checked(stdout)
    expect(status).toBe(130)
    expect(answer.interrupted).toBe(true)
    expect(answer.judged).toBeLessThan(7000)
    expect(fs.readdirSync(where)).toEqual([])
  })

  it.each([
    ['is not there', 'absent', 'There is no folder %s to make the scratch folder in.'],
    ['is a file', 'file', 'There is no folder %s to make the scratch folder in.'],
  ])('refuses a folder that %s, in one sentence', async (_, name, sentence) => {
    const where = folder()
    fs.writeFileSync(path.join(where, 'file'), 'text')
    const { status, stdout, stderr } = await start('--folder', path.join(where, name)).ended
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain(sentence.replace('%s', path.join(where, name)))
    expect(stderr).toContain('name one with --folder')
    expect(stderr).not.toMatch(/^ +at /m)
    expect(fs.readdirSync(where)).toEqual(['file'])
  })

  it.each(['0', '-1', 'many'])('refuses %s crashes', async (crashes) => {
    const where = folder()
    const { status, stderr } = await start('--folder', where, '--crashes', crashes).ended
    expect(status).toBe(2)
    expect(stderr).toContain('--crashes')
    expect(fs.readdirSync(where)).toEqual([])
  })
})

describe('on a terminal', () => {
  const look = makeLook({ terminal: true, colour: false, width: 100, now: new Date(0) })
  const held: SelftestOutput = {
    ok: true,
    interrupted: false,
    folder: '/mnt/disk',
    seed: 7,
    duration_seconds: 61.5,
    file_system: { links: true, renames: true, flushes_folders: true, case_sensitive: true, flush_milliseconds: 4 },
    stories: 18,
    crash_points: 4000,
    judged: 20,
    states: [{ state: 'torn', what: STATE_KINDS.torn, judged: 20, held: 20 }],
    broken: [],
  }

  it('shows the table and the verdict, with the seed', () => {
    const text = selftestCrash(held, look)
    expect(text).toMatch(/left by the crash +judged +held +what that is/)
    expect(text).toMatch(/torn +20 +20 +the process was killed/)
    expect(text).toContain('✓ 20 crashes: nothing lost, nothing doubled, nothing stuck, in 61.5 s below /mnt/disk')
    expect(text).toContain('seed 7')
    expect(text).not.toContain('!')
  })

  it('names what broke, and what the file system cannot do', () => {
    const text = selftestCrash(
      {
        ...held,
        ok: false,
        file_system: {
          links: false,
          renames: true,
          flushes_folders: false,
          case_sensitive: false,
          flush_milliseconds: 0.01,
        },
        broken: [{ story: 'task', state: 'torn', after: 'operation 3 (append log)', what: ['a line is gone'] }],
      },
      look,
    )
    expect(text).toContain('✗ 1 of 20 crashes broke something')
    expect(text).toContain('torn story "task", after operation 3 (append log)\n  a line is gone')
    for (const missing of [
      'no hard links',
      'folders cannot be flushed',
      'differ in case alone',
      'acknowledge it early',
    ])
      expect(text).toContain(missing)
  })
})
