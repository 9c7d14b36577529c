/**
 * Hidden refs: working trees kept under `refs/millrace/rescue/`, each in a commit that says where it comes from.
 * No branch, tag, stash, reflog or HEAD is touched; a ref is made once and never moved, and removed only by retention.
 */
import { type GitOptions, git, type Repository, tryGit } from './git.ts'
import { shownPath } from './git-path.ts'
import type { LeftOut } from './working-tree.ts'

export const RESCUE = 'refs/millrace/rescue'

/** The ref of the tree from before a stage run. */
export const rescueRef = (runId: string, requestId: string): string => `${RESCUE}/${runId}/${requestId}`

export interface Origin {
  /** First line of the commit. */
  subject: string
  workspace: string
  run_id: string | null
  request_id: string | null
  node_id: string | null
}

export interface KeptTree extends Origin {
  ref: string
  commit: string
  tree: string
  /** ISO time. */
  kept_at: string
  /** Paths it does not hold, with the reason; the last one counts the rest. */
  left_out: string[]
}

const NAMED_MAX = 20

/** What a tree does not hold, as lines: at most 20 paths, then how many more. */
export function leftOutLines(leftOut: readonly LeftOut[]): string[] {
  const lines = leftOut.slice(0, NAMED_MAX).map((one) => `${shownPath(one.path)}: ${one.reason}`)
  return leftOut.length > NAMED_MAX ? [...lines, `and ${leftOut.length - NAMED_MAX} more`] : lines
}

const LABELS = { workspace: 'Workspace', run_id: 'Run', request_id: 'Request', node_id: 'Node' } as const

/** Keeps a tree under a new ref, so that it outlives a loss of power. Throws `git_failed`, also where the ref is there already. */
export async function keepTree(
  repository: Repository,
  kept: { ref: string; tree: string; leftOut: readonly LeftOut[]; origin: Origin },
  options: GitOptions,
): Promise<void> {
  const { origin } = kept
  const now = repository.ports.clock.now()
  const line = (label: string, value: string) => `Millrace-${label}: ${value.replace(/[\r\n]/g, ' ')}`
  const labelled = (Object.keys(LABELS) as (keyof typeof LABELS)[]).flatMap((key) =>
    origin[key] === null ? [] : [line(LABELS[key], origin[key])],
  )
  const leftOut = leftOutLines(kept.leftOut).map((one) => line('Left-Out', one))
  const message = [origin.subject, '', line('Kept-At', now.toISOString()), ...labelled, ...leftOut, ''].join('\n')
  const who = { NAME: 'Millrace', EMAIL: 'rescue@millrace.invalid', DATE: `@${Math.floor(now.getTime() / 1000)} +0000` }
  const people = ['AUTHOR', 'COMMITTER'].flatMap((role) =>
    Object.entries(who).map(([what, value]) => [`GIT_${role}_${what}`, value]),
  )
  const lasting = { ...options, lasting: 'flushed' as const }
  const how = {
    ...lasting,
    env: { ...options.env, ...(Object.fromEntries(people) as Record<string, string>) },
    stdin: Buffer.from(message, 'utf8').toString('latin1'),
  }
  // On top of HEAD, so that commits a stage throws away stay reachable too; a new repository has none yet.
  const onHead = await tryGit(repository, ['commit-tree', kept.tree, '-p', 'HEAD'], how)
  const commit = onHead.code === 0 ? onHead.stdout : await git(repository, ['commit-tree', kept.tree], how)
  await git(repository, ['update-ref', '--no-deref', kept.ref, commit.trim(), ''], lasting)
}

const BEFORE_RESTORE = 'Working tree before a restore from '

/** First line of the commit that keeps the working tree before files of `ref` are brought back. */
export const restoreSubject = (ref: string): string => BEFORE_RESTORE + ref

/** Refs from which files were brought back. */
export const givenBack = (trees: readonly KeptTree[]): Set<string> =>
  new Set(
    trees.flatMap(({ subject }) => (subject.startsWith(BEFORE_RESTORE) ? subject.slice(BEFORE_RESTORE.length) : [])),
  )

/** Tree id kept under a ref; null if there is no such ref. */
export async function treeAt(repository: Repository, ref: string, options: GitOptions): Promise<string | null> {
  const found = await tryGit(repository, ['rev-parse', '--verify', '--quiet', `${ref}^{tree}`], options)
  return found.code === 0 ? found.stdout.trim() : null
}

/** Removes refs that still stand at their commit; gives those that are gone. Throws `git_failed` only where there is no answer. */
export async function dropKept<Ref extends Pick<KeptTree, 'ref' | 'commit'>>(
  repository: Repository,
  refs: readonly Ref[],
  options: GitOptions,
): Promise<readonly Ref[]> {
  if (refs.length === 0) return []
  const stdin = refs.map(({ ref, commit }) => `delete ${ref} ${commit}\n`).join('')
  const all = await tryGit(repository, ['update-ref', '--no-deref', '--stdin'], { ...options, stdin })
  if (all.code === 0) return refs
  // All or none: one that somebody has moved keeps the others from going.
  const gone: Ref[] = []
  for (const one of refs) {
    const { code } = await tryGit(repository, ['update-ref', '--no-deref', '-d', one.ref, one.commit], options)
    if (code === 0) gone.push(one)
  }
  return gone
}

const FIELDS = ['%(refname)', '%(objectname)', '%(tree)', '%(committerdate:iso-strict)', '%(contents)']

/** Every kept tree of the repository, newest first. */
export async function keptTrees(repository: Repository, options: GitOptions): Promise<KeptTree[]> {
  const format = FIELDS.map((field) => `${field}%00`).join('')
  const text = Buffer.from(await git(repository, ['for-each-ref', `--format=${format}`, RESCUE], options), 'latin1')
  const parts = text.toString('utf8').split('\0')
  const kept: KeptTree[] = []
  for (let at = 0; at + FIELDS.length < parts.length; at += FIELDS.length) {
    const [ref = '', commit = '', tree = '', date = '', message = ''] = parts.slice(at, at + FIELDS.length)
    if (tree !== '') kept.push(read(ref.trimStart(), commit, tree, date, message))
  }
  return kept.sort((a, b) => (a.kept_at > b.kept_at ? -1 : a.kept_at < b.kept_at ? 1 : a.ref < b.ref ? -1 : 1))
}

function read(ref: string, commit: string, tree: string, date: string, message: string): KeptTree {
  const lines = message.split('\n')
  const said = (label: string) =>
    lines.filter((line) => line.startsWith(`Millrace-${label}: `)).map((line) => line.slice(label.length + 11))
  const one = (label: string) => said(label)[0] ?? null
  return {
    ref,
    commit,
    tree,
    subject: lines[0] ?? '',
    kept_at: one('Kept-At') ?? new Date(date).toISOString(),
    workspace: one('Workspace') ?? 'unknown',
    run_id: one('Run'),
    request_id: one('Request'),
    node_id: one('Node'),
    left_out: said('Left-Out'),
  }
}
