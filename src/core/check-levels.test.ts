import { describe, expect, test } from 'vitest'
import { type CompileChoice, compileWith, edit, RUNNERS } from '../../test/rig/assets.ts'
import type { Loop } from './loop.ts'
import type { Mode } from './mode.ts'

const CODEX = 'modes/default_codex.json'
const EXECUTION = 'graphs/execution/standard.json'
const CONFIG = 'millrace.toml'

/** Code, file and place of every finding where stages run on other runners than the shipped mode says. */
function found(runnerByStage: Record<string, string>, choice: CompileChoice = {}) {
  const bind = edit<Mode>((mode) => Object.assign(mode.stage_runner_bindings, runnerByStage))
  const changes = { ...choice.changes }
  const mode = changes[CODEX]
  changes[CODEX] = (text) => bind(typeof mode === 'function' ? mode(text) : text)
  const { diagnostics, plan } = compileWith({
    ...choice,
    changes,
    input: { runners: [...RUNNERS, 'claude_code', 'acp'] },
  })
  return { plan, diagnostics, places: diagnostics.map(({ code, path, at }) => [code, path, at]) }
}

const onNode = (level: 'basic' | 'elevated') =>
  edit<Loop>((loop) =>
    Object.assign(loop.nodes.find((node) => node.node_id === 'builder')!, { permission_level: level }),
  )
const inMode = (level: 'basic' | 'elevated') =>
  edit<Mode>((mode) => Object.assign(mode, { stage_permission_bindings: { builder: level } }))

describe('a permission level that the runner of a node cannot be held to', () => {
  test('is refused where the node sets it, in one sentence with the way out', () => {
    const { plan, diagnostics, places } = found({ builder: 'command' }, { changes: { [EXECUTION]: onNode('basic') } })
    expect(plan).toBeNull()
    expect(places).toEqual([['PERMISSION_NOT_HONOURED', EXECUTION, 'nodes.0 builder']])
    expect(diagnostics[0]!.message).toBe(
      'node builder would run at permission level basic, but runner command can only be held to maximum; set maximum here, or bind the stage to codex_cli, claude_code, acp',
    )
  })

  test('is refused where the mode sets it, also over a node', () => {
    const changes = { [CODEX]: inMode('elevated'), [EXECUTION]: onNode('basic') }
    const { diagnostics, places } = found({ builder: 'pi_rpc' }, { changes })
    expect(places).toEqual([['PERMISSION_NOT_HONOURED', CODEX, 'stage_permission_bindings.builder']])
    expect(diagnostics[0]!.message).toContain('permission level elevated, but runner pi_rpc')
  })

  test('is refused where the config sets it: by stage, by model, or as the default, which is told once', () => {
    const all = { builder: 'pi_rpc', checker: 'pi_rpc', fixer: 'pi_rpc', doublechecker: 'pi_rpc' }
    const model = edit<Mode>((mode) => Object.assign(mode, { stage_model_bindings: { checker: 'small' } }))
    const pi = {
      permission_default: 'elevated',
      permission_by_stage: { builder: 'basic' },
      permission_by_model: { small: 'basic' },
    }
    const { places } = found(all, { changes: { [CODEX]: model }, config: { runners: { pi } } })
    expect(places).toEqual([
      ['PERMISSION_NOT_HONOURED', CONFIG, 'runners.pi.permission_by_stage.builder'],
      ['PERMISSION_NOT_HONOURED', CONFIG, 'runners.pi.permission_by_model.small'],
      ['PERMISSION_NOT_HONOURED', CONFIG, 'runners.pi.permission_default'],
    ])
  })

  test('is none where something stronger says maximum', () => {
    const pi = { permission_by_stage: { builder: 'maximum' } }
    const { places } = found(
      { builder: 'pi_rpc' },
      { changes: { [EXECUTION]: onNode('basic') }, config: { runners: { pi } } },
    )
    expect(places).toEqual([])
  })

  test.each(['codex_cli', 'claude_code', 'acp'])('is none on %s, which has every level', (runner) => {
    const { plan, places } = found({ builder: runner }, { changes: { [EXECUTION]: onNode('basic') } })
    expect(places).toEqual([])
    expect(plan).not.toBeNull()
  })

  test.each(['command', 'pi_rpc', 'scripted'])('is none on %s where nobody asks for less than it gives', (runner) => {
    const { plan, places } = found(Object.fromEntries(['builder', 'checker', 'fixer'].map((stage) => [stage, runner])))
    expect(places).toEqual([])
    expect(plan).not.toBeNull()
  })

  test('the levels of one runner do not concern the stages of another', () => {
    const pi = { permission_default: 'basic' }
    expect(found({ builder: 'codex_cli' }, { config: { runners: { pi } } }).places).toEqual([])
  })
})
