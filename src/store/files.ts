/** The real disk: the only module that touches it (the port itself is core/files.ts). */
import * as fs from 'node:fs'
import * as path from 'node:path'
import type { FileKind, FileStat, Files } from '../core/files.ts'
import { sha256 } from '../core/ids.ts'

export type { FileKind, FileStat, Files }

export const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text of a file; null if absent. Throws a TypeError if it is not UTF-8. */
export function readText(files: Files, file: string): string | null {
  const bytes = files.read(file)
  return bytes === null ? null : utf8.decode(bytes)
}

/** Text of a file that only informs: null also for one that is not UTF-8 or cannot be read. */
export function textOrNull(files: Files, file: string): string | null {
  try {
    return readText(files, file)
  } catch {
    return null
  }
}

export const hashBytes = sha256

/** Somebody else may take a file away at any moment; gone is gone. */
export function unlinkIfThere(files: Files, file: string): void {
  try {
    files.unlink(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'])

/** An error of a file system that has no hard links, or none from here to there. */
export const isWithoutLinks = (error: unknown): boolean => NO_LINKS.has(String((error as NodeJS.ErrnoException).code))

/**
 * Errors of a path at which nothing can be: paths come out of what agents wrote, so one may be too long for any file
 * system, hold a NUL (the last code), or lead through a link to itself.
 */
const NOTHING_THERE = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'ERR_INVALID_ARG_VALUE'])

/** Not every error of a call says which path it was about (a folder that is read as a file). */
function absentAsNull<T>(file: string, read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    const known = error as NodeJS.ErrnoException
    known.path ??= file
    if (NOTHING_THERE.has(String(known.code))) return null
    throw error
  }
}

function kindOf(stat: fs.BigIntStats): FileKind {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  return stat.isSymbolicLink() ? 'link' : 'other'
}

/** With callbacks: promises of `node:fs` for opening, flushing and closing take longer than a fast disk's flush itself. */
async function flushOne(target: string): Promise<void> {
  const descriptor = openUnlessGone(target)
  if (descriptor === null) return
  try {
    await new Promise<void>((resolve, reject) => fs.fsync(descriptor, (error) => (error ? reject(error) : resolve())))
  } finally {
    fs.closeSync(descriptor)
  }
}

/** Null if it was removed again within the same transaction: its folder, flushed beside it, is what must be durable. */
function openUnlessGone(target: string): number | null {
  try {
    return fs.openSync(target, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** The real disk. */
export const disk: Files = {
  read: (file) => absentAsNull(file, () => fs.readFileSync(file)),
  readRange(file, offset, length) {
    const descriptor = absentAsNull(file, () => fs.openSync(file, 'r'))
    if (descriptor === null) return null
    try {
      const buffer = Buffer.allocUnsafe(length)
      return buffer.subarray(0, fs.readSync(descriptor, buffer, 0, length, offset))
    } finally {
      fs.closeSync(descriptor)
    }
  },
  stat(file) {
    // An index looks at folders that need not exist on every turn; an exception for each would cost more than the look.
    const stat = absentAsNull(file, () => fs.lstatSync(file, { bigint: true, throwIfNoEntry: false })) ?? null
    if (stat === null) return null
    return {
      kind: kindOf(stat),
      bytes: Number(stat.size),
      mtimeNs: String(stat.mtimeNs),
      mtimeMs: Number(stat.mtimeMs),
      ctimeNs: String(stat.ctimeNs),
      inode: String(stat.ino),
      device: String(stat.dev),
      mode: Number(stat.mode) & 0o777,
    }
  },
  list: (folder) => absentAsNull(folder, () => fs.readdirSync(folder)),
  realpath: (file) => absentAsNull(file, () => fs.realpathSync(file)),
  makeFolder: (folder) => fs.mkdirSync(folder, { recursive: true }) ?? null,
  write: (file, bytes, options = {}) =>
    fs.writeFileSync(file, bytes, { flag: options.exclusive ? 'wx' : 'w', mode: options.mode ?? 0o666 }),
  append: (file, bytes) => fs.appendFileSync(file, bytes),
  truncate: (file, bytes) => fs.truncateSync(file, bytes),
  rename: (from, to) => fs.renameSync(from, to),
  link: (from, to) => fs.linkSync(from, to),
  unlink: (file) => fs.unlinkSync(file),
  removeFolder: (folder) => fs.rmdirSync(folder),
  flush: async (paths) => void (await Promise.all(paths.map(flushOne))),
  freeBytes(file) {
    const stat = fs.statfsSync(file)
    return stat.bavail * stat.bsize
  },
  watch(folder, onChange) {
    try {
      const watcher = fs.watch(folder, { persistent: false }, (_event, name) =>
        onChange(name === null ? null : path.join(folder, name)),
      )
      watcher.on('error', () => onChange(null))
      return () => watcher.close()
    } catch {
      return () => {} // the polling floor of the daemon still notices everything
    }
  },
  open: (file, mode) => fs.openSync(file, mode === 'read' ? 'r' : 'a'),
  close: (descriptor) => fs.closeSync(descriptor),
}
