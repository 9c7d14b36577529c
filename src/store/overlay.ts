/**
 * Reading through a pending record: the files as they will be once the record is applied. Lets a reader see a whole
 * transaction while its writer is dead, or stopped in the middle of it.
 */
import * as path from 'node:path'
import { type Files, type FileStat } from './files.ts'
import { bytesOf, type JournalRecord } from './journal.ts'

/** `files` with the operations of a record laid over them; only reading goes through the overlay. */
export function overlay(files: Files, root: string, record: JournalRecord): Files {
  /** Final content by absolute path; null = gone. */
  const laid = new Map<string, Uint8Array | null>()
  const read = (file: string): Uint8Array | null => (laid.has(file) ? (laid.get(file) ?? null) : files.read(file))
  for (const operation of record.operations) {
    if (operation.op === 'put') laid.set(path.join(root, operation.path), bytesOf(operation.content))
    else if (operation.op === 'remove') laid.set(path.join(root, operation.path), null)
    else if (operation.op === 'move') {
      const to = path.join(root, operation.to)
      const from = path.join(root, operation.from)
      const content = operation.content ? bytesOf(operation.content) : (read(from) ?? read(to))
      laid.set(from, null)
      laid.set(to, content)
    } else {
      const target = path.join(root, operation.path)
      const before = Buffer.from(read(target) ?? new Uint8Array()).subarray(0, operation.offset)
      laid.set(target, Buffer.concat([before, bytesOf(operation.content)]))
    }
  }
  const stat = (file: string): FileStat | null => {
    if (!laid.has(file)) return files.stat(file)
    const bytes = laid.get(file)
    return bytes ? { kind: 'file', bytes: bytes.length, mtimeNs: `laid-${record.revision}`, mtimeMs: 0, inode: '0', device: '0' } : null
  }
  return {
    ...files,
    read,
    stat,
    readRange: (file, offset, length) => (laid.has(file) ? (laid.get(file)?.subarray(offset, offset + length) ?? null) : files.readRange(file, offset, length)),
    list(folder) {
      const names = new Set(files.list(folder) ?? [])
      let seen = files.stat(folder) !== null
      for (const [file, content] of laid) {
        if (path.dirname(file) !== folder) continue
        seen = true
        if (content) names.add(path.basename(file))
        else names.delete(path.basename(file))
      }
      return seen ? [...names] : null
    },
  }
}
