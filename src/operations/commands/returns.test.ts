import { beforeEach, describe, expect, it } from 'vitest'
import { carryOut, ledger, refusal } from '../../../test/rig/command.ts'
import { documentText } from '../../../test/rig/documents.ts'
import { MemoryWorkspace } from '../../../test/rig/view.ts'
import { quarantineWorkItem, releaseWorkItem, retryWorkItem } from './returns.ts'

let workspace: MemoryWorkspace
beforeEach(() => {
  workspace = new MemoryWorkspace()
  workspace.put('task', 'blocked', 'T-1', documentText('task', 'T-1', { root_spec_id: 'S-1' }))
  workspace.put('task', 'queued', 'T-2', documentText('task', 'T-2', { depends_on: ['T-1'] }))
})

describe('quarantine and release', () => {
  it('set an item aside and bring it back, byte for byte', () => {
    const text = workspace.textOf('task', 'blocked', 'T-1')
    const { output } = carryOut(workspace, quarantineWorkItem, { work_item_id: 'T-1', reason: 'odd' })
    expect(output).toMatchObject({
      applied: true,
      affected_dependents: ['T-2'],
      artifact_path: 'millrace-agents/tasks/quarantine/T-1.md',
    })
    expect(workspace.statesOf('task', 'T-1')).toEqual(['quarantined'])
    carryOut(workspace, releaseWorkItem, { work_item_id: 'T-1' })
    expect(workspace.textOf('task', 'queued', 'T-1')).toBe(text)
    expect(workspace.told).toEqual(['work_item_quarantined', 'work_item_requeued', 'work_item_released'])
    expect(ledger(workspace).map((line) => [line.action, line.before, line.after])).toEqual([
      ['quarantine', { state: 'blocked' }, { state: 'quarantined' }],
      ['release', { state: 'quarantined' }, { state: 'queued' }],
    ])
  })

  it('refuse what is elsewhere', () => {
    expect(refusal(workspace, releaseWorkItem, { work_item_id: 'T-2' }).message).toBe(
      'task T-2 is queued; only quarantined items can be released.',
    )
    workspace.put('task', 'done', 'T-3', documentText('task', 'T-3'))
    expect(refusal(workspace, quarantineWorkItem, { work_item_id: 'T-3' }).code).toBe('item_state')
  })
})

describe('retrying', () => {
  it('puts a blocked item back, with its line in the log of its queue', () => {
    carryOut(workspace, retryWorkItem, { work_item_id: 'T-1', reason: 'mended', root_spec_id: 'S-1', force: true })
    expect(workspace.statesOf('task', 'T-1')).toEqual(['queued'])
    expect(workspace.lines.get('tasks/queue/T-1.requeue.jsonl')).toMatchObject([{ reason: 'mended' }])
    expect(workspace.told).toEqual(['work_item_requeued', 'blocked_task_requeued'])
  })

  it('is refused for another root spec than the one that was named, and for what is queued already', () => {
    expect(refusal(workspace, retryWorkItem, { work_item_id: 'T-1', root_spec_id: 'S-2' })).toMatchObject({
      code: 'item_state',
      message: 'task T-1 belongs to S-1, not to S-2.',
    })
    expect(refusal(workspace, retryWorkItem, { work_item_id: 'T-2' }).message).toContain('blocked or quarantined')
  })
})
