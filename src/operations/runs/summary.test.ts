import { describe, expect, it } from 'vitest'
import { newRun } from '../../core/completion.ts'
import type { Plan } from '../../core/plan.ts'
import type { StageRequest } from '../../core/request.ts'
import { StageResult } from '../../core/result.ts'
import type { ActiveRun } from '../../core/state.ts'
import type { Transition } from '../../core/transition.ts'
import type { RunFolder } from '../../store/runs.ts'
import { type RunParts, runRow, runState } from './summary.ts'
import { relativePath, traceOf } from './trace.ts'

const PLAN = {
  graphs_by_plane: {
    execution: {
      terminal_states: [
        { terminal_state_id: 'done', terminal_class: 'success' },
        { terminal_state_id: 'stuck', terminal_class: 'blocked' },
        { terminal_state_id: 'escalated', terminal_class: 'escalate_planning' },
      ],
      transitions: [{ edge_id: 'e1', outcome: 'OK', kind: 'normal' }],
    },
  },
} as unknown as Plan

const request = (id: string) =>
  ({
    request_id: id,
    run_id: 'run-1',
    plane: 'execution',
    node_id: 'make',
    stage_kind_id: 'maker',
    mode_id: 'm',
    compiled_plan_id: 'p',
    request_kind: 'active_work_item',
    active_work_item_kind: 'task',
    active_work_item_id: 'T-1',
    closure_target_root_spec_id: null,
    runner_name: 'scripted',
    model_name: null,
    model_reasoning_effort: null,
  }) as unknown as StageRequest

const result = (id: string, minute: number, changes: Partial<StageResult> = {}): StageResult =>
  StageResult.parse({
    schema_version: '1.0',
    kind: 'stage_result',
    run_id: 'run-1',
    plane: 'execution',
    stage: 'maker',
    node_id: 'make',
    stage_kind_id: 'maker',
    work_item_kind: 'task',
    work_item_id: 'T-1',
    terminal_result: 'OK',
    result_class: 'success',
    summary_status_marker: '### OK',
    success: true,
    started_at: `2026-03-01T12:0${minute}:00.000Z`,
    completed_at: `2026-03-01T12:0${minute}:30.000Z`,
    metadata: { request_id: id },
    ...changes,
  })

const transition = (id: string, changes: Partial<Transition>): Transition => ({
  event_id: `transition-${id}`,
  request_id: id,
  event_name: 'stage_transition',
  plane: 'execution',
  node_id: 'make',
  outcome: 'OK',
  result_class: 'success',
  failure_class: null,
  selected_edge_id: 'e1',
  selected_node_id: 'make',
  selected_terminal_state_id: null,
  selected_edge_reason: 'maker:OK',
  queue_mutations_applied: [],
  frozen_plan: { plan_id: 'p' },
  timestamp: '2026-03-01T12:01:00.000Z',
  ...changes,
})

const ended = (id: string, terminal: string, changes: Partial<Transition> = {}) =>
  transition(id, { event_name: 'run_ended', selected_node_id: null, selected_terminal_state_id: terminal, ...changes })

function parts(folder: Partial<RunFolder>, changes: Partial<RunParts> = {}): RunParts {
  const whole = {
    run_id: 'run-1',
    path: '/w/runs/run-1',
    requests: [],
    results: [],
    transitions: [],
    invocations: [],
    malformed: [],
    ...folder,
  }
  return { folder: whole, active: null, planOf: () => PLAN, ...changes }
}

const active: ActiveRun = {
  ...newRun('2026-03-01T12:02:00.000Z', {
    runId: 'run-1',
    plane: 'execution',
    nodeId: 'make',
    stageKindId: 'maker',
    planId: 'p',
    item: { kind: 'task', id: 'T-1' },
  }),
  status: 'started',
  request_id: 'r2',
}

describe('runState', () => {
  it('follows the class of the terminal state in the plan the run kept', () => {
    const state = (terminal: string) => runState(parts({ transitions: [ended('r1', terminal)] }))
    expect([state('done'), state('stuck'), state('escalated')]).toEqual(['complete', 'blocked', 'handoff'])
  })

  it('follows the class of the last result where that plan is gone', () => {
    const gone = { planOf: () => null }
    expect(runState(parts({ transitions: [ended('r1', 'done')] }, gone))).toBe('complete')
    expect(runState(parts({ transitions: [ended('r1', 'stuck', { result_class: 'blocked' })] }, gone))).toBe('blocked')
  })

  it('tells active and held runs from those that ended without a decision', () => {
    expect(runState(parts({}, { active }))).toBe('active')
    expect(runState(parts({}, { active: { ...active, held: { reason: 'x', since: 'y' } } }))).toBe('held')
    expect(runState(parts({ results: [result('r1', 0)], transitions: [transition('r1', {})] }))).toBe('incomplete')
    expect(runState(parts({ malformed: ['transition_history.jsonl'] }))).toBe('malformed')
  })
})

describe('runRow', () => {
  it('sums tokens and spans from the first start to the last end', () => {
    const usage = { input_tokens: 10, cached_input_tokens: 4, output_tokens: 5, thinking_tokens: 1, total_tokens: 15 }
    const results = [result('r1', 0, { token_usage: usage }), result('r2', 3), result('r3', 5, { token_usage: usage })]
    const row = runRow(parts({ requests: [request('r1')], results }))
    expect(row).toMatchObject({
      status: 'valid',
      work_item_id: 'T-1',
      mode_id: 'm',
      stage_count: 3,
      duration_seconds: 330,
      token_usage: { input_tokens: 20, total_tokens: 30 },
    })
  })

  it('says nothing of tokens where no harness reported any, nor of times where no stage ended', () => {
    expect(runRow(parts({ requests: [request('r2')] }, { active }))).toMatchObject({
      status: 'incomplete',
      token_usage: null,
      started_at: null,
      duration_seconds: null,
      last_stage: 'make',
      last_outcome: null,
    })
  })
})

describe('traceOf', () => {
  const lookAt = () => ({ size_bytes: 1, sha256: 'x' })
  const at = '2026-03-01T12:10:00.000Z'

  it('joins each decision to the stage run it led to, the one at work included', () => {
    const folder = {
      requests: [request('r1'), request('r2')],
      results: [result('r1', 0)],
      transitions: [transition('r1', {})],
    }
    const trace = traceOf(parts(folder, { active }), at, lookAt)
    expect(trace.nodes.map((node) => [node.trace_node_id, node.terminal_result])).toEqual([
      ['r1', 'OK'],
      ['r2', null],
    ])
    expect(trace.edges[0]).toMatchObject({
      source_trace_node_id: 'r1',
      target_trace_node_id: 'r2',
      edge_kind: 'normal',
    })
    expect(trace).toMatchObject({ status: 'active', notes: [] })
  })

  it('names the work that a decision put into the queues', () => {
    const changes = ['task T-2 queued', 'spec S-1 done', 'incident I-1 queued']
    const trace = traceOf(
      parts({ results: [result('r1', 0)], transitions: [ended('r1', 'done', { queue_mutations_applied: changes })] }),
      at,
      lookAt,
    )
    expect(trace.edges[0]?.spawned_work.map((work) => work.item_id)).toEqual(['T-2', 'I-1'])
  })

  it('notes stages that were tried again, records that cannot be read, and an end without a decision', () => {
    const again = result('r0', 0, { metadata: { request_id: 'r0', failure_class: 'environment_network' } })
    const trace = traceOf(parts({ results: [again], malformed: ['stage_results/x.json'] }), at, lookAt)
    expect(trace.status).toBe('malformed')
    expect(trace.notes).toEqual([
      'stage_results/x.json cannot be read',
      'make ended with environment_network and was tried again',
      'the run ended without a decision',
    ])
  })
})

describe('relativePath', () => {
  it('shortens what lies in the run folder only', () => {
    expect(relativePath('/w/run', '/w/run/a/b.md')).toBe('a/b.md')
    expect(relativePath('/w/run', 'b.md')).toBe('b.md')
    expect(relativePath('/w/run', '/w/other/b.md')).toBe('/w/other/b.md')
  })
})
