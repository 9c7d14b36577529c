import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ls, provenance, show, tail, trace } from '../../src/operations/runs/runs.ts'
import { applyAdoption } from '../../src/store/adopt/adopt.ts'
import { placesOf } from '../../src/store/layout.ts'
import { contextIn } from '../rig/context.ts'
import { makeFixture, VERSIONS } from './fixtures/make.mjs'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true })
})

async function adopted(version: (typeof VERSIONS)[number]) {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'adopted-')))
  folders.push(folder)
  const fixture = makeFixture(version, folder)
  const context = contextIn(folder)
  const { files, clock, processes, packageRoot, version: own } = context
  const onFatal = (error: Error): never => {
    throw error
  }
  await applyAdoption(
    { files, clock, processes, installed: { root: packageRoot, version: own }, onFatal },
    placesOf(folder),
  )
  return { context, fixture, folder }
}

describe.each(VERSIONS)('runs of the Python runtime %s', async (version) => {
  const { context, fixture, folder } = await adopted(version)
  const filesOf = (run_id: string) =>
    fs.readdirSync(path.join(folder, 'millrace-agents/runs', run_id), { recursive: true })
  const files = Object.fromEntries(fixture.runIds.map((id) => [id, filesOf(id).length]))
  const { runs } = await ls.run(context, { limit: 100 })
  const row = (index: number) => runs.find(({ run_id }) => run_id === fixture.runIds[index])!

  test('are all listed, with what each served and how it ended', () => {
    expect(runs).toHaveLength(fixture.runIds.length)
    const states: Record<string, number> = {}
    for (const { state } of runs) states[state] = (states[state] ?? 0) + 1
    expect(states).toEqual(
      version === '0.14'
        ? { complete: 33, handoff: 2, blocked: 3, incomplete: 1, malformed: 1, active: 1 }
        : { complete: 34, handoff: 2, blocked: 3, incomplete: 2, malformed: 1, active: 2 },
    )
    expect(row(0)).toMatchObject({ work_item_id: 'export-step-01', stage_count: 5, last_outcome: 'UPDATE_COMPLETE' })
    expect(row(29)).toMatchObject({ state: 'handoff', last_stage: 'consultant', work_item_id: 'export-soak' })
    expect(row(31)).toMatchObject({ state: 'blocked', last_stage: 'mechanic', plane: 'planning' })
    expect(row(33)).toMatchObject({ state: 'complete', work_item_id: 'idea-import-cleanup' })
    expect(row(35)).toMatchObject({ state: 'incomplete', last_stage: 'builder', work_item_id: 'export-flaky' })
    expect(row(36)).toMatchObject({ state: 'malformed', status: 'malformed', stage_count: 1 })
    for (const one of runs) expect(one.work_item_id, one.run_id).not.toBeNull()
  })

  test('show, trace, provenance and tail answer for every one of them', async () => {
    for (const run_id of fixture.runIds) {
      const about = { run_id }
      const shown = await show.run(context, about)
      const traced = await trace.run(context, about)
      const told = await provenance.run(context, about)
      expect(shown.run_id).toBe(run_id)
      expect(traced.nodes).toHaveLength(shown.stage_result_count)
      expect(told.state).toBe(shown.state)
      for (const stage of shown.stages)
        expect(fs.existsSync(path.join(shown.run_dir, stage.stage_result_path))).toBe(true)
      if (shown.stage_result_count > 0) expect((await tail.run(context, about)).text).not.toBe('')
    }
  })

  test('have their path derived from their results, and say so', async () => {
    const traced = await trace.run(context, { run_id: fixture.runIds[0]! })
    expect(
      traced.edges.map(({ selected_edge_id, target_node_id, terminal_state_id }) => [
        selected_edge_id,
        target_node_id,
        terminal_state_id,
      ]),
    ).toEqual([
      ['builder-complete-to-checker', 'checker', null],
      ['checker-fix-needed-to-fixer', 'fixer', null],
      ['fixer-complete-to-doublechecker', 'doublechecker', null],
      ['doublechecker-pass-to-updater', 'updater', null],
      ['updater-complete-to-terminal-update-complete', null, 'update_complete'],
    ])
    expect(traced.notes.join()).toMatch('derived from the stage results')
    const spent = await trace.run(context, { run_id: fixture.runIds[31]! })
    expect(spent.edges.at(-1)).toMatchObject({
      selected_edge_id: 'planning.blocked.recovery',
      terminal_state_id: 'blocked',
    })
  })

  test('point at the files of their run folder, wherever that lies now', async () => {
    const shown = await show.run(context, { run_id: fixture.runIds[29]! })
    expect(shown.stages[1]!.report_artifact).toBe('troubleshoot_report.md')
    expect(fs.existsSync(path.join(shown.run_dir, shown.stages[1]!.stdout_path!))).toBe(true)
    const traced = await trace.run(context, { run_id: fixture.runIds[29]! })
    const artifacts = traced.nodes.flatMap((node) => node.artifacts)
    expect(artifacts.filter(({ sha256 }) => sha256 === null)).toEqual([])
  })

  test('stay as they are', () => {
    for (const run_id of fixture.runIds) expect(filesOf(run_id).length).toBe(files[run_id])
  })
})
