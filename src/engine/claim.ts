/** Claim: taking items for lanes that are free, and saying of the rest what keeps them waiting. */
import { RECOVERED_KIND, returning } from '../core/auto-recovery.ts'
import { blockOf } from '../core/block.ts'
import { Draft } from '../core/changes.ts'
import { newRun, openTarget } from '../core/completion.ts'
import { listField, parseDocument, textField, type WorkDocument } from '../core/document.ts'
import { MillraceError } from '../core/errors.ts'
import type { ItemEntry } from '../core/item.ts'
import { completionGraph, nodeOf, type Plan } from '../core/plan.ts'
import { entryNode, isDeferredByClosure, isWaiting, type Selection, select, unsatisfiable } from '../core/select.ts'
import type { View } from '../core/view.ts'
import { blockRecord } from '../store/blocks.ts'
import type { Engine } from './engine.ts'

/** Candidates looked at in one pass before the rest waits for the next. */
const CLAIMS_PER_TICK_MAX = 16

/** Takes an item for every lane that is free. The chosen document is read again and must still say what the index says. */
export async function claim(engine: Engine): Promise<number> {
  const refused = new Set<string>()
  let claimed = 0
  for (let attempt = 0; attempt < CLAIMS_PER_TICK_MAX; attempt++) {
    const view = engine.workspace.view()
    const plan = view.plan
    if (!plan) return claimed
    const selection = select(view, plan, refused, (plane) => engine.turn?.admits(plane, view.snapshot) ?? true)
    if (selection === null) {
      await tellWaiting(engine, view, plan)
      return claimed
    }
    try {
      const draft = claimItem(engine, view, plan, selection)
      if (draft === null) {
        refused.add(`${selection.item.kind}:${selection.item.id}`)
        continue
      }
      await engine.commit(draft.finish())
      claimed += 1
    } catch (error) {
      if (!MillraceError.is(error) || (error.code !== 'conflict' && error.code !== 'item_exists')) throw error
      refused.add(`${selection.item.kind}:${selection.item.id}`)
      engine.workspace.index.reread(selection.item.kind, 'queued', `${selection.item.id}.md`)
    }
  }
  return claimed
}

const MISSING_IDEA = {
  blocked_origin: 'runtime_exception',
  failure_class: 'missing_root_idea_source',
  failure_scope: 'contract',
} as const

/** The claim as one transaction: item to active, run at its entry node, closure target opened. Null if it changed. */
function claimItem(engine: Engine, view: View, plan: Plan, { plane, item }: Selection): Draft | null {
  const read = view.read(item.kind, item.id, 'queued')
  const parsed = read === null ? null : parseDocument(item.kind, read.text)
  if (read === null || !parsed?.ok || parsed.document.id !== item.id || !sameAsIndexed(parsed.document, item)) {
    engine.workspace.index.reread(item.kind, 'queued', `${item.id}.md`)
    return null
  }
  const { document } = parsed
  const nodeId = entryNode(plan, plane, item.kind, (field) => document.fields[field])
  const node = nodeId === null ? undefined : nodeOf(plan, plane, nodeId)
  if (!node || isWaiting(view.snapshot, plan, plane, node.node_id, view.now)) return null
  const draft = new Draft(view)
  const run = newRun(view.now, {
    runId: `run-${engine.clock.hex(32)}`,
    plane,
    nodeId: node.node_id,
    stageKindId: node.stage_kind_id,
    planId: plan.compiled_plan_id,
    item: { kind: item.kind, id: item.id },
  })
  if (completionGraph(plan)?.completion_behavior.opened_by_kind === item.kind) {
    const opening = openTarget(draft, view, rootSpecOf(document, read.text))
    if (!opening.opened && opening.reason === 'missing_root_idea_source') {
      draft.add({ change: 'item.move', kind: item.kind, id: item.id, from: 'queued', to: 'blocked', hash: read.hash })
      draft.add({ change: 'block.put', block: blockOf(item, view.now, MISSING_IDEA) })
      draft.event('root_idea_source_missing', {
        root_spec_id: item.id,
        root_idea_id: document.fields.root_idea_id,
        looked_in: opening.looked,
      })
      draft.event('work_item_blocked', {
        work_item_kind: item.kind,
        work_item_id: item.id,
        reason: 'missing_root_idea_source',
        failure_class: 'missing_root_idea_source',
      })
      draft.snapshot.failure_class_by_plane = {
        ...draft.snapshot.failure_class_by_plane,
        [plane]: 'missing_root_idea_source',
      }
      draft.mark(plane, node.failure_outcome)
      return draft
    }
  }
  draft.add({ change: 'item.move', kind: item.kind, id: item.id, from: 'queued', to: 'active', hash: read.hash })
  draft.putRun(run)
  draft.snapshot.last_claimed_plane = plane
  draft.forget('runtime_tick_idle', 'runtime')
  draft.event('work_item_claimed', {
    run_id: run.run_id,
    plane,
    work_item_kind: item.kind,
    work_item_id: item.id,
    node_id: node.node_id,
  })
  return draft
}

function sameAsIndexed(document: WorkDocument, item: ItemEntry): boolean {
  return (
    listField(document, 'depends_on').join('\n') === item.dependsOn.join('\n') && document.createdAt === item.createdAt
  )
}

/** What opening a closure target needs to know of a spec. */
export function rootSpecOf(document: WorkDocument, text: string) {
  return {
    id: document.id,
    text,
    rootSpecId: textField(document, 'root_spec_id'),
    rootIdeaId: textField(document, 'root_idea_id'),
    sourceId: textField(document, 'source_id'),
    sourceType: textField(document, 'source_type') ?? '',
    references: listField(document, 'references'),
  }
}

/** Queued items whose standing is told, at most, in one pass. */
const TOLD_ITEMS_MAX = 200

/** Says once of each queued item why it cannot be claimed, where that needs somebody's hand (W-17). */
async function tellWaiting(engine: Engine, view: View, plan: Plan): Promise<void> {
  const draft = new Draft(view)
  const back = returning(view, engine.config.auto_recovery, (item) => blockRecord(view, item))
  const deferred: string[] = []
  for (const { kinds } of plan.claim_order.planes) {
    for (const kind of kinds) {
      let looked = 0
      for (const item of [...view.items.queued(kind as ItemEntry['kind'])]) {
        if (++looked > TOLD_ITEMS_MAX) break
        // Whoever mends what an item waits for may do so in place.
        engine.workspace.index.rereadIfEdited(item.kind, 'queued', `${item.id}.md`)
        if (isDeferredByClosure(item, view, plan)) deferred.push(item.id)
        const isLeft = (id: string) => item.kind !== RECOVERED_KIND || !back.has(id)
        const stuck = Object.entries(unsatisfiable(item, view)).filter(([id]) => isLeft(id))
        const key = `${item.kind}:${item.id}`
        if (stuck.length === 0) draft.forget('dependency_unsatisfiable', key)
        else
          draft.announce('dependency_unsatisfiable', key, stuck.map((entry) => entry.join('=')).join(','), {
            work_item_kind: item.kind,
            work_item_id: item.id,
            dependencies: Object.fromEntries(stuck),
          })
        const places = view.items.find(item.kind, item.id)
        if (places.length > 1)
          draft.announce('work_item_duplicate', key, places.map((place) => place.state).join(','), {
            work_item_kind: item.kind,
            work_item_id: item.id,
            states: places.map((place) => place.state),
          })
      }
    }
  }
  const open = view.targets.find((target) => target.closure_open)
  if (deferred.length === 0 || !open) draft.forget('closure_target_backpressure', 'runtime')
  else
    draft.announce('closure_target_backpressure', 'runtime', `${open.root_spec_id}:${deferred.join(',')}`, {
      open_root_spec_id: open.root_spec_id,
      deferred_root_spec_ids: deferred,
      reason: 'open_closure_target',
    })
  await engine.commit(draft.finish())
}
