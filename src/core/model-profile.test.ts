import { describe, expect, it } from 'vitest'
import { assetsWith, type Change, compileWith, edit, planWith } from '../../test/rig/assets.ts'
import { describeFormat } from '../../test/rig/format.ts'
import type { Mode } from './mode.ts'
import { ModelProfile } from './model-profile.ts'
import { nodeOf, nodesOf, type Plan } from './plan.ts'
import type { StageKind } from './stage.ts'

const MINE: ModelProfile = {
  schema_version: '1.0',
  kind: 'model_profile',
  model_profile_id: 'mine-2026-11',
  description: 'Mine.',
  runners: {
    codex_cli: {
      model: 'model-of-profile',
      model_reasoning_effort: 'low',
      stages: { builder: { model_reasoning_effort: 'xhigh' }, checker: { model: 'model-of-checker' } },
    },
  },
}
const FILE = 'registry/model_profiles/mine-2026-11.json'
const WITH_MINE = { [FILE]: MINE }
const MODE = 'modes/default_codex.json'
const inMode = (change: (mode: Mode) => void) => ({ [MODE]: edit<Mode>(change) })

describeFormat('a model profile', {
  schema: ModelProfile,
  full: MINE,
  least: { ...MINE, runners: {} },
  filled: { ...MINE, runners: {} },
  words: {
    'runners.codex_cli.model_reasoning_effort': ['low', 'medium', 'high', 'xhigh'],
    'runners.codex_cli.stages.builder.model_reasoning_effort': ['low', 'medium', 'high', 'xhigh'],
  },
  filledIn: ['description', 'runners.codex_cli.model', 'runners.codex_cli.stages.checker.model'],
  open: ['runners', 'runners.codex_cli.stages'],
})

const bound = (plan: Plan, node: string) => {
  const found = nodeOf(plan, 'execution', node)!
  const { model_name, model_reasoning_effort, origins } = found
  return { model_name, model_reasoning_effort, by: origins.model_name, effortBy: origins.model_reasoning_effort }
}

describe('shipped profiles', () => {
  it('give every stage of the shipped modes of Codex and Claude Code a model, and the plan says who did', () => {
    for (const [mode, profile] of [
      ['default_codex', 'codex-2026-11'],
      ['default_claude', 'claude-2026-11'],
      ['codex_claude', 'codex-claude-2026-11'],
    ] as const) {
      const plan = planWith({ mode })
      for (const node of nodesOf(plan)) {
        expect(node.model_name, node.node_id).toMatch(
          node.runner_name === 'codex_cli' ? /^gpt-5\.\d-codex$/ : /^claude-/,
        )
        expect(node.origins.model_name).toBe(`model profile ${profile}`)
      }
      expect(plan.source_refs).toContain(`model_profile:${profile}`)
      expect(plan.resolved_assets).toContainEqual(
        expect.objectContaining({ asset_family: 'model_profile', logical_id: `model_profile:${profile}` }),
      )
    }
  })

  it('leave the models of Pi to its own settings, because they depend on the provider', () => {
    expect(nodesOf(planWith({ mode: 'default_pi' })).map((node) => node.model_name)).toEqual(Array(12).fill(null))
  })

  it('are dated', () => {
    const ids = [...assetsWith().files.values()].flatMap(({ path, text }) =>
      path.startsWith('registry/model_profiles/') ? [(JSON.parse(text) as ModelProfile).model_profile_id] : [],
    )
    expect(ids.length).toBeGreaterThan(2)
    for (const id of ids) expect(id).toMatch(/-20\d\d-(0[1-9]|1[0-2])(-|$)/)
  })
})

describe('a profile', () => {
  it('chosen by the config gives each stage what it says of it, else what it says of its runner', () => {
    const plan = planWith({ changes: WITH_MINE, config: { runtime: { model_profile: 'mine-2026-11' } } })
    const by = 'model profile mine-2026-11'
    expect(bound(plan, 'builder')).toEqual({
      model_name: 'model-of-profile',
      model_reasoning_effort: 'xhigh',
      by,
      effortBy: by,
    })
    expect(bound(plan, 'checker')).toMatchObject({ model_name: 'model-of-checker', model_reasoning_effort: 'low' })
    expect(bound(plan, 'updater')).toMatchObject({ model_name: 'model-of-profile', model_reasoning_effort: 'low' })
  })

  it('goes below what is said of a stage itself, by loop, mode or config', () => {
    const config = { runtime: { model_profile: 'mine-2026-11' } }
    const ofConfig = planWith({ changes: WITH_MINE, config: { ...config, stages: { builder: { model: 'own' } } } })
    expect(bound(ofConfig, 'builder')).toMatchObject({ model_name: 'own', by: 'config stages.builder' })
    const ofMode = planWith({
      changes: { ...WITH_MINE, ...inMode((mode) => Object.assign(mode, { stage_model_bindings: { builder: 'own' } })) },
      config,
    })
    expect(bound(ofMode, 'builder')).toMatchObject({ model_name: 'own', by: 'mode default_codex' })
    const ofLoop = planWith({
      changes: {
        ...WITH_MINE,
        'graphs/execution/standard.json': edit<{ nodes: object[] }>((loop) =>
          Object.assign(loop.nodes[0]!, { model_name: 'own' }),
        ),
      },
      config,
    })
    expect(bound(ofLoop, 'builder')).toMatchObject({ model_name: 'own', by: 'node', model_reasoning_effort: 'xhigh' })
  })

  it('of the config goes over that of a shipped mode, and below that of a mode of the workspace', () => {
    const config = { runtime: { model_profile: 'codex-2026-11-complex' } }
    const effortOf = (changes: Record<string, Change>, source: 'package' | 'workspace') =>
      bound(planWith({ config, input: { assets: assetsWith(changes, source) } }), 'checker').model_reasoning_effort
    expect(effortOf({}, 'package')).toBe('xhigh')
    expect(
      effortOf(
        inMode((mode) => Object.assign(mode, { model_profile: 'codex-2026-11' })),
        'workspace',
      ),
    ).toBeNull()
    const without = inMode((mode) => delete (mode as Partial<Mode>).model_profile)
    expect(effortOf(without, 'workspace')).toBe('xhigh')
  })

  it('of the workspace goes over the one of the package as a whole', () => {
    const own = { ...MINE, model_profile_id: 'codex-2026-11' }
    const plan = planWith({ changes: { 'registry/model_profiles/codex-2026-11.json': own } })
    expect(bound(plan, 'updater').model_name).toBe('model-of-profile')
    expect(plan.resolved_assets.find((asset) => asset.asset_family === 'model_profile')!.source).toBe('workspace')
  })

  it('says nothing of a stage of another runner, nor of one whose kind takes no model from others', () => {
    const config = { runtime: { model_profile: 'mine-2026-11' } }
    expect(bound(planWith({ changes: WITH_MINE, config, mode: 'default_claude' }), 'builder').model_name).toBeNull()
    const changes = {
      ...WITH_MINE,
      'registry/stage_kinds/execution/builder.json': edit<StageKind>((kind) => {
        kind.allowed_overrides = ['runner_name', 'timeout_seconds']
      }),
    }
    expect(bound(planWith({ changes, config }), 'builder')).toMatchObject({
      model_name: null,
      model_reasoning_effort: null,
    })
  })

  it('that there is not is an error at whoever names it', () => {
    const ofConfig = compileWith({ config: { runtime: { model_profile: 'codex-2026-1' } } })
    expect(ofConfig.plan).toBeNull()
    expect(ofConfig.diagnostics).toMatchObject([
      { code: 'MODEL_PROFILE_UNKNOWN', path: 'millrace.toml', at: 'runtime.model_profile' },
    ])
    expect(ofConfig.diagnostics[0]!.message).toContain('did you mean codex-2026-11?')
    const ofMode = compileWith({ changes: inMode((mode) => Object.assign(mode, { model_profile: 'nothing' })) })
    expect(ofMode.diagnostics).toMatchObject([{ code: 'MODEL_PROFILE_UNKNOWN', path: MODE, at: 'model_profile' }])
    const broken = compileWith({ changes: { [FILE]: '{' }, config: { runtime: { model_profile: 'mine-2026-11' } } })
    expect(broken.diagnostics).toMatchObject([{ code: 'ASSET_BAD_JSON', path: FILE }])
  })

  it('that two files declare is an error where it is used', () => {
    const changes = { ...WITH_MINE, 'registry/model_profiles/twin.json': MINE }
    const { diagnostics } = compileWith({ changes, config: { runtime: { model_profile: 'mine-2026-11' } } })
    expect(diagnostics).toMatchObject([{ code: 'ASSET_DUPLICATE' }])
    expect(compileWith({ changes }).plan).not.toBeNull()
  })
})
