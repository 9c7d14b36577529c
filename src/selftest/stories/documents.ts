/** Documents changed beside the stages: broken, left behind, written anew, or moved by hand. */
import { taskText } from '../instant-runner.ts'
import { type Story, succeeding } from '../story.ts'
import { at, has } from './ending.ts'
import { BUILT, unless } from './script.ts'

export const brokenDocuments: Story = {
  name: 'broken documents',
  about: 'control',
  tells: 'a document nobody can read is set aside, and one that no run owns goes back to its queue',
  begin({ task, file }) {
    task('lost', {}, 'active')
    file('millrace-agents/tasks/queue/broken.md', '# Not a task\n')
  },
  script: succeeding(),
  ends: { 'task lost': 'done' },
  outcomes: BUILT,
  also: (files) =>
    has(
      (files.list(at('tasks/queue')) ?? []).filter((name) => name.startsWith('broken')),
      2,
      'files of the broken document',
    ),
}

export const rewrittenDocument: Story = {
  name: 'rewritten document',
  about: 'control',
  tells: 'a queued document is written anew',
  begin: ({ task }) => task('a'),
  script: succeeding(),
  async first(engine) {
    const { hash } = engine.workspace.view().read('task', 'a', 'queued')!
    const text = taskText('a', { title: 'Something else' })
    await engine.commit([{ change: 'item.rewrite', kind: 'task', id: 'a', state: 'queued', text, hash }])
  },
  ends: { 'task a': 'done' },
  outcomes: BUILT,
}

export const doneByHand: Story = {
  name: 'done by hand',
  about: 'control',
  tells: 'a person copies the document of a running stage to where finished ones lie; it is not finished twice',
  begin: ({ task }) => task('a'),
  script: unless('updater', () => ({
    outcome: 'UPDATE_COMPLETE',
    meanwhile: (files) => files.write(at('tasks/done/a.md'), files.read(at('tasks/active/a.md')) ?? ''),
  })),
  ends: { 'task a': 'done' },
  outcomes: BUILT,
  hasHands: true,
}

export const withdrawal: Story = {
  name: 'withdrawal',
  about: 'control',
  tells: 'a person takes the document of a running stage away; the run ends and the document stays there',
  begin: ({ task }) => task('a'),
  script: unless('builder', () => ({
    outcome: null,
    meanwhile: (files) => files.rename(at('tasks/active/a.md'), at('tasks/blocked/a.md')),
  })),
  ends: { 'task a': 'blocked' },
  outcomes: [],
  hasHands: true,
}
