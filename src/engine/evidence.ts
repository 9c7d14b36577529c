/** What a stage left behind, once it has ended: made durable and gathered: result file, owed artifacts, documents handed in. */
import * as path from 'node:path'
import {
  DOCUMENT_BYTES_MAX,
  DOCUMENT_KINDS,
  type DocumentKind,
  faultsText,
  parseDocumentBytes,
  type WorkDocument,
} from '../core/document.ts'
import type { Files } from '../core/files.ts'
import { isSafeId } from '../core/ids.ts'
import type { ItemEntry } from '../core/item.ts'
import { lineageFault } from '../core/lineage.ts'
import type { Evidence } from '../core/normalise.ts'
import type { StageRequest } from '../core/request.ts'
import type { View } from '../core/view.ts'
import { utf8 } from '../store/files.ts'

/** Documents one stage may hand in at a time: all of them are published by one transaction, and must fit its record. */
const HAND_INS_MAX = 200
const HAND_INS_CHARS_MAX = 4 * 1024 * 1024
const ARTIFACT_BYTES_MAX = 4 * 1024 * 1024

export interface HandIn {
  kind: string
  id: string
  document: WorkDocument | null
  text: string
  faults: string[]
}

/** What was read when the stage ended; what depends on the queues is judged when it is settled. */
export interface Gathered {
  terminalResult: string | null
  handIns: HandIn[]
}

export function gather(files: Files, request: StageRequest): Gathered {
  return { terminalResult: textOf(files, request.terminal_result_path), handIns: readOutbox(files, request.outbox_dir) }
}

/**
 * Makes what a stage left durable, so that a result is never recorded whose evidence a power loss takes away. A disk that
 * refuses is not told of here: it refuses the result as well.
 */
export async function keepEvidence(files: Files, request: StageRequest): Promise<void> {
  const owed = Object.values(request.owed_artifacts_by_outcome).flatMap((artifacts) =>
    artifacts.map((artifact) => artifact.path),
  )
  const left = (files.list(request.run_dir) ?? [])
    .filter((name) => name.includes(request.request_id))
    .map((name) => path.join(request.run_dir, name))
  // Its own document too, which it may have rewritten.
  const own = request.active_work_item_path === null ? [] : [request.active_work_item_path]
  const made = [
    ...owed,
    ...own,
    ...handedIn(files, request.outbox_dir).map(({ kind, name }) => path.join(request.outbox_dir, kind, name)),
  ]
  const folders = [request.run_dir, path.dirname(request.outbox_dir), request.outbox_dir]
  const paths = new Set([...left, ...made, ...made.map((file) => path.dirname(file)), ...folders])
  const there = [...paths].filter((file) => ['file', 'directory'].includes(files.stat(file)?.kind ?? ''))
  await files.flush(there).catch(() => {})
}

function textOf(files: Files, file: string): string | null {
  const stat = files.stat(file)
  if (stat?.kind !== 'file') return null
  if (stat.bytes > ARTIFACT_BYTES_MAX) return utf8Tolerant(files.readRange(file, 0, ARTIFACT_BYTES_MAX))
  return utf8Tolerant(files.read(file))
}

function utf8Tolerant(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('utf8')
}

/** Names in the outbox by kind, as many as one stage may hand in. */
function handedIn(files: Files, outbox: string): { kind: string; name: string }[] {
  const names = (folder: string) => (files.list(folder) ?? []).sort()
  const all = names(outbox).flatMap((kind) => names(path.join(outbox, kind)).map((name) => ({ kind, name })))
  return all.filter(({ name }) => !name.startsWith('.')).slice(0, HAND_INS_MAX)
}

function readOutbox(files: Files, outbox: string): HandIn[] {
  let chars = 0
  return handedIn(files, outbox).map(({ kind, name }) => {
    const handIn = readHandIn(files, kind, path.join(outbox, kind, name), name)
    chars += JSON.stringify(handIn.text).length
    const tooMuch = `the documents handed in have more than ${HAND_INS_CHARS_MAX} characters together`
    return chars <= HAND_INS_CHARS_MAX ? handIn : { ...handIn, document: null, text: '', faults: [tooMuch] }
  })
}

function readHandIn(files: Files, kind: string, file: string, name: string): HandIn {
  const id = name.replace(/\.md$/, '')
  const bad = (fault: string): HandIn => ({ kind, id, document: null, text: '', faults: [fault] })
  const stat = files.stat(file)
  if (!name.endsWith('.md') || stat?.kind !== 'file') return bad(`${kind}/${name} is not a plain .md file`)
  if (!isSafeId(id)) return bad(`${name} is not a safe id followed by .md`)
  if (!(DOCUMENT_KINDS as readonly string[]).includes(kind))
    return bad(`${kind} is no kind of work document; use one of ${DOCUMENT_KINDS.join(', ')}`)
  if (stat.bytes > DOCUMENT_BYTES_MAX) return bad(`larger than ${DOCUMENT_BYTES_MAX} bytes`)
  const bytes = files.read(file) ?? new Uint8Array()
  const parsed = parseDocumentBytes(kind as DocumentKind, bytes)
  if (!parsed.ok) return bad(faultsText(parsed.faults))
  if (parsed.document.id !== id) return bad(`the file is named ${name} but the id in it is ${parsed.document.id}`)
  return { kind, id, document: parsed.document, text: utf8.decode(bytes), faults: [] }
}

/** The evidence normalise judges by. `item` is the run's item as it lies in its active state, or null. */
export function evidenceOf(
  files: Files,
  view: View,
  request: StageRequest,
  gathered: Gathered,
  item: { entry: ItemEntry; faults: string[] } | null,
  allowedKinds: readonly string[],
): Evidence {
  const seen = new Set<string>()
  return {
    terminalResult: gathered.terminalResult,
    owed(artifact) {
      const text = textOf(files, artifact.path)
      return text === null ? null : { text, fresh: true }
    },
    inRunFolder(named) {
      const absolute = path.resolve(request.run_dir, named)
      return absolute.startsWith(`${request.run_dir}${path.sep}`) && files.stat(absolute)?.kind === 'file'
    },
    handIns: gathered.handIns.map((handIn) => {
      const faults = [...handIn.faults]
      if (faults.length === 0 && !allowedKinds.includes(handIn.kind))
        faults.push(
          `this stage hands in ${allowedKinds.length > 0 ? allowedKinds.join(', ') : 'nothing'}, not ${handIn.kind}`,
        )
      if (handIn.document && item) {
        const fault = lineageFault(handIn.document, item.entry)
        if (fault) faults.push(fault)
      }
      if (handIn.document && view.items.find(handIn.document.kind, handIn.id).length > 0)
        faults.push(`a ${handIn.kind} with the id ${handIn.id} exists already; choose another id`)
      if (seen.has(`${handIn.kind}:${handIn.id.toLowerCase()}`)) faults.push('the id is handed in twice')
      seen.add(`${handIn.kind}:${handIn.id.toLowerCase()}`)
      return { kind: handIn.kind, id: handIn.id, faults }
    }),
    activeDocumentFaults: item?.faults ?? [],
    findings: [],
  }
}
