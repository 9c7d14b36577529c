/** Reading a workspace whole. Apart from the context, because commands that only post something need none of it. */
import type { Files } from '../core/files.ts'
import type { View } from '../core/view.ts'
import { readWorkspace } from '../store/workspace.ts'
import { type Context, requireWorkspace } from './context.ts'

/** One consistent read of the workspace, without any lock. */
export function reading<T>(context: Context, read: (view: View, files: Files) => T): T {
  requireWorkspace(context)
  return readWorkspace(context, context.workspaceRoot, read).value
}
