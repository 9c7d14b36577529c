import { describe, expect, test } from 'vitest'
import { edit, planWith } from '../../test/rig/assets.ts'
import { describeFormat } from '../../test/rig/format.ts'
import type { Mode } from './mode.ts'
import { completionGraph, graphOf, nodeOf, Plan, planesOf } from './plan.ts'

const node = {
  node_id: 'paint',
  stage_kind_id: 'painter',
  plane: 'execution',
  display_name: 'Painter',
  entrypoint_path: 'entrypoints/paint.md',
  entrypoint_contract_id: 'paint.contract.v1',
  running_status_marker: 'PAINTER_RUNNING',
  allowed_result_classes_by_outcome: { PAINTED: ['success'] },
  failure_outcome: 'BLOCKED',
  declared_output_artifacts: ['picture'],
  owed_artifacts_by_outcome: { PAINTED: [] },
  hand_ins: [],
  request_blocks: [{ name: 'facts', chars_max: 100 }],
  validators: { before: ['is-dry'], after: ['is-painted'] },
  performer: { type: 'builtin', name: 'paint' },
  idempotence_policy: 'idempotent',
  recovery_role: 'escalation',
  closure_role: true,
  keep_background: true,
  required_skill_paths: ['skills/paint/SKILL.md'],
  attached_skill_additions: ['skills/colour/SKILL.md'],
  runner_name: 'codex_cli',
  model_name: 'large',
  model_reasoning_effort: 'high',
  permission_level: 'basic',
  timeout_seconds: 60,
  continues_session_of: 'dry',
  grants: [
    {
      capability_id: 'git.mutate',
      decision: 'approval_required',
      enforcement: 'runtime',
      origin: 'stage kind',
      expires_after_seconds: 60,
    },
  ],
  denied_outcome: 'WET',
  origins: { runner_name: 'default' },
}
const plainNode = {
  ...node,
  performer: { type: 'agent' },
  recovery_role: null,
  model_name: null,
  model_reasoning_effort: null,
  permission_level: null,
  continues_session_of: null,
  grants: [],
  denied_outcome: null,
}
/** As plans were written before sessions could be continued and people asked. */
const { continues_session_of: _session, grants: _grants, denied_outcome: _denied, ...earlierNode } = plainNode
const transition = {
  edge_id: 'painted',
  source_node_id: 'paint',
  outcome: 'PAINTED',
  target_node_id: 'dry',
  terminal_state_id: 'dry',
  kind: 'normal',
  priority: 100,
  max_attempts: 2,
  approval: { capability_id: 'git.mutate', question: 'Is it dry?', denied_outcome: 'WET', expires_after_seconds: 60 },
}
const endless = { ...transition, target_node_id: null, terminal_state_id: null, max_attempts: null, approval: null }
const { approval: _approval, ...earlierTransition } = endless
const graph = {
  loop_id: 'execution.painting',
  plane: 'execution',
  nodes: [plainNode],
  entries: [{ entry_key: 'task', when: null, node_id: 'paint' }],
  transitions: [endless],
  resume_policies: [],
  threshold_policies: [],
  terminal_states: [],
  completion_behavior: null,
}
const least = {
  schema_version: '2.0',
  kind: 'compiled_run_plan',
  compiled_plan_id: 'plan-mine-0123456789ab',
  mode_id: 'mine',
  loop_ids_by_plane: { execution: 'execution.painting' },
  graphs_by_plane: { execution: graph },
  claim_order: { fairness: 'strict', planes: [{ plane: 'execution', kinds: ['task'] }] },
  concurrency_policy: null,
  recovery_limits: {
    interruptions_max: 3,
    environment_backoff_seconds: [30, 120, 300, 900],
    environment_attempts_max: 6,
    stages_per_run_max: 60,
    handoffs_max: 3,
  },
  compile_input_fingerprint: { mode_id: 'mine', config_fingerprint: 'cfg-1', assets_fingerprint: 'assets-1' },
  resolved_assets: [
    {
      asset_family: 'mode',
      logical_id: 'mode:mine',
      path: 'modes/mine.json',
      source: 'workspace',
      content_sha256: 'missing',
    },
  ],
  entrypoint_texts: { paint: '# Paint' },
  skill_hashes: { paint: 'missing' },
  compiled_at: '2026-03-02T12:00:00.000Z',
  source_refs: ['mode:mine'],
}

describeFormat('a plan', {
  schema: Plan,
  full: {
    ...least,
    graphs_by_plane: {
      execution: {
        ...graph,
        nodes: [node, plainNode],
        entries: [
          { entry_key: 'task', when: { field: 'created_by', equals: 'robot' }, node_id: 'paint' },
          ...graph.entries,
        ],
        transitions: [transition, ...graph.transitions],
      },
    },
    concurrency_policy: { mutually_exclusive_planes: [], may_run_concurrently: [['execution', 'planning']] },
  },
  // What a plan takes over from the assets may be left out as it may be there.
  least: {
    ...least,
    graphs_by_plane: { execution: { ...graph, nodes: [earlierNode], transitions: [earlierTransition] } },
    claim_order: { planes: least.claim_order.planes },
    recovery_limits: {},
  },
  filled: least,
  words: {
    schema_version: ['2.0'],
    kind: ['compiled_run_plan'],
    'graphs_by_plane.execution.nodes.0.idempotence_policy': [
      'idempotent',
      'retry_safe_with_key',
      'single_attempt_only',
    ],
    'graphs_by_plane.execution.nodes.0.recovery_role': ['local_repair', 'escalation', null],
    'resolved_assets.0.asset_family': ['mode', 'graph_loop', 'stage_kind', 'entrypoint', 'skill'],
    'resolved_assets.0.source': ['package', 'workspace'],
  },
  open: [
    'loop_ids_by_plane',
    'graphs_by_plane',
    ...[0, 1].flatMap((index) =>
      ['allowed_result_classes_by_outcome', 'owed_artifacts_by_outcome', 'origins'].map(
        (member) => `graphs_by_plane.execution.nodes.${index}.${member}`,
      ),
    ),
    'entrypoint_texts',
    'skill_hashes',
  ],
})

describe('a plan', () => {
  const plan = planWith()

  test('gives its graphs by plane and their nodes by id', () => {
    expect(graphOf(plan, 'execution')!.loop_id).toBe('execution.standard')
    expect(nodeOf(plan, 'execution', 'checker')!.stage_kind_id).toBe('checker')
    expect(nodeOf(plan, 'planning', 'checker')).toBeUndefined()
    expect(graphOf(plan, 'learning')).toBeUndefined()
    expect(nodeOf(plan, 'learning', 'checker')).toBeUndefined()
  })

  test('names the planes that claim first, and each once', () => {
    expect(planesOf(plan)).toEqual(['planning', 'execution'])
    const change = edit<Mode>((mode) => {
      mode.claim_order!.planes = [{ plane: 'execution', kinds: ['task'] }]
    })
    const one = planWith({ changes: { 'modes/default_codex.json': change } })
    expect(one.claim_order.planes.map(({ plane }) => plane)).toEqual(['execution'])
    expect(planesOf(one)).toEqual(['execution', 'planning'])
  })

  test('knows the graph that judges closure targets, where there is one', () => {
    expect(completionGraph(plan)).toBe(graphOf(plan, 'planning'))
    const change = edit<Record<string, unknown>>((mode) => {
      mode.claim_order = undefined
      mode.loop_ids_by_plane = { execution: 'execution.standard' }
    })
    const path = 'modes/default_codex.json'
    const bindings = edit<Mode>((mode) => {
      mode.stage_runner_bindings = {}
    })
    const without = planWith({ changes: { [path]: (text) => bindings(change(text)) } })
    expect(completionGraph(without)).toBeUndefined()
  })
})
