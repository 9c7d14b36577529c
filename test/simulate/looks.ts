/** What must hold on the machine: after every action, and once all has come to rest. Each look gives what does not. */
import { isSwitchedOn, prospects } from '../../src/core/auto-recovery.ts'
import { completionStep } from '../../src/core/completion.ts'
import type { Files } from '../../src/core/files.ts'
import { ITEM_KINDS, type ItemKind } from '../../src/core/item.ts'
import { isEligible, mayStart } from '../../src/core/select.ts'
import type { View } from '../../src/core/view.ts'
import { eventsIn, type Told } from '../../src/selftest/invariants.ts'
import { blockRecord } from '../../src/store/blocks.ts'
import { AT } from '../../src/store/layout.ts'
import { archived } from '../../src/store/mailbox.ts'
import { pendingRecord } from '../../src/store/pending.ts'
import { readRun, runIds } from '../../src/store/runs.ts'
import { readWorkspace } from '../../src/store/workspace.ts'
import { isFree, wrongAccounts } from './accounts.ts'
import type { Agent } from './agents.ts'
import { placesOfItems } from './items.ts'
import type { World } from './world.ts'

/** Holds at every moment, whoever is dead, suspended or in the middle of something. */
export function look(world: World): string[] {
  learn(world)
  const lost = world.texts.missing(world.disk.top)
  try {
    return [
      ...lost,
      ...readWorkspace(world.reader, world.places.root, (view, files) => inView(world, view, files)).value,
    ]
  } catch (error) {
    if (world.isSpoiled()) return lost
    return [...lost, `the workspace cannot be read: ${(error as Error).message}`]
  }
}

/** What was acknowledged since the last look. */
function learn(world: World): void {
  for (const posted of world.people.posted) {
    if (posted.adds === null || posted.isWithdrawn) continue
    const archive = archived(world.disk, world.places, posted.id)
    if (archive === null) continue
    if (archive.disposition === 'processed') world.items.expect(posted.adds)
    posted.adds = null
  }
}

function inView(world: World, view: View, files: Files): string[] {
  const found = placesOfItems(files, world.places)
  const { snapshot } = view
  const broken = world.items.broken(found)
  if (snapshot.revision < world.revision)
    broken.push(`the revision went back from ${world.revision} to ${snapshot.revision}`)
  // A record that is still being flushed is read, and may yet be lost.
  if (pendingRecord(world.disk, world.places) === null) world.revision = Math.max(world.revision, snapshot.revision)
  for (const run of snapshot.active_runs) {
    const key = `${run.work_item_kind} ${run.work_item_id}`
    const isThere = found.some((place) => `${place.kind} ${place.id}` === key && place.state === 'active')
    if (run.work_item_id !== null && !isThere && !world.items.isTouched(key))
      broken.push(`the item of ${run.run_id}, ${key}, is not active`)
    const plan = view.planOf(run.compiled_plan_id)
    if (plan && run.interruptions > plan.recovery_limits.interruptions_max)
      broken.push(`${run.run_id} was interrupted ${run.interruptions} times`)
  }
  const items = snapshot.active_runs.map((run) => `${run.plane} ${run.work_item_kind} ${run.work_item_id}`)
  if (new Set(items).size < items.length) broken.push(`two runs for one item: ${items.join(', ')}`)
  // Runs keep the limits of the plan they were started under, which may be higher than those in force.
  const policies = [view.plan, ...snapshot.active_runs.map((run) => view.planOf(run.compiled_plan_id))]
    .flatMap((plan) => Object.values(plan?.graphs_by_plane ?? {}))
    .flatMap((graph) => graph.threshold_policies)
  const limitOf = (name: string) =>
    Math.max(2, ...policies.filter(({ counter_name }) => counter_name === name).map(({ threshold }) => threshold))
  for (const { counter_name, count, work_item_id } of view.counters.entries)
    if (count > limitOf(counter_name)) broken.push(`${counter_name} of ${work_item_id} is ${count}`)
  return [...broken, ...world.notices.wrong(files), ...wrongAccounts(world, view, files)]
}

/** Holds once everything is mended, everybody behaved for long enough, and nothing moves any more. */
export function lookClosely(world: World): string[] {
  return readWorkspace(world.reader, world.places.root, (view, files) => [
    ...wrongCommands(world),
    ...world.notices.waiting(files, view.now),
    ...wrongResults(world),
    ...standingStill(world, view),
  ]).value
}

function wrongCommands(world: World): string[] {
  const { disk, places } = world
  const broken = (disk.list(places.at(AT.incoming)) ?? [])
    .filter((name) => name.endsWith('.json'))
    .map((name) => `${name} still waits in the mailbox`)
  const both = (disk.list(places.at(AT.processed)) ?? []).filter(
    (name) => disk.stat(places.at(`${AT.failed}/${name}`)) !== null,
  )
  broken.push(...both.map((name) => `${name} was carried out and refused`))
  const told = eventsIn(disk, places).filter(({ event_type }) => event_type.startsWith('mailbox_command_'))
  for (const { id, isWithdrawn } of world.people.posted) {
    const isArchived = archived(disk, places, id) !== null
    if (isWithdrawn && isArchived) broken.push(`${id} was taken back, and carried out`)
    if (!isWithdrawn && !isArchived) broken.push(`${id} was acknowledged and is lost`)
    const times = told.filter(({ data }) => data.command_id === id || data.file === `${id}.json`).length
    if (world.isLogWhole && times !== (isArchived ? 1 : 0)) broken.push(`${id} was told ${times} times`)
  }
  return broken
}

/** Each passage is a chain: what a stage decided is where the next one was started, and nothing counts twice. */
function wrongResults(world: World): string[] {
  const { places } = world
  const { files } = world.reader
  const broken: string[] = []
  const told = eventsIn(files, places)
  for (const id of runIds(files, places)) {
    const run = readRun(files, places, id)!
    const results = new Map(run.results.map((result) => [String(result.metadata.request_id), result]))
    const next = new Map<string, string | null>()
    for (const { request_id, selected_node_id, outcome } of run.transitions) {
      if (next.has(request_id)) broken.push(`${request_id} was applied twice to ${id}`)
      next.set(request_id, selected_node_id)
      const result = results.get(request_id)
      if (result === undefined) broken.push(`${request_id} of ${id} was routed without a result`)
      const agent = world.agents.of(request_id)
      if (agent && result?.metadata.valid_terminal_result === true && isLie(agent, outcome))
        broken.push(`${outcome} of ${request_id} was believed: ${JSON.stringify(agent.temper)}`)
      const isMine = agent?.stopAsked === null
      if (!isMine && result?.metadata.valid_terminal_result === true)
        broken.push(`${outcome} of ${request_id} was routed, though it was stopped or never started`)
    }
    for (const [request, result] of results) {
      const isDeferred = String(result.metadata.failure_class ?? '').startsWith('environment_')
      if (isDeferred === next.has(request))
        broken.push(`the result of ${request} is ${isDeferred ? 'routed' : 'not in the history'}`)
    }
    broken.push(...brokenChain(world, id, next))
    if (world.isLogWhole) broken.push(...wrongEvents(told, id, next))
  }
  return broken
}

function brokenChain(world: World, runId: string, next: ReadonlyMap<string, string | null>): string[] {
  const broken: string[] = []
  const started = world.agents.all.filter((agent) => agent.request.run_id === runId).map((agent) => agent.request)
  for (const [at, request] of started.entries()) {
    const before = started[at - 1]
    if (!before) continue
    const expected = next.has(before.request_id) ? next.get(before.request_id) : before.node_id
    if (expected !== request.node_id)
      broken.push(
        `${runId} went on at ${request.node_id} after ${before.node_id}, which led to ${expected ?? 'its end'}`,
      )
  }
  return broken
}

function wrongEvents(told: readonly Told[], runId: string, next: ReadonlyMap<string, string | null>): string[] {
  const completed = told
    .filter(({ event_type, data }) => event_type === 'stage_completed' && data.run_id === runId)
    .map(({ data }) => String(data.request_id))
  const settled = [...next.keys()]
  return completed.toSorted().join() === settled.toSorted().join()
    ? []
    : [`the events tell of ${completed.length} results of ${runId}, its history of ${settled.length}`]
}

/** Whatever is not done stands still for a reason that anybody can see. */
function standingStill(world: World, view: View): string[] {
  const { plan, snapshot } = view
  const broken: string[] = []
  const lock = world.runtime?.engine
  if (!lock) broken.push(`no runtime is at work; the last one ended with: ${world.lastError}`)
  if (lock?.workspace.degraded) broken.push('the disk is mended, and a transaction is still pending')
  if (!plan) return [...broken, 'there is no plan']
  if (snapshot.pause_sources.length > 0)
    broken.push(`still paused by ${snapshot.pause_sources.map((one) => one.source).join()}`)
  for (const run of snapshot.active_runs)
    if (run.status !== 'held' && run.status !== 'awaiting_approval')
      broken.push(`${run.run_id} is ${run.status} at ${run.node_id}`)
  for (const { plane, kinds } of plan.claim_order.planes) {
    if (!mayStart(plane, snapshot.active_runs, plan.concurrency_policy)) continue
    for (const kind of kinds)
      for (const item of view.items.queued(kind as ItemKind))
        if (isEligible(item, view, plan) && !isTaken(world, kind, item.id))
          broken.push(`${kind} ${item.id} could be claimed, and is not`)
        else if (isFree(view, item) && !isTaken(world, kind, item.id))
          broken.push(`nothing stands before ${kind} ${item.id}, and it is not claimed`)
  }
  const isAtWork = snapshot.active_runs.some((run) => run.status !== 'awaiting_approval')
  if (!isAtWork && completionStep(view, plan, 'run-asked').run !== null)
    broken.push('a closure target could be judged, and is not')
  const policy = lock?.config.auto_recovery
  const isPaused = snapshot.pause_sources.length > 0
  if (!isAtWork && policy !== undefined && isSwitchedOn(policy) && !isPaused)
    for (const { item, skip } of prospects(view, policy, (one) => blockRecord(view, one)))
      if (skip === null) broken.push(`${item.kind} ${item.id} could be put back, and is not`)
  for (const kind of ITEM_KINDS)
    for (const { id } of view.items.inState(kind, 'active'))
      if (!snapshot.active_runs.some((run) => run.work_item_id === id) && view.items.find(kind, id).length === 1)
        broken.push(`${kind} ${id} is active without a run`)
  return broken
}

/** Something that is no document lies where the item would go to, or beside it. */
const isTaken = (world: World, kind: string, id: string): boolean =>
  placesOfItems(world.disk, world.places).filter((place) => place.kind === kind && place.id === id).length > 1

/** What it reported must not count: it said nothing clear, or did not leave what it owes. */
function isLie({ request, temper }: Agent, outcome: string): boolean {
  if (temper.says !== 'marker' && temper.says !== 'result file') return true
  if (temper.ends !== 'well' && temper.ends !== 'at once') return true
  const owed = (request.owed_artifacts_by_outcome[outcome] ?? []).filter((artifact) => !artifact.reuse)
  return temper.owes === 'none' && owed.length > 0
}
