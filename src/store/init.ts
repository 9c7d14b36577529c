/**
 * Making a runtime root: folders, first files, and the copies of prompts, skills and documents that people may edit.
 * Creates what is missing and never touches what is there, except that `force` rewrites files the manifest tracks; of one
 * that somebody edited, their version is kept.
 */
import * as path from 'node:path'
import { manifestOf, manifestText, originalsOf } from '../core/baseline.ts'
import type { Clock } from '../core/clock.ts'
import { MillraceError } from '../core/errors.ts'
import { canonicalJson } from '../core/ids.ts'
import { manifestIfReadable, type PackagedFile, packagedFiles } from './baseline.ts'
import { type Files, unlinkIfThere } from './files.ts'
import { AT, type Places, stampOf, WORKSPACE_FOLDERS } from './layout.ts'
import { look } from './look.ts'
import { obstructions, starterFiles } from './starter-files.ts'
import { requireKnownFormat } from './state-format.ts'

export interface Initialised {
  /** What was missing and is there now, relative to the runtime root; folders end with a slash. */
  created: string[]
  /** Files that were there and have the bytes of the package again. */
  overwritten: string[]
  /** Where the edited version of an overwritten file lies now. */
  replaced: { path: string; kept_as: string }[]
}

export interface InitOptions {
  packageRoot: string
  version: string
  force?: boolean
  /** Text of a new config. */
  config?: string
}

/** Throws `workspace_unsupported` or `path_occupied`, with nothing written, where no workspace can be. */
export async function initWorkspace(
  files: Files,
  clock: Clock,
  places: Places,
  options: InitOptions,
): Promise<Initialised> {
  const deployed = packagedFiles(files, options.packageRoot)
  checkPlace(
    files,
    places,
    deployed.map((file) => file.relative_path),
  )
  const making = new Making(files, places, keptFolder(clock))
  for (const folder of WORKSPACE_FOLDERS) making.folder(folder)
  const starters = starterFiles(clock.now().toISOString(), options.config)
  for (const { path: file, text } of starters.slice(0, -1)) making.create(file, Buffer.from(text))
  deploy(files, places, options, deployed, making)
  await making.flush()
  // Last, and only once the rest is durable: its presence says that the rest is there.
  const snapshot = starters.at(-1)!
  making.create(snapshot.path, Buffer.from(snapshot.text))
  await making.flush()
  return making.done
}

/** Of this very call: what is kept of two of them never meets. */
const keptFolder = (clock: Clock): string => `state/replaced/${stampOf(clock.now().toISOString())}-${clock.hex(6)}`

function checkPlace(files: Files, places: Places, deployed: readonly string[]): void {
  const root = files.stat(places.root)
  if (root !== null && root.kind !== 'directory' && files.realpath(places.root) === null)
    throw new MillraceError('workspace_unsupported', `${places.root} is not a folder.`)
  const runtime = files.stat(places.runtime)
  if (runtime !== null && runtime.kind !== 'directory') {
    throw new MillraceError('workspace_unsupported', `${places.runtime} is not a real folder.`, {
      hint: 'the runtime root must be a directory of its own, not a link or file',
    })
  }
  requireKnownFormat(files, places)
  const [first, ...more] = obstructions(files, places, deployed)
  if (first !== undefined) {
    const others = more.length === 0 ? '' : `, and ${more.length} more`
    throw new MillraceError(
      'path_occupied',
      `A file lies where a folder belongs, or the reverse: ${places.at(first)}${others}; nothing was written.`,
      { hint: 'move it away, then run the command again' },
    )
  }
}

/** Copies what the package has for a workspace and records it, so that a later upgrade can tell edits from age. */
function deploy(
  files: Files,
  places: Places,
  { version, force = false }: InitOptions,
  deployed: readonly PackagedFile[],
  making: Making,
): void {
  const manifest = manifestIfReadable(files, places)
  const originals = originalsOf(manifest)
  for (const file of deployed) {
    const { relative_path, bytes, mode, hash } = file
    const found = look(files, places.at(relative_path))
    const current = found === null || found === 'other' ? found : found.hash
    const original = originals.get(relative_path)
    if (current === null) making.create(relative_path, bytes, mode)
    else if (current !== hash && force && original !== undefined) making.replace(file, current !== original)
    else if (current !== hash) continue
    originals.set(relative_path, hash)
  }
  const made = manifestOf(version, originals)
  if (files.stat(places.at(AT.baseline)) === null) making.create(AT.baseline, Buffer.from(manifestText(made)))
  else if (manifest !== null && canonicalJson(manifest.entries) !== canonicalJson(made.entries))
    making.write(AT.baseline, Buffer.from(manifestText(made)))
}

/** Writes what is to be there, each file whole under its name or not at all, and notes what it did. */
class Making {
  readonly done: Initialised = { created: [], overwritten: [], replaced: [] }
  private readonly files: Files
  private readonly places: Places
  /** Where edited files are kept, relative to the runtime root. */
  private readonly keptIn: string
  private readonly touched: Set<string>

  constructor(files: Files, places: Places, keptIn: string) {
    this.files = files
    this.places = places
    this.keptIn = keptIn
    this.touched = new Set([places.root])
  }

  folder(relative: string): void {
    const folder = this.places.at(relative)
    if (this.files.stat(folder) === null) this.done.created.push(`${relative}/`)
    this.files.makeFolder(folder)
    this.touched.add(folder).add(path.dirname(folder))
  }

  /** Nothing happens where there is something already. */
  create(relative: string, bytes: Uint8Array, mode?: number): void {
    if (this.files.stat(this.places.at(relative)) !== null) return
    this.write(relative, bytes, mode)
    this.done.created.push(relative)
  }

  replace({ relative_path, bytes, mode }: PackagedFile, isEdited: boolean): void {
    if (isEdited) {
      const kept_as = `${this.keptIn}/${relative_path}`
      const there = this.files.stat(this.places.at(relative_path))
      this.write(kept_as, this.files.read(this.places.at(relative_path)) ?? new Uint8Array(), there?.mode)
      this.done.replaced.push({ path: relative_path, kept_as })
    }
    this.write(relative_path, bytes, mode)
    this.done.overwritten.push(relative_path)
  }

  write(relative: string, bytes: Uint8Array, mode?: number): void {
    const target = this.places.at(relative)
    const folder = path.dirname(target)
    this.files.makeFolder(folder)
    const temporary = path.join(folder, `.${path.basename(target)}.tmp-init`)
    // Left by a crash, perhaps with other rights than this one is to have.
    unlinkIfThere(this.files, temporary)
    this.files.write(temporary, bytes, mode === undefined ? {} : { mode })
    this.files.rename(temporary, target)
    for (let at = folder; at.length >= this.places.runtime.length; at = path.dirname(at)) this.touched.add(at)
    this.touched.add(target)
  }

  flush(): Promise<void> {
    return this.files.flush([...this.touched])
  }
}
