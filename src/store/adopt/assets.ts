/**
 * What becomes of the assets that the Python runtime deployed. Loops, stage kinds and modes are written for its compiler
 * and go aside: the shipped ones take their place. Prompts and skills stay where a person may have edited them; those
 * that are known to be as they were deployed go aside too, where the package has newer ones.
 */
import { manifestOf, manifestText, originalsOf, parseManifest } from '../../core/baseline.ts'
import { packagedFiles } from '../baseline.ts'
import { DEPLOYED_FAMILIES } from '../catalogue.ts'
import { type Files, utf8 } from '../files.ts'
import { filesBelow } from '../files-below.ts'
import type { Places } from '../layout.ts'
import { look } from '../look.ts'

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

/** What was deployed, by path; null where nothing says (0.14 keeps no manifest). */
function deployedBefore(manifest: Uint8Array | null): ReadonlyMap<string, string> | null {
  try {
    return manifest === null ? null : originalsOf(parseManifest(utf8.decode(manifest)))
  } catch {
    return null
  }
}

/** `manifest`: bytes of the old one, if there is one. `root`: of the packaged assets; `version`: theirs. */
export function planAssets(
  files: Files,
  places: Places,
  manifest: Uint8Array | null,
  { root, version }: { root: string; version: string },
): AssetsPlan {
  const deployed = deployedBefore(manifest)
  const shipped = new Map(packagedFiles(files, root).map(({ relative_path, hash }) => [relative_path, hash]))
  const hashed = (families: readonly string[]) =>
    families.flatMap((family) =>
      filesBelow(files, places.at(family)).flatMap((name) => {
        const found = look(files, places.at(`${family}/${name}`))
        return found === null || found === 'other' ? [] : [{ path: `${family}/${name}`, hash: found.hash }]
      }),
    )
  const isAsDeployed = (one: { path: string; hash: string }): boolean => deployed?.get(one.path) === one.hash
  const definitions = hashed(DEFINITIONS).map((one): AssetFate => {
    const edited = deployed === null ? UNKNOWN : 'edited: define it anew for this runtime'
    return { ...one, isAside: true, note: isAsDeployed(one) ? AS_DEPLOYED : edited }
  })
  const texts = hashed(DEPLOYED_FAMILIES).map((one): AssetFate => {
    const isReplaced = isAsDeployed(one) && shipped.has(one.path)
    return {
      ...one,
      isAside: isReplaced,
      note: isReplaced ? AS_DEPLOYED : noteOf(one, deployed, shipped.has(one.path)),
    }
  })
  const kept = texts.flatMap(({ path, isAside }): [string, string][] => {
    const hash = shipped.get(path)
    return isAside || hash === undefined ? [] : [[path, hash]]
  })
  return { fates: [...definitions, ...texts], manifest: manifestText(manifestOf(version, new Map(kept))) }
}

const AS_DEPLOYED = 'as it was deployed'
const UNKNOWN = 'whether it was edited is not on record'

function noteOf({ path }: { path: string }, deployed: ReadonlyMap<string, string> | null, isShipped: boolean): string {
  if (deployed === null) return isShipped ? `kept as yours: ${UNKNOWN}` : 'kept as yours'
  if (!deployed.has(path)) return 'kept: yours'
  return isShipped ? 'kept: edited' : 'kept: this version has none of that name'
}
