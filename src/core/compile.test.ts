import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assetsWith, type Change, COMPILED_AT, compileWith, configWith, edit, planWith } from '../../test/rig/assets.ts'
import { deepFreeze } from '../../test/rig/view.ts'
import type { AssetFile } from './assets.ts'
import { sha256 } from './ids.ts'
import type { Loop } from './loop.ts'
import type { Mode } from './mode.ts'
import { graphOf, nodeOf, Plan } from './plan.ts'
import type { StageKind } from './stage.ts'

const EXECUTION = 'graphs/execution/standard.json'
const PLANNING = 'graphs/planning/standard.json'
const BUILDER = 'registry/stage_kinds/execution/builder.json'
const CODEX = 'modes/default_codex.json'

const idOf = (choice: Parameters<typeof planWith>[0]) => planWith(choice).compiled_plan_id
const codesOf = (choice: Parameters<typeof compileWith>[0]) =>
  compileWith(choice).diagnostics.map((diagnostic) => diagnostic.code)

describe('the shipped modes', () => {
  it('scenario 1: default_codex compiles without findings, every node on codex_cli with one hour and its contract', () => {
    const { plan, diagnostics } = compileWith({ mode: 'default_codex' })
    expect(diagnostics).toEqual([])
    const nodes = Object.values(plan!.graphs_by_plane).flatMap((graph) => graph.nodes)
    expect(nodes).toHaveLength(12)
    for (const node of nodes) {
      expect(node).toMatchObject({ runner_name: 'codex_cli', timeout_seconds: 3600 })
      expect(node.entrypoint_contract_id).toBe(`${node.node_id}.contract.v1`)
      expect(plan!.entrypoint_texts[node.entrypoint_path]).toContain('#')
    }
  })

  it('scenario 2: standard_plain is default_codex by another name, down to the plan id', () => {
    const alias = compileWith({ mode: 'standard_plain' })
    expect(alias.modeId).toBe('default_codex')
    expect(alias.plan).toEqual(planWith({ mode: 'default_codex' }))
    expect(idOf({ config: { runtime: { default_mode: 'standard_plain' } } })).toBe(alias.plan!.compiled_plan_id)
  })

  it.each([
    ['default_pi', 'pi_rpc'],
    ['default_claude', 'claude_code'],
  ])('scenario 3: %s binds every node to %s', (mode, runner) => {
    const plan = planWith({ mode })
    const nodes = Object.values(plan.graphs_by_plane).flatMap((graph) => graph.nodes)
    expect(new Set(nodes.map((node) => node.runner_name))).toEqual(new Set([runner]))
    expect(plan.loop_ids_by_plane).toEqual(planWith().loop_ids_by_plane)
  })

  it('codex_claude lets no harness judge what it made itself', () => {
    const plan = planWith({ mode: 'codex_claude' })
    const nodes = Object.values(plan.graphs_by_plane).flatMap((graph) => graph.nodes)
    const boundTo = (runner: string) => nodes.filter((node) => node.runner_name === runner).map((node) => node.node_id)
    expect(boundTo('claude_code').sort()).toEqual(['arbiter', 'auditor', 'checker', 'consultant', 'doublechecker'])
    expect(boundTo('codex_cli')).toHaveLength(nodes.length - 5)
    expect(plan.loop_ids_by_plane).toEqual(planWith().loop_ids_by_plane)
  })

  it('give plans that follow their own schema and survive being written and read', () => {
    for (const mode of ['codex_claude', 'default_claude', 'default_codex', 'default_pi']) {
      const plan = planWith({ mode })
      expect(Plan.parse(JSON.parse(JSON.stringify(plan)))).toEqual(plan)
    }
  })

  it('are chosen by the caller first, then by the config, and blanks count as nothing', () => {
    const config = { runtime: { default_mode: 'default_pi' } }
    expect(compileWith({ config, mode: 'default_codex' }).modeId).toBe('default_codex')
    expect(compileWith({ config }).modeId).toBe('default_pi')
    expect(compileWith({ config, mode: '  ' }).modeId).toBe('default_pi')
    expect(compileWith({ config: { runtime: { default_mode: ' ' } } }).modeId).toBe('default_codex')
  })
})

describe('the plan id', () => {
  it('scenario 5: does not depend on the time, but on what the loops do', () => {
    const later = planWith({ input: { compiledAt: '2030-01-01T00:00:00.000Z' } })
    expect(later.compiled_at).not.toBe(COMPILED_AT)
    expect(later.compiled_plan_id).toBe(idOf({}))
    const fewerRounds = edit<Loop>((loop) => Object.assign(loop.completion_behavior!, { rounds_max: 2 }))
    expect(idOf({ changes: { [PLANNING]: fewerRounds } })).not.toBe(idOf({}))
  })

  it('does not depend on the order in which the files come', () => {
    const files = [...assetsWith().files.values()]
    fc.assert(
      fc.property(fc.shuffledSubarray(files, { minLength: files.length }), (shuffled) => {
        const assets = { files: new Map(shuffled.map((file) => [file.path, file])) }
        expect(planWith({ input: { assets } })).toEqual(planWith())
      }),
      { numRuns: 10 },
    )
  })

  it('changes with the text of an entrypoint and of a skill that it uses, and with nothing else', () => {
    const used = ['entrypoints/execution/builder.md', 'skills/stage/execution/builder-core/SKILL.md']
    for (const path of used) expect(idOf({ changes: { [path]: 'other words' } })).not.toBe(idOf({}))
    const unused = { 'skills/shared/marathon-qa-audit/SKILL.md': 'other words', 'modes/other.json': '{' }
    const plan = planWith({ changes: unused })
    expect(plan.compiled_plan_id).toBe(idOf({}))
    expect(plan.compile_input_fingerprint).toEqual(planWith().compile_input_fingerprint)
  })

  it('goes with a fingerprint of the assets that moves when one of them says something else', () => {
    const fingerprintOf = (changes: Record<string, Change>) =>
      planWith({ changes }).compile_input_fingerprint.assets_fingerprint
    const shipped = fingerprintOf({})
    expect(shipped).toMatch(/^assets-[0-9a-f]{12}$/)
    expect(planWith().compile_input_fingerprint.config_fingerprint).toMatch(/^cfg-[0-9a-f]{12}$/)
    expect(fingerprintOf({ 'entrypoints/execution/builder.md': 'other words' })).not.toBe(shipped)
    expect(fingerprintOf({ [BUILDER]: (text) => `${text}\n` })).not.toBe(shipped)
  })

  it('does not change when the workspace holds its own copies of the same text', () => {
    const path = 'entrypoints/execution/builder.md'
    const plan = planWith({ changes: { [path]: (text) => text } })
    expect(plan.compiled_plan_id).toBe(idOf({}))
    expect(plan.resolved_assets.find((asset) => asset.path === path)?.source).toBe('workspace')
  })

  it('names the mode and carries twelve hexadecimal digits', () => {
    expect(idOf({ mode: 'default_pi' })).toMatch(/^plan-default_pi-[0-9a-f]{12}$/)
  })

  it('stays while the fingerprint of the inputs moves with a config key that is not compiled', () => {
    const other = planWith({ config: { watchers: { debounce_ms: 10 } } })
    expect(other.compiled_plan_id).toBe(idOf({}))
    expect(other.compile_input_fingerprint.config_fingerprint).not.toBe(
      planWith().compile_input_fingerprint.config_fingerprint,
    )
  })
})

describe('budgets', () => {
  it('scenario 4: come from the config where the policy names a key', () => {
    const recovery = { max_fix_cycles: 5, max_troubleshoot_attempts_before_consult: 4, max_mechanic_attempts: 3 }
    const plan = planWith({ config: { recovery } })
    const thresholds = Object.values(plan.graphs_by_plane)
      .flatMap((graph) => graph.threshold_policies)
      .map((policy) => [policy.policy_id, policy.threshold])
    expect(Object.fromEntries(thresholds)).toEqual({
      'execution.fix-needed.exhaustion': 5,
      'execution.blocked.recovery': 4,
      'execution.blocked.total': 8,
      'execution.consult.limit': 3,
      'planning.blocked.recovery': 3,
      'planning.blocked.total': 8,
    })
  })

  it.each([
    ['recovery.max_fix_cycle', 'did you mean recovery.max_fix_cycles?'],
    ['runtime.run_style', 'name another key, or remove it'],
    ['constructor.length', 'name another key, or remove it'],
    ['zzz', 'name another key, or remove it'],
  ])('refuse the key %s, which holds no count', (key, mend) => {
    const change = edit<Loop>((loop) => {
      loop.dynamic_policies.threshold_policies[0]!.threshold_from = key
    })
    expect(compileWith({ changes: { [EXECUTION]: change } }).diagnostics).toEqual([
      {
        code: 'LOOP_DANGLING_REF',
        severity: 'error',
        path: EXECUTION,
        at: 'threshold_policies.0 execution.fix-needed.exhaustion',
        message: expect.stringContaining(mend),
      },
    ])
  })
})

describe('a mode', () => {
  it('scenario 6: with an entrypoint outside the assets does not compile', () => {
    for (const path of ['../x.md', '/etc/x.md', 'entrypoints/../x.md', 'skills.md', 'entrypoints/x.txt']) {
      const change = edit<Mode>((mode) => Object.assign(mode.stage_entrypoint_overrides, { builder: path }))
      const { plan, diagnostics } = compileWith({ changes: { [CODEX]: change } })
      expect(plan).toBeNull()
      expect(diagnostics.map(({ code, path: file, at }) => [code, file, at])).toEqual(
        diagnostics.map(() => ['ASSET_INVALID', CODEX, 'stage_entrypoint_overrides.builder']),
      )
      expect(diagnostics.length).toBeGreaterThan(0)
    }
  })

  it('scenario 7: that speaks of a stage outside its loops is refused, naming map and stage, map by map', () => {
    const change = edit<Mode>((mode) => {
      Object.assign(mode.stage_runner_bindings, { zebra: 'codex_cli' })
      Object.assign(mode.stage_entrypoint_overrides, { zebra: 'entrypoints/z.md', ant: 'entrypoints/a.md' })
    })
    expect(compileWith({ changes: { [CODEX]: change } }).diagnostics).toMatchObject([
      { code: 'MODE_STAGE_OUTSIDE_LOOPS', at: 'stage_entrypoint_overrides.ant' },
      { code: 'MODE_STAGE_OUTSIDE_LOOPS', at: 'stage_entrypoint_overrides.zebra' },
      {
        code: 'MODE_STAGE_OUTSIDE_LOOPS',
        at: 'stage_runner_bindings.zebra',
        message: expect.stringContaining('remove it'),
      },
    ])
  })

  it('scenario 9: whose file is broken gives no plan and the reason', () => {
    const { plan, frozenTexts, diagnostics } = compileWith({ changes: { [CODEX]: '{' } })
    expect(plan).toBeNull()
    expect(frozenTexts.size).toBe(0)
    expect(diagnostics).toMatchObject([{ code: 'ASSET_BAD_JSON', path: CODEX }])
  })

  it('scenario 10: with a field it does not have is refused', () => {
    const change = edit<object>((mode) => Object.assign(mode, { learning_trigger_rules: [] }))
    expect(compileWith({ changes: { [CODEX]: change } }).diagnostics).toMatchObject([
      { code: 'ASSET_INVALID', path: CODEX, message: expect.stringContaining('learning_trigger_rules') },
    ])
  })

  it('scenario 11: attaches skills to the stages it names only, and leaves the required ones', () => {
    const change = edit<Mode>((mode) => {
      Object.assign(mode.stage_skill_additions, { builder: ['skills/shared/marathon-qa-audit/SKILL.md'] })
    })
    const plan = planWith({ changes: { [CODEX]: change } })
    const nodes = graphOf(plan, 'execution')!.nodes
    expect(nodes.filter((node) => node.attached_skill_additions.length > 0).map((node) => node.node_id)).toEqual([
      'builder',
    ])
    expect(nodes[0]!.required_skill_paths).toEqual(nodeOf(planWith(), 'execution', 'builder')!.required_skill_paths)
    expect(plan.skill_hashes['skills/shared/marathon-qa-audit/SKILL.md']).toMatch(/^[0-9a-f]{64}$/)
  })

  it('may attach a skill that is not there yet; the plan changes once it appears', () => {
    const changes: Record<string, Change> = {
      [CODEX]: edit<Mode>((mode) => Object.assign(mode.stage_skill_additions, { builder: ['skills/mine/SKILL.md'] })),
    }
    const before = compileWith({ changes })
    expect(before.diagnostics.map(({ code }) => code)).toEqual(['SKILL_MISSING'])
    expect(before.plan!.skill_hashes['skills/mine/SKILL.md']).toBe('missing')
    expect(before.frozenTexts.has('skills/mine/SKILL.md')).toBe(false)
    const after = compileWith({ changes: { ...changes, 'skills/mine/SKILL.md': '# Mine' } })
    expect(after.diagnostics).toEqual([])
    expect(after.plan!.compiled_plan_id).not.toBe(before.plan!.compiled_plan_id)
  })

  it('scenario 12: of the workspace compiles with a loop of the workspace', () => {
    const mine = edit<Loop>((loop) => Object.assign(loop, { loop_id: 'execution.mine' }))
    const text = mine(assetsWith().files.get(EXECUTION)!.text)
    const mode = {
      schema_version: '1.0',
      kind: 'mode',
      mode_id: 'mine',
      loop_ids_by_plane: { execution: 'execution.mine' },
    }
    const plan = planWith({ mode: 'mine', changes: { 'graphs/execution/mine.json': text, 'modes/mine.json': mode } })
    expect(plan.loop_ids_by_plane).toEqual({ execution: 'execution.mine' })
    expect(plan.claim_order).toEqual({ fairness: 'strict', planes: [{ plane: 'execution', kinds: ['task'] }] })
    expect(plan.source_refs).toEqual(['mode:mine', 'graph_loop:execution.mine'])
  })

  it('may name its loops in the older spelling', () => {
    const older = edit<Record<string, unknown>>((mode) => {
      mode.loop_ids_by_plane = undefined
      Object.assign(mode, { execution_loop_id: 'execution.standard', planning_loop_id: 'planning.standard' })
    })
    expect(idOf({ changes: { [CODEX]: older } })).toBe(idOf({}))
  })

  it('without a claim order takes planes in the order of their names and never claims closure targets', () => {
    const change = edit<Record<string, unknown>>((mode) => {
      mode.claim_order = undefined
    })
    expect(planWith({ changes: { [CODEX]: change } }).claim_order.planes).toEqual([
      { plane: 'execution', kinds: ['task'] },
      { plane: 'planning', kinds: ['spec', 'incident'] },
    ])
  })

  it('cannot claim closure targets, nor for a plane it has no loop for', () => {
    const change = edit<Mode>((mode) => {
      mode.claim_order!.planes[0]!.kinds.push('closure_target')
      mode.claim_order!.planes.push({ plane: 'learning', kinds: ['learning_request'] })
    })
    expect(compileWith({ changes: { [CODEX]: change } }).diagnostics).toMatchObject([
      {
        code: 'MODE_CLAIM_ORDER',
        at: 'claim_order.planes.0',
        message: expect.stringContaining('it takes spec, incident'),
      },
      { code: 'MODE_CLAIM_ORDER', at: 'claim_order.planes.2', message: expect.stringContaining('no loop of the mode') },
    ])
  })

  it('may have a plane that claims nothing', () => {
    const changes = {
      [CODEX]: edit<Record<string, unknown>>((mode) => {
        mode.claim_order = undefined
        mode.loop_ids_by_plane = { planning: 'planning.standard' }
        mode.stage_runner_bindings = {}
      }),
      [PLANNING]: edit<Loop>((loop) => {
        loop.entry_nodes = [{ entry_key: 'closure_target', node_id: 'arbiter' }]
        loop.nodes = loop.nodes.filter((node) => node.node_id === 'arbiter')
        loop.edges = loop.edges.filter((edge) => edge.from_node_id === 'arbiter')
        loop.dynamic_policies.resume_policies = []
        loop.dynamic_policies.threshold_policies = []
      }),
    }
    expect(planWith({ changes }).claim_order.planes).toEqual([])
  })

  it.each(['constructor', '__proto__', 'toString'])('named %s is simply unknown', (mode) => {
    const { modeId, diagnostics } = compileWith({ mode })
    expect(modeId).toBe(mode)
    expect(diagnostics).toMatchObject([{ code: 'MODE_UNKNOWN', path: `modes/${mode}.json` }])
  })

  it('that asks for a loop like none there is, is told which there are', () => {
    const change = edit<Mode>((mode) => Object.assign(mode.loop_ids_by_plane!, { execution: 'zzz' }))
    expect(compileWith({ changes: { [CODEX]: change } }).diagnostics[0]!.message).toBe(
      'loop zzz does not exist; use one of execution.standard, planning.standard',
    )
  })

  it('that is nothing like a known one is told which there are', () => {
    const changes = { 'modes/zoo.json': { schema_version: '1.0', kind: 'mode', mode_id: 'zoo' } }
    expect(compileWith({ mode: 'xyz', changes }).diagnostics).toEqual([
      {
        code: 'MODE_UNKNOWN',
        severity: 'error',
        path: 'modes/xyz.json',
        at: null,
        message:
          'there is no mode xyz; use one of codex_claude, default_claude, default_codex, default_pi, learning_codex, learning_pi, standard_plain, zoo',
      },
    ])
  })

  it('that is a slip, or names a loop by one, is told what was probably meant', () => {
    expect(compileWith({ mode: 'default_codx' }).diagnostics[0]!.message).toBe(
      'there is no mode default_codx; did you mean default_codex?',
    )
    const change = edit<Mode>((mode) => Object.assign(mode.loop_ids_by_plane!, { execution: 'execution.standart' }))
    expect(compileWith({ changes: { [CODEX]: change } }).diagnostics).toEqual([
      {
        code: 'LOOP_UNKNOWN',
        severity: 'error',
        path: CODEX,
        at: 'loop_ids_by_plane.execution',
        message: 'loop execution.standart does not exist; did you mean execution.standard?',
      },
    ])
  })

  it('needs a loop, and is not blamed for its stages while it has none', () => {
    const change = edit<Mode>((mode) => Object.assign(mode, { loop_ids_by_plane: {} }))
    const { plan, diagnostics } = compileWith({ changes: { [CODEX]: change } })
    expect(plan).toBeNull()
    expect(diagnostics).toEqual([
      {
        code: 'MODE_LOOP_MISSING',
        severity: 'error',
        path: CODEX,
        at: 'loop_ids_by_plane',
        message: 'select a loop for at least one plane',
      },
    ])
  })

  it('cannot give a plane a loop that serves another', () => {
    const change = edit<Mode>((mode) => Object.assign(mode.loop_ids_by_plane!, { execution: 'planning.standard' }))
    expect(compileWith({ changes: { [CODEX]: change } }).diagnostics).toEqual([
      {
        code: 'LOOP_PLANE_MISMATCH',
        severity: 'error',
        path: CODEX,
        at: 'loop_ids_by_plane.execution',
        message: 'loop planning.standard serves plane planning; put it there, or choose a loop of plane execution',
      },
    ])
  })

  it('is the same in whatever order it names its planes', () => {
    const turned = edit<Mode>((mode) => {
      mode.loop_ids_by_plane = { planning: 'planning.standard', execution: 'execution.standard' }
    })
    const { resolved_assets: _, compile_input_fingerprint: __, ...plan } = planWith({ changes: { [CODEX]: turned } })
    expect(plan.compiled_plan_id).toBe(idOf({}))
    expect(plan.source_refs).toEqual(planWith().source_refs)
  })

  it('may not override what a stage kind forbids, in any map or section', () => {
    const changes = {
      [BUILDER]: edit<StageKind>((kind) => Object.assign(kind, { allowed_overrides: [] })),
      [CODEX]: edit<Mode>((mode) => {
        Object.assign(mode.stage_model_bindings, { builder: 'm' })
        mode.stage_permission_bindings = { builder: 'basic' }
      }),
    }
    const config = {
      stages: { builder: { timeout_seconds: 5, model_reasoning_effort: 'low' } },
      runners: { codex: { permission_by_stage: { builder: 'basic' } } },
    }
    const refused = (path: string, at: string, override: string) => ({
      code: 'NODE_OVERRIDE_NOT_ALLOWED',
      severity: 'error',
      path,
      at,
      message: `builder does not allow to override ${override}; remove it, or add it to allowed_overrides of builder`,
    })
    expect(compileWith({ changes, config }).diagnostics).toEqual([
      refused(CODEX, 'stage_model_bindings.builder', 'model_name'),
      refused(CODEX, 'stage_runner_bindings.builder', 'runner_name'),
      refused(CODEX, 'stage_permission_bindings.builder', 'permission_level'),
      refused('millrace.toml', 'runners.codex.permission_by_stage.builder', 'permission_level'),
      refused('millrace.toml', 'stages.builder', 'model_reasoning_effort'),
      refused('millrace.toml', 'stages.builder', 'timeout_seconds'),
    ])
  })

  it('and a config that speak of a stage by a slip are told which was probably meant', () => {
    const change = edit<Mode>((mode) => Object.assign(mode.stage_model_bindings, { buildr: 'm' }))
    const config = {
      stages: { alpha: { model: 'm' }, chekcer: { model: 'm' } },
      runners: { codex: { permission_by_stage: { omega: 'basic' } } },
    }
    const { diagnostics } = compileWith({ changes: { [CODEX]: change }, config })
    expect(diagnostics.map(({ severity, at, message }) => [severity, at, message])).toEqual([
      [
        'error',
        'stage_model_bindings.buildr',
        'stage buildr is not used by the loops of mode default_codex; did you mean builder?',
      ],
      ['warning', 'runners.codex.permission_by_stage.omega', 'mode default_codex uses no stage omega; remove it'],
      ['warning', 'stages.alpha', 'mode default_codex uses no stage alpha; remove it'],
      ['warning', 'stages.chekcer', 'mode default_codex uses no stage chekcer; did you mean checker?'],
    ])
  })
})

describe('a broken file', () => {
  it('that the mode does not use spoils nothing', () => {
    const changes: Record<string, Change> = {
      'modes/default_pi.json': '{ nonsense',
      'modes/other.json': '[]',
      'graphs/execution/other.json': '{}',
      'registry/stage_kinds/learning/analyst.json': 'null',
      'modes/aliases.json': '{',
    }
    const { plan, diagnostics } = compileWith({ changes })
    expect(diagnostics).toEqual([])
    expect(plan!.compiled_plan_id).toBe(idOf({}))
  })

  it('that holds the aliases is named when a mode cannot be found without it', () => {
    expect(compileWith({ mode: 'standard_plain', changes: { 'modes/aliases.json': '{' } }).diagnostics).toMatchObject([
      { code: 'MODE_UNKNOWN', path: 'modes/standard_plain.json' },
      { code: 'ASSET_BAD_JSON', path: 'modes/aliases.json' },
    ])
  })

  it('of a loop the mode names is told of the file, not as an unknown loop', () => {
    expect(codesOf({ changes: { [EXECUTION]: '{' } })).toEqual(['ASSET_BAD_JSON'])
  })

  it('of another plane is not mistaken for a loop that is missing', () => {
    expect(compileWith({ changes: { [EXECUTION]: null, [PLANNING]: '{' } }).diagnostics).toMatchObject([
      { code: 'LOOP_UNKNOWN', at: 'loop_ids_by_plane.execution' },
      { code: 'ASSET_BAD_JSON', path: PLANNING },
    ])
  })

  it('of a stage kind is told once, and not of every node that uses it', () => {
    const change = edit<Loop>((loop) => {
      loop.nodes.push({ ...loop.nodes[0]!, node_id: 'second' })
      loop.edges[0]!.to_node_id = 'second'
      for (const outcome of ['BUILDER_COMPLETE', 'BLOCKED'])
        loop.edges.push({
          ...loop.edges[0]!,
          edge_id: `second-${outcome.toLowerCase().replace('_', '-')}`,
          from_node_id: 'second',
          to_node_id: 'checker',
          on_outcomes: [outcome],
        })
    })
    expect(codesOf({ changes: { [BUILDER]: '{', [EXECUTION]: change } })).toEqual(['ASSET_BAD_JSON'])
  })

  it('of text that is no text is named, whether prompt, skill or JSON', () => {
    const paths = ['entrypoints/execution/builder.md', 'skills/stage/execution/builder-core/SKILL.md']
    for (const path of paths) {
      expect(compileWith({ changes: { [path]: '\uFFFD' } }).diagnostics).toMatchObject([
        { code: 'ASSET_UNREADABLE', path, message: expect.stringContaining('not UTF-8 text; replace it') },
      ])
    }
    expect(compileWith({ changes: { [CODEX]: '\uFFFD' } }).diagnostics).toMatchObject([
      { code: 'ASSET_BAD_JSON', path: CODEX, message: 'the file is not UTF-8 text; mend the JSON there' },
    ])
  })

  it('may begin with a byte order mark', () => {
    expect(idOf({ changes: { [CODEX]: (text) => `\uFEFF${text}` } })).toBe(idOf({}))
  })
})

describe('an id declared twice', () => {
  const twin = (text: string) => text
  const changes = { 'modes/twin.json': twin(assetsWith().files.get('modes/default_pi.json')!.text) }

  it('is an error where the id is used', () => {
    expect(compileWith({ mode: 'default_pi', changes }).diagnostics).toMatchObject([
      {
        code: 'ASSET_DUPLICATE',
        path: 'modes/twin.json',
        message: 'the id default_pi is declared in modes/default_pi.json too; rename one',
      },
    ])
  })

  it('does not spoil a mode that does not use it', () => {
    expect(compileWith({ mode: 'default_codex', changes }).diagnostics).toEqual([])
  })

  it('is an error for loops and stage kinds too', () => {
    const { files } = assetsWith()
    const copies = {
      'graphs/execution/copy.json': files.get(EXECUTION)!.text,
      'registry/stage_kinds/execution/copy.json': files.get(BUILDER)!.text,
    }
    const found = compileWith({ changes: copies }).diagnostics
    expect(found.map(({ code, path, message }) => [code, path, message])).toEqual([
      [
        'ASSET_DUPLICATE',
        EXECUTION,
        'the id execution.standard is declared in graphs/execution/copy.json too; rename one',
      ],
      [
        'ASSET_DUPLICATE',
        'registry/stage_kinds/execution/copy.json',
        `the id builder is declared in ${BUILDER} too; rename one`,
      ],
    ])
  })
})

describe('one compile', () => {
  it('reports everything it can see, not just the first', () => {
    const changes: Record<string, Change> = {
      [CODEX]: edit<Mode>((mode) => {
        Object.assign(mode.stage_model_bindings, { nobody: 'm' })
        Object.assign(mode.stage_runner_bindings, { checker: 'no_such_runner' })
      }),
      [EXECUTION]: edit<Loop>((loop) => Object.assign(loop.edges[3]!, { to_node_id: 'nowhere' })),
      [PLANNING]: edit<Loop>((loop) => loop.edges.splice(0, 1)),
      [BUILDER]: edit<StageKind>((kind) => kind.failure_outcomes.push('SOMETHING')),
      'entrypoints/planning/arbiter.md': null,
      'skills/stage/planning/planner-core/SKILL.md': null,
    }
    expect([...new Set(codesOf({ changes, config: { stages: { ghost: {} } } }))].sort()).toEqual([
      'ASSET_UNREADABLE',
      'CONFIG_STAGE_UNKNOWN',
      'LOOP_DANGLING_REF',
      'LOOP_MISSING_EDGE',
      'LOOP_UNREACHABLE_NODE',
      'MODE_STAGE_OUTSIDE_LOOPS',
      'RUNNER_UNKNOWN',
      'STAGE_KIND_INCONSISTENT',
    ])
  })

  it('checks the loops it can find when another is missing, and leaves the mode alone', () => {
    const changes = {
      [CODEX]: edit<Mode>((mode) => Object.assign(mode.loop_ids_by_plane!, { planning: 'planning.gone' })),
      [EXECUTION]: edit<Loop>((loop) => loop.edges.splice(0, 1)),
    }
    expect([...new Set(codesOf({ changes }))]).toEqual(['LOOP_UNKNOWN', 'LOOP_MISSING_EDGE', 'LOOP_UNREACHABLE_NODE'])
  })

  it('does not blame the mode for stages whose kind is missing', () => {
    const config = { stages: { builder: { model: 'm' } } }
    expect(codesOf({ changes: { [BUILDER]: null }, config })).toEqual(['NODE_UNKNOWN_STAGE_KIND'])
  })

  it('names an unknown runner at the place it comes from', () => {
    const node = edit<Loop>((loop) => Object.assign(loop.nodes[0]!, { runner_name: 'of_node' }))
    const noBindings = edit<Mode>((mode) =>
      Object.assign(mode, { mode_id: 'config-mode', stage_runner_bindings: { checker: 'of_mode' } }),
    )
    const mine = noBindings(assetsWith().files.get(CODEX)!.text)
    const { diagnostics } = compileWith({
      mode: 'config-mode',
      changes: { [EXECUTION]: node, 'modes/config-mode.json': mine },
      config: { runners: { default_runner: 'of_default' }, stages: { fixer: { runner: 'of_config' } } },
    })
    expect(diagnostics.map(({ code, path, at }) => [code, path, at])).toEqual([
      ['RUNNER_UNKNOWN', EXECUTION, 'nodes.0 builder'],
      ['RUNNER_UNKNOWN', 'modes/config-mode.json', 'stage_runner_bindings.checker'],
      ['RUNNER_UNKNOWN', 'millrace.toml', 'stages.fixer.runner'],
      ['RUNNER_UNKNOWN', 'millrace.toml', 'runners.default_runner'],
    ])
    expect(diagnostics[3]!.message).toContain('use one of codex_cli, claude_code, pi_rpc, command, scripted')
  })

  it('knows the runners that the config brings as modules, and lets none of them take a name that is taken', () => {
    const bound = { stages: { builder: { runner: 'mine' } }, runners: { modules: { mine: 'adapters/mine.mjs' } } }
    expect(compileWith({ config: bound }).diagnostics).toEqual([])
    const taken = { runners: { modules: { codex_cli: 'adapters/mine.mjs' } } }
    expect(compileWith({ config: taken }).diagnostics).toMatchObject([
      { code: 'RUNNER_NAME_TAKEN', path: 'millrace.toml', at: 'runners.modules.codex_cli' },
    ])
  })

  it('refuses a builtin performer, of which there is none to register', () => {
    const change = edit<StageKind>((kind) => Object.assign(kind, { performer: { type: 'builtin', name: 'git' } }))
    expect(compileWith({ changes: { [BUILDER]: change } }).diagnostics).toMatchObject([
      { code: 'VALIDATOR_UNKNOWN', at: 'performer', message: expect.stringContaining('let an agent perform') },
    ])
  })

  it('keeps no text where it found an error, and gives a plan where it only warns', () => {
    const dangling = edit<Loop>((loop) => Object.assign(loop.edges[3]!, { to_node_id: 'nowhere' }))
    const failed = compileWith({ changes: { [EXECUTION]: dangling } })
    expect([failed.plan, failed.frozenTexts.size]).toEqual([null, 0])
    const warned = compileWith({ config: { stages: { ghost: {}, bilder: {} } } })
    expect(warned.diagnostics.map(({ severity, at, message }) => [severity, at, message])).toEqual([
      ['warning', 'stages.bilder', 'mode default_codex uses no stage bilder; did you mean builder?'],
      ['warning', 'stages.ghost', 'mode default_codex uses no stage ghost; remove it'],
    ])
    expect(warned.plan).not.toBeNull()
  })

  it('says of a missing text who needs it, and how much', () => {
    const [entrypoint, skill, extra] = [
      'entrypoints/execution/builder.md',
      'skills/stage/execution/builder-core/SKILL.md',
      'skills/extra/SKILL.md',
    ]
    const changes: Record<string, Change> = {
      [entrypoint]: null,
      [skill]: null,
      [CODEX]: edit<Mode>((mode) => Object.assign(mode.stage_skill_additions, { builder: [extra] })),
    }
    expect(compileWith({ changes }).diagnostics.map(({ code, path, message }) => [code, path, message])).toEqual([
      [
        'ASSET_UNREADABLE',
        entrypoint,
        'node builder needs this entrypoint, but it is missing; create it or choose another',
      ],
      ['ASSET_UNREADABLE', skill, 'node builder requires this skill, but it is missing; create it'],
      ['SKILL_MISSING', extra, 'node builder has this skill attached, but it is not there yet; create it'],
    ])
  })

  it.each(['before', 'after'] as const)('refuses a validator (%s) that is not registered', (when) => {
    const asking = (name: string) =>
      edit<StageKind>((kind) => Object.assign(kind, { validators: { before: [], after: [], [when]: [name] } }))
    for (const [name, mend] of [
      ['clean-treee', 'did you mean clean-tree?'],
      ['zzz', 'remove it'],
    ] as const) {
      const choice = { changes: { [BUILDER]: asking(name) }, input: { validators: ['clean-tree'] } }
      expect(compileWith(choice).diagnostics).toMatchObject([
        {
          code: 'VALIDATOR_UNKNOWN',
          path: BUILDER,
          at: 'validators',
          message: `validator ${name} is not registered; ${mend}`,
        },
      ])
    }
  })

  it('takes validators that are registered', () => {
    const change = edit<StageKind>((kind) => Object.assign(kind, { validators: { before: ['clean-tree'], after: [] } }))
    const plan = planWith({ changes: { [BUILDER]: change }, input: { validators: ['clean-tree'] } })
    expect(nodeOf(plan, 'execution', 'builder')!.validators).toEqual({ before: ['clean-tree'], after: [] })
  })

  it('leaves its input as it was', () => {
    const files = new Map([...assetsWith().files].map(([path, file]) => [path, deepFreeze<AssetFile>({ ...file })]))
    const config = deepFreeze(configWith())
    expect(compileWith({ input: { assets: { files }, config } }).plan).toEqual(planWith())
  })
})

describe('what is kept beside a plan', () => {
  it('is the text of every entrypoint and skill it needs, and a row on every asset with its hash', () => {
    const { plan, frozenTexts } = compileWith()
    const nodes = Object.values(plan!.graphs_by_plane).flatMap((graph) => graph.nodes)
    const needed = nodes.flatMap((node) => [node.entrypoint_path, ...node.required_skill_paths])
    expect([...frozenTexts.keys()].sort()).toEqual([...new Set(needed)].sort())
    const families = plan!.resolved_assets.map((asset) => asset.asset_family)
    expect(families.filter((family) => family === 'stage_kind')).toHaveLength(12)
    expect(families.filter((family) => family === 'entrypoint')).toHaveLength(12)
    const paths = plan!.resolved_assets.map((asset) => asset.path)
    expect(paths).toEqual([...paths].sort())
    expect(families.filter((family) => family === 'skill')).toHaveLength(
      new Set(nodes.flatMap((node) => node.required_skill_paths)).size,
    )
    expect(plan!.resolved_assets.find((asset) => asset.path === CODEX)).toEqual({
      asset_family: 'mode',
      logical_id: 'mode:default_codex',
      path: CODEX,
      source: 'package',
      content_sha256: sha256(assetsWith().files.get(CODEX)!.text),
    })
    expect(plan!.resolved_assets.find((asset) => asset.path === EXECUTION)?.logical_id).toBe(
      'graph_loop:execution.standard',
    )
    expect(plan!.source_refs).toEqual([
      'mode:default_codex',
      'model_profile:codex-2026-11',
      'graph_loop:execution.standard',
      'graph_loop:planning.standard',
      'graph_completion_behavior:planning.standard',
    ])
  })

  it('has a row for a skill that is not there yet, and none twice', () => {
    const skill = 'skills/mine/SKILL.md'
    const change = edit<Mode>((mode) =>
      Object.assign(mode.stage_skill_additions, { builder: [skill], checker: [skill] }),
    )
    const { plan } = compileWith({ changes: { [CODEX]: change } })
    expect(plan!.resolved_assets.filter((asset) => asset.path === skill)).toEqual([
      {
        asset_family: 'skill',
        logical_id: `skill:${skill}`,
        path: skill,
        source: 'package',
        content_sha256: 'missing',
      },
    ])
  })

  it('lists the ways on in the order they are tried', () => {
    const change = edit<Loop>((loop) => {
      const [first] = loop.edges
      loop.edges.push({ ...first!, edge_id: 'sooner', priority: 1 }, { ...first!, edge_id: 'soonest', priority: 0 })
    })
    const { transitions } = graphOf(planWith({ changes: { [EXECUTION]: change } }), 'execution')!
    expect(transitions.slice(0, 3).map((edge) => edge.edge_id)).toEqual([
      'soonest',
      'sooner',
      'builder-complete-to-checker',
    ])
  })
})
