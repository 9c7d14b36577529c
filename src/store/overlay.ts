/**
 * Reading through a pending record: the files as they will be once the record is applied. Lets a reader see a whole
 * transaction while its writer is dead, or stopped in the middle of it.
 */
import * as path from 'node:path'
import { appendStep } from './file-operation/append-step.ts'
import { bytesOf, type FileOperation } from './file-operation/file-operation.ts'
import { type FileStat, type Files, hashBytes } from './files.ts'
import type { JournalRecord } from './journal.ts'
import { isSameFile, sizeOf } from './look.ts'

/** `files` with the operations of a record laid over them; only reading goes through the overlay. */
export function overlay(files: Files, root: string, record: JournalRecord): Files {
  /** Final content by absolute path, made when first asked for; null = gone. */
  const laid = new Map<string, () => Uint8Array | null>()
  for (const operation of record.operations) lay(files, root, operation, laid)
  /** Folders that go with all that is in them. */
  const gone = record.operations.flatMap((one) => (one.op === 'discard' ? [path.join(root, one.path)] : []))
  const isGone = (file: string) => gone.some((one) => file === one || file.startsWith(`${one}${path.sep}`))
  /** Names laid into each folder, with whether something is there; folders that only they bring about are among them. */
  const folders = new Map<string, Map<string, boolean>>()
  const note = (file: string, there: boolean) => {
    const folder = path.dirname(file)
    const names = folders.get(folder) ?? new Map<string, boolean>()
    folders.set(folder, names.set(path.basename(file), there))
    if (there && folder.length > root.length && files.stat(folder) === null) note(folder, true)
  }
  for (const [file, content] of laid) note(file, content !== GONE)

  const made = (kind: 'file' | 'directory', bytes: number): FileStat => {
    const laidNs = `laid-${record.revision}`
    return {
      kind,
      bytes,
      mtimeNs: laidNs,
      mtimeMs: 0,
      ctimeNs: laidNs,
      inode: '0',
      device: '0',
      mode: kind === 'file' ? 0o644 : 0o755,
    }
  }
  return {
    ...files,
    read: (file) => (laid.get(file) ?? (() => (isGone(file) ? null : files.read(file))))(),
    stat(file) {
      if (isGone(file)) return null
      const content = laid.get(file)
      if (content !== undefined) {
        const bytes = content()
        return bytes === null ? null : made('file', bytes.length)
      }
      return files.stat(file) ?? (folders.has(file) && isThere(folders, file) ? made('directory', 0) : null)
    },
    readRange(file, offset, length) {
      if (isGone(file)) return null
      const content = laid.get(file)
      return content === undefined
        ? files.readRange(file, offset, length)
        : (content()?.subarray(offset, offset + length) ?? null)
    },
    list(folder) {
      if (isGone(folder)) return null
      const there = files.list(folder)
      const changed = folders.get(folder)
      if (changed === undefined || (there === null && !isThere(folders, folder))) return there
      const names = new Set(there)
      for (const [name, present] of changed) {
        if (present) names.add(name)
        else names.delete(name)
      }
      return [...names]
    },
  }
}

const GONE = () => null

const isThere = (folders: ReadonlyMap<string, ReadonlyMap<string, boolean>>, folder: string): boolean =>
  [...(folders.get(folder)?.values() ?? [])].includes(true)

function lay(files: Files, root: string, operation: FileOperation, laid: Map<string, () => Uint8Array | null>): void {
  const at = (relative: string) => path.join(root, relative)
  switch (operation.op) {
    case 'put':
      laid.set(
        at(operation.path),
        once(() => bytesOf(operation.content)),
      )
      return
    case 'remove':
    case 'discard':
      laid.set(at(operation.path), GONE)
      return
    case 'append':
      laid.set(
        at(operation.path),
        once(() => appended(files, at(operation.path), operation)),
      )
      return
    case 'move': {
      const [from, to] = [at(operation.from), at(operation.to)]
      const [source, target] = [files.stat(from), files.stat(to)]
      const isOneFile = source !== null && target !== null && isSameFile(source, target)
      // Moved already: what lies at the source is somebody's new file, and stays there.
      if (target?.kind === 'file' && !isOneFile && hashBytes(files.read(to) ?? '') === operation.hash) return
      laid.set(from, GONE)
      if (operation.content === null && source === null && target === null) return
      laid.set(
        to,
        once(() => (operation.content ? bytesOf(operation.content) : (files.read(from) ?? files.read(to)))),
      )
    }
  }
}

function appended(files: Files, file: string, operation: FileOperation & { op: 'append' }): Uint8Array {
  const size = sizeOf(files, file)
  const read = (offset: number, length: number) => files.readRange(file, offset, length) ?? new Uint8Array()
  const step = appendStep(size, read, operation.offset, bytesOf(operation.content))
  if (step === null) return read(0, size)
  return Buffer.concat([read(0, step.keep), step.add])
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
