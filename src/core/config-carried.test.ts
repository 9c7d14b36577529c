import { describe, expect, it } from 'vitest'
import { parseConfig } from './config.ts'
import { canonical } from './config-carried.ts'
import { MillraceError } from './errors.ts'

const refusal = (table: unknown, place?: (key: string) => string): string => {
  try {
    parseConfig(table, 'millrace.toml', place)
  } catch (error) {
    if (MillraceError.is(error)) return error.message
  }
  throw new Error('the config was taken')
}

describe('an alias', () => {
  it.each([
    [{ engine: { mode: 'once' } }, { runtime: { run_style: 'once' } }],
    [{ engine: { idle_mode: 'poll' } }, { watchers: { mode: 'poll' } }],
    [{ engine: { poll_interval_seconds: 60 } }, { runtime: { idle_sleep_seconds: 60 } }],
    [{ execution: { quickfix_max_attempts: 5 } }, { recovery: { max_fix_cycles: 5 } }],
    [{ watchers: { debounce_seconds: 0.5 } }, { watchers: { debounce_ms: 500 } }],
    [{ policies: { usage: { enabled: true } } }, { usage_governance: { enabled: true } }],
    [{ stages: { builder: { effort: 'high' } } }, { stages: { builder: { model_reasoning_effort: 'high' } } }],
    [{ stages: { checker: { thinking_level: 'low' } } }, { stages: { checker: { model_reasoning_effort: 'low' } } }],
    [
      { stages: { fixer: { prompt_file: 'entrypoints/execution/mine.md', model: 'm' } } },
      { stages: { fixer: { entrypoint_path: 'entrypoints/execution/mine.md', model: 'm' } } },
    ],
    [
      { watchers: { roots: ['agents', 'config_file'] } },
      { watchers: { roots: ['tasks_queue', 'specs_queue', 'stop_files', 'config'] } },
    ],
  ])('%j reads as %j', (older, newer) => {
    const before = structuredClone(older)
    expect(parseConfig(older, 'x')).toEqual(parseConfig(newer, 'x'))
    expect(older).toEqual(before)
  })

  it('and the key it stands for are not both taken, and both lines are named', () => {
    const table = { engine: { poll_interval_seconds: 60 }, runtime: { idle_sleep_seconds: 1 } }
    const lines: Record<string, number> = { 'engine.poll_interval_seconds': 3, 'runtime.idle_sleep_seconds': 9 }
    expect(refusal(table, (key) => ` (line ${lines[key]})`)).toContain(
      'engine.poll_interval_seconds (line 3) and runtime.idle_sleep_seconds (line 9) are the same key; keep one of them',
    )
  })

  it('and another alias of the same key are not both taken either', () => {
    expect(refusal({ stages: { builder: { effort: 'low', thinking_level: 'low' } } })).toContain(
      'stages.builder.thinking_level and stages.builder.effort are the same key',
    )
  })

  it('is the key that a wrong value is told of', () => {
    expect(refusal({ engine: { poll_interval_seconds: 'often' } })).toContain('engine.poll_interval_seconds: ')
    expect(refusal({ watchers: { debounce_seconds: 'long' } })).toContain('watchers.debounce_seconds: ')
  })

  it('leaves what stands in its way to the schema', () => {
    expect(refusal({ engine: { poll_interval_seconds: 1 }, runtime: 7 })).toContain('runtime: ')
  })
})

describe('a key that is not carried', () => {
  it('is refused with the reason, and told with the line it stands on, once for all keys of one reason', () => {
    const message = refusal({ sizing: { mode: 'hybrid', repo: { files: 4 } } }, (key) =>
      key === 'sizing.mode' ? ' (line 2)' : '',
    )
    expect(message).toContain('not carried: sizing.mode (line 2); sizing.repo.files (no route depends on')
    expect(message.match(/no route depends/g)).toHaveLength(1)
  })

  it('is told beside what else is wrong', () => {
    const message = refusal({ paths: { workspace: '.' }, recovery: { max_fix_cycle: 1 } })
    expect(message).toContain('not carried: paths.workspace')
    expect(message).toContain('unknown key recovery.max_fix_cycle, did you mean recovery.max_fix_cycles?')
  })

  it('does not make its neighbours any other', () => {
    expect(refusal({ engine: { inter_task_delay_seconds: 1, nonsense: 1 } })).toMatch(
      /not carried: engine\.inter_task_delay_seconds .*unknown key engine/,
    )
  })
})

it('a table without aliases comes through as it is', () => {
  const table = { runtime: { run_style: 'once' }, stages: {}, nonsense: [1, { a: new Date(0) }] }
  expect(canonical(table)).toEqual({ table, aliases: new Map(), problems: [] })
  expect(canonical([]).table).toEqual([])
})
