import { describe, expect, it } from 'vitest'
import { closureTarget } from '../../../test/rig/run.ts'
import { newRun } from '../../core/completion.ts'
import { parseConfig } from '../../core/config.ts'
import { type ClosureTarget, newSnapshot } from '../../core/state.ts'
import { checkEnvironment, checkPlatform } from './machine.ts'
import { checkHeld } from './state.ts'

const NOW = '2026-03-01T12:00:00.000Z'

const target = (root: string, held: ClosureTarget['held'] = null) => closureTarget(root, { held })

describe('checkHeld', () => {
  it('is silent while nothing waits for a person', () => {
    expect(checkHeld(newSnapshot(NOW), [target('S-1')])).toEqual([])
  })

  it('names held runs, held closures and pauses, and how each goes on', () => {
    const run = newRun(NOW, { runId: 'run-1', plane: 'execution', nodeId: 'n', stageKindId: 'k', planId: 'p' })
    const snapshot = {
      ...newSnapshot(NOW),
      active_runs: [{ ...run, held: { reason: 'the plan is gone', since: NOW } }],
      pause_sources: [{ source: 'operator', reason: 'release day', since: NOW, until: null }],
      last_reload_error: 'no such mode',
    }
    const held = { reason: 'rounds used up', since: NOW, attempts: 1, retry_at: null, finished_items: 0 }
    const findings = checkHeld(snapshot, [target('S-1', held)])
    expect(findings.map((finding) => [finding.level, finding.code])).toEqual([
      ['warning', 'run_held'],
      ['warning', 'closure_target_held'],
      ['info', 'runtime_paused'],
      ['warning', 'config_reload_failed'],
    ])
    for (const finding of findings) expect(finding.remedy).toBeTruthy()
  })

  it('a closure that is judged again by itself asks nothing of anybody', () => {
    const held = { reason: 'gap', since: NOW, attempts: 1, retry_at: '2026-03-01T13:00:00Z', finished_items: 0 }
    expect(checkHeld(newSnapshot(NOW), [target('S-1', held)])[0]).toMatchObject({
      remedy: null,
      message: expect.stringContaining('next try at 2026-03-01T13:00:00Z'),
    })
  })

  it('several open closure targets are a state the runtime never makes', () => {
    expect(checkHeld(newSnapshot(NOW), [target('S-1'), target('S-2')])[0]).toMatchObject({
      level: 'error',
      code: 'closure_target_state_invalid',
    })
  })
})

describe('the machine', () => {
  it('environment variables are named, never shown', () => {
    const config = parseConfig({ runners: { codex: { env: { TOKEN: 's3cret' }, env_pass: ['AWS_PROFILE'] } } }, 'x')
    const findings = checkEnvironment(config)
    expect(findings).toHaveLength(1)
    expect(findings[0]?.message).toContain('AWS_PROFILE, TOKEN')
    expect(JSON.stringify(findings)).not.toContain('s3cret')
  })

  it('the variables of every harness are told, of each under its own name', () => {
    const runners = {
      claude: { env_pass: ['A'] },
      acp: { env: { B: '1' } },
      pi: { env: { C: '1' } },
      command: { env_pass: ['D'] },
    }
    const told = checkEnvironment(parseConfig({ runners }, 'x')).map(({ message }) => message)
    expect(told.map((message) => /runners\.(\w+) .*: (\w)\.$/.exec(message)?.slice(1, 3).join(' '))).toEqual([
      'pi C',
      'claude A',
      'acp B',
      'command D',
    ])
  })

  it('the weaker sweep of macOS is said there, and only there', () => {
    expect(checkPlatform('linux')).toEqual([])
    expect(checkPlatform('darwin')[0]).toMatchObject({ level: 'info', code: 'platform_weaker_sweep' })
  })
})
