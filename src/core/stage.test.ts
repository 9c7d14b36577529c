import { describe, expect, test } from 'vitest'
import { describeFormat } from '../../test/rig/format.ts'
import { AssetId, AssetPath, OutcomeName, OVERRIDES, StageKind } from './stage.ts'

const isTaken = (schema: { safeParse: (value: string) => { success: boolean } }) => (text: string) =>
  schema.safeParse(text).success

describe('the names assets go by', () => {
  test.each(['a', '7', 'builder', 'execution.standard', 'a-b_c.d', 'x2'])('%s may be an id', (id) => {
    expect(isTaken(AssetId)(id)).toBe(true)
  })

  test.each(['', 'Builder', 'a b', '.a', 'a.', 'a..b', 'a-_b', '-a', 'a/b', 'ä', 'a\n', 'builder!'])(
    '%j may not',
    (id) => {
      const { error } = AssetId.safeParse(id)
      expect(error?.issues[0]?.message).toBe('lower-case letters and digits, joined by ".", "_" or "-"')
    },
  )

  test.each(['A', 'BUILDER_COMPLETE', 'TRY_2', 'X2_'])('%s may be an outcome', (name) => {
    expect(isTaken(OutcomeName)(name)).toBe(true)
  })

  test.each(['', 'a', 'Blocked', '2ND', '_X', 'A B', '### BLOCKED', 'X\n'])('%j may not', (name) => {
    const { error } = OutcomeName.safeParse(name)
    expect(error?.issues[0]?.message).toBe('upper-case letters, digits and "_"')
  })

  test.each(['entrypoints/a.md', 'skills/stage/x-1_y/SKILL.md', 'skills/a..b.md'])('%s may be a path', (path) => {
    expect(isTaken(AssetPath)(path)).toBe(true)
  })

  test.each([
    ['a.md', 'a .md path under entrypoints/ or skills/'],
    ['modes/a.md', 'a .md path under entrypoints/ or skills/'],
    ['x/skills/a.md', 'a .md path under entrypoints/ or skills/'],
    ['skills/.md.txt', 'a .md path under entrypoints/ or skills/'],
    ['skills/a.md/b', 'a .md path under entrypoints/ or skills/'],
    ['skills/amd', 'a .md path under entrypoints/ or skills/'],
    ['skills/a b.md', 'a .md path under entrypoints/ or skills/'],
    ['skills/.md', 'a .md path under entrypoints/ or skills/'],
    ['skills/../../secret.md', 'no ".."'],
  ])('%s may not', (path, message) => {
    expect(AssetPath.safeParse(path).error?.issues[0]?.message).toBe(message)
  })
})

const least = {
  schema_version: '1.0',
  kind: 'registered_stage_kind',
  stage_kind_id: 'painter',
  plane: 'execution',
  display_name: 'Painter',
  description: 'Paints what was built.',
  default_entrypoint_path: 'entrypoints/execution/painter.md',
  required_skill_paths: ['skills/paint/SKILL.md', 'skills/dry/SKILL.md'],
  running_status_marker: 'PAINTER_RUNNING',
  legal_outcomes: ['PAINTED', 'BLOCKED'],
  success_outcomes: ['PAINTED', 'SHINES'],
  failure_outcome: 'BLOCKED',
  allowed_result_classes_by_outcome: { PAINTED: ['success', 'no_op'], BLOCKED: ['blocked', 'recoverable_failure'] },
}

const full = {
  ...least,
  suggested_skill_paths: ['skills/colour/SKILL.md'],
  failure_outcomes: ['BLOCKED'],
  allowed_input_artifacts: ['plan'],
  declared_output_artifacts: ['picture'],
  owed_artifacts_by_outcome: {
    PAINTED: [{ name: 'picture', path: 'pictures/last.json', format: 'json', reuse: true }],
  },
  hand_ins: [{ kind: 'task', outcomes: ['PAINTED', 'BLOCKED'], at_least: 2 }],
  request_blocks: [{ name: 'facts', chars_max: 100 }],
  validators: { before: ['is-dry'], after: ['is-painted'] },
  required_capabilities: ['git.mutate'],
  denied_outcome: 'BLOCKED',
  performer: { type: 'builtin', name: 'paint' },
  idempotence_policy: 'idempotent',
  allowed_overrides: ['model_name'],
  can_start: ['task'],
  recovery_role: 'escalation',
  closure_role: true,
  keep_background: true,
}

describeFormat('a stage kind', {
  schema: StageKind,
  full,
  least,
  filled: {
    ...least,
    suggested_skill_paths: [],
    failure_outcomes: [],
    allowed_input_artifacts: [],
    declared_output_artifacts: [],
    owed_artifacts_by_outcome: {},
    hand_ins: [],
    request_blocks: [],
    validators: { before: [], after: [] },
    required_capabilities: [],
    performer: { type: 'agent' },
    idempotence_policy: 'retry_safe_with_key',
    allowed_overrides: [
      'entrypoint_path',
      'runner_name',
      'model_name',
      'model_reasoning_effort',
      'permission_level',
      'timeout_seconds',
      'attached_skill_additions',
      'continues_session_of',
    ],
    can_start: [],
    recovery_role: null,
    closure_role: false,
    keep_background: false,
  },
  words: {
    'allowed_result_classes_by_outcome.PAINTED.0': [
      'success',
      'followup_needed',
      'recoverable_failure',
      'escalate_planning',
      'blocked',
      'no_op',
    ],
    'owed_artifacts_by_outcome.PAINTED.0.format': ['text', 'json', 'verdict'],
    idempotence_policy: ['idempotent', 'retry_safe_with_key', 'single_attempt_only'],
    'allowed_overrides.0': OVERRIDES,
    recovery_role: ['local_repair', 'escalation', null],
    schema_version: ['1.0'],
    kind: ['registered_stage_kind'],
  },
  lowest: { 'hand_ins.0.at_least': 0, 'request_blocks.0.chars_max': 1 },
  filledIn: [
    'display_name',
    'description',
    'required_skill_paths',
    'legal_outcomes',
    'success_outcomes',
    'allowed_result_classes_by_outcome.PAINTED',
    'owed_artifacts_by_outcome.PAINTED.0.name',
    'owed_artifacts_by_outcome.PAINTED.0.path',
    'hand_ins.0.outcomes',
    'request_blocks.0.name',
    'performer.name',
  ],
  open: ['allowed_result_classes_by_outcome', 'owed_artifacts_by_outcome'],
})

test('what a stage owes and hands in has its own defaults', () => {
  const owing = {
    ...least,
    owed_artifacts_by_outcome: { PAINTED: [{ name: 'picture', path: 'picture.png' }] },
    hand_ins: [{ kind: 'task', outcomes: ['PAINTED'] }],
    validators: {},
    performer: { type: 'agent' },
  }
  expect(StageKind.parse(owing)).toMatchObject({
    owed_artifacts_by_outcome: { PAINTED: [{ format: 'text', reuse: false }] },
    hand_ins: [{ at_least: 0 }],
    validators: { before: [], after: [] },
    performer: { type: 'agent' },
  })
})
