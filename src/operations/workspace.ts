/** Workspaces: making a runtime root. */
import * as path from 'node:path'
import { MillraceError } from '../core/errors.ts'
import type { Operation } from '../core/operation.ts'
import { initWorkspace, isInitialised } from '../store/init.ts'
import { placesOf } from '../store/layout.ts'
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
    const { created } = await initWorkspace(context.files, context.clock, placesOf(root), {
      packageRoot: context.packageRoot,
      version: context.version,
      force: force === true,
    })
    return { workspace: root, initialized: true, created }
  },
}

/** Makes the runtime root where a command needs one, and says so (design §12, *bootstrap*). */
export async function ensureWorkspace(context: Context): Promise<void> {
  if (isInitialised(context.files, placesIn(context))) return
  context.files.makeFolder(context.workspaceRoot)
  await initWorkspace(context.files, context.clock, placesIn(context), {
    packageRoot: context.packageRoot,
    version: context.version,
  })
  context.notice(`created a Millrace workspace: ${placesIn(context).runtime}`)
}
