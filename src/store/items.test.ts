import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { documentText } from '../../test/rig/documents.ts'
import { emptyWorkspace, setTime, temporaryFolder, write } from '../../test/rig/store.ts'
import type { ItemEntry, ItemKind, ItemState } from '../core/item.ts'
import { disk, type Files } from './files.ts'
import { ItemIndex, MALFORMED_AFTER_MS, QUIET_MS } from './items.ts'
import { itemFile, itemFolder, type Places } from './layout.ts'

const HOUR_MS = 3_600_000

/** A workspace, an index of it, and a clock that only moves when told to. */
class Bench {
  readonly places: Places = emptyWorkspace(temporaryFolder())
  now = Date.now()
  readonly listed: string[] = []
  readonly index: ItemIndex

  constructor(options: { showing?: boolean } = {}) {
    const list: Files['list'] = (folder) => {
      this.listed.push(path.relative(this.places.runtime, folder))
      return disk.list(folder)
    }
    this.index = new ItemIndex({ ...disk, list }, this.places, () => this.now, options)
  }

  /** Writes a document that has long rested, or as old as `ageMs`. */
  add(kind: ItemKind, state: ItemState, id: string, fields: Record<string, unknown> = {}, ageMs = HOUR_MS): string {
    const file = itemFile(kind, id, state)
    return this.put(file, documentText(kind, id, fields), ageMs)
  }

  put(file: string, text: string, ageMs = HOUR_MS): string {
    write(this.places.runtime, file, text)
    setTime(this.places.at(file), this.now - ageMs)
    return this.places.at(file)
  }

  /** Lets time pass without anybody doing anything, then looks. */
  pass(ms: number): void {
    this.now += ms
    this.index.refresh()
  }

  /** Refreshes until no folder counts as just changed, and forgets what was listed for that. */
  settle(): void {
    this.index.refresh()
    this.pass(HOUR_MS)
    this.listed.length = 0
  }

  ids(kind: ItemKind, state: ItemState): string[] {
    return this.index.inState(kind, state).map((entry) => entry.id)
  }
}

describe('a document of other hands', () => {
  test('is taken once two looks 200 ms apart show the same size and time', () => {
    const bench = new Bench()
    bench.add('task', 'queued', 'fresh', {}, 0)
    bench.index.refresh()
    expect(bench.ids('task', 'queued')).toEqual([])
    expect(bench.index.unsettled).toBe(true)
    bench.pass(QUIET_MS - 1)
    expect(bench.ids('task', 'queued')).toEqual([])
    bench.pass(1)
    expect(bench.ids('task', 'queued')).toEqual(['fresh'])
    expect(bench.index.unsettled).toBe(false)
  })

  test('waits again when it was written to in between', () => {
    const bench = new Bench()
    const file = bench.add('task', 'queued', 'slow', {}, 0)
    bench.index.inState('task', 'queued')
    bench.index.refresh()
    bench.now += QUIET_MS - 1
    fs.appendFileSync(file, '\nMore text.\n')
    bench.pass(1)
    expect(bench.ids('task', 'queued')).toEqual([])
    bench.pass(QUIET_MS)
    expect(bench.ids('task', 'queued')).toEqual(['slow'])
  })

  test.each([
    ['dated days ahead', (_: Bench) => undefined],
    ['written before the clock was set back by days', (bench: Bench) => bench.pass(-5 * 24 * HOUR_MS)],
  ])('%s is taken once it has rested while we looked', (_, happens) => {
    const bench = new Bench()
    bench.add('task', 'queued', 'ahead', {}, -5 * 24 * HOUR_MS)
    bench.put('tasks/queue/half.md', '# Half a\n', -5 * 24 * HOUR_MS)
    bench.index.refresh()
    expect(bench.ids('task', 'queued')).toEqual([])
    happens(bench)
    bench.pass(0)
    expect(bench.ids('task', 'queued')).toEqual([])
    bench.pass(QUIET_MS)
    expect(bench.ids('task', 'queued')).toEqual(['ahead'])
    bench.pass(MALFORMED_AFTER_MS)
    expect(bench.index.invalid()).toMatchObject([{ file: 'half.md' }])
    expect(bench.index.unsettled).toBe(false)
  })

  test('dated ahead does not begin to rest anew each time a claim has it read again', () => {
    const bench = new Bench()
    const file = bench.add('task', 'queued', 'ahead', {}, -HOUR_MS)
    bench.index.refresh()
    bench.ids('task', 'queued')
    bench.pass(QUIET_MS)
    expect(bench.ids('task', 'queued')).toEqual(['ahead'])
    bench.index.reread('task', 'queued', 'ahead.md')
    expect([bench.ids('task', 'queued'), bench.index.unsettled]).toEqual([['ahead'], false])
    fs.appendFileSync(file, '\nMore text.\n')
    bench.index.reread('task', 'queued', 'ahead.md')
    expect([bench.ids('task', 'queued'), bench.index.unsettled]).toEqual([[], true])
  })

  test('is taken at once if it has not been touched for long', () => {
    const bench = new Bench()
    bench.add('task', 'queued', 'old')
    bench.index.refresh()
    expect(bench.ids('task', 'queued')).toEqual(['old'])
  })

  test('counts as malformed only after two seconds without a change', () => {
    const bench = new Bench()
    const file = bench.put('tasks/queue/half.md', '# Half a\n', 0)
    bench.index.refresh()
    bench.index.inState('task', 'queued')
    bench.pass(MALFORMED_AFTER_MS - 1)
    expect(bench.index.invalid()).toEqual([])
    expect(bench.index.unsettled).toBe(true)
    bench.pass(1)
    expect(bench.index.invalid()).toMatchObject([{ kind: 'task', state: 'queued', file: 'half.md', plain: true }])
    expect(bench.index.invalid()[0]?.faults.length).toBeGreaterThan(0)
    expect(bench.index.unsettled).toBe(false)
    fs.writeFileSync(file, documentText('task', 'half'))
    setTime(file, bench.now - HOUR_MS)
    bench.index.reread('task', 'queued', 'half.md')
    expect(bench.ids('task', 'queued')).toEqual(['half'])
    expect(bench.index.invalid()).toEqual([])
  })

  test('that becomes whole within the two seconds was never malformed', () => {
    const bench = new Bench()
    const file = bench.put('tasks/queue/late.md', '# La', 0)
    bench.index.refresh()
    bench.index.inState('task', 'queued')
    bench.pass(1500)
    fs.writeFileSync(file, documentText('task', 'late'))
    bench.pass(100)
    bench.pass(QUIET_MS)
    expect(bench.ids('task', 'queued')).toEqual(['late'])
    expect(bench.index.invalid()).toEqual([])
  })

  test('that was malformed and is mended in place, with nothing else changed in its folder, is read again by itself', () => {
    const bench = new Bench()
    const file = bench.put('tasks/active/half.md', '# Ha')
    bench.settle()
    bench.index.inState('task', 'active')
    bench.pass(MALFORMED_AFTER_MS)
    expect(bench.index.invalid()).toHaveLength(1)
    fs.writeFileSync(file, documentText('task', 'half'))
    setTime(file, bench.now - HOUR_MS)
    bench.pass(1000)
    expect([bench.ids('task', 'active'), bench.index.invalid()]).toEqual([['half'], []])
  })

  test('edited in place is read again when somebody says so', () => {
    const bench = new Bench()
    const file = bench.add('task', 'queued', 'a', { title: 'before' })
    bench.settle()
    expect(bench.index.inState('task', 'queued')[0]?.title).toBe('before')
    fs.writeFileSync(file, documentText('task', 'a', { title: 'after' }))
    setTime(file, bench.now - HOUR_MS)
    bench.pass(1000)
    expect(bench.index.inState('task', 'queued')[0]?.title).toBe('before')
    bench.index.rereadIfEdited('task', 'queued', 'a.md')
    expect(bench.index.inState('task', 'queued')[0]?.title).toBe('after')
    bench.index.reread('task', 'queued', 'not-there.md')
    expect(bench.ids('task', 'queued')).toEqual(['a'])
  })

  test('saved as editors do, under a new file of the same name, is read again by itself', () => {
    const bench = new Bench()
    const file = bench.add('task', 'queued', 'a', { depends_on: ['b'] })
    bench.add('task', 'queued', 'b')
    bench.settle()
    expect(bench.index.inState('task', 'queued').map((entry) => entry.dependsOn)).toEqual([['b'], []])
    fs.writeFileSync(`${file}.saving`, documentText('task', 'a', { depends_on: [] }))
    fs.renameSync(`${file}.saving`, file)
    bench.pass(0)
    bench.pass(QUIET_MS)
    expect(bench.index.inState('task', 'queued').map((entry) => entry.dependsOn)).toEqual([[], []])
  })
})

describe('what a folder holds', () => {
  test('must be named after the id in it', () => {
    const bench = new Bench()
    bench.put('tasks/queue/one.md', documentText('task', 'other'))
    bench.index.refresh()
    expect(bench.ids('task', 'queued')).toEqual([])
    expect(bench.index.invalid()).toMatchObject([
      { file: 'one.md', faults: [expect.stringContaining('the id in it is other')] },
    ])
    expect(bench.index.find('task', 'other')).toEqual([])
  })

  test('must be plain files: links and folders are said to be none', () => {
    const bench = new Bench()
    const queue = bench.places.at('tasks/queue')
    bench.put('elsewhere/linked.md', documentText('task', 'linked'))
    fs.symlinkSync('../../elsewhere/linked.md', path.join(queue, 'linked.md'))
    fs.symlinkSync('nowhere', path.join(queue, 'broken.md'))
    fs.mkdirSync(path.join(queue, 'folder.md'))
    for (const name of ['linked.md', 'broken.md', 'folder.md']) setTime(path.join(queue, name), bench.now - HOUR_MS)
    bench.index.refresh()
    expect(bench.ids('task', 'queued')).toEqual([])
    expect(bench.index.invalid().sort((a, b) => (a.file < b.file ? -1 : 1))).toMatchObject([
      { file: 'broken.md', plain: false, faults: [expect.stringContaining('symbolic link')] },
      { file: 'folder.md', plain: false, faults: ['is not a plain file'] },
      { file: 'linked.md', plain: true, faults: [expect.stringContaining('symbolic link')] },
    ])
  })

  test('counts only as documents what is named so', () => {
    const bench = new Bench()
    for (const name of [
      'notes.txt',
      '.hidden.md',
      'a.md.invalid',
      'a.md.conflict-3',
      'a.requeue.jsonl',
      '.a.md.tmp-millrace',
    ])
      bench.put(`tasks/queue/${name}`, 'x')
    bench.index.refresh()
    expect([bench.index.count('task', 'queued'), bench.index.invalid()]).toEqual([0, []])
  })

  test('comes oldest first, then by id, whatever the order of its names', () => {
    const bench = new Bench()
    bench.add('task', 'queued', 'a', { created_at: '2026-03-02T09:15:02Z' })
    bench.add('task', 'queued', 'c', { created_at: '2026-03-02T10:15:01+01:00' })
    bench.add('task', 'queued', 'b', { created_at: '2026-03-02T09:15:01Z' })
    bench.index.refresh()
    expect(bench.ids('task', 'queued')).toEqual(['b', 'c', 'a'])
    bench.add('task', 'queued', 'bb', { created_at: '2026-03-02T09:15:01Z' })
    bench.index.refresh()
    expect(bench.ids('task', 'queued')).toEqual(['b', 'bb', 'c', 'a'])
  })

  test('is found by id in every state it lies in', () => {
    const bench = new Bench()
    bench.add('spec', 'queued', 'twice')
    bench.add('spec', 'done', 'twice')
    bench.add('task', 'blocked', 'twice')
    bench.index.refresh()
    expect(bench.index.find('spec', 'twice').map((entry) => entry.state)).toEqual(['queued', 'done'])
    expect(bench.index.find('spec', 'Twice')).toEqual([])
  })

  test('is found among cancelled items by the id its archive name begins with', () => {
    const bench = new Bench()
    bench.put('tasks/queue/cancelled/gone.20260302T091500Z.0a1b2c3d.queue.md', documentText('task', 'gone'))
    bench.put('tasks/queue/cancelled/gone.20260303T091500Z.0a1b2c3d.blocked.md', documentText('task', 'gone'))
    bench.index.refresh()
    expect(bench.index.find('task', 'gone').map((entry) => entry.state)).toEqual(['cancelled', 'cancelled'])
    expect(bench.index.isTaken('task', 'gone')).toBe(false)
    expect(bench.index.invalid()).toEqual([])
  })

  test('that cannot be read in an archive is read again once it was edited there', () => {
    const bench = new Bench()
    const file = bench.put('tasks/queue/cancelled/gone.20260302T091500Z.0a1b2c3d.queue.md', 'no document')
    expect(bench.ids('task', 'cancelled')).toEqual([])
    bench.settle()
    expect(bench.index.invalid().map(({ state }) => state)).toContain('cancelled')
    fs.writeFileSync(file, documentText('task', 'gone'))
    setTime(file, bench.now - HOUR_MS + 1)
    bench.pass(HOUR_MS)
    expect(bench.ids('task', 'cancelled')).toEqual(['gone'])
  })

  test('does not take an archive name put back into a queue for the id', () => {
    const bench = new Bench()
    bench.put('tasks/queue/gone.20260302T091500Z.0a1b2c3d.queue.md', documentText('task', 'gone'))
    bench.index.refresh()
    expect(bench.ids('task', 'queued')).toEqual([])
    expect(bench.index.invalid()).toMatchObject([{ faults: [expect.stringContaining('they must agree')] }])
  })

  test('keeps an id from being used again, in any case of its letters, even by what cannot be read', () => {
    const bench = new Bench()
    for (const state of ['queued', 'active', 'done', 'blocked', 'quarantined'] as const)
      bench.put(itemFile('task', `In-${state}`, state), 'no document')
    bench.index.refresh()
    for (const state of ['queued', 'active', 'done', 'blocked', 'quarantined'])
      expect(bench.index.isTaken('task', `iN-${state}`)).toBe(true)
    expect(bench.index.isTaken('task', 'in-none')).toBe(false)
    expect(bench.index.isTaken('spec', 'In-queued')).toBe(false)
    fs.rmSync(bench.places.at(itemFile('task', 'In-done', 'done')))
    bench.index.refresh()
    expect(bench.index.isTaken('task', 'in-done')).toBe(false)
  })

  test('tells the open work of a lineage and what a resolved incident succeeded', () => {
    const bench = new Bench()
    bench.add('task', 'queued', 't1', { root_spec_id: 'root' })
    bench.add('task', 'done', 't2', { root_spec_id: 'root' })
    bench.add('incident', 'blocked', 'i1', { root_spec_id: 'root' })
    bench.add('incident', 'done', 'i2', { source_task_id: 't3', opened_at: '2026-03-03T00:00:00Z' })
    bench.add('task', 'blocked', 't3', { created_at: '2026-03-02T00:00:00Z' })
    bench.index.refresh()
    expect(bench.index.openLineage('root').map((entry) => entry.id)).toEqual(['t1', 'i1'])
    expect(bench.index.isSucceeded(bench.index.find('task', 't3')[0] as ItemEntry)).toBe(true)
    expect(bench.index.isSucceeded(bench.index.find('task', 't1')[0] as ItemEntry)).toBe(false)
  })
})

describe('a folder', () => {
  test('is listed again only when its time moved', () => {
    const bench = new Bench()
    bench.add('task', 'queued', 'a')
    bench.settle()
    for (let look = 0; look < 5; look++) bench.pass(10_000)
    expect(bench.listed).toEqual([])
    bench.add('task', 'queued', 'b')
    fs.rmSync(bench.places.at(itemFile('task', 'a', 'queued')))
    bench.pass(1)
    expect(bench.listed).toEqual(['tasks/queue'])
    expect(bench.ids('task', 'queued')).toEqual(['b'])
  })

  test('that has just changed is listed once more, for a change within the grain of its clock', () => {
    const bench = new Bench()
    bench.add('task', 'queued', 'a')
    bench.now = Date.now()
    bench.index.refresh()
    const folder = bench.places.at('tasks/queue')
    const { atime, mtime } = fs.statSync(folder)
    bench.add('task', 'queued', 'b')
    fs.utimesSync(folder, atime, mtime)
    bench.index.refresh()
    expect(bench.index.count('task', 'queued')).toBe(2)
  })

  test('that vanishes takes its items along, and comes back with them', () => {
    const bench = new Bench()
    bench.add('task', 'queued', 'a')
    bench.index.refresh()
    const folder = bench.places.at('tasks/queue')
    fs.renameSync(folder, `${folder}-away`)
    bench.index.refresh()
    expect(bench.index.count('task', 'queued')).toBe(0)
    fs.renameSync(`${folder}-away`, folder)
    bench.index.refresh()
    expect(bench.ids('task', 'queued')).toEqual(['a'])
  })
})

describe('a transaction of ours', () => {
  /** Moves a document as a transaction would, and tells the index. */
  const moved = (bench: Bench, id: string, meanwhile: () => void = () => {}) => {
    const before = bench.index.before()
    const name = `${id}.md`
    fs.renameSync(bench.places.at(itemFile('task', id, 'queued')), bench.places.at(itemFile('task', id, 'active')))
    meanwhile()
    bench.index.committed(before, [
      { kind: 'task', state: 'queued', name, gone: true },
      { kind: 'task', state: 'active', name, gone: false },
    ])
  }

  test('is known at once, without a look at the folders', () => {
    const bench = new Bench()
    bench.add('task', 'queued', 'a', {}, 0)
    bench.add('task', 'queued', 'b')
    bench.settle()
    moved(bench, 'a')
    bench.pass(0)
    expect([bench.ids('task', 'queued'), bench.ids('task', 'active')]).toEqual([['b'], ['a']])
    expect(bench.listed).toEqual([])
  })

  test('may write a document that needs no rest, but a later edit of it does', () => {
    const bench = new Bench()
    bench.settle()
    const before = bench.index.before()
    const file = bench.add('task', 'queued', 'own', {}, 0)
    bench.index.committed(before, [{ kind: 'task', state: 'queued', name: 'own.md', gone: false }])
    expect(bench.ids('task', 'queued')).toEqual(['own'])
    fs.appendFileSync(file, '\nmore\n')
    setTime(file, bench.now)
    bench.index.reread('task', 'queued', 'own.md')
    expect(bench.ids('task', 'queued')).toEqual([])
    bench.pass(QUIET_MS)
    expect(bench.ids('task', 'queued')).toEqual(['own'])
  })

  test('does not hide what somebody had dropped in before it', () => {
    const bench = new Bench()
    bench.add('task', 'queued', 'a')
    bench.settle()
    bench.add('task', 'queued', 'dropped')
    moved(bench, 'a')
    bench.pass(0)
    expect(bench.ids('task', 'queued')).toEqual(['dropped'])
  })

  test('hides what is dropped in beside it for a second at most', () => {
    const bench = new Bench()
    bench.add('task', 'queued', 'a')
    bench.settle()
    moved(bench, 'a', () => bench.add('task', 'queued', 'dropped'))
    bench.pass(999)
    expect(bench.listed).toEqual([])
    bench.pass(1)
    expect(bench.ids('task', 'queued')).toEqual(['dropped'])
    bench.listed.length = 0
    for (let look = 0; look < 5; look++) bench.pass(10_000)
    expect(bench.listed).toEqual([])
  })

  test('of many in a row makes a folder be listed every ten seconds at most', () => {
    const bench = new Bench()
    for (let number = 0; number < 60; number++) bench.add('task', 'queued', `t${number}`)
    bench.settle()
    for (let number = 0; number < 60; number++) {
      moved(bench, `t${number}`)
      bench.pass(500)
    }
    const listings = bench.listed.filter((folder) => folder === 'tasks/queue').length
    expect(listings).toBeGreaterThanOrEqual(2)
    expect(listings).toBeLessThanOrEqual(3)
    expect(bench.index.count('task', 'active')).toBe(60)
  })
})

describe('an index that only shows', () => {
  test('reads a document that was written a moment ago', () => {
    const bench = new Bench({ showing: true })
    bench.add('task', 'queued', 'fresh', {}, 0)
    bench.index.refresh()
    expect(bench.ids('task', 'queued')).toEqual(['fresh'])
  })

  test('calls one malformed that has rested for two seconds by its own time', () => {
    const bench = new Bench({ showing: true })
    bench.put('tasks/queue/new.md', 'x', 500)
    bench.put('tasks/queue/old.md', 'x', MALFORMED_AFTER_MS + 500)
    bench.index.refresh()
    bench.index.inState('task', 'queued')
    expect(bench.index.invalid().map((item) => item.file)).toEqual(['old.md'])
  })
})

test('ten thousand documents are read once, and a look at them costs next to nothing', () => {
  const bench = new Bench()
  const text = documentText('task', 'ID-HERE', {}, 'Some body text.\n'.repeat(20))
  const folder = bench.places.at(itemFolder('task', 'queued'))
  for (let number = 0; number < 10_000; number++)
    fs.writeFileSync(path.join(folder, `t-${number}.md`), text.replaceAll('ID-HERE', `t-${number}`))
  bench.now = Date.now() + HOUR_MS
  const raw = timed(() => {
    for (const name of fs.readdirSync(folder)) fs.readFileSync(path.join(folder, name))
  })
  const cold = timed(() => {
    bench.index.refresh()
    expect(bench.index.inState('task', 'queued')).toHaveLength(10_000)
  })
  const warm = timed(() => {
    bench.index.refresh()
    expect(bench.index.inState('task', 'queued')).toHaveLength(10_000)
  })
  console.log(`10,000 documents: raw reading ${raw} ms, cold index ${cold} ms, again ${warm} ms`)
})

function timed(work: () => void): number {
  const start = performance.now()
  work()
  return Math.round((performance.now() - start) * 10) / 10
}
