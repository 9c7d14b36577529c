import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { disk } from '../store/files.ts'
import { type DiskState, isPowerLoss, legalStates, STATE_KINDS, type StateKind } from './disk-states.ts'
import { type DiskNode, type FileNode, type FolderNode, hashTree, SimulatedDisk } from './simulated-disk.ts'

const ROOT = '/simulated'
const at = (name: string) => `${ROOT}/${name}`

/** A disk with these files on it, flushed, after what a program did to it without flushing. */
function changed(there: Record<string, string>, doing: (on: SimulatedDisk) => void): SimulatedDisk {
  const on = new SimulatedDisk(ROOT, () => 0, disk)
  for (const folder of ['queue', 'active']) on.makeFolder(at(folder))
  for (const [name, text] of Object.entries(there)) on.write(at(name), text)
  on.flushAll()
  doing(on)
  return on
}

/** Text of every file in a tree, by path. */
function textsIn(tree: FolderNode, above = ''): Record<string, string> {
  return Object.assign(
    {},
    ...[...tree.entries].map(([name, node]) =>
      node.kind === 'folder'
        ? textsIn(node, `${above}${name}/`)
        : { [above + name]: Buffer.from(node.bytes).toString() },
    ),
  )
}

/** The files of every state, by kind and by what survived. */
function statesOf(on: SimulatedDisk): Record<string, Record<string, string>> {
  const told = ({ kind, detail }: DiskState) => (detail === '' ? kind : `${kind}: ${detail}`)
  return Object.fromEntries([...legalStates(on)].map((state) => [told(state), textsIn(state.tree)]))
}

describe('what a crash may leave', () => {
  test('of a disk on which all is flushed is that disk', () => {
    const on = changed({ a: 'text' }, () => {})
    expect(statesOf(on)).toEqual({ kept: { a: 'text' } })
  })

  test('of a new file: its name without bytes, its bytes without name, half of it, or none of it', () => {
    const on = changed({}, (on) => on.write(at('a'), 'text'))
    expect(statesOf(on)).toEqual({
      kept: { a: 'text' },
      torn: { a: 'te' },
      lost: {},
      data_only: {},
      names_only: { a: '' },
      zeroed: { a: '\0\0\0\0' },
      'reordered: only a': { a: '' },
      'reordered: only bytes of a': {},
    })
  })

  test('of a file that was written over: the old or the new, torn or full of zeros', () => {
    const on = changed({ a: 'old' }, (on) => on.write(at('a'), 'new!'))
    expect(statesOf(on)).toEqual({
      kept: { a: 'new!' },
      torn: { a: 'ne' },
      lost: { a: 'old' },
      data_only: { a: 'new!' },
      names_only: { a: 'old' },
      zeroed: { a: '\0\0\0\0' },
    })
  })

  test('of a line appended to a log: the lines before it, always, and of itself all, half, zeros or nothing', () => {
    const on = changed({ log: 'one\n' }, (on) => on.append(at('log'), 'two\n'))
    expect(statesOf(on)).toEqual({
      kept: { log: 'one\ntwo\n' },
      torn: { log: 'one\ntw' },
      lost: { log: 'one\n' },
      data_only: { log: 'one\ntwo\n' },
      names_only: { log: 'one\n' },
      zeroed: { log: 'one\n\0\0\0\0' },
    })
  })

  test('of a file that was cut off: as it was, or as it is', () => {
    const on = changed({ log: 'one\ntw' }, (on) => on.truncate(at('log'), 4))
    expect(new Set(Object.values(statesOf(on)).map(({ log }) => log))).toEqual(new Set(['one\n', 'one\ntw']))
  })

  test('of a file that was renamed: one name, the other, both, or none', () => {
    const on = changed({ 'queue/a': 'text' }, (on) => on.rename(at('queue/a'), at('active/a')))
    expect(statesOf(on)).toEqual({
      kept: { 'active/a': 'text' },
      lost: { 'queue/a': 'text' },
      data_only: { 'queue/a': 'text' },
      names_only: { 'active/a': 'text' },
      zeroed: { 'active/a': 'text' },
      'reordered: only queue/a': {},
      'reordered: only active/a': { 'queue/a': 'text', 'active/a': 'text' },
    })
  })

  test('of a new file renamed onto an old one without a flush: the old one, or a new one that may be empty', () => {
    const on = changed({ a: 'old' }, (on) => {
      on.write(at('.a'), 'new')
      on.rename(at('.a'), at('a'))
    })
    expect(statesOf(on)).toMatchObject({ kept: { a: 'new' }, lost: { a: 'old' }, names_only: { a: '' } })
    expect(statesOf(on)).not.toHaveProperty('torn')
  })

  test('of one flushed before it was renamed onto an old one: never anything but old or new', async () => {
    const on = changed({ a: 'old' }, (on) => on.write(at('.a'), 'new'))
    await on.flush([at('.a')])
    on.rename(at('.a'), at('a'))
    const left = new Set(Object.values(statesOf(on)).map(({ a }) => a))
    expect(left).toEqual(new Set(['old', 'new']))
  })

  test('of a file that was removed: that, or the file as it was last flushed', () => {
    const on = changed({ a: 'text' }, (on) => on.unlink(at('a')))
    expect(statesOf(on)).toEqual({
      kept: {},
      lost: { a: 'text' },
      data_only: { a: 'text' },
      names_only: {},
      zeroed: {},
    })
  })

  test('of a second name that was linked: one file under one name or two', () => {
    const on = changed({ a: 'text' }, (on) => on.link(at('a'), at('b')))
    for (const { kind, tree } of legalStates(on)) {
      const [a, b] = [tree.entries.get('a'), tree.entries.get('b')]
      expect(a).toBeDefined()
      expect(b, kind).toBe(isPowerLoss(kind) && kind !== 'names_only' && kind !== 'zeroed' ? undefined : a)
    }
  })

  test('of a new folder with a file in it: nothing of either where the name of the folder is lost', () => {
    const on = changed({}, (on) => {
      on.makeFolder(at('runs'))
      on.write(at('runs/a'), 'text')
    })
    expect(statesOf(on)).toMatchObject({
      lost: {},
      names_only: { 'runs/a': '' },
      'reordered: only runs/a, bytes of runs/a': {},
      'reordered: only runs, bytes of runs/a': {},
      'reordered: only runs, runs/a': { 'runs/a': '' },
    })
  })

  test('is told of every subset of up to four unflushed things, and of more for each alone and each missing', () => {
    const writing = (files: number) =>
      changed({}, (on) => {
        for (let file = 0; file < files; file++) on.write(at(String(file)), 'x')
      })
    const reordered = (files: number) => [...legalStates(writing(files))].filter(({ kind }) => kind === 'reordered')
    expect(reordered(2)).toHaveLength(2 ** 4 - 2)
    expect(new Set(reordered(2).map(({ detail }) => detail)).size).toBe(2 ** 4 - 2)
    expect(reordered(3)).toHaveLength(2 * 6)
    expect(reordered(12)).toHaveLength(2 * 24)
    // Of very many an even selection, which is another one when there is one more.
    expect(reordered(40).length).toBeLessThanOrEqual(2 * 24)
    expect(reordered(40).length).toBeGreaterThan(24)
    const picked = (files: number) => reordered(files).flatMap(({ detail }) => /^only (.*)/.exec(detail)?.[1] ?? [])
    expect(new Set([...picked(40), ...picked(41)]).size).toBeGreaterThan(picked(40).length)
  })
})

test('each kind says what it is, and only two are no loss of power', () => {
  const kinds = Object.keys(STATE_KINDS) as StateKind[]
  expect(kinds.filter((kind) => !isPowerLoss(kind))).toEqual(['kept', 'torn'])
  for (const kind of kinds) expect(STATE_KINDS[kind].startsWith('power went')).toBe(isPowerLoss(kind))
})

const FOLDERS = ['queue', 'active']
const anyFile = fc.tuple(fc.constantFrom('', ...FOLDERS.map((folder) => `${folder}/`)), fc.constantFrom('a', 'b', 'c'))
const anyPath = anyFile.map(([folder, name]) => at(folder + name))
const anyText = fc.string({ minLength: 1, maxLength: 5 })
/** What a program does to files; it moves no folders. */
const anyStep = fc.oneof(
  fc.tuple(fc.constant('write' as const), anyPath, anyText),
  fc.tuple(fc.constant('append' as const), anyPath, anyText),
  fc.tuple(fc.constant('truncate' as const), anyPath, fc.nat({ max: 4 })),
  fc.tuple(fc.constant('rename' as const), anyPath, anyPath),
  fc.tuple(fc.constant('link' as const), anyPath, anyPath),
  fc.tuple(fc.constant('unlink' as const), anyPath),
  fc.tuple(fc.constant('flush' as const), fc.array(fc.oneof(anyPath, fc.constantFrom(ROOT, ...FOLDERS.map(at))))),
)
type Step = typeof anyStep extends fc.Arbitrary<infer S> ? S : never

async function anyDisk(steps: readonly Step[]): Promise<SimulatedDisk> {
  const on = changed({}, () => {})
  for (const [operation, ...given] of steps) {
    try {
      await (on[operation] as (...given: unknown[]) => unknown)(...given)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
    }
  }
  return on
}

/** Every node that a name has led to, before or now. */
function nodesOf(top: FolderNode): Map<number, DiskNode> {
  const found = new Map<number, DiskNode>()
  const walk = (node: DiskNode) => {
    if (found.has(node.inode)) return
    found.set(node.inode, node)
    if (node.kind === 'folder') for (const child of [...node.entries.values(), ...node.flushed.values()]) walk(child)
  }
  walk(top)
  return found
}

/** What may be in a file after a crash. */
function isLegal({ bytes, flushed, flushedPrefix }: FileNode, left: Uint8Array): boolean {
  const same = (one: Uint8Array) => Buffer.compare(one, left) === 0
  const isPrefix = left.length >= flushedPrefix && same(bytes.subarray(0, left.length))
  const zeroed = Buffer.concat([bytes.subarray(0, flushedPrefix), Buffer.alloc(bytes.length - flushedPrefix)])
  return same(bytes) || same(flushed ?? new Uint8Array()) || isPrefix || same(zeroed)
}

describe('in every state', () => {
  const everywhere = (check: (on: SimulatedDisk, state: DiskState, before: Map<number, DiskNode>) => void) =>
    fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 15 }), async (steps) => {
        const on = await anyDisk(steps)
        const before = nodesOf(on.top)
        for (const state of legalStates(on)) check(on, state, before)
      }),
    )

  test('a file has bytes that its disk was given or has flushed: old, new, cut off or with zeros, and no others', () =>
    everywhere((_, { kind, detail, tree }, before) => {
      for (const [inode, node] of nodesOf(tree)) {
        const origin = before.get(inode)
        expect(origin?.kind).toBe(node.kind)
        if (node.kind === 'file') expect(isLegal(origin as FileNode, node.bytes), `${kind} ${detail}`).toBe(true)
      }
    }))

  test('a name is one that was there or is there now, and leads to what it led to', () =>
    everywhere((_, { kind, detail, tree }, before) => {
      for (const [inode, node] of nodesOf(tree)) {
        if (node.kind === 'file') continue
        const { entries, flushed } = before.get(inode) as FolderNode
        for (const [name, child] of node.entries)
          expect([entries.get(name)?.inode, flushed.get(name)?.inode], `${kind} ${detail}`).toContain(child.inode)
        for (const [name, child] of flushed)
          if (entries.get(name) === child) expect(node.entries.get(name)?.inode).toBe(child.inode)
      }
    }))

  test('all counts as flushed, and nothing is shared with the disk that could be changed', () =>
    everywhere((on, { tree }, before) => {
      const hash = hashTree(on.top)
      for (const [inode, node] of nodesOf(tree)) expect(node).not.toBe(before.get(inode))
      const next = new SimulatedDisk(ROOT, () => 0, disk, tree)
      expect([...legalStates(next)].map(({ kind }) => kind)).toEqual(['kept'])
      for (const name of ['a', 'queue/a']) next.append(at(name), 'changed')
      expect(hashTree(on.top)).toBe(hash)
    }))

  test('where only the process died, all it did is there, but for half of what it was just writing', () =>
    everywhere((on, { kind, tree }) => {
      if (isPowerLoss(kind)) return
      const [left, now] = [textsIn(tree), textsIn(on.top)]
      expect(Object.keys(left).sort()).toEqual(Object.keys(now).sort())
      const writing = kind === 'torn' ? String(on.lastWritten!.inode) : null
      for (const [name, text] of Object.entries(now)) {
        if (on.stat(at(name))!.inode !== writing) expect(left[name]).toBe(text)
        else expect(text.startsWith(left[name]!)).toBe(true)
      }
    }))
})
