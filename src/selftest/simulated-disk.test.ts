import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Files } from '../core/files.ts'
import { disk } from '../store/files.ts'
import { legalStates } from './disk-states.ts'
import { hashTree, SimulatedDisk } from './simulated-disk.ts'

const ROOT = '/simulated'
const newDisk = () => new SimulatedDisk(ROOT, () => 0, disk)
const text = (bytes: Uint8Array | null): string | null => bytes && Buffer.from(bytes).toString()
const at = (...names: string[]) => path.join(ROOT, ...names)

/** One call of a program, at paths below whatever root it is given. */
type Call = (files: Files, root: string) => unknown

const anyName = fc.constantFrom('a', 'b', 'c')
const anyPath = fc.array(anyName, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'))
const anyBytes = fc.string({ maxLength: 6 })

/** A program calls `name`, told of in that way when a law is broken. */
const call = (name: string, ...given: fc.Arbitrary<unknown>[]): fc.Arbitrary<Call> =>
  fc.tuple(...given).map((values) => {
    const carryOut: Call = (files, root) => {
      const absolute = (value: unknown, at: number) =>
        given[at] === anyPath ? path.join(root, String(value)) : given[at] === somePaths ? under(root, value) : value
      return (files[name as keyof Files] as (...given: unknown[]) => unknown)(...values.map(absolute))
    }
    return Object.assign(carryOut, { [fc.toStringMethod]: () => `${name}(${values.map(String).join(', ')})` })
  })
const somePaths = fc.array(anyPath, { maxLength: 4 })
const under = (root: string, paths: unknown) => (paths as string[]).map((one) => path.join(root, one))

const CHANGES = [
  call('makeFolder', anyPath),
  call('write', anyPath, anyBytes),
  call('write', anyPath, anyBytes, fc.constant({ exclusive: true })),
  call('append', anyPath, anyBytes),
  call('truncate', anyPath, fc.nat({ max: 8 })),
  call('rename', anyPath, anyPath),
  call('link', anyPath, anyPath),
  call('unlink', anyPath),
  call('removeFolder', anyPath),
]
const LOOKS = [
  call('read', anyPath),
  call('readRange', anyPath, fc.nat({ max: 4 }), fc.integer({ min: 1, max: 8 })),
  call('list', anyPath),
  call('realpath', anyPath),
]
const anyChanges = fc.array(fc.oneof(...CHANGES, call('flush', somePaths)), { maxLength: 40 })

/** What a call gave, or the code of the error it ended with. */
async function outcome(carryOut: Call, files: Files, root: string): Promise<unknown> {
  try {
    const value = await carryOut(files, root)
    if (Array.isArray(value)) return [...value].sort()
    return value instanceof Uint8Array ? text(value) : (value ?? null)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    // Codes are those of Linux; other systems fail in the same places, now and then with another code.
    return process.platform === 'linux' ? { code } : { code: 'some' }
  }
}

/** All that lies below a folder: kinds, bytes, and which names stand for one file. */
function everything(files: Files, root: string): Record<string, string> {
  const found: Record<string, string> = {}
  const firstOf = new Map<string, string>()
  const walk = (folder: string) => {
    for (const name of [...(files.list(folder) ?? [])].sort()) {
      const file = path.join(folder, name)
      const shown = path.relative(root, file)
      const { kind, bytes, inode } = files.stat(file)!
      if (kind === 'directory') walk(file)
      else if (!firstOf.has(inode)) firstOf.set(inode, shown)
      found[shown] = kind === 'directory' ? kind : `${kind} ${firstOf.get(inode)} ${bytes} ${text(files.read(file))}`
    }
  }
  walk(root)
  return found
}

/** All that a disk can be after a crash, as hashes. */
const statesOf = (on: SimulatedDisk): string[] =>
  [...legalStates(on)].map(({ kind, detail, tree }) => `${kind} ${detail} ${hashTree(tree)}`)

async function carryOut(calls: readonly Call[], on: SimulatedDisk): Promise<void> {
  for (const one of calls) await outcome(one, on, ROOT)
}

describe('a simulated disk', () => {
  test('answers every call as a real one does, and ends up with the same on it', async () => {
    const anyCalls = fc.array(fc.oneof(...CHANGES, ...LOOKS, call('flush', somePaths)), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(anyCalls, async (calls) => {
        const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-simulated-')))
        const simulated = new SimulatedDisk(root, () => 0, disk)
        try {
          for (const one of calls)
            expect(await outcome(one, simulated, root), fc.stringify(one)).toEqual(await outcome(one, disk, root))
          expect(everything(simulated, root)).toEqual(everything(disk, root))
        } finally {
          fs.rmSync(root, { recursive: true, force: true })
        }
      }),
      { numRuns: 400 },
    )
  })

  test('gives what was changed a later time, so that nothing changes unseen', async () => {
    await fc.assert(
      fc.asyncProperty(anyChanges, async (calls) => {
        const on = newDisk()
        const times = () => [...allPaths(on)].map((file): [string, bigint] => [file, BigInt(on.stat(file)!.mtimeNs)])
        let known = new Map<string, bigint>()
        for (const one of calls) {
          const before = everything(on, ROOT)
          await outcome(one, on, ROOT)
          const now = new Map(times())
          const isSame = JSON.stringify(before) === JSON.stringify(everything(on, ROOT))
          const latest = [...known.values()].reduce((a, b) => (a > b ? a : b), 0n)
          if (!isSame) expect([...now.values()].some((time) => time > latest)).toBe(true)
          known = now
        }
      }),
    )
  })

  test('never writes elsewhere, where it only reads', () => {
    const on = newDisk()
    const elsewhere = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-elsewhere-'))
    const file = path.join(elsewhere, 'file')
    fs.writeFileSync(file, 'real')
    on.write(at('mine'), 'simulated')
    try {
      expect([text(on.read(file)), on.list(elsewhere), on.stat(file)?.kind]).toEqual(['real', ['file'], 'file'])
      const refused: (() => void)[] = [
        () => on.write(file, 'x'),
        () => on.append(file, 'x'),
        () => on.truncate(file, 0),
        () => on.unlink(file),
        () => on.rename(file, at('taken')),
        () => on.rename(at('mine'), file),
        () => on.link(at('mine'), path.join(elsewhere, 'other')),
        () => on.makeFolder(path.join(elsewhere, 'folder')),
        () => on.removeFolder(elsewhere),
      ]
      for (const write of refused) expect(write).toThrow(expect.objectContaining({ code: 'EROFS' }))
      expect(fs.readdirSync(elsewhere)).toEqual(['file'])
      expect(text(on.read(at('mine')))).toBe('simulated')
    } finally {
      fs.rmSync(elsewhere, { recursive: true })
    }
  })
})

function* allPaths(files: Files, folder = ROOT): Generator<string> {
  yield folder
  for (const name of files.list(folder) ?? []) yield* allPaths(files, path.join(folder, name))
}

describe('a snapshot of a simulated disk', () => {
  test('is as the disk was, and neither changes with the other', async () => {
    await fc.assert(
      fc.asyncProperty(anyChanges, anyChanges, anyChanges, async (before, after, otherwise) => {
        const on = newDisk()
        await carryOut(before, on)
        const then = { all: everything(on, ROOT), states: statesOf(on) }
        const snapshot = on.snapshot()
        expect({ all: everything(snapshot, ROOT), states: statesOf(snapshot) }).toEqual(then)
        await carryOut(after, on)
        expect({ all: everything(snapshot, ROOT), states: statesOf(snapshot) }).toEqual(then)
        const now = { all: everything(on, ROOT), states: statesOf(on) }
        await carryOut(otherwise, snapshot)
        expect({ all: everything(on, ROOT), states: statesOf(on) }).toEqual(now)
      }),
    )
  })

  test('goes on as the disk itself would: the same room, and inodes that nothing else has', () => {
    const on = newDisk()
    on.free = 17
    on.write(at('a'), 'one')
    const snapshot = on.snapshot()
    snapshot.write(at('b'), 'two')
    expect(snapshot.freeBytes()).toBe(17)
    expect(snapshot.stat(at('b'))!.inode).not.toBe(snapshot.stat(at('a'))!.inode)
    expect(BigInt(snapshot.stat(at('b'))!.mtimeNs)).toBeGreaterThan(BigInt(snapshot.stat(at('a'))!.mtimeNs))
  })
})

describe('what a simulated disk knows of flushing', () => {
  /** The same calls, all of them below one folder at the top. */
  const below = (folder: string, calls: readonly Call[]): Call[] =>
    calls.map((one) => (files, root) => one(files, path.join(root, folder)))

  test('what was flushed, with every folder on the way to it, is in every state a crash may leave', async () => {
    await fc.assert(
      fc.asyncProperty(anyChanges, anyChanges, anyChanges, async (kept, other, later) => {
        const on = newDisk()
        for (const folder of ['kept', 'other']) on.makeFolder(at(folder))
        await carryOut(below('kept', kept), on)
        await carryOut(below('other', other), on)
        await on.flush([ROOT, ...allPaths(on, at('kept'))])
        const flushed = everything(on, at('kept'))
        await carryOut(below('other', later), on)
        for (const { kind, detail, tree } of legalStates(on)) {
          const left = new SimulatedDisk(ROOT, () => 0, disk, tree)
          expect(everything(left, at('kept')), `${kind} ${detail}`).toEqual(flushed)
        }
      }),
    )
  })

  test('a disk that was flushed as a whole can be left in one state only', async () => {
    await fc.assert(
      fc.asyncProperty(anyChanges, async (calls) => {
        const on = newDisk()
        await carryOut(calls, on)
        on.flushAll()
        const states = [...legalStates(on)]
        expect(states.map(({ kind }) => kind)).toEqual(['kept'])
        expect(hashTree(states[0]!.tree)).toBe(hashTree(on.top))
      }),
    )
  })

  test('a file may be lost for as long as its folder is not flushed, and a folder for as long as that above it is not', async () => {
    const on = newDisk()
    on.makeFolder(at('folder'))
    on.write(at('folder', 'file'), 'text')
    const isAlwaysThere = () =>
      [...legalStates(on)].every(
        ({ tree }) => text(new SimulatedDisk(ROOT, () => 0, disk, tree).read(at('folder', 'file'))) === 'text',
      )
    for (const step of [at('folder', 'file'), at('folder'), ROOT]) {
      expect(isAlwaysThere()).toBe(false)
      await on.flush([step])
    }
    expect(isAlwaysThere()).toBe(true)
  })

  test('a disk that is made from a tree has all of it flushed, and the tree stays as it is', () => {
    const on = newDisk()
    on.write(at('a'), 'text')
    on.link(at('a'), at('b'))
    const copy = new SimulatedDisk(ROOT, () => 0, disk, on.top)
    expect([...legalStates(copy)]).toHaveLength(1)
    copy.write(at('a'), 'other')
    expect([text(copy.read(at('b'))), text(on.read(at('a')))]).toEqual(['other', 'text'])
  })
})

test('the hash of a tree tells names, kinds and bytes apart, and leaves out what is said to be', () => {
  const hashOf = (make: (on: SimulatedDisk) => void, isLeftOut?: (file: string) => boolean) => {
    const on = newDisk()
    make(on)
    return hashTree(on.top, isLeftOut)
  }
  const different = [
    hashOf(() => {}),
    hashOf((on) => on.write(at('a'), '')),
    hashOf((on) => on.write(at('a'), 'x')),
    hashOf((on) => on.write(at('b'), 'x')),
    hashOf((on) => on.makeFolder(at('a'))),
    hashOf((on) => on.makeFolder(at('a/b'))),
  ]
  expect(new Set(different).size).toBe(different.length)
  expect(
    hashOf(
      (on) => on.write(at('a'), 'x'),
      (file) => file === 'a',
    ),
  ).toBe(different[0])
})
