/**
 * The working tree as a git tree id: every tracked and untracked file that is not ignored, as `git add` would take it.
 * Worked out in an index of our own, so that the user's index is never locked or written; nothing is named by a ref here.
 *
 * Not held: ignored files, our own folders, files above 100 MiB, files that cannot be read, and what lies inside
 * submodules and embedded repositories, of which git keeps the commit they stand at. Line endings and filters are those
 * the repository's attributes ask for.
 */
import * as path from 'node:path'
import { MillraceError } from '../core/errors.ts'
import type { Files } from '../core/files.ts'
import { readText } from '../store/files.ts'
import { failed, type GitOptions, git, isInOne, ownFolders, type Repository, tryGit } from './git.ts'
import { nulled, textOf } from './git-path.ts'

/** A larger new or changed file is not kept, and is named. Also the bounds of what one tree takes in. */
export const FILE_BYTES_MAX = 100 * 1024 * 1024
const CHANGED_BYTES_MAX = 2 * 1024 * 1024 * 1024
const CHANGED_PATHS_MAX = 100_000
/** Files looked at before others get a turn. */
const LOOKED_AT_PER_TURN = 500

export interface LeftOut {
  /** As git gives it: one character per byte. */
  path: string
  reason: string
}

export interface WorkingTreeRead {
  tree: string
  leftOut: LeftOut[]
  /** Variables under which git finds the tree's objects. */
  env: Readonly<Record<string, string>>
}

interface ReadOptions {
  /** Folder of our own for the index; whoever calls removes it. */
  scratch: string
  deadlineMs: number
  /** Put new objects into the scratch folder instead of the repository, which is then not written at all. */
  quarantine?: boolean
}

/** Reads the working tree as it is now. Throws `git_failed`; then the scratch folder may hold half of it. */
export async function readWorkingTree(repository: Repository, options: ReadOptions): Promise<WorkingTreeRead> {
  const { scratch, deadlineMs, quarantine = false } = options
  const objects = quarantine ? quarantined(repository, scratch) : {}
  const index = {
    env: { ...objects, GIT_INDEX_FILE: path.join(scratch, 'index') },
    deadlineMs,
    ...(quarantine ? {} : { lasting: 'written' as const }),
  }
  await copyIndex(repository, index.env.GIT_INDEX_FILE, deadlineMs)
  const listing = await list(repository, index, ['--cached', '-v'])
  const changed = [...listing.changed, ...listing.assumed, ...listing.hidden]
  const leftOut = await tooMuch(repository, changed)
  if (changed.length > 0) {
    await unhide(repository, listing, index)
    leftOut.push(...(await add(repository, listing, leftOut, index)))
  }
  if (listing.own.length > 0)
    await git(repository, ['update-index', '--force-remove', '-z', '--stdin'], { ...index, stdin: nulled(listing.own) })
  const tree = (await git(repository, ['write-tree', '--missing-ok'], index)).trim()
  return { tree, leftOut, env: objects }
}

/**
 * A second name for the user's index, with its stat cache and its time, by which git tells entries that may have changed
 * within the same tick of the clock. git replaces an index and never writes into one, so the user's stays as it is.
 */
async function copyIndex({ ports, gitDir, top }: Repository, copy: string, deadlineMs: number): Promise<void> {
  const { files, exec, clock } = ports
  const original = path.join(gitDir, 'index')
  if (files.stat(original) === null) return
  try {
    files.link(original, copy)
  } catch {
    // Another device, or a file system without links: the copy must have the time of the original.
    const timeoutMs = Math.max(1, deadlineMs - clock.monotonicMs())
    const env = { PATH: ports.environment.PATH }
    const copied = await exec('cp', ['-p', original, copy], { cwd: top, env, timeoutMs, outputBytesMax: 4096 })
    if (copied.code !== 0) throw new MillraceError('git_failed', `The index of ${top} could not be copied.`)
  }
}

function quarantined({ ports: { files }, gitDir }: Repository, scratch: string): Record<string, string> {
  const objects = path.join(scratch, 'objects')
  files.makeFolder(objects)
  const shared = readText(files, path.join(gitDir, 'commondir'))?.trimEnd() ?? '.'
  const real = path.resolve(gitDir, shared, 'objects')
  const quoted = `"${real.replace(/["\\]/g, '\\$&')}"`
  return { GIT_OBJECT_DIRECTORY: objects, GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted }
}

interface Listing {
  /** New, changed, gone or unmerged. */
  changed: string[]
  /** Tracked, with a flag that makes git look away: assume-unchanged; skip-worktree though the file is there. */
  assumed: string[]
  hidden: string[]
  /** Tracked in our own folders. */
  own: string[]
  /** Whether something changed in our own folders, so that it has to be kept from being added. */
  ownChanged: boolean
}

async function list(repository: Repository, options: GitOptions, more: readonly string[] = []): Promise<Listing> {
  const { ports, top } = repository
  const command = ['ls-files', '-z', '-t', ...more, '--modified', '--others', '--exclude-standard']
  const listing: Listing = { changed: [], assumed: [], hidden: [], own: [], ownChanged: false }
  const own = ownFolders(repository)
  const seen = new Set<string>()
  for (const record of (await git(repository, command, options)).split('\0')) {
    if (record === '') continue
    const [tag, file] = [record[0]!, record.slice(2)]
    const isTracked = tag !== '?'
    const isChanged = '?CM'.includes(tag.toUpperCase())
    if (isInOne(own, file)) {
      if (isTracked) listing.own.push(file)
      if (isChanged) listing.ownChanged = true
      continue
    }
    if (isTracked && tag !== tag.toUpperCase()) listing.assumed.push(file)
    if (tag.toUpperCase() === 'S' && isThere(ports.files, top, file)) listing.hidden.push(file)
    if (!isChanged || seen.has(file)) continue
    seen.add(file)
    listing.changed.push(file)
  }
  return listing
}

const isThere = (files: Files, top: string, raw: string): boolean =>
  files.stat(path.join(top, textOf(raw) ?? raw)) !== null

/** Of the paths to take in, those too large; a name that is no text cannot be looked at and is taken. */
async function tooMuch({ ports, top }: Repository, paths: readonly string[]): Promise<LeftOut[]> {
  if (paths.length > CHANGED_PATHS_MAX)
    throw new MillraceError(
      'git_failed',
      `${paths.length} files are new or changed, more than ${CHANGED_PATHS_MAX}; ignore what is generated.`,
    )
  const leftOut: LeftOut[] = []
  let bytes = 0
  for (const [at, file] of paths.entries()) {
    if (at % LOOKED_AT_PER_TURN === LOOKED_AT_PER_TURN - 1)
      await new Promise<void>((resolve) => ports.clock.after(0, resolve))
    if (file.endsWith('/')) {
      leftOut.push({ path: file, reason: 'a repository of its own; at most the commit it stands at is kept' })
      continue
    }
    const stat = ports.files.stat(path.join(top, textOf(file) ?? file))
    if (stat?.kind !== 'file') continue
    if (stat.bytes > FILE_BYTES_MAX)
      leftOut.push({ path: file, reason: `larger than ${FILE_BYTES_MAX / 1024 / 1024} MiB` })
    else bytes += stat.bytes
  }
  if (bytes > CHANGED_BYTES_MAX)
    throw new MillraceError(
      'git_failed',
      `New and changed files hold more than ${CHANGED_BYTES_MAX / 1024 / 1024 / 1024} GiB; ignore what is generated.`,
    )
  return leftOut
}

/** In our index git is to look at every file. */
async function unhide(repository: Repository, { assumed, hidden }: Listing, options: GitOptions): Promise<void> {
  const clear = (flag: string, paths: readonly string[]) =>
    git(repository, ['update-index', flag, '-z', '--stdin'], { ...options, stdin: nulled(paths) })
  if (assumed.length > 0) await clear('--no-assume-unchanged', assumed)
  if (hidden.length > 0) await clear('--no-skip-worktree', hidden)
}

/** Takes in what changed. Gives what could not be read, though it should have been. */
async function add(
  repository: Repository,
  { ownChanged }: Listing,
  leftOut: readonly LeftOut[],
  options: GitOptions,
): Promise<LeftOut[]> {
  const { ports } = repository
  const excluded = [
    ...leftOut.map((one) => one.path).filter((one) => !one.endsWith('/')),
    ...(ownChanged ? ownFolders(repository) : []),
  ]
  const command = ['add', '--all', '--ignore-errors', '--no-warn-embedded-repo']
  const pathspecs = [':/', ...excluded.map((one) => `:(exclude,top,literal)${one}`)]
  const added = await tryGit(repository, [...command, '--pathspec-from-file=-', '--pathspec-file-nul'], {
    ...options,
    stdin: nulled(pathspecs),
  })
  if (added.code === 0) return []
  if (added.code !== 1) throw failed(command, added)
  const known = new Set(leftOut.map((one) => one.path))
  return (await list(repository, options)).changed
    .filter((file) => !known.has(file) && isThere(ports.files, repository.top, file))
    .map((file) => ({ path: file, reason: 'git could not read it' }))
}
