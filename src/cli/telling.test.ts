import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import type { FollowEnd, FollowRecord, RecordWithout } from '../operations/schemas/follow.ts'
import { makeLook } from './look.ts'
import { outputTo } from './output.ts'
import { follow } from './render/follow.ts'
import { telling } from './telling.ts'

const AT = '2026-03-02T12:00:00.000Z'
const ofStage = (record: RecordWithout<'at' | 'run_id' | 'request_id' | 'node_id'>) =>
  ({ at: AT, run_id: 'run-1', request_id: 'request-1', node_id: 'builder', ...record }) as FollowRecord
const usage = { input_tokens: 1000, cached_input_tokens: 0, output_tokens: 200, thinking_tokens: 0, total_tokens: 1200 }

const RECORDS: FollowRecord[] = [
  { event: 'run', at: AT, run_id: 'run-1', plane: 'p', work_item_kind: 'task', work_item_id: 'T-1', state: 'active' },
  ofStage({
    event: 'stage_started',
    stage_kind_id: 'builder',
    runner_name: 'codex_cli',
    model_name: null,
    timeout_seconds: 9,
  }),
  ofStage({ event: 'skipped', count: 3 }),
  ofStage({ event: 'message', text: 'Looking\naround "here" \u001b[2J\u009b2J' }),
  ofStage({ event: 'reasoning', text: 'hm' }),
  ofStage({ event: 'retry', text: 'again' }),
  ofStage({ event: 'warning', text: 'careful' }),
  ofStage({ event: 'output', text: '日本語'.repeat(80) }),
  ofStage({ event: 'tool_started', id: 'c', tool: 'shell', detail: 'npm test' }),
  ofStage({ event: 'tool_ended', id: 'c', tool: 'shell', ok: false, detail: 'npm test' }),
  ofStage({ event: 'progress', elapsed_seconds: 75, idle_seconds: 4, token_usage: usage }),
  ofStage({
    ...{ event: 'stage_ended', outcome: 'BUILDER_COMPLETE', result_class: 'success', failure_class: null },
    ...{ duration_seconds: 75.2, token_usage: usage },
  }),
  { event: 'waiting', at: AT, run_id: 'run-1', reason: 'paused by operator (lunch)' },
]
const END: FollowEnd = {
  end: { reason: 'run_ended', run_id: 'run-1', state: 'complete', stages: 1, token_usage: usage },
}

const look = (terminal: boolean, width = 80) => makeLook({ terminal, colour: false, width, now: new Date(AT) })

async function told(records: readonly object[], { json = false, terminal = false } = {}): Promise<string> {
  let written = ''
  const stream = {
    isTTY: false,
    on: () => stream,
    write: (text: string, done?: () => void) => {
      written += text
      done?.()
      return true
    },
  } as unknown as Parameters<typeof outputTo>[0]
  const output = outputTo(stream, stream, { json, colour: false, debug: false })
  const tell = telling({
    json,
    terminal,
    look: () => look(terminal),
    render: follow as Parameters<typeof telling>[0]['render'],
    output,
  })
  for (const record of records) await tell(record)
  return written
}

describe('records of something that is followed', () => {
  it('are one JSON value a line', async () => {
    const lines = (await told([...RECORDS, END], { json: true })).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual([...RECORDS, END])
  })

  it('are a line each for a program, with texts quoted and last, and how a stage stands left out', async () => {
    const lines = (await told([...RECORDS, END])).trimEnd().split('\n')
    expect(lines.slice(0, 4)).toEqual([
      `${AT} run-1 run task:T-1 state=active`,
      `${AT} builder stage_started runner=codex_cli`,
      `${AT} builder skipped 3`,
      `${AT} builder message "Looking\\naround \\"here\\" \\u001b[2J\\u009b2J"`,
    ])
    expect(lines).toContain(`${AT} builder tool_ended failed "shell" "npm test"`)
    expect(lines).toContain(`${AT} builder stage_ended BUILDER_COMPLETE seconds=75.2 tokens=1200`)
    expect(lines.slice(-5)).toEqual([
      'end: run_ended',
      'run_id: run-1',
      'state: complete',
      'stages: 1',
      'total_tokens: 1200',
    ])
    expect(lines).toHaveLength(RECORDS.length - 1 + 5)
  })

  it('are a line each on a terminal, no wider than it and with nothing of others that steers it', async () => {
    for (const width of [20, 40, 80]) {
      for (const record of RECORDS) {
        const line = follow(record, look(true, width))
        expect(line, record.event).not.toMatch(/[\n\u0000-\u001f\u007f-\u009f]/)
        expect(stringWidth(line), record.event).toBeLessThan(width)
      }
    }
    expect(follow(END, look(true))).toBe('run-1 complete 1 stage · 1.2k tokens')
  })

  it('say how a stage stands on the last line of a terminal, which the next record takes', async () => {
    const progress = RECORDS.find(({ event }) => event === 'progress')!
    const text = await told([RECORDS[4]!, progress, progress, RECORDS[5]!], { terminal: true })
    const shown: string[] = []
    for (const line of text.split('\n').slice(0, -1)) {
      if (line.startsWith('\u001b[1A\u001b[2K')) shown.pop()
      shown.push(line.replace('\u001b[1A\u001b[2K', ''))
    }
    expect(shown.map((line) => line.replace(/^[\d: ]+/, ''))).toEqual(['hm', '↻ again'])
    expect(text).toContain('builder at work for 1m 15s · 1.2k tokens · last sign of life 4s ago')
  })

  it('say that the run goes on where somebody stopped looking', () => {
    const end: FollowEnd = { end: { ...END.end, reason: 'interrupted', state: 'active' } }
    expect(follow(end, look(true))).toBe('No longer followed; the run goes on.')
  })
})
