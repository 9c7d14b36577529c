import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { assertItemLies } from './parts/assertions.mjs'
import { documentText } from './parts/documents.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M000-18',
  says: 'An incident document lies in incidents/incoming, active, resolved or blocked: its folder is its state.',

  async run() {
    const workspace = await newWorkspace({
      replies: [
        { stage: 'builder', outcome: 'BLOCKED' },
        { stage: 'troubleshooter', outcome: 'BLOCKED' },
        { stage: 'consultant', outcome: 'NEEDS_PLANNING' },
        { stage: 'auditor', item: 'hopeless', outcome: 'BLOCKED' },
        { stage: 'mechanic', item: 'hopeless', outcome: 'BLOCKED' },
      ],
    })
    // One comes from work that execution cannot do.
    await workspace.add('task', 'work')
    while (workspace.names('incidents/incoming').length === 0) await workspace.ok('run', 'once')
    const [name] = workspace.names('incidents/incoming')
    const text = workspace.text(`incidents/incoming/${name}`)
    assert.match(text, /^Source-Task-ID: work$/m)
    const incident = { family: 'incidents', id: name.replace(/\.md$/, ''), text }
    await assertItemLies(workspace, { ...incident, state: 'incoming' })

    workspace.script([
      { stage: 'auditor', item: 'hopeless', outcome: 'BLOCKED' },
      { stage: 'mechanic', item: 'hopeless', outcome: 'BLOCKED' },
    ])
    await workspace.ok('run', 'once')
    await assertItemLies(workspace, { ...incident, state: 'active' })
    await workspace.drain()
    await assertItemLies(workspace, { ...incident, state: 'resolved' })

    // The other one a person has put there.
    writeFileSync(workspace.path('incidents/incoming/hopeless.md'), documentText('incident', 'hopeless'))
    await workspace.drain()
    await assertItemLies(workspace, { family: 'incidents', id: 'hopeless', state: 'blocked' })
  },
}
