/**
 * The `scripted` runner: the package's own small agent program, which plays replies from a file or makes a dry run.
 * It is started, followed and stopped like any other agent; nothing about it is simulated.
 */
import * as path from 'node:path'
import { type Harness, textTranscript } from '../harness.ts'
import type { RunnerProbe } from '../runner.ts'

interface ScriptedOptions {
  /** Path of the bundled agent program. */
  program: string
  /** Reply file, relative to the workspace; null means a dry run. */
  replies: string | null
  workspaceRoot: string
}

export function scriptedHarness(options: ScriptedOptions, probe: () => Promise<RunnerProbe>): Harness {
  const replies = options.replies === null ? [] : ['--replies', path.resolve(options.workspaceRoot, options.replies)]
  return {
    name: 'scripted',
    output: 'text',
    command: () => ({ argv: [process.execPath, options.program, ...replies], env: {}, envPass: [], envPrefixes: [] }),
    transcript: textTranscript,
    probe,
  }
}
