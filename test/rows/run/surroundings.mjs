/** What rows are played against: the packed tarball in a clean prefix, commands that do nothing, a clean clone. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'

const COMMANDS = ['millrace', 'millracer', 'millstone']
const REPOSITORY = path.resolve(import.meta.dirname, '../../..')
const npm = (args) =>
  execFileSync('npm', args, { cwd: REPOSITORY, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

/** Packs the project as it is built and installs the tarball as a user would; the prefix. */
export function installPacked(folder) {
  const prefix = path.join(folder, 'prefix')
  mkdirSync(prefix)
  const [{ filename }] = JSON.parse(npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder]))
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  npm(['install', '--global', '--prefix', prefix, ...quiet, path.join(folder, filename)])
  return prefix
}

/** A prefix whose commands all are `true`. */
export function emptyPrefix(folder) {
  const prefix = path.join(folder, 'prefix-of-true')
  const program = ['/bin/true', '/usr/bin/true'].find(existsSync)
  mkdirSync(path.join(prefix, 'bin'), { recursive: true })
  for (const command of COMMANDS) symlinkSync(program, path.join(prefix, 'bin', command))
  return prefix
}

/** The repository as HEAD has it, without anything that lies around in this one. */
export function cloneRepository(folder) {
  const clone = path.join(folder, 'clone')
  execFileSync('git', ['clone', '-q', REPOSITORY, clone])
  return clone
}

/** A folder with the programs rows may use besides: this Node and git, and nothing else that lies beside them. */
export function toolsFolder(folder) {
  const tools = path.join(folder, 'tools')
  mkdirSync(tools)
  symlinkSync(process.execPath, path.join(tools, 'node'))
  symlinkSync(execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim(), path.join(tools, 'git'))
  return tools
}
