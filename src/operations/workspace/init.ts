/** Making a workspace. */
import * as path from 'node:path'
import { NEW_CONFIG } from '../../core/config.ts'
import { MillraceError } from '../../core/errors.ts'
import type { InputField, Operation } from '../../core/operation.ts'
import { readConfig } from '../../store/config-file.ts'
import { AT, isInitialised, type Places, placesOf } from '../../store/layout.ts'
import { findMode } from '../assets/modes.ts'
import type { Context } from '../context.ts'

export interface InitOutput {
  workspace: string
  initialized: boolean
  bundle_version: string
  created: string[]
  overwritten: string[]
  replaced: { path: string; kept_as: string }[]
  created_file_count: number
  overwritten_file_count: number
  created_directory_count: number
}

interface InitInput {
  dest?: string
  mode?: string
  force?: boolean
}

const MODE: InputField = {
  name: 'mode',
  type: 'text',
  placeholder: 'ID',
  description: 'Mode a new millrace.toml names as its default.',
}

export const init: Operation<Context, InitInput, InitOutput> = {
  name: 'init',
  flavour: 'perform',
  summary: 'Make a workspace.',
  description:
    'With DEST: a new workspace in a folder that is absent or empty. Without: a runtime root (millrace-agents/) in the folder at hand. Creates what is missing, lists it, and touches nothing else. --force also puts prompts, skills and documents that were deployed before back to what the package has, edited or not; an edited one is kept in state/replaced/. Queues, state and millrace.toml are never rewritten. To bring a workspace up to a newer package and keep what was edited, use `millrace upgrade`.',
  input: [
    { name: 'dest', type: 'text', positional: true, placeholder: 'DEST', description: 'Folder of the new workspace.' },
    MODE,
    { name: 'force', type: 'flag', description: 'Rewrite deployed prompts, skills and documents.' },
  ],
  examples: [
    { command: 'cd my-project && millrace init', does: 'add Millrace to an existing project' },
    { command: 'millrace init ~/new-project', does: 'make a new workspace' },
    { command: 'millrace init --mode default_claude', does: 'have Claude Code do the work' },
  ],
  output: async () => (await import('../schemas.ts')).initSchema(),
  async run(context, { dest, mode, force = false }) {
    const root = dest === undefined ? context.workspaceRoot : path.resolve(dest)
    const places = placesOf(root)
    if (dest !== undefined) checkDestination(context, dest, places, force)
    const { initWorkspace } = await import('../../store/init.ts')
    const { files, clock, packageRoot, version } = context
    const config = mode === undefined ? {} : { config: configFor(context, places, mode) }
    files.makeFolder(root)
    const { created, overwritten, replaced } = await initWorkspace(files, clock, places, {
      packageRoot,
      version,
      force,
      ...config,
    })
    const isFolder = (name: string) => name.endsWith('/')
    return {
      workspace: root,
      initialized: true,
      bundle_version: version,
      created,
      overwritten,
      replaced,
      created_file_count: created.filter((name) => !isFolder(name)).length,
      overwritten_file_count: overwritten.length,
      created_directory_count: created.filter(isFolder).length,
    }
  },
}

/** Throws `usage` where no new workspace may be made. */
function checkDestination({ files }: Context, dest: string, places: Places, force: boolean): void {
  const { root } = places
  const real = files.realpath(root)
  const kind = files.stat(real ?? root)?.kind
  if (path.dirname(real ?? root) === (real ?? root))
    throw new MillraceError('usage', `${dest} is the root of a file system; a workspace cannot be made of it.`, {
      hint: 'name a folder below it',
    })
  if (kind !== undefined && kind !== 'directory')
    throw new MillraceError('usage', `${dest} is a ${kind}, not a folder.`, {
      hint: 'name a folder that is absent or empty',
    })
  const names = files.list(root) ?? []
  if (names.length === 0 || (force && isInitialised(files, places))) return
  throw new MillraceError('usage', `${dest} is not empty.`, {
    hint: `to add Millrace to an existing project: cd ${dest} && millrace init`,
  })
}

/** Text of a new config with another default mode. Throws `mode_unknown`, or `usage` where a config says otherwise already. */
function configFor(context: Context, places: Places, mode: string): string {
  const id = findMode({ ...context, workspaceRoot: places.root }, mode).mode_id
  if (context.files.stat(places.at(AT.config)) !== null) {
    const inForce = readConfig(context.files, places, []).config.runtime.default_mode
    if (inForce === mode || inForce === id) return NEW_CONFIG
    throw new MillraceError('usage', `There is a ${AT.config} already; its mode is ${inForce}.`, {
      hint: `set another with: millrace config set runtime.default_mode ${mode} --workspace ${places.root}`,
    })
  }
  return NEW_CONFIG.replace(/^default_mode = .*$/m, `default_mode = ${JSON.stringify(mode)}`)
}
