/** Reading a file that the user named on the command line, or what is piped in. */
import * as path from 'node:path'
import { MillraceError } from '../core/errors.ts'
import type { Files } from '../core/files.ts'
import { nearest } from '../core/nearest.ts'

export const USER_FILE_BYTES_MAX = 16 * 1024 * 1024

/** Bytes of the file; `-` reads `stdin` to its end. Throws `file_unreadable`. */
export async function readUserFile(
  files: Files,
  file: string,
  cwd: string,
  stdin: () => AsyncIterable<Uint8Array>,
): Promise<Uint8Array> {
  if (file === '-' || file === '/dev/stdin') return readPiped(stdin())
  const target = path.resolve(cwd, file)
  try {
    const stat = files.stat(files.realpath(target) ?? target)
    if (stat === null) throw missing(files, target, file)
    if (stat.kind === 'link') throw unreadable(`${file} is a link to something that does not exist.`)
    if (stat.kind === 'directory') throw unreadable(`${file} is a folder, not a file.`)
    if (stat.kind !== 'file')
      throw unreadable(`${file} is not an ordinary file.`, 'pipe its content in and write - instead')
    if (stat.bytes > USER_FILE_BYTES_MAX) throw tooLarge(file)
    const bytes = files.read(target)
    if (bytes === null) throw missing(files, target, file)
    return bytes
  } catch (error) {
    if (MillraceError.is(error)) throw error
    const { code, message } = error as NodeJS.ErrnoException
    throw unreadable(
      code === 'EACCES' || code === 'EPERM'
        ? `${file} may not be read by you (${code}).`
        : `${file} cannot be read: ${message}.`,
    )
  }
}

async function readPiped(stdin: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of stdin) {
    bytes += chunk.byteLength
    if (bytes > USER_FILE_BYTES_MAX) throw tooLarge('standard input')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function missing(files: Files, target: string, given: string): MillraceError {
  const folder = path.dirname(target)
  const neighbours = files.list(folder)
  if (neighbours === null) return unreadable(`${given} does not exist: there is no folder ${folder}.`)
  const near = nearest(path.basename(target), neighbours)
  return unreadable(
    `${given} does not exist.`,
    near === null ? undefined : `did you mean ${path.join(path.dirname(given), near)}?`,
  )
}

const tooLarge = (what: string) => unreadable(`${what} is larger than ${USER_FILE_BYTES_MAX / 1024 / 1024} MiB.`)
const unreadable = (sentence: string, hint?: string) =>
  new MillraceError('file_unreadable', sentence, hint === undefined ? {} : { hint })
