/** What was deployed into a workspace: looking at it, and making a workspace look as an older package would have left it. */
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** Where the package has the file that a workspace has at this path. */
export const packaged = (file) => path.join(process.env.ROWS_PACKAGE, file.startsWith('docs/') ? '.' : 'assets', file)

/** Every file and folder below a folder, with what would show that it was touched. */
export function treeOf(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return Object.fromEntries(
    entries.map((entry) => {
      const at = path.join(entry.parentPath, entry.name)
      const stat = lstatSync(at)
      return [
        path.relative(folder, at),
        `${stat.mtimeMs} ${stat.ino} ${entry.isFile() ? sha256(readFileSync(at)) : ''}`,
      ]
    }),
  )
}

export const manifestOf = (workspace) => workspace.read('state/baseline_manifest.json').entries

/** The file was deployed with the content `original`, and has `current` now. */
export function deployedAs(workspace, file, original, current = original) {
  const manifest = workspace.read('state/baseline_manifest.json')
  const others = manifest.entries.filter((entry) => entry.relative_path !== file)
  const entry = { relative_path: file, asset_family: file.split('/')[0], original_sha256: sha256(original) }
  const entries = [...others, entry].sort((a, b) => (a.relative_path < b.relative_path ? -1 : 1))
  writeFileSync(workspace.path('state/baseline_manifest.json'), JSON.stringify({ ...manifest, entries }))
  mkdirSync(path.dirname(workspace.path(file)), { recursive: true })
  writeFileSync(workspace.path(file), current)
}
