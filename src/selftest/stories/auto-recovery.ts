/** A blocked task that queued work waits for is put back by the runtime itself. */
import type { Files } from '../../core/files.ts'
import { AT } from '../../store/layout.ts'
import { SHORT_LOOP, SHORT_MODE } from '../loops.ts'
import type { Story } from '../story.ts'
import { at, has, lines } from './ending.ts'
import { unless } from './script.ts'

const SHORT_COOLDOWN = '[auto_recovery]\ncooldown_seconds = [2, 5]\n'

export const autoRecovery: Story = {
  name: 'auto-recovery',
  about: 'control',
  tells:
    'a task is blocked because its time ran out, while another waits for it; it is put back by itself, twice, and both are done',
  begin({ task, file }) {
    file('millrace-agents/graphs/execution/short.json', JSON.stringify(SHORT_LOOP))
    file('millrace-agents/modes/short.json', JSON.stringify(SHORT_MODE))
    file('millrace-agents/millrace.toml', `[runtime]\ndefault_mode = "short"\n${SHORT_COOLDOWN}`)
    task('a')
    task('b', { depends_on: ['a'] })
  },
  script: unless('builder', ({ active_work_item_id: id }, _attempt, files) =>
    id === 'a' && autoRequeues(files, 'a') < 2 ? { outcome: null, isLate: true } : null,
  ),
  ends: { 'task a': 'done', 'task b': 'done' },
  outcomes: ['BLOCKED', 'BLOCKED', 'BUILDER_COMPLETE', 'BUILDER_COMPLETE'],
  also: (files) => [
    ...has(lines(files, at('tasks/queue/a.requeue.jsonl')), 2, 'ways back into the queue'),
    ...has(
      lines(files, at(AT.events)).filter((line) => line.includes('"blocked_dependency_auto_requeued"')),
      2,
      'accounts of a way back',
    ),
    ...has(files.list(at('diagnostics/blocked')) ?? [], 0, 'records of blocks'),
  ],
}

/** How often an item was put back by the runtime itself. */
const autoRequeues = (files: Files, id: string): number =>
  lines(files, at(`tasks/queue/${id}.requeue.jsonl`)).filter((line) => line.includes('"auto":true')).length
