/** How status reads: for a person one sentence, then what is not empty; for a program every key on its line. */
import type { ActiveRunStatus, DetailOutput, StatusOutput } from '../../operations/schemas/status.ts'
import type { Look, Value } from '../look.ts'
import { duration } from '../time.ts'
import { pairs } from './quoted.ts'
import { DETAIL_GROUPS, detailBlocks } from './status-detail.ts'

export function status(output: StatusOutput, look: Look): string {
  const detail = output.runtime === undefined ? [] : [detailBlocks(output as StatusOutput & DetailOutput, look)]
  return look.terminal ? [sections(output, look), ...detail].join('\n\n') : [lines(output, look), ...detail].join('\n')
}

/** Behind these keys of the seed come the lines of active runs. */
const AFTER_RUN_LINES = 'baseline_manifest_id'

function lines(output: StatusOutput, look: Look): string {
  const written: string[] = []
  for (const [key, value] of Object.entries(output)) {
    if (key in DETAIL_GROUPS) continue
    if (key === AFTER_RUN_LINES)
      written.push(...output.active_runs.map((run) => look.field('active_run', runLine(run))))
    if (value === null || typeof value !== 'object') written.push(look.field(key, value as Value))
    else written.push(...nested(key, output, look))
  }
  if (isIdle(output)) written.push(look.field('note', IDLE_NOTE))
  return written.join('\n')
}

/** The line the seed prints of a run; its run id is shortened as there. */
function runLine(run: ActiveRunStatus): string {
  return pairs({
    plane: run.plane,
    stage: run.stage,
    node: run.node_id,
    stage_kind: run.stage_kind_id,
    request_kind: run.request_kind,
    work_item_kind: run.work_item_kind,
    work_item_id: run.work_item_id ?? run.closure_target_root_spec_id,
    run: run.run_id.replace(/^run-/, '').slice(0, 12),
    ...(run.approval_id === null ? {} : { approval: run.approval_id }),
  })
}

function nested(key: string, output: StatusOutput, look: Look): string[] {
  switch (key) {
    case 'pending_journal':
      return output.pending_journal === null ? [] : [look.field(key, pairs({ ...output.pending_journal }))]
    case 'usage_governance_blockers':
      return output.usage_governance_blockers.map((blocker) =>
        look.field(
          'usage_governance_blocker',
          pairs({
            source: blocker.source,
            rule: blocker.rule_id,
            window: blocker.window,
            observed: blocker.observed,
            threshold: blocker.threshold,
            metric: blocker.metric,
            next_resume: blocker.next_auto_resume_at,
          }),
        ),
      )
    case 'usage_governance_subscription':
      return Object.entries(output.usage_governance_subscription?.windows ?? {}).map(([window, use]) =>
        look.field('usage_governance_subscription_window', pairs({ window, ...use })),
      )
    case 'queue_depths':
      return Object.entries(output.queue_depths).map(([kind, depth]) => look.field(`queue_depth.${kind}`, pairs(depth)))
    case 'pending_restart':
    case 'stop_files':
      return output[key].length === 0 ? [] : [look.field(key, output[key].join(','))]
    case 'pauses':
      return output.pauses.map((pause) => look.field('pause', pairs({ ...pause })))
    case 'runner_waits':
      return output.runner_waits.map((wait) => look.field('runner_wait', pairs({ ...wait })))
    case 'active_runs':
      return output.active_runs.map((run) =>
        look.field(
          'run',
          pairs({
            run_id: run.run_id,
            status: run.status,
            stage_since: run.stage_since,
            stage_runs: run.stage_runs,
            request_id: run.request_id,
            not_before: run.not_before,
            title: run.title,
          }),
        ),
      )
    case 'held_runs':
      return output.held_runs.map((run) => look.field('held_run', pairs({ ...run })))
    case 'closure_targets':
      return output.closure_targets.map(({ blocking_work_ids, ...target }) =>
        look.field('closure_target', pairs({ ...target, blocking_work_ids: blocking_work_ids.join(',') })),
      )
    case 'last_results':
      return output.last_results.map((result) => look.field('last_result', pairs({ ...result })))
    case 'last_event': {
      const event = output.last_event
      const told = event && pairs({ event_type: event.event_type, occurred_at: event.occurred_at })
      return [look.field(key, told)]
    }
    default:
      return []
  }
}

/** As `look.field`, for a value that has colours of its own. */
const named = (name: string, value: string, { paint }: Look): string => `${paint.dim(`${name}:`)} ${value}`

function sections(output: StatusOutput, look: Look): string {
  const { paint } = look
  const parts = [
    headline(output, look),
    ...output.active_runs.slice(output.activity === 'working' ? 1 : 0).map((run) => `  ${describe(run, look)}`),
    ...(output.next_step === null ? [] : [`${paint.dim('next:')} ${output.next_step}`]),
    ...warnings(output, look),
  ]
  const rest = [queue(output, look), closure(output, look), last(output, look), where(output, look)]
  return [parts.join('\n'), ...rest.filter((part) => part !== '')].join('\n\n')
}

function headline(output: StatusOutput, look: Look): string {
  const { paint } = look
  const reason = output.activity_reason === null ? '' : look.safe(output.activity_reason)
  const [run] = output.active_runs
  if (output.activity === 'working' && run) {
    return `${paint.green(paint.bold('working'))}: ${describe(run, look)}${reason && `\n${paint.yellow(reason)}`}`
  }
  const colour = { working: paint.green, idle: paint.green, stopped: paint.blue, waiting: paint.yellow }
  const painted = (colour as Record<string, (text: string) => string>)[output.activity] ?? paint.red
  return `${painted(paint.bold(output.activity))}${reason && `: ${reason}`}`
}

/** `builder on task T-12 "Add login" for 3m 20s (run-4f0c21ab)`. */
function describe(run: ActiveRunStatus, look: Look): string {
  const work =
    run.work_item_id === null
      ? `closure of ${run.closure_target_root_spec_id}`
      : `${run.work_item_kind} ${run.work_item_id}`
  const title = run.title === null ? '' : ` "${look.safe(run.title)}"`
  const seconds = (look.now.getTime() - Date.parse(run.stage_since)) / 1000
  const how = run.held_reason
    ? look.paint.red(`held: ${look.safe(run.held_reason)}`)
    : run.status === 'started'
      ? `for ${duration(seconds)}`
      : run.not_before
        ? `next try ${look.ago(run.not_before)}`
        : 'ready'
  const id = look.paint.dim(`(${run.run_id.slice(0, 'run-'.length + 8)})`)
  return `${look.paint.bold(run.node_id)} on ${work}${title} ${how} ${id}`
}

function warnings(output: StatusOutput, look: Look): string[] {
  const warn = (text: string) => look.paint.yellow(look.safe(text))
  return [
    ...(output.compiled_plan_currentness === 'stale'
      ? [
          warn(
            'config or assets changed since the plan was compiled; the next start, or `millrace config reload`, takes them up',
          ),
        ]
      : []),
    ...(output.compile_plan_currentness_error
      ? [warn(`the mode does not compile: ${output.compile_plan_currentness_error}`)]
      : []),
    ...(output.last_reload_error ? [warn(`the last reload failed: ${output.last_reload_error}`)] : []),
    ...(output.pending_restart.length > 0
      ? [warn(`from the next start on: ${output.pending_restart.join(', ')} as millrace.toml says`)]
      : []),
    ...output.stop_files.map((file) => warn(`${file} lies there`)),
    ...(output.mailbox_waiting > 0 ? [warn(`${output.mailbox_waiting} command(s) wait in the mailbox`)] : []),
    ...(output.pending_journal && !output.degraded && output.runtime_ownership_lock !== 'active'
      ? [warn('a transaction waits to be applied; the next runtime does it')]
      : []),
  ]
}

function queue(output: StatusOutput, look: Look): string {
  const rows = Object.entries(output.queue_depths)
    .filter(([, depth]) => Object.values(depth).some((count) => count > 0))
    .map(([kind, depth]) => [
      kind,
      String(depth.queued),
      String(depth.active),
      depth.blocked > 0 ? look.paint.red(String(depth.blocked)) : '0',
      String(depth.done),
    ])
  if (rows.length === 0) return look.paint.dim('The queues are empty.')
  const right = (title: string) => ({ title, align: 'right' as const })
  return look.table(rows, [{ title: 'QUEUE' }, right('QUEUED'), right('ACTIVE'), right('BLOCKED'), right('DONE')])
}

function closure(output: StatusOutput, look: Look): string {
  return output.closure_targets
    .map((target) => {
      const blocking = target.blocking_work_ids.length
      const state = target.held_reason
        ? `held: ${look.safe(target.held_reason)}${target.retry_at ? `, again ${look.ago(target.retry_at)}` : ''}`
        : blocking > 0
          ? `waits for ${blocking} open item(s) of its lineage`
          : 'open'
      const rounds = target.rounds > 0 ? `, judged ${target.rounds} time(s)` : ''
      return named('closure', `${target.root_spec_id} ${state}${rounds}`, look)
    })
    .join('\n')
}

const isIdle = (output: StatusOutput): boolean => output.execution_status_marker === '### IDLE'

/** The marker is easily taken for more than it is. */
const IDLE_NOTE = 'IDLE says that no execution stage is at work; it says nothing of the runtime or of the queues.'

function last(output: StatusOutput, look: Look): string {
  const results = output.last_results.map((result) => {
    const colour = result.result_class === 'success' ? look.paint.green : look.paint.yellow
    const failure = result.failure_class ? ` ${look.paint.dim(result.failure_class)}` : ''
    return named(`last ${result.plane}`, `${colour(result.terminal_result)}${failure}`, look)
  })
  const event = output.last_event
  return [
    ...results,
    ...(isIdle(output) ? [look.paint.dim(IDLE_NOTE)] : []),
    ...(event ? [named('last event', `${event.event_type} ${look.ago(event.occurred_at)}`, look)] : []),
  ].join('\n')
}

function where(output: StatusOutput, look: Look): string {
  const runtime =
    output.runtime_process_id === null || !output.process_running
      ? []
      : [named('runtime', `process ${output.runtime_process_id}, up since ${look.ago(output.runtime_since)}`, look)]
  const mode =
    output.compiled_plan_currentness === 'missing'
      ? `${output.active_mode_id} (not compiled yet)`
      : output.active_mode_id
  return [...runtime, named('mode', mode, look), named('workspace', look.safe(output.workspace), look)].join('\n')
}
