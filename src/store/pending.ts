/**
 * The pending record of the workspace: a transaction between its durable point and its retirement. Every generation of
 * the lock has a name of its own for it, `state/journal.<generation>.json`, so that a holder which was succeeded by
 * force and wakes up can neither write over the record of its successor nor take it away. Only the newest one counts.
 */
import * as path from 'node:path'
import { type Files, unlinkIfThere } from './files.ts'
import { decodeRecord } from './journal.ts'
import { AT, journalFile, type Places } from './layout.ts'

/** Every record that lies there, newest generation first, relative to the runtime root. */
function recordFiles(files: Files, places: Places): string[] {
  const folder = path.dirname(AT.journal)
  const found = (files.list(places.at(folder)) ?? []).flatMap((name) => {
    const match = /^journal(?:\.([1-9]\d{0,14}))?\.json$/.exec(name)
    return match ? { file: `${folder}/${name}`, generation: Number(match[1] ?? 0) } : []
  })
  return found.sort((a, b) => b.generation - a.generation).map(({ file }) => file)
}

/** The record that counts, its file relative to the runtime root; null if no transaction is pending. */
export function pendingRecord(files: Files, places: Places): { file: string; bytes: Uint8Array } | null {
  const [file] = recordFiles(files, places)
  const bytes = file === undefined ? null : files.read(places.at(file))
  return file === undefined || bytes === null ? null : { file, bytes }
}

/**
 * Gives the record that an earlier holder left to this one, under its name: from then on nobody else can take it back.
 * Removes older ones, which were written too late. Throws `state_newer` and `state_corrupt`, with all left as it is.
 */
export async function adoptRecord(
  files: Files,
  places: Places,
  lock: { generation: number; guard(): void },
): Promise<void> {
  const [newest, ...late] = recordFiles(files, places)
  if (newest === undefined) return
  const own = journalFile(lock.generation)
  const bytes = files.read(places.at(newest))
  if (bytes !== null) decodeRecord(bytes)
  lock.guard()
  if (newest !== own && bytes !== null) {
    // Two names until the new one is durable: a power failure may undo a rename by losing both.
    if (!linked(files, places.at(newest), places.at(own))) return
    await files.flush([places.at(path.dirname(own))])
    late.push(newest)
  }
  for (const file of late) unlinkIfThere(files, places.at(file))
}

/** False if it has been retired this very moment: then its transaction is through. */
function linked(files: Files, from: string, to: string): boolean {
  try {
    files.link(from, to)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return false
    // Only we make that name: a server made the link, lost its answer, and was asked again.
    if (code !== 'EEXIST') throw error
  }
  return true
}
