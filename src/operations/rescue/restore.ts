/**
 * Restoring files of a kept tree: what would be written, what stands in the way, and doing it once the present working
 * tree is kept as well. All or nothing is decided before the first byte.
 */
import * as path from 'node:path'
import type { Files } from '../../core/files.ts'
import type { GitOptions, Repository } from '../../engine/git.ts'
import { shownPath, textOf } from '../../engine/git-path.ts'
import { type Difference, differences, entriesOf, REPOSITORY_MODE, writeBack } from '../../engine/kept-tree.ts'
import { type KeptTree, keepTree, RESCUE, restoreSubject } from '../../engine/rescue-refs.ts'
import { readWorkingTree, type WorkingTreeRead } from '../../engine/working-tree.ts'
import { readText } from '../../store/files.ts'
import { runFolder } from '../../store/layout.ts'
import { type Context, placesIn } from '../context.ts'
import { lockIn } from '../owner.ts'
import { reading } from '../reading.ts'
import type { RescueRestoreOutput, RestoreFile } from '../schemas/rescue.ts'
import { FILES_LISTED_MAX, filesAt, inScratch, optionsFor, repositoryOf, treeMeant } from './trees.ts'

export interface RestoreInput {
  ref: string
  path?: string[]
  apply?: boolean
  dry_run?: boolean
  force?: boolean
}

interface Planned {
  /** One character per byte. */
  raw: string
  action: RestoreFile['action']
  reason: string | null
}

export async function restoreFiles(context: Context, input: RestoreInput): Promise<RescueRestoreOutput> {
  const repository = await repositoryOf(context)
  const options = optionsFor(context)
  const kept = await treeMeant(repository, input.ref, options)
  const paths = input.path ?? []
  const wanted = paths.length === 0 ? null : await filesNamed(repository, kept, paths, options)
  const apply = input.apply === true
  return inScratch(context, async (scratch) => {
    const present = await readWorkingTree(repository, { ...options, scratch, quarantine: !apply })
    const found = await differences(repository, kept.tree, present.tree, { ...options, env: present.env })
    const plan = found
      .filter(({ path: file, change }) => change !== 'added' && (wanted === null || wanted.has(file)))
      .map((one) => planned(context.files, repository, one, present))
    const answer = {
      ...kept,
      files: plan.slice(0, FILES_LISTED_MAX).map(({ raw, ...rest }) => ({ path: shownPath(raw), ...rest })),
      file_count: plan.length,
      left_in_place: found.filter(({ change }) => change === 'added').length,
      present_ref: null,
      applied: false,
    }
    const of = (action: Planned['action']) => plan.filter((one) => one.action === action).map((one) => one.raw)
    const [create, overwrite, blocked] = [of('create'), of('overwrite'), of('blocked')]
    if (create.length + overwrite.length + blocked.length === 0)
      return { ...answer, state: 'nothing', detail: 'Every file asked for is as it was kept.' }
    if (!apply) return { ...answer, state: 'preview', detail: preview(create, overwrite, blocked) }
    const objection = objectionTo(context, overwrite, blocked, input.force === true)
    if (objection !== null) return { ...answer, state: 'refused', detail: objection }
    const present_ref = `${RESCUE}/restore/${context.clock.hex(12)}`
    const origin = {
      subject: restoreSubject(kept.ref),
      workspace: context.workspaceRoot,
      run_id: null,
      request_id: null,
      node_id: null,
    }
    await keepTree(repository, { ref: present_ref, ...present, origin }, options)
    context.notice(`the working tree as it is now is kept as ${present_ref}`)
    await writeBack(repository, kept.tree, { create, overwrite }, { ...options, scratch })
    const detail = `${counted(create.length + overwrite.length)} written; the tree from before is kept as ${present_ref}.`
    return { ...answer, state: 'applied', applied: true, present_ref, detail }
  })
}

async function filesNamed(
  repository: Repository,
  kept: KeptTree,
  paths: readonly string[],
  options: GitOptions,
): Promise<Set<string>> {
  const entries = await entriesOf(repository, kept.tree, options)
  return new Set(paths.flatMap((one) => filesAt(repository, entries, one)))
}

const counted = (count: number): string => `${count} ${count === 1 ? 'file' : 'files'}`

function preview(create: readonly string[], overwrite: readonly string[], blocked: readonly string[]): string {
  const parts = [
    ...(create.length > 0 ? [`${counted(create.length)} would be created`] : []),
    ...(overwrite.length > 0 ? [`${counted(overwrite.length)} would be overwritten, which needs --force`] : []),
    ...(blocked.length > 0 ? [`${counted(blocked.length)} cannot be written`] : []),
  ]
  return `${parts.join(', ')}; nothing was written, --apply does it.`
}

function objectionTo(
  context: Context,
  overwrite: readonly string[],
  blocked: readonly string[],
  force: boolean,
): string | null {
  if (blocked.length > 0)
    return `Nothing was written: something is in the way of ${counted(blocked.length)}; move it, or name other paths.`
  if (force) return null
  const node = stageRunning(context)
  if (node !== null)
    return `Nothing was written: stage ${node} is running in this workspace; wait, stop it with \`millrace stop\`, or use --force.`
  if (overwrite.length > 0)
    return `Nothing was written: the present content of ${counted(overwrite.length)} differs; --force overwrites.`
  return null
}

function planned(files: Files, repository: Repository, found: Difference, present: WorkingTreeRead): Planned {
  const raw = found.path
  if (found.keptMode === REPOSITORY_MODE || found.presentMode === REPOSITORY_MODE)
    return { raw, action: 'skip', reason: 'a repository of its own; its own git brings its commits back' }
  const isMissing = found.change === 'missing'
  const unkept = present.leftOut.find((one) => one.path === raw)
  const reason = unkept
    ? `what is there cannot be kept: ${unkept.reason}`
    : inTheWay(files, repository.top, raw, isMissing)
  if (reason !== null) return { raw, action: 'blocked', reason }
  return { raw, action: isMissing ? 'create' : 'overwrite', reason: null }
}

/**
 * What keeps a file from being written to its place: a link or file where one of its folders should be, or, where the
 * working tree as git sees it has no such file, anything at all. Nothing is ever written through a link.
 */
function inTheWay(files: Files, top: string, raw: string, isMissing: boolean): string | null {
  const text = textOf(raw)
  if (text === null) return null // cannot be looked at; git itself creates nothing over what is there
  const parts = text.split('/')
  for (let depth = 1; depth < parts.length; depth++) {
    const folder = parts.slice(0, depth).join('/')
    const stat = files.stat(path.join(top, folder))
    if (stat === null) return null
    if (stat.kind !== 'directory') return `${folder} is a ${stat.kind === 'link' ? 'symbolic link' : stat.kind} now`
  }
  const stat = files.stat(path.join(top, text))
  if (stat === null) return null
  if (stat.kind === 'directory') return 'a folder is there now'
  return isMissing ? 'a file is there that git ignores, so that it could not be kept' : null
}

/** Node of a stage that is at work in the workspace; also one left running by a runtime that is gone. */
function stageRunning(context: Context): string | null {
  const isOwned = lockIn(context).state === 'active'
  const runs = reading(context, (view) => view.snapshot.active_runs).filter((run) => run.status === 'started')
  const running = runs.find((run) => isOwned || isAlive(context, run.run_id, run.request_id))
  return running?.node_id ?? null
}

function isAlive(context: Context, runId: string, requestId: string | null): boolean {
  try {
    const file = placesIn(context).at(`${runFolder(runId)}/runner_handle.${requestId}.json`)
    const handle = JSON.parse(readText(context.files, file) ?? '{}') as { pid?: number; start_time?: string }
    if (handle.pid === undefined) return false
    const found = context.processes.identify(handle.pid)
    return found !== null && !found.zombie && found.startTime === handle.start_time
  } catch {
    return false
  }
}
