/** Routing and recovery budgets on the two standard loops, and on one of the workspace's own (spec 02 §11, 60 to 77). */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Counters, Snapshot } from '../../src/core/state.ts'
import { PACKAGE_ROOT, type Reply, Rig } from '../rig/runtime.ts'

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

/** A reply that leaves what it owes and reports an outcome, and whatever a story adds. */
const reply = (stage: string, outcome: string | null, more: Partial<Reply> = {}): Reply => ({
  stage,
  outcome,
  steps: [{ artifacts: true }],
  ...more,
})

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

describe('when a result cannot simply be applied', () => {
  test('scenario 74: an active file that vanished withdraws the run, and nothing is left active', async () => {
    rig = await Rig.create()
    rig.replies([
      reply('builder', 'BLOCKED', { steps: [{ run: { command: 'rm millrace-agents/tasks/active/task-a.md' } }] }),
    ])
    rig.addTask('task-a')
    await rig.work()
    expect(rig.stages()).toEqual(['builder'])
    expect(rig.log('run_withdrawn')).toMatchObject([{ work_item_id: 'task-a' }])
    expect(snapshot().active_runs).toEqual([])
    expect(rig.read('state/execution_status.md')).toBe('### IDLE\n')
  })

  test('scenario 75: a result that is for another request counts as a failure of the runner', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    const { enginePorts } = await import('../rig/ports.ts')
    const { scriptedProgram } = await import('../rig/runtime.ts')
    rig.options.runners = (config, root) => {
      const runners = enginePorts(root, { packageRoot: PACKAGE_ROOT, scriptedAgent: scriptedProgram() }).runners(
        config,
        root,
      )
      const scripted = runners.get('scripted')!
      const confused = {
        ...scripted,
        follow: (...given: Parameters<typeof scripted.follow>) => ({
          ...scripted.follow(...given),
          result: scripted.follow(...given).result.then((raw) => ({ ...raw, request_id: 'request-other' })),
        }),
      }
      return new Map([...runners, ['scripted', confused]])
    }
    await rig.ticks(1)
    expect(decisions()).toMatchObject([{ next_node_id: 'troubleshooter', failure_class: 'runner_transport_failure' }])
  })

  test('scenario 92, W-01: an item that lies finished already with the same bytes is finished', async () => {
    rig = await Rig.create()
    const at = 'millrace-agents/tasks'
    rig.replies([
      reply('updater', 'UPDATE_COMPLETE', {
        steps: [{ artifacts: true }, { copy: { from: `${at}/active/task-a.md`, to: `${at}/done/task-a.md` } }],
      }),
    ])
    rig.addTask('task-a')
    await rig.work()
    expect(rig.stages()).toEqual(['builder', 'checker', 'updater'])
    expect([rig.list('tasks/active'), rig.list('tasks/done')]).toEqual([[], ['task-a.md']])
  })

  test('scenarios 91, 92, W-01: a finished place taken by something else is repaired within a budget, and nothing is overwritten', async () => {
    rig = await Rig.create({ config: '[recovery]\nmax_troubleshoot_attempts_before_consult = 1\n' })
    rig.replies([reply('consultant', 'BLOCKED')])
    rig.addTask('task-a')
    await rig.ticks(2)
    rig.place('tasks/done/task-a.md', 'somebody else was here\n')
    await rig.ticks(1)
    expect(decisions().at(-1)).toMatchObject({
      next_node_id: 'troubleshooter',
      failure_class: 'execution_work_item_completion_conflict',
    })
    expect(rig.read('state/execution_status.md')).toBe('### BLOCKED\n')
    await rig.work()
    expect(rig.stages()).toEqual([
      'builder',
      'checker',
      'updater',
      'troubleshooter',
      'builder',
      'checker',
      'updater',
      'consultant',
    ])
    const [request] = rig.requests('troubleshooter')
    expect(request).toMatchObject({
      runtime_error_code: 'execution_work_item_completion_conflict',
      runtime_error_report_path: `${request!.run_dir}/runtime_error_report.md`,
    })
    expect(fs.readFileSync(request!.runtime_error_report_path!, 'utf8')).toContain('lies in the done folder already')
    expect(rig.read('tasks/done/task-a.md')).toBe('somebody else was here\n')
    expect(rig.list('tasks/blocked')).toEqual(['task-a.md'])
  })

  test('scenario 90: the same for a spec goes to the mechanic', async () => {
    rig = await Rig.create({ config: '[recovery]\nmax_mechanic_attempts = 1\n' })
    rig.addSpec('spec-a')
    await rig.ticks(1)
    rig.place('specs/done/spec-a.md', 'somebody else was here\n')
    await rig.ticks(2)
    expect(rig.stages()).toEqual(['planner', 'manager', 'mechanic'])
    expect(rig.log('runtime_completion_conflict')).toMatchObject([
      { error_code: 'planning_work_item_completion_conflict', plane: 'planning' },
    ])
    expect(rig.requests('mechanic')[0]).toMatchObject({
      runtime_error_code: 'planning_work_item_completion_conflict',
      failure_class: 'planning_work_item_completion_conflict',
    })
    expect(rig.list('tasks/queue')).toEqual([])
  })

  test('W-35: headings of a report are no outcomes', async () => {
    rig = await Rig.create()
    rig.replies([reply('builder', 'BUILDER_COMPLETE', { message: '### SUMMARY\nDone.\n### NOTES\nNone.' })])
    rig.addTask('task-a')
    await rig.ticks(1)
    expect(decisions()).toMatchObject([{ reason: 'builder:BUILDER_COMPLETE' }])
  })

  test('W-36: a marker does not outweigh a bad exit status', async () => {
    rig = await Rig.create()
    rig.replies([reply('builder', 'BUILDER_COMPLETE', { exit_code: 2 })])
    rig.addTask('task-a')
    await rig.ticks(1)
    expect(decisions()).toMatchObject([{ next_node_id: 'troubleshooter', failure_class: 'runner_transport_failure' }])
  })

  test('W-37: a success without what is owed for it is no success, and a file of an earlier stage run is no proof', async () => {
    rig = await Rig.create()
    rig.replies([
      reply('builder', 'BUILDER_COMPLETE', { attempt: 1 }),
      reply('checker', 'BLOCKED'),
      reply('builder', 'BUILDER_COMPLETE', { attempt: 2, steps: [] }),
    ])
    rig.addTask('task-a')
    await rig.ticks(4)
    expect(rig.stages()).toEqual(['builder', 'checker', 'troubleshooter', 'builder'])
    expect(decisions().at(-1)).toMatchObject({ failure_class: 'missing_required_artifact' })
    const [first, second] = rig.requests('builder')
    expect(fs.existsSync(path.join(first!.run_dir, 'history', second!.request_id, 'builder_summary.md'))).toBe(true)
  })

  test('W-37: a manager that hands in no task has not finished', async () => {
    rig = await Rig.create()
    rig.replies([reply('manager', 'MANAGER_COMPLETE')])
    rig.addSpec('spec-a')
    await rig.ticks(2)
    expect(decisions().at(-1)).toMatchObject({ next_node_id: 'mechanic', failure_class: 'hand_in_missing' })
    expect(rig.list('specs/active')).toEqual(['spec-a.md'])
  })
})

describe('a loop of the workspace', () => {
  const kind = (name: string) =>
    JSON.parse(fs.readFileSync(path.join(PACKAGE_ROOT, 'registry/stage_kinds/execution', `${name}.json`), 'utf8'))

  /** One node, outcomes and markers that no shipped asset has, one retry, and terminal states of its own. */
  function lean(edges: object[] = []): void {
    const scout = {
      ...kind('builder'),
      stage_kind_id: 'scout',
      display_name: 'Scout',
      running_status_marker: 'SCOUT_OUT',
      legal_outcomes: ['SEEN', 'LOST'],
      success_outcomes: ['SEEN'],
      failure_outcomes: ['LOST'],
      failure_outcome: 'LOST',
      allowed_result_classes_by_outcome: { SEEN: ['success'], LOST: ['blocked', 'recoverable_failure'] },
      owed_artifacts_by_outcome: { SEEN: [{ name: 'map', path: 'map.md', format: 'text' }] },
    }
    const graph = {
      schema_version: '1.0',
      kind: 'graph_loop',
      loop_id: 'execution.lean',
      plane: 'execution',
      nodes: [{ node_id: 'outing', stage_kind_id: 'scout', timeout_seconds: 7 }],
      entry_nodes: [{ entry_key: 'task', node_id: 'outing' }],
      edges: [
        { edge_id: 'seen', from_node_id: 'outing', terminal_state_id: 'home', on_outcomes: ['SEEN'], kind: 'terminal' },
        {
          edge_id: 'given-up',
          from_node_id: 'outing',
          terminal_state_id: 'aside',
          on_outcomes: ['LOST'],
          kind: 'terminal',
          priority: 200,
        },
        {
          edge_id: 'again',
          from_node_id: 'outing',
          to_node_id: 'outing',
          on_outcomes: ['LOST'],
          kind: 'retry',
          max_attempts: 1,
          priority: 100,
        },
        ...edges,
      ],
      terminal_states: [
        {
          terminal_state_id: 'home',
          terminal_class: 'success',
          writes_status: 'HOME',
          effects: [{ effect: 'complete_item' }],
        },
        {
          terminal_state_id: 'aside',
          terminal_class: 'blocked',
          writes_status: 'GIVEN_UP',
          reason: 'scout_lost',
          effects: [{ effect: 'quarantine_item' }],
        },
      ],
    }
    rig.place('registry/stage_kinds/execution/scout.json', JSON.stringify(scout))
    rig.place('graphs/execution/lean.json', JSON.stringify(graph))
    rig.mode({
      loop_ids_by_plane: { execution: 'execution.lean', planning: 'planning.standard' },
      stage_runner_bindings: {
        scout: 'scripted',
        planner: 'scripted',
        manager: 'scripted',
        mechanic: 'scripted',
        auditor: 'scripted',
        arbiter: 'scripted',
      },
    })
  }

  test('W-39, W-40: stages, outcomes, retries, priorities, markers and terminal states are whatever the loop says', async () => {
    rig = await Rig.create()
    lean()
    rig.replies([reply('scout', 'LOST', { item: 'task-a' }), reply('outing', 'SEEN', { item: 'task-b' })])
    rig.addTask('task-a')
    rig.addTask('task-b')
    await rig.work()
    expect(
      decisions().map((data) => [data.work_item_id, data.reason, data.next_node_id, data.terminal_state_id]),
    ).toEqual([
      ['task-a', 'scout_blocked', 'outing', null],
      ['task-a', 'scout_lost', null, 'aside'],
      ['task-b', 'home', null, 'home'],
    ])
    expect([rig.list('tasks/quarantine'), rig.list('tasks/done')]).toEqual([['task-a.md'], ['task-b.md']])
    expect(rig.requests('scout')[0]).toMatchObject({
      node_id: 'outing',
      running_status_marker: 'SCOUT_OUT',
      legal_terminal_markers: ['### SEEN', '### LOST'],
    })
    expect(rig.log('work_item_blocked').map((data) => data.work_item_id)).toEqual(['task-a'])
  })

  test('W-40: an outcome that is legal elsewhere only is illegal here', async () => {
    rig = await Rig.create()
    lean()
    rig.replies([reply('scout', 'BUILDER_COMPLETE')])
    rig.addTask('task-a')
    await rig.ticks(1)
    expect(decisions()).toMatchObject([{ terminal_result: 'LOST', failure_class: 'illegal_terminal_result' }])
  })

  test('W-47: a stage section without a time limit leaves that of the node alone', async () => {
    rig = await Rig.create({ config: '[stages.scout]\nmodel = "small"\n' })
    lean()
    rig.addTask('task-a')
    await rig.ticks(1)
    expect(rig.requests('scout')).toMatchObject([{ timeout_seconds: 7, model_name: 'small' }])
  })

  test('W-43: a loop with an outcome that leads nowhere, or a prompt that is not there, is refused at the start', async () => {
    rig = await Rig.create()
    lean()
    const file = rig.at('graphs/execution/lean.json')
    const graph = JSON.parse(fs.readFileSync(file, 'utf8'))
    fs.writeFileSync(
      file,
      JSON.stringify({
        ...graph,
        edges: graph.edges.slice(0, 1),
        nodes: [{ ...graph.nodes[0], entrypoint_path: 'entrypoints/execution/none.md' }],
      }),
    )
    rig.addTask('task-a')
    const refused = rig.ticks(1)
    await expect(refused).rejects.toMatchObject({ code: 'compile_failed', message: expect.stringContaining('LOST') })
    await expect(refused).rejects.toMatchObject({ message: expect.stringContaining('entrypoints/execution/none.md') })
    expect(rig.list('tasks/queue')).toEqual(['task-a.md'])
  })
})
