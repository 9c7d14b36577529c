/**
 * What a kept tree holds, how the working tree differs from it, and writing files of it back. Which files may be written
 * is decided by whoever asks; index, HEAD and refs stay as they are.
 */
import * as path from 'node:path'
import { type GitOptions, git, isInOne, ownFolders, type Repository } from './git.ts'
import { nulled, textOf } from './git-path.ts'

export interface Entry {
  /** Git's mode, such as `100644`; `120000` is a symbolic link, `160000` a repository of its own. */
  mode: string
  id: string
}

export const REPOSITORY_MODE = '160000'
export const LINK_MODE = '120000'

/** Every file of a tree by path, one character per byte. */
export async function entriesOf(
  repository: Repository,
  tree: string,
  options: GitOptions,
): Promise<Map<string, Entry>> {
  const listed = await git(repository, ['ls-tree', '-r', '-z', '--full-tree', tree], options)
  const entries = new Map<string, Entry>()
  const own = ownFolders(repository)
  for (const line of listed.split('\0')) {
    const [, mode, id, file] = /^(\d+) \w+ ([0-9a-f]+)\t([\s\S]+)$/.exec(line) ?? []
    if (mode && id && file && !isInOne(own, file)) entries.set(file, { mode, id })
  }
  return entries
}

export interface Difference {
  path: string
  /** Seen from the kept tree: what the working tree has besides, has otherwise, or has no more. */
  change: 'added' | 'changed' | 'missing'
  keptMode: string
  presentMode: string
}

const CHANGES: Readonly<Record<string, Difference['change']>> = { A: 'added', D: 'missing' }

/** How one tree differs from another, by path. */
export async function differences(
  repository: Repository,
  kept: string,
  present: string,
  options: GitOptions,
): Promise<Difference[]> {
  const command = ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--ignore-submodules=none', kept, present]
  const parts = (await git(repository, command, options)).split('\0')
  const found: Difference[] = []
  const own = ownFolders(repository)
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [, keptMode = '', presentMode = '', status = ''] =
      /^:(\d+) (\d+) [0-9a-f]+ [0-9a-f]+ ([A-Z])/.exec(parts[at]!) ?? []
    const file = parts[at + 1]!
    if (!isInOne(own, file)) found.push({ path: file, change: CHANGES[status] ?? 'changed', keptMode, presentMode })
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** The bytes that writing the file back would give it: filters and line endings as the attributes ask for. */
export async function contentOf(
  repository: Repository,
  raw: string,
  entry: Entry,
  options: GitOptions,
): Promise<Uint8Array> {
  const text = textOf(raw)
  const filtered = entry.mode !== LINK_MODE && text !== null
  const command = filtered ? ['cat-file', '--filters', `--path=${text}`, entry.id] : ['cat-file', 'blob', entry.id]
  return Buffer.from(await git(repository, command, options), 'latin1')
}

/**
 * Writes files of a tree into the working tree. Those to create are left alone where something has come to lie there;
 * those to overwrite are replaced. Throws `git_failed` if one could not be written.
 */
export async function writeBack(
  repository: Repository,
  tree: string,
  files: { create: readonly string[]; overwrite: readonly string[] },
  options: GitOptions & { scratch: string },
): Promise<void> {
  const { scratch, ...given } = options
  const own = { ...given, env: { ...given.env, GIT_INDEX_FILE: path.join(scratch, 'restore-index') } }
  await git(repository, ['read-tree', tree], own)
  if (files.create.length > 0)
    await git(repository, ['checkout-index', '-z', '--stdin'], { ...own, stdin: nulled(files.create) })
  if (files.overwrite.length > 0)
    await git(repository, ['checkout-index', '--force', '-z', '--stdin'], { ...own, stdin: nulled(files.overwrite) })
}
