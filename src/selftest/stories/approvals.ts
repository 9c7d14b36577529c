/** Questions to a person, asked before a stage and at an edge. */
import type { Clock } from '../../core/clock.ts'
import type { Files } from '../../core/files.ts'
import type { StageRequest } from '../../core/request.ts'
import type { Script } from '../instant-runner.ts'
import { posting, type Story, succeeding } from '../story.ts'
import { at, has } from './ending.ts'
import { BUILT } from './script.ts'

/** A loop that asks before what was built is checked. */
const GATED_LOOP = {
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
const GATED_MODE = {
  schema_version: '1.0',
  kind: 'mode',
  mode_id: 'gated',
  loop_ids_by_plane: { execution: 'execution.gated' },
  stage_runner_bindings: { builder: 'codex_cli', checker: 'codex_cli' },
}

export const approval: Story = {
  name: 'approval',
  about: 'control',
  tells:
    'the last stage of two tasks waits for a person; the first is approved while the second is at work, the second denied',
  begin({ task, file }) {
    file('millrace-agents/millrace.toml', '[stages.updater]\nrequired_capabilities = ["git.mutate"]\n')
    task('a')
    task('b')
  },
  script: (request, ...given) => asAnswered(request, succeeding()(request, ...given), 'builder b', 'updater a'),
  ends: { 'task a': 'done', 'task b': 'blocked' },
  outcomes: ['BUILDER_COMPLETE', 'CHECKER_PASS', ...BUILT, 'BLOCKED'],
  also: (files) => [
    ...has(files.list(at('approvals/pending')) ?? [], 0, 'questions without an answer'),
    ...has(files.list(at('approvals/resolved')) ?? [], 2, 'answers'),
  ],
}

export const gate: Story = {
  name: 'gate',
  about: 'control',
  tells:
    'the results of two tasks wait at an edge for a person; the first is approved while the second is built, the second denied',
  begin({ task, file }) {
    file('millrace-agents/graphs/execution/gated.json', JSON.stringify(GATED_LOOP))
    file('millrace-agents/modes/gated.json', JSON.stringify(GATED_MODE))
    file('millrace-agents/millrace.toml', '[runtime]\ndefault_mode = "gated"\n')
    task('a')
    task('b')
  },
  script: (request, ...given) => asAnswered(request, succeeding()(request, ...given), 'builder b', 'checker a'),
  ends: { 'task a': 'done', 'task b': 'blocked' },
  outcomes: ['BUILDER_COMPLETE', 'CHECKER_PASS', 'BLOCKED'],
  also: (files) => has(files.list(at('approvals/resolved')) ?? [], 2, 'answers'),
}

/** What a stage does, and beside it: the first question is approved during one stage, the next denied during another. */
const asAnswered = (request: StageRequest, outcome: ReturnType<Script>, approved: string, denied: string) => {
  const stage = `${request.stage_kind_id} ${request.active_work_item_id}`
  const verb = stage === approved ? 'approve' : stage === denied ? 'deny' : null
  return verb === null ? outcome : { outcome: outcome as string, meanwhile: answering(verb) }
}

/** Answers the question that waits, if there is one. */
const answering = (verb: string) => async (files: Files, clock: Clock) => {
  const [name] = files.list(at('approvals/pending')) ?? []
  if (name === undefined) return
  await posting(`${verb}_execution_capability`, { approval_id: name.replace(/\.json$/, '') })(files, clock)
}
