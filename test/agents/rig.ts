/** What the tests of the runners share: a real clock, a request, a workspace, a look at what still runs. */
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { buildSync } from 'esbuild'
import type { StageRequest } from '../../src/core/request.ts'
import { carriersOf } from '../../src/runners/process.ts'
import { requestFor } from '../../src/testing/request.ts'
import { clock } from './clock.ts'

export { clock }

export const agent = (name: string): string => path.join(import.meta.dirname, `${name}.mjs`)

/** A temporary directory of its own, as the real path. */
export function temporaryFolder(): string {
  return fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-runners-')))
}

/** A valid request of a builder stage in a fresh run folder of the workspace. */
export const requestIn = (workspace: string, changes: Partial<StageRequest> = {}): StageRequest =>
  requestFor(workspace, clock.hex, changes)

/** Waits until something is so, at most 10 s; true if it came to be. */
export async function eventually(condition: () => boolean, limitMs = 10_000): Promise<boolean> {
  const end = performance.now() + limitMs
  while (performance.now() < end) {
    if (condition()) return true
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return condition()
}

/** Commands of the processes that still carry the request's marker. */
export const stillRunning = (request: StageRequest): string[] =>
  carriersOf(request.request_id).map((carrier) => carrier.command)

/** Bundles a TypeScript program into one file that this version of Node runs. */
export function bundle(source: string, folder: string): string {
  const outfile = path.join(folder, `${path.basename(source, '.ts')}.mjs`)
  buildSync({ entryPoints: [source], bundle: true, platform: 'node', format: 'esm', outfile, logLevel: 'error' })
  return outfile
}

/** Ends everything with the marker, so that a failed test leaves nothing running. */
export function endAll(requestIds: readonly string[]): void {
  for (const id of requestIds) for (const { pid } of carriersOf(id)) process.kill(pid, 'SIGKILL')
}
