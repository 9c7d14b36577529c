/** Why a run went as it did, and what differs between plans, in workspaces where runs really happened. */
import * as fs from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makeLook } from '../../src/cli/look.ts'
import { diff as renderDiff } from '../../src/cli/render/plan-diff.ts'
import { provenance as render } from '../../src/cli/render/provenance.ts'
import { diff } from '../../src/operations/plan/diff.ts'
import { provenance } from '../../src/operations/runs/runs.ts'
import type { CompileDiffOutput } from '../../src/operations/schemas/plan-diff.ts'
import type { RunsProvenanceOutput } from '../../src/operations/schemas/provenance.ts'
import type { AnyOperation } from '../../src/operations/table.ts'
import { contextIn, type TestContext } from '../rig/context.ts'
import { Rig, reply } from '../rig/runtime.ts'

const now = new Date()
const piped = makeLook({ terminal: false, colour: false, width: 100, now })
const terminal = makeLook({ terminal: true, colour: false, width: 120, now })

let rig: Rig
let context: TestContext
let executed: string

beforeAll(async () => {
  rig = await Rig.create({
    replies: [
      reply('builder', 'BUILDER_COMPLETE'),
      reply('checker', 'FIX_NEEDED', { attempt: 1 }),
      reply('fixer', 'FIXER_COMPLETE'),
      reply('doublechecker', 'DOUBLECHECK_PASS'),
      reply('updater', 'UPDATE_COMPLETE'),
    ],
  })
  rig.addTask('T-1')
  await rig.work()
  context = contextIn(rig.root)
  executed = rig.list('runs')[0]!
}, 60_000)
afterAll(() => rig.dispose())

async function fits(operation: AnyOperation, value: unknown): Promise<void> {
  const schema = z.fromJSONSchema((await operation.output()) as Parameters<typeof z.fromJSONSchema>[0])
  const checked = schema.safeParse(JSON.parse(JSON.stringify(value)))
  expect(checked.success ? '' : z.prettifyError(checked.error)).toBe('')
}

const ask = (id = executed): Promise<RunsProvenanceOutput> => provenance.run(context, { run_id: id })

/** Changes a file of the run folder for the length of a check. */
async function spoiled(file: string, change: (text: string) => string, check: () => Promise<void>): Promise<void> {
  const whole = rig.at(file)
  const before = fs.readFileSync(whole)
  fs.writeFileSync(whole, change(before.toString()))
  try {
    await check()
  } finally {
    fs.writeFileSync(whole, before)
  }
}

describe('provenance of a run', () => {
  it('tells what was frozen, what bound each node and where from, and every decision with its edge', async () => {
    const answer = await ask()
    await fits(provenance, answer)
    expect(answer).toMatchObject({
      run_id: executed,
      state: 'complete',
      work_item_id: 'T-1',
      plane: 'execution',
      notes: [],
    })
    expect(answer.selection).toMatchObject({
      mode_id: 'scripted',
      loop_ids_by_plane: { execution: 'execution.standard' },
    })
    expect(answer.compile_snapshot?.compiled_plan_id).toBe(answer.selection?.compiled_plan_id)
    expect(answer.selection_explanation).toContainEqual({
      ...{ plane: 'execution', node_id: 'builder', key: 'runner_name', value: 'scripted', origin: 'mode scripted' },
    })
    expect(answer.runtime_history.map((one) => [one.node_id, one.outcome, one.selected_node_id])).toEqual([
      ['builder', 'BUILDER_COMPLETE', 'checker'],
      ['checker', 'FIX_NEEDED', 'fixer'],
      ['fixer', 'FIXER_COMPLETE', 'doublechecker'],
      ['doublechecker', 'DOUBLECHECK_PASS', 'updater'],
      ['updater', 'UPDATE_COMPLETE', null],
    ])
    expect(answer.runtime_history.every((one) => one.bound_execution_parameters?.runner === 'scripted')).toBe(true)
    expect(fs.existsSync(answer.snapshot_path!) && fs.existsSync(answer.compiled_plan_path!)).toBe(true)
    expect(answer.transition_history_path).toBe(rig.at('runs', executed, 'transition_history.jsonl'))
  })

  it('says that the same would be chosen now, and once the config changed, what would not', async () => {
    expect(await ask()).toMatchObject({ current_preview_error: null, current_preview_changes: [] })
    rig.config('[stages.builder]\nmodel = "gpt-x"\n')
    const changed = await ask()
    await fits(provenance, changed)
    expect(changed.current_preview?.stage_bindings[0]).toMatchObject({ node_id: 'builder', model_name: 'gpt-x' })
    expect(changed.selection?.stage_bindings[0]).toMatchObject({ node_id: 'builder', model_name: null })
    expect(changed.current_preview_changes?.map(({ key }) => key)).toEqual(['model_name', 'origins.model_name'])
    expect(render(changed, terminal)).toContain('changed node builder model_name: null → "gpt-x"')
    rig.config('[stages.builder]\nnonsense = 1\n')
    const broken = await ask()
    expect(broken).toMatchObject({ current_preview: null, current_preview_changes: null })
    expect(broken.current_preview_error).toContain('unknown key stages.builder.nonsense')
    expect(broken.selection).not.toBeNull()
    rig.config()
  })

  it('reads as lines for a program and as a story for a person', async () => {
    const answer = await ask()
    const lines = render(answer, piped).split('\n')
    expect(lines[0]).toBe(`run_id: ${executed}`)
    expect(lines.every((line) => /^[\w.]+: /.test(line))).toBe(true)
    expect(lines).toContain('selection.mode_id: scripted')
    expect(lines.filter((line) => line.startsWith('transition: '))).toHaveLength(5)
    const story = render(answer, terminal)
    expect(story).toMatch(/checker\s+FIX_NEEDED\s+fixer/)
    expect(story).toContain('✓ the same')
    expect(Math.max(...story.split('\n').map((line) => line.length))).toBeLessThanOrEqual(
      Math.max(120, ...Object.values(answer).map((value) => `transition_history_path: ${value}`.length)),
    )
  })

  it('of no run is a failure that names the nearest', async () => {
    await expect(ask(`${executed.slice(0, -1)}!`)).rejects.toMatchObject({ code: 'id_invalid' })
    await expect(ask('run-nowhere')).rejects.toMatchObject({ code: 'run_unknown', exitStatus: 1 })
  })

  it.each([
    [
      'a request of another plan',
      'stage_requests',
      (text: string) => text.replace(/"compiled_plan_id": "[^"]+"/, '"compiled_plan_id": "plan-other"'),
    ],
    [
      'a result of another run',
      'stage_results',
      (text: string) => text.replace(/"run_id": "[^"]+"/, '"run_id": "run-other"'),
    ],
    [
      'a snapshot of another run',
      'resolved_snapshot.json',
      (text: string) => text.replace(/"run_id": "[^"]+"/, '"run_id": "run-other"'),
    ],
    [
      'a decision under another plan',
      'transition_history.jsonl',
      (text: string) => text.replace(/"plan_id":"[^"]+"/, '"plan_id":"plan-other"'),
    ],
    [
      'a decision by other content',
      'transition_history.jsonl',
      (text: string) => text.replace(/"content_hash":"[^"]+"/, '"content_hash":"000000000000"'),
    ],
    [
      'a decision that is missing',
      'transition_history.jsonl',
      (text: string) => text.split('\n').toSpliced(1, 1).join('\n'),
    ],
  ])('is refused in one sentence for %s', async (_what, name, change) => {
    const folder = `runs/${executed}`
    const file = name.endsWith('s') ? `${folder}/${name}/${rig.list(folder, name)[0]}` : `${folder}/${name}`
    await spoiled(file, change, async () => {
      await expect(ask()).rejects.toMatchObject({ code: 'records_disagree', exitStatus: 1 })
      await expect(ask()).rejects.toThrow(/^The records of run-\S+ contradict each other: .+\.$/)
    })
    expect((await ask()).notes).toEqual([])
  })

  it('is refused where the frozen plan was edited, and goes on without one that is gone', async () => {
    const { selection } = await ask()
    const plan = `state/plans/${selection!.compiled_plan_id}/plan.json`
    rig.config('[stages.builder]\nmodel = "gpt-x"\n')
    const [inForce, kept] = ['state/compiled_plan.json', plan].map((file) => rig.at(file)) as [string, string]
    fs.renameSync(inForce, `${inForce}.away`)
    const edited = (text: string) => text.replace('"threshold": 8', '"threshold": 9')
    await spoiled(plan, edited, async () => {
      await expect(ask()).rejects.toMatchObject({ code: 'records_disagree' })
    })
    fs.renameSync(kept, `${kept}.away`)
    const without = await ask()
    await fits(provenance, without)
    expect(without).toMatchObject({ selection: null, compile_snapshot: null, compiled_plan_path: null })
    expect(without.notes).toEqual([`the frozen plan ${selection!.compiled_plan_id} is gone`])
    expect(without.runtime_history).toHaveLength(5)
    fs.renameSync(`${kept}.away`, kept)
    fs.renameSync(`${inForce}.away`, inForce)
    rig.config()
  })
})

describe('the difference of plans', () => {
  const compare = (input = {}): Promise<CompileDiffOutput> => diff.run(context, input)

  it('is nothing while the config is as it was compiled, and what a reload would change once it is not', async () => {
    expect(await compare()).toMatchObject({ same: true, changes: [], after: { source: 'compiled_now' } })
    rig.config('[stages.builder]\ntimeout_seconds = 60\n')
    const answer = await compare()
    await fits(diff, answer)
    expect(answer).toMatchObject({ same: false, before: { source: 'in_force' } })
    expect(renderDiff(answer, piped).split('\n').slice(2)).toEqual([
      'same: false',
      'change_count: 2',
      'change: changed node plane=execution id=builder key=timeout_seconds before=3600 after=60',
      'change: changed node plane=execution id=builder key=origins.timeout_seconds before="default" after="config stages.builder"',
    ])
    expect(renderDiff(answer, terminal)).toContain('timeout_seconds: 3600 → 60')
    rig.config()
  })

  it('of two kept plans takes ids and unique starts of them, and names what there is where none fits', async () => {
    const { selection } = await ask()
    const id = selection!.compiled_plan_id
    expect(await compare({ before: id, after: id })).toMatchObject({ same: true, before: { source: 'frozen' } })
    expect(await compare({ before: id.slice(0, -3) })).toMatchObject({ before: { compiled_plan_id: id } })
    await expect(compare({ before: 'plan-nothing-like-that' })).rejects.toMatchObject({
      code: 'plan_unknown',
      exitStatus: 1,
    })
    await expect(compare({ before: `${id}x` })).rejects.toMatchObject({ hint: `did you mean ${id}?` })
    await expect(compare({ before: id, after: id, mode: 'scripted' })).rejects.toMatchObject({ code: 'usage' })
    fs.cpSync(rig.at('state/plans', id), rig.at('state/plans', `${id}-2`), { recursive: true })
    await expect(compare({ before: id.slice(0, -3) })).rejects.toMatchObject({ code: 'item_ambiguous' })
    fs.rmSync(rig.at('state/plans', `${id}-2`), { recursive: true })
  })
})
