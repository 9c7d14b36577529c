import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../core/config.ts'
import { MillraceError } from '../../core/errors.ts'
import { configReference } from './reference.ts'

const ROWS = configReference()

/** Every key that a version of millrace.toml ever had, by what its documents say; `*` is a name of the user's. */
const SEEN = `
runtime: default_mode run_style idle_sleep_seconds
runners: default_runner
runners.codex: command args profile permission_default permission_by_stage permission_by_model model_reasoning_effort skip_git_repo_check extra_config env
runners.pi: command args provider thinking disable_context_files disable_skills event_log_policy env
recovery: max_fix_cycles max_troubleshoot_attempts_before_consult max_mechanic_attempts stale_state_recovery_enabled
watchers: enabled debounce_ms watch_ideas_inbox watch_specs_queue debounce_seconds roots
stages.*: runner model model_reasoning_effort timeout_seconds thinking_level effort permission_profile prompt_file allow_search
usage_governance: enabled auto_resume evaluation_boundary calendar_timezone
usage_governance.runtime_token_rules: enabled rules
usage_governance.subscription_quota_rules: enabled provider degraded_policy refresh_interval_seconds rules
auto_recovery: enabled blocked_dependency_retry_enabled max_auto_requeues_per_work_item cooldown_seconds
engine: mode idle_mode poll_interval_seconds inter_task_delay_seconds
paths: workspace agents_dir
execution: integration_mode quickfix_max_attempts run_update_on_empty
sizing: mode
research: mode idle_mode idle_poll_seconds stage_retry_max stage_retry_backoff_seconds interview_policy
sentinel: enabled diagnostic.runner diagnostic.model diagnostic.effort cadence reset_cadence_on_recovery
sentinel.progress_thresholds: no_progress_seconds stale_status_seconds stalled_recovery_seconds
sentinel.caps: soft_cap_threshold hard_cap_threshold halt_on_hard_cap
sentinel.notify: enabled adapter openclaw_command openclaw_timeout_seconds allow_direct_notify_when_supervised
routing: *
policies.preflight: enabled transport_check
policies.search: execution_enabled execution_exception research_enabled research_exception
policies.network_guard: enabled execution_policy research_policy execution_exception research_exception
policies.outage: wait_initial_seconds wait_max_seconds max_probes probe_host probe_port probe_command policy
policies.usage: enabled provider cache_max_age_secs refresh_utc execution.remaining_threshold research.legacy_threshold
policies.complexity: enabled default_band
policies.compounding: *
`
  .trim()
  .split('\n')
  .flatMap((line) => {
    const [section, keys] = line.split(': ')
    return keys!.split(' ').map((key) => `${section}.${key}`)
  })

/** A table with one member. */
const tableOf = (key: string, value: unknown): Record<string, unknown> => {
  const [part, ...rest] = key.replaceAll('*', 'x').split('.')
  return { [part!]: rest.length === 0 ? value : tableOf(rest.join('.'), value) }
}

function refusal(table: unknown): string {
  try {
    parseConfig(table, 'millrace.toml')
  } catch (error) {
    if (MillraceError.is(error)) return error.message
  }
  return ''
}

describe('the reference of the config', () => {
  it('has each key once, and every one that a version of the file ever had', () => {
    const keys = ROWS.map(({ key }) => key)
    expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([])
    expect(SEEN.filter((key) => !keys.includes(key))).toEqual([])
  })

  it('says of each what it takes, when it counts, and in a sentence what it is', () => {
    for (const row of ROWS) {
      expect(row.description, row.key).toMatch(/^[A-Z].*\.$/)
      expect(row.kind === 'not carried', row.key).toBe(row.boundary === null)
      expect(row.kind === 'not carried', row.key).toBe(row.type === null)
      expect(row.kind === 'alias', row.key).toBe(row.alias_of !== null)
    }
    const row = (key: string) => ROWS.find((one) => one.key === key)
    expect(row('recovery.max_fix_cycles')).toMatchObject({ type: 'integer from 1', default: '2', boundary: 'claim' })
    expect(row('runtime.run_style')).toMatchObject({ type: 'one of once, daemon', default: '"daemon"' })
    expect(row('runtime.model_profile')).toMatchObject({ type: 'text', default: null })
    expect(row('runners.codex.args')).toMatchObject({ type: 'list of text', default: '["exec"]' })
    expect(row('engine.poll_interval_seconds')).toMatchObject({
      kind: 'alias',
      alias_of: 'runtime.idle_sleep_seconds',
      type: 'number above 0',
      boundary: 'tick',
    })
  })

  it('is true: what is not carried is refused with the reason, and nothing else is', () => {
    for (const { key, kind, description } of ROWS) {
      const message = refusal(tableOf(key, 'a value'))
      const said = key.replaceAll('*', 'x')
      if (kind !== 'not carried') expect(message, key).not.toContain('not carried')
      else
        expect(message.toLowerCase(), key).toContain(`not carried: ${said} (${description.slice(0, -1).toLowerCase()})`)
      expect(message, key).not.toContain('unknown key')
    }
  })
})
