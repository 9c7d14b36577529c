/**
 * A short life of a workspace for crash stories: three transactions with every kind of change in them, and what a reader
 * must see after each. An id never comes twice, so whatever is applied twice shows.
 */
import type { Change } from '../../src/core/changes.ts'
import type { Clock } from '../../src/core/clock.ts'
import { newRun } from '../../src/core/completion.ts'
import { ITEM_KINDS, ITEM_STATES } from '../../src/core/item.ts'
import type { View } from '../../src/core/view.ts'
import { type Files, hashBytes } from '../../src/store/files.ts'
import { itemFile, type Places } from '../../src/store/layout.ts'
import type { Workspace } from '../../src/store/workspace.ts'
import { clock } from '../agents/clock.ts'
import { documentText } from './documents.ts'
import { closureTarget } from './run.ts'
import { emptyWorkspace, write } from './store.ts'

/** The real clock an hour ahead, so that every document counts as rested, with dice that always fall the same. */
export const later: Clock = {
  ...clock,
  now: () => new Date(Date.now() + 3_600_000),
  hex: (digits) => 'ab'.repeat(digits).slice(0, digits),
}

const target = closureTarget('root', { root_idea_id: 'idea' })

const text = (id: string, title = id) => documentText('task', id, { title })

/** The workspace before the story: two queued tasks and a posted command. */
export function beforeStory(root: string): Places {
  const places = emptyWorkspace(root)
  for (const id of ['one', 'two']) write(places.runtime, itemFile('task', id, 'queued'), text(id))
  write(places.at('state/mailbox/incoming'), 'c-1.json', '{"command":"add_task"}')
  return places
}

/** The changes of a transaction of the story, from 1; null when the story is over. `finished_items` counts them. */
export function chapter(view: View): Change[] | null {
  const number = view.snapshot.finished_items + 1
  const hashOf = (id: string, state: 'queued' | 'active') => view.read('task', id, state)!.hash
  const marker = `### CHAPTER_${number}`
  const snapshot = {
    ...view.snapshot,
    finished_items: number,
    active_runs: number === 2 ? [run] : [],
    status_markers_by_plane: { execution: marker },
  }
  const told: Change[] = [
    { change: 'event.append', event_type: 'runtime_started', data: { chapter: number } },
    { change: 'line.append', path: 'runs/run-1/transition_history.jsonl', record: { chapter: number } },
    { change: 'status.set', plane: 'execution', marker },
    { change: 'state.set', snapshot },
  ]
  const count = {
    work_item_kind: 'task',
    work_item_id: 'one',
    counter_name: 'c',
    key: '',
    count: number,
    last_updated_at: 'then',
  }
  const counters: Change = { change: 'counters.set', counters: { ...view.counters, entries: [count] } }
  switch (number) {
    case 1:
      return [
        { change: 'item.add', kind: 'task', id: 'three', state: 'queued', text: text('three') },
        {
          change: 'command.archive',
          file: 'c-1.json',
          disposition: 'processed',
          result: { applied: true },
          error: null,
        },
        { change: 'closure.put', target },
        ...told,
      ]
    case 2:
      return [
        { change: 'item.move', kind: 'task', id: 'one', from: 'queued', to: 'active', hash: hashOf('one', 'queued') },
        {
          change: 'item.rewrite',
          kind: 'task',
          id: 'two',
          state: 'queued',
          text: text('two', 'rewritten'),
          hash: hashOf('two', 'queued'),
        },
        { change: 'artifact.put', run_id: 'run-1', file: 'stage_requests/request-1.json', text: '{}' },
        counters,
        ...told,
      ]
    case 3:
      return [
        { change: 'item.move', kind: 'task', id: 'one', from: 'active', to: 'done', hash: hashOf('one', 'active') },
        {
          change: 'item.archive',
          kind: 'task',
          id: 'three',
          from: 'queued',
          file: 'tasks/queue/cancelled/three.20260302T120000Z.00000000.queue.md',
          hash: hashOf('three', 'queued'),
        },
        { change: 'item.add', kind: 'spec', id: 'root', state: 'queued', text: documentText('spec', 'root') },
        { change: 'closure.put', target: { ...target, rounds: 1 } },
        counters,
        ...told,
      ]
    default:
      return null
  }
}

const run = newRun('2026-03-02T09:15:00.000Z', {
  runId: 'run-1',
  plane: 'execution',
  nodeId: 'node',
  stageKindId: 'stage',
  planId: 'plan-1',
  item: { kind: 'task', id: 'one' },
})

/** Tells the story from wherever the workspace stands to its end. */
export async function goOn(workspace: Workspace): Promise<void> {
  for (let changes = chapter(workspace.view()); changes !== null; changes = chapter(workspace.view()))
    await workspace.commit(changes)
}

/** Everything a reader can tell of where the story stands; equal only for equal states. */
export function standing(view: View, files: Files, places: Places): Record<string, unknown> {
  const lines = (file: string) =>
    Buffer.from(files.read(places.at(file)) ?? '')
      .toString()
      .split('\n')
      .filter((line) => line !== '')
  const names = (folder: string) => files.list(places.at(folder))?.filter((name) => !name.startsWith('.'))
  const hash = (file: string) => hashBytes(files.read(places.at(file)) ?? 'nothing')
  return {
    chapter: view.snapshot.finished_items,
    revision: view.snapshot.revision,
    runs: view.snapshot.active_runs.length,
    counters: view.counters.entries.map((entry) => entry.count),
    rounds: view.targets.map((one) => one.rounds),
    items: ITEM_KINDS.flatMap((kind) =>
      ITEM_STATES.flatMap((state) =>
        view.items.inState(kind, state).map((item) => `${kind} ${item.id} ${state} ${item.title}`),
      ),
    ),
    chaptersTold: lines('logs/runtime_events.jsonl').map(
      (line) => (JSON.parse(line) as { data: { chapter: number } }).data.chapter,
    ),
    history: lines('runs/run-1/transition_history.jsonl'),
    status: hash('state/execution_status.md'),
    request: hash('runs/run-1/stage_requests/request-1.json'),
    mailbox: [names('state/mailbox/incoming'), names('state/mailbox/processed')],
  }
}
