import { describe, expect, it } from 'vitest'
import { configWith, edit, planWith } from '../../../test/rig/assets.ts'
import type { Mode } from '../../core/mode.ts'
import { checkPermissions, checkRoot } from './permissions.ts'

const CODEX = 'modes/default_codex.json'
const ALL_RUNNERS = ['codex_cli', 'claude_code', 'acp', 'pi_rpc', 'command', 'scripted']

function posture(runners: Record<string, string>, config: object = {}) {
  const change = edit<Mode>((mode) => Object.assign(mode.stage_runner_bindings, runners))
  const plan = planWith({ changes: { [CODEX]: change }, config, input: { runners: ALL_RUNNERS } })
  return checkPermissions(configWith(config), plan)
}

describe('what agents may do', () => {
  it('is told once for a runner and level, with the stages and what says so', () => {
    const config = { runners: { codex: { permission_by_stage: { builder: 'basic', fixer: 'basic' } } } }
    const findings = posture({}, config)
    expect(findings.map(({ level, code }) => [level, code])).toEqual([
      ['info', 'permission_posture'],
      ['info', 'permission_posture'],
    ])
    const [basic, maximum] = findings
    expect(basic?.message).toContain(
      'permission level basic (runners.codex.permission_by_stage.builder, runners.codex.permission_by_stage.fixer), for builder, fixer:',
    )
    expect(basic?.message).toContain('sandbox of Codex')
    expect(basic?.remedy).toBeNull()
    expect(maximum?.message).toMatch(/permission level maximum .* for [^:]*checker/)
    expect(maximum?.message).not.toMatch(/for [^:]*builder[^:]*:/)
  })

  it.each(['codex_cli', 'claude_code', 'acp', 'pi_rpc', 'command'])(
    'at maximum on %s is anything the user may',
    (runner) => {
      const finding = posture({ builder: runner }).find(({ message }) => message.startsWith(`Runner ${runner},`))
      expect(finding?.message).toContain('it may do anything your user may')
      expect(finding?.remedy).toContain('container')
      const isChoice = ['codex_cli', 'claude_code', 'acp'].includes(runner)
      expect(finding?.remedy?.includes('basic or elevated')).toBe(isChoice)
    },
  )

  it('is nothing to tell of a runner without levels', () => {
    const everywhere = Object.fromEntries(
      planWith().graphs_by_plane.execution!.nodes.map((node) => [node.stage_kind_id, 'scripted']),
    )
    const told = posture(everywhere).map(({ message }) => message)
    expect(told.join()).not.toContain('scripted')
    expect(told.join()).not.toContain('builder')
  })

  it('each level of each runner reads differently', () => {
    const read = ['basic', 'elevated', 'maximum'].flatMap((level) =>
      ['codex', 'claude', 'acp'].map((section, at) => {
        const runner = ['codex_cli', 'claude_code', 'acp'][at]!
        const config = { runners: { [section]: { permission_by_stage: { builder: level } } } }
        const { message } = posture({ builder: runner }, config).find((one) =>
          one.message.includes(`Runner ${runner}, permission level ${level}`),
        )!
        return message.split(': ').slice(1).join(': ')
      }),
    )
    expect(new Set(read).size).toBe(7)
  })
})

describe('Claude Code as root', () => {
  const change = edit<Mode>((mode) => Object.assign(mode.stage_runner_bindings, { builder: 'claude_code' }))
  function asked(claude: object, isRoot = true, environment = {}) {
    const config = { runners: { claude } }
    const plan = planWith({ changes: { [CODEX]: change }, config, input: { runners: ALL_RUNNERS } })
    return checkRoot(configWith(config), plan, { isRoot, environment }).map(({ level, code }) => `${level} ${code}`)
  }

  it('is warned of where it would not start', () => {
    expect(asked({})).toEqual(['warning runner_refuses_root'])
    expect(asked({ env_pass: ['IS_SANDBOX'] })).toEqual(['warning runner_refuses_root'])
  })

  it('is no matter for others, below the level maximum, or in a sandbox', () => {
    expect(asked({}, false)).toEqual([])
    expect(asked({ permission_default: 'elevated' })).toEqual([])
    expect(asked({ env: { IS_SANDBOX: '1' } })).toEqual([])
    expect(asked({ env_pass: ['IS_SANDBOX'] }, true, { IS_SANDBOX: '1' })).toEqual([])
  })
})
