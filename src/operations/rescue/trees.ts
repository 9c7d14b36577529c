/** Finding kept trees and files in them by what an operator types, and reading the working tree to compare it with. */
import * as path from 'node:path'
import { MillraceError } from '../../core/errors.ts'
import { nearestId } from '../../core/nearest.ts'
import { findRepository, type GitOptions, type Repository } from '../../engine/git.ts'
import { rawOf, shownPath } from '../../engine/git-path.ts'
import type { Entry } from '../../engine/kept-tree.ts'
import { type KeptTree, keptTrees, RESCUE } from '../../engine/rescue-refs.ts'
import { withCommandScratch } from '../../engine/scratch.ts'
import { type Context, placesIn } from '../context.ts'

/** Files named in one answer. */
export const FILES_LISTED_MAX = 5000

/** Longest time one rescue command may take. */
const COMMAND_MS_MAX = 600_000

export const optionsFor = (context: Context): GitOptions => ({
  deadlineMs: context.clock.monotonicMs() + COMMAND_MS_MAX,
})

/** The repository of the workspace. Throws `rescue_off` with the reason where nothing can be kept. */
export async function repositoryOf(context: Context): Promise<Repository> {
  const found = await findRepository(context, context.workspaceRoot)
  if (found.on) return found.repository
  throw new MillraceError('rescue_off', `No working trees are kept here: ${found.reason}`, { hint: found.remedy })
}

/**
 * The kept tree that is meant by a ref, its last parts, a request id, or a run id, whole or a unique start; of a run the
 * newest. Throws `rescue_unknown`, and `item_ambiguous` for a start that several share.
 */
export async function treeMeant(repository: Repository, given: string, options: GitOptions): Promise<KeptTree> {
  const trees = await keptTrees(repository, options)
  const exact = trees.find((one) => [one.ref, one.ref.slice(RESCUE.length + 1), one.request_id].includes(given))
  if (exact) return exact
  const begins = (id: string | null, kind: string) =>
    given !== '' && id !== null && (id.startsWith(given) || id.startsWith(`${kind}-${given}`))
  const found = trees.filter((one) => begins(one.run_id, 'run') || begins(one.request_id, 'request'))
  const runs = new Set(found.map((one) => one.run_id))
  if (runs.size > 1) {
    const shown = [...runs].slice(0, 5).join(', ')
    throw new MillraceError('item_ambiguous', `${given} is the start of ${runs.size} runs: ${shown}.`, {
      hint: 'give more of the id',
    })
  }
  if (found[0] !== undefined) return found[0]
  const names = trees.flatMap((one) => [one.ref, ...(one.run_id === null ? [] : [one.run_id])])
  const near = nearestId(given, [...new Set(names)])
  throw new MillraceError('rescue_unknown', `No kept tree is called ${JSON.stringify(given)}.`, {
    hint: near === null ? 'see which there are with `millrace rescue ls`' : `did you mean ${near}?`,
  })
}

/**
 * The files of a kept tree that a path means: the file itself, or all below a folder. Paths begin at the top of the
 * repository, else at the workspace. Throws `rescue_unknown`.
 */
export function filesAt(repository: Repository, entries: ReadonlyMap<string, Entry>, given: string): string[] {
  const names = [...entries.keys()]
  const quoted = names.filter((name) => shownPath(name) === given)
  if (quoted.length > 0) return quoted
  const absolute = path.isAbsolute(given) ? path.relative(repository.top, given) : given
  for (const start of ['', repository.prefix]) {
    const wanted = rawOf(path.posix.normalize(start + absolute).replace(/\/$/, ''))
    const found = wanted === '.' ? names : names.filter((name) => name === wanted || name.startsWith(`${wanted}/`))
    if (found.length > 0) return found
  }
  throw new MillraceError('rescue_unknown', `The kept tree holds no ${JSON.stringify(given)}.`, {
    hint: 'paths begin at the top of the repository, as `millrace rescue show` prints them',
  })
}

/** A folder of our own below the runtime root, for as long as a command needs it. */
export function inScratch<T>(context: Context, use: (scratch: string) => Promise<T>): Promise<T> {
  return withCommandScratch(context, placesIn(context), use)
}
