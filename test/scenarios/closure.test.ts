/** Closure: root specs, their targets, and the stage that judges them (spec 02 §6 and §11, 77 to 88). */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { ClosureTarget, Snapshot } from '../../src/core/state.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { PACKAGE_ROOT, Rig } from '../rig/runtime.ts'

let rig: Rig
afterEach(() => rig?.dispose())

const target = (root = 'root') => rig.json<ClosureTarget>('arbiter/targets', `${root}.json`)
const snapshot = () => rig.json<Snapshot>('state/runtime_snapshot.json')
const arbiters = () => rig.log('stage_started').filter((data) => data.stage === 'arbiter').length

/** A workspace whose root spec is planned, built and ready to be judged, with the task `done-task`. */
async function drained(): Promise<void> {
  rig = await Rig.create()
  rig.addRootSpec('root')
  await rig.work(5)
  expect(rig.stages()).toEqual(['planner', 'manager', 'builder', 'checker', 'updater'])
}

/** As `drained`, but quicker: the target is open, the spec is done, and there was one task. */
async function opened(more: () => void = () => {}): Promise<void> {
  rig = await Rig.create()
  rig.addRootSpec('root')
  await rig.ticks(1)
  // The planner has ended; the rest of planning is done by hand.
  fs.renameSync(rig.at('specs/active/root.md'), rig.at('specs/done/root.md'))
  more()
}

describe('what keeps a target open', () => {
  test('scenario 78: claiming a root spec opens its target and freezes spec and idea', async () => {
    rig = await Rig.create()
    rig.addRootSpec('root')
    await rig.ticks(1)
    expect(target()).toMatchObject({
      closure_open: true,
      root_idea_id: 'root',
      rubric_path: 'millrace-agents/arbiter/rubrics/root.md',
      rounds: 0,
    })
    expect(rig.read('arbiter/contracts/ideas/root.md')).toContain('The seed of root.')
    expect(rig.read('arbiter/contracts/root-specs/root.md')).toContain('Spec-ID: root')
    expect(rig.log('closure_target_opened')).toEqual([{ root_spec_id: 'root', root_idea_id: 'root' }])
  })

  test.each([
    ['queue', { root_spec_id: 'root', depends_on: ['nowhere'] }],
    ['blocked', { root_spec_id: 'root' }],
  ])('scenario 79: a task of the lineage in %s keeps it from being judged, and is named', async (state, fields) => {
    await opened(() => rig.addTask('task-a', fields, state))
    const end = await rig.work()
    expect(end.last?.reason).toBe('no_work')
    expect(arbiters()).toBe(0)
    expect(target().blocking_work_ids).toEqual(['task-a'])
  })

  test('scenario 80: a task that only names the root as its spec belongs to the lineage', async () => {
    await opened(() => rig.addTask('task-a', { spec_id: 'root' }, 'blocked'))
    await rig.work()
    expect(target().blocking_work_ids).toEqual(['task-a'])
  })

  test('work of no lineage does not keep a target from being judged', async () => {
    await opened(() => rig.addTask('task-a', {}, 'blocked'))
    await rig.work()
    expect(target().closure_open).toBe(false)
  })

  test('scenario 85, W-09: a second root spec waits in its queue, told once, until the first is closed', async () => {
    await opened(() => rig.addRootSpec('root-2', { created_at: '2026-03-02T10:00:00Z' }))
    rig.outcomes({ arbiter: ['BLOCKED'] })
    await rig.work()
    await rig.work()
    expect(rig.log('closure_target_backpressure')).toEqual([
      { open_root_spec_id: 'root', deferred_root_spec_ids: ['root-2'], reason: 'open_closure_target' },
    ])
    expect([rig.list('specs/queue'), rig.list('specs/active')]).toEqual([['root-2.md'], []])
    rig.replies([])
    await rig.issue('clear_stale_state')
    await rig.ticks(2)
    expect(target().closure_open).toBe(false)
    expect(rig.list('specs/active')).toEqual(['root-2.md'])
  })

  test('scenario 88, W-11: a blocked task whose incident was worked off does not keep the target open', async () => {
    await opened()
    rig.config('[recovery]\nmax_troubleshoot_attempts_before_consult = 1\n')
    rig.addTask('task-a', { root_spec_id: 'root', root_idea_id: 'root' })
    rig.replies([
      { stage: 'builder', item: 'task-a', outcome: 'BLOCKED' },
      { stage: 'troubleshooter', item: 'task-a', outcome: 'BLOCKED' },
      { stage: 'consultant', item: 'task-a', outcome: 'NEEDS_PLANNING', steps: [{ artifacts: true }] },
    ])
    await rig.work()
    expect(rig.stages()).toEqual([
      'planner',
      'builder',
      'troubleshooter',
      'consultant',
      'auditor',
      'planner',
      'manager',
      'builder',
      'checker',
      'updater',
      'arbiter',
    ])
    expect(rig.list('tasks/blocked')).toEqual(['task-a.md'])
    expect(target().closure_open).toBe(false)
    // scenario 77: the incident carries the roots of the task it is about
    const incident = rig.read('incidents/resolved', rig.list('incidents/resolved')[0]!)
    for (const line of ['Root-Spec-ID: root', 'Root-Idea-ID: root', 'Source-Task-ID: task-a'])
      expect(incident).toContain(line)
  })
})

describe('judging', () => {
  test('scenarios 81, 82: a drained lineage is judged with all closure facts and no item, and a pass closes it', async () => {
    await drained()
    await rig.work()
    const [request] = rig.requests('arbiter')
    const facts = Object.entries(request!).filter(([name]) =>
      /^(closure_target|canonical|preferred_(rubric|verdict|report))/.test(name),
    )
    expect(facts).toHaveLength(8)
    for (const [name, value] of facts) expect(value, name).toMatch(name.endsWith('_id') ? /^root$/ : /^\//)
    expect(request).toMatchObject({
      request_kind: 'closure_target',
      active_work_item_id: null,
      active_work_item_path: null,
    })
    expect(rig.result(request!)).toMatchObject({ work_item_kind: 'spec', work_item_id: 'root' })
    expect(target()).toMatchObject({
      closure_open: false,
      closed_at: expect.any(String),
      rounds: 1,
      last_arbiter_run_id: request!.run_id,
      latest_report_path: `millrace-agents/arbiter/reports/${request!.run_id}.md`,
      latest_verdict_path: 'millrace-agents/arbiter/verdicts/root.json',
    })
    expect(rig.list('arbiter/reports')).toEqual([`${request!.run_id}.md`])
    expect(snapshot()).toMatchObject({
      active_runs: [],
      status_markers_by_plane: { planning: '### IDLE', execution: '### IDLE' },
    })
  })

  test('scenarios 83, 77: a gap opens one incident with both roots, which is worked before the next judgement', async () => {
    await opened()
    rig.outcomes({ arbiter: ['REMEDIATION_NEEDED'] })
    await rig.work(2)
    expect(rig.stages()).toEqual(['planner', 'arbiter', 'auditor'])
    const [name] = rig.list('incidents/active')
    expect(name).toMatch(/^arbiter-gap-root-[0-9a-f]{8}\.md$/)
    const incident = rig.read('incidents/active', name!)
    for (const line of [
      'Failure-Class: arbiter_parity_gap',
      'Root-Spec-ID: root',
      'Root-Idea-ID: root',
      'Source-Spec-ID: root',
    ])
      expect(incident).toContain(line)
    expect(target()).toMatchObject({ closure_open: true, held: null })
    // One reply for every judgement: the second, after the remediation, passes.
    rig.replies([])
    await rig.work()
    expect(rig.stages().slice(3)).toEqual(['planner', 'manager', 'builder', 'checker', 'updater', 'arbiter'])
    expect(target()).toMatchObject({ closure_open: false, rounds: 2 })
  })

  test('scenario 84: a finished root spec without a target gets one and is judged', async () => {
    rig = await Rig.create()
    rig.addRootSpec('root')
    fs.renameSync(rig.at('specs/queue/root.md'), rig.at('specs/done/root.md'))
    await rig.work()
    expect(rig.log('completion_behavior_target_backfilled')).toMatchObject([
      { root_spec_id: 'root', root_idea_id: 'root' },
    ])
    expect(rig.stages()).toEqual(['arbiter'])
    expect(target().closure_open).toBe(false)
  })

  test('scenario 84: one without a lineage blocks planning and is told once', async () => {
    rig = await Rig.create()
    rig.addSpec('spec-a', {}, 'done')
    await rig.work()
    await rig.work()
    expect(rig.log('completion_behavior_blocked')).toMatchObject([
      { reason: 'missing_root_lineage', spec_id: 'spec-a' },
    ])
    expect(rig.read('state/planning_status.md')).toBe('### BLOCKED\n')
    expect(snapshot().failure_class_by_plane).toEqual({ planning: 'missing_root_lineage' })
  })

  test('scenario 86, W-04: a blocked judgement holds the target; it is tried again after its backoff, then waits for a person', async () => {
    await opened()
    let aheadMs = 0
    rig.options.clock = { ...systemClock, now: () => new Date(Date.now() + aheadMs) }
    rig.replies([{ stage: 'arbiter', outcome: 'BLOCKED' }])
    const retryInS = () => {
      const { since, retry_at } = target().held!
      return retry_at === null ? null : (Date.parse(retry_at) - Date.parse(since)) / 1000
    }
    for (const [judgements, wait] of [
      [1, 300],
      [2, 1800],
      [3, 7200],
      [4, null],
    ] as const) {
      await rig.work()
      expect([arbiters(), retryInS()]).toEqual([judgements, wait])
      await rig.work()
      expect(arbiters()).toBe(judgements)
      aheadMs += (wait ?? 365 * 86_400) * 1000 + 1000
    }
    await rig.work()
    expect(arbiters()).toBe(4)
    expect(rig.list('incidents/incoming')).toEqual([])
    expect(rig.log('closure_target_held')).toHaveLength(4)
    rig.replies([])
    await rig.issue('clear_stale_state')
    await rig.work()
    expect(target()).toMatchObject({ closure_open: false, held: null })
  })

  test('scenario 86: finished work of the lineage ends the hold', async () => {
    await opened()
    rig.outcomes({ arbiter: ['BLOCKED'] })
    await rig.work()
    rig.replies([])
    rig.addTask('task-a', { root_spec_id: 'root' })
    await rig.work()
    expect(rig.stages()).toEqual(['planner', 'arbiter', 'builder', 'checker', 'updater', 'arbiter'])
    expect(target().closure_open).toBe(false)
  })

  test('scenario 87: a second gap without any work in between holds the target instead of opening another incident', async () => {
    await opened()
    rig.outcomes({ arbiter: ['REMEDIATION_NEEDED'] })
    await rig.work(1)
    const [name] = rig.list('incidents/incoming')
    fs.renameSync(rig.at('incidents/incoming', name!), rig.at('incidents/resolved', name!))
    await rig.work()
    await rig.work()
    expect(arbiters()).toBe(2)
    expect(rig.log('runtime_handoff_incident_enqueued')).toHaveLength(1)
    expect(target().held).toMatchObject({ reason: 'closure_repeated_remediation_without_execution', retry_at: null })
    expect(rig.read('state/planning_status.md')).toBe('### BLOCKED\n')
    expect(snapshot().failure_class_by_plane).toEqual({ planning: 'closure_repeated_remediation_without_execution' })
  })

  test('W-04: the rounds of one target are capped', async () => {
    await opened()
    const graph = JSON.parse(fs.readFileSync(path.join(PACKAGE_ROOT, 'graphs/planning/standard.json'), 'utf8'))
    graph.completion_behavior.rounds_max = 2
    rig.place('graphs/planning/standard.json', JSON.stringify(graph))
    rig.outcomes({ arbiter: ['REMEDIATION_NEEDED'] })
    await rig.work()
    expect(arbiters()).toBe(2)
    expect(target()).toMatchObject({
      closure_open: true,
      rounds: 2,
      held: { reason: 'closure_rounds_exhausted', retry_at: null },
    })
    expect(rig.log('runtime_handoff_incident_enqueued')).toHaveLength(1)
  })

  test.each([
    [
      'no verdict at all',
      [{ write: { path: '{rubric}', text: 'rubric' } }, { write: { path: '{report}', text: 'report' } }],
      'missing_required_artifact',
    ],
    [
      'a verdict that does not say pass for every criterion',
      [
        {
          write: {
            path: '{verdict}',
            text: JSON.stringify({
              schema_version: '1.0',
              kind: 'closure_verdict',
              root_spec_id: 'root',
              verdict: 'pass',
              criteria: [{ id: 'C1', text: 'It works.', result: 'fail', evidence: ['seen'] }],
              summary: 'fine',
            }),
          },
        },
        { artifacts: true },
      ],
      'verdict_not_pass',
    ],
  ])(
    'W-37, W-13: a pass with %s is no pass; the target is held and nothing else is invented',
    async (_, steps, failure) => {
      await opened()
      rig.replies([{ stage: 'arbiter', outcome: 'ARBITER_COMPLETE', steps }])
      await rig.work()
      expect(rig.stages()).toEqual(['planner', 'arbiter'])
      expect(rig.result(rig.requests('arbiter')[0]!)).toMatchObject({
        terminal_result: 'BLOCKED',
        metadata: { failure_class: failure },
      })
      expect(target()).toMatchObject({ closure_open: true, held: { reason: 'arbiter_blocked' } })
      expect([rig.list('specs/done'), rig.list('incidents/incoming')]).toEqual([['root.md'], []])
    },
  )

  test('W-10: a root spec whose seed idea is nowhere is blocked with a code, and other work goes on', async () => {
    rig = await Rig.create()
    rig.addSpec('root', {
      root_spec_id: 'root',
      root_idea_id: 'idea-gone',
      source_type: 'idea',
      source_id: 'idea-gone',
    })
    rig.addTask('task-a')
    await rig.work()
    expect(rig.list('specs/blocked')).toEqual(['root.md'])
    expect(rig.log('root_idea_source_missing')[0]).toMatchObject({ root_spec_id: 'root', root_idea_id: 'idea-gone' })
    expect(rig.log('work_item_blocked')).toMatchObject([
      { work_item_id: 'root', failure_class: 'missing_root_idea_source' },
    ])
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })
})
