import { expect, test } from 'vitest'
import { describeFormat } from '../../test/rig/format.ts'
import { Loop } from './loop.ts'

const edge = { edge_id: 'painted', from_node_id: 'paint', on_outcomes: ['PAINTED', 'SHINES'] }
const dry = { terminal_state_id: 'dry', terminal_class: 'success', writes_status: 'DRY' }
const completion = {
  trigger: 'backlog_drained',
  readiness_rule: 'no_open_lineage_work',
  target_node_id: 'paint',
  request_kind: 'closure_target',
  target_selector: 'active_closure_target',
  rubric_policy: 'reuse_or_create',
  blocked_work_policy: 'suppress',
  on_pass_terminal_state_id: 'dry',
  on_gap_terminal_state_id: 'wet',
}
const least = {
  schema_version: '1.0',
  kind: 'graph_loop',
  loop_id: 'execution.painting',
  plane: 'execution',
  nodes: [{ node_id: 'paint', stage_kind_id: 'painter' }],
  entry_nodes: [{ entry_key: 'task', node_id: 'paint' }],
  edges: [edge],
  terminal_states: [{ ...dry, effects: [{ effect: 'complete_item' }] }],
}

const full = {
  ...least,
  description: 'Paints.',
  nodes: [
    {
      node_id: 'paint',
      stage_kind_id: 'painter',
      entrypoint_path: 'entrypoints/paint.md',
      attached_skill_additions: ['skills/colour/SKILL.md'],
      runner_name: 'codex_cli',
      model_name: 'large',
      model_reasoning_effort: 'high',
      permission_level: 'basic',
      timeout_seconds: 60,
      required_capabilities: ['git.mutate'],
      denied_outcome: 'WET',
      continues_session_of: 'dry',
    },
    { node_id: 'dry', stage_kind_id: 'dryer', attached_skill_additions: [], required_capabilities: [] },
  ],
  entry_nodes: [
    { entry_key: 'task', when: { field: 'created_by', equals: 'robot' }, node_id: 'paint' },
    { entry_key: 'closure_target', node_id: 'dry' },
  ],
  edges: [
    {
      ...edge,
      to_node_id: 'dry',
      terminal_state_id: 'dry',
      kind: 'retry',
      priority: 7,
      description: 'Goes on.',
      max_attempts: 2,
      approval: {
        capability_id: 'git.mutate',
        question: 'Is it dry?',
        denied_outcome: 'WET',
        expires_after_seconds: 60,
      },
    },
    { ...edge, edge_id: 'again', kind: 'normal', priority: 100 },
  ],
  terminal_states: [
    {
      ...dry,
      emits_artifacts: ['picture'],
      ends_plane_run: false,
      reason: 'all-dry',
      effects: [
        { effect: 'complete_item' },
        { effect: 'block_item' },
        { effect: 'quarantine_item' },
        { effect: 'park_item', resolver: 'tomorrow' },
        {
          effect: 'create_incident',
          entry_kind: 'incident',
          id_prefix: 'wet',
          failure_class: 'wet_paint',
          severity: 'low',
        },
        { effect: 'close_target' },
        { effect: 'hold_target' },
      ],
    },
    {
      ...dry,
      terminal_state_id: 'wet',
      emits_artifacts: [],
      ends_plane_run: true,
      effects: [{ effect: 'block_item' }],
    },
  ],
  dynamic_policies: {
    resume_policies: [
      {
        policy_id: 'go-on',
        source_node_id: 'dry',
        on_outcome: 'DRIED',
        default_target_node_id: 'paint',
        metadata_stage_keys: ['go_on_with'],
        disallowed_target_node_ids: ['dry'],
        reason: 'it is dry',
      },
    ],
    threshold_policies: [
      {
        policy_id: 'coats',
        source_node_ids: ['paint', 'dry'],
        on_outcome: 'PAINTED',
        counter_name: 'coat_count_2',
        counted_per: 'item',
        key_field: 'colour',
        threshold: 3,
        threshold_from: 'recovery.max_fix_cycles',
        exhausted_target_node_id: 'dry',
        exhausted_terminal_state_id: 'dry',
        exhausted_failure_class: 'too_many_coats',
        exhausted_reason: 'coats-spent',
        exhausted_counts_toward: 'layers',
      },
    ],
  },
  completion_behavior: {
    ...completion,
    opened_by_kind: 'task',
    skip_if_already_closed: false,
    create_incident_on_gap: false,
    rounds_max: 2,
    hold_backoff_seconds: [10, 20],
    requires_execution_between_rounds: false,
  },
}

describeFormat('a loop', {
  schema: Loop,
  full,
  least,
  filled: {
    ...least,
    nodes: [{ ...least.nodes[0], attached_skill_additions: [], required_capabilities: [] }],
    edges: [{ ...edge, kind: 'normal', priority: 100 }],
    terminal_states: [{ ...least.terminal_states[0], emits_artifacts: [], ends_plane_run: true }],
    dynamic_policies: { resume_policies: [], threshold_policies: [] },
  },
  words: {
    schema_version: ['1.0'],
    kind: ['graph_loop'],
    'nodes.0.permission_level': ['basic', 'elevated', 'maximum'],
    'edges.0.kind': ['normal', 'retry', 'escalation', 'handoff', 'terminal'],
    'terminal_states.0.terminal_class': ['success', 'followup_needed', 'blocked', 'escalate_planning', 'no_op'],
    'terminal_states.0.effects.4.entry_kind': ['incident'],
    'terminal_states.0.effects.4.severity': ['low', 'medium', 'high', 'critical'],
    'dynamic_policies.threshold_policies.0.counted_per': ['item', 'failure_class'],
    'completion_behavior.trigger': ['backlog_drained'],
    'completion_behavior.readiness_rule': ['no_open_lineage_work'],
    'completion_behavior.request_kind': ['closure_target'],
    'completion_behavior.target_selector': ['active_closure_target'],
    'completion_behavior.rubric_policy': ['reuse_or_create'],
    'completion_behavior.blocked_work_policy': ['suppress', 'ignore'],
  },
  lowest: {
    'nodes.0.timeout_seconds': 1,
    'edges.0.max_attempts': 1,
    'edges.0.approval.expires_after_seconds': 1,
    'dynamic_policies.threshold_policies.0.threshold': 1,
    'completion_behavior.rounds_max': 1,
    'completion_behavior.hold_backoff_seconds.0': 1,
  },
  filledIn: [
    'nodes',
    'entry_nodes',
    'entry_nodes.0.when.field',
    'edges',
    'edges.0.on_outcomes',
    'edges.0.approval.question',
    'terminal_states',
    'terminal_states.0.effects',
    'terminal_states.0.effects.3.resolver',
    'terminal_states.0.effects.4.failure_class',
    'dynamic_policies.threshold_policies.0.source_node_ids',
    'dynamic_policies.threshold_policies.0.counter_name',
    'completion_behavior.hold_backoff_seconds',
  ],
})

test('a loop says of its policies, its incidents and its closure only what is not usual', () => {
  const threshold = {
    policy_id: 'coats',
    source_node_ids: ['paint'],
    on_outcome: 'PAINTED',
    counter_name: 'coat_count',
    threshold: 3,
  }
  const resume = { policy_id: 'go-on', source_node_id: 'dry', on_outcome: 'DRIED', default_target_node_id: 'paint' }
  const incident = { effect: 'create_incident', entry_kind: 'incident', id_prefix: 'wet', failure_class: 'wet_paint' }
  const read = Loop.parse({
    ...least,
    terminal_states: [{ ...dry, effects: [incident] }],
    dynamic_policies: { resume_policies: [resume], threshold_policies: [threshold] },
    completion_behavior: completion,
  })
  expect(read.terminal_states[0]!.effects).toEqual([{ ...incident, severity: 'high' }])
  expect(read.dynamic_policies).toEqual({
    resume_policies: [{ ...resume, metadata_stage_keys: ['resume_stage'], disallowed_target_node_ids: [] }],
    threshold_policies: [{ ...threshold, counted_per: 'failure_class' }],
  })
  expect(read.completion_behavior).toEqual({
    ...completion,
    opened_by_kind: 'spec',
    skip_if_already_closed: true,
    create_incident_on_gap: true,
    rounds_max: 5,
    hold_backoff_seconds: [300, 1800, 7200],
    requires_execution_between_rounds: true,
  })
  expect(Loop.parse({ ...least, dynamic_policies: {} }).dynamic_policies).toEqual({
    resume_policies: [],
    threshold_policies: [],
  })
})

test.each(['Coats', '2nd', 'coat-count', 'coat count', '_coats', 'é'])('a counter cannot be named %s', (name) => {
  const policy = { ...full.dynamic_policies.threshold_policies[0], counter_name: name }
  expect(Loop.safeParse({ ...least, dynamic_policies: { threshold_policies: [policy] } }).success).toBe(false)
})
