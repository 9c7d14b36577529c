/** The ports of a whole runtime in a workspace: the real disk, clock, processes and runners, or what a test gives instead. */
import type { Clock } from '../../src/core/clock.ts'
import type { Config } from '../../src/core/config.ts'
import type { Exec } from '../../src/core/exec.ts'
import type { Files } from '../../src/core/files.ts'
import { systemClock } from '../../src/engine/clock.ts'
import type { EnginePorts } from '../../src/engine/engine.ts'
import { COMMANDS } from '../../src/operations/commands/table.ts'
import { execWith } from '../../src/runners/exec.ts'
import { postWith } from '../../src/runners/post.ts'
import { processIdentity } from '../../src/runners/process.ts'
import { runnersFor } from '../../src/runners/registry.ts'
import type { Runner } from '../../src/runners/runner.ts'
import { disk } from '../../src/store/files.ts'
import type { Processes } from '../../src/store/lock.ts'

export const RUNNER_NAMES = ['codex_cli', 'pi_rpc', 'command', 'scripted']

export interface GivenPorts {
  clock?: Clock
  files?: Files
  processes?: Processes
  exec?: Exec
  environment?: Readonly<Record<string, string | undefined>>
  runners?: (config: Config, root: string) => ReadonlyMap<string, Runner>
}

interface Installation {
  /** Root of the packaged assets. */
  packageRoot: string
  /** The bundled scripted agent. */
  scriptedAgent: string
  /** The bundled driver; none unless the test speaks a two-way protocol. */
  driver?: string
}

export function enginePorts(workspaceRoot: string, installed: Installation, given: GivenPorts = {}): EnginePorts {
  const { files = disk, clock = systemClock, processes = processIdentity } = given
  const environment = given.environment ?? { PATH: process.env.PATH, HOME: workspaceRoot }
  return {
    files,
    clock,
    processes,
    commands: COMMANDS,
    validators: [],
    packageRoot: installed.packageRoot,
    runnerNames: RUNNER_NAMES,
    runners:
      given.runners ??
      ((config) =>
        runnersFor(config, {
          files,
          clock,
          workspaceRoot,
          scriptedAgent: installed.scriptedAgent,
          driver: installed.driver ?? '',
          environment,
        })),
    exec: given.exec ?? execWith(clock),
    post: postWith(clock),
    environment,
    onFatal: (error) => {
      throw error
    },
  }
}
