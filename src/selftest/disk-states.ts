/**
 * What a crash may leave of a disk. Whatever was not flushed, each name in a folder and the bytes of each file, may be
 * there afterwards or not, independently of the rest; so of a rename both names may be found, or none, and a file may be
 * new, old, empty, torn or full of zeros. That is harsher than any journaling file system and all that POSIX promises.
 */
import { type DiskNode, type FileNode, type FolderNode, isDirty, type SimulatedDisk } from './simulated-disk.ts'

/** Ways to lose; each is one row of the crash table. */
export const STATE_KINDS = {
  kept: 'the process was killed: everything it did is there',
  torn: 'the process was killed in the middle of its last write or append: half of it is there',
  lost: 'power went: nothing that was not flushed is there',
  data_only: 'power went: bytes are there, new names are not',
  names_only: 'power went: new names are there, their bytes are not',
  zeroed: 'power went: new names are there, their bytes are zeros',
  reordered: 'power went: some of what was not flushed is there, in any order and across folders',
} as const
export type StateKind = keyof typeof STATE_KINDS

export interface DiskState {
  kind: StateKind
  /** What survived, or did not, where the kind leaves that open. */
  detail: string
  tree: FolderNode
}

/** True if the machine went down too, not only the process. */
export const isPowerLoss = (kind: StateKind): boolean => kind !== 'kept' && kind !== 'torn'

/** Something that may or may not outlive a power loss. */
type Unflushed = { folder: FolderNode; name: string; path: string } | { file: FileNode; path: string }

/** Up to this many unflushed things every subset is told; of more, each alone and each missing. */
const SUBSETS_OF_MAX = 4
/** Of more things than this, an even selection of them, which moves on with every moment. */
const SINGLED_OUT_MAX = 24

/** Every legal state, as named above. The trees share bytes but no nodes with the disk. */
export function* legalStates(disk: SimulatedDisk): Generator<DiskState> {
  const { top, lastWritten } = disk
  const things = unflushedOf(top)
  const isName = (thing: Unflushed) => 'folder' in thing
  const state = (
    kind: StateKind,
    detail: string,
    survives: (thing: Unflushed) => boolean,
    lost: Losing,
  ): DiskState => ({
    kind,
    detail,
    tree: survivors(top, things, survives, lost),
  })
  yield state('kept', '', () => true, asFlushed)
  if (lastWritten !== null && isDirty(lastWritten)) {
    const survives = (thing: Unflushed) => !('file' in thing) || thing.file !== lastWritten
    yield state('torn', '', survives, torn)
  }
  if (things.length === 0) return
  yield state('lost', '', () => false, asFlushed)
  yield state('data_only', '', (thing) => !isName(thing), asFlushed)
  yield state('names_only', '', isName, asFlushed)
  yield state('zeroed', '', isName, zeroed)
  for (const [detail, chosen] of choices(things)) {
    yield state('reordered', detail, (thing) => chosen.has(thing), asFlushed)
  }
}

function* choices(things: readonly Unflushed[]): Generator<[string, ReadonlySet<Unflushed>]> {
  const told = (some: Iterable<Unflushed>) => [...some].map((thing) => thing.path).join(', ')
  if (things.length <= SUBSETS_OF_MAX) {
    for (let bits = 1; bits < 2 ** things.length - 1; bits++) {
      const chosen = new Set(things.filter((_, at) => bits & (1 << at)))
      yield [`only ${told(chosen)}`, chosen]
    }
    return
  }
  const stride = Math.ceil(things.length / SINGLED_OUT_MAX)
  for (const one of things.filter((_, at) => at % stride === things.length % stride)) {
    yield [`only ${one.path}`, new Set([one])]
    yield [`all but ${one.path}`, new Set(things.filter((thing) => thing !== one))]
  }
}

function unflushedOf(top: FolderNode): Unflushed[] {
  const things: Unflushed[] = []
  const seen = new Set<DiskNode>()
  const walk = (node: DiskNode, path: string) => {
    if (seen.has(node)) return
    seen.add(node)
    if (node.kind === 'file') {
      if (isDirty(node)) things.push({ file: node, path: `bytes of ${path}` })
      return
    }
    for (const name of new Set([...node.flushed.keys(), ...node.entries.keys()])) {
      const [before, now] = [node.flushed.get(name), node.entries.get(name)]
      const below = path === '' ? name : `${path}/${name}`
      if (before !== now) things.push({ folder: node, name, path: below })
      for (const child of [before, now]) if (child) walk(child, below)
    }
  }
  walk(top, '')
  return things
}

/** What is there instead of bytes that did not survive. */
type Losing = (file: FileNode) => Uint8Array

const asFlushed: Losing = (file) => file.flushed ?? new Uint8Array()
const torn: Losing = ({ bytes, flushedPrefix }) =>
  bytes.subarray(0, flushedPrefix + ((bytes.length - flushedPrefix) >> 1))
const zeroed: Losing = ({ bytes, flushedPrefix }) =>
  Buffer.concat([bytes.subarray(0, flushedPrefix), Buffer.alloc(bytes.length - flushedPrefix)])

function survivors(
  top: FolderNode,
  things: readonly Unflushed[],
  survives: (thing: Unflushed) => boolean,
  lost: Losing,
): FolderNode {
  const names = new Map<FolderNode, Set<string>>()
  const bytes = new Set<FileNode>()
  for (const thing of things) {
    if (survives(thing)) continue
    if ('file' in thing) bytes.add(thing.file)
    else names.set(thing.folder, (names.get(thing.folder) ?? new Set()).add(thing.name))
  }
  const copies = new Map<FileNode, FileNode>()
  const copyFile = (node: FileNode): FileNode => {
    const copy = copies.get(node) ?? { ...node, bytes: bytes.has(node) ? lost(node) : node.bytes }
    copies.set(node, copy)
    return copy
  }
  const copyFolder = (node: FolderNode): FolderNode => {
    const forgotten = names.get(node)
    const entries = new Map<string, DiskNode>()
    for (const [name, child] of node.entries) {
      if (!forgotten?.has(name)) entries.set(name, child.kind === 'file' ? copyFile(child) : copyFolder(child))
    }
    for (const name of forgotten ?? []) {
      const child = node.flushed.get(name)
      if (child) entries.set(name, child.kind === 'file' ? copyFile(child) : copyFolder(child))
    }
    return { ...node, entries, flushed: new Map(entries) }
  }
  return copyFolder(top)
}
