/**
 * A disk in memory that knows what is flushed, for proving what a crash can do (disk-states.ts tells what may be left).
 * It keeps promises as small as POSIX does: a file's bytes last once the file was flushed, its name once its folder
 * was. Below `root` everything happens in memory; what lies elsewhere, such as the packaged assets, is only read.
 */
import * as path from 'node:path'
import type { FileStat, Files } from '../core/files.ts'
import { hashBytes } from '../store/files.ts'

export interface FileNode {
  kind: 'file'
  /** As every process sees it. Never changed in place. */
  bytes: Uint8Array
  /** What the device has for certain; null for a file that was never flushed. */
  flushed: Uint8Array | null
  /** How many bytes at its start the device has and nobody has written over since. */
  flushedPrefix: number
  inode: number
  mtimeNs: bigint
  ctimeNs: bigint
}

export interface FolderNode {
  kind: 'folder'
  entries: Map<string, DiskNode>
  /** The names the device has for certain, and what each stands for. */
  flushed: Map<string, DiskNode>
  inode: number
  mtimeNs: bigint
}

export type DiskNode = FileNode | FolderNode

export const isDirty = (file: FileNode): boolean => file.flushed !== file.bytes

const TERABYTE = 2 ** 40

export class SimulatedDisk implements Files {
  readonly root: string
  /** What `freeBytes` answers. */
  free = TERABYTE
  /** The folder at `root`. */
  readonly top: FolderNode
  /** The file that the last change wrote or appended to: the one that a crash in the middle of it tears. */
  lastWritten: FileNode | null = null
  private readonly nowMs: () => number
  private readonly elsewhere: Files
  private inodes: number
  private changes = 0n

  /** Begins with a copy of `tree`, all of it flushed; empty by default. */
  constructor(root: string, nowMs: () => number, elsewhere: Files, tree: FolderNode = newFolder(1, 0n)) {
    this.root = root
    this.nowMs = nowMs
    this.elsewhere = elsewhere
    this.top = copyTree(tree)
    this.inodes = highestInode(this.top)
  }

  /** A copy as it is now, with what it knows of flushing. */
  snapshot(): SimulatedDisk {
    const copy = new SimulatedDisk(this.root, this.nowMs, this.elsewhere)
    const copies = new Map<DiskNode, DiskNode>()
    Object.assign(copy.top, copyKnowing(this.top, copies))
    copy.lastWritten = this.lastWritten && ((copies.get(this.lastWritten) as FileNode | undefined) ?? null)
    copy.free = this.free
    copy.inodes = this.inodes
    copy.changes = this.changes
    return copy
  }

  /** Everything that is there now is flushed. */
  flushAll(): void {
    const flush = (node: DiskNode) => {
      if (node.kind === 'file') return void flushFile(node)
      node.flushed = new Map(node.entries)
      for (const child of node.entries.values()) flush(child)
    }
    flush(this.top)
  }

  readonly read = (file: string): Uint8Array | null => {
    const node = this.find(file)
    if (node === 'elsewhere') return this.elsewhere.read(file)
    if (node?.kind === 'folder') throw failure('EISDIR', 'read', file)
    return node === null ? null : Buffer.from(node.bytes)
  }

  readonly readRange = (file: string, offset: number, length: number): Uint8Array | null => {
    return this.read(file)?.subarray(offset, offset + length) ?? null
  }

  readonly stat = (file: string): FileStat | null => {
    const node = this.find(file)
    if (node === 'elsewhere') return this.elsewhere.stat(file)
    if (node === null) return null
    return {
      kind: node.kind === 'file' ? 'file' : 'directory',
      bytes: node.kind === 'file' ? node.bytes.length : 0,
      mtimeNs: String(node.mtimeNs),
      mtimeMs: Number(node.mtimeNs) / 1e6,
      ctimeNs: String(node.kind === 'file' ? node.ctimeNs : node.mtimeNs),
      inode: String(node.inode),
      device: '1',
      mode: node.kind === 'file' ? 0o644 : 0o755,
    }
  }

  readonly list = (folder: string): string[] | null => {
    const node = this.find(folder)
    if (node === 'elsewhere') return this.elsewhere.list(folder)
    return node?.kind === 'folder' ? [...node.entries.keys()] : null
  }

  readonly realpath = (file: string): string | null => {
    const node = this.find(file)
    return node === 'elsewhere' ? this.elsewhere.realpath(file) : node && file
  }

  readonly freeBytes = (): number => {
    return this.free
  }

  readonly makeFolder = (folder: string): string | null => {
    const node = this.own('mkdir', folder)
    if (node?.kind === 'file') throw failure('EEXIST', 'mkdir', folder)
    if (node !== null) return null
    if (this.absence(folder) === 'ENOTDIR') throw failure('ENOTDIR', 'mkdir', folder)
    const made = this.makeFolder(path.dirname(folder))
    this.enter(this.parent('mkdir', folder), folder, newFolder(this.newInode(), this.newTime()))
    return made ?? folder
  }

  readonly write = (file: string, bytes: Uint8Array | string, options: { exclusive?: boolean } = {}): void => {
    if (options.exclusive && this.own('open', file) !== null) throw failure('EEXIST', 'open', file)
    this.fill(this.ownFile('open', file) ?? this.newFile(file), Buffer.from(bytes), 0)
  }

  readonly append = (file: string, bytes: Uint8Array | string): void => {
    const node = this.ownFile('open', file) ?? this.newFile(file)
    this.fill(node, Buffer.concat([node.bytes, Buffer.from(bytes)]), node.flushedPrefix)
  }

  readonly truncate = (file: string, bytes: number): void => {
    const node = this.ownFile('open', file)
    if (node === null) throw failure(this.absence(file), 'open', file)
    const zeros = Buffer.alloc(Math.max(0, bytes - node.bytes.length))
    this.fill(node, Buffer.concat([node.bytes.subarray(0, bytes), zeros]), Math.min(node.flushedPrefix, bytes))
  }

  readonly rename = (from: string, to: string): void => {
    const [source, target] = [this.parent('rename', from), this.parent('rename', to)]
    const [node, there] = [this.own('rename', from), this.own('rename', to)]
    if (node === null) throw failure('ENOENT', 'rename', from)
    if (to.startsWith(`${from}/`)) throw failure('EINVAL', 'rename', from)
    if (node === there) return
    if (from.startsWith(`${to}/`)) throw failure('ENOTEMPTY', 'rename', to)
    if (there?.kind === 'folder') {
      if (node.kind === 'file') throw failure('EISDIR', 'rename', to)
      if (there.entries.size > 0) throw failure('ENOTEMPTY', 'rename', to)
    } else if (there !== null && node.kind === 'folder') throw failure('ENOTDIR', 'rename', to)
    this.enter(target, to, node)
    this.leave(source, from)
  }

  readonly link = (from: string, to: string): void => {
    const node = this.own('link', from)
    if (node === null) throw failure(this.absence(from), 'link', from)
    const target = this.parent('link', to)
    if (this.own('link', to) !== null) throw failure('EEXIST', 'link', to)
    if (node.kind === 'folder') throw failure('EPERM', 'link', from)
    this.enter(target, to, node)
  }

  readonly unlink = (file: string): void => {
    if (this.ownFile('unlink', file) === null) throw failure(this.absence(file), 'unlink', file)
    this.leave(this.parent('unlink', file), file)
  }

  readonly removeFolder = (folder: string): void => {
    const node = this.own('rmdir', folder)
    if (node === null) throw failure(this.absence(folder), 'rmdir', folder)
    if (node.kind === 'file') throw failure('ENOTDIR', 'rmdir', folder)
    if (node.entries.size > 0) throw failure('ENOTEMPTY', 'rmdir', folder)
    this.leave(this.parent('rmdir', folder), folder)
  }

  readonly flush = async (paths: readonly string[]): Promise<void> => {
    this.lastWritten = null
    for (const target of paths) {
      const node = this.find(target)
      if (node === null && this.absence(target) === 'ENOTDIR') throw failure('ENOTDIR', 'open', target)
      if (node === null || node === 'elsewhere') continue
      if (node.kind === 'file') flushFile(node)
      else node.flushed = new Map(node.entries)
    }
  }

  readonly watch = (): (() => void) => {
    return () => {} // the polling floor of whoever watches notices everything
  }

  readonly open = (file: string): number => {
    throw failure('ENOSYS', 'open', file)
  }

  readonly close = (): void => {}

  /** Null if nothing is there. */
  private find(file: string): DiskNode | 'elsewhere' | null {
    if (file !== this.root && !file.startsWith(`${this.root}/`)) return 'elsewhere'
    let node: DiskNode | undefined = this.top
    for (const name of namesIn(file, this.root.length)) {
      if (node?.kind !== 'folder') return null
      node = node.entries.get(name)
    }
    return node ?? null
  }

  /** What a change is about; null if nothing is there. Elsewhere nothing is changed. */
  private own(operation: string, file: string): DiskNode | null {
    const node = this.find(file)
    if (node === 'elsewhere') throw failure('EROFS', operation, file)
    return node
  }

  private ownFile(operation: string, file: string): FileNode | null {
    const node = this.own(operation, file)
    if (node?.kind === 'folder') throw failure('EISDIR', operation, file)
    return node
  }

  /** The folder a name is put into or taken from. */
  private parent(operation: string, file: string): FolderNode {
    const parent = this.own(operation, path.dirname(file))
    if (parent === null) throw failure(this.absence(file), operation, file)
    if (parent.kind === 'file') throw failure('ENOTDIR', operation, file)
    return parent
  }

  /** Why nothing is there: nothing of that name, or a file where one of its folders should be. */
  private absence(file: string): 'ENOENT' | 'ENOTDIR' {
    const above = path.dirname(file)
    const node = this.find(above)
    if (node === null) return this.absence(above)
    return node !== 'elsewhere' && node.kind === 'file' ? 'ENOTDIR' : 'ENOENT'
  }

  private newFile(file: string): FileNode {
    const parent = this.parent('open', file)
    const now = this.newTime()
    const fresh = { flushed: null, flushedPrefix: 0, inode: this.newInode(), mtimeNs: now, ctimeNs: now }
    const node: FileNode = { kind: 'file', bytes: new Uint8Array(), ...fresh }
    this.enter(parent, file, node)
    return node
  }

  private fill(node: FileNode, bytes: Uint8Array, flushedPrefix: number): void {
    const now = this.newTime()
    Object.assign(node, { bytes, flushedPrefix, mtimeNs: now, ctimeNs: now })
    this.lastWritten = node
  }

  private enter(parent: FolderNode, file: string, node: DiskNode): void {
    parent.entries.set(path.basename(file), node)
    this.renamed(parent, node)
  }

  private leave(parent: FolderNode, file: string): void {
    const node = parent.entries.get(path.basename(file))
    parent.entries.delete(path.basename(file))
    this.renamed(parent, node)
  }

  private renamed(parent: FolderNode, node: DiskNode | undefined): void {
    parent.mtimeNs = this.newTime()
    if (node?.kind === 'file') node.ctimeNs = parent.mtimeNs
    this.lastWritten = null
  }

  private newInode(): number {
    this.inodes += 1
    return this.inodes
  }

  /** Later with every change, so that nothing changes unseen by who compares times. */
  private newTime(): bigint {
    this.changes += 1n
    return BigInt(Math.floor(this.nowMs())) * 1_000_000n + (this.changes % 1_000_000n)
  }
}

export const newFolder = (inode: number, mtimeNs: bigint): FolderNode => ({
  kind: 'folder',
  entries: new Map(),
  flushed: new Map(),
  inode,
  mtimeNs,
})

function flushFile(node: FileNode): void {
  node.flushed = node.bytes
  node.flushedPrefix = node.bytes.length
}

/** A copy in which everything that is there is flushed; two names of one file stay two names of one file. */
function copyTree(tree: FolderNode, copies = new Map<FileNode, FileNode>()): FolderNode {
  const entries = new Map(
    [...tree.entries].map(([name, node]): [string, DiskNode] => {
      if (node.kind === 'folder') return [name, copyTree(node, copies)]
      const flushed = { flushed: node.bytes, flushedPrefix: node.bytes.length }
      const copy = copies.get(node) ?? { ...node, ...flushed }
      copies.set(node, copy)
      return [name, copy]
    }),
  )
  return { ...tree, entries, flushed: new Map(entries) }
}

function copyKnowing(node: DiskNode, copies: Map<DiskNode, DiskNode>): DiskNode {
  const known = copies.get(node)
  if (known) return known
  if (node.kind === 'file') {
    const copy = { ...node }
    copies.set(node, copy)
    return copy
  }
  const copy: FolderNode = { ...node, entries: new Map(), flushed: new Map() }
  copies.set(node, copy)
  for (const [name, child] of node.entries) copy.entries.set(name, copyKnowing(child, copies))
  for (const [name, child] of node.flushed) copy.flushed.set(name, copyKnowing(child, copies))
  return copy
}

function highestInode(folder: FolderNode): number {
  const below = [...folder.entries.values()].map((node) => (node.kind === 'folder' ? highestInode(node) : node.inode))
  return below.reduce((highest, inode) => Math.max(highest, inode), folder.inode)
}

const namesOfPaths = new Map<string, readonly string[]>()

/** The names a path goes through below a root of this length; kept, since the same few paths are asked for over and over. */
function namesIn(file: string, rootLength: number): readonly string[] {
  const known = namesOfPaths.get(file)
  if (known) return known
  const names = file
    .slice(rootLength)
    .split('/')
    .filter((name) => name !== '')
  if (namesOfPaths.size >= PATHS_KEPT_MAX) namesOfPaths.clear()
  namesOfPaths.set(file, names)
  return names
}

const PATHS_KEPT_MAX = 10_000

function failure(code: string, operation: string, file: string): Error {
  return Object.assign(new Error(`${code}: ${operation} '${file}'`), { code, path: file })
}

const hashes = new WeakMap<Uint8Array, string>()

function hashOf(bytes: Uint8Array): string {
  const known = hashes.get(bytes)
  if (known !== undefined) return known
  const hash = hashBytes(bytes)
  hashes.set(bytes, hash)
  return hash
}

/** One hash for all names and bytes of a tree; names for which `isLeftOut` (given the path from the top) do not count. */
export function hashTree(tree: FolderNode, isLeftOut: (file: string) => boolean = () => false): string {
  const lines: string[] = []
  const walk = (folder: FolderNode, above: string) => {
    for (const name of [...folder.entries.keys()].sort()) {
      const node = folder.entries.get(name)!
      const file = above === '' ? name : `${above}/${name}`
      if (isLeftOut(file)) continue
      lines.push(node.kind === 'folder' ? `${file}/` : `${file} ${hashOf(node.bytes)}`)
      if (node.kind === 'folder') walk(node, file)
    }
  }
  walk(tree, '')
  return hashBytes(lines.join('\n'))
}
