/** How the provenance of a run reads. */
import type { RunsProvenanceOutput } from '../../operations/schemas/provenance.ts'
import type { Selection } from '../../operations/schemas/selection.ts'
import type { Look } from '../look.ts'
import { duration } from '../time.ts'
import { pairs, quoted } from './quoted.ts'
import { coloured } from './runs.ts'
import { setBy } from './selection.ts'

type History = RunsProvenanceOutput['runtime_history'][number]

const REVISION_SHOWN_CHARS = 12

export function provenance(output: RunsProvenanceOutput, look: Look): string {
  return look.terminal ? story(output, look) : lines(output, look)
}

// ---- for programs ----------------------------------------------------------------------------------------------------

function lines(output: RunsProvenanceOutput, look: Look): string {
  return [
    ...(['run_id', 'state', 'plane', 'request_kind', 'closure_target_root_spec_id'] as const).map((key) =>
      look.field(key, output[key]),
    ),
    look.field('work_item_kind', output.work_item_kind),
    look.field('work_item_id', output.work_item_id),
    ...selectionLines('selection', output.selection, look),
    ...output.selection_explanation.map((one) =>
      look.field('selection_explanation', `${one.node_id}.${one.key}=${quoted(one.value)} <- ${one.origin}`),
    ),
    ...selectionLines('current_preview', output.current_preview, look),
    look.field('current_preview_error', output.current_preview_error),
    ...(output.current_preview_changes ?? []).map((one) =>
      look.field(
        'current_preview_change',
        `${one.change} ${one.part} ${pairs({ id: one.id, key: one.key })} before=${quoted(one.before)} after=${quoted(one.after)}`,
      ),
    ),
    ...output.runtime_history.map((one) => look.field('transition', transition(one))),
    ...output.documents_handed_in.map((one) =>
      look.field('document_handed_in', pairs({ ...one, queued: `${one.queued}` })),
    ),
    ...output.skill_revisions.map((one) => look.field('skill_revision', pairs(one))),
    ...output.evidence_trees.map(({ request_id, node_id, before, after, ref, problem }) =>
      look.field('evidence_tree', pairs({ request_id, node_id, before, after, ref, problem })),
    ),
    look.field('snapshot_path', output.snapshot_path),
    look.field('compiled_plan_path', output.compiled_plan_path),
    look.field('transition_history_path', output.transition_history_path),
    ...output.notes.map((note) => look.field('note', note)),
  ].join('\n')
}

function selectionLines(name: string, selection: Selection | null, look: Look): string[] {
  if (selection === null) return [look.field(name, null)]
  const { stage_bindings, loop_ids_by_plane: loops, ...flat } = selection
  return [
    ...Object.entries(flat).map(([key, value]) => look.field(`${name}.${key}`, value)),
    ...Object.entries(loops).map(([plane, loop]) => look.field(`${name}.${plane}_loop_id`, loop)),
    ...stage_bindings.map(({ skills, ...binding }) =>
      look.field(`${name}.stage_binding`, pairs({ ...binding, skills: skills.join(',') })),
    ),
  ]
}

const transition = (one: History): string =>
  pairs({
    timestamp: one.timestamp,
    event_id: one.event_id,
    request_id: one.request_id,
    node_id: one.node_id,
    outcome: one.outcome,
    result_class: one.result_class,
    failure_class: one.failure_class,
    edge: one.selected_edge_id,
    reason: one.selected_edge_reason,
    to: target(one),
    queue_mutations: one.queue_mutations_applied?.join(';') ?? null,
  })

const target = (one: History): string | null =>
  one.selected_node_id ??
  (one.selected_terminal_state_id === null ? null : `terminal:${one.selected_terminal_state_id}`)

// ---- for people ------------------------------------------------------------------------------------------------------

function story(output: RunsProvenanceOutput, look: Look): string {
  const { paint } = look
  const served = output.work_item_id ?? output.closure_target_root_spec_id ?? ''
  const kind = output.work_item_kind ?? 'closure of'
  const head = `${paint.bold(output.run_id)} ${coloured(output.state, look)} ${look.safe(`${kind} ${served}`)}`
  const blocks = [
    [head, ...output.notes.map((note) => paint.yellow(look.safe(note)))].join('\n'),
    output.selection === null
      ? ''
      : `${paint.bold('Frozen for it')}\n${selectionTable(output.selection, output, look)}`,
    nowBlock(output, look),
    historyTable(output.runtime_history, look),
    documents(output, look),
    skills(output, look),
    trees(output, look),
    [
      ...(['snapshot_path', 'compiled_plan_path', 'transition_history_path'] as const).map((key) =>
        look.field(key, output[key]),
      ),
    ].join('\n'),
  ]
  return blocks.filter((block) => block !== '').join('\n\n')
}

function selectionTable(selection: Selection, output: RunsProvenanceOutput, look: Look): string {
  const { paint } = look
  const origin = (node: string) => setBy(output.selection_explanation.filter((one) => one.node_id === node))
  const rows = selection.stage_bindings.map((node) => [
    node.node_id,
    node.runner_name,
    [node.model_name, node.model_reasoning_effort].filter((one) => one !== null).join(' ') || '–',
    node.permission_level ?? '–',
    duration(node.timeout_seconds),
    paint.dim(origin(node.node_id)),
  ])
  const columns = [
    { title: 'NODE' },
    { title: 'RUNNER' },
    { title: 'MODEL' },
    { title: 'PERMISSION' },
    { title: 'TIME', align: 'right' as const },
    { title: 'FROM', flexible: true },
  ]
  const about = `mode ${selection.mode_id}, loop ${selection.loop_ids_by_plane[output.plane ?? ''] ?? 'none'}, ${selection.compiled_plan_id}, compiled ${look.ago(selection.compiled_at)}`
  return `${paint.dim(about)}\n${look.table(rows, columns)}`
}

const CHANGES_SHOWN_MAX = 12

function nowBlock(output: RunsProvenanceOutput, look: Look): string {
  const { paint } = look
  const head = paint.bold('Chosen now')
  if (output.current_preview_error !== null) return `${head}\n${paint.red(look.safe(output.current_preview_error))}`
  const changes = output.current_preview_changes
  if (changes === null) return ''
  if (changes.length === 0) return `${head}\n${paint.green('✓')} the same`
  const shown = changes.slice(0, CHANGES_SHOWN_MAX).map((one) => {
    const key = one.key === null ? '' : ` ${one.key}: ${quoted(one.before)} → ${quoted(one.after)}`
    return `  ${paint.yellow(one.change)} ${look.safe(`${one.part} ${one.id}${key}`)}`
  })
  const more = changes.length - shown.length
  const plan = `${output.selection?.compiled_plan_id ?? ''}`
  return [head, ...shown, ...(more > 0 ? [paint.dim(`  and ${more} more: millrace compile diff ${plan}`)] : [])].join(
    '\n',
  )
}

function historyTable(history: readonly History[], look: Look): string {
  if (history.length === 0) return look.paint.dim('Nothing was decided yet.')
  const rows = history.map((one) => [
    look.ago(one.timestamp),
    one.node_id ?? '',
    one.outcome ?? '',
    target(one) ?? '',
    look.safe(
      [one.selected_edge_reason, one.failure_class, ...(one.queue_mutations_applied ?? [])].filter(Boolean).join(', '),
    ),
  ])
  const columns = [
    { title: 'WHEN' },
    { title: 'NODE' },
    { title: 'OUTCOME' },
    { title: 'WENT TO' },
    { title: 'WHY', flexible: true },
  ]
  return `${look.paint.bold('What happened')}\n${look.table(rows, columns)}`
}

function documents(output: RunsProvenanceOutput, look: Look): string {
  if (output.documents_handed_in.length === 0) return ''
  const rows = output.documents_handed_in.map((one) => {
    const fate = one.queued ? look.paint.green('queued') : look.paint.yellow('not queued')
    return `  ${look.safe(`${one.kind} ${one.item_id}`)} ${look.paint.dim(`by ${one.node_id}`)} ${fate}`
  })
  return [look.paint.bold('Handed in'), ...rows].join('\n')
}

/** Revisions by their first characters; a node that ran again with the same ones is told once. */
function skills(output: RunsProvenanceOutput, look: Look): string {
  const byRequest = new Map<string, string[]>()
  for (const { request_id, node_id, skill_id, revision } of output.skill_revisions) {
    const row = byRequest.get(request_id) ?? [node_id, '']
    const one = look.safe(`${skill_id} ${revision.slice(0, REVISION_SHOWN_CHARS)}`)
    byRequest.set(request_id, [row[0]!, row[1] === '' ? one : `${row[1]}, ${one}`])
  }
  const rows = [...new Map([...byRequest.values()].map((row) => [row.join(' '), row])).values()]
  if (rows.length === 0) return ''
  return `${look.paint.bold('Skills given')}\n${look.table(rows, [{ title: 'NODE' }, { title: 'REVISIONS', flexible: true }])}`
}

function trees(output: RunsProvenanceOutput, look: Look): string {
  const short = (id: string | null) => id?.slice(0, 10) ?? '–'
  const rows = output.evidence_trees.map((one) => [
    one.node_id,
    short(one.before),
    one.before !== null && one.before === one.after ? look.paint.dim('unchanged') : short(one.after),
    look.safe(one.problem ?? one.ref ?? ''),
  ])
  if (rows.length === 0) return ''
  const columns = [{ title: 'NODE' }, { title: 'BEFORE' }, { title: 'AFTER' }, { title: 'KEPT AS', flexible: true }]
  return `${look.paint.bold('Working trees')}\n${look.table(rows, columns)}`
}
