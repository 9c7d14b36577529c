/** How runs read: blocks of keys for programs, a table and a story for people. */
import type {
  RunRow,
  RunStage,
  RunsLsOutput,
  RunsShowOutput,
  RunsTailOutput,
  RunsTraceOutput,
} from '../../operations/schemas/runs.ts'
import type { Look } from '../look.ts'
import { duration } from '../time.ts'

type Tokens = RunRow['token_usage']

const tokenLines = (tokens: Tokens, look: Look): string[] =>
  tokens === null ? [] : Object.entries(tokens).map(([key, value]) => look.field(key, value))

/** 12.3k, 1.2M: enough to compare runs by. */
function amount(tokens: Tokens): string {
  if (tokens === null) return '–'
  const total = tokens.total_tokens
  if (total < 1000) return String(total)
  return total < 1_000_000 ? `${(total / 1000).toFixed(1)}k` : `${(total / 1_000_000).toFixed(1)}M`
}

/** Null, to be left out, where no harness reported any. */
export const tokensUsed = (tokens: Tokens): string | null => (tokens === null ? null : `${amount(tokens)} tokens`)

export const lasted = (seconds: number | null): string => (seconds === null ? '–' : duration(seconds))

export function coloured(state: string, { paint }: Look): string {
  if (state === 'complete') return paint.green(state)
  if (state === 'active') return paint.cyan(state)
  return state === 'handoff' ? paint.yellow(state) : paint.red(state)
}

export function ls(output: RunsLsOutput, look: Look): string {
  if (!look.terminal) return output.runs.map((run) => rowLines(run, look)).join('\n\n')
  if (output.runs.length === 0) return look.paint.dim('No runs yet.')
  const rows = output.runs.map((run) => [
    run.run_id.slice(0, 'run-'.length + 8),
    run.work_item_id ?? '–',
    coloured(run.state, look),
    String(run.stage_count),
    run.last_outcome === null ? (run.last_stage ?? '–') : `${run.last_stage} ${run.last_outcome}`,
    lasted(run.duration_seconds),
    amount(run.token_usage),
    look.ago(run.completed_at ?? run.started_at),
  ])
  const columns = [
    { title: 'RUN' },
    { title: 'ITEM', flexible: true },
    { title: 'STATE' },
    { title: 'STAGES', align: 'right' as const },
    { title: 'LAST', flexible: true },
    { title: 'TIME', align: 'right' as const },
    { title: 'TOKENS', align: 'right' as const },
    { title: 'WHEN' },
  ]
  const more = output.run_count - output.runs.length
  const left = more > 0 ? [look.paint.dim(`and ${more} more; --limit 0 shows all`)] : []
  return [look.table(rows, columns), ...left].join('\n')
}

function rowLines(run: RunRow, look: Look): string {
  const { token_usage, ...flat } = run
  return [...Object.entries(flat).map(([key, value]) => look.field(key, value)), ...tokenLines(token_usage, look)].join(
    '\n',
  )
}

export function show(output: RunsShowOutput, look: Look): string {
  return look.terminal ? story(output, look) : record(output, look)
}

function record(output: RunsShowOutput, look: Look): string {
  const { token_usage, notes, run_dir, state, plane, title, held_reason, running, stages, ...header } = output
  const head = [
    ...Object.entries(header).map(([key, value]) => look.field(key, value)),
    ...tokenLines(token_usage, look),
    ...notes.map((note) => look.field('note', note)),
    look.field('state', state),
    look.field('plane', plane),
    look.field('run_dir', run_dir),
    look.field('title', title),
    look.field('held_reason', held_reason),
    look.field('running', running && `${running.node_id} since ${running.since} request=${running.request_id}`),
  ]
  return [head.join('\n'), ...stages.map((stage) => stageLines(stage, look))].join('\n\n')
}

function stageLines(stage: RunStage, look: Look): string {
  const { token_usage, artifact_paths, notes, next, decision_reason, queue_changes, failure_class, ...rest } = stage
  const { working_tree, ...flat } = rest
  return [
    ...Object.entries(flat).map(([key, value]) => look.field(key, value)),
    ...tokenLines(token_usage, look),
    ...artifact_paths.map((file) => look.field('artifact_path', file)),
    look.field('working_tree', working_tree && treeLine(working_tree)),
    look.field('failure_class', failure_class),
    ...notes.map((note) => look.field('note', note)),
    look.field('next', next),
    look.field('decision_reason', decision_reason),
    ...queue_changes.map((change) => look.field('queue_change', change)),
  ].join('\n')
}

/** What a stage did to the files of the user, in one line. */
function treeLine({ state, ref, left_out, problem }: NonNullable<RunStage['working_tree']>): string {
  const how = {
    changed: 'files changed',
    unchanged: 'files unchanged',
    unknown: 'files unknown',
    unprotected: 'protection off',
  }
  const notes = [
    ...(ref === null ? [] : [`from before: ${ref}`]),
    ...(left_out.length === 0 ? [] : [`not held: ${left_out.join(', ')}`]),
    ...(problem === null ? [] : [problem]),
  ]
  return [how[state], ...notes].join('; ')
}

function story(output: RunsShowOutput, look: Look): string {
  const { paint } = look
  const work =
    output.work_item_id === null
      ? `closure of ${output.closure_target_root_spec_id}`
      : `${output.work_item_kind} ${output.work_item_id}`
  const title = output.title === null ? '' : ` "${look.safe(output.title)}"`
  const head = [
    `${paint.bold(output.run_id)} ${coloured(output.state, look)}`,
    `${work}${title}`,
    paint.dim(
      [
        output.plane,
        output.started_at === null ? 'not started' : `started ${look.ago(output.started_at)}`,
        `took ${lasted(output.duration_seconds)}`,
        tokensUsed(output.token_usage),
        output.mode_id,
      ]
        .filter((part) => part !== null)
        .join(' · '),
    ),
    ...(output.held_reason === null ? [] : [paint.red(`held: ${look.safe(output.held_reason)}`)]),
    ...output.notes.map((note) => paint.yellow(look.safe(note))),
  ]
  const now = output.running
    ? [
        `${paint.cyan('▶')} ${paint.bold(output.running.node_id)} at work since ${look.ago(output.running.since)} ${paint.dim(output.running.runner_name)}`,
      ]
    : []
  const foot = [look.field('folder', output.run_dir), look.field('report', `millrace runs tail ${output.run_id}`)]
  return [head.join('\n'), ...output.stages.map((stage) => chapter(stage, look)), ...now, foot.join('\n')].join('\n\n')
}

function chapter(stage: RunStage, look: Look): string {
  const { paint } = look
  const mark =
    stage.result_class === 'success' ? paint.green('✓') : stage.failure_class ? paint.red('✗') : paint.yellow('●')
  const facts = [lasted(stage.duration_seconds), tokensUsed(stage.token_usage), stage.runner_name, stage.model_name]
  return [
    `${mark} ${paint.bold(stage.node_id)} ${stage.terminal_result} ${paint.dim(facts.filter((one) => one !== null).join(' · '))}`,
    ...(stage.failure_class === null ? [] : [`  ${paint.red(stage.failure_class)}`]),
    ...stage.notes.map((note) => `  ${look.safe(note)}`),
    ...(stage.working_tree === null ? [] : [`  ${paint.dim(look.safe(treeLine(stage.working_tree)))}`]),
    ...stage.artifact_paths.map((file) => `  ${paint.dim(look.safe(file))}`),
    ...stage.queue_changes.map((change) => `  + ${look.safe(change)}`),
    ...(stage.next === null ? [] : [`  → ${stage.next} ${paint.dim(stage.decision_reason ?? '')}`]),
  ].join('\n')
}

export function trace(output: RunsTraceOutput, look: Look): string {
  const { paint } = look
  const steps = output.edges.map((edge) => {
    const target = edge.terminal_state_id === null ? edge.target_node_id : `terminal:${edge.terminal_state_id}`
    const spawned = edge.spawned_work.map((work) => ` +${work.kind}:${work.item_id}`).join('')
    if (!look.terminal) return `${edge.source_node_id} ${edge.outcome} -> ${target}${spawned}`
    return `${paint.bold(edge.source_node_id)} ${edge.outcome} → ${target} ${paint.dim(`${edge.decision_reason}, ${look.ago(edge.decided_at)}`)}${spawned}`
  })
  const running = output.nodes.filter((node) => node.terminal_result === null)
  const work = running.map((node) =>
    look.terminal ? `${paint.cyan('▶')} ${paint.bold(node.node_id)} at work` : `${node.node_id} running`,
  )
  if (look.terminal) {
    const head = `${paint.bold(output.run_id)} ${coloured(output.status, look)}`
    const notes = output.notes.map((note) => paint.yellow(look.safe(note)))
    return [head, ...notes, '', ...steps, ...work].join('\n')
  }
  return [
    look.field('run_id', output.run_id),
    look.field('status', output.status),
    look.field('compiled_plan_id', output.compiled_plan_id),
    look.field('mode_id', output.mode_id),
    look.field('request_kind', output.request_kind),
    look.field('work_item_kind', output.work_item_kind),
    look.field('work_item_id', output.work_item_id),
    look.field('node_count', output.nodes.length),
    look.field('edge_count', output.edges.length),
    ...output.notes.map((note) => look.field('note', note)),
    ...steps,
    ...work,
  ].join('\n')
}

/** An agent wrote it, so on a terminal nothing in it may steer that; a program gets every byte. */
export function tail(output: RunsTailOutput, look: Look): string {
  if (!look.terminal) return output.text
  const head = look.paint.dim(`${output.source.replace('_', ' ')} of ${output.node_id}: ${look.safe(output.path)}`)
  const cut = output.truncated ? [look.paint.dim('…')] : []
  return [head, '', ...cut, ...output.text.split('\n').map(look.safe)].join('\n')
}
