/** Reading the file of an item: what its document says, or why nothing can be made of it. */
import * as path from 'node:path'
import { headOf } from '../core/document.ts'
import type { ItemHead, ItemKind } from '../core/item.ts'
import type { FileStat, Files } from './files.ts'

/** What is larger is no document; it is not even read, and stays where it lies. */
const READ_BYTES_MAX = 64 * 1024 * 1024

export interface ItemReading {
  /** Null if the document cannot be used; `faults` say why. */
  head: ItemHead | null
  faults: string[]
  /** There are bytes that can be set aside, directly or behind a link. */
  plain: boolean
}

/** `stat`: of the file itself, links not followed. Null if it has gone since. */
export function readItem(files: Files, kind: ItemKind, file: string, id: string, stat: FileStat): ItemReading | null {
  const unusable = (plain: boolean, ...faults: string[]): ItemReading => ({ head: null, faults, plain })
  if (stat.kind === 'link')
    return unusable(leadsToFile(files, file), 'is a symbolic link; put the document itself here')
  if (stat.kind !== 'file') return unusable(false, 'is not a plain file')
  if (stat.bytes > READ_BYTES_MAX) return unusable(false, `is larger than ${READ_BYTES_MAX} bytes`)
  let bytes: Uint8Array | null
  try {
    bytes = files.read(file)
  } catch (error) {
    return unusable(false, `cannot be read: ${(error as Error).message}`)
  }
  if (bytes === null) return null
  const read = headOf(kind, bytes)
  if (!read.ok)
    return unusable(
      true,
      ...read.faults.map(({ line, message }) => (line === null ? message : `line ${line}: ${message}`)),
    )
  const { head } = read
  if (head.id === id) return { head, faults: [], plain: true }
  return unusable(true, `the file is named ${path.basename(file)} but the id in it is ${head.id}; they must agree`)
}

function leadsToFile(files: Files, link: string): boolean {
  const real = files.realpath(link)
  return real !== null && files.stat(real)?.kind === 'file'
}
