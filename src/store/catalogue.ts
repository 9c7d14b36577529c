/**
 * The asset catalogue: packaged assets with the workspace's own copies laid over them, file by file. One resolver for
 * compiling, validating, previews and the engine (rulings.md, *baseline*).
 */
import * as path from 'node:path'
import { type AssetFile, type Assets, NOT_TEXT } from '../core/assets.ts'
import { type Files, readText } from './files.ts'
import { AT, type Places } from './layout.ts'

/** Asset folders, in a workspace as in the package. */
export const ASSET_FAMILIES = ['modes', 'graphs', 'registry', 'entrypoints', 'skills'] as const
/** Families that `init` copies into a workspace; the others are compiled from the package unless localised. */
export const DEPLOYED_FAMILIES = ['entrypoints', 'skills'] as const

const FILES_MAX = 5000
const DEPTH_MAX = 8
const ASSET_BYTES_MAX = 1024 * 1024

export function readAssets(files: Files, packageRoot: string, places: Places | null): Assets {
  const found = new Map<string, AssetFile>()
  const take = (root: string, source: AssetFile['source']) => {
    for (const file of assetPaths(files, root, ASSET_FAMILIES)) {
      const text = textOf(files, path.join(root, file))
      if (text !== null) found.set(file, { path: file, text, source })
    }
  }
  take(packageRoot, 'package')
  if (places) {
    for (const file of assetPaths(files, places.runtime, ASSET_FAMILIES)) {
      const text = textOf(files, places.at(file))
      // An unedited copy that init deployed is still the package's.
      if (text !== null)
        found.set(file, { path: file, text, source: found.get(file)?.text === text ? 'package' : 'workspace' })
    }
  }
  return { files: found }
}

function textOf(files: Files, file: string): string | null {
  try {
    return readText(files, file)
  } catch {
    return NOT_TEXT
  }
}

/** Paths of asset files below a root, relative to it, sorted. Links, hidden files and huge ones are left out. */
export function assetPaths(files: Files, root: string, families: readonly string[]): string[] {
  const paths: string[] = []
  const walk = (family: string, relative: string, depth: number) => {
    for (const name of files.list(path.join(root, relative)) ?? []) {
      if (name.startsWith('.') || paths.length >= FILES_MAX) continue
      const child = `${relative}/${name}`
      const stat = files.stat(path.join(root, child))
      if (stat?.kind === 'directory' && depth < DEPTH_MAX) walk(family, child, depth + 1)
      else if (stat?.kind === 'file' && stat.bytes <= ASSET_BYTES_MAX && isAsset(family, name)) paths.push(child)
    }
  }
  for (const family of families) walk(family, family, 0)
  return paths.sort()
}

/** A skill may bring files of any kind; logs, and what was kept of a file that somebody had edited, are none of them. */
const isAsset = (family: string, name: string): boolean =>
  family === AT.skills ? !/\.jsonl$|\.conflict-/.test(name) : /\.(json|md)$/.test(name)
