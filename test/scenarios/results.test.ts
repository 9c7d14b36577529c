/** Results that cannot simply be applied: conflicts, lies, missing evidence (spec 02 §11, 74 to 75, 90 to 92). */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Snapshot } from '../../src/core/state.ts'
import type { Runner } from '../../src/runners/runner.ts'
import { enginePorts } from '../rig/ports.ts'
import { PACKAGE_ROOT, Rig, reply, scriptedProgram } from '../rig/runtime.ts'

let rig: Rig
afterEach(() => rig?.dispose())

const snapshot = () => rig.json<Snapshot>('state/runtime_snapshot.json')
const decisions = () => rig.log('router_decision')

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
    const { runners } = enginePorts(rig.root, { packageRoot: PACKAGE_ROOT, scriptedAgent: scriptedProgram() })
    rig.options.runners = (config, root) => {
      const all = runners(config, root)
      const scripted = all.get('scripted')!
      const confused: Runner = {
        ...scripted,
        follow(request, handle) {
          const following = scripted.follow(request, handle)
          return { ...following, result: following.result.then((raw) => ({ ...raw, request_id: 'request-other' })) }
        },
      }
      return new Map([...all, ['scripted', confused]])
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
