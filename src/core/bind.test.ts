import { describe, expect, it } from 'vitest'
import { assetsWith, type Change, configWith, edit, planWith } from '../../test/rig/assets.ts'
import type { Loop } from './loop.ts'
import type { Mode } from './mode.ts'
import { nodeOf, type PlanNode } from './plan.ts'

const EXECUTION = 'graphs/execution/standard.json'
const CODEX = 'modes/default_codex.json'

const onNode = (values: object) => ({ [EXECUTION]: edit<Loop>((loop) => Object.assign(loop.nodes[0]!, values)) })
const inMode = (change: (mode: Mode) => void) => ({ [CODEX]: edit<Mode>(change) })

/** The builder node, its mode being the workspace's or the package's own. */
function builder(
  source: 'package' | 'workspace',
  changes: Record<string, Change>,
  stage: object = {},
  config: object = {},
): PlanNode {
  const assets = assetsWith(changes, source)
  const plan = planWith({
    input: {
      assets,
      config: configWith({ stages: { builder: stage }, ...config }),
      runners: ['codex_cli', 'a', 'b', 'c'],
    },
  })
  return nodeOf(plan, 'execution', 'builder')!
}

const MODE_BINDS = inMode((mode) => {
  mode.stage_runner_bindings = { builder: 'a' }
  mode.stage_model_bindings = { builder: 'model-of-mode' }
})
const CONFIG_BINDS = { runner: 'b', model: 'model-of-config' }

describe('runner and model', () => {
  it('of the config win over a shipped mode', () => {
    const node = builder('package', MODE_BINDS, CONFIG_BINDS)
    expect(node).toMatchObject({ runner_name: 'b', model_name: 'model-of-config' })
    expect(node.origins).toMatchObject({ runner_name: 'config stages.builder', model_name: 'config stages.builder' })
  })

  it('of a workspace mode win over the config', () => {
    const node = builder('workspace', MODE_BINDS, CONFIG_BINDS)
    expect(node).toMatchObject({ runner_name: 'a', model_name: 'model-of-mode' })
    expect(node.origins).toMatchObject({ runner_name: 'mode default_codex', model_name: 'mode default_codex' })
  })

  it.each(['package', 'workspace'] as const)('of either win over the node (%s)', (source) => {
    const node = onNode({ runner_name: 'c', model_name: 'model-of-node' })
    expect(builder(source, { ...node, ...MODE_BINDS }).runner_name).toBe('a')
    const unbound = inMode((mode) => Object.assign(mode, { stage_runner_bindings: {} }))
    expect(builder(source, { ...node, ...unbound }, CONFIG_BINDS).runner_name).toBe('b')
    const alone = builder(source, { ...node, ...unbound })
    expect(alone).toMatchObject({ runner_name: 'c', model_name: 'model-of-node' })
    expect(alone.origins).toMatchObject({ runner_name: 'node', model_name: 'node' })
  })

  it('fall back to the default runner, which only fills gaps, and to no model', () => {
    const unbound = inMode((mode) => Object.assign(mode, { stage_runner_bindings: {} }))
    const node = builder('package', unbound, {}, { runners: { default_runner: 'c' } })
    expect(node).toMatchObject({ runner_name: 'c', model_name: null })
    expect(node.origins.runner_name).toBe('default config runners.default_runner')
    expect(node.origins.model_name).toBeUndefined()
    expect(builder('package', {}, {}, { runners: { default_runner: 'c' } }).runner_name).toBe('codex_cli')
  })
})

describe('the time limit', () => {
  it('is one hour, else the one of the node, else the one of the config', () => {
    expect(builder('package', {})).toMatchObject({ timeout_seconds: 3600, origins: { timeout_seconds: 'default' } })
    const node = onNode({ timeout_seconds: 60 })
    expect(builder('package', node)).toMatchObject({ timeout_seconds: 60, origins: { timeout_seconds: 'node' } })
    const both = builder('package', node, { timeout_seconds: 30 })
    expect(both).toMatchObject({ timeout_seconds: 30, origins: { timeout_seconds: 'config stages.builder' } })
  })

  it('W-47: of a node is not overridden by a config section that does not name one', () => {
    expect(builder('package', onNode({ timeout_seconds: 60 }), { model: 'm' }).timeout_seconds).toBe(60)
  })
})

describe('the other values', () => {
  it('take the entrypoint from the mode, else the node, else the stage kind', () => {
    const [ofNode, ofMode] = ['entrypoints/execution/checker.md', 'entrypoints/execution/fixer.md']
    expect(builder('package', {}).origins.entrypoint_path).toBe('stage kind')
    const node = onNode({ entrypoint_path: ofNode })
    expect(builder('package', node)).toMatchObject({ entrypoint_path: ofNode, origins: { entrypoint_path: 'node' } })
    const mode = inMode((value) => Object.assign(value.stage_entrypoint_overrides, { builder: ofMode }))
    const both = builder('package', { ...node, ...mode })
    expect(both).toMatchObject({ entrypoint_path: ofMode, origins: { entrypoint_path: 'mode default_codex' } })
  })

  it('join the skills of node and mode, each once, in that order', () => {
    const [a, b] = ['skills/stage/execution/fixer-core/SKILL.md', 'skills/shared/marathon-qa-audit/SKILL.md']
    const node = onNode({ attached_skill_additions: [a, b] })
    const mode = inMode((value) => Object.assign(value.stage_skill_additions, { builder: [b] }))
    expect(builder('package', { ...node, ...mode }).attached_skill_additions).toEqual([a, b])
    expect(builder('package', { ...node, ...mode }).origins.attached_skill_additions).toBe('mode default_codex')
    expect(builder('package', node).origins.attached_skill_additions).toBe('node')
    expect(builder('package', {}).origins.attached_skill_additions).toBeUndefined()
  })

  it('take effort from the config, else the node, else the profile, and permission from the mode, else the node', () => {
    const node = onNode({ model_reasoning_effort: 'low', permission_level: 'basic' })
    expect(builder('package', node)).toMatchObject({
      model_reasoning_effort: 'low',
      permission_level: 'basic',
      origins: { model_reasoning_effort: 'node', permission_level: 'node' },
    })
    const mode = inMode((value) => Object.assign(value, { stage_permission_bindings: { builder: 'elevated' } }))
    const both = builder('package', { ...node, ...mode }, { model_reasoning_effort: 'high' })
    expect(both).toMatchObject({ model_reasoning_effort: 'high', permission_level: 'elevated' })
    expect(both.origins).toMatchObject({
      model_reasoning_effort: 'config stages.builder',
      permission_level: 'mode default_codex',
    })
    expect(builder('package', {})).toMatchObject({ model_reasoning_effort: 'high', permission_level: null })
  })

  it('are looked up by stage kind, so that two nodes of a kind share them', () => {
    const twin = edit<Loop>((loop) => {
      loop.nodes.push({ ...loop.nodes[0]!, node_id: 'second' })
      loop.edges.push(
        { ...loop.edges[0]!, edge_id: 'second-complete', from_node_id: 'second' },
        { ...loop.edges[1]!, edge_id: 'second-blocked', from_node_id: 'second' },
      )
      loop.edges[0]!.to_node_id = 'second'
    })
    const plan = planWith({ changes: { [EXECUTION]: twin }, config: { stages: { builder: { model: 'm' } } } })
    expect(nodeOf(plan, 'execution', 'second')).toMatchObject({
      model_name: 'm',
      entrypoint_contract_id: 'second.contract.v1',
    })
    expect(nodeOf(plan, 'execution', 'builder')!.model_name).toBe('m')
  })
})
