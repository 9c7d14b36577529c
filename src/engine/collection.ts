/**
 * Carrying out what retention decided, in transactions of bounded size: what goes is taken out of its place whole, and
 * deleted afterwards. Killed at any moment and begun again, it comes to the same end: nothing half removed is ever seen.
 */
import * as path from 'node:path'
import { type Change, Draft } from '../core/changes.ts'
import { decide, holdOf, type Kind, type Verdict } from '../core/retention.ts'
import type { Retention } from '../core/state.ts'
import type { View } from '../core/view.ts'
import { AT, planFolder, runFolder } from '../store/layout.ts'
import { isAsScanned, scanRun, standingOf } from '../store/survey.ts'
import { emptyTrash } from '../store/trash.ts'
import { dropKept } from './rescue-refs.ts'
import { GIT_MS_MAX, isInUse, type Survey, type SurveyHost, survey, taking } from './survey.ts'

export interface CollectionHost extends SurveyHost {
  /** The disk, for as long as the lock is ours. */
  guardedFiles: SurveyHost['files']
}

type Asked = NonNullable<Retention['asked']>

/** Decided on a fresh view, at the moment it is committed. */
export type Decision = (view: View) => Change[]

/** Taken away in one transaction: some 20 ms on a local disk, for which a runtime can do nothing else. */
const PER_TRANSACTION_MAX = 50

/** Gives one decision after the other; each is to be committed before the next is asked for. */
export async function* collection(host: CollectionHost, asked: Asked): AsyncGenerator<Decision, void> {
  const found = await survey(host)
  const going = decide(found.facts, asked.limits).filter(({ goes }) => goes)
  for (const kind of ['run', 'plan', 'log', 'command', 'scratch'] as const) {
    const ofKind = going.filter((verdict) => verdict.kind === kind)
    for (let at = 0; at < ofKind.length; at += PER_TRANSACTION_MAX) {
      const batch = ofKind.slice(at, at + PER_TRANSACTION_MAX)
      yield (view) => removal(view, kind, stillGoing(host, found, kind, batch, view))
    }
  }
  for await (const gone of droppedRefs(host, found, going)) yield (view) => removal(view, 'ref', gone)
  await taking(emptyTrash(host.guardedFiles, host.places), host)
  // Or a loss of power brings back what nobody would look for any more.
  await host.files.flush([host.places.at(AT.trash)])
  yield (view) => ending(view, asked)
}

interface Going {
  name: string
  bytes: number
  /** Relative to the runtime root; null for what is no file. */
  path: string | null
}

/** What is still as it was surveyed; anything else waits for the next time. */
function stillGoing(host: CollectionHost, found: Survey, kind: Kind, batch: Verdict[], view: View): Going[] {
  switch (kind) {
    case 'run':
      return runsStillGoing(host, found, batch, view)
    case 'plan': {
      const named = plansNamedSince(host, found, view)
      const inForce = [view.snapshot.compiled_plan_id, view.plan?.compiled_plan_id]
      return batch
        .filter(({ name }) => !inForce.includes(name) && !named.has(name))
        .map(({ name, bytes }) => ({ name, bytes, path: planFolder(name) }))
    }
    default:
      return partsStillGoing(host, kind, batch)
  }
}

function runsStillGoing(host: CollectionHost, { scans, named }: Survey, batch: Verdict[], view: View): Going[] {
  const standing = standingOf(view, named)
  const found = new Map(scans.map((scan) => [scan.run_id, scan]))
  // Whether a rescue is open was seen in git a moment ago, and only a restore, which closes one, changes it.
  return batch.flatMap(({ name, bytes }) => {
    const scan = found.get(name)!
    const goes = isAsScanned(host, scan) && holdOf(standing.factOf(scan), new Set()) === null
    return goes ? [{ name, bytes, path: runFolder(name) }] : []
  })
}

/** Plans of runs that are there, or began, since the survey. */
function plansNamedSince(host: CollectionHost, { scans }: Survey, view: View): Set<string> {
  const known = new Set(scans.map(({ run_id }) => run_id))
  const fresh = (host.files.list(host.places.at(AT.runs)) ?? []).filter((name) => !known.has(name))
  return new Set([
    ...view.snapshot.active_runs.map((run) => run.compiled_plan_id),
    ...fresh.flatMap((name) => atOnce(scanRun(host, name))?.plans ?? []),
  ])
}

function partsStillGoing({ files, places, ...host }: CollectionHost, kind: Kind, batch: Verdict[]): Going[] {
  const isHeld = (name: string): boolean => {
    if (kind === 'command') return files.stat(places.at(`${AT.incoming}/${path.basename(name)}`)) !== null
    return kind === 'scratch' && isInUse({ files, places, ...host })(places.at(name))
  }
  return batch
    .filter(({ name }) => files.stat(places.at(name)) !== null && !isHeld(name))
    .map(({ name, bytes }) => ({ name, bytes, path: name }))
}

function atOnce<T>(steps: Generator<void, T>): T {
  for (;;) {
    const next = steps.next()
    if (next.done) return next.value
  }
}

const REFS_PER_CALL_MAX = 200

async function* droppedRefs(
  host: CollectionHost,
  { facts, repository }: Survey,
  going: Verdict[],
): AsyncGenerator<Going[], void> {
  const names = new Set(going.filter(({ kind }) => kind === 'ref').map(({ name }) => name))
  const refs = facts.refs.filter(({ ref }) => names.has(ref))
  if (repository === null) return
  for (let at = 0; at < refs.length; at += REFS_PER_CALL_MAX) {
    host.breathe()
    const deadlineMs = host.ports.clock.monotonicMs() + GIT_MS_MAX
    const gone = await dropKept(repository, refs.slice(at, at + REFS_PER_CALL_MAX), { deadlineMs })
    yield gone.map(({ ref }) => ({ name: ref, bytes: 0, path: null }))
  }
}

/** The transaction that takes these away, counts them and tells of them. */
function removal(view: View, kind: Kind, going: readonly Going[]): Change[] {
  const { asked = null, last = null } = view.snapshot.retention ?? {}
  if (going.length === 0 || asked === null) return []
  const bytes = going.reduce((sum, one) => sum + one.bytes, 0)
  const before = asked.removed[kind] ?? { count: 0, bytes: 0 }
  const removed = { ...asked.removed, [kind]: { count: before.count + going.length, bytes: before.bytes + bytes } }
  const draft = new Draft(view)
  draft.add(...going.flatMap(({ path }): Change[] => (path === null ? [] : [{ change: 'path.discard', path }])))
  draft.snapshot.retention = { asked: { ...asked, removed }, last }
  draft.event('gc_removed', { kind, names: going.map(({ name }) => name), bytes, asked_at: asked.at })
  return draft.finish()
}

/** Nothing to do if it was asked for anew meanwhile: then the next round begins. */
function ending(view: View, begun: Asked): Change[] {
  const asked = view.snapshot.retention?.asked ?? null
  if (asked === null || asked.at !== begun.at) return []
  const draft = new Draft(view)
  draft.snapshot.retention = {
    asked: null,
    last: { by: asked.by, asked_at: asked.at, at: view.now, removed: asked.removed },
  }
  draft.forget('gc_failed', 'gc')
  if (asked.by === 'operator' || Object.keys(asked.removed).length > 0)
    draft.event('gc_applied', { by: asked.by, asked_at: asked.at, removed: asked.removed, limits: asked.limits })
  return draft.finish()
}

/** Asks for a collection, as part of a transaction. What an earlier one has removed, that was not carried to its end, counts on. */
export function ask(draft: Draft, view: View, by: Asked['by'], limits: Asked['limits']): void {
  const { asked = null, last = null } = view.snapshot.retention ?? {}
  draft.snapshot.retention = { asked: { by, at: view.now, limits, removed: asked?.removed ?? {} }, last }
}
