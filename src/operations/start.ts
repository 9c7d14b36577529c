/** `start --once`: one pass over the planes in the foreground, each with one item seen to its end there. */
import { MillraceError } from '../core/errors.ts'
import type { ItemKind } from '../core/item.ts'
import type { Operation } from '../core/operation.ts'
import type { ActiveRun } from '../core/state.ts'
import type { View } from '../core/view.ts'
import { drain } from '../engine/daemon.ts'
import { type PassEnd, runPass } from '../engine/pass.ts'
import { settleFinished } from '../engine/settle.ts'
import type { Context } from './context.ts'
import { modeField } from './fields.ts'
import { MONITOR_FIELDS, monitorOf, openEngine, stopOnSignal, telling, thenClose } from './run.ts'
import { ensureWorkspace } from './workspace/ensure.ts'

export interface StartOutput {
  run_mode: 'once'
  active_mode_id: string
  mode_override: string | null
  compiled_plan_id: string
  end_reason: 'item_left' | 'planned' | 'waiting' | 'paused' | 'nothing_to_do' | 'stop_requested'
  detail: string
  stages: number
  items: {
    run_id: string
    plane: string
    work_item_kind: string
    work_item_id: string
    /** Where the item lies now; of a closure run, whether its target is still open. */
    state: string
  }[]
  /** Items that wait for the next pass, by kind. */
  left_queued: { kind: string; count: number }[]
  tick_reason: string
  result_class: string | null
  failure_class: string | null
  message: string | null
  /** True if the last stage failed for reasons that are not the work's: exit 1. */
  failed: boolean
}

interface StartInput {
  once?: boolean
  daemon?: boolean
  mode?: string
  monitor?: string
  monitor_log?: string
}

export const start: Operation<Context, StartInput, StartOutput> = {
  name: 'start',
  flavour: 'perform',
  summary: 'Take one item through its plane, then end; or run until stopped.',
  description:
    'With --once, which is what it does unless told otherwise: gives each plane of the mode, in claim order, one item, and runs stages until that item leaves its plane or has to wait. If an earlier plane brought work to one that had none, it ends there and says so, so that you can look at what was planned and run it again to execute. With --daemon it is `millrace run daemon`, with all the options of that. One stage only: `millrace run once`. Detached, without a terminal: `millrace daemon start`.',
  input: [
    { name: 'once', type: 'flag', description: 'One item for each plane, then end (the default).' },
    { name: 'daemon', type: 'flag', description: 'Until stopped; the same command as `run daemon`.' },
    modeField,
    ...MONITOR_FIELDS,
  ],
  examples: [
    { command: 'millrace start --once', does: 'plan the next spec, or carry out the next task' },
    { command: 'millrace start --daemon --monitor basic', does: 'work until stopped, and show it' },
  ],
  output: async () => (await import('./schemas.ts')).startSchema(),
  async run(context, input) {
    if (input.daemon === true) {
      if (input.once !== true) throw new MillraceError('usage', '`start --daemon` is the command `run daemon`.')
      throw new MillraceError('usage', '`millrace start` takes --once or --daemon, not both.', {
        hint: '--once ends after one item of each plane, --daemon goes on until it is stopped',
      })
    }
    await ensureWorkspace(context)
    const { listeners, attend } = await monitorOf(context, input)
    const engine = await openEngine(context, { runtimeMode: 'once', modeId: input.mode }, listeners)
    const endShow = attend(engine)
    const signals = stopOnSignal(context, engine)
    return thenClose(engine, async () => {
      const pass = await runPass(engine, telling(context))
      await drain(engine)
      await settleFinished(engine)
      return answer(engine.workspace.view(), pass, input.mode ?? null)
    }).finally(() => {
      endShow()
      signals.release()
    })
  },
}

function answer(view: View, pass: PassEnd, mode_override: string | null): StartOutput {
  const { snapshot } = view
  const items = pass.runs.map((run) => itemOf(view, run))
  const left_queued = Object.entries(pass.left).map(([kind, count]) => ({ kind, count }))
  const end_reason = endReason(view, pass)
  const last = pass.settled?.last ?? null
  return {
    run_mode: 'once',
    active_mode_id: snapshot.active_mode_id,
    mode_override,
    compiled_plan_id: snapshot.compiled_plan_id,
    end_reason,
    detail: detailOf(view, pass, end_reason, items),
    stages: pass.stages,
    items,
    left_queued,
    tick_reason: pass.settled?.reason ?? pass.end.last?.reason ?? 'no_work',
    result_class: last?.result_class ?? null,
    failure_class: last?.failure_class ?? null,
    message: last?.message ?? null,
    failed: last?.result_class === 'recoverable_failure',
  }
}

function endReason(view: View, pass: PassEnd): StartOutput['end_reason'] {
  if (pass.end.exit_reason === 'stop_requested') return 'stop_requested'
  if (waiting(view, pass).length > 0) return view.snapshot.pause_sources.length > 0 ? 'paused' : 'waiting'
  if (Object.keys(pass.left).length > 0) return 'planned'
  if (pass.runs.length > 0) return 'item_left'
  return view.snapshot.pause_sources.length > 0 ? 'paused' : 'nothing_to_do'
}

/** Runs of the pass that are still on their plane. */
const waiting = ({ snapshot }: View, pass: PassEnd): ActiveRun[] =>
  snapshot.active_runs.filter((run) => pass.runs.some((one) => one.run_id === run.run_id))

function itemOf(view: View, run: ActiveRun): StartOutput['items'][number] {
  const { run_id, plane } = run
  const root = run.closure_target_root_spec_id
  if (root !== null) {
    const open = view.targets.find((target) => target.root_spec_id === root)?.closure_open === true
    return { run_id, plane, work_item_kind: 'closure', work_item_id: root, state: open ? 'open' : 'closed' }
  }
  const [kind, id] = [run.work_item_kind as ItemKind, run.work_item_id ?? '']
  const state = view.items.find(kind, id)[0]?.state ?? 'gone'
  return { run_id, plane, work_item_kind: kind, work_item_id: id, state }
}

function detailOf(view: View, pass: PassEnd, reason: StartOutput['end_reason'], items: StartOutput['items']): string {
  const ended = items.map((item) => `${item.work_item_kind} ${item.work_item_id} is ${item.state}`).join('; ')
  const [held] = waiting(view, pass)
  switch (reason) {
    case 'planned':
      return `planned ${Object.entries(pass.left).map(counted).join(' and ')}; run it again to execute`
    case 'item_left':
      return ended
    case 'paused': {
      const sources = view.snapshot.pause_sources.map((source) => `${source.source} (${source.reason})`)
      return `paused by ${sources.join(', ')}`
    }
    case 'waiting': {
      const why = held?.held?.reason ?? (held?.not_before ? `next try at ${held.not_before}` : 'waits for its runner')
      return `${ended}: ${why}`
    }
    case 'nothing_to_do':
      return 'nothing to do'
    case 'stop_requested':
      return 'stopped before the item left its plane'
  }
}

const counted = ([kind, count]: [string, number]): string => {
  const words = kind.replaceAll('_', ' ')
  return count === 1 ? `1 ${words}` : `${count} ${words}s`
}
