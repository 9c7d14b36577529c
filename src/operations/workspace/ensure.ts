/** Making the runtime root where a command needs one. */
import { MillraceError } from '../../core/errors.ts'
import { isInitialised } from '../../store/layout.ts'
import { type Context, placesIn } from '../context.ts'

/** Makes the runtime root if there is none, and says so. */
export async function ensureWorkspace(context: Context): Promise<void> {
  const places = placesIn(context)
  const { files, clock, packageRoot, version } = context
  if (isInitialised(files, places)) return
  if (context.dryRun)
    throw new MillraceError('workspace_missing', `There is no Millrace workspace in ${context.workspaceRoot}.`, {
      hint: 'without --dry-run the command makes one',
    })
  files.makeFolder(context.workspaceRoot)
  // Loaded only where there is something to make: most commands find a workspace.
  const { initWorkspace } = await import('../../store/init.ts')
  await initWorkspace(files, clock, places, { packageRoot, version })
  context.notice(`created a Millrace workspace: ${places.runtime}`)
}
