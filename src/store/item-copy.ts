/**
 * The derived copy of a queue folder: what its documents say, each with the stamp of the file it was read from. Only a
 * file that still has the very stamp is taken from it; all others are read.
 */
import type { ItemHead } from '../core/item.ts'
import { finite, listOf, orNull, record, type Shape, text } from '../core/shape.ts'
import { type Files, hashBytes, utf8 } from './files.ts'
import { itemCopyFile, type Places } from './layout.ts'

export interface CopiedItem {
  /** Of the file, within its folder. */
  name: string
  stamp: string
  head: ItemHead
}

/** The first line. A format of another number is no copy for us. */
const NEWLINE = 10
const HEADER = /^millrace item copy 1, sha256 ([0-9a-f]{64})\n/

export function encodeCopy(items: readonly CopiedItem[]): string {
  const body = JSON.stringify(items)
  return `millrace item copy 1, sha256 ${hashBytes(body)}\n${body}\n`
}

const isHead = record({
  id: text,
  title: text,
  createdAt: text,
  createdMs: finite,
  dependsOn: listOf(text),
  rootSpecId: orNull(text),
  rootIdeaId: orNull(text),
  effectiveRoot: orNull(text),
  sourceIds: listOf(text),
}) satisfies Shape<ItemHead>
const isCopy = listOf(record({ name: text, stamp: text, head: isHead }))

/** Null for bytes that are no whole copy of this version. */
export function decodeCopy(bytes: Uint8Array): CopiedItem[] | null {
  try {
    const [header, hash] = HEADER.exec(utf8.decode(bytes.subarray(0, bytes.indexOf(NEWLINE) + 1))) ?? []
    if (header === undefined) return null
    const body = bytes.subarray(header.length, -1)
    const items: unknown = hashBytes(body) === hash ? JSON.parse(utf8.decode(body)) : null
    return isCopy(items) ? items : null
  } catch {
    return null
  }
}

/** By name; empty if there is no copy of the folder, or none that can be read. */
export function readCopy(files: Files, places: Places, folder: string): ReadonlyMap<string, CopiedItem> {
  return new Map(copyOf(files, places, folder).map((item) => [item.name, item]))
}

function copyOf(files: Files, places: Places, folder: string): CopiedItem[] {
  try {
    const bytes = files.read(places.at(itemCopyFile(folder)))
    return bytes === null ? [] : (decodeCopy(bytes) ?? [])
  } catch {
    return []
  }
}
