import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M001-17',
  says: 'When the backlog of an open target has drained, the arbiter is sent; not before, and not twice.',

  async run() {
    const task = (id) =>
      [
        `# Task ${id}`,
        '',
        `Task-ID: ${id}`,
        `Title: Task ${id}`,
        'Summary: One of two.',
        'Spec-ID: wish',
        'Root-Spec-ID: wish',
      ]
        .concat(['Root-Idea-ID: wish', 'Created-At: {now}', 'Created-By: manager', ''])
        .concat(
          ['Target-Paths', 'Acceptance', 'Required-Checks', 'References', 'Risk'].flatMap((label) => [
            `${label}:`,
            '- x',
            '',
          ]),
        )
        .join('\n')
    const handIn = ['one', 'two'].map((id) => ({ hand_in: { kind: 'task', id, text: task(id) } }))
    const workspace = await newWorkspace({
      replies: [{ stage: 'manager', steps: [...handIn, { artifacts: true }], outcome: 'MANAGER_COMPLETE' }],
    })
    await workspace.add('spec', 'wish')

    const open = []
    while (workspace.names('arbiter/verdicts').length === 0) {
      open.push([...workspace.names('tasks/queue'), ...workspace.names('tasks/active')].length)
      assert.ok(open.length < 20, 'the arbiter never came')
      await workspace.ok('run', 'once')
    }
    assert.equal(open.at(-1), 0, 'it was sent while work of the spec was open')
    assert.deepEqual(workspace.names('tasks/done'), ['one.md', 'two.md'])
    assert.equal(workspace.read('arbiter/targets/wish.json').closure_open, false)
    await workspace.drain()
    const arbiters = workspace.events('stage_started').filter((event) => event.data.stage === 'arbiter')
    assert.equal(arbiters.length, 1)
  },
}
