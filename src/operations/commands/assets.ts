/** The command that copies an asset of the package into the workspace. The files come with it: views know no package. */
import { isBelow, manifestOf, manifestText, originalsOf, parseManifest } from '../../core/baseline.ts'
import { Draft, type FileContent } from '../../core/changes.ts'
import { MillraceError } from '../../core/errors.ts'
import { sha256 } from '../../core/ids.ts'
import type { ChangeOperation } from '../../core/operation.ts'
import { integer, listOf, maybe, record, text } from '../../core/shape.ts'
import type { View } from '../../core/view.ts'
import { ASSET_FAMILIES } from '../../store/catalogue.ts'
import { AT, RUNTIME_ROOT } from '../../store/layout.ts'
import { done, only, text as textOf, unchanged } from './payload.ts'

/** A packaged file as the command carries it: its text, or its bytes in base64. */
export interface CarriedFile {
  path: string
  text?: string
  base64?: string
  mode: number
}

const isCarried = listOf(record({ path: text, mode: integer, text: maybe(text), base64: maybe(text) }))

export const localiseAsset: ChangeOperation = ({ view }, payload) => {
  only(payload, 'id', 'version', 'files')
  const files = carriedIn(payload.files)
  const id = textOf(payload, 'id')
  const version = textOf(payload, 'version')
  const here = files.map((file) => ({ ...file, before: view.hashOf(named(file.path)) }))
  const own = here.find(({ before, hash }) => before !== null && before !== hash)
  if (own !== undefined)
    throw new MillraceError('asset_localised', `The workspace has ${named(own.path)} already, and it was edited.`, {
      hint: 'edit it there; to begin anew from the package, move it away first',
    })
  const missing = here.filter(({ before }) => before === null)
  const paths = files.map((file) => file.path)
  if (missing.length === 0) return unchanged(`${id} is in the workspace already, as the package has it`)
  const draft = new Draft(view)
  for (const { path, content, mode } of missing) draft.add({ change: 'file.put', path, content, mode, hash: null })
  const originals = originalsOf(manifestIn(view))
  for (const { path, hash } of files) originals.set(path, hash)
  draft.add({
    change: 'file.put',
    path: AT.baseline,
    content: { text: manifestText(manifestOf(manifestIn(view)?.seed_package_version ?? version, originals)) },
    mode: null,
    hash: view.hashOf(named(AT.baseline)),
  })
  draft.event('asset_localised', { id, paths: missing.map((file) => file.path) })
  return done(draft, `${id} lies in ${named(paths[0]!)} now, to be edited there`, {
    paths,
    artifact_path: named(paths[0]!),
  })
}

const named = (path: string): string => `${RUNTIME_ROOT}/${path}`

function carriedIn(value: unknown): { path: string; content: FileContent; mode: number; hash: string }[] {
  const isAsset = (path: string) => isBelow(path) && ASSET_FAMILIES.some((family) => path.startsWith(`${family}/`))
  if (!isCarried(value) || value.length === 0 || !value.every((file) => isAsset(file.path)))
    throw new MillraceError('mailbox_invalid', 'The command needs the files of an asset.')
  return value.map(({ path, mode, text, base64 }) => {
    const content: FileContent = typeof base64 === 'string' ? { base64 } : { text: text ?? '' }
    const bytes = 'text' in content ? content.text : Buffer.from(content.base64, 'base64')
    return { path, content, mode: mode & 0o777, hash: sha256(bytes) }
  })
}

function manifestIn(view: View) {
  const source = view.readFile(named(AT.baseline))
  try {
    return source === null ? null : parseManifest(source)
  } catch (error) {
    throw new MillraceError('state_corrupt', `${named(AT.baseline)} cannot be read: ${(error as Error).message}.`, {
      hint: 'move it away; `millrace upgrade` makes a new one',
    })
  }
}
