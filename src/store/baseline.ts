/** The baseline as it lies on disk: the files of the package that are deployed, and the manifest of those that were. */
import * as path from 'node:path'
import { type BaselineManifest, familyOf, isManifest } from '../core/baseline.ts'
import { MillraceError } from '../core/errors.ts'
import { ASSET_FAMILIES, DEPLOYED_FAMILIES } from './catalogue.ts'
import { type Files, hashBytes, readText } from './files.ts'
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
const FILES_MAX = 5000
const DEPTH_MAX = 8
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

/** Paths of the plain files below a folder, relative to it, hidden ones left out. */
export function filesBelow(files: Files, folder: string): string[] {
  const found: string[] = []
  const walk = (relative: string, depth: number) => {
    for (const name of files.list(path.join(folder, relative)) ?? []) {
      if (name.startsWith('.') || found.length >= FILES_MAX) continue
      const child = relative === '' ? name : `${relative}/${name}`
      const kind = files.stat(path.join(folder, child))?.kind
      if (kind === 'directory' && depth < DEPTH_MAX) walk(child, depth + 1)
      else if (kind === 'file') found.push(child)
    }
  }
  walk('', 0)
  return found
}

export const manifestText = (manifest: BaselineManifest): string => `${JSON.stringify(manifest, null, 2)}\n`

/** What was deployed here; null if nobody noted it. Throws `state_corrupt` if the manifest cannot be read. */
export function readManifest(files: Files, places: Places): BaselineManifest | null {
  let why = 'it is no manifest'
  try {
    const text = readText(files, places.at(AT.baseline))
    if (text === null) return null
    const manifest: unknown = JSON.parse(text)
    if (isManifest(manifest)) {
      const stray = manifest.entries.find(({ relative_path }) => !isBelow(relative_path))
      if (stray === undefined) return { ...manifest, schema_version: '1.0' }
      why = `${JSON.stringify(stray.relative_path)} is no path below the runtime root`
    }
  } catch (error) {
    why = (error as Error).message
  }
  throw new MillraceError('state_corrupt', `millrace-agents/${AT.baseline} cannot be read: ${why}.`, {
    hint: 'move it away; `millrace upgrade` makes a new one, which knows no edits but those it finds',
  })
}

const isBelow = (relative: string): boolean =>
  relative !== '' && !path.isAbsolute(relative) && path.normalize(relative) === relative && !relative.startsWith('..')

/** The manifest for those whom an unreadable one leaves no worse off: nothing of the workspace is rewritten then. */
export function manifestIfReadable(files: Files, places: Places): BaselineManifest | null {
  try {
    return readManifest(files, places)
  } catch {
    return null
  }
}
