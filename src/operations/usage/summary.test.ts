import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ledgerLine, tokens } from '../../../test/rig/ledger.ts'
import type { LedgerLine } from '../../core/ledger.ts'
import { windowOf } from '../../core/usage-config.ts'
import { startOf } from '../../core/usage-rules.ts'
import { disk } from '../../store/files.ts'
import { AT, placesOf } from '../../store/layout.ts'
import { type Grouping, usageSummary } from './summary.ts'

let root: string
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-usage-'))
  fs.mkdirSync(path.join(root, 'millrace-agents/state'), { recursive: true })
})
afterEach(() => fs.rmSync(root, { recursive: true, force: true }))

let count = 0
const NOON = '2026-03-04T12:00:00Z'
const line = (total: number, more: Partial<LedgerLine> = {}, cost?: number): LedgerLine =>
  ledgerLine(`request-${++count}`, {
    counted_at: NOON,
    stage_completed_at: NOON,
    token_usage: tokens(total, cost),
    ...more,
  })

const write = (lines: readonly unknown[]) =>
  fs.writeFileSync(placesOf(root).at(AT.usageLedger), lines.map((one) => `${JSON.stringify(one)}\n`).join(''))
const summary = (by: Grouping, more: { sinceMs?: number; untilMs?: number; timeZone?: string } = {}) =>
  usageSummary(
    { files: disk, workspaceRoot: root },
    { by: [by], sinceMs: 0, untilMs: Number.POSITIVE_INFINITY, timeZone: 'UTC', ...more },
  )
const totals = (by: Grouping, more = {}) =>
  Object.fromEntries(summary(by, more).groups.map(({ keys, usage }) => [keys[by], usage.total_tokens]))

test('usage is summed by stage, run, item, root spec, day, runner and model', () => {
  write([
    line(1),
    line(2, { run_id: 'run-2', stage_id: 'checker', model_name: 'gpt-x' }),
    line(4, { work_item_kind: 'spec', work_item_id: 'root', root_spec_id: 'root', runner_name: 'claude_code' }),
    line(8, {
      request_kind: 'closure_target',
      work_item_kind: 'spec',
      work_item_id: 'root',
      root_spec_id: 'root',
      stage_completed_at: '2026-03-04T23:30:00Z',
    }),
  ])
  expect(totals('stage')).toEqual({ builder: 13, checker: 2 })
  expect(totals('run')).toEqual({ 'run-1': 13, 'run-2': 2 })
  expect(totals('item')).toEqual({ 'task a': 3, 'spec root': 4, 'closure root': 8 })
  expect(totals('root_spec')).toEqual({ none: 3, root: 12 })
  expect(totals('day')).toEqual({ '2026-03-04': 15 })
  expect(totals('day', { timeZone: 'Europe/Berlin' })).toEqual({ '2026-03-04': 7, '2026-03-05': 8 })
  expect(totals('runner')).toEqual({ codex_cli: 11, claude_code: 4 })
  expect(totals('model')).toEqual({ none: 13, 'gpt-x': 2 })
  expect(summary('day').total).toMatchObject({ stages: 4, usage: { total_tokens: 15 } })
})

test('it is asked of any window, of which the end does not count', () => {
  const nowMs = Date.parse('2026-03-04T12:00:00Z')
  const since = (window: string) => startOf(windowOf(window)!, { timeZone: 'UTC', sessionStartMs: nowMs }, nowMs)
  write([
    line(1, { stage_completed_at: '2026-03-01T12:00:00Z' }),
    line(2, { stage_completed_at: '2026-03-02T00:00:00Z' }),
    line(4, { stage_completed_at: '2026-03-04T08:00:00Z' }),
    line(8, { stage_completed_at: '2026-03-04T12:00:00Z' }),
  ])
  const sum = (window: string) => summary('run', { sinceMs: since(window), untilMs: nowMs }).total.usage.total_tokens
  expect([sum('rolling_5h'), sum('calendar_week'), sum('calendar_month')]).toEqual([4, 6, 7])
})

test('costs are summed as far as they are told, and it is said of how many stages they are not', () => {
  write([line(1, {}, 0.5), line(1, {}, 0.25), line(1), 'no record'])
  expect(summary('stage')).toMatchObject({
    total: { stages: 3, usage: { cost_usd: 0.75 }, stages_without_cost: 1 },
    skipped_lines: 1,
  })
})

test('more groups than it keeps are not lost: the oldest are added up', () => {
  const lines = Array.from({ length: 10_050 }, (_, index) => line(1, { run_id: `run-${index}` }))
  write([...lines, line(1, { run_id: 'run-10' }), line(5, { run_id: 'run-10049' })])
  const { groups, others, total } = summary('run')
  expect(groups.length).toBeLessThanOrEqual(10_001)
  expect(groups.length).toBeGreaterThan(5000)
  expect(groups.find(({ keys }) => keys.run === 'run-10049')).toMatchObject({ stages: 2, usage: { total_tokens: 6 } })
  expect(others!.stages + groups.reduce((sum, { stages }) => sum + stages, 0)).toBe(10_052)
  expect(total.stages).toBe(10_052)
})

test('it is grouped by several things at once, and the root of a line without one is asked for', () => {
  write([line(1), line(2, { stage_id: 'checker' }), line(4, { root_spec_id: 'R' })])
  const { groups } = usageSummary(
    { files: disk, workspaceRoot: root },
    {
      ...{ by: ['stage', 'root_spec'], sinceMs: 0, untilMs: Number.POSITIVE_INFINITY, timeZone: 'UTC' },
      rootOf: ({ work_item_id }) => (work_item_id === 'a' ? 'found' : null),
    },
  )
  expect(groups.map(({ keys, usage }) => [keys.stage, keys.root_spec, usage.total_tokens])).toEqual([
    ['builder', 'found', 1],
    ['checker', 'found', 2],
    ['builder', 'R', 4],
  ])
})
