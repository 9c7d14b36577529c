/** Routing and recovery budgets on the two standard loops (spec 02 §11, 60 to 73). */
import { afterEach, describe, expect, test } from 'vitest'
import type { Counters, Snapshot } from '../../src/core/state.ts'
import { type Reply, Rig, reply } from '../rig/runtime.ts'

let rig: Rig
afterEach(() => rig?.dispose())

const snapshot = () => rig.json<Snapshot>('state/runtime_snapshot.json')
const counters = () =>
  Object.fromEntries(
    rig
      .json<Counters>('state/recovery_counters.json')
      .entries.map((entry) => [`${entry.counter_name}${entry.key && `:${entry.key}`}`, entry.count]),
  )
const decisions = () => rig.log('router_decision')

describe('execution', () => {
  test('scenario 60: the happy path leaves both planes idle and no budget used', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    await rig.work()
    expect(rig.stages()).toEqual(['builder', 'checker', 'updater'])
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect([rig.read('state/execution_status.md'), rig.read('state/planning_status.md')]).toEqual([
      '### IDLE\n',
      '### IDLE\n',
    ])
    expect(counters()).toEqual({})
    expect(snapshot().active_runs).toEqual([])
  })

  test('scenario 61: a fix that is needed goes through fixer and doublechecker', async () => {
    rig = await Rig.create()
    rig.outcomes({ checker: ['FIX_NEEDED'] })
    rig.addTask('task-a')
    await rig.work()
    expect(rig.stages()).toEqual(['builder', 'checker', 'fixer', 'doublechecker', 'updater'])
    expect(rig.reasons()).toContain('fix_needed')
  })

  test('scenario 62: the third fix that is needed goes to the troubleshooter instead', async () => {
    rig = await Rig.create()
    rig.outcomes({ checker: ['FIX_NEEDED'], doublechecker: ['FIX_NEEDED'] })
    rig.addTask('task-a')
    await rig.ticks(6)
    expect(rig.stages()).toEqual(['builder', 'checker', 'fixer', 'doublechecker', 'fixer', 'doublechecker'])
    expect(decisions().at(-1)).toMatchObject({
      next_node_id: 'troubleshooter',
      reason: 'fix_cycle_exhausted',
      failure_class: 'fix_cycle_exhausted',
    })
    expect(rig.read('state/execution_status.md')).toBe('### FIX_NEEDED\n')
  })

  test('scenario 63, W-02: exhausted fix rounds use up the repair budget, then the consultant is asked', async () => {
    rig = await Rig.create({ config: '[recovery]\nmax_fix_cycles = 1\n' })
    rig.outcomes({ checker: ['FIX_NEEDED'], doublechecker: ['FIX_NEEDED'], consultant: ['BLOCKED'] })
    rig.addTask('task-a')
    await rig.work()
    const round = ['troubleshooter', 'builder', 'checker']
    expect(rig.stages()).toEqual(['builder', 'checker', 'fixer', 'doublechecker', ...round, ...round, 'consultant'])
    expect(rig.list('tasks/blocked')).toEqual(['task-a.md'])
  })

  test('scenario 64: a stage without a marker, then a troubleshooter that is blocked twice, ends at the consultant', async () => {
    rig = await Rig.create()
    rig.replies([reply('builder', null), reply('troubleshooter', 'BLOCKED')])
    rig.addTask('task-a')
    await rig.ticks(1)
    expect(decisions().at(-1)).toMatchObject({
      next_node_id: 'troubleshooter',
      failure_class: 'missing_terminal_result',
    })
    expect(rig.read('state/execution_status.md')).toBe('### BLOCKED\n')
    await rig.ticks(2)
    expect(rig.stages()).toEqual(['builder', 'troubleshooter', 'troubleshooter'])
    expect(decisions().at(-1)).toMatchObject({ next_node_id: 'consultant', failure_class: 'missing_terminal_result' })
    expect(counters()).toMatchObject({ 'troubleshoot_attempt_count:missing_terminal_result': 2 })
    await rig.ticks(1)
    expect(counters()).toMatchObject({ consultant_invocations: 1 })
  })

  test('scenario 65: a failure of another class has a budget of its own', async () => {
    rig = await Rig.create()
    rig.replies([reply('builder', 'BLOCKED'), reply('troubleshooter', null)])
    rig.addTask('task-a')
    await rig.ticks(2)
    expect(decisions().at(-1)).toMatchObject({ next_node_id: 'troubleshooter' })
    expect(counters()).toMatchObject({
      'troubleshoot_attempt_count:builder_blocked': 1,
      'troubleshoot_attempt_count:missing_terminal_result': 1,
    })
  })

  test.each([
    ['checker', 'checker'],
    ['consultant', 'builder'],
    ['nowhere', 'builder'],
    [undefined, 'builder'],
  ])('scenario 66, W-14: a troubleshooter that wishes to go on at %s goes on at %s', async (wish, next) => {
    rig = await Rig.create()
    const result = {
      terminal_result: 'TROUBLESHOOT_COMPLETE',
      summary: 'mended',
      ...(wish ? { resume_stage: wish } : {}),
    }
    rig.replies([
      reply('builder', 'BLOCKED'),
      reply('troubleshooter', null, {
        steps: [
          { artifacts: true },
          { write: { path: '{run_dir}/troubleshoot_report.md', text: 'mended' } },
          { result },
        ],
      }),
    ])
    rig.addTask('task-a')
    await rig.ticks(2)
    expect(decisions().at(-1)).toMatchObject({ next_node_id: next, reason: 'troubleshoot_complete' })
  })

  // The structured result has one key for it, resume_stage, for every stage that may choose.
  test.each([
    [undefined, 'troubleshooter'],
    ['builder', 'builder'],
  ])('scenario 67: a consultant that wishes to go on at %s goes on at %s', async (wish, next) => {
    rig = await Rig.create({ config: '[recovery]\nmax_troubleshoot_attempts_before_consult = 1\n' })
    const result = { terminal_result: 'CONSULT_COMPLETE', ...(wish ? { resume_stage: wish } : {}) }
    rig.replies([
      reply('builder', 'BLOCKED'),
      reply('troubleshooter', 'BLOCKED'),
      reply('consultant', 'CONSULT_COMPLETE', { steps: [{ artifacts: true }, { result }] }),
    ])
    rig.addTask('task-a')
    await rig.ticks(3)
    expect(rig.stages()).toEqual(['builder', 'troubleshooter', 'consultant'])
    expect(decisions().at(-1)).toMatchObject({ next_node_id: next, reason: 'consultant_local_recovery' })
  })

  test('scenario 68: a consultant that needs planning blocks the task and opens an incident, which is next', async () => {
    rig = await Rig.create({ config: '[recovery]\nmax_troubleshoot_attempts_before_consult = 1\n' })
    rig.outcomes({ builder: ['BLOCKED'], troubleshooter: ['BLOCKED'], consultant: ['NEEDS_PLANNING'] })
    rig.addTask('task-a')
    await rig.ticks(3)
    expect(rig.list('tasks/blocked')).toEqual(['task-a.md'])
    const [name] = rig.list('incidents/incoming')
    expect(name).toMatch(/^incident-task-a-[0-9a-f]{8}\.md$/)
    const incident = rig.read('incidents/incoming', name!)
    for (const line of [
      'Trigger-Reason: consultant_needs_planning',
      'Source-Stage: consultant',
      'Source-Task-ID: task-a',
      'Opened-By: runtime',
    ])
      expect(incident).toContain(line)
    expect(snapshot().active_runs).toEqual([])
    await rig.ticks(1)
    expect(rig.stages().at(-1)).toBe('auditor')
  })

  test('trouble that planning hands back again and again is handed on three times, then stays blocked for a person', async () => {
    rig = await Rig.create({ config: '[recovery]\nmax_troubleshoot_attempts_before_consult = 1\n' })
    rig.outcomes({ builder: ['BLOCKED'], troubleshooter: ['BLOCKED'], consultant: ['NEEDS_PLANNING'] })
    rig.addTask('task-a')
    await rig.work(200)
    expect(rig.list('incidents/resolved')).toHaveLength(3)
    expect([rig.list('incidents/incoming'), rig.list('tasks/queue'), rig.list('specs/queue')]).toEqual([[], [], []])
    expect(rig.list('tasks/blocked')).toHaveLength(4)
    const [told, ...more] = rig.log('handoffs_exhausted')
    expect(told).toMatchObject({ work_item_kind: 'task', handoffs: 3, most: 3 })
    expect(more).toEqual([])
    expect(snapshot().active_runs).toEqual([])
  })

  test('scenario 69: a blocked consultant blocks the task, and its budgets are gone', async () => {
    rig = await Rig.create({ config: '[recovery]\nmax_troubleshoot_attempts_before_consult = 1\n' })
    rig.outcomes({ builder: ['BLOCKED'], troubleshooter: ['BLOCKED'], consultant: ['BLOCKED'] })
    rig.addTask('task-a')
    await rig.work()
    expect(rig.list('tasks/blocked')).toEqual(['task-a.md'])
    expect(counters()).toEqual({})
    expect(snapshot().active_runs).toEqual([])
    expect(rig.log('work_item_blocked')).toMatchObject([{ work_item_id: 'task-a', reason: 'consultant_blocked' }])
    expect(rig.list('incidents/incoming')).toEqual([])
  })

  test('W-03: consultant rounds are capped, then the trouble goes to planning', async () => {
    rig = await Rig.create({ config: '[recovery]\nmax_troubleshoot_attempts_before_consult = 1\n' })
    rig.outcomes({
      builder: ['BLOCKED'],
      troubleshooter: ['BLOCKED'],
      consultant: ['CONSULT_COMPLETE'],
      auditor: ['BLOCKED'],
      mechanic: ['BLOCKED'],
    })
    rig.addTask('task-a')
    await rig.work()
    expect(rig.stages().filter((stage) => stage === 'consultant')).toHaveLength(4)
    expect(rig.log('work_item_blocked')[0]).toMatchObject({
      work_item_id: 'task-a',
      failure_class: 'consult_limit_reached',
    })
    expect(rig.log('runtime_handoff_incident_enqueued')).toHaveLength(1)
  })

  test('W-49: failures of ever another class are stopped by the budget of the item', async () => {
    rig = await Rig.create()
    const failures: Partial<Reply>[] = [
      { outcome: null },
      { outcome: 'NO_SUCH' },
      { outcome: 'TROUBLESHOOT_COMPLETE', exit_code: 9 },
      { outcome: 'TROUBLESHOOT_COMPLETE', steps: [] },
    ]
    rig.replies([
      reply('builder', 'BLOCKED'),
      ...Array.from({ length: 12 }, (_, index) =>
        reply('troubleshooter', null, { attempt: index + 1, ...failures[index % failures.length] }),
      ),
      reply('consultant', 'BLOCKED'),
    ])
    rig.addTask('task-a')
    await rig.work()
    expect(rig.stages()).toEqual(['builder', ...Array(8).fill('troubleshooter'), 'consultant'])
    expect(new Set(decisions().map((data) => data.failure_class)).size).toBeGreaterThan(3)
  })
})

describe('planning', () => {
  test('scenario 70: a planner that is blocked a third time blocks the spec', async () => {
    rig = await Rig.create()
    rig.outcomes({ planner: ['BLOCKED'] })
    rig.addSpec('spec-a')
    await rig.work()
    expect(rig.stages()).toEqual(['planner', 'mechanic', 'planner', 'mechanic', 'planner'])
    expect(rig.log('work_item_blocked')).toMatchObject([{ work_item_id: 'spec-a', failure_class: 'planner_blocked' }])
    expect(rig.list('specs/blocked')).toEqual(['spec-a.md'])
  })

  test('scenario 71: with one attempt allowed a blocked mechanic ends it, and the reason says so', async () => {
    rig = await Rig.create({ config: '[recovery]\nmax_mechanic_attempts = 1\n' })
    rig.outcomes({ planner: ['BLOCKED'], mechanic: ['BLOCKED'] })
    rig.addSpec('spec-a')
    await rig.work()
    expect(rig.reasons()).toEqual(['planner_blocked', 'mechanic_blocked:mechanic_attempts_exhausted'])
    expect(rig.list('specs/blocked')).toEqual(['spec-a.md'])
  })

  test('scenario 72: after an auditor that was blocked the mechanic goes on to the planner', async () => {
    rig = await Rig.create()
    rig.outcomes({ auditor: ['BLOCKED'] })
    rig.addIncident('incident-a')
    await rig.ticks(3)
    expect(rig.stages()).toEqual(['auditor', 'mechanic', 'planner'])
  })

  test('scenario 73: the manager finishes a spec as done and an incident as resolved, each with its tasks', async () => {
    rig = await Rig.create()
    rig.outcomes({ builder: ['BLOCKED'], troubleshooter: ['BLOCKED'], consultant: ['BLOCKED'] })
    rig.addSpec('spec-a')
    rig.addIncident('incident-a')
    await rig.work(6)
    expect(rig.stages().slice(0, 5)).toEqual(['auditor', 'planner', 'manager', 'planner', 'manager'])
    expect([rig.list('specs/done'), rig.list('incidents/resolved')]).toEqual([['spec-a.md'], ['incident-a.md']])
    expect(rig.log('work_item_handed_in').map((data) => data.work_item_kind)).toEqual(['task', 'task'])
  })

  test('W-48: finished execution does not wipe out that planning is blocked', async () => {
    rig = await Rig.create({ config: '[recovery]\nmax_mechanic_attempts = 1\n' })
    rig.outcomes({ planner: ['BLOCKED'], mechanic: ['BLOCKED'] })
    rig.addSpec('spec-a', { source_type: 'derived_spec', parent_spec_id: 'spec-root' })
    rig.addTask('task-a')
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect([rig.read('state/planning_status.md'), rig.read('state/execution_status.md')]).toEqual([
      '### BLOCKED\n',
      '### IDLE\n',
    ])
    expect(snapshot().failure_class_by_plane).toEqual({ planning: 'planner_blocked' })
  })
})
