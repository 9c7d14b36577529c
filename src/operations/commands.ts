/**
 * The commands: every change of the workspace an operator can ask for, as pure functions from view and payload to
 * changes (design §8). The engine carries them out between stages; without a runtime the caller does, the same way.
 */
import { type Change, Draft } from '../core/changes.ts'
import {
  DOCUMENT_BYTES_MAX,
  type DocumentKind,
  documentFromJson,
  faultsText,
  listField,
  parseDocumentBytes,
  renderDocument,
  setFields,
  textField,
  type WorkDocument,
} from '../core/document.ts'
import { MillraceError } from '../core/errors.ts'
import { isIdeaName } from '../core/idea.ts'
import { requireSafeId } from '../core/ids.ts'
import { ITEM_KINDS, type ItemEntry, type ItemKind, type ItemState, isItemKind } from '../core/item.ts'
import type { ChangeContext, ChangeOperation, ChangeOutcome, CommandTable } from '../core/operation.ts'
import type { ActiveRun } from '../core/state.ts'
import { compileFailed } from '../engine/engine.ts'
import { requeueRecord } from '../engine/settle.ts'
import { AT, itemFile } from '../store/layout.ts'
import { planChanges } from '../store/plans.ts'

const text = (payload: Record<string, unknown>, name: string, fallback?: string): string => {
  const value = payload[name]
  if (typeof value === 'string' && value.trim() !== '') return value.trim()
  if (fallback !== undefined) return fallback
  throw new MillraceError('mailbox_invalid', `The command needs ${name} as text.`)
}

function only(payload: Record<string, unknown>, ...names: string[]): void {
  const unknown = Object.keys(payload).filter((name) => !names.includes(name))
  if (unknown.length > 0)
    throw new MillraceError('mailbox_invalid', `The command does not take ${unknown.join(', ')}.`, {
      hint: `it takes ${names.join(', ') || 'nothing'}`,
    })
}

const done = (draft: Draft, detail: string, more: Record<string, unknown> = {}): ChangeOutcome => ({
  changes: draft.finish(),
  output: { applied: true, detail, ...more },
})
const unchanged = (detail: string): ChangeOutcome => ({ changes: [], output: { applied: false, detail } })

const pause: ChangeOperation = ({ view }, payload) => {
  only(payload, 'reason')
  if (view.snapshot.pause_sources.some((source) => source.source === 'operator'))
    return unchanged('already paused by the operator')
  const draft = new Draft(view)
  const reason = text(payload, 'reason', 'operator requested pause')
  draft.snapshot.pause_sources = [
    { source: 'operator', reason, since: view.now, until: null },
    ...view.snapshot.pause_sources,
  ]
  draft.event('runtime_paused', { source: 'operator', reason, until: null })
  return done(draft, 'paused; running stages go on, nothing new is started')
}

const resume: ChangeOperation = ({ view }, payload) => {
  only(payload, 'reason')
  // A person saying "go on" also means "try again now" where the surroundings had failed.
  const cleared = view.snapshot.pause_sources.filter(
    (source) => source.source === 'operator' || source.source === 'environment',
  )
  const waiting = view.snapshot.active_runs.filter((run) => run.not_before !== null)
  const left = view.snapshot.pause_sources.filter((source) => !cleared.includes(source)).map((source) => source.source)
  if (cleared.length + waiting.length === 0)
    return unchanged(left.length > 0 ? `still paused by ${left.join(', ')}` : 'not paused')
  const draft = new Draft(view)
  draft.snapshot.pause_sources = view.snapshot.pause_sources.filter((source) => !cleared.includes(source))
  for (const run of waiting) draft.putRun({ ...run, not_before: null, environment_failures: 0 })
  for (const source of cleared) draft.event('runtime_resumed', { source: source.source, reason: 'operator' })
  return done(draft, left.length > 0 ? `resumed; still paused by ${left.join(', ')}` : 'resumed')
}

const stop: ChangeOperation = ({ view, live }, payload) => {
  only(payload, 'drain', 'reason')
  if (!live) return unchanged('no runtime is running; active runs are taken up by the next one')
  const drain = payload.drain === true
  const draft = new Draft(view)
  draft.snapshot.stop_requested = { drain, since: view.now }
  draft.event('runtime_stopped', { drain, active_runs: view.snapshot.active_runs.map((run) => run.run_id) })
  return done(
    draft,
    drain
      ? 'stopping once the running stages have ended'
      : 'stopping; running stages are ended and run again at the next start',
  )
}

const reloadConfig: ChangeOperation = ({ view, live, compile }, payload) => {
  only(payload, 'reason')
  if (!live) return unchanged('no runtime is running; the config is read at the next start')
  const draft = new Draft(view)
  try {
    const fresh = compile()
    draft.add(...planChanges(fresh, view.plan, view.now))
    if (fresh.plan === null) throw compileFailed(fresh)
    draft.snapshot.active_mode_id = fresh.modeId
    draft.snapshot.compiled_plan_id = fresh.plan.compiled_plan_id
    draft.snapshot.loop_ids_by_plane = fresh.plan.loop_ids_by_plane
    draft.snapshot.config_version = fresh.configVersion
    draft.snapshot.last_reload_outcome = 'applied'
    draft.snapshot.last_reload_error = null
    draft.event('runtime_config_reloaded', { mode_id: fresh.modeId, compiled_plan_id: fresh.plan.compiled_plan_id })
    return done(draft, `reloaded; new runs start under ${fresh.plan.compiled_plan_id}`, {
      compiled_plan_id: fresh.plan.compiled_plan_id,
    })
  } catch (error) {
    if (!MillraceError.is(error)) throw error
    draft.snapshot.last_reload_outcome = 'failed_retained_previous_plan'
    draft.snapshot.last_reload_error = error.message
    draft.event('runtime_config_reload_failed', {
      error: error.message,
      retained_previous_plan: true,
      compiled_plan_id: view.snapshot.compiled_plan_id,
    })
    return {
      changes: draft.finish(),
      output: {
        applied: false,
        detail: `kept the previous plan: ${error.message}`,
        error: { code: error.code, message: error.message },
      },
    }
  }
}

/** Adds a document of a kind; what an operator leaves out of a root spec's lineage is filled in and reported. */
function addDocument(kind: DocumentKind & ItemKind): ChangeOperation {
  return (context, payload) => {
    only(payload, 'document', 'text')
    const { view } = context
    const { document, source } = readPayload(kind, payload)
    requireSafeId(document.id, `The ${kind} id`)
    refuseCycle(document, view)
    const lineage = kind === 'spec' ? missingLineage(document) : {}
    const rendered = Object.keys(lineage).length > 0 ? setFields(source, kind, lineage) : source
    const draft = new Draft(view)
    if (lineage.root_idea_id === document.id)
      draft.add({ change: 'document.put', path: `intake/ideas/${document.id}.md`, text: source, once: true })
    draft.add({ change: 'item.add', kind, id: document.id, state: 'queued', text: rendered })
    draft.forget('runtime_tick_idle', 'runtime')
    const path = `millrace-agents/${itemFile(kind, document.id, 'queued')}`
    if (kind === 'task' || kind === 'spec')
      draft.event(`mailbox_add_${kind}_applied`, { [`${kind}_id`]: document.id, path })
    return done(draft, `enqueued ${kind} ${document.id}`, {
      work_item_kind: kind,
      work_item_id: document.id,
      artifact_path: path,
      defaulted_fields: Object.keys(lineage),
    })
  }
}

/** Either the JSON form (`document`, the reference's payload) or the text itself (`text`, which keeps what people wrote). */
function readPayload(kind: DocumentKind, payload: Record<string, unknown>): { document: WorkDocument; source: string } {
  const json = payload.document
  if (typeof payload.text === 'string') {
    const source = payload.text
    const parsed = parseText(kind, source)
    return { document: parsed, source }
  }
  const parsed = documentFromJson(kind, json)
  if (!parsed.ok) throw new MillraceError('document_invalid', `The ${kind} is not valid: ${faultsText(parsed.faults)}.`)
  const source = renderDocument(parsed.document)
  if (Buffer.byteLength(source) > DOCUMENT_BYTES_MAX)
    throw new MillraceError('document_invalid', `The ${kind} is larger than ${DOCUMENT_BYTES_MAX} bytes.`)
  return { document: parsed.document, source }
}

/** A root spec written by hand is its own seed unless it names one (so that finished work can be judged against it). */
function missingLineage(document: WorkDocument): Record<string, string> {
  const isRoot =
    ['idea', 'manual'].includes(textField(document, 'source_type') ?? '') && !textField(document, 'parent_spec_id')
  const stated = textField(document, 'root_spec_id')
  if (!isRoot || (stated !== null && stated !== document.id)) return {}
  return {
    ...(stated === null ? { root_spec_id: document.id } : {}),
    ...(textField(document, 'root_idea_id') === null ? { root_idea_id: document.id } : {}),
  }
}

const DEPENDENCY_STEPS_MAX = 10_000

function refuseCycle(document: WorkDocument, view: ChangeContext['view']): void {
  const kind = document.kind as ItemKind
  const seen = new Set<string>()
  const stack = [...listField(document, 'depends_on')]
  for (let id = stack.pop(); id !== undefined && seen.size < DEPENDENCY_STEPS_MAX; id = stack.pop()) {
    if (id === document.id) {
      throw new MillraceError('dependency_cycle', `The dependencies of ${kind} ${document.id} lead back to itself.`, {
        hint: 'take one of the Depends-On lines out',
      })
    }
    if (seen.has(id)) continue
    seen.add(id)
    for (const place of view.items.find(kind, id)) stack.push(...place.dependsOn)
  }
}

const addIdea: ChangeOperation = ({ view }, payload) => {
  only(payload, 'source_name', 'markdown')
  const name = text(payload, 'source_name')
  const markdown = payload.markdown
  if (!isIdeaName(name))
    throw new MillraceError('id_invalid', `${JSON.stringify(name)} is no name for an idea.`, {
      hint: 'use a safe id followed by .md, without a folder',
    })
  if (typeof markdown !== 'string' || markdown.trim() === '')
    throw new MillraceError('document_invalid', 'The idea is empty.')
  if (view.readFile(`ideas/inbox/${name}`) !== null)
    throw new MillraceError('item_exists', `ideas/inbox/${name} exists already.`, {
      hint: 'choose another name, or edit that file',
    })
  const draft = new Draft(view)
  draft.add({ change: 'document.put', path: `../ideas/inbox/${name}`, text: markdown, once: true })
  draft.forget('runtime_tick_idle', 'runtime')
  draft.event('mailbox_add_idea_applied', { source_name: name, path: `ideas/inbox/${name}` })
  return done(draft, `added idea ${name}`, { artifact_path: `ideas/inbox/${name}` })
}

/** The run a command means: by id or a unique start of it, or the only active one. */
function findRun(view: ChangeContext['view'], wanted: string | null, plane: string | null): ActiveRun {
  const runs = view.snapshot.active_runs.filter(
    (run) =>
      (plane === null || run.plane === plane) &&
      (wanted === null ||
        run.run_id === wanted ||
        run.run_id.startsWith(wanted) ||
        run.run_id.startsWith(`run-${wanted}`)),
  )
  const [run, second] = runs
  if (!run)
    throw new MillraceError(
      'nothing_active',
      wanted === null ? `Nothing is active${plane ? ` on plane ${plane}` : ''}.` : `No active run ${wanted}.`,
      { hint: 'see what is active with `millrace status`' },
    )
  if (second)
    throw new MillraceError('item_ambiguous', `Several runs are meant: ${runs.map((one) => one.run_id).join(', ')}.`, {
      hint: 'name one',
    })
  return run
}

const cancelRun: ChangeOperation = ({ view }, payload) => {
  only(payload, 'run_id', 'reason')
  const run = findRun(view, text(payload, 'run_id'), null)
  const draft = new Draft(view)
  draft.putRun({
    ...run,
    cancel_requested: { reason: text(payload, 'reason', 'operator cancelled the run'), requeue: false },
  })
  return done(draft, `cancelling ${run.run_id}; its item will be blocked`, { run_id: run.run_id })
}

const retryActive: ChangeOperation = ({ view }, payload) => {
  only(payload, 'reason', 'scope')
  const scope = payload.scope
  if (scope !== undefined && (typeof scope !== 'string' || view.plan?.graphs_by_plane[scope] === undefined)) {
    throw new MillraceError('mailbox_invalid', `The scope ${JSON.stringify(scope)} is no plane of the plan.`, {
      hint: `planes: ${Object.keys(view.plan?.graphs_by_plane ?? {}).join(', ')}`,
    })
  }
  const run = findRun(view, null, (scope as string | undefined) ?? null)
  const draft = new Draft(view)
  if (run.status === 'held' && run.work_item_id === null) {
    draft.putRun({ ...run, status: 'ready', held: null, stage_since: view.now })
    return done(draft, `${run.run_id} is started again at ${run.node_id}`, { run_id: run.run_id })
  }
  draft.putRun({
    ...run,
    cancel_requested: { reason: text(payload, 'reason', 'operator requested retry'), requeue: true },
  })
  return done(
    draft,
    `requeueing ${run.work_item_kind ?? 'closure target'} ${run.work_item_id ?? run.closure_target_root_spec_id}`,
    { run_id: run.run_id },
  )
}

/** Puts the workspace back on its feet: what a fresh runtime would resume anyway is only reported, unless told to requeue. */
const clearStaleState: ChangeOperation = ({ view, live }, payload) => {
  only(payload, 'reason', 'requeue')
  const draft = new Draft(view)
  const reason = text(payload, 'reason', 'operator requested stale-state clear')
  const runs = view.snapshot.active_runs
  if (payload.requeue === true) {
    for (const run of runs) draft.putRun({ ...run, cancel_requested: { reason, requeue: true } })
  } else {
    for (const run of runs)
      if (run.status === 'held') draft.putRun({ ...run, status: 'ready', held: null, stage_since: view.now })
  }
  if (!live) {
    draft.snapshot.process_running = false
    draft.snapshot.stop_requested = null
  }
  draft.snapshot.pause_sources = []
  for (const target of view.targets)
    if (target.held) draft.add({ change: 'closure.put', target: { ...target, held: null } })
  const changes = draft.finish()
  const requeued = payload.requeue === true ? runs.length : 0
  return {
    changes,
    output: {
      applied: changes.length > 0,
      detail: `requeued=${requeued}; released=${runs.filter((run) => run.status === 'held').length}; the rest is resumed by the next runtime`,
    },
  }
}

/** The one place an item lies in; asks for the kind where the id is ambiguous. */
function findItem(view: ChangeContext['view'], id: string, kind: string | null): ItemEntry {
  if (kind !== null && !isItemKind(kind))
    throw new MillraceError('usage', `${kind} is no kind of work item.`, { hint: `kinds: ${ITEM_KINDS.join(', ')}` })
  requireSafeId(id, 'The work item id')
  const places = ITEM_KINDS.filter((one) => kind === null || one === kind)
    .flatMap((one) => view.items.find(one, id))
    .filter((place) => place.state !== 'cancelled')
  if (places.length === 0)
    throw new MillraceError('item_unknown', `There is no work item ${id}.`, {
      hint: 'list them with `millrace queue ls`',
    })
  if (places.length > 1)
    throw new MillraceError(
      'item_ambiguous',
      `${id} lies in several places: ${places.map((place) => `${place.kind} ${place.state}`).join(', ')}.`,
      { hint: 'name the kind with --kind, or move one of the files away' },
    )
  return places[0]!
}

function moveItem(view: ChangeContext['view'], draft: Draft, item: ItemEntry, to: ItemState): void {
  const read = view.read(item.kind, item.id, item.state)
  if (read === null)
    throw new MillraceError('conflict', `${item.kind} ${item.id} cannot be read just now.`, {
      hint: 'run the command again',
    })
  draft.add({ change: 'item.move', kind: item.kind, id: item.id, from: item.state, to, hash: read.hash })
}

function intervention(
  view: ChangeContext['view'],
  action: string,
  reason: string,
  item: ItemEntry,
  to: string,
): Change {
  return {
    change: 'line.append',
    path: AT.interventions,
    record: {
      schema_version: '1.0',
      kind: 'operator_intervention',
      action,
      actor: 'operator',
      reason,
      applied_at: view.now,
      work_item_kind: item.kind,
      work_item_id: item.id,
      source_state: item.state,
      destination_state: to,
    },
  }
}

const retryWorkItem: ChangeOperation = ({ view }, payload) => {
  only(payload, 'work_item_id', 'work_item_kind', 'reason')
  const item = findItem(
    view,
    text(payload, 'work_item_id'),
    (payload.work_item_kind as string | null | undefined) ?? null,
  )
  if (item.state !== 'blocked' && item.state !== 'quarantined')
    throw new MillraceError(
      'item_state',
      `${item.kind} ${item.id} is ${item.state}; only blocked or quarantined items go back into the queue.`,
    )
  const reason = text(payload, 'reason', 'operator requested retry')
  const draft = new Draft(view)
  moveItem(view, draft, item, 'queued')
  draft.add(
    ...requeueRecord(item.kind, item.id, reason, view.now, item.state),
    intervention(view, 'retry', reason, item, 'queued'),
  )
  draft.forget('runtime_tick_idle', 'runtime')
  for (const target of view.targets)
    if (target.held && target.root_spec_id === item.effectiveRoot)
      draft.add({ change: 'closure.put', target: { ...target, held: null } })
  return done(draft, `requeued ${item.kind} ${item.id}`, { work_item_kind: item.kind, work_item_id: item.id })
}

const cancelWorkItem: ChangeOperation = ({ view }, payload) => {
  only(payload, 'work_item_id', 'work_item_kind', 'reason', 'force')
  const item = findItem(
    view,
    text(payload, 'work_item_id'),
    (payload.work_item_kind as string | null | undefined) ?? null,
  )
  if (item.state !== 'queued' && item.state !== 'blocked')
    throw new MillraceError(
      'item_state',
      `${item.kind} ${item.id} is ${item.state}; only queued or blocked items can be cancelled.`,
      { hint: item.state === 'active' ? 'end its run with `millrace control cancel RUN`' : '' },
    )
  const reason = text(payload, 'reason', 'operator cancelled the item')
  const waiting = [...view.items.queued(item.kind)]
    .filter((other) => other.dependsOn.includes(item.id))
    .map((other) => other.id)
  const draft = new Draft(view)
  moveItem(view, draft, item, 'cancelled')
  draft.add(intervention(view, 'cancel', reason, item, 'cancelled'))
  draft.event('work_item_cancelled', {
    work_item_kind: item.kind,
    work_item_id: item.id,
    source_state: item.state,
    reason,
    affected_dependents: waiting,
  })
  return done(
    draft,
    `cancelled ${item.kind} ${item.id}${waiting.length > 0 ? `; still waiting for it: ${waiting.join(', ')}` : ''}`,
    { work_item_kind: item.kind, work_item_id: item.id, affected_dependents: waiting },
  )
}

function parseText(kind: DocumentKind, source: string): WorkDocument {
  const parsed = parseDocumentBytes(kind, Buffer.from(source, 'utf8'))
  if (!parsed.ok) throw new MillraceError('document_invalid', `The ${kind} is not valid: ${faultsText(parsed.faults)}.`)
  return parsed.document
}

/** By mailbox command name (spec 01 §4.6, extended). */
export const COMMANDS: CommandTable = {
  pause,
  resume,
  stop,
  reload_config: reloadConfig,
  add_task: addDocument('task'),
  add_spec: addDocument('spec'),
  add_idea: addIdea,
  retry_active: retryActive,
  clear_stale_state: clearStaleState,
  cancel_run: cancelRun,
  retry_work_item: retryWorkItem,
  cancel_work_item: cancelWorkItem,
}
