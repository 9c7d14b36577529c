/**
 * Notices an agent that shows no sign of life any more: nothing printed, no CPU time used by it or its tools, no file of
 * the working tree changed. Each is looked at no oftener than it costs little.
 */
import * as path from 'node:path'
import { type Clock, isoTime } from '../core/clock.ts'
import type { Files } from '../core/files.ts'
import type { StageRequest } from '../core/request.ts'
import { runFiles, writeCpuSign } from './artifacts.ts'
import { cpuMsOf } from './process.ts'

const LOOK_MS_MAX = 5000
/** Time between two polls beyond which the machine slept, or this process was held up: it is not the agent's. */
const AWAY_MS = 5000
/** Part of one processor below which CPU time is that of a program that waits: timers, garbage collection. */
export const CPU_SHARE_MIN = 0.02
/** How often it is written down that an agent which prints nothing is at work, for whoever else asks. */
const TOLD_MS = 30_000
/** Looked at for changes of the working tree, and only before an agent is stopped for want of them. */
const ENTRIES_MAX = 20_000
/** Large, and nobody's working tree. */
const PASSED_OVER: ReadonlySet<string> = new Set(['.git', 'node_modules'])

interface StallWatch {
  /** Called on every poll with the bytes printed so far; true once the agent is to be stopped. */
  isStalled(outputBytes: number): boolean
}

/**
 * `afterSeconds`: time without a sign of life; 0 never stops an agent. Counting begins anew with the runtime that follows.
 * That a silent agent uses processor time is left in the run folder, since nobody else can see it over time.
 */
export function stallWatch(
  request: StageRequest,
  afterSeconds: number,
  { files, clock }: { files: Files; clock: Clock },
): StallWatch {
  const afterMs = afterSeconds * 1000
  const lookMs = afterMs === 0 ? LOOK_MS_MAX : Math.min(LOOK_MS_MAX, afterMs / 4)
  const signs = runFiles(request).signs
  let toldMs = Number.NEGATIVE_INFINITY
  let signMs = clock.monotonicMs()
  let signAt = clock.now()
  let polledMs = signMs
  let bytes = 0
  let looked: { atMs: number; cpuMs: number } | null = null

  const sign = (): false => {
    signMs = clock.monotonicMs()
    signAt = clock.now()
    return false
  }
  /** True if CPU time was used since the last look that was worth the name. */
  const hasWorked = (): boolean => {
    const before = looked
    looked = { atMs: clock.monotonicMs(), cpuMs: cpuMsOf(request.request_id) }
    if (before === null) return false
    // Less than before means that a process has ended, with what it had used.
    return Math.abs(looked.cpuMs - before.cpuMs) >= (looked.atMs - before.atMs) * CPU_SHARE_MIN
  }
  const tell = (): void => {
    if (looked === null || looked.atMs - toldMs < TOLD_MS) return
    toldMs = looked.atMs
    try {
      writeCpuSign(files, signs, { at: isoTime(clock.now()), cpu_ms: looked.cpuMs })
    } catch {
      // On a disk that refuses, nobody is told; the agent is none the worse.
    }
  }

  return {
    isStalled(outputBytes) {
      const nowMs = clock.monotonicMs()
      const wasAway = nowMs - polledMs > AWAY_MS
      polledMs = nowMs
      if (wasAway || outputBytes !== bytes) {
        bytes = outputBytes
        return sign()
      }
      if (nowMs - (looked?.atMs ?? signMs) < lookMs) return false
      if (hasWorked()) {
        tell()
        return sign()
      }
      if (afterMs === 0 || nowMs - signMs < afterMs) return false
      return isChanged(files, request, signAt.getTime()) ? sign() : true
    },
  }
}

/** True if a file or folder of the working tree, or of the run folder, was changed after that time of the wall clock. */
const isChanged = (files: Files, request: StageRequest, sinceMs: number): boolean =>
  changedSince(files, request, sinceMs).next().done !== true

/** What was changed after that time, in no order; of a very large tree only a part is looked at. */
export function* changedSince(
  files: Files,
  { workspace_root, run_dir }: StageRequest,
  sinceMs: number,
): Generator<{ path: string; mtimeMs: number }> {
  // The folder of the runtime changes all the time; of it only the run folder is the agent's.
  const own = path.dirname(path.dirname(run_dir))
  const folders = [workspace_root, run_dir]
  let entries = 0
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const { entry, stat } of entriesIn(files, folder, own)) {
      if (++entries > ENTRIES_MAX) return
      if (stat.mtimeMs > sinceMs) yield { path: entry, mtimeMs: stat.mtimeMs }
      if (stat.kind === 'directory') folders.push(entry)
    }
  }
}

function* entriesIn(files: Files, folder: string, own: string) {
  try {
    for (const name of files.list(folder) ?? []) {
      const entry = path.join(folder, name)
      if (PASSED_OVER.has(name) || entry === own) continue
      const stat = files.stat(entry)
      if (stat !== null) yield { entry, stat }
    }
  } catch {
    // A folder that may not be read tells nothing.
  }
}
