/** Loops and stage kinds as they are looked at: those of the package, and what a workspace lays over them. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makeLook } from '../../src/cli/look.ts'
import { rendererOf } from '../../src/cli/render/table.ts'
import type {
  LoopsLsOutput,
  LoopsShowOutput,
  ModelsLsOutput,
  ModelsShowOutput,
  StagesLsOutput,
  StagesShowOutput,
} from '../../src/operations/schemas/assets.ts'
import { OPERATIONS } from '../../src/operations/table.ts'
import { contextIn, newWorkspace, type TestWorkspace } from '../rig/context.ts'
import { PACKAGE_ROOT } from '../rig/runtime.ts'

const opened: TestWorkspace[] = []
afterEach(() => {
  for (const workspace of opened.splice(0)) workspace.dispose()
})

const nowhere = contextIn('/nowhere')

async function ask<T>(name: string, input: object = {}, context = nowhere): Promise<T> {
  const verb = await OPERATIONS.find((entry) => entry.name === name)!.load()
  const answer = await verb.run(context, input)
  const schema = z.fromJSONSchema((await verb.output()) as Parameters<typeof z.fromJSONSchema>[0])
  const checked = schema.safeParse(JSON.parse(JSON.stringify(answer)))
  expect(checked.success ? '' : `${name}: ${z.prettifyError(checked.error)}`).toBe('')
  return answer as T
}

async function text(name: string, answer: unknown, terminal = false): Promise<string> {
  return (await rendererOf(name))(answer, makeLook({ terminal, colour: false, width: 120, now: new Date() }))
}

/** Ids of the JSON files below a folder of the package, by what they say of themselves. */
const shipped = (folder: string, key: string): string[] =>
  (fs.readdirSync(path.join(PACKAGE_ROOT, folder), { recursive: true }) as string[])
    .filter((name) => name.endsWith('.json'))
    .map(
      (name) =>
        (JSON.parse(fs.readFileSync(path.join(PACKAGE_ROOT, folder, name), 'utf8')) as Record<string, string>)[key]!,
    )
    .sort()

describe('loops', () => {
  it('are all that the package has, with the modes that use them, and need no workspace', async () => {
    const answer = await ask<LoopsLsOutput>('loops ls')
    expect(answer.loops.map(({ loop_id }) => loop_id)).toEqual(shipped('graphs', 'loop_id'))
    const standard = answer.loops.find(({ loop_id }) => loop_id === 'execution.standard')!
    expect(standard.used_by_modes).toContain('default_codex')
    expect(standard).toMatchObject({ plane: 'execution', source: 'package' })
    expect((await text('loops ls', answer)).split('\n')).toHaveLength(answer.loops.length)
    expect(await text('loops ls', answer, true)).toMatch(/^LOOP\s+LANE/)
  })

  it('are shown with every edge, budget, rule and terminal state they have', async () => {
    const answer = await ask<LoopsShowOutput>('loops show', { loop_id: 'execution.standard' })
    const { loop } = answer
    const lines = (await text('loops show', answer)).split('\n')
    const of = (key: string) => lines.filter((line) => line.startsWith(`${key}: `))
    expect(of('edge')).toHaveLength(loop.edges.length)
    expect(of('node')).toHaveLength(loop.nodes.length)
    expect(of('threshold')).toHaveLength(loop.dynamic_policies.threshold_policies.length)
    expect(of('resume')).toHaveLength(loop.dynamic_policies.resume_policies.length)
    expect(of('terminal')).toHaveLength(loop.terminal_states.length)
    expect(lines).toContain('edge: checker --FIX_NEEDED--> fixer kind=normal')
    expect(lines.join('\n')).toContain('unless config recovery.max_fix_cycles')
    expect(await text('loops show', answer, true)).toContain('checker --FIX_NEEDED→ fixer')
  })

  it('that there are not are a failure that names the nearest', async () => {
    await expect(ask('loops show', { loop_id: 'execution.standrad' })).rejects.toMatchObject({
      code: 'asset_unknown',
      message: 'There is no loop execution.standrad.',
      hint: 'did you mean execution.standard?',
      exitStatus: 1,
    })
  })

  it('of a workspace win over shipped ones, and broken files are told of', async () => {
    const workspace = await newWorkspace()
    opened.push(workspace)
    fs.mkdirSync(workspace.at('graphs/execution'), { recursive: true })
    const file = path.join(PACKAGE_ROOT, 'graphs/execution/standard.json')
    const own = { ...(JSON.parse(fs.readFileSync(file, 'utf8')) as object), description: 'Ours.' }
    fs.writeFileSync(workspace.at('graphs/execution/standard.json'), JSON.stringify(own))
    fs.writeFileSync(workspace.at('graphs/execution/broken.json'), '{')
    const answer = await ask<LoopsLsOutput>('loops ls', {}, workspace.context)
    expect(answer.loops.find(({ loop_id }) => loop_id === 'execution.standard')).toMatchObject({
      ...{ source: 'workspace', description: 'Ours.' },
    })
    expect(answer.unreadable).toMatchObject([{ path: 'graphs/execution/broken.json' }])
    expect(await text('loops ls', answer)).toContain('unreadable: graphs/execution/broken.json')
    await expect(ask('loops show', { loop_id: 'broken' }, workspace.context)).rejects.toMatchObject({
      code: 'asset_invalid',
    })
  })
})

describe('stage kinds', () => {
  it('are all that the package has, with the loops that use them', async () => {
    const answer = await ask<StagesLsOutput>('stages ls')
    expect(answer.stages.map(({ stage_kind_id }) => stage_kind_id).sort()).toEqual(
      shipped('registry/stage_kinds', 'stage_kind_id'),
    )
    expect(answer.stages.find(({ stage_kind_id }) => stage_kind_id === 'builder')!.used_by_loops).toContain(
      'execution.standard',
    )
    const planning = await ask<StagesLsOutput>('stages ls', { plane: 'planning' })
    expect(new Set(planning.stages.map(({ plane }) => plane))).toEqual(new Set(['planning']))
    expect(await text('stages ls', answer, true)).toMatch(/builder\s+execution/)
  })

  it('are shown with their outcomes, what they mean, and what is owed for them', async () => {
    const answer = await ask<StagesShowOutput>('stages show', { stage_kind_id: 'checker' })
    const lines = (await text('stages show', answer)).split('\n')
    expect(lines.filter((line) => line.startsWith('outcome: '))).toHaveLength(answer.stage_kind.legal_outcomes.length)
    expect(lines.find((line) => line.startsWith('outcome: FIX_NEEDED'))).toMatch(
      /classes=followup_needed owes=.*fix_contract/,
    )
    expect(await text('stages show', answer, true)).toContain('FIX_NEEDED')
    await expect(ask('stages show', { stage_kind_id: 'chekcer' })).rejects.toMatchObject({
      hint: 'did you mean checker?',
    })
  })
})

describe('model profiles', () => {
  it('are all that the package has, with their models, the modes that name them, and which of them counts', async () => {
    const answer = await ask<ModelsLsOutput>('models ls')
    expect(answer.profiles.map(({ model_profile_id }) => model_profile_id).sort()).toEqual(
      shipped('registry/model_profiles', 'model_profile_id'),
    )
    expect(answer.profiles.find(({ model_profile_id }) => model_profile_id === 'codex-2026-11')).toMatchObject({
      ...{ models: [{ runner: 'codex_cli', model: 'gpt-5.3-codex' }], used_by_modes: ['default_codex'] },
      ...{ is_chosen: true, source: 'package' },
    })
    expect(answer.profiles.filter(({ is_chosen }) => is_chosen)).toHaveLength(1)
    expect(await text('models ls', answer)).toMatch(
      /^profile: model_profile_id=codex-2026-11 is_chosen=true source=package path=\S+ models=codex_cli:gpt-5\.3-codex modes=default_codex description="/m,
    )
    expect(await text('models ls', answer, true)).toContain('codex-2026-11 (chosen)')
  })

  it('are shown by runner and stage, and one that there is not is a failure that names the nearest', async () => {
    const answer = await ask<ModelsShowOutput>('models show', { model_profile_id: 'codex-2026-11' })
    const lines = (await text('models show', answer)).split('\n')
    expect(lines).toContain('runner: codex_cli model=gpt-5.3-codex')
    expect(lines).toContain('runner: codex_cli.builder model_reasoning_effort=high')
    expect(await text('models show', answer, true)).toContain('gpt-5.3-codex')
    await expect(ask('models show', { model_profile_id: 'codex-2026-1' })).rejects.toMatchObject({
      code: 'asset_unknown',
      hint: 'did you mean codex-2026-11?',
    })
  })

  it('of a workspace win, and the config chooses one', async () => {
    const workspace = await newWorkspace()
    opened.push(workspace)
    fs.mkdirSync(workspace.at('registry/model_profiles'), { recursive: true })
    const own = {
      schema_version: '1.0',
      kind: 'model_profile',
      model_profile_id: 'codex-2026-11',
      description: 'Ours.',
    }
    fs.writeFileSync(
      workspace.at('registry/model_profiles/own.json'),
      JSON.stringify({ ...own, model_profile_id: 'own', runners: {} }),
    )
    fs.writeFileSync(
      workspace.at('registry/model_profiles/codex-2026-11.json'),
      JSON.stringify({ ...own, runners: {} }),
    )
    const chosen = async () =>
      (await ask<ModelsLsOutput>('models ls', {}, workspace.context)).profiles.filter(({ is_chosen }) => is_chosen)
    expect(await chosen()).toMatchObject([
      { model_profile_id: 'codex-2026-11', source: 'workspace', description: 'Ours.' },
    ])
    const file = workspace.at('millrace.toml')
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('[runtime]', '[runtime]\nmodel_profile = "own"'))
    expect(await chosen()).toMatchObject([{ model_profile_id: 'own', models: [] }])
  })
})
