/**
 * Every key of the config does something. What a harness is started with and what a plan is compiled to is looked at
 * here; where the effect is a story, the test that tells it is named, and has to be there.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { parseConfig } from '../../src/core/config.ts'
import { nodeOf, type Plan } from '../../src/core/plan.ts'
import { configReference } from '../../src/operations/config/reference.ts'
import { acpHarness } from '../../src/runners/acp/acp.ts'
import { runFiles } from '../../src/runners/artifacts.ts'
import { claudeHarness } from '../../src/runners/claude/claude.ts'
import { codexHarness } from '../../src/runners/codex/codex.ts'
import { commandHarness } from '../../src/runners/command.ts'
import { piHarness } from '../../src/runners/pi/pi.ts'
import { requestIn } from '../agents/rig.ts'
import { assetsWith, planWith, RUNNERS } from '../rig/assets.ts'

/** A table with one key, as TOML would give it. */
const tableOf = (key: string, value: unknown): Record<string, unknown> => {
  const [part, ...rest] = key.split('.')
  return { [part!]: rest.length === 0 ? value : tableOf(rest.join('.'), value) }
}

// ---- what a harness is started with ----------------------------------------------------------------------------------

const probe = async () => ({ found: false as const, problem: 'not looked for' }) as never
const request = { ...requestIn('/workspace'), model_name: 'large' }

/** The command a harness would be started with, as text. */
function started(section: string, keys: Record<string, unknown>): string {
  const needed = section === 'acp' || section === 'command' ? { command: 'agent' } : {}
  const { runners } = parseConfig({ runners: { [section]: { ...needed, ...keys } } }, 'test')
  const harness = {
    codex: () => codexHarness(runners.codex, probe),
    pi: () => piHarness(runners.pi, '/driver.js', probe),
    claude: () => claudeHarness(runners.claude, probe),
    acp: () => acpHarness(runners.acp, '/driver.js', probe),
    command: () => commandHarness(runners.command, probe, '/bin/stdbuf'),
  }[section]!()
  return JSON.stringify(harness.command(request, runFiles(request)))
}

/** Key, value, and what is seen of it in the command, and is not seen without it. */
const STARTED: readonly [key: string, value: unknown, sign: string][] = [
  ...['codex', 'pi', 'claude', 'acp', 'command'].flatMap((section): [string, unknown, string][] => [
    [`runners.${section}.command`, 'my-own-program', 'my-own-program'],
    [`runners.${section}.args`, ['--an-argument'], '--an-argument'],
    [`runners.${section}.env`, { A_NAME: 'a value' }, 'a value'],
    [`runners.${section}.env_pass`, ['PASSED_ON'], 'PASSED_ON'],
  ]),
  ...(
    [
      ['codex', 'basic', 'workspace-write'],
      ['claude', 'basic', 'acceptEdits'],
      ['acp', 'basic', '\\"level\\":\\"basic\\"'],
      ['pi', 'basic', 'cannot be held to the permission level basic'],
    ] as const
  ).flatMap(([section, level, sign]): [string, unknown, string][] => [
    [`runners.${section}.permission_default`, level, sign],
    [`runners.${section}.permission_by_stage`, { [request.stage_kind_id]: level }, sign],
    [`runners.${section}.permission_by_model`, { large: level }, sign],
  ]),
  ['runners.codex.profile', 'work', '--profile'],
  ['runners.codex.model_reasoning_effort', 'xhigh', 'xhigh'],
  ['runners.codex.extra_config', ['a=1'], 'a=1'],
  ['runners.pi.provider', 'anthropic', '--provider'],
  ['runners.pi.thinking', 'high', '--thinking'],
  ['runners.claude.max_retries', 7, '"CLAUDE_CODE_MAX_RETRIES":"7"'],
  ['runners.acp.start_seconds', 77, '77000'],
  ['runners.acp.env_prefixes', ['MINE_'], 'MINE_'],
  ['runners.command.line_buffered', true, 'stdbuf'],
]

/** Keys that take something away that is there by default. */
const LEFT_OUT: readonly [key: string, sign: string][] = [
  ['runners.codex.skip_git_repo_check', '--skip-git-repo-check'],
  ['runners.pi.disable_context_files', '--no-context-files'],
  ['runners.pi.disable_skills', '--no-skills'],
]

test.each(STARTED)('%s = %j is seen when the harness is started', (key, value, sign) => {
  const [, section = '', name = ''] = key.split('.')
  expect(started(section, {})).not.toContain(sign)
  expect(started(section, { [name]: value })).toContain(sign)
})

test.each(LEFT_OUT)('%s = false takes %s out', (key, sign) => {
  const [, section = '', name = ''] = key.split('.')
  expect(started(section, {})).toContain(sign)
  expect(started(section, { [name]: false })).not.toContain(sign)
})

// ---- what a plan is compiled to --------------------------------------------------------------------------------------

const builder = (plan: Plan) => nodeOf(plan, 'execution', 'builder')!
const threshold = (counter: string) => (plan: Plan) =>
  Object.values(plan.graphs_by_plane)
    .flatMap((graph) => graph.threshold_policies)
    .filter((policy) => policy.counter_name === counter)
    .map((policy) => policy.threshold)[0]

/** Key (with a stage for `*`), value, what is looked at, and what it has to be. */
const COMPILED: readonly [key: string, value: unknown, look: (plan: Plan) => unknown, seen: unknown][] = [
  ['runtime.default_mode', 'default_claude', (plan) => plan.mode_id, 'default_claude'],
  [
    'runtime.model_profile',
    'codex-2026-11-complex',
    (plan) => nodeOf(plan, 'execution', 'checker')!.model_reasoning_effort,
    'xhigh',
  ],
  ['runners.modules', { mine: 'mine.mjs' }, () => 'it compiles', 'it compiles'],
  ['recovery.max_fix_cycles', 9, threshold('fix_cycle_count'), 9],
  ['recovery.max_troubleshoot_attempts_before_consult', 9, threshold('troubleshoot_attempt_count'), 9],
  ['recovery.max_mechanic_attempts', 9, threshold('mechanic_attempt_count'), 9],
  ['stages.builder.runner', 'command', (plan) => builder(plan).runner_name, 'command'],
  ['stages.builder.model', 'own', (plan) => builder(plan).model_name, 'own'],
  ['stages.builder.model_reasoning_effort', 'low', (plan) => builder(plan).model_reasoning_effort, 'low'],
  ['stages.builder.timeout_seconds', 61, (plan) => builder(plan).timeout_seconds, 61],
  [
    'stages.builder.entrypoint_path',
    'entrypoints/execution/fixer.md',
    (plan) => builder(plan).entrypoint_path,
    'entrypoints/execution/fixer.md',
  ],
]

test.each(COMPILED)('%s = %j is frozen in the plan', (key, value, look, seen) => {
  if (key !== 'runners.modules') expect(look(planWith())).not.toEqual(seen)
  expect(look(planWith({ config: tableOf(key, value) }))).toEqual(seen)
})

test('runners.default_runner serves the stages that nobody binds', () => {
  const mode = assetsWith({
    'modes/default_codex.json': (text) =>
      text.replace(/"stage_runner_bindings": \{[^}]*\}/, '"stage_runner_bindings": {}'),
  })
  const runnerWith = (config: object) =>
    builder(planWith({ config, input: { assets: mode, runners: RUNNERS } })).runner_name
  expect(runnerWith({})).toBe('codex_cli')
  expect(runnerWith({ runners: { default_runner: 'command' } })).toBe('command')
})

// ---- what stories tell -----------------------------------------------------------------------------------------------

/** Where an effect is a story: the file, and words of the title of its test. */
const TOLD: Readonly<Record<string, readonly [file: string, title: string]>> = {
  'runtime.idle_sleep_seconds': ['test/scenarios/reload.test.ts', 'rebuilds the runners and the polling floor at once'],
  'runtime.on_restart': ['test/scenarios/resume.test.ts', 'with on_restart = "kill" a living agent is ended'],
  'runtime.free_disk_floor_mib': ['test/scenarios/disk.test.ts', 'a floor of 0 starts stages on any disk'],
  'runtime.wedged_after_seconds': ['test/why/runs.test.ts', 'is working where the config allows an hour of silence'],
  'runtime.stop_grace_seconds': [
    'src/runners/one-shot.test.ts',
    'kill an agent that ignores TERM once its grace is over',
  ],
  'runners.output_bytes_max': ['src/runners/acp/acp.test.ts', 'output_bytes_max: 1_000_000'],
  'runners.stalled_after_seconds': ['test/scenarios/limits.test.ts', 'an agent that shows no sign of life is stopped'],
  'runners.scripted.replies': ['test/scenarios/reload.test.ts', 'rebuilds the runners and the polling floor at once'],
  'recovery.stale_state_recovery_enabled': [
    'test/scenarios/resume.test.ts',
    'left to a person where recovery.stale_state_recovery_enabled is false',
  ],
  'recovery.resume_sessions': ['test/scenarios/limits.test.ts', 'where the config wants it so'],
  'auto_recovery.enabled': ['test/scenarios/auto-recovery.test.ts', "test.each(['enabled',"],
  'auto_recovery.blocked_dependency_retry_enabled': [
    'test/scenarios/auto-recovery.test.ts',
    "'blocked_dependency_retry_enabled'])('is left alone with %s = false'",
  ],
  'auto_recovery.max_auto_requeues_per_work_item': [
    'test/scenarios/auto-recovery.test.ts',
    'after as many attempts as it may have',
  ],
  'auto_recovery.cooldown_seconds': ['test/scenarios/auto-recovery.test.ts', 'waits longer before the second attempt'],
  'watchers.enabled': ['test/scenarios/watchers.test.ts', 'that is not watched is looked at all the same'],
  'watchers.mode': ['test/scenarios/watchers.test.ts', 'is not watched with'],
  'watchers.roots': ['test/scenarios/watchers.test.ts', 'that is taken out does not'],
  'watchers.debounce_ms': ['test/scenarios/watchers.test.ts', 'is how long an idea, a document and the config'],
  'watchers.watch_ideas_inbox': ['test/scenarios/watchers.test.ts', 'is not watched with'],
  'watchers.watch_specs_queue': ['test/scenarios/watchers.test.ts', 'is not watched with'],
  'usage_governance.enabled': ['test/scenarios/usage.test.ts', 'goes when the rules are switched off'],
  'usage_governance.auto_resume': ['test/scenarios/usage.test.ts', 'waits for a person where it may not clear itself'],
  'usage_governance.calendar_timezone': ['test/surfaces/usage.test.ts', 'days in their order and their time zone'],
  'usage_governance.runtime_token_rules.enabled': ['test/scenarios/usage.test.ts', 'whether or not there are rules'],
  'usage_governance.runtime_token_rules.rules': [
    'test/scenarios/usage.test.ts',
    'lets the stage end that goes over it',
  ],
  'usage_governance.subscription_quota_rules.enabled': [
    'test/scenarios/subscription.test.ts',
    'does not count while the section, or all rules on usage, are off',
  ],
  'usage_governance.subscription_quota_rules.provider': [
    'test/scenarios/subscription.test.ts',
    'keeps the first stage from being started, until its window begins anew',
  ],
  'usage_governance.subscription_quota_rules.degraded_policy': [
    'test/scenarios/subscription.test.ts',
    'that does not answer pauses where that is wanted, until it does',
  ],
  'usage_governance.subscription_quota_rules.refresh_interval_seconds': [
    'test/scenarios/subscription.test.ts',
    'is asked anew once the answer is older than the rules want it',
  ],
  'usage_governance.subscription_quota_rules.rules': [
    'test/scenarios/subscription.test.ts',
    'is the one in the config: its window, its percentage, its name',
  ],
  'stages.*.permission_profile': ['src/core/permission.test.ts', 'permission_profile'],
}

test.each(Object.entries(TOLD))('%s: its test is there', (_key, [file, title]) => {
  expect(fs.readFileSync(path.join(import.meta.dirname, '../..', file), 'utf8')).toContain(title)
})

/** Sections whose keys are stories each: the files that tell them. */
const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  'execution_capabilities.': ['test/scenarios/approvals.test.ts'],
  'validators.': ['test/scenarios/approvals.test.ts'],
  'stages.*.required_capabilities': ['test/scenarios/approvals.test.ts'],
  'notify.': ['test/scenarios/notify.test.ts', 'src/core/notify.test.ts', 'src/core/notify-config.test.ts'],
  'retention.': ['test/scenarios/retention.test.ts', 'src/core/retention.test.ts'],
}

const isToldBySection = (key: string): boolean => Object.keys(SECTIONS).some((section) => key.startsWith(section))

test.each(Object.entries(SECTIONS))('%s: its tests are there', (_section, files) => {
  for (const file of files) expect(fs.existsSync(path.join(import.meta.dirname, '../..', file)), file).toBe(true)
})

/** Keys that a file may have and that change nothing: each says so of itself. */
const WITHOUT_EFFECT = /without effect|takes only one value|runs as the command that starts it says/

test('there is no key without one of these', () => {
  const looked = new Set([
    ...[...STARTED, ...LEFT_OUT, ...COMPILED].map(([key]) => key.replace('stages.builder.', 'stages.*.')),
    ...Object.keys(TOLD),
    'runners.default_runner',
  ])
  const rows = configReference().filter(({ kind }) => kind === 'works')
  const idle = rows.filter(
    ({ key, description }) => !looked.has(key) && !isToldBySection(key) && !WITHOUT_EFFECT.test(description),
  )
  expect(idle.map(({ key }) => key)).toEqual([])
  const known = new Set(rows.map(({ key }) => key))
  expect([...looked].filter((key) => !known.has(key))).toEqual([])
})
