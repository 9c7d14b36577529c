/** Running: one counted tick, or the foreground daemon. The engine does the work; this is its shell. */
import { asMillraceError, MillraceError } from '../core/errors.ts'
import type { InputField, Operation } from '../core/operation.ts'
import { drain, type LoopEnd, runLoop } from '../engine/daemon.ts'
import { Engine, type EngineOptions, type Listener } from '../engine/engine.ts'
import { settleFinished } from '../engine/settle.ts'
import { COMMANDS } from './commands/table.ts'
import type { Context } from './context.ts'
import { modeField } from './fields.ts'
import { refuseStopFile } from './stop-file.ts'
import { ensureWorkspace } from './workspace/ensure.ts'

export function openEngine(
  context: Context,
  options: Omit<EngineOptions, 'workspaceRoot' | 'overrides'>,
  listeners: readonly Listener[] = [],
): Promise<Engine> {
  return Engine.open(
    {
      files: context.files,
      clock: context.clock,
      processes: context.processes,
      commands: COMMANDS,
      validators: context.validators,
      packageRoot: context.packageRoot,
      runnerNames: context.runnerNames,
      runners: context.runners,
      exec: context.exec,
      post: context.post,
      environment: context.environment,
      onFatal: (error) => {
        context.notice(`${error.message} The runtime ends here; the next one goes on.`)
        process.exit(1)
      },
    },
    { workspaceRoot: context.workspaceRoot, overrides: context.overrides, ...options },
    listeners,
  )
}

/** SIGINT and SIGTERM stop the runtime as `control stop` does; a second one kills. Gives back how to stop listening. */
export function stopOnSignal(context: Context, engine: Engine): { interrupted: () => boolean; release: () => void } {
  let interrupted = false
  const release = context.onSignal((signal) => {
    if (signal === 'SIGINT') interrupted = true
    engine.stopping = engine.stopping === 'no' ? 'stop' : 'kill'
    engine.wake()
  })
  return { interrupted: () => interrupted, release }
}

/** Works and gives the workspace back. What ended the work is thrown, not what then fails as well. */
export async function thenClose<T>(engine: Engine, work: () => Promise<T>): Promise<T> {
  let answer: T
  try {
    answer = await work()
  } catch (error) {
    await engine.close().catch(() => {})
    throw error
  }
  await engine.close()
  return answer
}

export interface RunOnceOutput {
  run_mode: 'once'
  active_mode_id: string
  mode_override: string | null
  compiled_plan_id: string
  tick_reason: string
  result_class: string | null
  failure_class: string | null
  /** What went wrong, in a sentence. */
  message: string | null
  /** True if the stage failed for reasons that are not the work's: exit 1. */
  failed: boolean
}

export const runOnce: Operation<Context, { mode?: string }, RunOnceOutput> = {
  name: 'run once',
  flavour: 'perform',
  summary: 'Run one stage, or find that there is nothing to do.',
  description:
    'Takes the workspace, runs one counted tick (one that ends with a stage settled, or finds nothing to do), and gives the workspace back. An honest BLOCKED is no failure.',
  input: [modeField],
  examples: [{ command: 'millrace run once --workspace .', does: 'claim the next item and run its first stage' }],
  output: async () => (await import('./schemas.ts')).runOnceSchema(),
  async run(context, input) {
    await ensureWorkspace(context)
    const engine = await openEngine(context, { runtimeMode: 'once', modeId: input.mode })
    const signals = stopOnSignal(context, engine)
    return thenClose<RunOnceOutput>(engine, async () => {
      const end = await runLoop(engine, { ticksMax: 1, stopWhenIdle: false })
      await drain(engine)
      await settleFinished(engine)
      const { snapshot } = engine.workspace.view()
      const last = end.last?.last ?? null
      return {
        run_mode: 'once',
        active_mode_id: snapshot.active_mode_id,
        mode_override: input.mode ?? null,
        compiled_plan_id: snapshot.compiled_plan_id,
        tick_reason: end.last?.reason ?? 'no_work',
        result_class: last?.result_class ?? null,
        failure_class: last?.failure_class ?? null,
        message: last?.message ?? null,
        failed: last?.result_class === 'recoverable_failure',
      }
    }).finally(signals.release)
  },
}

interface MonitorInput {
  monitor?: string
  monitor_log?: string
}

export const MONITOR_FIELDS: readonly InputField[] = [
  {
    name: 'monitor',
    type: 'choice',
    choices: ['none', 'basic'],
    description:
      'Print a line for every transition, and now and then on what the agents do (default on a terminal: basic).',
  },
  { name: 'monitor_log', type: 'text', placeholder: 'FILE', description: 'Append the same lines to a file.' },
]

/** What listens to a runtime, and how to look at its agents from then on; that gives back how to stop. */
export async function monitorOf(
  context: Context,
  input: MonitorInput,
): Promise<{ listeners: Listener[]; attend: (engine: Engine) => () => void }> {
  const sinks: ((line: string) => void)[] = []
  if ((input.monitor ?? (context.live ? 'basic' : 'none')) === 'basic') sinks.push(context.print)
  if (input.monitor_log !== undefined) sinks.push(appendTo(context, input.monitor_log))
  if (sinks.length === 0) return { listeners: [], attend: () => () => {} }
  const { monitor } = await import('../engine/monitor.ts')
  const shown = monitor((line) => {
    for (const sink of sinks) sink(line)
  })
  return { listeners: [shown.listen], attend: shown.attend }
}

export interface RunDaemonOutput {
  interrupted: boolean
  run_mode: 'daemon'
  active_mode_id: string
  mode_override: string | null
  compiled_plan_id: string
  exit_reason: LoopEnd['exit_reason']
  ticks: number
}

export const runDaemon: Operation<
  Context,
  MonitorInput & { mode?: string; max_ticks?: number; stop_when_idle?: boolean },
  RunDaemonOutput
> = {
  name: 'run daemon',
  flavour: 'perform',
  summary: 'Run in the foreground until stopped.',
  description:
    'Owns the workspace and works through its queues: woken by new work, commands and finished stages. Ctrl-C stops it as `control stop` does; twice kills the agents at once. Active runs are taken up by the next start.',
  input: [
    modeField,
    {
      name: 'max_ticks',
      type: 'integer',
      minimum: 1,
      placeholder: 'N',
      description: 'End after N counted ticks: stages settled, or looks that found nothing to do.',
    },
    { name: 'stop_when_idle', type: 'flag', description: 'End when nothing runs and nothing is to be done.' },
    ...MONITOR_FIELDS,
  ],
  examples: [
    { command: 'millrace run daemon --monitor basic', does: 'work and show it' },
    { command: 'millrace run daemon --stop-when-idle', does: 'work until the queues are empty' },
  ],
  output: async () => (await import('./schemas.ts')).runDaemonSchema(),
  async run(context, input) {
    await ensureWorkspace(context)
    await refuseStopFile(context)
    const { listeners, attend } = await monitorOf(context, input)
    const engine = await openEngine(context, { runtimeMode: 'daemon', modeId: input.mode }, listeners)
    const endShow = attend(engine)
    const signals = stopOnSignal(context, engine)
    context.ready()
    return thenClose<RunDaemonOutput>(engine, async () => {
      const end = await runLoop(engine, {
        ticksMax: input.max_ticks ?? null,
        stopWhenIdle: input.stop_when_idle === true,
        onRefusal: telling(context),
      })
      await drain(engine)
      await settleFinished(engine)
      const { snapshot } = engine.workspace.view()
      return {
        interrupted: signals.interrupted(),
        run_mode: 'daemon',
        active_mode_id: snapshot.active_mode_id,
        mode_override: input.mode ?? null,
        compiled_plan_id: snapshot.compiled_plan_id,
        exit_reason: end.exit_reason,
        ticks: end.ticks,
      }
    }).finally(() => {
      endShow()
      signals.release()
    })
  },
}

/** Says what the disk refuses, once for as long as it refuses the same. */
export function telling(context: Context): (error: unknown, inARow: number) => void {
  let told = ''
  return (error, inARow) => {
    const { message } = asMillraceError(error)
    if (inARow === 1 || message !== told) context.notice(`${message} The runtime waits and tries again by itself.`)
    told = message
  }
}

function appendTo(context: Context, file: string): (line: string) => void {
  try {
    context.files.append(file, '')
  } catch (error) {
    throw new MillraceError('file_unreadable', `${file} cannot be written: ${(error as Error).message}.`)
  }
  return (line) => context.files.append(file, `${line}\n`)
}
