import { describe, expect, test } from 'vitest'
import { configWith } from '../../test/rig/assets.ts'
import { honouredLevels, permissionInForce, permissionLevel, permissionsOf, runnersHonouring } from './permission.ts'
import type { PermissionLevel } from './stage.ts'

const stage = (
  runner_name: string,
  permission_level: PermissionLevel | null = null,
  model_name: string | null = null,
) => ({
  runner_name,
  stage_kind_id: 'builder',
  model_name,
  permission_level,
})

describe('the level of a stage', () => {
  const config = configWith({
    runners: {
      claude: {
        permission_default: 'elevated',
        permission_by_stage: { fixer: 'basic' },
        permission_by_model: { large: 'basic' },
      },
    },
  })

  test.each([
    [stage('claude_code'), 'elevated', 'runners.claude.permission_default'],
    [stage('claude_code', 'maximum'), 'maximum', 'stage'],
    [stage('claude_code', 'maximum', 'large'), 'basic', 'runners.claude.permission_by_model.large'],
    [
      { ...stage('claude_code', 'maximum', 'small'), stage_kind_id: 'fixer' },
      'basic',
      'runners.claude.permission_by_stage.fixer',
    ],
    [stage('codex_cli'), 'maximum', 'runners.codex.permission_default'],
    [stage('command'), 'maximum', 'runner'],
    [stage('command', 'basic'), 'basic', 'stage'],
  ])('%j is %s, as %s says', (asked, level, origin) => {
    expect(permissionInForce(config, asked)).toEqual({ level, origin })
  })

  test('is the one an adapter starts its program with', () => {
    for (const asked of [stage('claude_code'), stage('claude_code', 'maximum', 'large')]) {
      const level = permissionLevel(permissionsOf(config, 'claude_code')!, asked)
      expect(permissionInForce(config, asked)?.level).toBe(level)
    }
  })

  test('is nobody’s business for a runner without levels, whatever its name', () => {
    for (const runner of ['scripted', 'toString', 'constructor']) {
      expect(permissionInForce(config, stage(runner, 'basic'))).toBeNull()
      expect(honouredLevels(runner)).toBeNull()
    }
  })

  test('a stage called as a member of every object has no level of its own', () => {
    expect(
      permissionInForce(config, { ...stage('codex_cli', null, 'valueOf'), stage_kind_id: 'toString' })?.origin,
    ).toBe('runners.codex.permission_default')
  })
})

describe('stages.<kind>.permission_profile', () => {
  const config = configWith({
    runners: { codex: { permission_by_model: { large: 'maximum' } } },
    stages: { builder: { permission_profile: 'normal' }, fixer: { permission_profile: 'elevated' } },
  })

  test.each([
    ['codex_cli', 'builder', 'basic'],
    ['claude_code', 'builder', 'basic'],
    ['acp', 'fixer', 'elevated'],
    ['pi_rpc', 'fixer', 'elevated'],
    ['command', 'builder', 'basic'],
  ] as const)('holds for runner %s, stage %s: %s, whatever model and plan say', (runner, kind, level) => {
    const asked = { ...stage(runner, 'maximum', 'large'), stage_kind_id: kind }
    expect(permissionInForce(config, asked)).toEqual({ level, origin: `stages.${kind}.permission_profile` })
    const permissions = permissionsOf(config, runner)
    if (permissions !== null) expect(permissionLevel(permissions, asked)).toBe(level)
  })

  test('leaves other stages as they are', () => {
    const asked = { ...stage('codex_cli'), stage_kind_id: 'checker' }
    expect(permissionInForce(config, asked)?.origin).toBe('runners.codex.permission_default')
  })
})

test('who can be held to less than everything', () => {
  expect(runnersHonouring('basic')).toEqual(['codex_cli', 'claude_code', 'acp'])
  expect(runnersHonouring('maximum')).toEqual(['codex_cli', 'claude_code', 'acp', 'pi_rpc', 'command'])
})
