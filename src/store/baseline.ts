/** The baseline as it lies on disk: the files of the package that are deployed, and the manifest of those that were. */
import * as path from 'node:path'
import { type BaselineManifest, familyOf, parseManifest } from '../core/baseline.ts'
import { MillraceError } from '../core/errors.ts'
import { ASSET_FAMILIES, DEPLOYED_FAMILIES } from './catalogue.ts'
import { type Files, hashBytes, readText } from './files.ts'
import { filesBelow } from './files-below.ts'
import { AT, type Places } from './layout.ts'

/** A file of the package as a workspace gets it. */
export interface PackagedFile {
  /** Below the runtime root, with slashes. */
  relative_path: string
  bytes: Uint8Array
  /** SHA-256 of the bytes. */
  hash: string
  /** Permission bits; its owner may always write it. */
  mode: number
}

/** The family of the documents: they lie beside the assets in the package, and below the runtime root in a workspace. */
const DOCUMENTS = 'docs'
const OWNER_MAY_WRITE = 0o200

const sourceOf = (packageRoot: string, relative: string): string =>
  path.join(familyOf(relative) === DOCUMENTS ? path.dirname(packageRoot) : packageRoot, relative)

/** Everything that `init` deploys, by path: prompts, skills with whatever belongs to them, and documents. */
export function packagedFiles(files: Files, packageRoot: string): PackagedFile[] {
  return [...DEPLOYED_FAMILIES, DOCUMENTS]
    .flatMap((family) => filesBelow(files, sourceOf(packageRoot, family)).map((name) => `${family}/${name}`))
    .sort()
    .flatMap((relative) => packagedFile(files, packageRoot, relative) ?? [])
}

/** One file of the package, of any family that a workspace may have a copy of; null if it has none. */
export function packagedFile(files: Files, packageRoot: string, relative: string): PackagedFile | null {
  if (![...ASSET_FAMILIES, DOCUMENTS].includes(familyOf(relative))) return null
  const source = sourceOf(packageRoot, relative)
  const stat = files.stat(source)
  const bytes = stat?.kind === 'file' ? files.read(source) : null
  if (stat === null || bytes === null) return null
  return { relative_path: relative, bytes, hash: hashBytes(bytes), mode: stat.mode | OWNER_MAY_WRITE }
}

/** What was deployed here; null if nobody noted it. Throws `state_corrupt` if the manifest cannot be read. */
export function readManifest(files: Files, places: Places): BaselineManifest | null {
  try {
    const text = readText(files, places.at(AT.baseline))
    return text === null ? null : parseManifest(text)
  } catch (error) {
    const what = `millrace-agents/${AT.baseline} cannot be read: ${(error as Error).message}.`
    throw new MillraceError('state_corrupt', what, {
      hint: 'move it away; `millrace upgrade` makes a new one, which knows no edits but those it finds',
    })
  }
}

/** The manifest for those whom an unreadable one leaves no worse off: nothing of the workspace is rewritten then. */
export function manifestIfReadable(files: Files, places: Places): BaselineManifest | null {
  try {
    return readManifest(files, places)
  } catch {
    return null
  }
}
