import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { clock, requestIn, temporaryFolder } from '../../test/agents/rig.ts'
import { bundled } from '../../test/rig/bundle.ts'
import { parseConfig } from '../core/config.ts'
import { disk } from '../store/files.ts'
import type { AgentEvent } from './agent-event.ts'
import { runFiles } from './artifacts.ts'
import { codexHarness } from './codex/codex.ts'
import { commandHarness } from './command.ts'
import { liveView } from './live-view.ts'

const workspace = temporaryFolder()
afterAll(() => fs.rmSync(workspace, { recursive: true, force: true }))

const probe = async () => ({ runner: 'x', ok: true, binary: null, version: null, problem: null, remedy: null })
const { runners } = parseConfig({}, 'millrace.toml')
const HARNESSES = { events: codexHarness(runners.codex, probe), text: commandHarness(runners.command, probe) }
const MiB = 1024 * 1024

function viewOf(kind: keyof typeof HARNESSES) {
  const request = requestIn(workspace)
  fs.mkdirSync(request.run_dir, { recursive: true })
  const run = runFiles(request)
  const file = kind === 'events' ? run.events : run.stdout
  return {
    request,
    file,
    add: (text: string) => fs.appendFileSync(file, text),
    view: liveView(HARNESSES[kind], request, disk),
  }
}

const event = (value: object) => `${JSON.stringify(value)}\n`
const message = (text: string) => event({ type: 'item.completed', item: { id: 'i', type: 'agent_message', text } })

describe('a look at an agent at work', () => {
  it('sees nothing before it was started', () => {
    const { view } = viewOf('events')
    expect([view.read(MiB), view.end(), view.usage(), view.startedAt(), view.lastOutputMs()]).toEqual([
      { events: [], more: false },
      [],
      null,
      null,
      null,
    ])
  })

  it('sees each event once it is whole, and the tokens so far', () => {
    const { view, add } = viewOf('events')
    const line = message('hello')
    add(line.slice(0, 20))
    expect(view.read(MiB).events).toEqual([])
    add(line.slice(20))
    expect(view.read(MiB).events).toEqual([{ event: 'message', text: 'hello' }])
    expect(view.read(MiB).events).toEqual([])
    expect(view.usage()).toBeNull()
    add(event({ type: 'turn.completed', usage: { input_tokens: 10, output_tokens: 3 } }))
    view.read(MiB)
    expect(view.usage()).toMatchObject({ total_tokens: 13 })
    expect(Math.abs(view.lastOutputMs()! - clock.now().getTime())).toBeLessThan(60_000)
  })

  it('sees the lines of a program that prints text, without the empty ones, and at the end one without line feed', () => {
    const { view, add } = viewOf('text')
    add('one\n\n  \ntwo')
    expect(view.read(MiB).events).toEqual([{ event: 'output', text: 'one' }])
    expect(view.end()).toEqual([{ event: 'output', text: 'two' }])
    expect(view.end()).toEqual([])
  })

  it('reads no more at once than it is asked to, and says that there is more', () => {
    const { view, add } = viewOf('text')
    add('x\n'.repeat(1000))
    const first = view.read(500)
    expect([first.events.length, first.more]).toEqual([250, true])
    const seen: AgentEvent[] = []
    for (let more = true; more; ) {
      const read = view.read(500)
      seen.push(...read.events)
      more = read.more
    }
    expect(seen.length).toBe(750)
  })

  it('cuts a line of several megabytes to what a terminal shows, and goes on behind it', () => {
    const { view, add } = viewOf('text')
    add(`${'x'.repeat(3 * MiB)}\nafter\n`)
    const { events } = view.read(10 * MiB)
    expect(events.map((one) => ('text' in one ? one.text.length : 0))).toEqual([500, 5])
  })

  it.each(['events', 'text'] as const)('reads 100 MB of %s in memory that does not grow with it', (kind) => {
    const { request, file, view } = viewOf(kind)
    const line = kind === 'events' ? message('m'.repeat(900)) : `${'t'.repeat(999)}\n`
    const block = line.repeat(1000)
    const descriptor = fs.openSync(file, 'w')
    let lines = 0
    for (let bytes = 0; bytes < 100_000_000; bytes += Buffer.byteLength(block), lines += 1000)
      fs.writeSync(descriptor, block)
    fs.closeSync(descriptor)
    const program = bundled(path.join(import.meta.dirname, '../../test/rig/view-program.ts'))
    const told = execFileSync(process.execPath, [
      '--max-old-space-size=64',
      program,
      kind,
      request.run_dir,
      request.request_id,
    ])
    const { count, grownBytes } = JSON.parse(String(told)) as { count: number; grownBytes: number }
    expect(count).toBe(lines)
    expect(grownBytes).toBeLessThan(90 * MiB)
    expect(view.read(MiB).more).toBe(true)
    fs.rmSync(file)
  })
})
