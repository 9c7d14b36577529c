/**
 * The git repository a workspace lies in: whether there is one that may be used, and how git is started in it.
 * What is kept of it is decided in working-tree.ts, under which name in rescue-refs.ts; nothing here changes anything.
 */
import * as path from 'node:path'
import type { Clock } from '../core/clock.ts'
import { MillraceError } from '../core/errors.ts'
import type { Exec, ExecResult } from '../core/exec.ts'
import type { Files } from '../core/files.ts'
import { OWN_FOLDERS } from '../store/layout.ts'
import { rawOf } from './git-path.ts'

export interface GitPorts {
  exec: Exec
  files: Files
  clock: Clock
  environment: Readonly<Record<string, string | undefined>>
}

export interface Repository {
  ports: GitPorts
  /** Top folder of the working tree, as the real path: git runs there, and every path is relative to it. */
  top: string
  /** Git folder of this working tree; a linked one has its own. */
  gitDir: string
  /** The workspace relative to the top, with a slash at its end; empty where it is the top. */
  prefix: string
}

/** Our own folders, as git names them in this repository. */
export const ownFolders = ({ prefix }: Repository): string[] => OWN_FOLDERS.map((folder) => rawOf(prefix + folder))

export const isInOne = (folders: readonly string[], raw: string): boolean =>
  folders.some((folder) => raw === folder || raw.startsWith(`${folder}/`))

/** Whether working trees can be kept, and if not, why and what would change that. */
export type Protection = { on: true; repository: Repository } | { on: false; reason: string; remedy: string }

export interface GitOptions {
  /** Variables beside the built environment. */
  env?: Readonly<Record<string, string>>
  stdin?: string
  /** Monotonic time by which the answer must be there. */
  deadlineMs: number
  /** How what it writes comes to outlive a loss of power; otherwise that is left to the settings of the user. */
  lasting?: keyof typeof LASTING
}

/** All that git is given of our environment: no `GIT_*` variable of ours ever leads it elsewhere. */
const PASSED = ['PATH', 'HOME', 'XDG_CONFIG_HOME', 'USER', 'LOGNAME', 'TMPDIR', 'DEVELOPER_DIR']
const FIXED = {
  LC_ALL: 'C',
  GIT_TERMINAL_PROMPT: '0',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_NO_LAZY_FETCH: '1',
  GIT_LITERAL_PATHSPECS: '0',
}

/** Settings of the user that would start programs of theirs, ask, write beside our files, or refuse what we keep. */
const OVERRIDES = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.splitIndex=false',
  'core.sparseCheckout=false',
  'core.safecrlf=false',
  'core.quotePath=false',
  'core.logAllRefUpdates=false',
  'commit.gpgSign=false',
  'i18n.commitEncoding=UTF-8',
  'submodule.recurse=false',
  'gc.auto=0',
  'maintenance.auto=false',
].flatMap((setting) => ['-c', setting])

/**
 * `written`: objects are handed to the device, which keeps them with its next flush; of many files that takes a third of
 * the time. `flushed`: objects and refs are flushed before git ends, and with them all that was written. A ref that
 * leads to objects a power failure took would be damage to the user's repository. Unknown to git before 2.36.
 */
const LASTING = {
  written: ['-c', 'core.fsync=objects', '-c', 'core.fsyncMethod=writeout-only'],
  flushed: ['-c', 'core.fsync=objects,reference', '-c', 'core.fsyncMethod=fsync'],
}

const OUTPUT_BYTES_MAX = 128 * 1024 * 1024
const FIND_MS_MAX = 10_000

/** Runs git to its end, whatever that is. Its output keeps every byte: one character each, as paths are no text. */
async function run(ports: GitPorts, cwd: string, args: readonly string[], options: GitOptions): Promise<ExecResult> {
  const { exec, clock, environment } = ports
  const timeoutMs = options.deadlineMs - clock.monotonicMs()
  if (timeoutMs <= 0) return { code: null, stdout: '', stderr: '', timedOut: true, truncated: false }
  const passed = PASSED.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]]))
  const lasting = options.lasting ? LASTING[options.lasting] : []
  return exec('git', [...OVERRIDES, ...lasting, ...args], {
    cwd,
    env: { ...(Object.fromEntries(passed) as Record<string, string>), ...FIXED, ...options.env },
    ...(options.stdin === undefined ? {} : { stdin: Buffer.from(options.stdin, 'latin1') }),
    timeoutMs,
    outputBytesMax: OUTPUT_BYTES_MAX,
    encoding: 'latin1',
  })
}

/** Runs git in the working tree; gives how it ended. Throws `git_failed` only where there is no answer at all. */
export async function tryGit(
  repository: Repository,
  args: readonly string[],
  options: GitOptions,
): Promise<ExecResult & { code: number }> {
  const result = await run(repository.ports, repository.top, args, options)
  if (result.code !== null && !result.timedOut && !result.truncated) return { ...result, code: result.code }
  throw failed(args, result)
}

/** Runs git in the working tree; gives what it printed, byte by character. Throws `git_failed`. */
export async function git(repository: Repository, args: readonly string[], options: GitOptions): Promise<string> {
  const result = await tryGit(repository, args, options)
  if (result.code !== 0) throw failed(args, result)
  return result.stdout
}

export function failed([verb = '']: readonly string[], result: ExecResult): MillraceError {
  const why = result.timedOut
    ? 'took too long and was ended'
    : result.truncated
      ? `printed more than ${OUTPUT_BYTES_MAX / 1024 / 1024} MiB and was ended`
      : `failed: ${firstLine(result) || `exit code ${result.code}`}`
  return new MillraceError('git_failed', `git ${verb} ${why}.`)
}

const firstLine = ({ stderr }: ExecResult): string =>
  (Buffer.from(stderr, 'latin1').toString('utf8').trim().split('\n')[0] ?? '').replace(/^(fatal|error): |\.$/g, '')

/**
 * Looks for the repository of a workspace. Without a `.git` in the folder or above it no program is started. Never
 * throws for what it finds.
 */
export async function findRepository(ports: GitPorts, workspaceRoot: string): Promise<Protection> {
  const { files, clock } = ports
  const root = files.realpath(workspaceRoot) ?? workspaceRoot
  const home = gitAbove(files, root)
  if (home === null) return off(`${root} is not in a git repository.`, `make it one with: git -C ${root} init`)
  const options = { deadlineMs: clock.monotonicMs() + FIND_MS_MAX }
  const found = await run(
    ports,
    root,
    ['rev-parse', '--is-inside-work-tree', '--show-cdup', '--absolute-git-dir'],
    options,
  )
  if (found.code === 127) return off('There is no program git on the PATH.', 'install git')
  if (/dubious ownership|unsafe repository/.test(found.stderr))
    return off(
      `git refuses the repository at ${home} because it belongs to another user.`,
      `if you trust it: git config --global --add safe.directory ${home}`,
    )
  const [inside, up = '', ...rest] = found.stdout.split('\n')
  if (found.code !== 0)
    return off(
      `git cannot use the repository at ${home}: ${failed(['rev-parse'], found).message}`,
      'mend it, then try again',
    )
  if (inside !== 'true') return off(`The repository at ${home} has no working tree here.`, 'work in a checkout of it')
  const top = path.resolve(root, up)
  const prefix = top === root ? '' : `${path.relative(top, root)}/`
  // The name of a folder may hold line breaks; it is printed last.
  const gitDir = Buffer.from(rest.join('\n').slice(0, -1), 'latin1').toString('utf8')
  const repository = { ports, top, gitDir, prefix }
  if (prefix !== '' && (await isIgnored(repository, options)))
    return off(`The repository at ${top} ignores ${root}.`, `make it a repository of its own with: git -C ${root} init`)
  return { on: true, repository }
}

const off = (reason: string, remedy: string): Protection => ({ on: false, reason, remedy })

/** The nearest folder with a `.git`, from this one upwards; a linked working tree has a file of that name. */
function gitAbove(files: Files, folder: string): string | null {
  if (files.stat(path.join(folder, '.git')) !== null) return folder
  const parent = path.dirname(folder)
  return parent === folder ? null : gitAbove(files, parent)
}

async function isIgnored(repository: Repository, options: GitOptions): Promise<boolean> {
  const name = repository.prefix.slice(0, -1)
  const result = await run(repository.ports, repository.top, ['check-ignore', '--quiet', '--', name], options)
  return result.code === 0
}
