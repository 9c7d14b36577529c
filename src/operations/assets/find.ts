/** Assets as they are looked at: those of the package, with the files of the workspace laid over them, and finding one. */
import { type AssetFamilies, type Assets, brokenFileFor, type Parsed, parseFamilies } from '../../core/assets.ts'
import { describeDiagnostic } from '../../core/diagnostics.ts'
import { type ErrorCode, MillraceError } from '../../core/errors.ts'
import { didYouMean, nearest } from '../../core/nearest.ts'
import { readAssets } from '../../store/catalogue.ts'
import { isInitialised } from '../../store/layout.ts'
import { type Context, placesIn } from '../context.ts'

/** Needs no workspace. */
export function assetsOf(context: Context): Assets & { families: AssetFamilies } {
  const places = placesIn(context)
  const own = isInitialised(context.files, places) ? places : null
  const assets = readAssets(context.files, context.packageRoot, own)
  return { ...assets, families: parseFamilies(assets) }
}

export const familiesOf = (context: Context): AssetFamilies => assetsOf(context).families

/** A family as errors about it speak. */
export interface Family {
  word: string
  /** Where its files lie, relative to the assets root, with a slash. */
  folder: string
  unknown: ErrorCode
}

/** Throws `asset_invalid` for a file that cannot be read, and the family's own code for an id there is not. */
export function findAsset<T>(
  family: Family,
  known: ReadonlyMap<string, Parsed<T>>,
  families: AssetFamilies,
  id: string,
): Parsed<T> {
  const found = known.get(id)
  if (found) return found
  const { word, folder, unknown } = family
  const broken = brokenFileFor(families, folder, id)
  if (broken) {
    const why = broken.all.map(describeDiagnostic).join('; ')
    throw new MillraceError(
      'asset_invalid',
      `${word.charAt(0).toUpperCase()}${word.slice(1)} ${id} cannot be read: ${why}.`,
    )
  }
  const aliases = word === 'mode' ? Object.keys(families.aliases) : []
  const ids = [...known.keys(), ...aliases].sort()
  const near = nearest(id, ids)
  throw new MillraceError(unknown, `There is no ${word} ${id}.`, {
    hint: didYouMean(near, `there are: ${ids.join(', ')}`),
  })
}

/** Findings on files of a family that cannot be used. */
export const unreadableIn = (families: AssetFamilies, folder: string) =>
  [...families.broken].filter(([path]) => path.startsWith(folder)).flatMap(([, findings]) => findings.all)
