/** What must hold when a story has come to its end, looked up on its disk. */
import * as path from 'node:path'
import type { Files } from '../../core/files.ts'
import { readText } from '../../store/files.ts'
import { ROOT } from '../scene.ts'

/** A path below the runtime folder of the story. */
export const at = (relative: string): string => path.join(ROOT, 'millrace-agents', relative)

/** Complete lines of a file; none if it is not there. */
export const lines = (files: Files, file: string): string[] => (readText(files, file) ?? '').split('\n').slice(0, -1)

/** A sentence if there are not so many of them. */
export const has = (found: readonly unknown[], count: number, what: string): string[] =>
  found.length === count ? [] : [`${found.length} ${what}, not ${count}`]
