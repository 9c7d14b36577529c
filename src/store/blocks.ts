/** Reading what is on record of a blocked item: why it is blocked, and how often the runtime has put it back by itself. */
import { autoAttempts, type BlockRecord } from '../core/auto-recovery.ts'
import { parseBlock } from '../core/block.ts'
import type { ItemEntry } from '../core/item.ts'
import type { View } from '../core/view.ts'
import { blockFile, RUNTIME_ROOT, requeueLog } from './layout.ts'

export function blockRecord(view: Pick<View, 'readFile'>, item: Pick<ItemEntry, 'kind' | 'id'>): BlockRecord {
  const read = (file: string) => view.readFile(`${RUNTIME_ROOT}/${file}`)
  return {
    block: parseBlock(read(blockFile(item.kind, item.id)), item),
    attempts: autoAttempts(read(requeueLog(item.kind, item.id))),
  }
}
