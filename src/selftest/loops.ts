/** Small loops for stories and tests, and the modes that bind them. */

/** A loop that asks before what was built is checked. */
export const GATED_LOOP = {
  schema_version: '1.0',
  kind: 'graph_loop',
  loop_id: 'execution.gated',
  plane: 'execution',
  nodes: ['builder', 'checker'].map((node_id) => ({ node_id, stage_kind_id: node_id })),
  entry_nodes: [{ entry_key: 'task', node_id: 'builder' }],
  edges: [
    {
      ...{ edge_id: 'built', from_node_id: 'builder', to_node_id: 'checker', on_outcomes: ['BUILDER_COMPLETE'] },
      approval: { question: 'Is it what was wanted?' },
    },
    {
      ...{ edge_id: 'checked', from_node_id: 'checker', on_outcomes: ['CHECKER_PASS'], kind: 'terminal' },
      terminal_state_id: 'done',
    },
    {
      ...{ edge_id: 'not-built', from_node_id: 'builder', on_outcomes: ['BLOCKED'], kind: 'terminal' },
      terminal_state_id: 'blocked',
    },
    {
      ...{ edge_id: 'not-checked', from_node_id: 'checker', on_outcomes: ['FIX_NEEDED', 'BLOCKED'], kind: 'terminal' },
      terminal_state_id: 'blocked',
    },
  ],
  terminal_states: [
    {
      ...{ terminal_state_id: 'done', terminal_class: 'success', writes_status: 'CHECKER_PASS' },
      effects: [{ effect: 'complete_item' }],
    },
    {
      ...{ terminal_state_id: 'blocked', terminal_class: 'blocked', writes_status: 'BLOCKED' },
      effects: [{ effect: 'block_item' }],
    },
  ],
}

export const GATED_MODE = {
  schema_version: '1.0',
  kind: 'mode',
  mode_id: 'gated',
  loop_ids_by_plane: { execution: 'execution.gated' },
  stage_runner_bindings: { builder: 'codex_cli', checker: 'codex_cli' },
}

/** A loop of a single stage. */
export const SHORT_LOOP = {
  schema_version: '1.0',
  kind: 'graph_loop',
  loop_id: 'execution.short',
  plane: 'execution',
  nodes: [{ node_id: 'builder', stage_kind_id: 'builder' }],
  entry_nodes: [{ entry_key: 'task', node_id: 'builder' }],
  edges: [
    {
      ...{ edge_id: 'built', from_node_id: 'builder', on_outcomes: ['BUILDER_COMPLETE'], kind: 'terminal' },
      terminal_state_id: 'done',
    },
    {
      ...{ edge_id: 'not-built', from_node_id: 'builder', on_outcomes: ['BLOCKED'], kind: 'terminal' },
      terminal_state_id: 'blocked',
    },
  ],
  terminal_states: [
    {
      ...{ terminal_state_id: 'done', terminal_class: 'success', writes_status: 'BUILDER_COMPLETE' },
      effects: [{ effect: 'complete_item' }],
    },
    {
      ...{ terminal_state_id: 'blocked', terminal_class: 'blocked', writes_status: 'BLOCKED' },
      effects: [{ effect: 'block_item' }],
    },
  ],
}

export const SHORT_MODE = {
  schema_version: '1.0',
  kind: 'mode',
  mode_id: 'short',
  loop_ids_by_plane: { execution: 'execution.short' },
  stage_runner_bindings: { builder: 'codex_cli' },
}
