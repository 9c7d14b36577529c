/** The context of an operation in a workspace of a test: real ports, what was said to the operator kept for looking at. */
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { readUserFile } from '../../src/cli/user-file.ts'
import { systemClock } from '../../src/engine/clock.ts'
import type { Context } from '../../src/operations/context.ts'
import { detach } from '../../src/runners/detach.ts'
import { execWith } from '../../src/runners/exec.ts'
import { postWith } from '../../src/runners/post.ts'
import { isStopped, processIdentity, usedBy } from '../../src/runners/process.ts'
import { signsOf } from '../../src/runners/signs.ts'
import { sweepMarked } from '../../src/runners/sweep.ts'
import { disk } from '../../src/store/files.ts'
import { initWorkspace } from '../../src/store/init.ts'
import { placesOf } from '../../src/store/layout.ts'
import { enginePorts, RUNNER_NAMES } from './ports.ts'

const PACKAGE_ROOT = path.join(import.meta.dirname, '..', '..', 'assets')

export interface TestContext extends Context {
  /** Lines said beside the answer, in order. */
  notices: string[]
  /** Records told by an operation that follows something, in order. */
  told: object[]
}

/** `changes` replaces ports; `stdin` is what `-` reads. */
export function contextIn(workspaceRoot: string, changes: Partial<Context> = {}, stdin = ''): TestContext {
  const notices: string[] = []
  const told: object[] = []
  const ports = enginePorts(workspaceRoot, { packageRoot: PACKAGE_ROOT, scriptedAgent: '/nowhere/scripted-agent.js' })
  return {
    files: disk,
    clock: systemClock,
    processes: processIdentity,
    packageRoot: PACKAGE_ROOT,
    version: '0.0.0-test',
    workspaceRoot,
    overrides: [],
    waitSeconds: 5,
    dryRun: false,
    apply: false,
    ifState: null,
    runnerNames: RUNNER_NAMES,
    validators: [],
    runners: ports.runners,
    sweep: async (requestId) => (await sweepMarked(requestId, systemClock)).found.length,
    signs: (request, view, freshMs) =>
      signsOf(request, view, { files: disk, clock: changes.clock ?? systemClock }, freshMs),
    isStopped: async (pid) => isStopped(pid),
    exec: execWith(systemClock),
    post: postWith(systemClock),
    environment: ports.environment,
    notice: (line) => void notices.push(line),
    print: (line) => void notices.push(line),
    tell: async (record) => void told.push(record),
    program: [process.execPath, path.join(PACKAGE_ROOT, '..', 'dist', 'millrace.js')],
    detach,
    usedBy,
    ready: () => {},
    onClosed: () => {},
    onSignal: () => () => {},
    readUserFile: (file) =>
      readUserFile(disk, file, workspaceRoot, async function* () {
        yield Buffer.from(stdin)
      }),
    ask: async () => null,
    live: false,
    notices,
    told,
    ...changes,
  }
}

export interface TestWorkspace {
  root: string
  context: TestContext
  /** Below the runtime root. */
  at: (...parts: string[]) => string
  dispose: () => void
}

/** A workspace as `init` leaves it. */
export async function newWorkspace(changes: Partial<Context> = {}): Promise<TestWorkspace> {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-read-')))
  await initWorkspace(disk, systemClock, placesOf(root), { packageRoot: PACKAGE_ROOT, version: '0.0.0-test' })
  return {
    root,
    context: contextIn(root, changes),
    at: (...parts) => path.join(root, 'millrace-agents', ...parts),
    dispose: () => fs.rmSync(root, { recursive: true, force: true }),
  }
}
