/** Reading a workspace whole. Apart from the context, because commands that only post something need none of it. */
import { Config } from '../core/config.ts'
import type { Files } from '../core/files.ts'
import type { View } from '../core/view.ts'
import { readConfig } from '../store/config-file.ts'
import { readWorkspace } from '../store/workspace.ts'
import { type Context, placesIn, requireWorkspace } from './context.ts'

/** One consistent read of the workspace, without any lock. */
export function reading<T>(context: Context, read: (view: View, files: Files) => T): T {
  requireWorkspace(context)
  return readWorkspace(context, context.workspaceRoot, read).value
}

/** The config for whoever only looks on: one that cannot be read keeps nobody from looking. */
export function configOrDefaults(context: Context): Config {
  try {
    return readConfig(context.files, placesIn(context), context.overrides).config
  } catch {
    return Config.parse({})
  }
}
