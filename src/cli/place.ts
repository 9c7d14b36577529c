/** Which workspace a command means: named, from the environment, found above, or the folder at hand. */
import * as path from 'node:path'
import { MillraceError } from '../core/errors.ts'
import type { Files } from '../core/files.ts'

/** Folder of the runtime root below a workspace. */
const RUNTIME_FOLDER = 'millrace-agents'
const CONFIG_NAME = 'millrace.toml'

interface Place {
  root: string
  /** `above`: a folder above the one at hand, which deserves a word to the operator. */
  found: 'named' | 'above' | 'here'
}

/** Throws `usage` where the options contradict each other, `file_unreadable` where a workspace cannot be a folder. */
export function findPlace(
  files: Files,
  given: { workspace: string | undefined; config: string | undefined },
  environment: NodeJS.ProcessEnv,
  cwd: string,
): Place {
  const byWorkspace =
    given.workspace === undefined ? null : folder(files, path.resolve(cwd, given.workspace), '--workspace')
  const byConfig = given.config === undefined ? null : workspaceOfConfig(path.resolve(cwd, given.config), given.config)
  if (byWorkspace !== null && byConfig !== null && byWorkspace !== byConfig) {
    throw new MillraceError('usage', `--workspace names ${byWorkspace}, but --config belongs to ${byConfig}.`, {
      hint: 'name the workspace once; for single settings use --set KEY=VALUE',
    })
  }
  const named = byWorkspace ?? (byConfig === null ? null : folder(files, byConfig, '--config'))
  if (named !== null) return { root: named, found: 'named' }
  const fromEnvironment = environment.MILLRACE_WORKSPACE?.trim()
  if (fromEnvironment)
    return { root: folder(files, path.resolve(cwd, fromEnvironment), 'MILLRACE_WORKSPACE'), found: 'named' }
  return nearestAbove(files, cwd) ?? { root: cwd, found: 'here' }
}

function nearestAbove(files: Files, cwd: string): Place | null {
  for (let at = cwd; ; at = path.dirname(at)) {
    // Inside the runtime root itself the workspace is above all the same.
    if (files.stat(path.join(at, RUNTIME_FOLDER))?.kind === 'directory')
      return { root: at, found: at === cwd ? 'here' : 'above' }
    if (path.dirname(at) === at) return null
  }
}

/** A config names the workspace whose runtime root it lies in, or lies beside. */
function workspaceOfConfig(file: string, given: string): string {
  if (path.basename(file) !== CONFIG_NAME) {
    throw new MillraceError('usage', `--config names a workspace by its ${CONFIG_NAME}, which ${given} is not.`, {
      hint: 'for single settings use --set KEY=VALUE',
    })
  }
  const beside = path.dirname(file)
  return path.basename(beside) === RUNTIME_FOLDER ? path.dirname(beside) : beside
}

function folder(files: Files, root: string, option: string): string {
  const kind = files.stat(files.realpath(root) ?? root)?.kind
  if (kind === undefined || kind === 'directory') return root
  throw new MillraceError('file_unreadable', `${option} needs a folder, and ${root} is none.`)
}
