/**
 * Exit statuses through the real command: 0 done, 1 failed, 2 usage, 3 refused or not applied, 130 interrupted; and that
 * the error of the JSON answer says the same.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ERROR_CODES, type ErrorCode, EXIT } from '../../../src/core/errors.ts'
import { failureSchema } from '../../../src/operations/schemas.ts'
import { type Ended, endAll, startMillrace, wordsOf } from '../../rig/program.ts'
import { judge } from './published.ts'
import { SAMPLES } from './samples.ts'
import { type Known, makeScene, type Scene, type Stage } from './scene.ts'
import { ALL_VERBS } from './verbs.ts'

let scene: Scene
beforeAll(async () => {
  scene = await makeScene()
}, 600_000)
afterAll(() => {
  endAll()
  scene.dispose()
}, 600_000)

const fits = judge()(failureSchema())

interface Tried extends Ended {
  cwd: string
  known: Known
}

async function tried(line: string, on: Stage = 'worked', before: (cwd: string) => void = () => {}): Promise<Tried> {
  const { cwd, known } = scene.copy(on)
  before(cwd)
  const filled = line.replace(/\{(\w+)\}/g, (_, name: keyof Known) => known[name])
  return { ...(await startMillrace(wordsOf(filled), { cwd }).ended), cwd, known }
}

const config = (text: string) => (cwd: string) =>
  fs.appendFileSync(path.join(cwd, 'millrace-agents/millrace.toml'), `\n${text}\n`)

/** Agents that end with a failure of their own, and one that says honestly that it is blocked. */
const replies = (reply: object) => (cwd: string) =>
  fs.writeFileSync(
    path.join(cwd, 'replies.json'),
    JSON.stringify({ schema_version: '1.0', kind: 'scripted_replies', replies: [reply] }),
  )

interface Row {
  when: string
  line: string
  status: number
  on?: Stage
  before?: (cwd: string) => void
}

const ROWS: readonly Row[] = [
  { when: 'a read that can answer', line: 'status', status: EXIT.done },
  { when: 'a change that was applied', line: 'control pause', on: 'new', status: EXIT.done },
  { when: 'help', line: 'queue retry --help', status: EXIT.done },
  { when: 'a preview', line: 'rescue restore {done_run}', status: EXIT.done },
  { when: 'one tick that finds nothing to do', line: 'run once', on: 'new', status: EXIT.done },
  {
    when: 'one tick whose agent reports an honest BLOCKED',
    line: 'run once',
    on: 'planning',
    before: replies({ stage: 'manager', steps: [{ artifacts: true }], outcome: 'BLOCKED' }),
    status: EXIT.done,
  },
  {
    when: 'one tick whose agent fails',
    line: 'run once',
    on: 'planning',
    before: replies({ stage: 'manager', steps: [], outcome: null, exit_code: 1 }),
    status: EXIT.failed,
  },
  { when: 'a read where there is no workspace', line: 'status', on: 'empty', status: EXIT.failed },
  { when: 'a read of what there is not', line: 'runs show run-nowhere', status: EXIT.failed },
  { when: 'a doctor that finds errors', line: 'doctor', status: EXIT.failed },
  { when: 'a doctor that finds only warnings', line: 'doctor', on: 'new', status: EXIT.done },
  { when: 'a mode that does not compile', line: 'compile validate --mode nowhere', on: 'new', status: EXIT.failed },
  { when: 'a config that is wrong', line: 'config validate', before: config('[nonsense]'), status: EXIT.failed },
  { when: 'an unknown verb', line: 'statsu', on: 'new', status: EXIT.usage },
  { when: 'no verb', line: '', on: 'new', status: EXIT.usage },
  { when: 'half a verb', line: 'control', on: 'new', status: EXIT.usage },
  { when: 'a missing argument', line: 'queue retry', on: 'new', status: EXIT.usage },
  { when: 'an argument too many', line: 'queue show T-1 T-2', on: 'new', status: EXIT.usage },
  { when: 'a choice that there is not', line: 'queue ls --state blokced', on: 'new', status: EXIT.usage },
  { when: 'a file that is not there', line: 'add-task absent.md', status: EXIT.usage },
  { when: 'an id that is no id', line: 'queue show ../state', status: EXIT.usage },
  { when: 'a sentence after run', line: 'run "fix the login"', on: 'new', status: EXIT.usage },
  { when: 'a folder that is taken', line: 'init .', status: EXIT.usage },
  { when: 'a preview that finds what it would do', line: 'queue release T-apart --dry-run', status: EXIT.done },
  { when: 'a preview of what would be refused', line: 'queue release T-next --dry-run', status: EXIT.refused },
  {
    when: 'a change that was meant for a state that is past',
    line: 'queue release T-apart --if-state state-1-000000000000',
    status: EXIT.refused,
  },
  { when: 'an id of a state that is none', line: 'queue release T-apart --if-state now', status: EXIT.usage },
  { when: 'what can only be asked on a terminal', line: 'queue new', on: 'new', status: EXIT.usage },
  { when: 'one pass that finds nothing to do', line: 'start --once', on: 'new', status: EXIT.done },
  { when: 'one pass that plans', line: 'start --once', on: 'planning', status: EXIT.done },
  {
    when: 'one pass whose agent reports an honest BLOCKED',
    line: 'start --once',
    on: 'planning',
    before: replies({ stage: 'manager', steps: [{ artifacts: true }], outcome: 'BLOCKED' }),
    status: EXIT.done,
  },
  {
    when: 'one pass both ways at once',
    line: 'start --once --daemon',
    on: 'new',
    status: EXIT.usage,
  },
  { when: 'health of a sound workspace', line: 'health', on: 'new', status: EXIT.done },
  { when: 'health of a broken one', line: 'health', before: config('[nonsense]'), status: EXIT.failed },
  { when: 'stopping a daemon where there is none', line: 'daemon stop', on: 'new', status: EXIT.done },
  {
    when: 'a daemon that cannot start',
    line: 'daemon start',
    on: 'new',
    before: config('[nonsense]'),
    status: EXIT.failed,
  },
  { when: 'a change that has nothing to change', line: 'control pause', status: EXIT.refused },
  { when: 'a change that is refused', line: 'queue retry T-done', status: EXIT.refused },
  { when: 'work that exists already', line: 'add-task "Again" --id T-done', status: EXIT.refused },
  { when: 'something active where nothing is', line: 'control retry-active', on: 'new', status: EXIT.refused },
]

describe('the exit status', () => {
  it.each(ROWS.map((row) => [row.when, row.line, row.status, row] as const))(
    'of %s (`millrace %s`) is %i',
    async (_, line, status, { on, before }) => {
      const ended = await tried(line, on, before)
      expect(ended.status, ended.stderr).toBe(status)
      const asked = await tried(`${line} --json`, on, before)
      expect(asked.status, asked.stderr).toBe(status)
      const value = JSON.parse(asked.stdout) as { error?: { code: ErrorCode } }
      if (value.error === undefined) return
      expect(fits(value) ? [] : fits.errors).toEqual([])
      expect(EXIT[ERROR_CODES[value.error.code].kind]).toBe(status)
      // The sentence goes to stderr as well, and to stderr only where no JSON was asked for.
      expect(asked.stderr).toContain('error: ')
      expect(ended.stdout).toBe('')
      expect(ended.stderr.replaceAll(ended.cwd, '')).toBe(asked.stderr.replaceAll(asked.cwd, ''))
    },
  )

  it('of an unknown option is 2 for every verb, told as one JSON value', { timeout: 120_000 }, async () => {
    const { cwd } = scene.shared('empty')
    for (const verb of ALL_VERBS) {
      const { status, stdout } = await startMillrace(wordsOf(`${verb} --no-such-option --json`), { cwd }).ended
      expect(status, verb).toBe(EXIT.usage)
      const value = JSON.parse(stdout) as { error: { code: string } }
      expect(fits(value) ? value.error.code : fits.errors, verb).toBe('usage')
    }
  })

  it('is 3 for changes only: a read that cannot answer is 1', () => {
    const reads = ['status', 'queue ls', 'queue show', 'runs ls', 'runs show', 'runs trace', 'runs tail', 'doctor']
    for (const [verb, samples] of Object.entries(SAMPLES)) {
      if (reads.includes(verb)) for (const { status = 0, args } of samples) expect([0, 1], args).toContain(status)
    }
  })
})

describe('beside a daemon', () => {
  /** A daemon with nothing to do; ended however the check goes. */
  async function withDaemon(check: (cwd: string, pid: number) => Promise<void>): Promise<Ended> {
    const { cwd } = scene.copy('new')
    const daemon = startMillrace(['run', 'daemon', '--monitor', 'basic'], { cwd })
    try {
      await daemon.said('runtime started')
      await check(cwd, daemon.child.pid!)
    } finally {
      daemon.child.kill('SIGCONT')
      daemon.child.kill('SIGTERM')
    }
    return daemon.ended
  }
  const run = (line: string, cwd: string) => startMillrace(wordsOf(line), { cwd }).ended

  it('a change that it carried out is 0, one that it refused is 3', async () => {
    await withDaemon(async (cwd) => {
      expect(await run('pause', cwd)).toMatchObject({ status: EXIT.done })
      expect(await run('pause', cwd)).toMatchObject({ status: EXIT.refused })
      expect(await run('queue retry T-nowhere', cwd)).toMatchObject({ status: EXIT.failed })
    })
  })

  it('a second one is refused with 3, whoever would start it', async () => {
    await withDaemon(async (cwd) => {
      for (const line of ['run daemon', 'run once']) {
        const { status, stderr } = await run(line, cwd)
        expect({ line, status }).toEqual({ line, status: EXIT.refused })
        expect(stderr).toContain('owns')
      }
    })
  })

  it('a change nobody answered is 3, and 0 where nobody was to wait', async () => {
    await withDaemon(async (cwd, pid) => {
      process.kill(pid, 'SIGSTOP')
      expect(await run('pause --no-wait', cwd)).toMatchObject({ status: EXIT.done })
      expect(await run('pause --wait-seconds 0.2', cwd)).toMatchObject({ status: EXIT.refused })
    })
  })

  it('SIGTERM is a clean stop, 0; so is `control stop`', async () => {
    expect(await withDaemon(async () => {})).toMatchObject({ status: EXIT.done, stderr: '' })
    const { cwd } = scene.copy('new')
    const daemon = startMillrace(['run', 'daemon', '--monitor', 'basic'], { cwd })
    await daemon.said('runtime started')
    expect(await run('control stop', cwd)).toMatchObject({ status: EXIT.done })
    expect(await daemon.ended).toMatchObject({ status: EXIT.done })
  })
})

describe('Ctrl-C', () => {
  it('ends a command that was changing something with 130', async () => {
    const { cwd } = scene.copy('new')
    const daemon = startMillrace(['run', 'daemon', '--monitor', 'basic'], { cwd })
    await daemon.said('runtime started')
    daemon.child.kill('SIGINT')
    expect(await daemon.ended).toMatchObject({ status: EXIT.interrupted })
  })

  it.each([
    ['status watch --interval-seconds 60', 'workspace: '],
    ['runs follow --json', 'no runtime is at work'],
    ['logs --follow --tail 1', 'pause'],
    ['logs --follow --tail 1 --json', 'pause'],
    ['daemon logs --follow', 'runtime started'],
  ])('ends `millrace %s`, which only follows, with 0', async (line, said) => {
    const { cwd } = scene.copy('worked')
    const follower = startMillrace(wordsOf(line), { cwd })
    await follower.said(said)
    follower.child.kill('SIGINT')
    expect(await follower.ended).toMatchObject({ status: EXIT.done })
  })
})

describe('a closed pipe', () => {
  it.each([
    ['status watch --json --interval-seconds 0.05', '"workspace"'],
    ['run daemon --monitor basic --max-ticks 1', 'runtime started'],
    // What ends by itself, so that a follower that never finds out would be seen to have gone on until then.
    ['logs --follow --tail 1 --idle-timeout 5', 'pause'],
    ['daemon logs', 'runtime started'],
    ['config show', 'runtime'],
  ])('is no failure of `millrace %s`', async (line, said) => {
    const { cwd } = scene.copy('worked')
    const child = startMillrace(wordsOf(line), { cwd })
    await child.said(said)
    child.child.stdout!.destroy()
    expect(await child.ended).toMatchObject({ status: EXIT.done, stderr: '' })
  })
})

describe('without a terminal', () => {
  it('nothing asks: an item verb acts, and nothing is deleted', async () => {
    const { status, cwd } = await tried('queue cancel T-waits')
    expect(status).toBe(EXIT.done)
    expect(fs.readdirSync(path.join(cwd, 'millrace-agents/tasks/queue/cancelled')).join()).toContain('T-waits')
  })

  it('what writes many files previews, and writes with --apply only', async () => {
    const edited = (cwd: string) => fs.rmSync(path.join(cwd, 'src/login.ts'))
    const preview = await tried('rescue restore {done_run} src/login.ts', 'worked', edited)
    expect(preview.status).toBe(EXIT.done)
    expect(fs.existsSync(path.join(preview.cwd, 'src/login.ts'))).toBe(false)
    const applied = await tried('rescue restore {done_run} src/login.ts --apply', 'worked', edited)
    expect(applied.status).toBe(EXIT.done)
    expect(fs.readFileSync(path.join(applied.cwd, 'src/login.ts'), 'utf8')).toBe('export const login = 2\n')
  })
})
