/** A runner from a module, as the configuration would give it: for certifying an adapter of one's own. */
import { parseConfig } from '../core/config.ts'
import { MillraceError } from '../core/errors.ts'
import { systemClock } from '../engine/clock.ts'
import { RUNNER_NAMES } from '../runners/names.ts'
import { runnersFor } from '../runners/registry.ts'
import type { Runner } from '../runners/runner.ts'
import { disk } from '../store/files.ts'

/**
 * `file`: the module, absolute or relative to the workspace; `environment`: of which its agent gets the allowed part.
 * Throws `config_invalid` for a name that no runner of a module can have. A module that is wrong gives a runner which says so.
 */
export function moduleRunner(
  name: string,
  file: string,
  { workspaceRoot, environment }: { workspaceRoot: string; environment: Readonly<Record<string, string | undefined>> },
): Runner {
  if ((RUNNER_NAMES as readonly string[]).includes(name))
    throw new MillraceError('config_invalid', `${name} is a runner of this version; give the adapter another name.`)
  const config = parseConfig({ runners: { modules: { [name]: file } } }, 'the name of the runner')
  // The programs of this version's own runners, which are not asked for.
  const programs = { scriptedAgent: '', driver: '' }
  return runnersFor(config, { files: disk, clock: systemClock, environment, workspaceRoot, ...programs }).get(name)!
}
