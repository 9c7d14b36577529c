/** Reloading the config, and what a run keeps of the plan it was started under (spec 02 §3.7 and §11, 100 to 101). */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Snapshot } from '../../src/core/state.ts'
import { disk } from '../../src/store/files.ts'
import { placesOf } from '../../src/store/layout.ts'
import { compileWorkspace } from '../../src/store/plans.ts'
import { Live } from '../rig/live.ts'
import { RUNNER_NAMES } from '../rig/ports.ts'
import { PACKAGE_ROOT, type Reply, Rig } from '../rig/runtime.ts'

let rig: Rig
afterEach(() => rig?.dispose())

const snapshot = () => rig.json<Snapshot>('state/runtime_snapshot.json')
const FIX_NEEDED: Reply[] = ['checker', 'doublechecker'].map((stage) => ({
  stage,
  steps: [{ artifacts: true }],
  outcome: 'FIX_NEEDED',
}))

describe('a reload', () => {
  test.each([
    ['names a mode that does not exist', (text: string) => text.replace('"scripted"', '"nowhere"'), 'nowhere'],
    ['has a key that is none', (text: string) => `${text}\n[runtime_typo]\nx = 1\n`, 'runtime_typo'],
    ['is no TOML', (text: string) => `${text}\n= broken`, 'millrace.toml'],
  ])('scenario 100: of a config that %s keeps the plan, says why, and the runtime goes on', async (_, change, sign) => {
    rig = await Rig.create()
    const live = await Live.start(rig)
    const { compiled_plan_id, config_version } = snapshot()
    fs.writeFileSync(rig.at('millrace.toml'), change(rig.read('millrace.toml')))
    const answer = await live.command('reload_config')
    expect(answer).toMatchObject({ disposition: 'processed', result: { applied: false } })
    expect(snapshot()).toMatchObject({
      compiled_plan_id,
      config_version,
      last_reload_outcome: 'failed_retained_previous_plan',
      last_reload_error: expect.stringContaining(sign),
    })
    expect(rig.log('runtime_config_reload_failed')).toMatchObject([
      { retained_previous_plan: true, compiled_plan_id, error: expect.stringContaining(sign) },
    ])
    rig.addTask('task-a')
    await live.until('done', () => rig.list('tasks/done').length === 1)
    expect(rig.requests('builder')[0]!.compiled_plan_id).toBe(compiled_plan_id)
    await live.close()
  })

  test('scenario 100: of a good config puts the new plan in force, under the same lock', async () => {
    rig = await Rig.create()
    const live = await Live.start(rig)
    const before = snapshot()
    const { generation } = live.engine.workspace.lock
    rig.config('[recovery]\nmax_fix_cycles = 4\n')
    expect((await live.command('reload_config')).result).toMatchObject({
      applied: true,
      compiled_plan_id: snapshot().compiled_plan_id,
    })
    expect(snapshot().compiled_plan_id).not.toBe(before.compiled_plan_id)
    expect(snapshot()).toMatchObject({ last_reload_outcome: 'applied', last_reload_error: null })
    expect(rig.json('state/compiled_plan.json').compiled_plan_id).toBe(snapshot().compiled_plan_id)
    expect(rig.lock()).toMatchObject({ state: 'active', generation })
    rig.addTask('task-a')
    await live.until('done', () => rig.list('tasks/done').length === 1)
    expect(rig.requests('builder')[0]!.compiled_plan_id).toBe(snapshot().compiled_plan_id)
    await live.close()
  })

  // Nothing has to be deferred: it takes effect with the next claim.
  test('scenario 101, W-12: while a run is active applies to the next claim; the run keeps its plan and its budgets', async () => {
    rig = await Rig.create({ config: '[recovery]\nmax_fix_cycles = 2\nmax_troubleshoot_attempts_before_consult = 1\n' })
    rig.replies([
      {
        stage: 'builder',
        item: 'task-a',
        attempt: 1,
        steps: [{ artifacts: true }, { wait_ms: 300 }],
        outcome: 'BUILDER_COMPLETE',
      },
      ...FIX_NEEDED,
      { stage: 'troubleshooter', outcome: 'BLOCKED' },
      { stage: 'consultant', outcome: 'BLOCKED' },
    ])
    rig.addTask('task-a')
    rig.addTask('task-b', { created_at: '2026-03-02T10:00:00Z' })
    const live = await Live.start(rig)
    await live.agent('builder')
    const before = snapshot().compiled_plan_id
    rig.config('[recovery]\nmax_fix_cycles = 1\nmax_troubleshoot_attempts_before_consult = 1\n')
    expect((await live.command('reload_config')).result).toMatchObject({ applied: true })
    await live.until('both blocked', () => rig.list('tasks/blocked').length === 2)
    await live.close()
    const stages = (item: string) =>
      rig.log('stage_started').flatMap((data) => (data.work_item_id === item ? [String(data.stage)] : []))
    expect(stages('task-a').filter((stage) => stage === 'fixer')).toHaveLength(2)
    expect(stages('task-b').filter((stage) => stage === 'fixer')).toHaveLength(1)
    expect(rig.requests('fixer').map((request) => request.compiled_plan_id === before)).toEqual([true, true, false])
  })

  test('W-12: a restart with another config leaves the plan of a run as it is, too', async () => {
    rig = await Rig.create({ replies: FIX_NEEDED })
    rig.addTask('task-a')
    await rig.ticks(3)
    rig.config('[recovery]\nmax_fix_cycles = 1\n')
    await rig.ticks(3)
    expect(rig.stages()).toEqual(['builder', 'checker', 'fixer', 'doublechecker', 'fixer', 'doublechecker'])
    expect(new Set(rig.requests('fixer').map((request) => request.compiled_plan_id)).size).toBe(1)
    expect(snapshot().compiled_plan_id).not.toBe(rig.requests('fixer')[0]!.compiled_plan_id)
  })

  test('W-44: rebuilds the runners and the polling floor at once', async () => {
    rig = await Rig.create({ replies: [{ stage: 'builder', outcome: 'BLOCKED' }] })
    const live = await Live.start(rig)
    fs.writeFileSync(
      path.join(rig.root, 'other.json'),
      JSON.stringify({ schema_version: '1.0', kind: 'scripted_replies', replies: [] }),
    )
    fs.writeFileSync(
      rig.at('millrace.toml'),
      rig
        .read('millrace.toml')
        .replace('replies.json', 'other.json')
        .replace('idle_sleep_seconds = 0.05', 'idle_sleep_seconds = 0.2'),
    )
    await live.command('reload_config')
    await live.until('the new floor', () => live.engine.config.runtime.idle_sleep_seconds === 0.2)
    rig.addTask('task-a')
    await live.until('done', () => rig.list('tasks/done').length === 1)
    expect(rig.log('stage_started').map((data) => data.stage)).toEqual(['builder', 'checker', 'updater'])
    await live.close()
  })

  test('does not change what was frozen: a prompt that is edited serves the runs that start afterwards', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    rig.addTask('task-b', { created_at: '2026-03-02T10:00:00Z' })
    await rig.ticks(1)
    fs.appendFileSync(rig.at('entrypoints/execution/checker.md'), '\nA line of our own.\n')
    await rig.work()
    const [first, second] = rig.requests('checker')
    expect(fs.readFileSync(first!.entrypoint_path, 'utf8')).not.toContain('A line of our own.')
    expect(fs.readFileSync(second!.entrypoint_path, 'utf8')).toContain('A line of our own.')
    for (const request of [first!, second!])
      expect(rig.json('runs', request.run_id, 'resolved_snapshot.json').compiled_plan_id).toBe(request.compiled_plan_id)
  })

  test('W-05: compiling beside a runtime reads the same assets and leaves its plan alone', async () => {
    rig = await Rig.create()
    const engine = await rig.open()
    const before = rig.read('state/compiled_plan.json')
    const compile = () =>
      compileWorkspace(
        { files: disk, places: placesOf(rig.root), packageRoot: PACKAGE_ROOT, runners: RUNNER_NAMES, validators: [] },
        {},
        new Date().toISOString(),
      )
    expect(compile().plan?.compiled_plan_id).toBe(JSON.parse(before).compiled_plan_id)
    rig.mode({ stage_skill_additions: { builder: ['skills/shared/marathon-qa-audit/SKILL.md'] } })
    expect(compile().plan?.compiled_plan_id).not.toBe(JSON.parse(before).compiled_plan_id)
    expect(rig.read('state/compiled_plan.json')).toBe(before)
    await engine.close()
  })
})
