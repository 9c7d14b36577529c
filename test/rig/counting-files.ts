/** A disk that writes down what it is asked, for tests of cost: what a step reads, lists, changes and flushes. */
import type { Files } from '../../src/core/files.ts'
import { disk } from '../../src/store/files.ts'

export interface Call {
  operation: keyof Files
  /** What it is about: the source of a rename or link, the first path of a flush round. */
  path: string
}

export interface CountedDisk {
  readonly files: Files
  /** Calls since the last take, in order. */
  take(): Call[]
}

/** What changes something on the disk, or waits for the device. */
export const CHANGING: readonly Call['operation'][] = [
  'write',
  'append',
  'truncate',
  'rename',
  'link',
  'unlink',
  'makeFolder',
  'removeFolder',
  'flush',
]

export function countingFiles(base: Files = disk): CountedDisk {
  let calls: Call[] = []
  const counted = Object.entries(base).map(([operation, work]) => [
    operation,
    (...given: [string | readonly string[], ...unknown[]]) => {
      const path = Array.isArray(given[0]) ? (given[0][0] ?? '') : String(given[0])
      calls.push({ operation: operation as Call['operation'], path })
      return (work as (...given: unknown[]) => unknown)(...given)
    },
  ])
  return {
    files: Object.fromEntries(counted) as Files,
    take() {
      const taken = calls
      calls = []
      return taken
    },
  }
}
