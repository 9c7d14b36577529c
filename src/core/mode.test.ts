import { expect, test } from 'vitest'
import { describeFormat } from '../../test/rig/format.ts'
import { Mode, ModeAliases } from './mode.ts'

const least = { schema_version: '1.0', kind: 'mode', mode_id: 'mine' }
const none = {
  stage_entrypoint_overrides: {},
  stage_skill_additions: {},
  stage_model_bindings: {},
  stage_runner_bindings: {},
  stage_permission_bindings: {},
  stage_session_bindings: {},
}

describeFormat('a mode', {
  schema: Mode,
  full: {
    ...least,
    description: 'Mine.',
    loop_ids_by_plane: { execution: 'execution.standard' },
    execution_loop_id: 'execution.standard',
    planning_loop_id: 'planning.standard',
    stage_entrypoint_overrides: { builder: 'entrypoints/mine.md' },
    stage_skill_additions: { builder: ['skills/mine/SKILL.md'] },
    stage_model_bindings: { builder: 'large' },
    stage_runner_bindings: { builder: 'codex_cli' },
    stage_permission_bindings: { builder: 'basic' },
    stage_session_bindings: { fixer: 'builder' },
    claim_order: {
      fairness: 'alternate',
      planes: [
        { plane: 'execution', kinds: ['task', 'probe'] },
        { plane: 'planning', kinds: ['spec'] },
      ],
    },
    concurrency_policy: {
      mutually_exclusive_planes: [['execution', 'planning']],
      may_run_concurrently: [['execution', 'learning']],
    },
    recovery_limits: {
      interruptions_max: 1,
      environment_backoff_seconds: [5, 10],
      environment_attempts_max: 2,
      stages_per_run_max: 30,
      handoffs_max: 2,
    },
  },
  least,
  filled: { ...least, ...none },
  words: {
    schema_version: ['1.0'],
    kind: ['mode'],
    'stage_permission_bindings.builder': ['basic', 'elevated', 'maximum'],
    'claim_order.fairness': ['strict', 'alternate'],
  },
  lowest: {
    'recovery_limits.interruptions_max': 0,
    'recovery_limits.environment_backoff_seconds.0': 1,
    'recovery_limits.environment_attempts_max': 1,
    'recovery_limits.stages_per_run_max': 2,
    'recovery_limits.handoffs_max': 0,
  },
  filledIn: [
    'stage_model_bindings.builder',
    'stage_runner_bindings.builder',
    'claim_order.planes',
    'claim_order.planes.0.kinds',
    'recovery_limits.environment_backoff_seconds',
  ],
  open: [
    'loop_ids_by_plane',
    'stage_entrypoint_overrides',
    'stage_skill_additions',
    'stage_model_bindings',
    'stage_runner_bindings',
    'stage_permission_bindings',
    'stage_session_bindings',
  ],
})

test('a mode says of its order, its lanes and its limits only what is not usual', () => {
  const planes = [{ plane: 'execution', kinds: ['task'] }]
  expect(Mode.parse({ ...least, claim_order: { planes }, concurrency_policy: {}, recovery_limits: {} })).toEqual({
    ...least,
    ...none,
    claim_order: { fairness: 'strict', planes },
    concurrency_policy: { mutually_exclusive_planes: [], may_run_concurrently: [] },
    recovery_limits: {
      interruptions_max: 3,
      environment_backoff_seconds: [30, 120, 300, 900],
      environment_attempts_max: 6,
      stages_per_run_max: 60,
      handoffs_max: 3,
    },
  })
})

const aliases = { schema_version: '1.0', kind: 'mode_aliases', aliases: { plain: 'default_codex' } }

describeFormat('the aliases of modes', {
  schema: ModeAliases,
  full: aliases,
  least: aliases,
  filled: aliases,
  words: { schema_version: ['1.0'], kind: ['mode_aliases'] },
  open: ['aliases'],
})
