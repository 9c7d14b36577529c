import { describe, expect, test } from 'vitest'
import { emptyWorkspace, temporaryFolder, write } from '../../test/rig/store.ts'
import { readConfig } from './config-file.ts'
import { disk } from './files.ts'
import { AT } from './layout.ts'

const invalid = (words: string) =>
  expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(words) })

function reading(text: string, ...overrides: string[]) {
  const places = emptyWorkspace(temporaryFolder())
  write(places.runtime, AT.config, text)
  return () => readConfig(disk, places, overrides)
}

describe('millrace.toml', () => {
  test('with thousands of unknown keys is refused in a sentence that can be read', () => {
    const text = Array.from({ length: 20_000 }, (_, index) => `k${index} = 1\n`).join('')
    const refused = () => {
      try {
        reading(text)()
        return ''
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(refused()).toMatch(/unknown key k0 \(line 1\); .*and 19980 more\.$/)
    expect(refused().length).toBeLessThan(5000)
  })

  test('that is no TOML is refused with the place', () => {
    expect(reading('[runtime]\nx = = 1\n')).toThrow(invalid('line 2'))
    expect(reading(`x = ${'['.repeat(100_000)}`)).toThrow(invalid('line 1'))
  })

  test('takes a key that stands for the prototype for an unknown one', () => {
    expect(reading('__proto__.x = 1\n')).toThrow(invalid('unknown key __proto__'))
    expect(reading('', '__proto__.x=1')).toThrow(invalid('unknown key __proto__'))
    expect(reading('', 'runtime.constructor.x=1')).toThrow(invalid('unknown key runtime.constructor'))
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })
})

test('an override keeps what stands beside it in the file', () => {
  const { config } = reading('[recovery]\nmax_fix_cycles = 5\n', 'recovery.max_mechanic_attempts=7')()
  expect(config.recovery).toMatchObject({ max_fix_cycles: 5, max_mechanic_attempts: 7 })
})

test('an override goes over what the file says, in whichever spelling either has the key', () => {
  const file = '[engine]\npoll_interval_seconds = 60\n'
  const seconds = (...overrides: string[]) => reading(file, ...overrides)().config.runtime.idle_sleep_seconds
  expect(seconds()).toBe(60)
  expect(seconds('runtime.idle_sleep_seconds=5')).toBe(5)
  expect(seconds('engine.poll_interval_seconds=7')).toBe(7)
  expect(reading('', 'watchers.debounce_seconds=0.5')().config.watchers.debounce_ms).toBe(500)
  expect(reading('', 'recovery.max_fix_cycles=0')).toThrow(invalid('recovery.max_fix_cycles (--set): '))
  expect(reading('', 'sentinel.enabled=true')).toThrow(
    invalid('not carried: sentinel.enabled (--set) (no second monitor'),
  )
})

test('an alias and the key it stands for in one file are refused with both lines', () => {
  const text = '# mine\n[engine]\npoll_interval_seconds = 60\n\n[runtime]\nidle_sleep_seconds = 1\n'
  for (const overrides of [[], ['runtime.run_style=once']]) {
    expect(reading(text, ...overrides)).toThrow(
      invalid('engine.poll_interval_seconds (line 3) and runtime.idle_sleep_seconds (line 6) are the same key'),
    )
  }
})

test('what is wrong is told with its line', () => {
  expect(reading('[recovery]\nmax_fix_cycles = 0\nmax_fix = 1\n')).toThrow(
    invalid('recovery.max_fix_cycles (line 2): '),
  )
  expect(reading('[recovery]\nmax_fixcycles = 1\n')).toThrow(
    invalid('unknown key recovery.max_fixcycles (line 2), did you mean recovery.max_fix_cycles?'),
  )
})
