import { describe, expect, it } from 'vitest'
import { clock } from '../../test/agents/clock.ts'
import { MillraceError } from '../core/errors.ts'
import type { Context } from '../operations/context.ts'
import { makeLook } from './look.ts'
import { outputTo } from './output.ts'
import { type Watched, watch } from './watch.ts'

/** What `watch` writes while it reads numbers that count up. */
function rig(
  options: { json?: boolean; terminal?: boolean; rows?: number; read?: () => Promise<object>; line?: string } = {},
) {
  let written = ''
  let count = 0
  const closers: (() => void)[] = []
  let signal = (): void => {}
  const stream = {
    isTTY: false,
    write: (text: string) => {
      written += text
      return true
    },
    on: (_event: string, listener: (error: object) => void) => void closers.push(() => listener({ code: 'EPIPE' })),
  } as unknown as Parameters<typeof outputTo>[0]
  const { json = false, terminal = false, rows = 24, line = 'second' } = options
  const context = {
    clock,
    onSignal: (listener: (name: 'SIGINT') => void) => {
      signal = () => listener('SIGINT')
      return () => {}
    },
  } as unknown as Context
  const watched: Watched[] = [{ context, read: options.read ?? (async () => ({ count: ++count })) }]
  const start = (input: Parameters<typeof watch>[1]) =>
    watch(watched, input, {
      json,
      terminal,
      rows: () => rows,
      look: () => makeLook({ terminal, colour: false, width: 80, now: clock.now() }),
      render: (output) => `count: ${(output as { count: number }).count}\n${line}\nthird`,
      output: outputTo(stream, { ...stream, write: () => true }, { json, colour: false, debug: false }),
    })
  return { start, text: () => written, interrupt: () => signal(), close: () => closers.forEach((one) => void one()) }
}

describe('watching', () => {
  it('ends after the number of updates, with a blank line between them', async () => {
    const { start, text } = rig()
    expect(await start({ max_updates: 2, interval_seconds: 0 })).toBe(0)
    expect(text()).toBe('count: 1\nsecond\nthird\n\ncount: 2\nsecond\nthird\n')
  })

  it('prints one JSON value per line, and last why it ended', async () => {
    const { start, text } = rig({ json: true })
    await start({ max_updates: 2, interval_seconds: 0 })
    expect(
      text()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([{ count: 1 }, { count: 2 }, { end: { reason: 'max_updates', updates: 2 } }])
  })

  it('redraws on a terminal and shows no more lines than it has', async () => {
    const { start, text } = rig({ terminal: true, rows: 3 })
    await start({ max_updates: 2, interval_seconds: 0 })
    expect(text()).toContain('count: 2')
    expect(text()).not.toContain('third')
    expect(text().startsWith('\u001b[H\u001b[2J')).toBe(true)
  })

  it('never writes more than fits on a terminal, so that its first line stays in sight', async () => {
    const { start, text } = rig({ terminal: true, rows: 3, line: 'wide '.repeat(40) })
    await start({ max_updates: 1, interval_seconds: 0 })
    const shown = text().replace(/\u001b\[[0-9;]*[A-Za-z]/g, '')
    expect(shown.split('\n')).toHaveLength(3)
    expect(Math.max(...shown.split('\n').map((line) => line.length))).toBeLessThan(80)
    expect(shown).toContain('count: 1\nwide wide')
  })

  it('ends at once and well on Ctrl-C', async () => {
    const { start, text, interrupt } = rig()
    const ended = start({ interval_seconds: 3600 })
    await new Promise((resolve) => setTimeout(resolve, 20))
    interrupt()
    expect(await ended).toBe(0)
    expect(text()).toContain('interrupted: true')
  })

  it('ends well when nobody reads any more', async () => {
    const { start, close } = rig({ json: true })
    const ended = start({ interval_seconds: 3600 })
    await new Promise((resolve) => setTimeout(resolve, 20))
    close()
    expect(await ended).toBe(0)
  })

  it('tells as the last JSON line that reading failed', async () => {
    const read = async () => {
      throw new MillraceError('workspace_missing', 'There is no workspace.')
    }
    const { start, text } = rig({ json: true, read })
    expect(await start({})).toBe(1)
    expect(JSON.parse(text())).toEqual({
      end: { reason: 'error', updates: 0, error: { code: 'workspace_missing', message: 'There is no workspace.' } },
    })
  })
})
