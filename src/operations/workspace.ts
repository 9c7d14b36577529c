/** Workspaces: making a runtime root. */
import * as path from 'node:path'
import { MillraceError } from '../core/errors.ts'
import type { Operation } from '../core/operation.ts'
import { isInitialised, type Places, placesOf } from '../store/layout.ts'
import { type Context, placesIn } from './context.ts'

export interface InitOutput {
  workspace: string
  initialized: boolean
  created: string[]
}

export const init: Operation<Context, { dest?: string; force?: boolean }, InitOutput> = {
  name: 'init',
  flavour: 'perform',
  summary: 'Make a workspace.',
  description:
    'With DEST: a new workspace in a folder that is absent or empty. Without: a runtime root (millrace-agents/) in the folder at hand. Creates what is missing, lists it, and touches nothing else; --force also rewrites the prompts and skills that were deployed before. Queues, state and millrace.toml are never rewritten.',
  input: [
    { name: 'dest', type: 'text', positional: true, placeholder: 'DEST', description: 'Folder of the new workspace.' },
    { name: 'force', type: 'flag', description: 'Rewrite deployed prompts and skills.' },
  ],
  examples: [
    { command: 'cd my-project && millrace init', does: 'add Millrace to an existing project' },
    { command: 'millrace init ~/new-project', does: 'make a new workspace' },
  ],
  output: async () => (await import('./schemas.ts')).initSchema(),
  async run(context, { dest, force }) {
    const root = dest === undefined ? context.workspaceRoot : path.resolve(dest)
    const names = context.files.list(root)
    if (
      dest !== undefined &&
      names !== null &&
      names.length > 0 &&
      !(force === true && isInitialised(context.files, placesOf(root)))
    ) {
      throw new MillraceError('usage', `${dest} is not empty.`, {
        hint: `to add Millrace to an existing project: cd ${dest} && millrace init`,
      })
    }
    context.files.makeFolder(root)
    const created = await make(context, placesOf(root), force === true)
    return { workspace: root, initialized: true, created }
  },
}

/** Makes the runtime root where a command needs one, and says so (design §12, *bootstrap*). */
export async function ensureWorkspace(context: Context): Promise<void> {
  if (isInitialised(context.files, placesIn(context))) return
  if (context.dryRun)
    throw new MillraceError('workspace_missing', `There is no Millrace workspace in ${context.workspaceRoot}.`, {
      hint: 'without --dry-run the command makes one',
    })
  context.files.makeFolder(context.workspaceRoot)
  await make(context, placesIn(context), false)
  context.notice(`created a Millrace workspace: ${placesIn(context).runtime}`)
}

/** Gives what was created. Loaded only where there is something to make: most commands find a workspace. */
async function make(context: Context, places: Places, force: boolean): Promise<string[]> {
  const { initWorkspace } = await import('../store/init.ts')
  const { packageRoot, version } = context
  return (await initWorkspace(context.files, context.clock, places, { packageRoot, version, force })).created
}
