/** The real disk with one file on it laid over: how a parser that reads through the files port is given its bytes. */
import * as path from 'node:path'
import type { Files } from '../../src/core/files.ts'
import { payload } from '../../src/store/file-operation/file-operation.ts'
import { disk, hashBytes } from '../../src/store/files.ts'
import { overlay } from '../../src/store/overlay.ts'

/** `root` need not exist; then the file is all there is. `file` is relative to it. */
export function withFile(root: string, file: string, bytes: Uint8Array): Files {
  return withFiles(root, { [file]: bytes })
}

export function withFiles(root: string, files: Record<string, Uint8Array | string>): Files {
  const operations = Object.entries(files).map(([file, bytes]) => ({
    op: 'put' as const,
    path: path.normalize(file),
    content: payload(bytes),
    expects: null,
    leaves: hashBytes(bytes),
  }))
  return overlay(disk, root, { revision: 0, generation: 0, operations })
}
