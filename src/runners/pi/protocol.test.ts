import { describe, expect, it } from 'vitest'
import type { Step } from '../two-way/protocol.ts'
import { LAST_TEXT, piProtocol, STATS } from './protocol.ts'

/** A session up to some record; gives the steps of all that follow it. */
function session(...records: unknown[]) {
  const machine = piProtocol()
  machine.begin('build it')
  const hear = (record: unknown, truncated = false): Step =>
    machine.line(typeof record === 'string' ? record : JSON.stringify(record), truncated)
  for (const record of records) hear(record)
  return { machine, hear }
}

const accepted = { id: 'prompt-1', type: 'response', command: 'prompt', success: true }
const started = { type: 'agent_start' }
const said = (stopReason: string) => ({ type: 'message_end', message: { role: 'assistant', content: [], stopReason } })
const ended = { type: 'agent_end', messages: [{ role: 'assistant' }] }
const failed = [accepted, started, said('error'), ended]
const answer = (id: string) => ({ id, type: 'response', success: true, data: {} })

describe('a session of Pi', () => {
  it('begins with the prompt as one message', () => {
    const { send } = piProtocol().begin('two\nlines \u2028 "quoted"')
    expect(send?.map((message) => JSON.parse(message))).toEqual([
      { id: 'prompt-1', type: 'prompt', message: 'two\nlines \u2028 "quoted"' },
    ])
    expect(send?.[0]).not.toContain('\n')
  })

  it('asks for text and figures after a good end, and is over with the second answer', () => {
    const { hear } = session(accepted, started, said('toolUse'), said('stop'))
    const step = hear(ended)
    expect(step.send?.map((message) => JSON.parse(message).type)).toEqual([
      'get_last_assistant_text',
      'get_session_stats',
    ])
    expect(step.overAfter, 'the work is done, whether or not it answers').toMatchObject({ status: 0 })
    expect(hear(answer(STATS))).toMatchObject({ overAfter: { status: 0 } })
    expect(hear(answer(LAST_TEXT))).toMatchObject({ over: 0 })
  })

  it('goes on if the agent starts once more after its end', () => {
    const { hear } = session(accepted, started, said('stop'), ended, started)
    expect(hear(answer(STATS)).overAfter).toBeUndefined()
    expect(hear(answer(LAST_TEXT)).over).toBeUndefined()
  })

  it('is over at once if the prompt is refused', () => {
    expect(session().hear({ ...accepted, success: false, error: 'No API key found' })).toMatchObject({ over: 1 })
  })

  it('waits a moment after a failure, and as long as it takes once Pi tries again', () => {
    const { hear } = session(accepted, started, said('error'))
    expect(hear(ended)).toMatchObject({ overAfter: { ms: 3000, status: 1 } })
    expect(hear(answer(STATS)), 'an answer is no news').toMatchObject({ overAfter: { ms: 3000, status: 1 } })
    expect(hear({ type: 'auto_retry_start', delayMs: 60_000 }).overAfter).toBeUndefined()
    expect(hear({ type: 'queue_update' }).overAfter).toBeUndefined()
    hear(started)
    hear({ type: 'auto_retry_end', success: true })
    hear(said('stop'))
    expect(hear(ended)).toMatchObject({ overAfter: { status: 0 } })
  })

  it.each([
    ['Pi gives up', { type: 'auto_retry_end', success: false }],
    ['Pi has settled', { type: 'agent_settled' }],
    ['the context cannot be made smaller', { type: 'compaction_end', willRetry: false }],
  ])('is over after a failure when %s', (_title, record) => {
    expect(session(...failed).hear(record)).toMatchObject({ over: 1 })
  })

  it('lets Pi make the context smaller and try again', () => {
    const { hear } = session(...failed)
    expect(hear({ type: 'compaction_start', reason: 'overflow' }).overAfter).toBeUndefined()
    expect(hear({ type: 'compaction_end', reason: 'overflow', willRetry: true })).not.toHaveProperty('over')
    hear(started)
    expect(
      hear({ type: 'compaction_end', reason: 'threshold', willRetry: false }).over,
      'in the middle',
    ).toBeUndefined()
  })

  it('is not disturbed by a compaction after a good end', () => {
    const { hear } = session(accepted, started, said('stop'), ended)
    expect(hear({ type: 'compaction_end', reason: 'threshold', willRetry: false })).toMatchObject({
      overAfter: { status: 0 },
    })
  })

  it('answers whatever asks with a cancel', () => {
    const { send } = session(accepted, started).hear({ type: 'extension_ui_request', id: 'ui-7', method: 'confirm' })
    expect(send?.map((message) => JSON.parse(message))).toEqual([
      { id: 'ui-7', type: 'extension_ui_response', cancelled: true },
    ])
  })

  it('is over when an abort is answered, and asks nothing more', () => {
    const { machine, hear } = session(accepted, started)
    expect(machine.abort().send?.map((message) => JSON.parse(message))).toEqual([{ id: 'abort-1', type: 'abort' }])
    hear(said('aborted'))
    expect(hear(ended)).not.toHaveProperty('send')
    expect(hear(answer('abort-1'))).toMatchObject({ over: 1 })
  })
})

describe('the event log of Pi', () => {
  it('has no updates, only a sign of life, however long they are', () => {
    const update = { type: 'message_update', message: {}, assistantMessageEvent: { type: 'text_delta', delta: 'x' } }
    const tool = { type: 'tool_execution_update', partialResult: {} }
    for (const record of [update, tool]) {
      const { hear } = session(accepted, started)
      expect(hear(record)).toEqual({ log: null, alive: '{"type":"progress"}' })
      expect(hear(JSON.stringify(record).slice(0, 40), true)).toEqual(hear(record))
    }
  })

  it('has each message once', () => {
    const message = { role: 'assistant', content: [{ type: 'text', text: 'long' }] }
    const { hear } = session(accepted)
    expect(hear({ type: 'message_start', message }).log).toBe('{"type":"message_start","message":{"role":"assistant"}}')
    expect(hear({ type: 'message_end', message }).log, 'as it came').toBeUndefined()
    expect(hear({ type: 'turn_end', message, toolResults: [1] }).log).toBe('{"type":"turn_end"}')
    expect(hear({ type: 'agent_end', messages: [message], willRetry: false }).log).toBe(
      '{"type":"agent_end","willRetry":false}',
    )
  })

  it('has what is no record as it came', () => {
    const { hear } = session(accepted)
    for (const line of ['a banner', 'null', '[]', '{"type":7}', '{', '{"no":"type"}']) expect(hear(line)).toEqual({})
  })

  it('knows the end of the agent by a line that is too long to be read', () => {
    const { hear } = session(accepted, started, said('stop'))
    const step = hear('{"type":"agent_end","messages":[{"role":"us', true)
    expect(step).toMatchObject({ log: '{"type":"agent_end","truncated":true}', overAfter: { status: 0 } })
  })
})
