/**
 * What a disk may forget when the power goes: every entry of a folder that was not flushed, and every byte of a file
 * that was not, each by itself. So of a rename both names may be there afterwards, or none; a file may be whole, old,
 * empty, cut off or full of zeros. Harsher than any journaling file system, which keeps some order.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import type { Files } from '../../src/core/files.ts'
import { disk } from '../../src/store/files.ts'

interface FileNode {
  /** Written to since it was flushed; until then what lies there is durable. */
  dirty: boolean
  /** Content before it became dirty; null for a new file. */
  durable: Buffer | null
  /** Bytes at its start that were durable and have not been written over since. */
  floor: number
  /** Content when it lost its last known name: an entry that was not flushed may bring it back. */
  last: Buffer | null
}
type Entry = FileNode | 'folder'

export interface ForgetfulDisk {
  readonly files: Files
  /** Makes the folder what it may be after a power loss. `random` gives numbers from 0 up to 1. */
  losePower(random: () => number): void
}

/** A disk that knows what below `root` is durable. All there is now counts as durable, and all that others write. */
export function forgetfulDisk(root: string, base: Files = disk): ForgetfulDisk {
  const nodes = new Map<string, FileNode>()
  const durable = new Map<string, Map<string, Entry>>()

  const isFolder = (file: string) => fs.lstatSync(file, { throwIfNoEntry: false })?.isDirectory() === true
  /** The file, if it is known by another name already. */
  const otherName = (file: string): FileNode | undefined => {
    const stat = fs.lstatSync(file, { throwIfNoEntry: false })
    if (!stat || stat.nlink < 2) return undefined
    return [...nodes].find(([name]) => fs.lstatSync(name, { throwIfNoEntry: false })?.ino === stat.ino)?.[1]
  }
  const nodeOf = (file: string): FileNode => {
    const node = nodes.get(file) ?? otherName(file) ?? { dirty: false, durable: null, floor: 0, last: null }
    nodes.set(file, node)
    return node
  }
  const entriesNow = (folder: string): Map<string, Entry> => {
    const names = isFolder(folder) ? fs.readdirSync(folder) : []
    return new Map(
      names.map((name) => {
        const file = path.join(folder, name)
        return [name, isFolder(file) ? 'folder' : nodeOf(file)]
      }),
    )
  }
  const remember = (folder: string) => durable.set(folder, entriesNow(folder))
  const walk = (folder: string) => {
    for (const [name, entry] of remember(folder).get(folder)!) if (entry === 'folder') walk(path.join(folder, name))
  }
  walk(root)

  /** About to change the content of a file: what it had is what may come back. */
  const dirty = (file: string, keeps: number) => {
    const exists = fs.existsSync(file)
    if (!exists) nodes.delete(file)
    const node = nodeOf(file)
    if (!node.dirty) {
      const durable = exists ? fs.readFileSync(file) : null
      Object.assign(node, { dirty: true, durable, floor: durable?.length ?? 0 })
    }
    node.floor = Math.min(node.floor, keeps)
  }
  /** About to take a name away. */
  const leave = (file: string) => {
    if (fs.existsSync(file) && !isFolder(file)) nodeOf(file).last = fs.readFileSync(file)
    nodes.delete(file)
  }

  const files: Files = {
    ...base,
    write(file, bytes, options) {
      dirty(file, 0)
      base.write(file, bytes, options)
    },
    append(file, bytes) {
      dirty(file, Number.POSITIVE_INFINITY)
      base.append(file, bytes)
    },
    truncate(file, bytes) {
      dirty(file, bytes)
      base.truncate(file, bytes)
    },
    rename(from, to) {
      if (isFolder(from)) throw new Error('renaming folders is not told here')
      const node = nodeOf(from)
      leave(to)
      base.rename(from, to)
      nodes.delete(from)
      nodes.set(to, node)
    },
    link(from, to) {
      base.link(from, to)
      nodes.set(to, nodeOf(from))
    },
    unlink(file) {
      leave(file)
      base.unlink(file)
    },
    makeFolder(folder) {
      const top = base.makeFolder(folder)
      if (top === null) return null
      for (let made = folder; made.length >= top.length; made = path.dirname(made)) durable.set(made, new Map())
      return top
    },
    async flush(paths) {
      await base.flush(paths)
      for (const target of paths) {
        if (isFolder(target)) remember(target)
        else if (fs.existsSync(target)) Object.assign(nodeOf(target), { dirty: false, durable: null })
      }
    },
  }

  const losePower = (random: () => number) => {
    const names = new Map([...nodes].map(([file, node]) => [node, file]))
    const contents = new Map<FileNode, Buffer>()
    /** Content after the loss; the same under every name of a file. */
    const contentOf = (node: FileNode): Buffer => {
      const name = names.get(node)
      const now = name !== undefined && fs.existsSync(name) ? fs.readFileSync(name) : (node.last ?? Buffer.alloc(0))
      const content = contents.get(node) ?? (node.dirty ? survivor(node, now, random) : now)
      contents.set(node, content)
      return content
    }
    const image = new Map<string, { node: FileNode; content: Buffer } | 'folder'>()
    const survive = (folder: string) => {
      const before = durable.get(folder) ?? entriesNow(folder)
      const now = entriesNow(folder)
      for (const name of new Set([...before.keys(), ...now.keys()])) {
        const [old, fresh] = [before.get(name), now.get(name)]
        const entry = old === fresh || random() < 0.5 ? fresh : old
        const file = path.join(folder, name)
        if (entry === undefined) continue
        image.set(file, entry === 'folder' ? 'folder' : { node: entry, content: contentOf(entry) })
        if (entry === 'folder') survive(file)
      }
    }
    survive(root)
    for (const name of fs.readdirSync(root)) fs.rmSync(path.join(root, name), { recursive: true })
    const first = new Map<FileNode, string>()
    for (const [file, entry] of image) {
      if (entry === 'folder') fs.mkdirSync(file)
      else if (first.has(entry.node)) fs.linkSync(first.get(entry.node)!, file)
      else {
        fs.writeFileSync(file, entry.content)
        first.set(entry.node, file)
      }
    }
  }
  return { files, losePower }
}

/** What is left of a file that was not flushed: what it is now, what it was, or any part of what it is now. */
function survivor({ durable, floor }: FileNode, now: Buffer, random: () => number): Buffer {
  const cut = now.subarray(0, floor + Math.floor(random() * (now.length - floor)))
  const zeros = Buffer.concat([cut, Buffer.alloc(now.length - cut.length)])
  const choices = [now, durable ?? Buffer.alloc(0), now.subarray(0, floor), cut, zeros]
  return choices[Math.floor(random() * choices.length)]!
}
