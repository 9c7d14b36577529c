/** Where words and deeds used to differ (W-39 to W-50; most are told in test/scenarios, see README.md here). */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { configKeys } from '../../src/core/config.ts'
import type { DoctorOutput } from '../../src/operations/schemas/doctor.ts'
import type { CompileShowOutput, CompileValidateOutput } from '../../src/operations/schemas/plan.ts'
import { OPERATIONS } from '../../src/operations/table.ts'
import { contextIn } from '../rig/context.ts'
import { PACKAGE_ROOT, Rig } from '../rig/runtime.ts'

let rig: Rig
afterEach(() => rig?.dispose())

async function ask<T>(name: string, input: object = {}): Promise<T> {
  const operation = await OPERATIONS.find((entry) => entry.name === name)!.load()
  return (await operation.run(contextIn(rig.root), input)) as T
}

const standardGraph = () =>
  JSON.parse(fs.readFileSync(path.join(PACKAGE_ROOT, 'graphs/execution/standard.json'), 'utf8')) as {
    edges: { on_outcomes: string[] }[]
  }

test('W-41: loops of an older workspace are neither read nor checked, and doctor says where loops lie now', async () => {
  rig = await Rig.create()
  const { compiled_plan_id } = await ask<CompileShowOutput>('compile show')
  const other = { ...standardGraph(), entry_nodes: [{ entry_key: 'task', node_id: 'updater' }] }
  rig.place('loops/execution/default.json', JSON.stringify(other))
  rig.place('loops/planning/default.json', 'no JSON at all')
  expect(await ask('compile show')).toMatchObject({ ok: true, compiled_plan_id, errors: [], warnings: [] })
  const { findings } = await ask<DoctorOutput>('doctor')
  expect(findings.filter((finding) => finding.code === 'legacy_loops_ignored')).toHaveLength(1)
  rig.addTask('task-a')
  await rig.work()
  expect(rig.stages()).toEqual(['builder', 'checker', 'updater'])
})

test('W-42: one compile tells everything that is wrong, each finding with its code, severity, file and place', async () => {
  rig = await Rig.create()
  rig.mode({
    stage_runner_bindings: { builder: 'no-such-runner' },
    stage_entrypoint_overrides: { checker: 'entrypoints/execution/gone.md' },
    stage_skill_additions: { fixer: ['skills/not/there/SKILL.md'] },
  })
  const graph = standardGraph()
  const edges = graph.edges.filter((edge) => !edge.on_outcomes.includes('UPDATE_COMPLETE'))
  rig.place('graphs/execution/standard.json', JSON.stringify({ ...graph, edges }))
  const { ok, compiled_plan_id, diagnostics, errors, warnings } = await ask<CompileValidateOutput>('compile validate')
  expect({ ok, compiled_plan_id }).toEqual({ ok: false, compiled_plan_id: null })
  expect(diagnostics.map(({ code, severity, path: file, at }) => [code, severity, file, at])).toEqual([
    ['LOOP_MISSING_EDGE', 'error', 'graphs/execution/standard.json', 'updater'],
    ['ASSET_UNREADABLE', 'error', 'entrypoints/execution/gone.md', null],
    ['SKILL_MISSING', 'warning', 'skills/not/there/SKILL.md', null],
    ['RUNNER_UNKNOWN', 'error', 'modes/scripted.json', 'stage_runner_bindings.builder'],
  ])
  expect([errors.length, warnings.length]).toEqual([3, 1])
})

test('W-44: every key of the config is read by something, or says that it is only kept for old configs', () => {
  const read = (root: string, wanted: RegExp) =>
    fs
      .readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => wanted.test(name) && !name.endsWith('.test.ts') && name !== path.join('core', 'config.ts'))
      .map((name) => fs.readFileSync(path.join(root, name), 'utf8'))
  const texts = [
    ...read(path.join(PACKAGE_ROOT, '../src'), /\.ts$/),
    ...read(path.join(PACKAGE_ROOT, 'graphs'), /\.json$/),
  ]
  const words = new Set(texts.flatMap((text) => text.match(/\w+/g) ?? []))
  const idle = configKeys().filter(({ key, description }) => {
    const isKept = description.startsWith('Kept for old configs')
    // The adapter that will read them is not there yet, and says so when it is started.
    const isPi = key.startsWith('runners.pi.')
    return !isKept && !isPi && !words.has(key.split('.').at(-1)!)
  })
  expect(idle.map(({ key }) => key)).toEqual([])
})
