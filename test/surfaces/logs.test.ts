/** The event log as it is looked at: the last events, those that come, and how both read. */
import * as fs from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makeLook } from '../../src/cli/look.ts'
import { logs as render } from '../../src/cli/render/logs.ts'
import { logs } from '../../src/operations/logs.ts'
import type { LoggedEvent, LogsEnd, LogsOutput } from '../../src/operations/schemas/logs.ts'
import { contextIn, newWorkspace, type TestWorkspace } from '../rig/context.ts'
import { until } from '../rig/live.ts'

const opened: TestWorkspace[] = []
afterEach(() => {
  for (const workspace of opened.splice(0)) workspace.dispose()
})

const piped = makeLook({ terminal: false, colour: false, width: 80, now: new Date('2026-03-01T12:00:00Z') })
const terminal = makeLook({ terminal: true, colour: false, width: 80, now: new Date('2026-03-01T12:00:00Z') })

const event = (event_type: string, data: Record<string, unknown> = {}, occurred_at = '2026-03-01T10:00:00.000Z') => ({
  schema_version: '1.0' as const,
  kind: 'runtime_event' as const,
  event_type,
  occurred_at,
  data,
})
const line = (...given: Parameters<typeof event>): string => `${JSON.stringify(event(...given))}\n`

async function workspaceWith(log: string) {
  const workspace = await newWorkspace()
  opened.push(workspace)
  const file = workspace.at('logs/runtime_events.jsonl')
  fs.writeFileSync(file, log)
  return { ...workspace, append: (text: string) => fs.appendFileSync(file, text), file }
}

async function fits(value: unknown): Promise<void> {
  const schema = z.fromJSONSchema((await logs.output()) as Parameters<typeof z.fromJSONSchema>[0])
  const checked = schema.safeParse(JSON.parse(JSON.stringify(value)))
  expect(checked.success ? '' : `${JSON.stringify(value)}: ${z.prettifyError(checked.error)}`).toBe('')
}

const types = (answer: object) => (answer as LogsOutput).events.map(({ event_type }) => event_type)
const last = (context: TestWorkspace['context'], input = {}) => logs.run(context, input) as Promise<LogsOutput>

describe('the last events', () => {
  it('are fifty unless asked otherwise, with what was passed over counted, and fit the schema', async () => {
    const { context } = await workspaceWith(`not json\n${line('runtime_started').repeat(60)}{"torn`)
    const answer = await last(context)
    expect(answer.events).toHaveLength(50)
    await fits(answer)
    const whole = await last(context, { tail: 100 })
    expect([whole.events.length, whole.skipped]).toEqual([60, 1])
    expect(await last(context, { tail: 0 })).toMatchObject({ events: [] })
  })

  it('may be chosen by type, by the beginning of a type, and by time', async () => {
    const { context } = await workspaceWith(
      line('stage_started', {}, '2026-03-01T08:00:00.000Z') +
        line('run_held', {}, '2026-03-01T09:00:00.000Z') +
        line('stage_completed', {}, '2026-03-01T10:00:00.000Z'),
    )
    expect(types(await last(context, { type: ['run_held'] }))).toEqual(['run_held'])
    expect(types(await last(context, { type: ['stage_*'] }))).toEqual(['stage_started', 'stage_completed'])
    expect(types(await last(context, { type: ['stage_started,run_held'] }))).toEqual(['stage_started', 'run_held'])
    expect(types(await last(context, { since: '2026-03-01T09:00:00Z' }))).toEqual(['run_held', 'stage_completed'])
    expect(types(await last(context, { since: '2026-03-01T09:00:00Z', tail: 1 }))).toEqual(['stage_completed'])
    expect(types(await last(context, { since: '1s' }))).toEqual([])
  })

  it('are refused for a type there is not, naming the nearest, and for options that need --follow', async () => {
    const { context } = await workspaceWith('')
    await expect(last(context, { type: ['stage_complete'] })).rejects.toMatchObject({
      code: 'usage',
      hint: 'did you mean stage_completed?',
    })
    await expect(last(context, { type: ['nothing_like_it*'] })).rejects.toMatchObject({ code: 'usage' })
    await expect(last(context, { since: 'soon' })).rejects.toThrow('--since needs a time or an age')
    await expect(last(context, { limit: 3 })).rejects.toThrow('--limit only means something with --follow')
    await expect(last(context, { idle_timeout: 3 })).rejects.toThrow('--idle-timeout only means something')
  })

  it('are nobody’s where there is no workspace', async () => {
    await expect(logs.run(contextIn('/nowhere'), {})).rejects.toMatchObject({ code: 'workspace_missing' })
  })
})

describe('how they read', () => {
  it('to a program: time, type and every fact, texts in quotes', async () => {
    const told = event('run_held', { run_id: 'run-1', reason: 'the plan\nis gone', plane: null, paths: ['a b'] })
    expect(render({ events: [told], skipped: 2 }, piped).split('\n')).toEqual([
      '2026-03-01T10:00:00.000Z run_held run_id=run-1 reason="the plan\\nis gone" paths=["a b"]',
      'skipped: 2',
    ])
    expect(render({ events: [], skipped: 0 }, piped)).toBe('no events')
  })

  it('to a person: what matters first, on one line that fits, and nothing that steers the terminal', async () => {
    const told = event('stage_completed', {
      ...{ run_id: 'run-1', request_id: 'request-1', failure_class: null, stage: 'builder', work_item_id: 'T-1' },
      ...{ terminal_result: 'BUILDER_COMPLETE', reason: `\u001b[2J${'long '.repeat(40)}` },
    })
    const text = render({ events: [told], skipped: 0 }, terminal)
    expect(text).toMatch(/^\d\d-\d\d \d\d:\d\d:\d\d stage_completed T-1 builder BUILDER_COMPLETE run_id=run-1 /)
  })
})

describe('following', () => {
  /** Somebody who follows, until the end or until told that it is enough. */
  function follower(root: string, input: object) {
    let signal = (): void => {}
    let closed = (): void => {}
    const context = contextIn(root, {
      onSignal: (listener) => {
        signal = () => listener('SIGINT')
        return () => {}
      },
      onClosed: (listener) => {
        closed = listener
      },
    })
    const end = logs.run(context, { follow: true, ...input }) as Promise<LogsEnd>
    const told = context.told as LoggedEvent[]
    return {
      told,
      end,
      interrupt: () => signal(),
      close: () => closed(),
      heard: (count: number) => until(`${count} events`, () => told.length >= count),
    }
  }

  it('tells the last events, then each as it is written, only of the types wanted, until there were enough', async () => {
    const { root, append } = await workspaceWith(line('run_held', { n: 1 }) + line('run_held', { n: 2 }))
    const seen = follower(root, { tail: 1, type: ['run_held'], limit: 2 })
    await seen.heard(1)
    append(line('runtime_started') + line('run_held', { n: 3 }))
    await seen.heard(2)
    append(line('run_held', { n: 4 }) + line('run_held', { n: 5 }))
    const end = await seen.end
    expect(seen.told.map(({ data }) => data.n)).toEqual([2, 3, 4])
    expect(end).toEqual({ end: { reason: 'limit', events: 3, skipped: 0 } })
    for (const record of [...seen.told, end]) await fits(record)
  })

  it('survives a torn line, a malformed one, and the log being put aside and begun anew', async () => {
    const { root, append, at, file } = await workspaceWith(line('run_held', { n: 1 }))
    const seen = follower(root, { tail: 0 })
    const torn = line('run_held', { n: 2 })
    append(torn.slice(0, 30))
    append(`${torn.slice(30)}rubbish\n${line('run_held', { n: 3 })}`)
    await seen.heard(2)
    append(line('run_held', { n: 4 }))
    fs.renameSync(file, at('logs/runtime_events.20260301T100000Z.7.jsonl'))
    append(line('run_held', { n: 5 }))
    await seen.heard(4)
    fs.writeFileSync(file, '')
    append(line('run_held', { n: 6 }))
    await seen.heard(5)
    seen.interrupt()
    expect(await seen.end).toEqual({ end: { reason: 'interrupted', events: 5, skipped: 1 } })
    expect(seen.told.map(({ data }) => data.n)).toEqual([2, 3, 4, 5, 6])
  })

  it('ends when nothing comes, and when nobody reads', async () => {
    const { root } = await workspaceWith(line('run_held'))
    const idle = follower(root, { tail: 0, idle_timeout: 0.1 })
    expect(await idle.end).toMatchObject({ end: { reason: 'idle', events: 0 } })
    const closed = follower(root, {})
    await closed.heard(1)
    closed.close()
    expect(await closed.end).toMatchObject({ end: { reason: 'closed', events: 1 } })
  })
})
