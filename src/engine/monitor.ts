/**
 * The basic monitor: one line for every transition, in the format of spec 03 §5.3, and between them now and then one on
 * what an agent at work does. Listens only; never decides.
 */
import type { Engine, Listener } from './engine.ts'
import { glanceAtLanes } from './glance.ts'

type Fields = Record<string, unknown>

interface Monitor {
  listen: Listener
  /** Looks at the agents of a runtime from now on; gives back how to stop. */
  attend(engine: Engine): () => void
}

/** Hands lines to `print`. Run ids are shortened to what tells them apart. */
export function monitor(print: (line: string) => void): Monitor {
  const short = shortener()
  const elapsed = new Map<string, { since: number; tokens: number }>()
  const say = (line: string, at: string) => print(`[${at.slice(11, 19)}] ${line}`)
  return {
    listen(change, at) {
      if (change.change !== 'event.append') return
      for (const line of linesOf(change.event_type, change.data, short, elapsed)) say(line, at)
    },
    attend: (engine) => glanceAtLanes(engine, short, (line) => say(line, engine.clock.now().toISOString())),
  }
}

/** First 8, 12, 16 digits, or all: stable for the life of the process. */
function shortener(): (runId: unknown) => string {
  const given = new Map<string, string>()
  return (runId) => {
    const full = String(runId ?? 'unknown')
    const known = given.get(full)
    if (known) return known
    const digits = full.replace(/^run-/, '')
    const taken = new Set(given.values())
    const name =
      [8, 12, 16, digits.length].map((length) => digits.slice(0, length)).find((candidate) => !taken.has(candidate)) ??
      digits
    given.set(full, name)
    return name
  }
}

function linesOf(
  type: string,
  data: Fields,
  short: (id: unknown) => string,
  elapsed: Map<string, { since: number; tokens: number }>,
): string[] {
  const run = short(data.run_id)
  const stage = `${data.plane}/${data.stage}${data.node_id !== data.stage ? ` node=${data.node_id}` : ''}`
  switch (type) {
    case 'runtime_started':
      return [
        `runtime started mode=${data.mode_id} plan=${data.compiled_plan_id} currentness=current`,
        `loops ${pairs(data.loop_ids_by_plane)}`,
      ]
    case 'work_item_claimed':
      return [`claim ${data.plane} run=${run} work=${data.work_item_kind}:${data.work_item_id}`]
    case 'stage_started':
      return [`stage start ${stage} run=${run} work=${data.work_item_kind}:${data.work_item_id} runner=${data.runner}`]
    case 'stage_completed': {
      const seconds = Number(data.duration_seconds ?? 0)
      const usage = data.token_usage as Record<string, number> | null
      const sum = elapsed.get(run) ?? { since: 0, tokens: 0 }
      elapsed.set(run, { since: sum.since + seconds, tokens: sum.tokens + (usage?.total_tokens ?? 0) })
      const total = elapsed.get(run)!
      const tokens = usage
        ? ` tokens=in=${usage.input_tokens} cached=${usage.cached_input_tokens} out=${usage.output_tokens} think=${usage.thinking_tokens} total=${usage.total_tokens}`
        : ''
      return [
        `stage done ${stage} run=${run} result=${data.terminal_result}${data.failure_class ? ` failure=${data.failure_class}` : ''} dur=${seconds.toFixed(1)}s${tokens}`,
        `run ${data.plane} run=${run} elapsed=${total.since.toFixed(1)}s${total.tokens > 0 ? ` tokens=total=${total.tokens}` : ''}`,
      ]
    }
    case 'router_decision': {
      const target = data.next_node_id
        ? `-> ${data.next_node_id}`
        : data.action === 'blocked'
          ? `blocked ${data.terminal_state_id}`
          : `done ${data.terminal_state_id}`
      return [`route ${data.plane} ${target} action=${data.action} reason=${data.reason}`]
    }
    case 'runtime_tick_idle':
      return [`idle reason=${data.reason ?? 'no_work'}`]
    case 'runtime_paused':
      return [`paused source=${data.source} reason=${data.reason}${data.until ? ` until=${data.until}` : ''}`]
    case 'runtime_resumed':
      return [`resumed source=${data.source} reason=${data.reason}`]
    case 'usage_governance_paused':
      return [
        `governance pause source=${data.source} rule=${data.rule_id} window=${data.window} observed=${data.observed} threshold=${data.threshold} next_resume=${data.next_auto_resume_at ?? 'none'}`,
      ]
    case 'usage_governance_degraded':
      return [`governance degraded provider=${data.provider} policy=${data.degraded_policy} detail=${data.detail}`]
    case 'usage_governance_resumed':
      return [`governance resume cleared_rules=${(data.cleared_rules as string[]).join(',')}`]
    case 'runtime_lost':
      return [`lost mode=${data.runtime_mode} why=${data.why}`]
    case 'delivery_failed':
      return [`delivery failed id=${data.delivery_id} to=${data.recipient} error=${data.error}`]
    case 'runtime_stopped':
      return [`stopping drain=${data.drain}`]
    case 'runtime_closed':
      return ['runtime closed']
    case 'runtime_config_reloaded':
      return [`reload applied mode=${data.mode_id} plan=${data.compiled_plan_id}`]
    case 'runtime_config_reload_failed':
      return [`reload failed error=${data.error}`]
    case 'stage_adopted':
      return [`adopted run=${run} node=${data.node_id} pid=${data.pid}`]
    case 'stage_interrupted':
      return [`interrupted run=${run} node=${data.node_id} reason=${data.reason}`]
    case 'stage_deferred':
      return [
        `deferred run=${run} node=${data.node_id} failure=${data.failure_class} next_try=${data.next_try_at} reason=${data.reason}`,
      ]
    case 'runner_waiting':
      return [`waiting runner=${data.runner_name} cause=${data.cause} until=${data.until} reason=${data.reason}`]
    case 'runner_ready':
      return [`ready runner=${data.runner_name} cause=${data.cause}`]
    case 'run_held':
      return [`held run=${run} node=${data.node_id} reason=${data.reason}`]
    case 'run_withdrawn':
    case 'run_cancelled':
      return [`${type.slice(4)} run=${run} reason=${data.reason}`]
    case 'runtime_handoff_incident_enqueued':
      return [`incident ${data.incident_id} from=${data.source_work_item_kind}:${data.source_work_item_id}`]
    case 'work_item_handed_in':
      return [`handed in ${data.work_item_kind}:${data.work_item_id} by=${data.stage} run=${run}`]
    case 'idea_normalized_to_spec':
      return [`idea ${data.idea_path} -> spec:${data.spec_id}`]
    case 'work_item_invalid':
      return [`invalid ${data.work_item_kind} file=${data.file} findings=${JSON.stringify(data.findings)}`]
    case 'dependency_unsatisfiable':
      return [`waiting ${data.work_item_kind}:${data.work_item_id} dependencies=${pairs(data.dependencies)}`]
    case 'closure_target_opened':
    case 'closure_target_closed':
    case 'closure_target_held':
      return [
        `closure ${type.slice('closure_target_'.length)} root=${data.root_spec_id}${data.reason ? ` reason=${data.reason}` : ''}${data.retry_at ? ` retry_at=${data.retry_at}` : ''}`,
      ]
    case 'closure_target_backpressure':
      return [
        `closure backpressure open=${data.open_root_spec_id} deferred=${(data.deferred_root_spec_ids as string[]).join(',')}`,
      ]
    case 'mailbox_command_failed':
      return [`command refused ${data.command ?? 'unknown'} error=${data.error}`]
    case 'foreign_edit_kept':
      return [`foreign edit kept path=${data.path} as=${data.kept_as}`]
    default:
      return []
  }
}

function pairs(value: unknown): string {
  return Object.entries((value ?? {}) as Fields)
    .map(([key, member]) => `${key}=${member}`)
    .join(' ')
}
