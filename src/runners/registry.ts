/** Which runners there are: adapters by name, built from one configuration. */
import type { Config } from '../core/config.ts'
import { permissionsOf } from '../core/permission.ts'
import { acpHarness, NO_ACP_COMMAND } from './acp/acp.ts'
import { CLAUDE_PREFIXES, claudeHarness } from './claude/claude.ts'
import { CODEX_PREFIXES, codexHarness } from './codex/codex.ts'
import { askRateLimits } from './codex/rate-limits.ts'
import { commandHarness, NO_COMMAND } from './command.ts'
import { execWith } from './exec.ts'
import type { Harness } from './harness.ts'
import { acpLogin, claudeLogin, codexLogin, piLogin } from './login.ts'
import { type HarnessSettings, loadModule, moduleHarness } from './module-harness.ts'
import { oneShotRunner, type RunnerPorts } from './one-shot.ts'
import { PI_PREFIXES, piHarness } from './pi/pi.ts'
import { type ProbedProgram, probeProgram } from './probe.ts'
import { findProgram } from './process.ts'
import type { Runner, RunnerProbe } from './runner.ts'
import { scriptedHarness } from './scripted/scripted.ts'

interface RegistryPorts extends RunnerPorts {
  /** Path of the bundled scripted agent. */
  scriptedAgent: string
  /** Path of the bundled driver of two-way protocols. */
  driver: string
}

/** A fresh set of runners. A stage keeps the runner it was started with; a new configuration serves the next ones. */
export function runnersFor(config: Config, ports: RegistryPorts): Map<string, Runner> {
  const { codex, pi, claude, acp, command, scripted, modules, output_bytes_max } = config.runners
  const limits = {
    outputBytesMax: output_bytes_max,
    stopGraceSeconds: config.runtime.stop_grace_seconds,
    stalledAfterSeconds: config.runners.stalled_after_seconds,
  }
  const exec = execWith(ports.clock)
  const probe = (program: ProbedProgram) => (lookOnly?: boolean) =>
    probeProgram(lookOnly ? { ...program, versionArgs: null } : program, { ...ports, exec })

  const levelled = <T extends object>(section: T, runner: string): T => ({
    ...section,
    ...permissionsOf(config, runner),
  })

  const harnesses: Harness[] = [
    codexHarness(
      levelled(codex, 'codex_cli'),
      probe({
        runner: 'codex_cli',
        program: codex.command,
        versionArgs: ['--version'],
        env: codex.env,
        envPass: codex.env_pass,
        envPrefixes: CODEX_PREFIXES,
        login: codexLogin(codex, ports.files),
        remedy: 'install it with `npm install -g @openai/codex`, or set runners.codex.command to its path',
      }),
      (signal) => askRateLimits(codex, ports, signal),
    ),
    commandHarness(
      command,
      command.command === null
        ? unconfigured('command', NO_COMMAND)
        : probe({
            runner: 'command',
            program: command.command,
            versionArgs: null,
            env: command.env,
            envPass: command.env_pass,
            envPrefixes: [],
            remedy: 'set runners.command.command to the path of a program',
          }),
      findProgram('stdbuf', ports.environment.PATH ?? '', ports.workspaceRoot),
    ),
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
    claudeHarness(
      levelled(claude, 'claude_code'),
      probe({
        runner: 'claude_code',
        program: claude.command,
        versionArgs: ['--version'],
        env: claude.env,
        envPass: claude.env_pass,
        envPrefixes: CLAUDE_PREFIXES,
        login: claudeLogin(ports.files, process.platform),
        remedy: 'install it with `npm install -g @anthropic-ai/claude-code`, or set runners.claude.command to its path',
      }),
    ),
    acpHarness(
      levelled(acp, 'acp'),
      ports.driver,
      acp.command === null
        ? unconfigured('acp', NO_ACP_COMMAND)
        : probe({
            runner: 'acp',
            program: acp.command,
            versionArgs: null,
            env: acp.env,
            envPass: acp.env_pass,
            envPrefixes: acp.env_prefixes,
            login: acpLogin,
            remedy: 'set runners.acp.command to the path of the agent',
          }),
    ),
    piHarness(
      levelled(pi, 'pi_rpc'),
      ports.driver,
      probe({
        runner: 'pi_rpc',
        program: pi.command,
        versionArgs: ['--version'],
        env: pi.env,
        envPass: pi.env_pass,
        envPrefixes: PI_PREFIXES,
        login: piLogin(pi, ports.files),
        remedy:
          'install it with `npm install -g @earendil-works/pi-coding-agent`, or set runners.pi.command to its path',
      }),
    ),
  ]
  const own = new Set(harnesses.map(({ name }) => name))
  for (const [name, file] of Object.entries(modules)) {
    // A name that is taken is refused when the mode is compiled.
    if (own.has(name)) continue
    const probeOf: HarnessSettings['probe'] = (program) =>
      probe({ env: {}, envPass: [], envPrefixes: [], ...program, runner: name })()
    harnesses.push(moduleHarness({ name, file, workspaceRoot: ports.workspaceRoot, probe: probeOf }, loadModule))
  }
  return new Map(harnesses.map((harness) => [harness.name, oneShotRunner(harness, ports, limits)]))
}

const unconfigured = (runner: string, problem: string) => async (): Promise<RunnerProbe> => ({
  runner,
  ok: false,
  binary: null,
  version: null,
  problem,
  remedy: 'set it if a stage is bound to this runner',
})
