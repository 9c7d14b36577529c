import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { countingFiles } from '../../test/rig/counting-files.ts'
import { documentText } from '../../test/rig/documents.ts'
import type { Files } from '../core/files.ts'
import { ITEM_KINDS, ITEM_STATES, type ItemState } from '../core/item.ts'
import { SimulatedDisk } from '../selftest/simulated-disk.ts'
import { disk } from './files.ts'
import { keepItemCopies } from './item-copies.ts'
import { decodeCopy, encodeCopy } from './item-copy.ts'
import { ItemIndex } from './items.ts'
import { AT, itemCopyFile, itemFolder, placesOf } from './layout.ts'

const ROOT = '/workspace'
const places = placesOf(ROOT)
const COPY = places.at(itemCopyFile('tasks/queue'))
const HOUR_MS = 3_600_000

/** A workspace in memory, the clock of its disk, and how coarse that one is. */
class Bench {
  nowMs = Date.UTC(2026, 2, 2)
  readonly clock = () => this.nowMs
  readonly on = new SimulatedDisk(ROOT, this.clock, disk)
  readonly files: Files

  constructor(tickMs = 1) {
    const tickNs = BigInt(tickMs) * 1_000_000n
    const floored = (ns: string) => BigInt(ns) - (BigInt(ns) % tickNs)
    this.files = {
      ...this.on,
      stat: (file) => {
        const stat = this.on.stat(file)
        if (stat === null) return null
        const [mtimeNs, ctimeNs] = [floored(stat.mtimeNs), floored(stat.ctimeNs)]
        return { ...stat, mtimeNs: String(mtimeNs), ctimeNs: String(ctimeNs), mtimeMs: Number(mtimeNs) / 1e6 }
      },
    }
    for (const state of ITEM_STATES) this.on.makeFolder(places.at(itemFolder('task', state)))
  }

  path(number: number, state: ItemState = 'queued'): string {
    return places.at(`${itemFolder('task', state)}/task-${number}.md`)
  }

  /** A task whose text is always of the same length. */
  put(number: number, version = 0, state: ItemState = 'queued'): void {
    const fields = { title: `Version ${String(version).padStart(6, '0')}`, depends_on: [`task-${version % 7}`] }
    this.on.write(this.path(number, state), documentText('task', `task-${number}`, fields))
  }

  fill(count: number): void {
    for (let number = 0; number < count; number++) this.put(number)
  }

  keep(): boolean {
    return keepItemCopies(this.files, places, this.clock)
  }

  /** All that a reader sees, and which documents it read for that. */
  look(files = this.files): { seen: unknown; read: string[] } {
    const counted = countingFiles(files)
    const index = new ItemIndex(counted.files, places, this.clock, { showing: true })
    index.refresh()
    const seen = ITEM_KINDS.flatMap((kind) => ITEM_STATES.flatMap((state) => index.inState(kind, state)))
    const read = counted.take().filter(({ operation, path }) => operation === 'read' && path.endsWith('.md'))
    return { seen: { items: structuredClone(seen), invalid: index.invalid() }, read: read.map(({ path }) => path) }
  }

  lookWithoutCopies(): unknown {
    const isCopy = (file: string) => file.startsWith(places.at(AT.derived))
    return this.look({ ...this.files, read: (file) => (isCopy(file) ? null : this.files.read(file)) }).seen
  }
}

describe('the derived copies of the item index', () => {
  test('spare a reader every document that is as it was', () => {
    const bench = new Bench()
    bench.fill(200)
    bench.nowMs += HOUR_MS
    expect(bench.look().read).toHaveLength(200)
    bench.keep()
    bench.put(7, 1)
    const { seen, read } = bench.look()
    expect(read).toEqual([bench.path(7)])
    expect(seen).toEqual(bench.lookWithoutCopies())
  })

  test('are written for large folders only, and again only when enough has changed', () => {
    const bench = new Bench()
    bench.fill(63)
    bench.nowMs += HOUR_MS
    bench.keep()
    expect(bench.on.stat(COPY)).toBeNull()
    bench.fill(100)
    bench.nowMs += HOUR_MS
    bench.keep()
    const first = bench.on.read(COPY)!
    for (let number = 0; number < 31; number++) bench.put(number, 1)
    bench.nowMs += HOUR_MS
    bench.keep()
    expect(bench.on.read(COPY)).toEqual(first)
    bench.put(99, 1)
    bench.nowMs += HOUR_MS
    bench.keep()
    expect(bench.on.read(COPY)).not.toEqual(first)
    expect(bench.look().read).toEqual([])
  })

  test('leave out what changed a moment ago, and say that it is worth another look', () => {
    const bench = new Bench(2000)
    bench.fill(100)
    bench.nowMs += HOUR_MS
    for (let number = 0; number < 40; number++) bench.put(number, 1)
    expect(bench.keep()).toBe(false)
    expect(bench.look().read).toHaveLength(40)
    // Within the same tick of the disk's clock, and of the same length: nothing but its text tells.
    bench.put(3, 2)
    expect(bench.look().seen).toEqual(bench.lookWithoutCopies())
    bench.nowMs += 10_000
    expect(bench.keep()).toBe(true)
    expect(bench.look()).toEqual({ seen: bench.lookWithoutCopies(), read: [] })
  })

  test('are not believed of a file that was put back with its old size and time', () => {
    const bench = new Bench()
    bench.fill(100)
    bench.nowMs += HOUR_MS
    bench.keep()
    const before = bench.files.stat(bench.path(5))!
    bench.put(5, 1)
    const { bytes, mtimeNs, mtimeMs } = before
    const stat: Files['stat'] = (file) => {
      const now = bench.files.stat(file)
      return file === bench.path(5) && now !== null ? { ...now, bytes, mtimeNs, mtimeMs } : now
    }
    expect(bench.look({ ...bench.files, stat }).read).toEqual([bench.path(5)])
  })

  test('are not written where the clock of the disk is not ours', () => {
    const bench = new Bench()
    bench.fill(100)
    const skewed = () => bench.nowMs + HOUR_MS
    keepItemCopies(bench.files, places, skewed)
    expect(bench.on.list(places.at(`${AT.derived}/items`))).toEqual([])
  })

  test.each([
    ['torn', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ['with a byte changed', (bytes: Buffer) => Buffer.from(bytes.toString().replace('Version 0', 'Version 9'))],
    ['of another version', (bytes: Buffer) => Buffer.from(bytes.toString().replace('copy 1', 'copy 2'))],
    ['empty', () => Buffer.alloc(0)],
    ['foreign', () => Buffer.from('{"items": []}')],
  ])('count as absent when %s, and are written again', (_what, damage) => {
    const bench = new Bench()
    bench.fill(100)
    bench.nowMs += HOUR_MS
    bench.keep()
    const whole = bench.on.read(COPY)!
    bench.on.write(COPY, damage(Buffer.from(whole)))
    expect(bench.look()).toMatchObject({ seen: bench.lookWithoutCopies(), read: { length: 100 } })
    bench.keep()
    expect(bench.on.read(COPY)).toEqual(whole)
  })

  test('show what reading every document shows, whatever hands do in between', () => {
    const numbers = fc.uniqueArray(fc.nat(119), { minLength: 1, maxLength: 60, size: 'max' })
    const state = fc.constantFrom<ItemState>('queued', 'done', 'blocked')
    const deed = fc.oneof(
      { weight: 3, arbitrary: fc.record({ do: fc.constant('edit' as const), numbers, version: fc.nat(9), state }) },
      fc.record({ do: fc.constant('spoil' as const), numbers, state }),
      fc.record({ do: fc.constant('move' as const), numbers, from: state, to: state }),
      fc.record({ do: fc.constant('delete' as const), numbers, state }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 500, 3000, 60_000) }),
      { weight: 3, arbitrary: fc.record({ do: fc.constant('keep' as const) }) },
      fc.record({ do: fc.constant('tear' as const), bytes: fc.nat(5000) }),
    )
    fc.assert(
      fc.property(fc.constantFrom(1, 10, 500), fc.array(deed, { maxLength: 25, size: 'max' }), (tickMs, deeds) => {
        const bench = new Bench(tickMs)
        bench.fill(100)
        bench.nowMs += 60_000
        bench.keep()
        for (const one of deeds) {
          carryOut(bench, one)
          expect(bench.look().seen).toEqual(bench.lookWithoutCopies())
        }
      }),
      { numRuns: 25, endOnFailure: true },
    )
  }, 120_000)
})

type Deed =
  | { do: 'edit'; numbers: number[]; version: number; state: ItemState }
  | { do: 'spoil' | 'delete'; numbers: number[]; state: ItemState }
  | { do: 'move'; numbers: number[]; from: ItemState; to: ItemState }
  | { do: 'wait'; ms: number }
  | { do: 'keep' }
  | { do: 'tear'; bytes: number }

function carryOut(bench: Bench, deed: Deed): void {
  const { on } = bench
  const isThere = (number: number, state: ItemState) => on.stat(bench.path(number, state)) !== null
  switch (deed.do) {
    case 'edit':
      for (const number of deed.numbers) bench.put(number, deed.version, deed.state)
      return
    case 'spoil':
      for (const number of deed.numbers) on.write(bench.path(number, deed.state), '# Half a')
      return
    case 'move':
      for (const number of deed.numbers)
        if (isThere(number, deed.from)) on.rename(bench.path(number, deed.from), bench.path(number, deed.to))
      return
    case 'delete':
      for (const number of deed.numbers) if (isThere(number, deed.state)) on.unlink(bench.path(number, deed.state))
      return
    case 'wait':
      bench.nowMs += deed.ms
      return
    case 'keep':
      bench.keep()
      return
    case 'tear':
      if (on.stat(COPY) !== null) on.truncate(COPY, deed.bytes)
  }
}

describe('encodeCopy', () => {
  test('gives what decodeCopy takes', () => {
    const head = { id: 'a', title: 'É\n"', createdAt: 'x', createdMs: -1.25, dependsOn: ['b'], sourceIds: [] }
    const roots = { rootSpecId: null, rootIdeaId: 'i', effectiveRoot: 'i' }
    const items = [{ name: 'a.md', stamp: '1 2 3 4', head: { ...head, ...roots } }]
    expect(decodeCopy(Buffer.from(encodeCopy(items)))).toEqual(items)
    expect(decodeCopy(Buffer.from(encodeCopy([])))).toEqual([])
  })

  test('of anything but items is no copy', () => {
    const odd = [{ name: 'a.md', stamp: '1', head: { id: 'a' } }] as unknown as Parameters<typeof encodeCopy>[0]
    expect(decodeCopy(Buffer.from(encodeCopy(odd)))).toBeNull()
  })
})
