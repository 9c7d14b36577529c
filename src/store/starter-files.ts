/** What every workspace begins with beside its folders and the files of the package: small files of runtime and people. */
import { NEW_CONFIG } from '../core/config.ts'
import { jsonText } from '../core/json.ts'
import { IDLE_MARKER, newCounters, newSnapshot } from '../core/state.ts'
import type { Files } from './files.ts'
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

export interface StarterFile {
  /** Below the runtime root. */
  path: string
  text: string
}

/** In the order in which they are made: the snapshot last, for it says that the rest is there. `now`: ISO time. */
export function starterFiles(now: string, config = NEW_CONFIG): StarterFile[] {
  return [
    { path: AT.gitignore, text: GITIGNORE },
    { path: 'outline.md', text: '' },
    { path: 'historylog.md', text: '' },
    { path: AT.config, text: config },
    ...['execution', 'planning'].map((plane) => ({ path: statusFile(plane), text: `${IDLE_MARKER}\n` })),
    { path: AT.counters, text: jsonText(newCounters()) },
    { path: AT.snapshot, text: jsonText(newSnapshot(now)) },
  ]
}

/** Folders and first files that belong to every workspace and are not there; folders end with a slash. */
export function missingParts(files: Files, places: Places): string[] {
  const isMissing = (relative: string) => files.stat(places.at(relative)) === null
  return [
    ...WORKSPACE_FOLDERS.filter(isMissing).map((folder) => `${folder}/`),
    ...starterFiles('').flatMap((file) => (isMissing(file.path) ? [file.path] : [])),
  ]
}

/**
 * Paths at which something lies that keeps a workspace from being there: a file where a folder belongs, or the reverse.
 * `paths`: of the files that are to lie below the runtime root.
 */
export function obstructions(files: Files, places: Places, paths: readonly string[]): string[] {
  const folders = new Set<string>(WORKSPACE_FOLDERS)
  for (const file of paths) {
    const parts = file.split('/').slice(0, -1)
    for (let depth = 1; depth <= parts.length; depth++) folders.add(parts.slice(0, depth).join('/'))
  }
  for (const folder of WORKSPACE_FOLDERS) {
    const parts = folder.split('/')
    for (let depth = 1; depth < parts.length; depth++) folders.add(parts.slice(0, depth).join('/'))
  }
  const kindAt = (relative: string) => {
    const at = places.at(relative)
    const kind = files.stat(at)?.kind ?? null
    const real = kind === 'link' ? files.realpath(at) : null
    return real === null ? kind : (files.stat(real)?.kind ?? kind)
  }
  const starters = starterFiles('').map((file) => file.path)
  return [
    ...[...folders].filter((folder) => ![null, 'directory'].includes(kindAt(folder))),
    ...[...starters, ...paths].filter((file) => ![null, 'file'].includes(kindAt(file))),
  ].sort()
}
