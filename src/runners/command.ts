/** The `command` runner: any program that reads the prompt on stdin and ends with a marker line or a result file. */
import type { Config } from '../core/config.ts'
import { type Command, type Harness, textTranscript } from './harness.ts'
import type { RunnerProbe } from './runner.ts'

type CommandConfig = Config['runners']['command']

export const NO_COMMAND = 'Runner command has no program: set runners.command.command in millrace.toml.'

/** `stdbuf` is the program of that name on this machine, if it has one; `probe` looks for the program itself. */
export function commandHarness(
  config: CommandConfig,
  probe: () => Promise<RunnerProbe>,
  stdbuf: string | null = null,
): Harness {
  return {
    name: 'command',
    output: 'text',
    command: () =>
      config.command === null
        ? { refused: NO_COMMAND }
        : { ...started(config, config.command, stdbuf), envPass: config.env_pass, envPrefixes: [] },
    transcript: textTranscript,
    probe,
  }
}

/**
 * Many programs keep back what they print while it goes to a file. Those that print by the C library are made to give it
 * line by line by `stdbuf`, Python by a variable; others are left to themselves.
 */
function started(
  config: CommandConfig,
  program: string,
  stdbuf: string | null,
): Pick<Command, 'argv' | 'needs' | 'env'> {
  const { args, env } = config
  if (!config.line_buffered) return { argv: [program, ...args], env }
  const unbuffered = { PYTHONUNBUFFERED: '1', ...env }
  if (stdbuf === null) return { argv: [program, ...args], env: unbuffered }
  return { argv: [stdbuf, '-oL', '-eL', program, ...args], needs: program, env: unbuffered }
}
