/** The ports of an operation, made from this process: the disk, the clock, the terminal, signals. */
import * as path from 'node:path'
import { MillraceError } from '../core/errors.ts'
import { systemClock } from '../engine/clock.ts'
import type { Context } from '../operations/context.ts'
import type { Sight } from '../operations/field-values.ts'
import { detach, tellReady } from '../runners/detach.ts'
import { RUNNER_NAMES } from '../runners/names.ts'
import { findProgram, processIdentity, showThrough, usedBy } from '../runners/process.ts'
import { disk } from '../store/files.ts'
import { placesOf } from '../store/layout.ts'
import type { Globals } from './arguments.ts'
import type { Output } from './output.ts'
import type { Signals } from './signals.ts'
import { readUserFile } from './user-file.ts'
import { VERSION } from './version.ts'

/** The real disk and clock, and programs that share our terminal. */
export const PORTS = { files: disk, clock: systemClock, programs: { find: findProgram, showThrough } }

/** Where the package lies. */
export interface Install {
  /** Root of the packaged assets. */
  packageRoot: string
  /** Folder of the bundled programs. */
  dist: string
}

/** Where values are looked for that complete a command line. */
export const sightOf = (workspaceRoot: string, { packageRoot }: Install): Sight => ({
  files: disk,
  places: placesOf(workspaceRoot),
  packageRoot,
  runnerNames: RUNNER_NAMES,
})

/** What starts agents, probes their programs or reads their output needs the adapters; all else is quicker without. */
const needsRunners = (verb: { name: string; flavour: string }): boolean =>
  verb.flavour === 'perform' || ['health', 'runs follow', 'usage', 'why'].includes(verb.name)

export async function contextFor(
  verb: { name: string; flavour: string },
  workspaceRoot: string,
  globals: Globals,
  { install, output, signals }: { install: Install; output: Output; signals: Signals },
): Promise<Context> {
  const runnersFor = needsRunners(verb) ? (await import('../runners/registry.ts')).runnersFor : null
  return {
    files: disk,
    clock: systemClock,
    processes: processIdentity,
    packageRoot: install.packageRoot,
    version: VERSION,
    workspaceRoot,
    overrides: globals.overrides,
    waitSeconds: globals.waitSeconds,
    dryRun: globals.dryRun,
    apply: globals.apply,
    ifState: globals.ifState,
    runnerNames: RUNNER_NAMES,
    // No stage kind asks for a registered rule yet; modules bring theirs.
    validators: [],
    runners(config, root) {
      if (runnersFor === null) throw new MillraceError('internal', `${verb.name} runs no agents.`)
      return runnersFor(config, {
        files: disk,
        clock: systemClock,
        environment: process.env,
        workspaceRoot: root,
        scriptedAgent: path.join(install.dist, 'scripted-agent.js'),
        driver: path.join(install.dist, 'driver.js'),
      })
    },
    sweep: async (requestId) =>
      (await (await import('../runners/sweep.ts')).sweepMarked(requestId, systemClock)).found.length,
    signs: async (request, view, freshMs) =>
      (await import('../runners/signs.ts')).signsOf(request, view, PORTS, freshMs),
    isStopped: async (pid) => (await import('../runners/process.ts')).isStopped(pid),
    exec: async (...call) => (await import('../runners/exec.ts')).execWith(systemClock)(...call),
    post: async (...call) => (await import('../runners/post.ts')).postWith(systemClock)(...call),
    environment: process.env,
    notice: output.notice,
    print: globals.json ? output.notice : output.text,
    tell: async (record) => output.line(record),
    ready: tellReady,
    program: [process.execPath, path.join(install.dist, 'millrace.js')],
    detach,
    usedBy,
    onClosed: output.onClosed,
    onSignal: signals.onSignal,
    readUserFile: (file) => readUserFile(disk, file, process.cwd(), () => process.stdin),
    async ask() {
      const onTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true && !globals.json
      return onTerminal ? (await import('./ask.ts')).terminalAsk : null
    },
    live: process.stdout.isTTY === true && !globals.json,
  }
}
