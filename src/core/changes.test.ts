import { describe, expect, it } from 'vitest'
import { planWith } from '../../test/rig/assets.ts'
import { runAt } from '../../test/rig/run.ts'
import { MemoryWorkspace } from '../../test/rig/view.ts'
import { Draft, event } from './changes.ts'
import { countUp } from './state.ts'

const plan = planWith()
const run = runAt(plan, 'execution', 'builder', { kind: 'task', id: 't' })
const owner = { kind: 'task', id: 't' }

describe('a draft', () => {
  it('that changed nothing is no transaction, whatever the time', () => {
    const workspace = new MemoryWorkspace(plan)
    workspace.now = '2030-01-01T00:00:00.000Z'
    const draft = new Draft(workspace.view())
    expect(draft.touched).toBe(false)
    expect(draft.finish()).toEqual([])
  })

  it('ends with the counters, if they changed, and the snapshot, always last', () => {
    const view = new MemoryWorkspace(plan).view()
    const draft = new Draft(view)
    draft.event('runtime_tick_idle')
    expect(draft.finish().map((change) => change.change)).toEqual(['event.append', 'state.set'])
    draft.counters = countUp(draft.counters, owner, 'x', '', view.now)
    expect(draft.finish().map((change) => change.change)).toEqual(['event.append', 'counters.set', 'state.set'])
  })

  it('is a transaction though only a budget was used', () => {
    const view = new MemoryWorkspace(plan).view()
    const draft = new Draft(view)
    draft.counters = countUp(draft.counters, owner, 'x', '', view.now)
    expect(draft.finish().map((change) => change.change)).toEqual(['counters.set', 'state.set'])
  })

  it('leaves the view as it was', () => {
    const workspace = new MemoryWorkspace(plan)
    workspace.snapshot.active_runs = [run]
    const view = workspace.view()
    const draft = new Draft(view)
    draft.putRun({ ...run, node_id: 'checker' })
    draft.mark('execution', 'CHECKER_RUNNING')
    draft.announce('runtime_tick_idle', 'runtime', 'x', {})
    draft.endRun(run, owner, null)
    expect(view.snapshot.active_runs).toEqual([run])
    expect(view.snapshot.status_markers_by_plane).toEqual({})
    expect(draft.snapshot.active_runs).toEqual([])
  })

  it('takes the time of its view', () => {
    const workspace = new MemoryWorkspace(plan)
    workspace.now = '2030-01-01T00:00:00.000Z'
    expect(new Draft(workspace.view()).snapshot.updated_at).toBe('2030-01-01T00:00:00.000Z')
  })
})

describe('runs in a draft', () => {
  it('are added once and replaced in place', () => {
    const draft = new Draft(new MemoryWorkspace(plan).view())
    const other = { ...run, run_id: 'run-2', plane: 'planning' }
    draft.putRun(run)
    draft.putRun(other)
    draft.putRun({ ...run, stage_runs: 1 })
    expect(draft.snapshot.active_runs.map((active) => [active.run_id, active.stage_runs])).toEqual([
      ['run-1', 1],
      ['run-2', 0],
    ])
  })

  it('W-48: end with their own budgets and on their own plane only', () => {
    const workspace = new MemoryWorkspace(plan)
    workspace.snapshot.active_runs = [run, { ...run, run_id: 'run-2', plane: 'planning' }]
    workspace.snapshot.status_markers_by_plane = { execution: '### BUILDER_RUNNING', planning: '### BLOCKED' }
    workspace.counters = countUp(
      countUp(workspace.counters, owner, 'x', '', 'T'),
      { kind: 'spec', id: 's' },
      'x',
      '',
      'T',
    )
    const draft = new Draft(workspace.view())
    draft.endRun(run, owner, null)
    expect(draft.snapshot.active_runs.map((active) => active.run_id)).toEqual(['run-2'])
    expect(draft.snapshot.status_markers_by_plane).toEqual({ execution: '### IDLE', planning: '### BLOCKED' })
    expect(draft.counters.entries.map((entry) => entry.work_item_id)).toEqual(['s'])
  })

  it('may leave the token of their end on the plane', () => {
    const draft = new Draft(new MemoryWorkspace(plan).view())
    draft.endRun(run, owner, 'NEEDS_PLANNING')
    expect(draft.finish()).toContainEqual({ change: 'status.set', plane: 'execution', marker: '### NEEDS_PLANNING' })
  })
})

describe('a status marker', () => {
  it('is written only if it is another', () => {
    const workspace = new MemoryWorkspace(plan)
    workspace.snapshot.status_markers_by_plane = { execution: '### IDLE' }
    const draft = new Draft(workspace.view())
    draft.mark('execution', 'IDLE')
    expect(draft.touched).toBe(false)
    draft.mark('execution', 'BUILDER_RUNNING')
    expect(draft.touched).toBe(true)
  })
})

describe('a standing fact', () => {
  it('is told once, again after it changed, and again after it was forgotten', () => {
    const draft = new Draft(new MemoryWorkspace(plan).view())
    const tell = (digest: string) => draft.announce('runtime_tick_idle', 'runtime', digest, { digest })
    expect([tell('a'), tell('a'), tell('b')]).toEqual([true, false, true])
    draft.forget('runtime_tick_idle', 'runtime')
    expect(tell('b')).toBe(true)
    expect(draft.finish().filter((change) => change.change === 'event.append')).toHaveLength(3)
  })

  it('that nobody told can be forgotten without a trace', () => {
    const draft = new Draft(new MemoryWorkspace(plan).view())
    draft.forget('runtime_tick_idle', 'runtime')
    expect(draft.touched).toBe(false)
  })
})

describe('an event', () => {
  it('is a change like any other', () => {
    expect(event('runtime_paused', { source: 'operator' })).toEqual({
      change: 'event.append',
      event_type: 'runtime_paused',
      data: { source: 'operator' },
    })
    expect(event('runtime_paused')).toMatchObject({ data: {} })
  })
})
