/**
 * The baseline: which files of the package were deployed into a workspace, as they were then. With that an upgrade tells
 * what a person edited from what is merely old (spec 02 §10.3). Pure; what lies where is read by store/baseline.ts.
 */
import { canonicalJson, sha256 } from './ids.ts'
import { jsonText } from './json.ts'
import { listOf, record, text } from './shape.ts'

/** A deployed file. */
export interface BaselineEntry {
  /** Below the runtime root, with slashes. */
  relative_path: string
  /** The first part of the path. */
  asset_family: string
  /** SHA-256 of the bytes that the package had for it. */
  original_sha256: string
}

/** `state/baseline_manifest.json` (spec 01 §4.5). */
export interface BaselineManifest {
  schema_version: '1.0'
  /** SHA-256 of all the rest, so that two manifests of the same content have the same. */
  manifest_id: string
  seed_package_version: string
  /** By path. */
  entries: BaselineEntry[]
}

const isManifest = record({
  manifest_id: text,
  seed_package_version: text,
  entries: listOf(record({ relative_path: text, asset_family: text, original_sha256: text })),
})

/** Whether a path, with slashes, stays below whatever it is relative to. */
export const isBelow = (path: string): boolean =>
  path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')

/** The manifest in a text. Throws an Error that says why it is none. */
export function parseManifest(source: string): BaselineManifest {
  const manifest: unknown = JSON.parse(source)
  if (!isManifest(manifest)) throw new Error('it is no manifest')
  const stray = manifest.entries.find(({ relative_path }) => !isBelow(relative_path))
  if (stray !== undefined) throw new Error(`${JSON.stringify(stray.relative_path)} is no path below the runtime root`)
  return { ...manifest, schema_version: '1.0' }
}

export const manifestText = (manifest: BaselineManifest): string => jsonText(manifest)

export const familyOf = (relativePath: string): string => relativePath.split('/')[0]!

export function manifestOf(version: string, originals: ReadonlyMap<string, string>): BaselineManifest {
  const entries = [...originals]
    .map(([relative_path, original_sha256]) => ({
      relative_path,
      asset_family: familyOf(relative_path),
      original_sha256,
    }))
    .sort((a, b) => (a.relative_path < b.relative_path ? -1 : 1))
  const content = { schema_version: '1.0' as const, seed_package_version: version, entries }
  return { schema_version: '1.0', manifest_id: sha256(canonicalJson(content)), seed_package_version: version, entries }
}

export const originalsOf = (manifest: { entries: readonly BaselineEntry[] } | null): Map<string, string> =>
  new Map(manifest?.entries.map(({ relative_path, original_sha256 }) => [relative_path, original_sha256]))

/** What an upgrade makes of a file, in the order in which it is told, each with what that means. */
export const DISPOSITIONS = {
  unchanged: 'As it was deployed, and as the package has it.',
  safe_package_update: 'Never edited, and the package has a newer one: written.',
  local_only_modification: 'Edited here, and the package has not changed it since: kept.',
  already_converged: 'What is here is what the package has by now.',
  localized_removed: 'The package has it no more, and it is kept as a file of this workspace.',
  conflict: 'Edited here and changed in the package, or gone from it, or something else is in the way.',
  missing: 'Not here: written.',
} as const
export type Disposition = keyof typeof DISPOSITIONS

export const DISPOSITION_NAMES = Object.keys(DISPOSITIONS) as [Disposition, ...Disposition[]]

export interface ThreeWay {
  /** Hash of the file as it was deployed; null if it was not, or nobody knows. */
  original: string | null
  /** Hash of the file as it is; null if there is none, `other` if it is no plain file. */
  current: string | null | 'other'
  /** Hash of the file as the package has it; null if it has none. */
  candidate: string | null
}

export function dispositionOf({ original, current, candidate }: ThreeWay): Disposition {
  if (current === 'other') return 'conflict'
  if (candidate === null) return current === null ? 'already_converged' : 'conflict'
  if (current === null) return 'missing'
  if (current === candidate) return original === candidate ? 'unchanged' : 'already_converged'
  if (current === original) return 'safe_package_update'
  return original === candidate ? 'local_only_modification' : 'conflict'
}
