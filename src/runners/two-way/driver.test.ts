/** The driver as the keeper starts it: bundled, with pipes or files as its streams, and ended in every way. */
import { type ChildProcess, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { agent, clock, endAll, eventually, temporaryFolder } from '../../../test/agents/rig.ts'
import { bundled } from '../../../test/rig/bundle.ts'
import { carriersOf, MARKER } from '../process.ts'

const folder = temporaryFolder()
const driver = bundled(path.join(import.meta.dirname, 'driver.ts'))
const PI = [process.execPath, agent('pi')]
const OPTIONS = { protocol: 'pi', settings: {}, startMs: 10_000 }
const PROMPT = 'Build “it”.\n'.repeat(3000)
const MIB = 1024 * 1024

const marks: string[] = []
afterEach(() => endAll(marks.splice(0)))
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

interface Driving {
  child: ChildProcess
  mark: string
  ended: Promise<number | null>
  log(): string[]
  complaints: Promise<string>
}

function start(program: readonly string[], mode = 'ok', options: unknown = OPTIONS): Driving {
  const mark = `request-${clock.hex(16)}`
  marks.push(mark)
  const log = path.join(folder, `${mark}.jsonl`)
  const descriptor = fs.openSync(log, 'a')
  const child = spawn(process.execPath, [driver, JSON.stringify(options), '--', ...program], {
    cwd: folder,
    stdio: ['pipe', descriptor, 'pipe'],
    env: { PATH: process.env.PATH, [MARKER]: mark, FAKE_PI: mode },
  })
  fs.closeSync(descriptor)
  child.stdin!.on('error', () => {})
  child.stdin!.end(PROMPT)
  return {
    child,
    mark,
    ended: new Promise((resolve) => child.once('close', resolve)),
    log: () => fs.readFileSync(log, 'utf8').split('\n').slice(0, -1),
    complaints: text(child.stderr!),
  }
}

const types = (log: string[]) => log.map((line) => (JSON.parse(line) as { type: string }).type)
const script = (body: string) => [process.execPath, '-e', body]
const running = (mark: string) => carriersOf(mark).map(({ command }) => command)

/** The most memory the driver has had, in bytes. Linux only. */
function peakBytes(pid: number): number {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

describe('the driver', () => {
  it('carries a prompt of any size through a session and prints each record once, whole and in order', async () => {
    const { ended, log, complaints } = start(PI)
    expect([await ended, await complaints]).toEqual([0, ''])
    expect(types(log())).toEqual([
      ...['response', 'agent_start', 'message_end', 'tool_execution_start', 'tool_execution_end'],
      ...['message_start', 'message_end', 'turn_end', 'message_start', 'message_end', 'turn_end', 'agent_end'],
      ...['response', 'response'],
    ])
    const [, , prompt, , , , , , , final] = log().map((line) => JSON.parse(line))
    expect(prompt.message.content[0].text).toBe(PROMPT)
    expect(final.message.content[0].text).toContain('.\u2028Done.')
    expect(
      log().filter((line) => line.includes('\u2028')),
      'each text is kept once, and in the answer',
    ).toHaveLength(2)
  })

  it('ends with 1 and a sentence, never a stack trace, if it is started wrongly or the program fails', async () => {
    const wrong = spawn(process.execPath, [driver, 'x'], { stdio: ['ignore', 'ignore', 'pipe'] })
    expect(await text(wrong.stderr)).toBe(
      'driver: it is started by millrace, as: driver OPTIONS -- PROGRAM [ARGUMENT…].\n',
    )
    const missing = start(['/nowhere/pi'])
    expect([await missing.ended, await missing.complaints]).toEqual([
      1,
      'driver: the program cannot be started: spawn /nowhere/pi ENOENT.\n',
    ])
    const dying = start(PI, 'dies')
    expect([await dying.ended, await dying.complaints]).toEqual([
      1,
      'Out of memory, sorry\ndriver: the program ended with status 3 before its work was over.\n',
    ])
  })

  it('passes a TERM on as an abort, so that the tool of the program is ended too', async () => {
    const { child, mark, ended, log } = start(PI, 'works')
    expect(await eventually(() => running(mark).includes('sleep 300'))).toBe(true)
    child.kill('SIGTERM')
    expect(await ended).toBe(1)
    expect(types(log()).slice(-2)).toEqual(['agent_end', 'response'])
    expect(await eventually(() => running(mark).length === 0)).toBe(true)
  })

  it('leaves no program behind when it is killed, because the program has lost its stdin', async () => {
    const { child, mark, ended } = start(PI, 'works')
    expect(await eventually(() => running(mark).includes('sleep 300'))).toBe(true)
    child.kill('SIGKILL')
    await ended
    expect(await eventually(() => !running(mark).some((command) => command.includes('pi.mjs')))).toBe(true)
    expect(running(mark), 'its tool is for the sweep').toEqual(['sleep 300'])
  })

  it.runIf(process.platform === 'linux').each<[string, string]>([
    ['a line without end', `'x'.repeat(${MIB})`],
    ['updates without end', `'{"type":"message_update","x":"' + 'x'.repeat(${MIB}) + '"}\\n'`],
  ])(
    'needs a bounded memory for %s (measured on Linux only)',
    async (_title, piece) => {
      const program = script(`const piece = Buffer.from(${piece}); let left = 400
      const more = () => { while (left-- > 0) if (!process.stdout.write(piece)) return process.stdout.once('drain', more)
        require('fs').writeFileSync(process.env.${MARKER}, ''); setInterval(() => {}, 1000) }; more()`)
      const { child, mark, ended, log } = start(program)
      expect(await eventually(() => fs.existsSync(path.join(folder, mark)), 60_000)).toBe(true)
      expect(peakBytes(child.pid!)).toBeLessThan(400 * MIB)
      child.kill('SIGTERM')
      expect(await ended).toBe(143)
      expect(log().join('\n').length, 'nothing of it is kept').toBeLessThan(10_000)
    },
    90_000,
  )

  it.runIf(process.platform === 'linux')(
    'does not pile up answers for a program that asks but never reads (measured on Linux only)',
    async () => {
      const question = JSON.stringify({ type: 'extension_ui_request', id: 'x'.repeat(60_000), method: 'select' })
      const program = script(`const piece = Buffer.from(${JSON.stringify(`${question}\n`)})
      const more = () => { while (process.stdout.write(piece)); process.stdout.once('drain', more) }; more()`)
      const { child, ended, log } = start(program)
      const settled = async () => {
        const before = log().length
        await new Promise((resolve) => setTimeout(resolve, 500))
        return before > 50 && log().length === before
      }
      for (let round = 0; !(await settled()); round++) expect(round).toBeLessThan(60)
      expect(peakBytes(child.pid!)).toBeLessThan(400 * MIB)
      child.kill('SIGTERM')
      expect(await ended).toBe(143)
    },
    90_000,
  )
})
