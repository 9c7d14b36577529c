/** The facts of the daemon's process: who it is, since when, what it uses, where it prints to, what starts it. */
import type { Operation } from '../../core/operation.ts'
import { AT } from '../../store/layout.ts'
import { describeLock, type LockState, lockState } from '../../store/lock.ts'
import { type Context, placesIn, requireWorkspace } from '../context.ts'
import { SYSTEMS, type System, unitOf } from './unit.ts'

export interface DaemonStatusOutput {
  workspace: string
  running: boolean
  pid: number | null
  host: string | null
  since: string | null
  uptime_seconds: number | null
  memory_bytes: number | null
  cpu_seconds: number | null
  lock: LockState['state']
  lock_detail: string
  log_path: string
  log_bytes: number
  version: string
  installed: { system: System; path: string }[]
}

export const daemonStatus: Operation<Context, Record<string, never>, DaemonStatusOutput> = {
  name: 'daemon status',
  flavour: 'read',
  summary: 'The process that owns the workspace: pid, age, memory, log.',
  description:
    'Tells of the process, in the foreground or not, that owns the workspace; whether one runs or not is no failure. What it is working on is told by `status`, what happened by `logs`, what an agent does by `runs follow`.',
  input: [],
  examples: [{ command: 'millrace daemon status', does: 'see whether a daemon runs, and since when' }],
  output: async () => (await import('../schemas.ts')).daemonStatusSchema(),
  async run(context) {
    requireWorkspace(context)
    const places = placesIn(context)
    const lock = lockState({ ...context, places })
    const owner = ownerOf(lock)
    const used = owner?.isHere ? context.usedBy(owner.pid) : null
    const { sentence, hint } = describeLock(lock)
    return {
      workspace: context.workspaceRoot,
      running: owner !== null,
      pid: owner?.pid ?? null,
      host: owner?.host ?? null,
      since: owner?.since ?? null,
      uptime_seconds: owner?.since ? secondsSince(context, owner.since) : null,
      memory_bytes: used?.memoryBytes ?? null,
      cpu_seconds: used === null ? null : used.cpuMs / 1000,
      lock: lock.state,
      lock_detail: owner === null && hint !== '' ? `${sentence} ${hint}` : sentence,
      log_path: places.at(AT.daemonLog),
      log_bytes: context.files.stat(places.at(AT.daemonLog))?.bytes ?? 0,
      version: context.version,
      installed: SYSTEMS.flatMap((system) => {
        const { path } = unitOf(system, context)
        return context.files.stat(path) === null ? [] : [{ system, path }]
      }),
    }
  },
}

/** Who owns the workspace; null if nobody does, or nobody that lives. */
function ownerOf(lock: LockState): { pid: number; host: string; since: string | null; isHere: boolean } | null {
  if (lock.state === 'active') {
    const { pid, host, acquired_at: since } = lock.holder
    return { pid, host, since, isHere: lock.provable }
  }
  if (lock.state !== 'foreign' || lock.alive === false) return null
  return { pid: lock.pid, host: lock.host, since: null, isHere: lock.alive === true }
}

const secondsSince = ({ clock }: Context, since: string): number =>
  Math.max(0, Math.round((clock.now().getTime() - Date.parse(since)) / 1000))
