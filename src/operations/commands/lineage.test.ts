import { beforeEach, describe, expect, it } from 'vitest'
import { carryOut, refusal } from '../../../test/rig/command.ts'
import { documentText } from '../../../test/rig/documents.ts'
import { MemoryWorkspace } from '../../../test/rig/view.ts'
import { repairLineage } from './lineage.ts'

let workspace: MemoryWorkspace
const idea = { root_idea_id: 'idea-1' }
const rootOf = (kind: 'task' | 'incident', id: string) => workspace.view().items.find(kind, id)[0]!.rootSpecId

beforeEach(() => {
  workspace = new MemoryWorkspace()
  workspace.put('spec', 'done', 'S-1', documentText('spec', 'S-1', { ...idea, root_spec_id: 'S-1' }))
  workspace.put('task', 'queued', 'T-1', documentText('task', 'T-1', { ...idea, root_spec_id: 'S-9', spec_id: 'S-9' }))
  workspace.put('task', 'blocked', 'T-2', documentText('task', 'T-2', { ...idea, root_spec_id: 'S-1' }))
  workspace.put('task', 'active', 'T-3', documentText('task', 'T-3', { ...idea, root_spec_id: 'S-9' }))
  workspace.put('spec', 'queued', 'S-2', documentText('spec', 'S-2', { ...idea, root_spec_id: 'S-9' }))
  workspace.put('incident', 'queued', 'I-1', documentText('incident', 'I-1', { ...idea, root_spec_id: 'S-9' }))
  workspace.put('task', 'queued', 'T-4', documentText('task', 'T-4', { root_idea_id: 'idea-2', root_spec_id: 'S-9' }))
})

describe('repairing a lineage', () => {
  it('sets queued and blocked tasks and incidents of the idea right, and lists what it leaves to a person', () => {
    const { output } = carryOut(workspace, repairLineage, { root_spec_id: 'S-1' })
    expect(output).toMatchObject({ applied: true, repair_count: 4, change_count: 3, skipped_count: 2 })
    expect(output.lineage_changes).toMatchObject([
      { work_item_id: 'T-1', field_name: 'root_spec_id', old_value: 'S-9', new_value: 'S-1' },
      { work_item_id: 'T-1', field_name: 'spec_id', old_value: 'S-9', new_value: 'S-1' },
      { work_item_id: 'I-1', field_name: 'root_spec_id', old_value: 'S-9', new_value: 'S-1' },
    ])
    expect(output.lineage_skipped).toEqual([
      { work_item_kind: 'task', work_item_id: 'T-3', state: 'active' },
      { work_item_kind: 'spec', work_item_id: 'S-2', state: 'queued' },
    ])
    expect([rootOf('task', 'T-1'), rootOf('incident', 'I-1'), rootOf('task', 'T-4')]).toEqual(['S-1', 'S-1', 'S-9'])
    expect(workspace.told).toEqual(['closure_lineage_repaired'])
    const report = JSON.parse(workspace.files.get(output.artifact_path as string)!)
    expect(report).toMatchObject({
      kind: 'closure_lineage_repair_plan',
      applied: true,
      changes: output.lineage_changes,
    })
  })

  it('does nothing a second time', () => {
    carryOut(workspace, repairLineage, { root_spec_id: 'S-1' })
    const { changes, output } = carryOut(workspace, repairLineage, { root_spec_id: 'S-1' })
    expect(changes).toEqual([])
    expect(output).toMatchObject({ applied: false, repair_count: 2, change_count: 0, skipped_count: 2 })
  })

  it('knows a root by the id it went by before', () => {
    const root = 'idea-idea-x'
    workspace.put('spec', 'done', root, documentText('spec', root, { root_spec_id: root, root_idea_id: 'i' }))
    workspace.put('task', 'queued', 'T-5', documentText('task', 'T-5', { root_spec_id: 'idea-x' }))
    carryOut(workspace, repairLineage, { root_spec_id: root })
    expect(rootOf('task', 'T-5')).toBe(root)
  })

  it('refuses a root there is not', () => {
    expect(refusal(workspace, repairLineage, { root_spec_id: 'S-5' }).code).toBe('item_unknown')
    expect(refusal(workspace, repairLineage, { root_spec_id: '../S' }).code).toBe('id_invalid')
  })
})
