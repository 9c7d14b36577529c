/** Keeping the derived copies of the queue folders: read through what is there, by an index that is thrown away. */
import { writeDerived } from './derived.ts'
import type { Files } from './files.ts'
import { encodeCopy } from './item-copy.ts'
import { ItemIndex } from './items.ts'
import { itemCopyFile, type Places } from './layout.ts'

/**
 * Writes the copies that are behind. An index of its own, so that reading folders nobody asked about changes nothing for
 * whoever decides. False if another look is worth it soon, since something had changed a moment ago.
 */
export function keepItemCopies(files: Files, places: Places, nowMs: () => number): boolean {
  const index = new ItemIndex(files, places, nowMs, { showing: true })
  index.refresh()
  let isWhole = true
  for (const behind of index.copiesBehind()) {
    writeDerived(files, places, itemCopyFile(behind.folder), encodeCopy(behind.items), nowMs())
    isWhole &&= behind.isWhole
  }
  return isWhole
}
