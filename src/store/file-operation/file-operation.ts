/** The five file operations a transaction is made of, as its record carries them. */
import type { FileContent } from '../../core/changes.ts'
import { integer, maybe, orNull, record, type Shape, text } from '../../core/shape.ts'
import type { Files } from '../files.ts'

export type FileOperation =
  /**
   * Writes a temporary sibling, which then takes the name. `expects`: hash of the bytes to replace, or null for absent.
   * `mode`: permission bits, as far as the umask lets them.
   */
  | { op: 'put'; path: string; content: FileContent; expects: string | null; leaves: string; mode?: number | undefined }
  /** Carries the bytes, so that a disk which lost both names loses nothing; null for documents too large to carry. */
  | { op: 'move'; from: string; to: string; content: FileContent | null; hash: string }
  | { op: 'append'; path: string; offset: number; content: FileContent }
  | { op: 'remove'; path: string; hash: string }
  /** Takes a file or folder away whole, with all that is in it, to a name of its own where what goes is kept until it is deleted. */
  | { op: 'discard'; path: string; to: string }

const isPayload = (value: unknown): boolean => record({ text })(value) || record({ base64: text })(value)
const content = (value: unknown): value is unknown => isPayload(value)
const SHAPES: Readonly<Record<FileOperation['op'], Shape<unknown>>> = {
  put: record({ path: text, content, expects: orNull(text), leaves: text, mode: maybe(integer) }),
  move: record({ from: text, to: text, content: orNull(content), hash: text }),
  append: record({ path: text, offset: integer, content }),
  remove: record({ path: text, hash: text }),
  discard: record({ path: text, to: text }),
}

/** Whether a value that was read is an operation. */
export function isOperation(value: unknown): value is FileOperation {
  if (!record({ op: text })(value) || !Object.hasOwn(SHAPES, value.op)) return false
  return SHAPES[value.op as FileOperation['op']](value)
}

export const payload = (bytes: Uint8Array | string): FileContent => {
  if (typeof bytes === 'string') return { text: bytes }
  const text = Buffer.from(bytes).toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? { text } : { base64: Buffer.from(bytes).toString('base64') }
}

export const bytesOf = (content: FileContent): Buffer =>
  'text' in content ? Buffer.from(content.text, 'utf8') : Buffer.from(content.base64, 'base64')

/** What operations are applied with. */
export interface Applying {
  files: Files
  /** Every path of an operation is relative to it. */
  root: string
  /** Of the transaction; part of the name foreign bytes are kept under. */
  revision: number
  /** Of the lock of whoever applies it; part of the names of temporary files. */
  generation: number
  /** Collects what must be flushed before the record may be retired. */
  touched: Set<string>
  /** Told of every file whose foreign bytes were kept beside it. */
  onForeign?: ((file: string, keptAs: string) => void) | undefined
  /** Told of every file that was appended to behind foreign bytes. */
  onGap?: ((file: string) => void) | undefined
}
