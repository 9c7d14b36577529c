/** The detached daemon: starting one, ending it, and the facts of its process. */
import { MillraceError } from '../../core/errors.ts'
import type { Detached } from '../../core/exec.ts'
import type { Operation } from '../../core/operation.ts'
import { AT } from '../../store/layout.ts'
import { describeLock, type Holder } from '../../store/lock.ts'
import { lookingOn } from '../alarm.ts'
import { type Context, placesIn, requireWorkspace } from '../context.ts'
import { modeField } from '../fields.ts'
import { type Issued, issue } from '../issue.ts'
import { lockIn, ownerOf } from '../owner.ts'
import { refuseStopFile } from '../stop-file.ts'
import { ensureWorkspace } from '../workspace/ensure.ts'
import { type DaemonLog, lastLines, readyLog } from './log.ts'

// ---- start ---------------------------------------------------------------------------------------------------------

export interface DaemonStartOutput {
  workspace: string
  state: 'ready' | 'starting'
  pid: number
  log_path: string
  interrupted: boolean
}

interface StartInput {
  mode?: string
  stop_when_idle?: boolean
}

export const daemonStart: Operation<Context, StartInput, DaemonStartOutput> = {
  name: 'daemon start',
  flavour: 'perform',
  summary: 'Start a daemon that goes on without this terminal.',
  description:
    'Starts `run daemon` in a session of its own: closing the terminal or logging out of it does not end it. It has no input, appends what it prints to millrace-agents/logs/daemon.log (put aside under a dated name at a start once larger than 8 MiB), works in the workspace folder, and has the environment of this shell, so that harnesses find their programs and keys (docs/daemon.md). Waits until the daemon owns the workspace and is at work, or says why it ended. Refuses if a runtime owns the workspace. In the foreground: `run daemon`. After a restart of the machine too: `daemon install`.',
  input: [
    modeField,
    { name: 'stop_when_idle', type: 'flag', description: 'End when nothing runs and nothing is to be done.' },
  ],
  examples: [
    { command: 'millrace daemon start', does: 'work through the queues from now on, in the background' },
    { command: 'millrace daemon start --stop-when-idle', does: 'work until the queues are empty' },
  ],
  output: async () => (await import('../schemas.ts')).daemonStartSchema(),
  async run(context, input) {
    await ensureWorkspace(context)
    refuseOwned(context)
    await refuseStopFile(context)
    const { log, child } = await launch(context, input)
    try {
      const begun = await firstWord(context, child)
      if (begun === 'interrupted' || begun === 'elapsed') return started(context, child, 'starting', begun)
      if (begun.ready) return started(context, child, 'ready', null)
      throw died(context, log, begun)
    } finally {
      child.leave()
    }
  },
}

function refuseOwned(context: Context): void {
  const lock = lockIn(context)
  if (ownerOf(lock).state !== 'active') return
  const { sentence } = describeLock(lock)
  throw new MillraceError('lock_held', sentence, {
    hint: 'see it with `millrace daemon status`, end it with `millrace daemon stop`',
  })
}

async function launch(context: Context, input: StartInput): Promise<{ log: DaemonLog; child: Detached }> {
  const { files, program, workspaceRoot, environment } = context
  const [runtime = '', ...rest] = program
  const log = readyLog(files, placesIn(context), context.clock.now())
  const args = [
    ...['run', 'daemon', '--workspace', workspaceRoot, '--monitor', 'basic'],
    ...(input.mode === undefined ? [] : [`--mode=${input.mode}`]),
    ...(input.stop_when_idle === true ? ['--stop-when-idle'] : []),
    ...context.overrides.map((override) => `--set=${override}`),
  ]
  files.append(log.path, `[${context.clock.now().toISOString()}] millrace daemon start\n`)
  const output = files.open(log.path, 'append')
  try {
    const child = await context.detach(runtime, [...rest, ...args], { cwd: workspaceRoot, env: environment, output })
    if ('problem' in child) {
      throw new MillraceError('daemon_failed', `The daemon could not be started: ${child.problem}.`)
    }
    return { log, child }
  } finally {
    files.close(output)
  }
}

/** Waits for the daemon to be at work or to end, as long as was asked for, or until whoever waits has enough. */
async function firstWord(context: Context, child: Detached) {
  const releases: (() => void)[] = []
  try {
    return await Promise.race([
      child.begun,
      new Promise<'elapsed'>((resolve) => {
        releases.push(context.clock.after(context.waitSeconds * 1000, () => resolve('elapsed')))
      }),
      new Promise<'interrupted'>((resolve) => {
        releases.push(context.onSignal(() => resolve('interrupted')))
      }),
    ])
  } finally {
    for (const release of releases) release()
  }
}

function started(
  context: Context,
  { pid }: Detached,
  state: DaemonStartOutput['state'],
  why: 'interrupted' | 'elapsed' | null,
): DaemonStartOutput {
  if (why === 'elapsed' && context.waitSeconds > 0) {
    throw new MillraceError(
      'wait_elapsed',
      `The daemon was started as process ${pid} and is not at work after ${context.waitSeconds} s.`,
      { hint: 'it goes on by itself: see `millrace daemon status` and `millrace daemon logs`' },
    )
  }
  const { workspaceRoot: workspace } = context
  return { workspace, state, pid, log_path: placesIn(context).at(AT.daemonLog), interrupted: why === 'interrupted' }
}

const LINES_TOLD = 8
/** Exit status of a runtime that found the workspace owned (core/errors.ts). */
const REFUSED = 3

function died(context: Context, log: DaemonLog, { code, signal }: { code: number | null; signal: string | null }) {
  if (code === REFUSED) refuseOwned(context) // another start was quicker
  const lines = lastLines(context.files, log, LINES_TOLD)
  const at = lines.findLastIndex((line) => line.startsWith('error: '))
  const how = code === null ? `was ended by ${signal}` : `ended with exit status ${code}`
  const why = at === -1 ? '' : `: ${lines[at]!.slice('error: '.length)}`
  const hint =
    at === -1
      ? lines.join('\n')
      : lines
          .slice(at + 1)
          .map((line) => line.trim())
          .join('\n')
  return new MillraceError(
    'daemon_failed',
    `The daemon ${how} before it was at work${why === '' ? '.' : why}`,
    hint === '' ? {} : { hint },
  )
}

// ---- stop ----------------------------------------------------------------------------------------------------------

export interface DaemonStopOutput {
  workspace: string
  state: 'stopped' | 'not_running' | 'queued' | 'preview'
  mode: Issued['mode']
  applied: boolean
  detail: string
  pid: number | null
  /** Of a preview: the state it looked at. */
  state_id: string | null
}

export const daemonStop: Operation<Context, { drain?: boolean }, DaemonStopOutput> = {
  name: 'daemon stop',
  flavour: 'change',
  summary: 'Stop the daemon and wait until its process is gone.',
  description:
    'Does what `control stop` does, and then waits until the process has ended: running agents are ended in three steps and their runs taken up by the next start; with --drain their stages end by themselves first. Stops whatever runtime owns the workspace, in the foreground too. Where none runs there is nothing to do, which is no failure.',
  input: [{ name: 'drain', type: 'flag', description: 'Let the running stages end by themselves first.' }],
  examples: [
    { command: 'millrace daemon stop', does: 'stop now' },
    { command: 'millrace daemon stop --drain --wait-seconds 3600', does: 'finish the running stages, then stop' },
  ],
  output: async () => (await import('../schemas.ts')).daemonStopSchema(),
  async run(context, input) {
    requireWorkspace(context)
    const { workspaceRoot: workspace } = context
    const lock = lockIn(context)
    if (lock.state !== 'active') {
      refuseOwned(context) // by a runtime of another version, which takes no commands of ours
      const detail = describeLock(lock).sentence
      return { workspace, state: 'not_running', mode: 'direct', applied: false, detail, pid: null, state_id: null }
    }
    const { pid } = lock.holder
    const asked = { workspace, mode: 'mailbox', applied: false, pid, state_id: null } as const
    const began = context.clock.monotonicMs()
    const issued = await issue(context, 'stop', input.drain === true ? { drain: true } : {})
    if (issued.state === 'preview') {
      const state_id = issued.state_id ?? null
      return { ...asked, state: 'preview', detail: `process ${pid} stops, and is waited for`, state_id }
    }
    // It may have been quick to answer; whoever does not wait is not told how that went on.
    if (issued.state === 'queued' || context.waitSeconds === 0) {
      return { ...asked, state: 'queued', detail: `process ${pid} will be asked to stop` }
    }
    await gone(context, lock.holder, began + context.waitSeconds * 1000)
    return { ...asked, state: 'stopped', applied: true, detail: `process ${pid} has stopped` }
  },
}

const POLL_MS = 100

/** Waits until a holder has given the workspace back and its process has ended. Throws `wait_elapsed`. */
async function gone(context: Context, holder: Holder, untilMs: number): Promise<void> {
  return lookingOn(context, async (alarm) => {
    for (;;) {
      const lock = lockIn(context)
      const isOwner = lock.state === 'active' && lock.generation === holder.generation
      if (!isOwner && !lives(context, holder)) return
      if (alarm.ended === 'interrupted') {
        throw new MillraceError('interrupted', `Interrupted; process ${holder.pid} goes on stopping.`)
      }
      if (context.clock.monotonicMs() >= untilMs) {
        throw new MillraceError(
          'wait_elapsed',
          `Process ${holder.pid} was asked to stop and is still at it after ${context.waitSeconds} s.`,
          { hint: 'see `millrace daemon status`; a longer wait: --wait-seconds' },
        )
      }
      await alarm.sleep(POLL_MS)
    }
  })
}

/** Whether the very process that held the lock still runs here; of one elsewhere the lock alone tells. */
function lives({ processes }: Context, holder: Holder): boolean {
  const self = processes.self()
  if (self.bootId !== holder.boot_id || self.pidNamespace !== holder.pid_namespace) return false
  const found = processes.identify(holder.pid)
  return found !== null && !found.zombie && found.startTime === holder.start_time
}
