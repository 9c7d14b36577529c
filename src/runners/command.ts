/** The `command` runner: any program that reads the prompt on stdin and ends with a marker line or a result file. */
import type { Config } from '../core/config.ts'
import { type Harness, textTranscript } from './harness.ts'
import type { RunnerProbe } from './runner.ts'

export const NO_COMMAND = 'Runner command has no program: set runners.command.command in millrace.toml.'

export function commandHarness(config: Config['runners']['command'], probe: () => Promise<RunnerProbe>): Harness {
  return {
    name: 'command',
    output: 'text',
    command: () =>
      config.command === null
        ? { refused: NO_COMMAND }
        : { argv: [config.command, ...config.args], env: config.env, envPass: config.env_pass, envPrefixes: [] },
    transcript: textTranscript,
    probe,
  }
}
