/** Whether the program of a runner is there, starts and has a login: what doctor shows. Asks for the version only. */
import { clip } from '../core/clip.ts'
import type { Exec } from '../core/exec.ts'
import { agentEnvironment, type Environment } from './environment.ts'
import type { LookForLogin } from './login.ts'
import { findProgram } from './process.ts'
import type { RunnerProbe } from './runner.ts'

const VERSION_TIMEOUT_MS = 10_000
const VERSION_OUTPUT_BYTES_MAX = 64 * 1024
const VERSION_CHARS_MAX = 200

export interface ProbedProgram {
  runner: string
  program: string
  /** Arguments that print the version; null if the program is not known to have any. */
  versionArgs: string[] | null
  env: Record<string, string>
  envPass: string[]
  envPrefixes: string[]
  remedy: string
  /** Absent where nobody logs in. */
  login?: LookForLogin
}

export async function probeProgram(
  probed: ProbedProgram,
  ports: { exec: Exec; environment: Environment; workspaceRoot: string },
): Promise<RunnerProbe> {
  const { runner, program, remedy } = probed
  const rules = { prefixes: probed.envPrefixes, pass: probed.envPass, set: probed.env }
  const env = agentEnvironment(ports.environment, rules)
  const binary = findProgram(program, env.PATH ?? '', ports.workspaceRoot)
  if (binary === null) {
    return {
      runner,
      ok: false,
      program,
      binary,
      version: null,
      problem: `${program} was not found or may not be executed.`,
      remedy,
    }
  }
  const login = probed.login === undefined ? {} : { login: probed.login(env) }
  const there = (version: string | null): RunnerProbe => ({
    runner,
    ok: true,
    program,
    binary,
    version,
    ...login,
    problem: null,
    remedy: null,
  })
  if (probed.versionArgs === null) return there(null)
  const done = await ports.exec(binary, probed.versionArgs, {
    cwd: ports.workspaceRoot,
    env,
    timeoutMs: VERSION_TIMEOUT_MS,
    outputBytesMax: VERSION_OUTPUT_BYTES_MAX,
  })
  // Pi prints it on stderr.
  const said = done.stdout.trim() || done.stderr.trim()
  if (done.code === 0) return there(clip(said.split('\n')[0]!, VERSION_CHARS_MAX) || null)
  const how = done.timedOut ? `did not answer within ${VERSION_TIMEOUT_MS / 1000} s` : `failed with status ${done.code}`
  const problem = `${binary} ${probed.versionArgs.join(' ')} ${how}.`
  return { runner, ok: false, program, binary, version: null, problem, remedy }
}
