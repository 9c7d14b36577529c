/**
 * What becomes of the assets that the Python runtime deployed. Loops, stage kinds and modes are written for its compiler
 * and go aside: the shipped ones take their place. Prompts and skills stay where a person may have edited them; those
 * that are known to be as they were deployed go aside too, where the package has newer ones.
 */
import * as path from 'node:path'
import { listOf, record, text } from '../../core/shape.ts'
import { assetPaths, DEPLOYED_FAMILIES } from '../catalogue.ts'
import { look } from '../file-operation.ts'
import { type Files, hashBytes } from '../files.ts'
import { type ManifestEntry, manifestText } from '../init.ts'
import type { Places } from '../layout.ts'

/** Definitions in a form of its own, `loops` among them, which already its graphs had replaced. */
const DEFINITIONS = ['modes', 'graphs', 'registry', 'loops'] as const

export interface AssetFate {
  /** Relative to the runtime root. */
  path: string
  hash: string
  isAside: boolean
  note: string
}

export interface AssetsPlan {
  fates: AssetFate[]
  /** Text of the new manifest: prompts and skills that stay, as edits of those shipped now. */
  manifest: string
}

const isManifest = record({ entries: listOf(record({ relative_path: text, original_sha256: text })) })

/** What was deployed, by path; null where nothing says (0.14 keeps no manifest). */
function deployedBefore(manifest: Uint8Array | null): ReadonlyMap<string, string> | null {
  try {
    const value: unknown = manifest === null ? null : JSON.parse(Buffer.from(manifest).toString('utf8'))
    return isManifest(value)
      ? new Map(value.entries.map((entry) => [entry.relative_path, entry.original_sha256]))
      : null
  } catch {
    return null
  }
}

/** `manifest`: bytes of the old one, if there is one. `package`: root of the packaged assets, and its version. */
export function planAssets(
  files: Files,
  places: Places,
  manifest: Uint8Array | null,
  { root, version }: { root: string; version: string },
): AssetsPlan {
  const deployed = deployedBefore(manifest)
  const shipped = new Set(assetPaths(files, root, DEPLOYED_FAMILIES))
  const hashed = (families: readonly string[]) =>
    assetPaths(files, places.runtime, families).flatMap((file) => {
      const found = look(files, places.at(file))
      return found === null || found === 'other' ? [] : [{ path: file, hash: found.hash }]
    })
  const isAsDeployed = (one: { path: string; hash: string }): boolean => deployed?.get(one.path) === one.hash
  const definitions = hashed(DEFINITIONS).map((one): AssetFate => {
    const note = isAsDeployed(one)
      ? 'as it was deployed'
      : deployed
        ? 'edited: define it anew for this runtime'
        : UNKNOWN
    return { ...one, isAside: true, note }
  })
  const texts = hashed(DEPLOYED_FAMILIES).map((one): AssetFate => {
    const isReplaced = isAsDeployed(one) && shipped.has(one.path)
    return { ...one, isAside: isReplaced, note: isReplaced ? 'as it was deployed' : noteOf(one, deployed) }
  })
  const entries = texts.flatMap(({ path: file, isAside }): ManifestEntry[] => {
    if (isAside || !shipped.has(file)) return []
    const original_sha256 = hashBytes(files.read(path.join(root, file)) ?? '')
    return [{ relative_path: file, asset_family: file.split('/')[0]!, original_sha256 }]
  })
  return { fates: [...definitions, ...texts], manifest: manifestText(version, entries) }
}

const UNKNOWN = 'whether it was edited is not on record'

function noteOf({ path: file }: { path: string }, deployed: ReadonlyMap<string, string> | null): string {
  if (deployed === null) return `kept as yours: ${UNKNOWN}`
  return deployed.has(file) ? 'kept: edited, or not shipped any more' : 'kept: yours'
}
