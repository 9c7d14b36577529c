import * as toml from 'smol-toml'
import { describe, expect, it } from 'vitest'
import { describeFormat } from '../../test/rig/format.ts'
import { Config, configKeys, NEW_CONFIG, parseConfig } from './config.ts'
import { MillraceError } from './errors.ts'
import { NOTIFY_EVENTS } from './notify-config.ts'

function refusal(table: unknown): MillraceError {
  try {
    parseConfig(table, 'millrace.toml')
  } catch (error) {
    if (MillraceError.is(error)) return error
  }
  throw new Error('the config was taken')
}

const rule = (more: object) => ({ metric: 'total_tokens', enforcement: 'soft', ...more })

const DEFAULTS = {
  runtime: {
    default_mode: 'default_codex',
    model_profile: null,
    run_style: 'daemon',
    idle_sleep_seconds: 1,
    on_restart: 'adopt',
    free_disk_floor_mib: 200,
    wedged_after_seconds: 900,
    stop_grace_seconds: 5,
  },
  runners: {
    default_runner: 'codex_cli',
    output_bytes_max: 256_000_000,
    stalled_after_seconds: 0,
    codex: {
      command: 'codex',
      args: ['exec'],
      profile: null,
      permission_default: 'maximum',
      permission_by_stage: {},
      permission_by_model: {},
      model_reasoning_effort: null,
      skip_git_repo_check: true,
      extra_config: [],
      env: {},
      env_pass: [],
    },
    pi: {
      command: 'pi',
      args: [],
      permission_default: 'maximum',
      permission_by_stage: {},
      permission_by_model: {},
      provider: null,
      thinking: null,
      disable_context_files: true,
      disable_skills: true,
      event_log_policy: 'failure_full',
      env: {},
      env_pass: [],
    },
    claude: {
      command: 'claude',
      args: [],
      permission_default: 'maximum',
      permission_by_stage: {},
      permission_by_model: {},
      max_retries: 2,
      env: {},
      env_pass: [],
    },
    acp: {
      command: null,
      args: [],
      permission_default: 'maximum',
      permission_by_stage: {},
      permission_by_model: {},
      start_seconds: 60,
      env: {},
      env_pass: [],
      env_prefixes: ['ANTHROPIC_', 'CLAUDE_', 'CODEX_', 'GEMINI_', 'GOOGLE_', 'GOOSE_', 'OPENAI_', 'OPENCODE_'],
    },
    command: { command: null, args: [], line_buffered: false, env: {}, env_pass: [] },
    scripted: { replies: null },
    modules: {},
  },
  recovery: {
    max_fix_cycles: 2,
    max_troubleshoot_attempts_before_consult: 2,
    max_mechanic_attempts: 2,
    stale_state_recovery_enabled: true,
    resume_sessions: true,
  },
  auto_recovery: {
    enabled: true,
    blocked_dependency_retry_enabled: true,
    max_auto_requeues_per_work_item: 3,
    cooldown_seconds: [300, 900, 3600],
  },
  watchers: {
    enabled: true,
    mode: 'watch',
    roots: ['tasks_queue', 'specs_queue', 'ideas_inbox', 'mailbox', 'config', 'stop_files'],
    debounce_ms: 250,
    watch_ideas_inbox: true,
    watch_specs_queue: true,
  },
  usage_governance: {
    enabled: false,
    auto_resume: true,
    evaluation_boundary: 'between_stages',
    calendar_timezone: 'UTC',
    runtime_token_rules: {
      enabled: true,
      rules: [
        rule({ rule_id: 'rolling-5h-default', window: 'rolling_5h', threshold: 750_000 }),
        rule({ rule_id: 'calendar-week-default', window: 'calendar_week', threshold: 5_000_000 }),
      ],
    },
    subscription_quota_rules: {
      enabled: false,
      provider: 'codex_chatgpt_oauth',
      degraded_policy: 'fail_open',
      refresh_interval_seconds: 60,
      rules: [
        { rule_id: 'codex-five-hour-default', window: 'five_hour', pause_at_percent_used: 95 },
        { rule_id: 'codex-weekly-default', window: 'weekly', pause_at_percent_used: 95 },
      ],
    },
  },
  execution_capabilities: {
    enabled: true,
    default_unknown_capability: 'deny',
    allow_advisory_grants: true,
    fail_required_advisory: false,
    expires_after_seconds: 0,
    defaults: {},
  },
  validators: {},
  notify: { hosts: [], pending_max: 1000, rules: {} },
  retention: {
    automatic: false,
    every_hours: 24,
    runs_days: 90,
    runs_max: 5000,
    runs_mib_max: 10_240,
    runs_keep: 20,
    logs_days: 180,
    logs_mib_max: 1024,
    mailbox_days: 30,
    scratch_days: 7,
    hidden_refs_days: 90,
  },
  stages: {},
}
const LEVELS = ['basic', 'elevated', 'maximum']
const EFFORTS = ['low', 'medium', 'high', 'xhigh']

describeFormat('a config', {
  schema: Config,
  full: {
    runtime: {
      default_mode: 'mine',
      model_profile: 'mine-2026-11',
      run_style: 'once',
      idle_sleep_seconds: 0.5,
      on_restart: 'kill',
      free_disk_floor_mib: 0,
      wedged_after_seconds: 60,
      stop_grace_seconds: 0.5,
    },
    runners: {
      default_runner: 'command',
      output_bytes_max: 2_000_000,
      stalled_after_seconds: 600,
      codex: {
        command: '/bin/codex',
        args: ['exec', '-v'],
        profile: 'mine',
        permission_default: 'basic',
        permission_by_stage: { builder: 'elevated' },
        permission_by_model: { large: 'basic' },
        model_reasoning_effort: 'high',
        skip_git_repo_check: false,
        extra_config: ['a=b'],
        env: { NAME: 'value' },
        env_pass: ['HOME'],
      },
      pi: {
        command: '/bin/pi',
        args: ['-v'],
        permission_default: 'elevated',
        permission_by_stage: { builder: 'elevated' },
        permission_by_model: { large: 'basic' },
        provider: 'one',
        thinking: 'high',
        disable_context_files: false,
        disable_skills: false,
        event_log_policy: 'full',
        env: { NAME: 'value' },
        env_pass: ['HOME'],
      },
      claude: {
        command: '/bin/claude',
        args: ['-v'],
        permission_default: 'elevated',
        permission_by_stage: { builder: 'elevated' },
        permission_by_model: { large: 'basic' },
        max_retries: 0,
        env: { NAME: 'value' },
        env_pass: ['HOME'],
      },
      acp: {
        command: '/bin/acp',
        args: ['--acp'],
        permission_default: 'elevated',
        permission_by_stage: { builder: 'elevated' },
        permission_by_model: { large: 'basic' },
        start_seconds: 1.5,
        env: { NAME: 'value' },
        env_pass: ['HOME'],
        env_prefixes: ['OWN_'],
      },
      command: {
        command: '/bin/agent',
        args: ['-v'],
        line_buffered: true,
        env: { NAME: 'value' },
        env_pass: ['HOME'],
      },
      scripted: { replies: 'replies.json' },
      modules: { mine: 'adapters/mine.mjs' },
    },
    recovery: {
      max_fix_cycles: 1,
      max_troubleshoot_attempts_before_consult: 1,
      max_mechanic_attempts: 1,
      stale_state_recovery_enabled: false,
      resume_sessions: false,
    },
    auto_recovery: {
      enabled: false,
      blocked_dependency_retry_enabled: false,
      max_auto_requeues_per_work_item: 1,
      cooldown_seconds: [0, 60],
    },
    watchers: {
      enabled: false,
      mode: 'poll',
      roots: ['mailbox'],
      debounce_ms: 10,
      watch_ideas_inbox: false,
      watch_specs_queue: false,
    },
    usage_governance: {
      enabled: true,
      auto_resume: false,
      evaluation_boundary: 'between_stages',
      calendar_timezone: 'Europe/Berlin',
      runtime_token_rules: {
        enabled: false,
        rules: [
          { rule_id: 'day', window: 'calendar_day', metric: 'cost_usd', threshold: 0.5, enforcement: 'hard' },
          { rule_id: 'item', window: 'per_item', metric: 'input_tokens', threshold: 10, enforcement: 'soft' },
        ],
      },
      subscription_quota_rules: {
        enabled: false,
        provider: 'codex_chatgpt_oauth',
        degraded_policy: 'fail_closed',
        refresh_interval_seconds: 5,
        rules: [{ rule_id: 'week', window: 'weekly', pause_at_percent_used: 50 }],
      },
    },
    stages: {
      builder: {
        runner: 'command',
        model: 'large',
        model_reasoning_effort: 'low',
        timeout_seconds: 60,
        entrypoint_path: 'entrypoints/execution/mine.md',
        required_capabilities: ['git.mutate'],
      },
    },
    execution_capabilities: {
      enabled: true,
      default_unknown_capability: 'allow',
      allow_advisory_grants: false,
      fail_required_advisory: true,
      expires_after_seconds: 60,
      defaults: {},
    },
    validators: { style: { command: 'node', args: ['style.mjs'], timeout_seconds: 5, env_pass: ['LINT_HOME'] } },
    notify: {
      hosts: ['hooks.example.com'],
      pending_max: 10,
      rules: {
        hook: {
          on: ['blocked', 'closed'],
          webhook: 'https://hooks.example.com/millrace',
          headers: { Authorization: 'HOOK_TOKEN' },
          env_pass: [],
          timeout_seconds: 1.5,
          attempts_max: 2,
          per_minute_max: 3,
        },
        script: {
          on: ['daemon_down'],
          command: ['./tell.sh', '-v'],
          headers: {},
          env_pass: ['DISPLAY_NAME'],
          timeout_seconds: 1.5,
          attempts_max: 2,
          per_minute_max: 3,
        },
        secret: {
          on: ['quota'],
          webhook_env: 'HOOK_ADDRESS',
          headers: {},
          env_pass: [],
          timeout_seconds: 1.5,
          attempts_max: 2,
          per_minute_max: 3,
        },
      },
    },
    retention: {
      automatic: true,
      every_hours: 2,
      runs_days: 3,
      runs_max: 4,
      runs_mib_max: 5,
      runs_keep: 6,
      logs_days: 7,
      logs_mib_max: 8,
      mailbox_days: 9,
      scratch_days: 10,
      hidden_refs_days: 11,
    },
  },
  least: {},
  filled: DEFAULTS,
  words: {
    'runtime.run_style': ['once', 'daemon'],
    'watchers.mode': ['watch', 'poll'],
    'runtime.on_restart': ['adopt', 'kill'],
    'runners.codex.permission_default': LEVELS,
    'runners.codex.permission_by_stage.builder': LEVELS,
    'runners.codex.permission_by_model.large': LEVELS,
    'runners.codex.model_reasoning_effort': [...EFFORTS, null],
    'runners.pi.permission_default': LEVELS,
    'runners.pi.permission_by_stage.builder': LEVELS,
    'runners.pi.permission_by_model.large': LEVELS,
    'runners.claude.permission_default': LEVELS,
    'runners.claude.permission_by_stage.builder': LEVELS,
    'runners.claude.permission_by_model.large': LEVELS,
    'runners.acp.permission_default': LEVELS,
    'runners.acp.permission_by_stage.builder': LEVELS,
    'runners.acp.permission_by_model.large': LEVELS,
    'runners.pi.event_log_policy': ['failure_full', 'full'],
    'usage_governance.evaluation_boundary': ['between_stages'],
    'usage_governance.subscription_quota_rules.provider': ['codex_chatgpt_oauth'],
    'usage_governance.subscription_quota_rules.degraded_policy': ['fail_open', 'fail_closed'],
    'usage_governance.subscription_quota_rules.rules.0.window': ['five_hour', 'weekly'],
    'usage_governance.runtime_token_rules.rules.0.metric': [
      'total_tokens',
      'input_tokens',
      'output_tokens',
      'cost_usd',
    ],
    'usage_governance.runtime_token_rules.rules.0.enforcement': ['soft', 'hard'],
    'stages.builder.model_reasoning_effort': EFFORTS,
    'execution_capabilities.default_unknown_capability': ['allow', 'deny', 'approval_required'],
    'notify.rules.hook.on.0': NOTIFY_EVENTS,
    'notify.rules.hook.on.1': NOTIFY_EVENTS,
    'notify.rules.script.on.0': NOTIFY_EVENTS,
    'notify.rules.secret.on.0': NOTIFY_EVENTS,
  },
  lowest: {
    'runtime.free_disk_floor_mib': 0,
    'runtime.wedged_after_seconds': 1,
    'runners.output_bytes_max': 1_000_000,
    'runners.stalled_after_seconds': 0,
    'runners.claude.max_retries': 0,
    'recovery.max_fix_cycles': 1,
    'recovery.max_troubleshoot_attempts_before_consult': 1,
    'recovery.max_mechanic_attempts': 1,
    'auto_recovery.max_auto_requeues_per_work_item': 0,
    'auto_recovery.cooldown_seconds.0': 0,
    'auto_recovery.cooldown_seconds.1': 0,
    'watchers.debounce_ms': 1,
    'usage_governance.subscription_quota_rules.refresh_interval_seconds': 1,
    'execution_capabilities.expires_after_seconds': 0,
    'validators.style.timeout_seconds': 1,
    'retention.every_hours': 1,
    'retention.runs_days': 0,
    'retention.runs_max': 0,
    'retention.runs_mib_max': 0,
    'retention.runs_keep': 0,
    'retention.logs_days': 0,
    'retention.logs_mib_max': 0,
    'retention.mailbox_days': 0,
    'retention.scratch_days': 0,
    'retention.hidden_refs_days': 0,
    'stages.builder.timeout_seconds': 1,
  },
  filledIn: [
    'runners.default_runner',
    'runners.codex.command',
    'runners.pi.command',
    'runners.claude.command',
    'notify.rules.hook.on',
    'notify.rules.script.command',
    'notify.rules.script.command.0',
    'notify.rules.script.command.1',
  ],
  open: [
    'runners.codex.permission_by_stage',
    'runners.codex.permission_by_model',
    'runners.codex.env',
    'runners.pi.permission_by_stage',
    'runners.pi.permission_by_model',
    'runners.claude.permission_by_stage',
    'runners.claude.permission_by_model',
    'runners.acp.permission_by_stage',
    'runners.acp.permission_by_model',
    'runners.pi.env',
    'runners.claude.env',
    'runners.acp.env',
    'runners.command.env',
    'runners.modules',
    'stages',
    'validators',
    'execution_capabilities.defaults',
    'notify.rules',
    'notify.rules.hook.headers',
    'notify.rules.script.headers',
    'notify.rules.secret.headers',
  ],
})

describe('a config', () => {
  it('may leave out any part of a section', () => {
    const partial = {
      runtime: {},
      runners: { codex: {}, pi: {}, command: {}, scripted: {} },
      recovery: {},
      watchers: {},
    }
    expect(parseConfig(partial, 'x')).toEqual(DEFAULTS)
    expect(parseConfig({ runners: {} }, 'x')).toEqual(DEFAULTS)
  })

  it.each(['idle_sleep_seconds', 'stop_grace_seconds'])('takes any time above zero for %s', (key) => {
    const taken = (value: number) => Config.safeParse({ runtime: { [key]: value } }).success
    expect([0.001, 1, 86_400].map(taken)).toEqual([true, true, true])
    expect([0, -1].map(taken)).toEqual([false, false])
  })

  it('names its mode without the blanks around it', () => {
    const modeOf = (default_mode: string) => parseConfig({ runtime: { default_mode } }, 'x').runtime.default_mode
    expect([' default_pi\t', '', '  '].map(modeOf)).toEqual(['default_pi', 'default_codex', 'default_codex'])
  })
})

describe('a refused config', () => {
  it('names every problem in one sentence, and how to go on', () => {
    const error = refusal({
      runtime: { idle_sleep_seconds: 0, default_mod: 'x' },
      recovery: { max_fix_cycles: 1.5 },
      nonsense: 1,
    })
    expect(error.code).toBe('config_invalid')
    expect(error.message).toMatch(/^millrace\.toml: .*\.$/)
    for (const part of [
      'runtime.idle_sleep_seconds: ',
      'recovery.max_fix_cycles: ',
      'unknown key runtime.default_mod, did you mean runtime.default_mode?',
      'unknown key nonsense',
    ])
      expect(error.message).toContain(part)
    expect(error.hint).toContain('millrace config validate')
  })

  it('suggests keys of sections that a user names', () => {
    expect(refusal({ stages: { builder: { modell: 'x' } } }).message).toContain(
      'unknown key stages.builder.modell, did you mean stages.builder.model?',
    )
  })

  it('says a level in two places, and names both', () => {
    const runners = { claude: { permission_by_stage: { builder: 'basic' } } }
    const stages = { builder: { permission_profile: 'maximum' } }
    expect(refusal({ runners, stages }).message).toContain(
      'stages.builder.permission_profile and runners.claude.permission_by_stage.builder',
    )
    expect(() => parseConfig({ runners, stages: { fixer: stages.builder } }, 'x')).not.toThrow()
  })

  it.each([
    [{ recovery: { max_fix_cycles: 0 } }, 'recovery.max_fix_cycles'],
    [{ stages: { builder: { timeout_seconds: 0 } } }, 'stages.builder.timeout_seconds'],
    [{ stages: { builder: { model_reasoning_effort: 'extreme' } } }, 'stages.builder.model_reasoning_effort'],
    [{ runners: { codex: { permission_default: 'all' } } }, 'runners.codex.permission_default'],
    [{ stages: { 'Not An Id': {} } }, 'stages.Not An Id'],
    [{ stages: { builder: { permission_profile: 'root' } } }, 'stages.builder.permission_profile'],
    [[], 'the file'],
    [null, 'the file'],
  ])('%j names %s', (table, place) => {
    expect(refusal(table).message).toContain(`${place}: `)
  })
})

describe('the list of keys', () => {
  const keys = configKeys()
  const key = (name: string) => keys.find((entry) => entry.key === name)

  it('describes each key once and says when a change takes effect', () => {
    expect(new Set(keys.map((entry) => entry.key)).size).toBe(keys.length)
    for (const { key: name, description, boundary } of keys) {
      expect(description, name).toMatch(/^[A-Z].*\.$/)
      expect(['tick', 'claim', 'restart'], name).toContain(boundary)
    }
  })

  it('holds the default of each, null included', () => {
    expect(key('runtime.default_mode')!.default).toBe('default_codex')
    expect(key('runners.codex.args')!.default).toEqual(['exec'])
    expect(key('runners.codex.profile')!.default).toBeNull()
    expect(key('stages.*.runner')!.default).toBeUndefined()
    for (const { key: name, default: value } of keys) {
      if (name.includes('*')) continue
      const found = name
        .split('.')
        .reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], parseConfig({}, 'x'))
      expect(value, name).toEqual(found)
    }
  })

  const RECEIVERS = ['on', 'command', 'webhook', 'webhook_env', 'headers', 'env_pass']
  const BOUNDS = ['timeout_seconds', 'attempts_max', 'per_minute_max']

  it('has every key once a name is chosen for each `*`, in the order in which help shows them', () => {
    const inOrder = (table: object, at: string): string[] =>
      Object.entries(table).flatMap(([name, value]) => {
        const path = `${at}${name}`
        const isSection = value !== null && typeof value === 'object' && !Array.isArray(value)
        return isSection && Object.keys(value).length > 0 ? inOrder(value, `${path}.`) : [path]
      })
    const stages = [
      ...['runner', 'model', 'model_reasoning_effort', 'timeout_seconds', 'required_capabilities'],
      ...['entrypoint_path', 'permission_profile'],
    ].map((name) => `stages.*.${name}`)
    const ofValidators = ['command', 'args', 'timeout_seconds', 'env_pass'].map((name) => `validators.*.${name}`)
    const ofNotify = [...RECEIVERS, ...BOUNDS].map((name) => `notify.rules.*.${name}`)
    expect(keys.map((entry) => entry.key)).toEqual([
      ...inOrder(DEFAULTS, '').flatMap((at) =>
        at === 'validators' ? ofValidators : at === 'notify.rules' ? ofNotify : at === 'stages' ? [] : [at],
      ),
      ...stages,
    ])
  })

  it('puts what is compiled at the claim, and what a start decides at the restart', () => {
    for (const { key: name, boundary } of keys) {
      const compiled =
        /^(execution_capabilities\.|recovery\.max_|stages\.(?!.*permission)|runtime\.(?:default_mode|model_profile)|runners\.(?:default_runner|modules))/.test(
          name,
        )
      expect(boundary === 'claim', name).toBe(compiled)
    }
    expect(keys.filter((entry) => entry.boundary === 'restart').map((entry) => entry.key)).toEqual([
      'runtime.on_restart',
      'recovery.stale_state_recovery_enabled',
    ])
  })

  it('changes nothing by what a new workspace is given', () => {
    const table = toml.parse(NEW_CONFIG)
    expect(Object.keys(table)).toEqual(['runtime', 'runners'])
    expect(parseConfig(table, 'x')).toEqual(DEFAULTS)
  })

  it('covers everything a new workspace is given', () => {
    for (const line of NEW_CONFIG.split('\n').filter((text) => text.includes('='))) {
      expect(
        keys.some((entry) => entry.key.endsWith(`.${line.split(' =')[0]}`)),
        line,
      ).toBe(true)
    }
  })
})
