import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ledgerLineIn } from '../../core/ledger.ts'
import { ClosureTarget, Counters, Snapshot } from '../../core/state.ts'
import { translateTarget } from './closure-target.ts'
import { translateCounters } from './counters.ts'
import { PythonCounters, PythonSnapshot, PythonTarget } from './python-state.ts'
import { activePassages, markersOf, type Standing, translateSnapshot } from './snapshot.ts'
import { translateLedger } from './usage.ts'

const NOW = '2026-03-03T06:08:00.330000Z'

const scalars = {
  runtime_mode: 'daemon',
  process_running: true,
  paused: false,
  active_mode_id: 'default_codex',
  execution_loop_id: 'execution.standard',
  planning_loop_id: 'planning.standard',
  compiled_plan_id: 'plan-default_codex-0123456789ab',
  compiled_plan_path: 'millrace-agents/state/compiled_plan.json',
  execution_status_marker: '### IDLE',
  planning_status_marker: '### IDLE',
  config_version: 'cfg-0123456789ab',
  watcher_mode: 'poll',
  updated_at: NOW,
}

const old = (members: object): PythonSnapshot => PythonSnapshot.parse({ ...scalars, ...members })

function translated(snapshot: PythonSnapshot, standing = new Map<string, Standing>(), openRoot: string | null = null) {
  const passages = activePassages(snapshot, openRoot)
  return translateSnapshot(snapshot, { from: 'python 0.14', passages, standing, errorContext: null, lastResult: null })
}

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/)
const passage = fc.record({ run: word, stage: word, item: word, plane: fc.constantFrom('execution', 'planning') })
const standings = fc.option(
  fc.record({ request_id: word, hasResult: fc.boolean() }).map((atWork) => ({ atWork, routed: 1 })),
  { nil: { atWork: null, routed: 0 } },
)

describe('a snapshot of the Python runtime', () => {
  test('becomes one of ours, whatever runs in it', () => {
    fc.assert(
      fc.property(passage, standings, fc.boolean(), fc.boolean(), (run, standing, isClosure, paused) => {
        const item = isClosure ? {} : { active_work_item_kind: 'task', active_work_item_id: run.item }
        const at = { active_plane: run.plane, active_stage: run.stage, active_run_id: run.run, active_since: NOW }
        const snapshot = translated(old({ ...at, ...item, paused }), new Map([[run.run, standing]]), 'root')
        expect(Snapshot.parse(snapshot)).toEqual(snapshot)
        const [one] = snapshot.active_runs
        expect(one!.work_item_id ?? one!.closure_target_root_spec_id).toBe(isClosure ? 'root' : run.item)
        expect(one!.status === 'started').toBe(standing.atWork !== null)
        expect(one!.begun_by === undefined).toBe(standing.atWork === null)
        expect(snapshot.pause_sources.map(({ source }) => source)).toEqual(paused ? ['operator'] : [])
      }),
    )
  })

  test('is not paused by a rule on usage any more: rules are looked at again', () => {
    expect(translated(old({ paused: true, pause_sources: ['usage_governance'] })).pause_sources).toEqual([])
  })

  test('takes passages from the map of planes where there is one, and gives those of learning back', () => {
    const run = { run_id: 'run-1', stage: 'x', active_since: NOW }
    const learning = { ...run, plane: 'learning', request_kind: 'learning_request', work_item_kind: 'learning_request' }
    const execution = { ...run, run_id: 'run-2', plane: 'execution', request_kind: 'active_work_item' }
    const item = { work_item_kind: 'task', work_item_id: 'T-1' }
    const snapshot = old({
      active_runs_by_plane: { learning: { ...learning, work_item_id: 'L-1' }, execution: { ...execution, ...item } },
      learning_status_marker: '### X_RUNNING',
    })
    expect(translated(snapshot).active_runs.map(({ run_id }) => run_id)).toEqual(['run-2'])
    expect(markersOf(snapshot, activePassages(snapshot, null)).learning).toBe('### IDLE')
  })
})

test('recovery counters become one budget each, and every use is counted once', () => {
  const count = fc.integer({ min: 0, max: 5 })
  const entry = fc.record({
    failure_class: fc.constantFrom('fix_cycle', 'runner_timeout', 'Runner Timeout'),
    work_item_id: fc.constantFrom('A', 'B'),
    work_item_kind: fc.constantFrom('task', 'spec'),
    troubleshoot_attempt_count: count,
    mechanic_attempt_count: count,
    fix_cycle_count: count,
    consultant_invocations: count,
    last_updated_at: fc.constant(NOW),
  })
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const counters = translateCounters(PythonCounters.parse({ entries }))
      expect(Counters.parse(counters)).toEqual(counters)
      const used = entries.flatMap((one) => [
        one.troubleshoot_attempt_count + one.mechanic_attempt_count + one.fix_cycle_count + one.consultant_invocations,
      ])
      const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)
      expect(sum(counters.entries.map((one) => one.count))).toBe(sum(used))
      const identities = counters.entries.map((one) =>
        [one.work_item_kind, one.work_item_id, one.counter_name, one.key].join('/'),
      )
      expect(new Set(identities).size).toBe(identities.length)
    }),
  )
})

test('a closure target keeps everything it says, with the rounds it has been through', () => {
  const paths = { root_spec_path: 'a', root_idea_path: 'b', rubric_path: 'c' }
  const target = PythonTarget.parse({ root_spec_id: 'S-1', root_idea_id: 'I-1', ...paths, opened_at: NOW })
  const ours = translateTarget(target, 2)
  expect(ClosureTarget.parse(ours)).toEqual(ours)
  expect(ours).toMatchObject({ root_spec_id: 'S-1', closure_open: true, rounds: 2, held: null, ...paths })
})

describe('the usage ledger of the Python runtime', () => {
  const tokens = { input_tokens: 5, cached_input_tokens: 1, output_tokens: 2, thinking_tokens: 0, total_tokens: 7 }
  const path = 'millrace-agents/runs/run-1/stage_results/request-1.json'
  const line = {
    ...{ dedupe_key: path, counted_at: NOW, stage_completed_at: NOW, plane: 'execution', run_id: 'run-1' },
    ...{ stage_id: 'x', work_item_kind: 'task', work_item_id: 'T-1', token_usage: tokens },
    ...{ stage_result_path: path, daemon_session_id: null },
  }

  test('is read as ours, also where the stage result of a line is gone', () => {
    const [ours] = translateLedger(`${JSON.stringify(line)}\n`, [], () => 'S-1')
    expect(ledgerLineIn(JSON.stringify(ours))).toEqual(ours)
    expect(ours).toMatchObject({
      request_id: 'request-1',
      root_spec_id: 'S-1',
      runner_name: 'unknown',
      token_usage: tokens,
    })
  })

  test('counts a line that is there twice once, and passes over one that is torn', () => {
    const text = JSON.stringify(line)
    expect(translateLedger(`${text}\n${text}\n${text.slice(0, 50)}`, [], () => null)).toHaveLength(1)
  })
})
