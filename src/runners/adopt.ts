/** Finding the agent that an earlier runtime left running. */
import { type Clock, isoTime } from '../core/clock.ts'
import type { Files } from '../core/files.ts'
import type { StageRequest } from '../core/request.ts'
import { type RunFiles, readHandle, readInvocation } from './artifacts.ts'
import { decode } from './lines.ts'
import { carriersOf, processIdentity } from './process.ts'
import type { Handle } from './runner.ts'

/** Pid the keeper wrote of itself; null if it did not come to that. */
export function keeperPid(files: Files, run: RunFiles): number | null {
  const bytes = files.read(run.pid)
  const match = bytes === null ? null : /^(\d{1,10})\n$/.exec(decode(bytes))
  return match ? Number(match[1]) : null
}

/**
 * The handle of an agent that still runs: the written one, or one made from the marker, which is proof enough
 * that a process belongs to the request (the runtime may have died before it wrote the handle, or the keeper its pid).
 */
export function aliveHandle(
  request: StageRequest,
  run: RunFiles,
  runnerName: string,
  stopGraceSeconds: number,
  { files, clock }: { files: Files; clock: Clock },
): Handle | null {
  const written = readHandle(files, run.handle)
  if (written !== null) {
    return processIdentity.alive(written.pid, written.start_time, written.boot_id) ? written : null
  }
  const pid = keeperPid(files, run)
  const keeper = carriersOf(request.request_id).find((carrier) => (pid === null ? carrier.leader : carrier.pid === pid))
  const identity = keeper ? processIdentity.identify(keeper.pid) : null
  if (identity === null || identity.zombie) return null
  const startedAt = readInvocation(files, run.invocation)?.emitted_at ?? isoTime(clock.now())
  const ranMs = Math.max(0, clock.now().getTime() - new Date(startedAt).getTime())
  return {
    request_id: request.request_id,
    run_id: request.run_id,
    runner_name: runnerName,
    pid: identity.pid,
    start_time: identity.startTime,
    boot_id: identity.bootId,
    run_dir: request.run_dir,
    started_at: startedAt,
    deadline_boot_ms: processIdentity.bootMs() + request.timeout_seconds * 1000 - ranMs,
    stop_grace_seconds: stopGraceSeconds,
  }
}
