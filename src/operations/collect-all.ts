/** Removing what may go where no daemon does it: the command line holds the lock, and carries it through at once. */
import { MillraceError } from '../core/errors.ts'
import type { Retention } from '../core/state.ts'
import { collection } from '../engine/collection.ts'
import type { Workspace } from '../store/workspace.ts'
import type { Context } from './context.ts'

export async function collectAll(
  context: Context,
  workspace: Workspace,
  asked: NonNullable<Retention['asked']>,
): Promise<void> {
  const { places, guardedFiles } = workspace
  const host = { ports: context, files: context.files, places, guardedFiles, breathe: () => undefined }
  for await (const decide of collection({ ...host, view: () => workspace.view() }, asked)) {
    try {
      await workspace.commit(decide(workspace.view()))
    } catch (error) {
      // Something of it was taken away by others this very moment: the next time finds the rest.
      if (!MillraceError.is(error) || error.code !== 'conflict') throw error
    }
  }
}
