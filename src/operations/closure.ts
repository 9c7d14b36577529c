/** Closure targets: root specs whose work is judged as a whole, how that stands, and what the last verdict says. */
import * as path from 'node:path'
import { openLineageWork } from '../core/completion.ts'
import { MillraceError } from '../core/errors.ts'
import { idsMeant, isSafeId, requireOneMeant } from '../core/ids.ts'
import { ITEM_KINDS, ITEM_STATES } from '../core/item.ts'
import { didYouMean, nearest } from '../core/nearest.ts'
import type { Operation } from '../core/operation.ts'
import { completionGraph } from '../core/plan.ts'
import type { ClosureTarget } from '../core/state.ts'
import { Verdict } from '../core/verdict.ts'
import type { View } from '../core/view.ts'
import type { Files } from '../store/files.ts'
import { readRun } from '../store/runs.ts'
import { type Context, placesIn } from './context.ts'
import { limitedTo, limitField, rootSpecField } from './fields.ts'
import { deferredBy } from './queue/rows.ts'
import { reading } from './reading.ts'
import { failureOf } from './runs/summary.ts'
import type { ClosureLsOutput, ClosureShowOutput, TargetRow, VerdictRead } from './schemas/closure.ts'

const LISTED_DEFAULT = 50

export const closureLs: Operation<Context, { limit?: number }, ClosureLsOutput> = {
  name: 'closure ls',
  flavour: 'read',
  summary: 'Root specs that are judged as a whole: open, held and closed.',
  description:
    'Lists closure targets, open ones first: how often each was judged, what the last verdict says, which work keeps it from being judged, and why it is held.',
  input: [limitField(LISTED_DEFAULT)],
  examples: [{ command: 'millrace closure', does: 'see which specs are done for good' }],
  output: async () => (await import('./schemas.ts')).closureLsSchema(),
  async run(context, { limit = LISTED_DEFAULT }) {
    return reading(context, (view) => {
      const targets = inOrder(view.targets)
      return {
        target_count: targets.length,
        open_count: targets.filter((target) => target.closure_open).length,
        targets: limitedTo(limit, targets).map((target) => rowOf(view, target)),
      }
    })
  },
}

export const closureShow: Operation<Context, { root_spec_id: string }, ClosureShowOutput> = {
  name: 'closure show',
  flavour: 'read',
  summary: 'One closure target: verdict, rounds, and the work it waits for.',
  description:
    'Shows how a root spec stands: its frozen copies, every judgement so far with its report, the last verdict in full, the open work of its lineage now, and which other root specs wait for it.',
  input: [
    {
      ...rootSpecField('Id of the root spec, or a unique start of it.'),
      positional: true,
      required: true,
      placeholder: 'ROOT_SPEC',
    },
  ],
  examples: [{ command: 'millrace closure show add-login', does: 'see what the last verdict says about that spec' }],
  output: async () => (await import('./schemas.ts')).closureShowSchema(),
  async run(context, { root_spec_id }) {
    return reading(context, (view, files) => {
      const target = findTarget(view, root_spec_id)
      const { verdict: _, ...row } = rowOf(view, target)
      return {
        ...row,
        root_idea_id: target.root_idea_id,
        root_spec_path: target.root_spec_path,
        root_idea_path: target.root_idea_path,
        rubric_path: view.readFile(target.rubric_path) === null ? null : target.rubric_path,
        verdict: readVerdict(view, target),
        judgements: judgementsOf(context, files, target.root_spec_id),
        open_work: openWork(view, target),
        lineage: lineageOf(view, target.root_spec_id),
        deferred_root_specs: view.items
          .inState('spec', 'queued')
          .flatMap((item) => (deferredBy(item, view) === target.root_spec_id ? [item.id] : [])),
      }
    })
  },
}

/** Open ones first, oldest first; then the closed ones, newest first. */
function inOrder(targets: readonly ClosureTarget[]): ClosureTarget[] {
  const open = targets.filter((target) => target.closure_open)
  const closed = targets.filter((target) => !target.closure_open)
  return [
    ...open.sort((a, b) => (a.opened_at < b.opened_at ? -1 : 1)),
    ...closed.sort((a, b) => ((a.closed_at ?? '') < (b.closed_at ?? '') ? 1 : -1)),
  ]
}

function rowOf(view: View, target: ClosureTarget): TargetRow {
  const verdict = readVerdict(view, target)
  return {
    root_spec_id: target.root_spec_id,
    title: titleOf(view, target),
    state: !target.closure_open ? 'closed' : target.held === null ? 'open' : 'held',
    opened_at: target.opened_at,
    closed_at: target.closed_at,
    rounds: target.rounds,
    verdict: verdict?.verdict ?? null,
    latest_verdict_path: target.latest_verdict_path,
    latest_report_path: target.latest_report_path,
    last_arbiter_run_id: target.last_arbiter_run_id,
    blocking_work_ids: target.blocking_work_ids,
    held: target.held && {
      reason: target.held.reason,
      since: target.held.since,
      attempts: target.held.attempts,
      retry_at: target.held.retry_at,
    },
  }
}

/** From the spec, or else from the copy that was frozen. */
function titleOf(view: View, target: ClosureTarget): string | null {
  const [item] = view.items.find('spec', target.root_spec_id)
  return item?.title ?? /^\uFEFF?#\s+([^\r\n]+)/.exec(view.readFile(target.root_spec_path) ?? '')?.[1]?.trim() ?? null
}

function readVerdict(view: View, target: ClosureTarget): VerdictRead | null {
  if (target.latest_verdict_path === null) return null
  const unreadable = (fault: string): VerdictRead => ({ verdict: 'unreadable', summary: null, criteria: [], fault })
  const text = view.readFile(target.latest_verdict_path)
  if (text === null) return unreadable('the file is gone, or no text')
  try {
    const parsed = Verdict.safeParse(JSON.parse(text))
    if (!parsed.success) return unreadable('it does not follow the form of a verdict')
    if (parsed.data.root_spec_id !== target.root_spec_id) return unreadable(`it judges ${parsed.data.root_spec_id}`)
    const { verdict, summary, criteria } = parsed.data
    return { verdict, summary, criteria, fault: null }
  } catch {
    return unreadable('it is not JSON')
  }
}

/** Every judgement that left a report, oldest first. */
function judgementsOf(context: Context, files: Files, root: string): ClosureShowOutput['judgements'] {
  const places = placesIn(context)
  const folder = places.at('arbiter/reports')
  const found = (files.list(folder) ?? []).flatMap((name) => {
    const runId = name.replace(/\.md$/, '')
    const results = isSafeId(runId) ? (readRun(files, places, runId)?.results ?? []) : []
    return results
      .filter((result) => result.metadata.closure_target_root_spec_id === root)
      .map((result) => ({
        run_id: runId,
        judged_at: result.completed_at,
        outcome: result.terminal_result,
        result_class: result.result_class,
        failure_class: failureOf(result),
        report_path: path.relative(context.workspaceRoot, path.join(folder, name)),
      }))
  })
  return found.sort((a, b) => (a.judged_at < b.judged_at ? -1 : 1))
}

/** Work that keeps it from being judged as things stand now, not as they stood when the runtime last looked. */
function openWork(view: View, target: ClosureTarget): ClosureShowOutput['open_work'] {
  const behavior = view.plan && completionGraph(view.plan)?.completion_behavior
  const items = behavior
    ? openLineageWork(view, target.root_spec_id, behavior)
    : view.items.openLineage(target.root_spec_id)
  return items.map(({ kind, id, state, title }) => ({ work_item_kind: kind, work_item_id: id, state, title }))
}

function lineageOf(view: View, root: string): ClosureShowOutput['lineage'] {
  const counts = ITEM_STATES.map((state) => {
    const items = ITEM_KINDS.flatMap((kind) => view.items.inState(kind, state))
    return [state, items.filter((item) => item.effectiveRoot === root).length] as const
  })
  return Object.fromEntries(counts) as ClosureShowOutput['lineage']
}

/** Throws `item_unknown`, and `item_ambiguous` for a start that several share. */
function findTarget(view: View, given: string): ClosureTarget {
  const ids = view.targets.map((target) => target.root_spec_id)
  const found = idsMeant(given, ids)
  requireOneMeant(given, found, 'root specs')
  const target = view.targets.find((one) => one.root_spec_id === found[0])
  if (target !== undefined) return target
  const near = nearest(given, ids)
  throw new MillraceError('item_unknown', `There is no closure target ${JSON.stringify(given.slice(0, 80))}.`, {
    hint: didYouMean(near, 'list them with `millrace closure ls`'),
  })
}
