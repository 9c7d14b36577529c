/** What lies at a path, and whether two paths are one file. */
import * as path from 'node:path'
import { type FileStat, type Files, hashBytes } from './files.ts'

/** A plain file (a link to one is read through), or `other` for a folder, a device or a link to nowhere. */
export type Found = { stat: FileStat; bytes: Uint8Array; hash: string } | 'other' | null

/** What lies at a path; null if nothing does. */
export function look(files: Files, file: string): Found {
  const stat = files.stat(file)
  if (stat === null) return null
  const real = stat.kind === 'link' ? files.realpath(file) : file
  const kind = real === file ? stat.kind : real === null ? 'other' : files.stat(real)?.kind
  const bytes = kind === 'file' ? files.read(file) : null
  if (bytes === null) return kind === 'file' ? null : 'other'
  return { stat, bytes, hash: hashBytes(bytes) }
}

/** Bytes of a file, or of the file that a link leads to; 0 if there is none. */
export function sizeOf(files: Files, file: string): number {
  const stat = files.stat(file)
  const real = stat?.kind === 'link' ? files.realpath(file) : null
  return (real === null ? stat : files.stat(real))?.bytes ?? 0
}

/**
 * Present means listed by its folder under exactly that name. Only where the file also answers to the name in other
 * letters (a file system that folds case) is the folder listed: that takes long in a large one.
 */
export function isPresent(files: Files, file: string): boolean {
  const stat = files.stat(file)
  if (stat === null) return false
  const [folder, name] = [path.dirname(file), path.basename(file)]
  const swapped = name.replace(/[a-z]/gi, (letter) => (letter < 'a' ? letter.toLowerCase() : letter.toUpperCase()))
  const other = files.stat(path.join(folder, swapped))
  return other === null || !isSameFile(stat, other) || (files.list(folder) ?? []).includes(name)
}

/** Two names of one file; files of two devices may have one number. */
export const isSameFile = (a: FileStat, b: FileStat): boolean => a.inode === b.inode && a.device === b.device
