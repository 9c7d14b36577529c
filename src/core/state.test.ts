import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeFormat } from '../../test/rig/format.ts'
import { deepFreeze, NOW } from '../../test/rig/view.ts'
import {
  ClosureTarget,
  type CounterEntry,
  Counters,
  counterOwner,
  countOf,
  countUp,
  forgetCounters,
  IDLE_MARKER,
  newCounters,
  newSnapshot,
  Snapshot,
} from './state.ts'

const OWNER = { kind: 'task', id: 'a' }

describe('a new state', () => {
  it('follows its own schemas', () => {
    expect(Snapshot.parse(newSnapshot(NOW))).toEqual(newSnapshot(NOW))
    expect(Counters.parse(newCounters())).toEqual(newCounters())
    expect(newSnapshot(NOW)).toMatchObject({ revision: 0, process_running: false, active_runs: [], updated_at: NOW })
  })

  it('names a mode, but no plan and no config yet', () => {
    expect(newSnapshot(NOW)).toMatchObject({
      active_mode_id: 'default_codex',
      compiled_plan_id: 'bootstrap',
      config_version: 'bootstrap',
    })
    expect(IDLE_MARKER).toBe('### IDLE')
  })
})

describe('the owner of budgets', () => {
  it('is the item, or for a closure run the target', () => {
    const none = { work_item_kind: null, work_item_id: null, closure_target_root_spec_id: null }
    expect(counterOwner({ ...none, work_item_kind: 'spec', work_item_id: 's' })).toEqual({ kind: 'spec', id: 's' })
    expect(counterOwner({ ...none, closure_target_root_spec_id: 's' })).toEqual({ kind: 'closure_target', id: 's' })
  })
})

describe('budgets', () => {
  const anyUse = fc.record({
    kind: fc.constantFrom('task', 'spec'),
    id: fc.constantFrom('a', 'b'),
    name: fc.constantFrom('x', 'y'),
    key: fc.constantFrom('', 'k'),
  })

  it('count every use of exactly one item, counter and key', () => {
    fc.assert(
      fc.property(fc.array(anyUse, { maxLength: 30 }), (uses) => {
        let counters: Counters = deepFreeze(newCounters())
        for (const { kind, id, name, key } of uses)
          counters = deepFreeze(countUp(counters, { kind, id }, name, key, NOW))
        for (const { kind, id, name, key } of uses) {
          const expected = uses.filter(
            (use) => use.kind === kind && use.id === id && use.name === name && use.key === key,
          )
          expect(countOf(counters, { kind, id }, name, key)).toBe(expected.length)
        }
        const identity = ({ work_item_kind, work_item_id, counter_name, key }: CounterEntry) =>
          [work_item_kind, work_item_id, counter_name, key].join('|')
        expect(new Set(counters.entries.map(identity)).size).toBe(counters.entries.length)
      }),
    )
  })

  it('are none for what was never used', () => {
    expect(countOf(newCounters(), OWNER, 'x', '')).toBe(0)
  })

  it('are forgotten for one item alone, and the same object if there were none', () => {
    const owners = [OWNER, { kind: 'spec', id: 'a' }, { kind: 'task', id: 'b' }]
    const used = owners.reduce((counters, owner) => countUp(counters, owner, 'x', 'k', NOW), newCounters())
    const left = forgetCounters(deepFreeze(used), OWNER)
    expect(left.entries.map((entry) => [entry.work_item_kind, entry.work_item_id])).toEqual([
      ['spec', 'a'],
      ['task', 'b'],
    ])
    expect(forgetCounters(left, OWNER)).toBe(left)
  })

  it('say when they were last used', () => {
    const later = '2026-03-03T00:00:00.000Z'
    const used = countUp(countUp(newCounters(), OWNER, 'x', '', NOW), OWNER, 'x', '', later)
    expect(used.entries).toEqual([
      { work_item_kind: 'task', work_item_id: 'a', counter_name: 'x', key: '', count: 2, last_updated_at: later },
    ])
  })
})

const run = {
  run_id: 'run-1',
  plane: 'execution',
  node_id: 'builder',
  stage_kind_id: 'builder',
  request_kind: 'active_work_item',
  work_item_kind: 'task',
  work_item_id: 'task-1',
  closure_target_root_spec_id: 'spec-1',
  compiled_plan_id: 'plan-1',
  status: 'started',
  request_id: 'req-1',
  active_since: NOW,
  stage_since: NOW,
  stage_runs: 2,
  failure_class: 'runner_timeout',
  runtime_error: { code: 'E1', report_path: 'report.md' },
  edge_uses: { again: 1 },
  previous_attempt: { request_id: 'req-0', reason: 'The power failed.', rescue_ref: 'refs/x' },
  interruptions: 1,
  environment_failures: 1,
  not_before: NOW,
  last_transition: 'transition-1',
  held: { reason: 'A reason.', since: NOW },
  approval: { approval_id: 'approval-1', since: NOW, expires_at: NOW, request_id: 'req-1' },
  cancel_requested: { reason: 'A reason.', requeue: true },
}
const { approval: _, ...unasked } = run
const idleRun = {
  ...unasked,
  work_item_kind: null,
  work_item_id: null,
  closure_target_root_spec_id: null,
  request_id: null,
  failure_class: null,
  runtime_error: null,
  previous_attempt: { request_id: 'req-0', reason: 'The power failed.' },
  not_before: null,
  last_transition: null,
  held: null,
  cancel_requested: null,
}
const pause = { source: 'operator', reason: 'A reason.', since: NOW, until: null }
const wait = {
  runner_name: 'codex_cli',
  model_name: 'large',
  cause: 'quota',
  reason: 'A reason.',
  since: NOW,
  until: NOW,
}
const least = { ...newSnapshot(NOW), pause_sources: [pause], active_runs: [idleRun] }

describeFormat('a snapshot', {
  schema: Snapshot,
  full: {
    ...least,
    pause_sources: [{ ...pause, until: NOW }, pause],
    runner_waits: [wait, { ...wait, model_name: null }],
    stop_requested: { drain: true, since: NOW },
    loop_ids_by_plane: { execution: 'execution.standard' },
    active_runs: [run, idleRun],
    status_markers_by_plane: { execution: '### IDLE' },
    last_results_by_plane: {
      execution: {
        terminal_result: 'BLOCKED',
        result_class: 'blocked',
        run_id: 'run-1',
        stage_result_path: 'result.json',
        failure_class: 'runner_timeout',
      },
    },
    failure_class_by_plane: { execution: 'runner_timeout' },
    last_claimed_plane: 'execution',
    last_reload_outcome: 'applied',
    last_reload_error: 'An error.',
    announced: { fact: 'told' },
    seen_ideas: { 'ideas/a': 'hash' },
  },
  least,
  filled: least,
  words: {
    schema_version: ['2.0'],
    kind: ['runtime_snapshot'],
    runtime_mode: ['once', 'daemon'],
    last_reload_outcome: ['applied', 'failed_retained_previous_plan', null],
    watcher_mode: ['watch', 'poll', 'off'],
    'active_runs.0.request_kind': ['active_work_item', 'closure_target'],
    'active_runs.0.status': ['ready', 'started', 'held', 'awaiting_approval'],
    'active_runs.0.work_item_kind': ['task', 'spec', 'incident', 'probe', 'learning_request', null],
  },
  lowest: { revision: 0 },
  open: [
    'loop_ids_by_plane',
    'active_runs.0.edge_uses',
    'active_runs.1.edge_uses',
    'status_markers_by_plane',
    'last_results_by_plane',
    'failure_class_by_plane',
    'announced',
    'seen_ideas',
  ],
})

const used = { work_item_kind: 'task', work_item_id: 'a', counter_name: 'x', key: '', count: 1, last_updated_at: NOW }
const counters = { schema_version: '2.0', kind: 'recovery_counters', entries: [used] }

describeFormat('the recovery counters', {
  schema: Counters,
  full: counters,
  least: counters,
  filled: counters,
  words: { schema_version: ['2.0'], kind: ['recovery_counters'] },
  lowest: { 'entries.0.count': 0 },
})

const target = {
  schema_version: '2.0',
  kind: 'closure_target_state',
  root_spec_id: 'spec-1',
  root_idea_id: 'idea-1',
  root_spec_path: 'arbiter/spec-1.md',
  root_idea_path: 'arbiter/idea-1.md',
  rubric_path: 'arbiter/rubric.md',
  latest_verdict_path: 'arbiter/verdict.json',
  latest_report_path: 'arbiter/report.md',
  closure_open: true,
  blocking_work_ids: ['task-1', 'task-2'],
  opened_at: NOW,
  closed_at: NOW,
  last_arbiter_run_id: 'run-1',
  rounds: 2,
  finished_items_at_last_round: 4,
  held: { reason: 'A reason.', since: NOW, attempts: 1, retry_at: NOW, finished_items: 4 },
}
const quiet = {
  ...target,
  latest_verdict_path: null,
  latest_report_path: null,
  closed_at: null,
  last_arbiter_run_id: null,
  finished_items_at_last_round: null,
  held: { ...target.held, retry_at: null },
}

describeFormat('a closure target', {
  schema: ClosureTarget,
  full: target,
  least: quiet,
  filled: quiet,
  words: { schema_version: ['2.0'], kind: ['closure_target_state'] },
})

describe('a run', () => {
  it('of no kind of work item is refused in so many words', () => {
    const { error } = Snapshot.safeParse({ ...least, active_runs: [{ ...run, work_item_kind: 'wish' }] })
    expect(error!.issues.map(({ path, message }) => [path.join('.'), message])).toEqual([
      ['active_runs.0.work_item_kind', 'no kind of work item'],
    ])
  })
})

describe('a closure target', () => {
  it('is held by nobody to begin with', () => {
    expect(ClosureTarget.parse({ ...quiet, held: null }).held).toBeNull()
  })
})
