import { expect, test } from 'vitest'
import { describeFormat } from '../../test/rig/format.ts'
import { StageRequest } from './request.ts'

const least = {
  schema_version: '1.0',
  kind: 'stage_request',
  request_id: 'req-1',
  run_id: 'run-1',
  plane: 'execution',
  node_id: 'builder',
  stage_kind_id: 'builder',
  request_kind: 'active_work_item',
  running_status_marker: 'BUILDER_RUNNING',
  legal_terminal_markers: ['### BUILDER_COMPLETE', '### BLOCKED'],
  allowed_result_classes_by_outcome: { BUILDER_COMPLETE: ['success'] },
  mode_id: 'default_codex',
  compiled_plan_id: 'plan-1',
  entrypoint_path: '/w/builder.md',
  entrypoint_contract_id: 'builder.contract.v1',
  required_skill_paths: ['/w/skills/core.md'],
  attached_skill_paths: ['/w/skills/more.md'],
  workspace_root: '/w/project',
  run_dir: '/w/runs/run-1',
  outbox_dir: '/w/runs/run-1/outbox',
  terminal_result_path: '/w/runs/run-1/result.json',
  owed_artifacts_by_outcome: { BUILDER_COMPLETE: [] },
  summary_status_path: '/w/status.md',
  runtime_snapshot_path: '/w/snapshot.json',
  recovery_counters_path: '/w/counters.json',
  runner_name: 'codex_cli',
  timeout_seconds: 3600,
}

/** What a request says only where there is something to say. */
const SOMETIMES = [
  'active_work_item_kind',
  'active_work_item_id',
  'active_work_item_path',
  'closure_target_path',
  'closure_target_root_spec_id',
  'closure_target_root_idea_id',
  'canonical_root_spec_path',
  'canonical_seed_idea_path',
  'preferred_rubric_path',
  'preferred_verdict_path',
  'preferred_report_path',
  'preferred_troubleshoot_report_path',
  'runtime_error_code',
  'runtime_error_report_path',
  'runtime_error_catalog_path',
  'failure_class',
  'boot_id',
  'model_name',
  'model_reasoning_effort',
]
const each = (value: string | null) => Object.fromEntries(SOMETIMES.map((member) => [member, value]))
const texts = Object.entries(least).flatMap(([member, value]) => (typeof value === 'string' ? member : []))

const usage = {
  input_tokens: 100,
  cached_input_tokens: 40,
  output_tokens: 20,
  thinking_tokens: 5,
  total_tokens: 120,
}

describeFormat('a stage request', {
  schema: StageRequest,
  full: {
    ...least,
    ...each('some text'),
    skill_revisions: [{ skill_id: 'core', path: 'skills/core.md', revision: 'abc' }],
    owed_artifacts_by_outcome: {
      BUILDER_COMPLETE: [{ name: 'summary', path: 'summary.md', format: 'text', reuse: false }],
    },
    hand_ins: [{ kind: 'task', outcomes: ['BUILDER_COMPLETE'], at_least: 1 }],
    previous_attempt: { request_id: 'req-0', reason: 'The power failed.', rescue_ref: 'refs/millrace/rescue/x' },
    resume_session: { session_id: 'session-9', used_before: usage, unchanged_tree: 'a-tree' },
    account_of: ['req-0', 'req-00'],
    resume_targets: ['builder', 'checker'],
    permission_level: 'basic',
    keep_background: true,
  },
  least,
  filled: {
    ...least,
    ...each(null),
    hand_ins: [],
    previous_attempt: null,
    skill_revisions: [],
    resume_session: null,
    account_of: [],
    resume_targets: [],
    permission_level: null,
    keep_background: false,
  },
  words: {
    schema_version: ['1.0'],
    kind: ['stage_request'],
    request_kind: ['active_work_item', 'closure_target'],
    permission_level: ['basic', 'elevated', 'maximum', null],
  },
  lowest: {
    timeout_seconds: 1,
    ...Object.fromEntries(Object.keys(usage).map((name) => [`resume_session.used_before.${name}`, 0])),
  },
  filledIn: [
    ...texts,
    ...SOMETIMES,
    'legal_terminal_markers',
    'legal_terminal_markers.1',
    'required_skill_paths.0',
    'attached_skill_paths.0',
    'skill_revisions.0.skill_id',
    'skill_revisions.0.path',
    'skill_revisions.0.revision',
    'previous_attempt.request_id',
    'previous_attempt.reason',
    'previous_attempt.rescue_ref',
    'resume_session.session_id',
    'resume_session.unchanged_tree',
    'account_of.0',
    'resume_targets.0',
  ],
  open: ['allowed_result_classes_by_outcome', 'owed_artifacts_by_outcome'],
})

test('an attempt before need not have kept the working tree', () => {
  const previous_attempt = { request_id: 'req-0', reason: 'The power failed.' }
  expect(StageRequest.parse({ ...least, previous_attempt }).previous_attempt).toEqual(previous_attempt)
})
