/**
 * No lost edit: the user's working tree is kept before a stage starts and read again once it has ended. Called inside
 * the lane, never by the tick. Nothing here stops a stage: where no tree can be kept, the stage's result says why.
 */
import * as path from 'node:path'
import { MillraceError } from '../core/errors.ts'
import type { Files } from '../core/files.ts'
import type { StageRequest } from '../core/request.ts'
import type { WorkingTree } from '../core/result.ts'
import type { EnginePorts } from './engine.ts'
import { findRepository, type GitPorts, type Repository } from './git.ts'
import { keepTree, leftOutLines, rescueRef, treeAt } from './rescue-refs.ts'
import { removeScratch, withScratch } from './scratch.ts'
import { readWorkingTree } from './working-tree.ts'

/** Longest time keeping or reading a tree may take; then the stage goes on without it. */
export const TREE_MS_MAX = 30_000

export interface Kept {
  /** Null where nothing can be kept. */
  repository: Repository | null
  workingTree: WorkingTree
}

const NOTHING: WorkingTree = { before: null, after: null, ref: null, left_out: [], problem: null }

/** Keeps the working tree under the ref of the request. Never rejects. */
export function keepBefore(ports: EnginePorts, request: StageRequest): Promise<Kept> {
  return inRepository(ports, request, async (repository, deadlineMs) => {
    const ref = rescueRef(request.run_id, request.request_id)
    const origin = {
      subject: `Working tree before ${request.node_id} of ${request.run_id}`,
      workspace: request.workspace_root,
      run_id: request.run_id,
      request_id: request.request_id,
      node_id: request.node_id,
    }
    const { tree, leftOut } = await read(repository, request, deadlineMs)
    await keepTree(repository, { ref, tree, leftOut, origin }, { deadlineMs })
    return { ...NOTHING, before: tree, ref, left_out: leftOutLines(leftOut) }
  })
}

/** What an earlier runtime kept before it started this request. Never rejects. */
export function recallBefore(ports: EnginePorts, request: StageRequest): Promise<Kept> {
  return inRepository(ports, request, async (repository, deadlineMs) => {
    const ref = rescueRef(request.run_id, request.request_id)
    const before = await treeAt(repository, ref, { deadlineMs })
    return before === null
      ? { ...NOTHING, problem: 'No tree was kept before the agent was started.' }
      : { ...NOTHING, before, ref }
  })
}

/** Reads the working tree again, now that the stage has ended. Never rejects. */
export async function readAfter({ repository, workingTree }: Kept, request: StageRequest): Promise<WorkingTree> {
  if (repository === null) return workingTree
  try {
    const deadlineMs = repository.ports.clock.monotonicMs() + TREE_MS_MAX
    const { tree, leftOut } = await read(repository, request, deadlineMs)
    const left_out = [...new Set([...workingTree.left_out, ...leftOutLines(leftOut)])]
    return { ...workingTree, after: tree, left_out }
  } catch (error) {
    return { ...workingTree, problem: workingTree.problem ?? sentenceOf(error) }
  }
}

/** The ref of the tree from before a stage run; null if none was kept, or nobody can tell. */
export async function refBefore(ports: GitPorts, workspaceRoot: string, runId: string, requestId: string) {
  try {
    const found = await findRepository(ports, workspaceRoot)
    if (!found.on) return null
    const ref = rescueRef(runId, requestId)
    const deadlineMs = ports.clock.monotonicMs() + TREE_MS_MAX
    return (await treeAt(found.repository, ref, { deadlineMs })) === null ? null : ref
  } catch {
    return null
  }
}

async function inRepository(
  ports: EnginePorts,
  request: StageRequest,
  keep: (repository: Repository, deadlineMs: number) => Promise<WorkingTree>,
): Promise<Kept> {
  try {
    const deadlineMs = ports.clock.monotonicMs() + TREE_MS_MAX
    const found = await findRepository(ports, request.workspace_root)
    if (!found.on) return { repository: null, workingTree: { ...NOTHING, problem: found.reason } }
    const { repository } = found
    return { repository, workingTree: await keep(repository, deadlineMs) }
  } catch (error) {
    return { repository: null, workingTree: { ...NOTHING, problem: sentenceOf(error) } }
  }
}

/** Removes what a runtime that died while it read the working tree left of that. Never throws. */
export const removeHalfRead = (files: Files, request: StageRequest): void => removeScratch(files, scratchOf(request))

const scratchOf = ({ run_dir, request_id }: StageRequest): string => path.join(run_dir, `working_tree.${request_id}`)

const read = (repository: Repository, request: StageRequest, deadlineMs: number) =>
  withScratch(repository.ports.files, scratchOf(request), (scratch) =>
    readWorkingTree(repository, { scratch, deadlineMs }),
  )

const sentenceOf = (error: unknown): string =>
  MillraceError.is(error) ? error.message : `The working tree could not be kept: ${(error as Error).message}.`
