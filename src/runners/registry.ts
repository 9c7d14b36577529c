/** Which runners there are: adapters by name, built from one configuration. */
import type { Config } from '../core/config.ts'
import { CODEX_PREFIXES, codexHarness } from './codex.ts'
import { commandHarness, NO_COMMAND } from './command.ts'
import { execWith } from './exec.ts'
import type { Harness } from './harness.ts'
import { oneShotRunner, type RunnerPorts } from './one-shot.ts'
import { type ProbedProgram, probeProgram } from './probe.ts'
import type { Runner, RunnerProbe } from './runner.ts'
import { scriptedHarness } from './scripted.ts'
import { unavailableRunner } from './unavailable.ts'

interface RegistryPorts extends RunnerPorts {
  /** Path of the bundled scripted agent. */
  scriptedAgent: string
}

/** A fresh set of runners. A stage keeps the runner it was started with; a new configuration serves the next ones. */
export function runnersFor(config: Config, ports: RegistryPorts): Map<string, Runner> {
  const { codex, command, scripted, output_bytes_max } = config.runners
  const limits = { outputBytesMax: output_bytes_max, stopGraceSeconds: config.runtime.stop_grace_seconds }
  const exec = execWith(ports.clock)
  const probe = (program: ProbedProgram) => () => probeProgram(program, { ...ports, exec })

  const harnesses: Harness[] = [
    codexHarness(
      codex,
      probe({
        runner: 'codex_cli',
        program: codex.command,
        versionArgs: ['--version'],
        env: codex.env,
        envPass: codex.env_pass,
        envPrefixes: CODEX_PREFIXES,
        remedy: 'install it with `npm install -g @openai/codex`, or set runners.codex.command to its path',
      }),
    ),
    commandHarness(command, command.command === null ? unconfigured : probe(commandProgram(command, command.command))),
    scriptedHarness(
      { program: ports.scriptedAgent, replies: scripted.replies, workspaceRoot: ports.workspaceRoot },
      probe({
        runner: 'scripted',
        program: process.execPath,
        versionArgs: [ports.scriptedAgent, '--version'],
        env: {},
        envPass: [],
        envPrefixes: [],
        remedy: 'the installation is incomplete: install millrace again',
      }),
    ),
  ]
  const runners = [
    ...harnesses.map((harness) => oneShotRunner(harness, ports, limits)),
    unavailableRunner('pi_rpc', ports.clock),
  ]
  return new Map(runners.map((runner) => [runner.name, runner]))
}

const unconfigured = async (): Promise<RunnerProbe> => ({
  runner: 'command',
  ok: false,
  binary: null,
  version: null,
  problem: NO_COMMAND,
  remedy: 'set it if a stage is bound to this runner',
})

function commandProgram(command: Config['runners']['command'], program: string): ProbedProgram {
  return {
    runner: 'command',
    program,
    versionArgs: null,
    env: command.env,
    envPass: command.env_pass,
    envPrefixes: [],
    remedy: 'set runners.command.command to the path of a program',
  }
}
