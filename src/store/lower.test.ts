import * as fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { documentText } from '../../test/rig/documents.ts'
import { contents, emptyWorkspace, read, temporaryFolder, write } from '../../test/rig/store.ts'
import type { Change } from '../core/changes.ts'
import { newSnapshot, type Snapshot } from '../core/state.ts'
import type { FileOperation } from './file-operation/file-operation.ts'
import { disk, hashBytes } from './files.ts'
import { ItemIndex } from './items.ts'
import { Journal } from './journal.ts'
import { AT, archiveFile, type Places } from './layout.ts'
import { lower } from './lower.ts'

const NOW = '2026-03-02T12:00:00.000Z'
const task = (id: string, title = id) => documentText('task', id, { title })

/** A workspace whose queue holds the task `a`, and what a writer knows of it. */
class Bench {
  readonly places: Places = emptyWorkspace(temporaryFolder())
  readonly known = new Map<string, string>()
  snapshot: Snapshot = newSnapshot(NOW)
  readonly a = task('a')
  readonly hash = hashBytes(this.a)

  constructor() {
    write(this.places.runtime, 'tasks/queue/a.md', this.a)
    for (const file of [AT.snapshot, AT.counters]) this.known.set(file, hashBytes(read(this.places.runtime, file)))
  }

  lower(changes: readonly Change[]) {
    const index = new ItemIndex(disk, this.places, () => Date.now())
    index.refresh()
    return lower({ files: disk, places: this.places, index, known: this.known, now: NOW }, changes, this.snapshot)
  }

  /** Operations other than the one of the snapshot, in short. */
  short(changes: readonly Change[]): string[] {
    const brief = (operation: FileOperation) =>
      operation.op === 'move' ? `move ${operation.from} ${operation.to}` : `${operation.op} ${operation.path}`
    return this.lower(changes).operations.slice(0, -1).map(brief)
  }

  async commit(changes: readonly Change[]): Promise<void> {
    const { operations, snapshot } = this.lower(changes)
    const onFatal = (error: Error): never => {
      throw error
    }
    const journal = new Journal({
      files: disk,
      root: this.places.runtime,
      file: AT.journal,
      generation: 1,
      guard: () => {},
      onFatal,
    })
    await journal.commit({ revision: snapshot.revision, operations })
    for (const operation of operations) if (operation.op === 'put') this.known.set(operation.path, operation.leaves)
    this.snapshot = snapshot
  }

  /** Files other than those of the state, by path. */
  get documents(): Record<string, string> {
    return Object.fromEntries(
      Object.entries(contents(this.places.runtime)).filter(
        ([file]) => !file.startsWith('state/') && !file.startsWith('logs/'),
      ),
    )
  }
}

const move = (bench: Bench, to: 'active' | 'done' | 'blocked'): Change => ({
  change: 'item.move',
  kind: 'task',
  id: 'a',
  from: 'queued',
  to,
  hash: bench.hash,
})
const code = (expected: string) => expect.objectContaining({ code: expected })

describe('every transaction', () => {
  test('ends with the snapshot, whose revision is one higher', () => {
    const bench = new Bench()
    const { operations, snapshot } = bench.lower([
      { change: 'state.set', snapshot: { ...bench.snapshot, revision: 99, finished_items: 3 } },
      { change: 'event.append', event_type: 'runtime_started', data: {} },
      { change: 'status.set', plane: 'execution', marker: '### IDLE' },
    ])
    expect(snapshot).toMatchObject({ revision: 1, finished_items: 3 })
    expect(operations.map((operation) => operation.op)).toEqual(['put', 'append', 'put'])
    expect(operations.at(-1)).toMatchObject({ path: AT.snapshot })
  })

  test('begins a line of its own behind one that somebody left unfinished', async () => {
    const bench = new Bench()
    write(bench.places.runtime, AT.events, 'a note without an end')
    await bench.commit([{ change: 'event.append', event_type: 'runtime_started', data: {} }])
    const [note, event] = read(bench.places.runtime, AT.events).split('\n')
    expect(note).toBe('a note without an end')
    expect(JSON.parse(event!)).toMatchObject({ event_type: 'runtime_started' })
  })

  test('gathers the lines of one file into one append', () => {
    const bench = new Bench()
    write(bench.places.runtime, AT.events, '{"old":1}\n')
    const { operations } = bench.lower([
      { change: 'event.append', event_type: 'runtime_started', data: { b: 1, a: 2 } },
      { change: 'line.append', path: 'runs/r/history.jsonl', record: { n: 1 } },
      { change: 'event.append', event_type: 'runtime_closed', data: {} },
    ])
    const appends = operations.filter((operation) => operation.op === 'append')
    expect(appends.map(({ path, offset }) => [path, offset])).toEqual([
      [AT.events, 10],
      ['runs/r/history.jsonl', 0],
    ])
    const lines = (appends[0]!.content as { text: string }).text.split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[0]).toBe(
      `{"data":{"a":2,"b":1},"event_type":"runtime_started","kind":"runtime_event","occurred_at":"${NOW}","schema_version":"1.0"}`,
    )
  })

  test('writes a file that it puts twice only once, with the last text', () => {
    const bench = new Bench()
    const twice: Change[] = ['one', 'two'].map((text) => ({ change: 'artifact.put', run_id: 'r', file: 'x.md', text }))
    const { operations } = bench.lower(twice)
    expect(operations.slice(0, -1)).toMatchObject([
      { op: 'put', path: 'runs/r/x.md', content: { text: 'two' }, expects: null, leaves: hashBytes('two') },
    ])
  })
})

describe('an item', () => {
  test('is added under an id that is free in all its states', () => {
    const bench = new Bench()
    const add = (id: string): Change => ({ change: 'item.add', kind: 'task', id, state: 'queued', text: task(id) })
    expect(bench.short([add('b')])).toEqual(['put tasks/queue/b.md'])
    write(bench.places.runtime, 'tasks/done/c.md', 'whatever')
    for (const id of ['a', 'A', 'c']) expect(() => bench.lower([add(id)])).toThrow(code('item_exists'))
    expect(() => bench.lower([add('b'), add('B')])).toThrow(code('item_exists'))
    const spec: Change = { change: 'item.add', kind: 'spec', id: 'a', state: 'queued', text: documentText('spec', 'a') }
    expect(bench.short([add('b'), spec])).toEqual(['put tasks/queue/b.md', 'put specs/queue/a.md'])
  })

  test('moves with its bytes in the record', () => {
    const bench = new Bench()
    const { operations, items } = bench.lower([move(bench, 'active')])
    expect(operations[0]).toEqual({
      op: 'move',
      from: 'tasks/queue/a.md',
      to: 'tasks/active/a.md',
      content: { text: bench.a },
      hash: bench.hash,
    })
    expect(items).toEqual([
      { kind: 'task', state: 'queued', name: 'a.md', gone: true },
      { kind: 'task', state: 'active', name: 'a.md', gone: false },
    ])
  })

  test('that is too large to carry moves all the same', async () => {
    const bench = new Bench()
    const large = 'x'.repeat(2 * 1024 * 1024)
    write(bench.places.runtime, 'tasks/queue/large.md', large)
    const aside: Change = {
      change: 'item.set_aside',
      kind: 'task',
      state: 'queued',
      file: 'large.md',
      hash: hashBytes(large),
      findings: ['too large'],
    }
    expect(bench.lower([aside]).operations[0]).toMatchObject({ op: 'move', content: null })
    await bench.commit([aside])
    expect(read(bench.places.runtime, 'tasks/queue/large.md.invalid')).toBe(large)
  })

  test('that is gone or no plain file is a conflict', () => {
    const bench = new Bench()
    fs.rmSync(bench.places.at('tasks/queue/a.md'))
    expect(() => bench.lower([move(bench, 'active')])).toThrow(code('conflict'))
    fs.mkdirSync(bench.places.at('tasks/queue/a.md'))
    expect(() => bench.lower([move(bench, 'active')])).toThrow(code('conflict'))
  })

  test('that is archived goes to the archive under a name that tells when, and from where', () => {
    const bench = new Bench()
    const item = { kind: 'task', id: 'a', state: 'queued' } as const
    const file = archiveFile(item, 'cancelled', NOW, (digits) => '0'.repeat(digits))
    const { kind, id, state: from } = item
    expect(bench.short([{ change: 'item.archive', kind, id, from, file, hash: bench.hash }])).toEqual([
      'move tasks/queue/a.md tasks/queue/cancelled/a.20260302T120000Z.00000000.queue.md',
    ])
  })

  test('may be rewritten and moved in one transaction, in either order', async () => {
    const rewrite = (bench: Bench, state: 'queued' | 'blocked'): Change => ({
      change: 'item.rewrite',
      kind: 'task',
      id: 'a',
      state,
      text: task('a', 'new'),
      hash: bench.hash,
    })
    for (const order of ['rewrite first', 'move first']) {
      const bench = new Bench()
      const changes =
        order === 'rewrite first'
          ? [rewrite(bench, 'queued'), move(bench, 'blocked')]
          : [move(bench, 'blocked'), rewrite(bench, 'blocked')]
      expect(bench.short(changes)).toEqual(['put tasks/blocked/a.md', 'remove tasks/queue/a.md'])
      await bench.commit(changes)
      expect(bench.documents).toEqual({ 'tasks/blocked/a.md': task('a', 'new') })
    }
  })

  test('that is added and rewritten is written once', () => {
    const bench = new Bench()
    const { operations } = bench.lower([
      { change: 'item.add', kind: 'task', id: 'b', state: 'queued', text: task('b') },
      {
        change: 'item.rewrite',
        kind: 'task',
        id: 'b',
        state: 'queued',
        text: task('b', 'new'),
        hash: hashBytes(task('b')),
      },
    ])
    expect(operations.slice(0, -1)).toMatchObject([
      { op: 'put', path: 'tasks/queue/b.md', expects: null, leaves: hashBytes(task('b', 'new')) },
    ])
  })

  test('of which a copy is dropped loses exactly that copy', async () => {
    const bench = new Bench()
    write(bench.places.runtime, 'tasks/done/a.md', bench.a)
    await bench.commit([{ change: 'item.drop_copy', kind: 'task', id: 'a', state: 'queued', hash: bench.hash }])
    expect(bench.documents).toEqual({ 'tasks/done/a.md': bench.a })
  })

  test('that cannot be read is set aside under a free name, with findings and a line in the log', async () => {
    const bench = new Bench()
    for (const name of ['x.md.invalid', 'x.md.invalid.1']) write(bench.places.runtime, `tasks/queue/${name}`, 'older')
    write(bench.places.runtime, 'tasks/queue/x.md', 'nonsense')
    await bench.commit([
      {
        change: 'item.set_aside',
        kind: 'task',
        state: 'queued',
        file: 'x.md',
        hash: hashBytes('nonsense'),
        findings: ['line 1: no title'],
      },
    ])
    const { documents } = bench
    expect(documents['tasks/queue/x.md.invalid.2']).toBe('nonsense')
    expect(documents).not.toHaveProperty(['tasks/queue/x.md'])
    expect(JSON.parse(documents['tasks/queue/x.md.invalid.2.findings.json']!)).toEqual({
      file: 'x.md',
      set_aside_as: 'x.md.invalid.2',
      at: NOW,
      findings: ['line 1: no title'],
    })
    expect(JSON.parse(documents['tasks/queue/invalid-artifacts.jsonl']!)).toEqual({
      at: NOW,
      error: 'line 1: no title',
      quarantine_name: 'x.md.invalid.2',
      source_name: 'x.md',
    })
  })
})

describe('a file of ours', () => {
  const counters: Change = {
    change: 'counters.set',
    counters: { schema_version: '2.0', kind: 'recovery_counters', entries: [] },
  }
  const kept = (bench: Bench) => bench.short([{ change: 'status.set', plane: 'execution', marker: '### IDLE' }])

  test('is replaced where it is as we left it', () => {
    const bench = new Bench()
    expect(bench.short([counters])).toEqual([`put ${AT.counters}`])
  })

  test('that a person edited is kept beside, and the event log says so', async () => {
    const bench = new Bench()
    write(bench.places.runtime, AT.counters, 'edited')
    await bench.commit([counters])
    expect(read(bench.places.runtime, `${AT.counters}.conflict-1`)).toBe('edited')
    expect(read(bench.places.runtime, AT.counters)).toContain('recovery_counters')
    expect(JSON.parse(read(bench.places.runtime, AT.events))).toMatchObject({
      event_type: 'foreign_edit_kept',
      data: { path: AT.counters, kept_as: `${AT.counters}.conflict-1` },
    })
  })

  test('that a person edited keeps every edit, even where the name for it is taken', () => {
    const bench = new Bench()
    write(bench.places.runtime, 'state/execution_status.md', 'edited')
    write(bench.places.runtime, 'state/execution_status.md.conflict-1', 'an earlier one')
    expect(kept(bench)).toEqual([
      'put state/execution_status.md.conflict-1.2',
      'put state/execution_status.md',
      `append ${AT.events}`,
    ])
    write(bench.places.runtime, 'state/execution_status.md.conflict-1', 'edited')
    expect(kept(bench)).toEqual(['put state/execution_status.md', `append ${AT.events}`])
  })

  test('whose place a folder has taken is a conflict', () => {
    const bench = new Bench()
    fs.mkdirSync(bench.places.at('state/execution_status.md'))
    expect(() => kept(bench)).toThrow(code('conflict'))
  })

  test('written by somebody else as we would write it is not foreign', () => {
    const bench = new Bench()
    write(bench.places.runtime, 'state/execution_status.md', '### IDLE\n')
    expect(kept(bench)).toEqual(['put state/execution_status.md'])
  })

  test('that is to be written once stays as it is', () => {
    const bench = new Bench()
    const once: Change = { change: 'document.put', path: 'state/plans/p/plan.json', text: 'new', once: true }
    expect(bench.short([once])).toEqual(['put state/plans/p/plan.json'])
    write(bench.places.runtime, 'state/plans/p/plan.json', 'there')
    expect(bench.short([once])).toEqual([])
  })
})

describe('a command', () => {
  const archive = (disposition: 'processed' | 'failed', error: string | null): Change => ({
    change: 'command.archive',
    file: 'c.json',
    disposition,
    result: { applied: true },
    error,
  })

  test('goes to the archive with what became of it', async () => {
    const bench = new Bench()
    write(bench.places.at(AT.incoming), 'c.json', '{"command":"pause"}')
    await bench.commit([archive('processed', null)])
    expect(fs.readdirSync(bench.places.at(AT.incoming))).toEqual([])
    const text = read(bench.places.at(AT.processed), 'c.json')
    expect(JSON.parse(text)).toEqual({
      schema_version: '1.0',
      kind: 'mailbox_archive',
      disposition: 'processed',
      archived_at: NOW,
      envelope: { command: 'pause' },
      result: { applied: true },
    })
    expect(Object.keys(JSON.parse(text))).toEqual([
      'schema_version',
      'kind',
      'disposition',
      'archived_at',
      'envelope',
      'result',
    ])
  })

  test('that could not be read goes there as the text it was', async () => {
    const bench = new Bench()
    write(bench.places.at(AT.incoming), 'c.json', '{"comm')
    await bench.commit([archive('failed', 'is not valid JSON')])
    expect(JSON.parse(read(bench.places.at(AT.failed), 'c.json'))).toMatchObject({
      disposition: 'failed',
      error: 'is not valid JSON',
      raw_payload: '{"comm',
    })
  })

  test.each([
    ['nested deeper than can be written again', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['larger once it is written than a record may be', `{"a":[${'1,'.repeat(900_000)}1]}`],
    ['no command at all, of many megabytes', '['.repeat(9_000_000)],
  ])('that is %s goes there as the beginning of its text', async (_, text) => {
    const bench = new Bench()
    write(bench.places.at(AT.incoming), 'c.json', text)
    await bench.commit([archive('failed', 'is refused')])
    const kept = JSON.parse(read(bench.places.runtime, `${AT.failed}/c.json`)) as Record<string, unknown>
    expect(kept).toMatchObject({ error: 'is refused', raw_payload: text.slice(0, 100_000) })
    expect(fs.readdirSync(bench.places.at(AT.incoming))).toEqual([])
  })

  test('that was taken back meanwhile is a conflict', () => {
    expect(() => new Bench().lower([archive('processed', null)])).toThrow(code('conflict'))
  })
})
