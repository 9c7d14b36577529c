import { beforeEach, describe, expect, it } from 'vitest'
import { carryOut, ledger, refusal } from '../../../test/rig/command.ts'
import { documentText } from '../../../test/rig/documents.ts'
import { MemoryWorkspace, NOW } from '../../../test/rig/view.ts'
import { newRun } from '../../core/completion.ts'
import { archiveBlocked, cancelIncident, cancelWorkItem, resolveIncident, supersedeTask } from './departures.ts'

let workspace: MemoryWorkspace
const task = (id: string, state: 'queued' | 'blocked' | 'active' | 'done', depends_on: string[] = []) =>
  workspace.put('task', state, id, documentText('task', id, { depends_on }))
const runOf = (kind: 'task' | 'incident', id: string) =>
  newRun(NOW, {
    runId: 'run-1',
    plane: 'some-plane',
    nodeId: 'some-node',
    stageKindId: 'some-stage',
    planId: 'plan-1',
    item: { kind, id },
  })
const waits = (id: string) => workspace.view().items.find('task', id)[0]!.dependsOn

beforeEach(() => {
  workspace = new MemoryWorkspace()
})

describe('cancelling an item', () => {
  it('archives it under a name of its own, and tells who did it, why, and what came of it', () => {
    task('T-1', 'queued')
    task('T-2', 'queued', ['T-1'])
    const { output } = carryOut(workspace, cancelWorkItem, { work_item_id: 'T-1', reason: 'not wanted' })
    const file = 'tasks/queue/cancelled/T-1.20260302T120000Z.abababab.queue.md'
    expect(workspace.archived.get('T-1')).toBe(file)
    expect(output).toEqual({
      applied: true,
      detail: 'cancelled task T-1; still waiting for it: T-2',
      work_item_kind: 'task',
      work_item_id: 'T-1',
      artifact_path: `millrace-agents/${file}`,
      affected_dependents: ['T-2'],
    })
    const told = {
      action: 'cancel',
      reason: 'not wanted',
      work_item_kind: 'task',
      work_item_id: 'T-1',
      source_state: 'queued',
      destination_state: 'cancelled',
      source_path: 'millrace-agents/tasks/queue/T-1.md',
      destination_path: `millrace-agents/${file}`,
      replacement_work_item_id: null,
      affected_dependents: ['T-2'],
    }
    expect(ledger(workspace)).toEqual([{ ...told, before: { state: 'queued' }, after: { state: 'cancelled' } }])
    expect(workspace.events).toMatchObject([{ event_type: 'work_item_cancelled', data: told }])
    expect(waits('T-2')).toEqual(['T-1'])
  })

  it('with --cascade retarget has its dependents wait for what it waited for', () => {
    task('T-0', 'queued')
    task('T-1', 'queued', ['T-0'])
    task('T-2', 'queued', ['T-1'])
    const { output } = carryOut(workspace, cancelWorkItem, { work_item_id: 'T-1', cascade: 'retarget' })
    expect(waits('T-2')).toEqual(['T-0'])
    expect(output.detail).toBe('cancelled task T-1; no longer waiting for it: T-2')
    expect(ledger(workspace)).toMatchObject([
      { action: 'cancel' },
      { action: 'retarget_dependency', before: { depends_on: ['T-1'] }, after: { depends_on: ['T-0'] } },
    ])
    expect(workspace.told).toEqual(['work_item_cancelled', 'task_dependency_retargeted'])
  })

  it('with --cascade cancel takes everything along that waits for it, each once', () => {
    task('T-1', 'blocked')
    task('T-2', 'queued', ['T-1'])
    task('T-3', 'queued', ['T-2', 'T-1'])
    task('T-4', 'queued')
    const { output } = carryOut(workspace, cancelWorkItem, { work_item_id: 'T-1', cascade: 'cancel' })
    expect(output.affected_dependents).toEqual(['T-2', 'T-3'])
    expect(workspace.idsIn('task', 'cancelled').sort()).toEqual(['T-1', 'T-2', 'T-3'])
    expect(workspace.idsIn('task', 'queued')).toEqual(['T-4'])
    expect(workspace.archived.get('T-1')).toMatch(/^tasks\/blocked\/cancelled\/.*\.blocked\.md$/)
  })

  it.each(['active', 'done'] as const)('refuses what is %s, and says what would be accepted', (state) => {
    task('T-1', state)
    expect(refusal(workspace, cancelWorkItem, { work_item_id: 'T-1' })).toMatchObject({
      code: 'item_state',
      message: `task T-1 is ${state}; only queued or blocked items can be cancelled.`,
    })
  })

  it('names the run to end first where one holds the item', () => {
    task('T-1', 'active')
    const run = runOf('task', 'T-1')
    workspace.snapshot = { ...workspace.snapshot, active_runs: [run] }
    expect(refusal(workspace, cancelWorkItem, { work_item_id: 'T-1' }).hint).toContain(
      `millrace control cancel ${run.run_id}`,
    )
  })

  it('refuses an id of several places, one there is not, a blank reason, and a cascade there is not', () => {
    task('T-1', 'queued')
    workspace.put('spec', 'queued', 'T-1', documentText('spec', 'T-1'))
    expect(refusal(workspace, cancelWorkItem, { work_item_id: 'T-1' })).toMatchObject({
      code: 'item_duplicate',
      hint: expect.stringContaining('--kind'),
    })
    const given = { work_item_id: 'T-1', work_item_kind: 'task' }
    expect(refusal(workspace, cancelWorkItem, { ...given, work_item_id: 'T-11' })).toMatchObject({
      code: 'item_unknown',
      hint: 'did you mean T-1?',
    })
    expect(refusal(workspace, cancelWorkItem, { ...given, reason: ' ' }).code).toBe('usage')
    expect(refusal(workspace, cancelWorkItem, { ...given, cascade: 'all' }).code).toBe('usage')
    expect(refusal(workspace, cancelWorkItem, { ...given, kind: 'task' }).code).toBe('mailbox_invalid')
  })
})

describe('archiving a blocked task', () => {
  it('takes blocked tasks only', () => {
    task('T-1', 'blocked')
    task('T-2', 'queued')
    carryOut(workspace, archiveBlocked, { work_item_id: 'T-1', reason: 'done by hand' })
    expect(workspace.archived.get('T-1')).toMatch(/^tasks\/blocked\/cancelled\//)
    expect(workspace.told).toEqual(['blocked_task_archived'])
    expect(refusal(workspace, archiveBlocked, { work_item_id: 'T-2' }).code).toBe('item_state')
  })
})

describe('superseding a task', () => {
  const supersede = (more: object = {}) => ({ work_item_id: 'OLD', replacement: 'NEW', reason: 'split', ...more })

  it('puts it into its own archive and names the replacement; dependents keep waiting unless told', () => {
    task('OLD', 'queued')
    task('NEW', 'active')
    task('T-1', 'queued', ['OLD'])
    const { output } = carryOut(workspace, supersedeTask, supersede())
    expect(output).toMatchObject({ replacement_work_item_id: 'NEW', affected_dependents: ['T-1'] })
    expect(workspace.archived.get('OLD')).toMatch(/^tasks\/queue\/superseded\/OLD\..*\.queue\.md$/)
    expect(ledger(workspace)[0]).toMatchObject({ destination_state: 'superseded', replacement_work_item_id: 'NEW' })
    expect(waits('T-1')).toEqual(['OLD'])
  })

  it('with --cascade retarget has dependents wait for the replacement, and the replacement not for itself', () => {
    task('OLD', 'blocked')
    task('NEW', 'queued', ['OLD', 'T-0'])
    task('T-0', 'queued')
    task('T-1', 'queued', ['OLD'])
    carryOut(workspace, supersedeTask, supersede({ cascade: 'retarget' }))
    expect(waits('T-1')).toEqual(['NEW'])
    expect(waits('NEW')).toEqual(['T-0'])
  })

  it('refuses where something would come to wait for itself', () => {
    task('OLD', 'queued')
    task('NEW', 'queued', ['T-1'])
    task('T-1', 'queued', ['OLD'])
    expect(refusal(workspace, supersedeTask, supersede({ cascade: 'retarget' })).code).toBe('dependency_cycle')
    expect(refusal(workspace, supersedeTask, supersede({ replacement: 'OLD' })).code).toBe('item_state')
  })

  it('refuses a replacement that will not be done, and one there is not', () => {
    task('OLD', 'queued')
    expect(refusal(workspace, supersedeTask, supersede()).code).toBe('item_unknown')
    task('NEW', 'blocked')
    expect(refusal(workspace, supersedeTask, supersede())).toMatchObject({
      code: 'item_state',
      hint: 'a replacement is queued, active or done',
    })
    expect(refusal(workspace, supersedeTask, { work_item_id: 'OLD', replacement: 'NEW' }).code).toBe('item_state')
  })

  it('needs a reason', () => {
    task('OLD', 'queued')
    task('NEW', 'done')
    expect(refusal(workspace, supersedeTask, { work_item_id: 'OLD', replacement: 'NEW' }).code).toBe('usage')
  })
})

describe('incidents', () => {
  const incident = (id: string, state: 'queued' | 'blocked' | 'active' | 'done') =>
    workspace.put('incident', state, id, documentText('incident', id))
  const seen = { work_item_id: 'I-1', reason: 'mended by hand' }

  it.each(['queued', 'blocked', 'active'] as const)('are resolved from %s, unless a run holds them', (state) => {
    incident('I-1', state)
    carryOut(workspace, resolveIncident, seen)
    expect(workspace.archived.get('I-1')).toMatch(/^incidents\/resolved\/operator\/I-1\./)
    expect(workspace.told).toEqual(['incident_resolved_by_operator'])
    expect(ledger(workspace)[0]).toMatchObject({ action: 'resolve_incident', destination_state: 'resolved' })
  })

  it('are cancelled beside where they lay', () => {
    incident('I-1', 'active')
    carryOut(workspace, cancelIncident, seen)
    expect(workspace.archived.get('I-1')).toMatch(/^incidents\/active\/cancelled\/I-1\..*\.active\.md$/)
    expect(workspace.told).toEqual(['incident_cancelled'])
  })

  it('are left alone while a run holds them, or once they are resolved', () => {
    incident('I-1', 'active')
    const run = runOf('incident', 'I-1')
    workspace.snapshot = { ...workspace.snapshot, active_runs: [run] }
    expect(refusal(workspace, resolveIncident, seen).code).toBe('item_state')
    incident('I-2', 'done')
    expect(refusal(workspace, cancelIncident, { ...seen, work_item_id: 'I-2' }).code).toBe('item_state')
    expect(refusal(workspace, cancelIncident, { work_item_id: 'I-2' }).code).not.toBe('internal')
  })
})
