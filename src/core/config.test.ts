import { describe, expect, it } from 'vitest'
import { configKeys, NEW_CONFIG, parseConfig } from './config.ts'
import { MillraceError } from './errors.ts'

function refusal(table: unknown): MillraceError {
  try {
    parseConfig(table, 'millrace.toml')
  } catch (error) {
    if (MillraceError.is(error)) return error
  }
  throw new Error('the config was taken')
}

describe('an empty config', () => {
  it('is a valid one, with every default', () => {
    expect(parseConfig({}, 'x')).toMatchObject({
      runtime: {
        default_mode: 'default_codex',
        run_style: 'daemon',
        idle_sleep_seconds: 1,
        on_restart: 'adopt',
        stop_grace_seconds: 5,
      },
      runners: { default_runner: 'codex_cli', output_bytes_max: 256_000_000 },
      recovery: { max_fix_cycles: 2, max_troubleshoot_attempts_before_consult: 2, max_mechanic_attempts: 2 },
      watchers: { enabled: true, debounce_ms: 250, watch_ideas_inbox: true },
      stages: {},
    })
  })

  it('leaves every default runner ready to use, at the level the seed states', () => {
    const { codex, pi, command, scripted } = parseConfig({}, 'x').runners
    expect(codex).toMatchObject({ command: 'codex', args: ['exec'], permission_default: 'maximum', env_pass: [] })
    expect([pi.command, command.command, scripted.replies]).toEqual(['pi', null, null])
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
      'unknown key runtime.default_mod (did you mean runtime.default_mode?)',
      'unknown key nonsense',
    ])
      expect(error.message).toContain(part)
    expect(error.hint).toContain('millrace config validate')
  })

  it('suggests keys of sections that a user names', () => {
    expect(refusal({ stages: { builder: { modell: 'x' } } }).message).toContain(
      'unknown key stages.builder.modell (did you mean stages.builder.model?)',
    )
  })

  it.each([
    [{ recovery: { max_fix_cycles: 0 } }, 'recovery.max_fix_cycles'],
    [{ stages: { builder: { timeout_seconds: 0 } } }, 'stages.builder.timeout_seconds'],
    [{ stages: { builder: { model_reasoning_effort: 'extreme' } } }, 'stages.builder.model_reasoning_effort'],
    [{ runners: { codex: { permission_default: 'all' } } }, 'runners.codex.permission_default'],
    [{ stages: { 'Not An Id': {} } }, 'stages.Not An Id'],
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

  it('puts what is compiled at the claim, and what a start decides at the restart', () => {
    for (const { key: name, boundary } of keys) {
      const compiled = /^(recovery\.|stages\.|runtime\.default_mode|runners\.default_runner)/.test(name)
      expect(boundary === 'claim', name).toBe(compiled)
    }
    expect(key('runtime.on_restart')!.boundary).toBe('restart')
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
