import { afterEach, describe, expect, it } from 'vitest'
import { clock, eventually } from '../../../test/agents/rig.ts'
import { processIdentity, spawnPartner } from '../process.ts'
import { drive } from './drive.ts'
import type { Protocol } from './protocol.ts'

const groups: number[] = []
afterEach(() => {
  for (const pid of groups.splice(0)) processIdentity.kill(-pid, 'SIGKILL')
})

/** Ends with status 0 at a line `over`, logs everything else as `line <text>`. */
const toy = (changes: Partial<Protocol> = {}): Protocol => ({
  begin: (prompt) => ({ send: [`prompt ${prompt}`] }),
  line: (text) => (text === 'over' ? { over: 0 } : { log: `line ${text}` }),
  abort: () => ({ send: ['abort'], log: 'aborting' }),
  ...changes,
})

/** Starts a program, given as the body of a script of Node or as a command line, and speaks with it. */
function talk(program: string | string[], protocol = toy(), startMs = 10_000, print?: (line: string) => void) {
  const [file, ...args] = typeof program === 'string' ? [process.execPath, '-e', program] : program
  const child = spawnPartner(file!, args)
  if (child.pid !== undefined) groups.push(child.pid)
  const printed: string[] = []
  const complaints: string[] = []
  const driven = drive({
    program: child,
    protocol,
    prompt: 'do it',
    startMs,
    clock,
    print: print ?? ((line) => void printed.push(line)),
    complain: (sentence) => void complaints.push(sentence),
  })
  return { ...driven, printed, complaints, child }
}

const ECHO = `process.stdin.on('data', (bytes) => process.stdout.write(bytes)).on('end', () => process.exit(0))`
const STUBBORN = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); process.stdout.write('up\\n');`

describe('speaking with a program', () => {
  it('sends what the protocol says and ends with its status, once the program has left', async () => {
    const protocol = toy({
      line: (text) => (text === 'one' ? { log: null, over: 1 } : { send: ['one'], log: `got ${text}` }),
    })
    const { ended, printed, complaints, child } = talk(ECHO, protocol)
    expect(await ended).toBe(1)
    expect([printed, complaints, child.exitCode]).toEqual([['got prompt do it'], [], 0])
  })

  it('takes a line to end at LF only, and bytes that are no text for text', async () => {
    const bytes = [...Buffer.from('a\u2028b\r\n'), 0xff, 10, 10, ...Buffer.from('rest')]
    const { ended, printed } = talk(`process.stdout.write(Buffer.from(${JSON.stringify(bytes)}))`)
    expect(await ended).toBe(1)
    expect(printed).toEqual(['line a\u2028b', 'line \ufffd', 'line rest'])
  })

  it('cuts a line without end, says so, and goes on with the next', async () => {
    const seen: [number, boolean][] = []
    const protocol = toy({
      line(text, truncated) {
        seen.push([text.length, truncated])
        return { log: null }
      },
    })
    await talk(`process.stdout.write('x'.repeat(17 * 1024 * 1024) + '\\nnext\\n')`, protocol).ended
    expect(seen).toEqual([
      [16 * 1024 * 1024, true],
      [4, false],
    ])
  })

  it('prints a sign of life at most once a second, and none while there is something to print', async () => {
    const protocol = toy({ line: (text) => (text.startsWith('u') ? { log: null, alive: 'alive' } : {}) })
    const program = `process.stdout.write('a\\n'); const t = setInterval(() => process.stdout.write('u\\n'), 20);
      setTimeout(() => process.stdout.write('b\\n'), 500); setTimeout(() => clearInterval(t), 1800)`
    const { ended, printed } = talk(program, protocol)
    await ended
    expect(printed).toEqual(['a', 'b', 'alive'])
  })

  it('waits as long as the protocol says for one more line', async () => {
    const protocol = toy({
      begin: () => ({}),
      line: (text) => (text === 'last?' ? { overAfter: { ms: 600, status: 0 } } : {}),
    })
    const ask = `process.stdout.write('last?\\n');`
    const began = performance.now()
    expect(await talk(`${ask} ${ECHO}`, protocol).ended).toBe(0)
    expect(performance.now() - began).toBeGreaterThan(600)
    const takenBack = `${ask} setTimeout(() => process.stdout.write('more\\n'), 100); setTimeout(() => process.exit(4), 1200)`
    expect(await talk(takenBack, protocol).ended, 'taken back by the next line').toBe(1)
  })
})

describe('a program that does not do its part', () => {
  it.each<[string, string | string[], string]>([
    ['ends early', 'process.exit(3)', 'the program ended with status 3 before its work was over'],
    ['is killed', ['/bin/sh', '-c', 'kill -KILL $$'], 'the program was ended by SIGKILL before its work was over'],
    ['is not there', ['/nowhere/at-all'], 'the program cannot be started: spawn /nowhere/at-all ENOENT'],
  ])('and %s is told of in a sentence', async (_title, program, sentence) => {
    const { ended, complaints } = talk(program)
    expect(await ended).toBe(1)
    expect(complaints).toEqual([sentence])
  })

  it('and says nothing at its start is not waited for', async () => {
    const { ended, complaints } = talk(ECHO, toy({ begin: () => ({}) }), 200)
    expect(await ended).toBe(1)
    expect(complaints).toEqual(['the program printed nothing within 0.2 s'])
  })

  it('and stays although its work is over is killed with its group', async () => {
    const program = `require('child_process').spawn('sleep', ['300']); ${STUBBORN} process.stdout.write('over\\n')`
    const { ended, child } = talk(program)
    expect(await ended).toBe(0)
    expect(child.signalCode).toBe('SIGKILL')
    expect(await eventually(() => !processIdentity.kill(-child.pid!, 'SIGTERM'))).toBe(true)
  }, 15_000)

  it('and leaves a child holding its output is not waited for any longer', async () => {
    const program = `process.stdout.write('over\\n'); require('child_process').spawn('sleep', ['300'], { stdio: 'inherit' })
      process.stdin.resume().on('end', () => process.exit(0))`
    const began = performance.now()
    expect(await talk(program).ended).toBe(0)
    expect(performance.now() - began).toBeLessThan(6000)
  }, 15_000)

  it('and cannot be listened to, because the log cannot be written, is closed', async () => {
    const { ended, complaints } = talk(ECHO, toy(), 10_000, () => {
      throw new Error('no space left on device')
    })
    expect(await ended).toBe(1)
    expect(complaints).toEqual(['the event log cannot be written: no space left on device'])
  })
})

describe('aborting', () => {
  it('says so in the protocol and takes its answer', async () => {
    const protocol = toy({ line: (text) => (text === 'abort' ? { over: 0 } : {}) })
    const { ended, abort, printed } = talk(ECHO, protocol)
    expect(await eventually(() => printed.length === 1)).toBe(true)
    abort()
    expect(await ended).toBe(0)
    expect(printed).toEqual(['prompt do it', 'aborting', 'abort'])
  })

  it('does not wait long for a program that does not answer', async () => {
    const { ended, abort, printed } = talk(STUBBORN)
    expect(await eventually(() => printed.length === 1)).toBe(true)
    const began = performance.now()
    abort()
    abort()
    expect(await ended).toBe(143)
    expect(performance.now() - began).toBeLessThan(5000)
  }, 15_000)
})
