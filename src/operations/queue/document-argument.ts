/** What an operator hands over as a document: a file, what is piped in, or no file at all but a title. */
import * as path from 'node:path'
import {
  DOCUMENT_BYTES_MAX,
  type DocumentKind,
  documentFromJson,
  faultsText,
  parseDocumentBytes,
  type WorkDocument,
} from '../../core/document.ts'
import { MillraceError } from '../../core/errors.ts'
import type { Context } from '../context.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

interface HandedOver {
  document: WorkDocument
  /** For the mailbox: `text` keeps what people wrote, `document` is the JSON form. */
  payload: { text: string } | { document: unknown }
}

const PIPED = '-'

/** True if the argument means a file or standard input; false: it is a title. */
export function isFileArgument(context: Context, argument: string): boolean {
  if (argument === PIPED || /\.(md|json)$/i.test(argument) || argument.includes(path.sep)) return true
  return !argument.includes('\n') && context.files.stat(path.resolve(argument)) !== null
}

/** Reads and checks the document. Throws `file_unreadable`, and `document_invalid` with the lines that are wrong. */
export async function readDocument(context: Context, kind: DocumentKind, argument: string): Promise<HandedOver> {
  const name = argument === PIPED ? 'the piped text' : argument
  const bytes = await readBytes(context, kind, argument)
  if (isJson(argument, bytes)) return fromJson(kind, name, bytes)
  if (argument !== PIPED && !/\.md$/i.test(argument)) {
    throw new MillraceError('file_unreadable', `${argument} is neither a .md nor a .json file.`, {
      hint: kind === 'task' ? 'if it is a title, give it with --title' : 'rename it, or pipe it in with -',
    })
  }
  const parsed = parseDocumentBytes(kind, bytes)
  if (!parsed.ok) throw invalid(kind, name, faultsText(parsed.faults))
  return { document: parsed.document, payload: { text: utf8.decode(bytes) } }
}

async function readBytes(context: Context, kind: DocumentKind, argument: string): Promise<Uint8Array> {
  try {
    return await context.readUserFile(argument)
  } catch (error) {
    // Only a task has a title form, and a title may well have a slash in it.
    if (!MillraceError.is(error) || kind !== 'task') throw error
    const hints = [error.hint, 'if it is a title, give it with --title']
    throw new MillraceError(error.code, error.message, { hint: hints.filter(Boolean).join('\n'), cause: error })
  }
}

function isJson(argument: string, bytes: Uint8Array): boolean {
  if (argument !== PIPED) return /\.json$/i.test(argument)
  const head = Buffer.from(bytes.subarray(0, 256)).toString('utf8')
  return /^\uFEFF?\s*\{/.test(head)
}

function fromJson(kind: DocumentKind, name: string, bytes: Uint8Array): HandedOver {
  if (bytes.length > DOCUMENT_BYTES_MAX) throw invalid(kind, name, `it is larger than ${DOCUMENT_BYTES_MAX} bytes`)
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(bytes))
  } catch (error) {
    throw invalid(kind, name, error instanceof TypeError ? 'it is not UTF-8 text' : (error as Error).message)
  }
  const read = documentFromJson(kind, value)
  if (!read.ok) throw invalid(kind, name, faultsText(read.faults))
  return { document: read.document, payload: { document: value } }
}

function invalid(kind: DocumentKind, name: string, what: string): MillraceError {
  return new MillraceError('document_invalid', `${name} is not a valid ${kind}: ${what}.`, {
    hint: `what a ${kind} has to say: millrace schema document.${kind}`,
  })
}
