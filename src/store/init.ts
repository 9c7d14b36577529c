/**
 * Making a runtime root: folders, first files, and the copies of prompts and skills that people may edit. Creates what
 * is missing and never touches what is there, except that `force` rewrites files the manifest tracks.
 */
import * as path from 'node:path'
import type { Clock } from '../core/clock.ts'
import { NEW_CONFIG } from '../core/config.ts'
import { MillraceError } from '../core/errors.ts'
import { canonicalJson, sha256 } from '../core/ids.ts'
import { listOf, record, text } from '../core/shape.ts'
import { IDLE_MARKER, newCounters, newSnapshot } from '../core/state.ts'
import { assetPaths, DEPLOYED_FAMILIES } from './catalogue.ts'
import { type Files, hashBytes, readText } from './files.ts'
import { AT, type Places, statusFile, WORKSPACE_FOLDERS } from './layout.ts'

export const GITIGNORE = `# Millrace keeps its state here; none of it belongs into your history.
# To version the work documents all the same, put this below the line that follows:
#   !.gitignore
#   !tasks/
#   !tasks/**
#   !specs/
#   !specs/**
*
`

export interface ManifestEntry {
  relative_path: string
  asset_family: string
  original_sha256: string
}

const isManifest = record({
  entries: listOf(record({ relative_path: text, asset_family: text, original_sha256: text })),
})

export interface Initialised {
  /** Paths created or rewritten, relative to the runtime root. */
  created: string[]
}

export interface InitOptions {
  packageRoot: string
  version: string
  force?: boolean
}

export async function initWorkspace(
  files: Files,
  clock: Clock,
  places: Places,
  options: InitOptions,
): Promise<Initialised> {
  const root = files.stat(places.root)
  if (root !== null && root.kind !== 'directory' && files.realpath(places.root) === null)
    throw new MillraceError('workspace_unsupported', `${places.root} is not a folder.`)
  const runtime = files.stat(places.runtime)
  if (runtime !== null && runtime.kind !== 'directory') {
    throw new MillraceError('workspace_unsupported', `${places.runtime} is not a real folder.`, {
      hint: 'the runtime root must be a directory of its own, not a link or file',
    })
  }
  const created: string[] = []
  const touched = new Set<string>([places.root])
  for (const folder of WORKSPACE_FOLDERS) {
    if (files.stat(places.at(folder)) === null) created.push(`${folder}/`)
    files.makeFolder(places.at(folder))
    touched.add(places.at(folder)).add(path.dirname(places.at(folder)))
  }
  const create = (relative: string, text: string, replace = false) => {
    const target = places.at(relative)
    const there = files.stat(target) !== null
    if (there && (!replace || readText(files, target) === text)) return
    files.makeFolder(path.dirname(target))
    const temporary = path.join(path.dirname(target), `.${path.basename(target)}.tmp-init`)
    files.write(temporary, text)
    files.rename(temporary, target)
    touched.add(target).add(path.dirname(target))
    created.push(relative)
  }
  const now = clock.now().toISOString()
  create(AT.gitignore, GITIGNORE)
  create('outline.md', '')
  create('historylog.md', '')
  create(AT.config, NEW_CONFIG)
  for (const plane of ['execution', 'planning']) create(statusFile(plane), `${IDLE_MARKER}\n`)
  create(AT.counters, `${JSON.stringify(newCounters(), null, 2)}\n`)
  deploy(files, places, options, create)
  await files.flush([...touched])
  // Last, and only once the rest is durable: its presence says that the rest is there.
  create(AT.snapshot, `${JSON.stringify(newSnapshot(now), null, 2)}\n`)
  await files.flush([...touched])
  return { created }
}

/** Copies prompts and skills and records what was copied, so that a later upgrade can tell edits from age. */
function deploy(
  files: Files,
  places: Places,
  options: InitOptions,
  create: (relative: string, text: string, replace?: boolean) => void,
): void {
  const tracked = new Map(readManifest(files, places).map((entry) => [entry.relative_path, entry]))
  for (const relative of assetPaths(files, options.packageRoot, DEPLOYED_FAMILIES)) {
    const text = readText(files, path.join(options.packageRoot, relative)) ?? ''
    const mayRewrite = options.force === true && tracked.has(relative)
    const deployedNow = files.stat(places.at(relative)) === null || mayRewrite
    create(relative, text, mayRewrite)
    if (deployedNow)
      tracked.set(relative, {
        relative_path: relative,
        asset_family: relative.split('/')[0]!,
        original_sha256: hashBytes(text),
      })
  }
  create(AT.baseline, manifestText(options.version, [...tracked.values()]), true)
}

/** The manifest of what was deployed from the package of a version. */
export function manifestText(version: string, tracked: readonly ManifestEntry[]): string {
  const entries = tracked.toSorted((a, b) => (a.relative_path < b.relative_path ? -1 : 1))
  const content = { schema_version: '1.0', seed_package_version: version, entries }
  const manifest_id = sha256(canonicalJson(content))
  const manifest = { schema_version: '1.0', manifest_id, seed_package_version: version, entries }
  return `${JSON.stringify(manifest, null, 2)}\n`
}

/** What was deployed here; empty where that is not known, which only means that nothing is rewritten. */
export function readManifest(files: Files, places: Places): ManifestEntry[] {
  try {
    const text = readText(files, places.at(AT.baseline))
    const manifest: unknown = text === null ? null : JSON.parse(text)
    return isManifest(manifest) ? manifest.entries : []
  } catch {
    return []
  }
}
