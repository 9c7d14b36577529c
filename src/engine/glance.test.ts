import * as fs from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { requestIn, temporaryFolder } from '../../test/agents/rig.ts'
import { parseConfig } from '../core/config.ts'
import { runFiles } from '../runners/artifacts.ts'
import { runnersFor } from '../runners/registry.ts'
import { disk } from '../store/files.ts'
import type { Lane } from './dispatch.ts'
import { glanceAtLanes } from './glance.ts'

const workspace = temporaryFolder()
afterAll(() => fs.rmSync(workspace, { recursive: true, force: true }))

/** A clock that goes on when it is told to. */
function handClock() {
  const startMs = Date.now()
  let nowMs = 0
  let due: { atMs: number; callback: () => void }[] = []
  return {
    now: () => new Date(startMs + nowMs),
    monotonicMs: () => nowMs,
    hex: () => '',
    after(ms: number, callback: () => void) {
      const one = { atMs: nowMs + ms, callback }
      due.push(one)
      return () => {
        due = due.filter((other) => other !== one)
      }
    },
    goOn(ms: number) {
      const untilMs = nowMs + ms
      for (;;) {
        const next = due.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
        if (next === undefined) break
        due = due.filter((other) => other !== next)
        nowMs = next.atMs
        next.callback()
      }
      nowMs = untilMs
    },
    waiting: () => due.length,
  }
}

/** One agent at work, and somebody who glances at it. */
function scene(runner: 'codex_cli' | 'command' = 'codex_cli') {
  const clock = handClock()
  const request = requestIn(workspace, { runner_name: runner })
  fs.mkdirSync(request.run_dir, { recursive: true })
  const run = runFiles(request)
  const file = runner === 'command' ? run.stdout : run.events
  const ports = { files: disk, clock, environment: {}, workspaceRoot: workspace, scriptedAgent: '', driver: '' }
  const lanes = new Map([[request.request_id, { request } as Lane]])
  const lines: string[] = []
  const runners = runnersFor(parseConfig({}, 'test'), ports)
  const stop = glanceAtLanes(
    { lanes, runners, clock },
    () => 'short',
    (line) => void lines.push(line),
  )
  const add = (...events: object[]) =>
    fs.appendFileSync(file, events.map((event) => `${JSON.stringify(event)}\n`).join(''))
  return { clock, lanes, lines, stop, add, file }
}

const item = (type: string, id: string, command: string, more = {}) => ({
  type,
  item: { id, type: 'command_execution', command, ...more },
})
const withoutTimes = (lines: string[]) => lines.map((line) => line.replace(/ (elapsed|idle)=[\d.]+s/g, ''))

describe('a glance at an agent at work', () => {
  it('tells what it did last and what it used, at most every ten seconds', () => {
    const { clock, lines, add } = scene()
    for (let second = 1; second <= 60; second++) {
      add(item('item.started', `c${second}`, `step ${second}`))
      if (second === 5) add({ type: 'turn.completed', usage: { input_tokens: 5, output_tokens: 2 } })
      clock.goOn(1000)
    }
    expect(lines.length).toBeGreaterThanOrEqual(5)
    expect(lines.length).toBeLessThanOrEqual(6)
    expect(withoutTimes(lines)[0]).toBe(
      'stage live execution/builder run=short tokens=total=7 tool="command_execution" on="step 12"',
    )
  })

  it('tells that nothing happens once a minute, with the time since the last sign of life', () => {
    const { clock, lines, add } = scene()
    add(item('item.completed', 'c', 'npm test', { status: 'failed' }))
    clock.goOn(12_000)
    expect(withoutTimes(lines)).toEqual(['stage live execution/builder run=short tool="command_execution" failed'])
    clock.goOn(55_000)
    expect(lines).toHaveLength(1)
    clock.goOn(10_000)
    expect(lines).toHaveLength(2)
    const idle = Number(/idle=([\d.]+)s/.exec(lines[1]!)?.[1])
    expect(idle).toBeGreaterThan(60)
    expect(idle).toBeLessThan(80)
  })

  it('shows the last line of a program that prints text, cut and without what steers a terminal', () => {
    const { clock, lines, file } = scene('command')
    fs.writeFileSync(file, `first\n\u009b2J${'long '.repeat(100)}\u001b[2J\n`)
    clock.goOn(12_000)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/ output="2Jlong .{10,70}"$/)
    expect(lines[0]).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
  })

  it('says nothing of an agent that is gone, and nothing at all once it is told to stop', () => {
    const { clock, lines, lanes, stop, add } = scene()
    add(item('item.started', 'c', 'a'))
    lanes.clear()
    clock.goOn(120_000)
    expect(lines).toEqual([])
    stop()
    expect(clock.waiting()).toBe(0)
  })
})
