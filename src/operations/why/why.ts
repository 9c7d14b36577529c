/** Why: one true answer about an item, a run or a plane: what is going on, on which facts, what is next, what can be done. */
import * as path from 'node:path'
import { MillraceError } from '../../core/errors.ts'
import type { RuntimeEvent } from '../../core/events.ts'
import { isSafeId } from '../../core/ids.ts'
import { ITEM_KINDS, type ItemEntry, type ItemKind } from '../../core/item.ts'
import { didYouMean, nearest } from '../../core/nearest.ts'
import type { InputField, Operation } from '../../core/operation.ts'
import { type Plan, planesOf } from '../../core/plan.ts'
import type { Signs } from '../../core/signs.ts'
import { type ActiveRun, runOf } from '../../core/state.ts'
import type { View } from '../../core/view.ts'
import { tailEvents } from '../../store/event-log.ts'
import type { Files } from '../../store/files.ts'
import { readRequest } from '../../store/runs.ts'
import { type Context, placesIn } from '../context.ts'
import { kindField } from '../fields.ts'
import { compileHere } from '../plan/compiling.ts'
import { itemIds, lastBlocked, placesOfItem, readDocument, requireOneKind } from '../queue/find.ts'
import { configOrDefaults, reading } from '../reading.ts'
import { findRun, findRunId, partsOf, runIdsKnown, runsMeant } from '../runs/find.ts'
import { aboutRun, type RunParts, runState } from '../runs/summary.ts'
import { tailOf } from '../runs/tail.ts'
import type { WhyOutput } from '../schemas/why.ts'
import type { Account } from './account.ts'
import { notTaken, pathOf, whyEnded } from './ended.ts'
import { circleOf } from './fingerprint.ts'
import { type ItemEvidence, whyItem, whyUnreadable } from './item.ts'
import { lookAtRuntime } from './look-at-runtime.ts'
import { whyIdle } from './plane.ts'

import type { Presence } from './presence.ts'
import { whyActive } from './run.ts'
import type { RunEvidence } from './stage.ts'

interface WhyInput {
  subject: string
  kind?: ItemKind
}

const subject: InputField = {
  name: 'subject',
  type: 'text',
  positional: true,
  required: true,
  placeholder: 'ITEM|RUN|PLANE',
  description: 'Id of a work item; id of a run, or a unique start of it; or name of a plane.',
}

export const why: Operation<Context, WhyInput, WhyOutput> = {
  name: 'why',
  flavour: 'read',
  summary: 'Why an item, a run or a plane stands where it stands.',
  description:
    'Says in one word whether something is working, waiting, looping, wedged or finished; on which facts that rests, each with the file or event to look it up in; what happens next, when and by whom; and which commands would be accepted now. Of a queued item it names everything that stands before it. Of a finished run it tells the path it took and the nearest way it did not take. An agent is called wedged only if nothing is seen of it for runtime.wedged_after_seconds and none of its tools is at work; its processes are watched for a moment before that is said. Reads only, and takes no lock.',
  input: [subject, kindField],
  examples: [
    { command: 'millrace why T-12', does: 'find out what keeps that task waiting' },
    { command: 'millrace why run-4f0c', does: 'find out what that run is doing, or how it ended' },
    { command: 'millrace why execution', does: 'find out what the execution plane is doing' },
  ],
  output: async () => (await import('../schemas.ts')).whySchema(),
  run: answer,
}

/** What has to be looked at beyond the view, once it is known what is meant. */
type Meant =
  | { type: 'account'; account: Account; about: Partial<WhyOutput['subject']>; parts?: RunParts }
  | { type: 'active'; run: ActiveRun; parts: RunParts | null; about: Partial<WhyOutput['subject']> }

async function answer(context: Context, { subject: given, kind }: WhyInput): Promise<WhyOutput> {
  const presenceIn = await lookAtRuntime(context)
  const { meant, view, presence, type } = reading(context, (view, files) => {
    const presence = presenceIn(view.snapshot)
    return { view, presence, ...meaning(context, view, files, presence, given, kind) }
  })
  const about = { type, id: given, work_item_kind: null, state: null, title: null, run_id: null, ...meant.about }
  if (meant.type === 'account') {
    const past = meant.parts === undefined ? null : pastOf(meant.parts)
    return { subject: about, ...meant.account, path: past ? pathOf(past) : [], not_taken: past ? notTaken(past) : null }
  }
  const evidence = await evidenceOf(context, meant.run, meant.parts)
  const account = whyActive(meant.run, view, presence, evidence)
  return { subject: about, ...account, path: meant.parts ? pathOf(pastOf(meant.parts)) : [], not_taken: null }
}

const pastOf = (parts: RunParts) => ({
  runId: parts.folder.run_id,
  state: runState(parts),
  transitions: parts.folder.transitions,
  planOf: parts.planOf,
})

// ---- what is meant ---------------------------------------------------------------------------------------------------

function meaning(
  context: Context,
  view: View,
  files: Files,
  presence: Presence,
  given: string,
  kind: ItemKind | undefined,
): { type: WhyOutput['subject']['type']; meant: Meant } {
  const plan = kind === undefined ? planNow(context, view) : null
  if (plan !== null && planesOf(plan).includes(given)) {
    const run = runOfPlane(view, given)
    if (run) return { type: 'plane', meant: activeRun(context, view, files, run) }
    return { type: 'plane', meant: { type: 'account', account: whyIdle(given, view, plan, presence), about: {} } }
  }
  const item = kind === undefined && isRun(context, view, files, given) ? null : itemMeant(view, given, kind)
  if (item !== null) return { type: 'item', meant: meantItem(context, view, files, presence, item) }
  const unreadable = unreadableItem(context, files, given, kind)
  if (unreadable !== null) return { type: 'item', meant: unreadable }
  if (kind !== undefined || !isSafeId(given) || !isRun(context, view, files, given))
    throw unknown(context, view, files, given)
  const runId = findRunId(context, view, files, given)
  const active = view.snapshot.active_runs.find((one) => one.run_id === runId)
  if (active) return { type: 'run', meant: activeRun(context, view, files, active) }
  const parts = findRun(context, view, files, runId)
  return { type: 'run', meant: endedRun(parts) }
}

/** The run a plane is busy with; one that waits for an approval only where nothing else could be said of the plane. */
function runOfPlane({ snapshot, items, plan }: View, plane: string): ActiveRun | undefined {
  const runs = snapshot.active_runs.filter((one) => one.plane === plane)
  const kinds = (plan?.claim_order.planes.find((one) => one.plane === plane)?.kinds ?? []) as ItemKind[]
  const isQueued = kinds.some((kind) => items.count(kind, 'queued') > 0)
  return runs.find((run) => run.status !== 'awaiting_approval') ?? (isQueued ? undefined : runs[0])
}

/** The plan in force; where no runtime has ever compiled one, what it would compile. */
function planNow(context: Context, view: View): Plan | null {
  if (view.plan !== null) return view.plan
  try {
    return compileHere(context).plan
  } catch {
    return null // what is wrong with the config is for health and doctor to say
  }
}

/** A document that bears the id and cannot be read, whether it was set aside already or not. */
function unreadableItem(context: Context, files: Files, id: string, kind: ItemKind | undefined): Meant | null {
  if (!isSafeId(id)) return null
  const kinds = kind === undefined ? ITEM_KINDS : [kind]
  const [place] = kinds.flatMap((one) => placesOfItem(files, placesIn(context), one, id))
  if (place === undefined) return null
  const account = whyUnreadable(path.relative(context.workspaceRoot, place.path), readDocument(files, place).faults)
  return { type: 'account', account, about: { work_item_kind: place.kind, state: place.state } }
}

function endedRun(parts: RunParts): Meant {
  const about = aboutRun(parts)
  return {
    type: 'account',
    account: whyEnded(pastOf(parts)),
    about: {
      id: parts.folder.run_id,
      work_item_kind: about.work_item_kind,
      state: runState(parts),
      run_id: parts.folder.run_id,
    },
    parts,
  }
}

function activeRun(context: Context, view: View, files: Files, run: ActiveRun): Meant {
  const { run_id, status: state, work_item_kind } = run
  return { type: 'active', run, parts: partsOf(context, view, files, run_id), about: { work_item_kind, state, run_id } }
}

/** Whether some run begins with it; an item whose id is exactly that goes first. */
function isRun(context: Context, view: View, files: Files, given: string): boolean {
  if (!isSafeId(given) || ITEM_KINDS.some((kind) => view.items.find(kind, given).length > 0)) return false
  return runsMeant(context, view, files, given).length > 0
}

/** The item of that id: of several places the one that is not cancelled. Throws `item_ambiguous`. */
function itemMeant(view: View, id: string, kind: ItemKind | undefined): ItemEntry | null {
  if (!isSafeId(id)) return null
  const places = (kind === undefined ? ITEM_KINDS : [kind]).flatMap((one) => view.items.find(one, id))
  const present = places.filter(({ state }) => state !== 'cancelled')
  requireOneKind(id, present)
  return present[0] ?? places[0] ?? null
}

function meantItem(context: Context, view: View, files: Files, presence: Presence, item: ItemEntry): Meant {
  const run = runOf(view.snapshot, item)
  const about = { id: item.id, work_item_kind: item.kind, state: item.state, title: item.title }
  if (run) {
    const { about: known, ...active } = activeRun(context, view, files, run)
    return { ...active, about: { ...known, ...about } }
  }
  const blocked = item.state === 'blocked' ? lastBlocked(files, placesIn(context), item) : null
  const parts = blocked?.run_id ? partsOf(context, view, files, blocked.run_id) : null
  const account = whyItem(item, view, presence, {
    blocked,
    lastWord: parts === null ? null : lastWordOf(context, files, parts),
  })
  return { type: 'account', account, about: { ...about, run_id: blocked?.run_id ?? null } }
}

const LAST_WORD_CHARS_MAX = 300

/** The end of what a run left to read, on one line; null if it left nothing. */
function lastWordOf(context: Context, files: Files, parts: RunParts): ItemEvidence['lastWord'] {
  try {
    const { path: file, node_id, text } = tailOf(files, parts)
    const line = text.replace(/\s+/g, ' ').trim().slice(-LAST_WORD_CHARS_MAX)
    return { path: path.relative(context.workspaceRoot, file), node_id, text: line }
  } catch {
    return null
  }
}

function unknown(context: Context, view: View, files: Files, given: string): MillraceError {
  const planes = view.plan === null ? [] : planesOf(view.plan)
  const near = nearest(given, [...planes, ...itemIds(view, ITEM_KINDS), ...runIdsKnown(context, view, files)])
  return new MillraceError(
    'item_unknown',
    `There is no work item, run or plane ${JSON.stringify(given.slice(0, 80))}.`,
    { hint: didYouMean(near, 'see what there is with `millrace queue ls` and `millrace runs ls`') },
  )
}

// ---- what is seen of a run -------------------------------------------------------------------------------------------

async function evidenceOf(context: Context, run: ActiveRun, parts: RunParts | null): Promise<RunEvidence> {
  const config = configOrDefaults(context)
  const { wedged_after_seconds: wedgedAfterSeconds } = config.runtime
  const circle = parts === null ? null : await circleOf(context, parts)
  if (run.status !== 'started' || run.request_id === null)
    return { signs: null, circle, adoptedAt: null, wedgedAfterSeconds }
  const request = readRequest(context.files, placesIn(context), run.run_id, run.request_id)
  if (request === null) return { signs: null, circle, adoptedAt: null, wedgedAfterSeconds }
  const view = context.runners(config, context.workspaceRoot).get(request.runner_name)?.view(request) ?? null
  const signs = await context.signs(request, view, (wedgedAfterSeconds * 1000) / 2)
  return {
    signs: relative(signs, context.workspaceRoot),
    circle,
    adoptedAt: adoptionOf(context, run),
    wedgedAfterSeconds,
  }
}

/** When the stage at work was taken over from an earlier runtime; looked for no further back than it began. */
function adoptionOf(context: Context, run: ActiveRun): string | null {
  const isAdoption = ({ event_type, data }: RuntimeEvent) =>
    event_type === 'stage_adopted' && data.request_id === run.request_id
  const isEarlier = ({ occurred_at }: RuntimeEvent) => occurred_at < run.stage_since
  const [event] = tailEvents(context.files, placesIn(context), 1, (one) => isAdoption(one) || isEarlier(one)).events
  return event !== undefined && isAdoption(event) ? event.occurred_at : null
}

/** Facts name files relative to the workspace. */
function relative(signs: Signs, root: string): Signs {
  const from = (file: string | null) => (file === null ? null : path.relative(root, file))
  const seen = <T extends { path: string }>(one: T | null): T | null =>
    one === null ? null : { ...one, path: from(one.path)! }
  return {
    ...signs,
    record: from(signs.record),
    eventLog: from(signs.eventLog),
    lastOutput: seen(signs.lastOutput),
    lastChange: seen(signs.lastChange),
  }
}
