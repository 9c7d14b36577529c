import { beforeEach, describe, expect, it } from 'vitest'
import { carryOut, ledger, refusal } from '../../../test/rig/command.ts'
import { MemoryWorkspace } from '../../../test/rig/view.ts'
import { archiveInvalidIncident } from './set-aside.ts'

let workspace: MemoryWorkspace
const FOLDER = 'millrace-agents/incidents/incoming'
beforeEach(() => {
  workspace = new MemoryWorkspace()
})
const archive = (filename: string) => ({ filename, reason: 'nothing to see' })

describe('archiving an incident nobody can read', () => {
  it('carries it and its findings to the archive', () => {
    workspace.files.set(`${FOLDER}/x.md.invalid`, 'odd')
    workspace.files.set(`${FOLDER}/x.md.invalid.findings.json`, '{}')
    carryOut(workspace, archiveInvalidIncident, archive('x.md.invalid'))
    const kept = `${FOLDER}/invalid-archived/x.md.invalid.20260302T120000Z.abababab`
    expect([...workspace.files]).toEqual([
      [kept, 'odd'],
      [`${kept}.findings.json`, '{}'],
    ])
    expect(ledger(workspace)[0]).toMatchObject({ action: 'archive_invalid_incident', destination_path: kept })
    expect(workspace.told).toEqual(['invalid_incident_artifact_archived'])
  })

  it('takes what the log of unreadable documents lists, and survives lines that are no JSON', () => {
    workspace.files.set(`${FOLDER}/odd-name`, 'odd')
    workspace.files.set(`${FOLDER}/invalid-artifacts.jsonl`, 'x\nnull\n{"quarantine_name":"odd-name"}\n')
    expect(carryOut(workspace, archiveInvalidIncident, archive('odd-name')).output.applied).toBe(true)
  })

  it('refuses documents that are whole, files there are not, and names with a folder', () => {
    workspace.files.set(`${FOLDER}/whole.md`, 'fine')
    expect(refusal(workspace, archiveInvalidIncident, archive('whole.md')).code).toBe('item_state')
    expect(refusal(workspace, archiveInvalidIncident, archive('gone.md.invalid')).code).toBe('item_unknown')
    for (const name of ['../x.md.invalid', 'a/b.invalid', '..', '.x.invalid'])
      expect(refusal(workspace, archiveInvalidIncident, archive(name)).code).toBe('id_invalid')
    expect(refusal(workspace, archiveInvalidIncident, { filename: 'whole.md' }).code).toBe('usage')
  })
})
