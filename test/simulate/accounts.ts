/**
 * What `why` says of every item, held against what the machine knows: where items lie, whom they name as what they depend
 * on, which processes live. Read from the folders and the agents themselves, by none of the rules of the product.
 */
import type { Files } from '../../src/core/files.ts'
import { ITEM_KINDS, ITEM_STATES, type ItemEntry, type ItemState } from '../../src/core/item.ts'
import type { Signs } from '../../src/core/signs.ts'
import type { ActiveRun } from '../../src/core/state.ts'
import type { View } from '../../src/core/view.ts'
import type { Because } from '../../src/operations/why/account.ts'
import { whyItem } from '../../src/operations/why/item.ts'
import { type Presence, presenceOf } from '../../src/operations/why/presence.ts'
import { whyActive } from '../../src/operations/why/run.ts'
import { standsBefore } from '../../src/operations/why/standing.ts'
import { AT } from '../../src/store/layout.ts'
import { lockState } from '../../src/store/lock.ts'
import { readWorkspace } from '../../src/store/workspace.ts'
import { type Place, placesOfItems } from './items.ts'
import type { World } from './world.ts'

const WEDGED_AFTER_SECONDS = 900
const NOBODY = ['no_runtime', 'runtime_died', 'lock_unreadable']

/** Asks why of every item as a tick has left it; gives what is not so. */
export function wrongAfterTick(world: World): string[] {
  if (world.isSpoiled()) return []
  const asking = (view: View, files: Files) => wrongAccounts(world, view, files, { isAtRest: false })
  return readWorkspace(world.reader, world.places.root, asking).value
}

/** Asks why of every item and, once all has come to rest that happens at once, of every run; gives what is not so. */
export function wrongAccounts(world: World, view: View, files: Files, { isAtRest = true } = {}): string[] {
  const lock = lockState({ ...world.reader, places: world.places })
  const holder = lock.state === 'active' ? lock.holder.pid : null
  const autoRecovery = world.runtime?.engine?.config.auto_recovery
  const presence: Presence = {
    ...presenceOf(lock, view.snapshot, { isSuspended: world.isSuspended(holder), isStuck: false }),
    ...(autoRecovery === undefined ? {} : { autoRecovery }),
  }
  const lying = new Lying(world, files)
  // Of a holder in another namespace nobody here can tell whether it lives.
  const isAlone = !world.isAnybodyAlive() && !(lock.state === 'active' && !lock.provable)
  return [
    ...ITEM_KINDS.flatMap((kind) => ITEM_STATES.flatMap((state) => view.items.inState(kind, state))).flatMap((item) =>
      wrongItem(world, view, presence, lying, { isAlone, isAtRest }, item).map(
        (what) => `why ${item.kind} ${item.id} (${item.state}): ${what}`,
      ),
    ),
    ...view.snapshot.active_runs.flatMap((run) =>
      wrongQuestion(view, presence, files, world, run).map((what) => `why ${run.run_id}: ${what}`),
    ),
    ...(isAtRest ? view.snapshot.active_runs : []).flatMap((run) =>
      wrongRun(world, view, presence, isAlone, run).map((what) => `why ${run.run_id}: ${what}`),
    ),
  ]
}

function wrongItem(
  world: World,
  view: View,
  presence: Presence,
  lying: Lying,
  { isAlone, isAtRest }: { isAlone: boolean; isAtRest: boolean },
  item: ItemEntry,
): string[] {
  if (view.snapshot.active_runs.some((run) => run.work_item_kind === item.kind && run.work_item_id === item.id))
    return []
  const account = whyItem(item, view, presence, { blocked: null })
  const codes = account.because.map(({ code }) => code)
  const wrong: string[] = []
  if (account.because.length === 0) wrong.push('no fact at all')
  const over = item.state === 'done' || item.state === 'cancelled'
  if ((account.verdict === 'finished') !== over) wrong.push(`it is ${account.verdict}`)
  if (codes.includes('auto_recovery')) wrong.push(...wrongProspect(world, lying, item))
  if (item.state !== 'queued') return wrong
  if (isAlone && !codes.some((code) => NOBODY.includes(code))) wrong.push('nobody lives, and it does not say so')
  if (world.isAtWork() && codes.some((code) => NOBODY.includes(code)))
    wrong.push(`a runtime is at work, and it says ${codes.join()}`)
  const told = codes.filter((code) => code.startsWith('dependency_')).toSorted()
  const expected = lying.dependenciesOf(item).toSorted()
  if (told.join() !== expected.join())
    wrong.push(`it says ${told.join() || 'no dependency'}, and it is ${expected.join() || 'none'}`)
  const others = lying.statesOf(item.kind, item.id).filter((state) => state !== 'queued' && state !== 'cancelled')
  if (codes.filter((code) => code === 'duplicate').length !== others.length)
    wrong.push(`it lies in ${others.join() || 'no other place'} too, and it says ${codes.join()}`)
  const hasLane = !codes.includes('no_plan') && !codes.includes('no_lane')
  if (hasLane && isAtRest && world.isFollowing() && !isSideBySide(view) && !codes.includes('lane_busy'))
    wrong.push(`an agent is at work, and it says ${codes.join()}`)
  return wrong
}

/** Only what queued work names, and what no stage and no person has ended, is put back by itself. */
function wrongProspect(world: World, lying: Lying, item: ItemEntry): string[] {
  const last = world.agents.lastOf(item.kind, item.id)
  const ending = last?.result?.ending
  return [
    ...(item.state === 'blocked' ? [] : [`it is ${item.state}, and is to be put back`]),
    ...(lying.isAwaited(item) ? [] : ['nothing in the queue names it, and it is to be put back']),
    ...(ending === 'timed_out' || ending === 'provider_error'
      ? []
      : [`its last agent ended ${ending ?? 'without a word'}, and it is to be put back`]),
  ]
}

/** What `why` said of an item right before the runtime put it back: that it would, and that its time had come. */
export function wrongReturn(
  world: World,
  view: View,
  autoRecovery: NonNullable<Presence['autoRecovery']>,
  kind: string,
  id: string,
): string[] {
  const item = view.items.find(kind as ItemEntry['kind'], id).find(({ state }) => state === 'blocked')
  if (item === undefined) return [`${kind} ${id} was put back, and was not blocked`]
  const { waits_for, because } = whyItem(item, view, { ...HERE, autoRecovery }, { blocked: null })
  const isTold = because.some(({ code }) => code === 'auto_recovery') && waits_for.join() === 'turn'
  const wrong = wrongProspect(world, new Lying(world, world.reader.files), item)
  return [
    ...(isTold ? [] : [`it waits for ${waits_for.join()}`]),
    ...(view.snapshot.active_runs.every(({ status }) => status === 'awaiting_approval') ? [] : ['a run is active']),
    ...wrong,
  ].map((what) => `${kind} ${id} was put back by itself, though ${what}`)
}

const isSideBySide = (view: View): boolean => (view.plan?.concurrency_policy ?? null) !== null

function wrongRun(world: World, view: View, presence: Presence, isAlone: boolean, run: ActiveRun): string[] {
  const agent = run.request_id === null ? null : (world.agents.of(run.request_id) ?? null)
  const signs = agent === null ? null : signsOf(agent)
  const evidence = { signs, circle: null, adoptedAt: null, wedgedAfterSeconds: WEDGED_AFTER_SECONDS }
  const { verdict, waits_for, because } = whyActive(run, view, presence, evidence)
  if (because.length === 0) return ['no fact at all']
  if (run.held !== null) return waits_for[0] === 'human' ? [] : [`it is held, and waits for ${waits_for.join()}`]
  if (run.status !== 'started' || agent === null || run.cancel_requested !== null) return []
  const silentMs = Date.parse(view.now) - Date.parse(agent.startedAt)
  if (agent.isRunning) {
    const expected = silentMs > WEDGED_AFTER_SECONDS * 1000 ? 'wedged' : 'working'
    return verdict === expected ? [] : [`its agent lives, silent for ${silentMs} ms, and it is ${verdict}`]
  }
  if (isAlone && (verdict !== 'waiting' || waits_for[0] !== 'human'))
    return [`agent and runtime are gone, and it is ${verdict}`]
  return verdict === 'wedged' ? ['its agent is gone, and it is wedged'] : []
}

/** A run waits for a person exactly while a question of its lies among the pending ones, and it is not ended first. */
function wrongQuestion(view: View, presence: Presence, files: Files, world: World, run: ActiveRun): string[] {
  if (run.held !== null || run.cancel_requested !== null || run.status === 'started') return []
  const folder = world.places.at(AT.pendingApprovals)
  const isAsked = (files.list(folder) ?? [])
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .some((name) => Buffer.from(files.read(`${folder}/${name}`) ?? []).includes(`"run_id": "${run.run_id}"`))
  const evidence = { signs: null, circle: null, adoptedAt: null, wedgedAfterSeconds: WEDGED_AFTER_SECONDS }
  const isTold = whyActive(run, view, presence, evidence).waits_for.includes('approval')
  return isAsked === isTold ? [] : [`a person ${isAsked ? 'is' : 'is not'} asked, and it says the opposite`]
}

function signsOf(agent: NonNullable<ReturnType<World['agents']['of']>>): Signs {
  return {
    agent: agent.isRunning ? 'alive' : agent.result === null ? 'gone' : 'exited',
    record: null,
    startedAt: agent.startedAt,
    processes: { count: 1, stopped: [] },
    lastOutput: null,
    lastEvent: null,
    openTools: [],
    eventLog: null,
    lastChange: null,
    cpuAt: null,
  }
}

/** What a document that was cut in half lacks. */
const LAST_FIELD: Readonly<Record<string, RegExp>> = {
  task: /^Risk:/m,
  spec: /^References:/m,
  incident: /^Opened-By:/m,
  probe: /^Created-By:/m,
  learning_request: /^Created-By:/m,
}

/** Where documents lie and what they name, read from the folders. */
class Lying {
  private readonly found: readonly Place[]
  private readonly files: Files
  private readonly world: World

  constructor(world: World, files: Files) {
    this.world = world
    this.files = files
    this.found = placesOfItems(files, world.places).filter(
      (place) => place.state === 'cancelled' || this.isWhole(place),
    )
  }

  /** It names the id it is filed under, and nobody stopped in the middle of writing it. */
  private isWhole(place: Place): boolean {
    const text = this.textOf(place)
    const marks = (side: string) =>
      [...text.matchAll(new RegExp(`mark-(\\d+)-${side}`, 'g'))].map(([, number]) => number)
    const ended = marks('ends')
    const isNamed = new RegExp(`^(Task|Spec|Incident|Probe|Learning-Request)-ID: ${place.id}$`, 'm').test(text)
    return (
      isNamed &&
      (LAST_FIELD[place.kind]?.test(text) ?? true) &&
      marks('begins').every((number) => ended.includes(number))
    )
  }

  private textOf(place: Place): string {
    return Buffer.from(this.files.read(this.world.places.at(place.file)) ?? []).toString()
  }

  statesOf(kind: string, id: string): ItemState[] {
    return this.found.filter((place) => place.kind === kind && place.id === id).map(({ state }) => state)
  }

  /** The codes of what a queued item waits for, of the same kind as itself. */
  dependenciesOf(item: ItemEntry): string[] {
    return this.named(item.kind, item.id, 'queued').flatMap((id) => {
      const states = this.statesOf(item.kind, id)
      if (states.includes('done')) return []
      if (states.length === 0) return ['dependency_unknown']
      if (states.includes('queued') || states.includes('active'))
        return [this.leads(item.kind, id, item.id) ? 'dependency_cycle' : 'dependency_waiting']
      if (states.includes('quarantined') && !states.includes('blocked')) return ['dependency_quarantined']
      return [states.includes('blocked') ? 'dependency_blocked' : 'dependency_cancelled']
    })
  }

  /** Whether a queued document names it. */
  isAwaited({ kind, id }: ItemEntry): boolean {
    return this.found.some(
      (place) => place.kind === kind && place.state === 'queued' && this.named(kind, place.id, 'queued').includes(id),
    )
  }

  /** Whether one leads to the other by whatever is not done, however far. */
  private leads(kind: string, from: string, to: string): boolean {
    const seen = new Set<string>()
    const next = [from]
    for (let id = next.pop(); id !== undefined; id = next.pop()) {
      if (id === to) return true
      if (seen.has(id)) continue
      seen.add(id)
      for (const state of this.statesOf(kind, id)) if (state !== 'done') next.push(...this.named(kind, id, state))
    }
    return false
  }

  private named(kind: string, id: string, state: ItemState): string[] {
    const place = this.found.find((one) => one.kind === kind && one.id === id && one.state === state)
    const text =
      place === undefined ? '' : Buffer.from(this.files.read(this.world.places.at(place.file)) ?? []).toString()
    const [, list = ''] = /^Depends-On:[^\S\n]*\n((?:\s*-\s.*\n?)*)/m.exec(text) ?? []
    return [...list.matchAll(/-\s+(\S+)/g)].map(([, name]) => name!)
  }
}

const HERE: Presence = { state: 'working', pid: 1, host: null, since: null, path: '', why: null }

/** A runtime at work would claim it at its next tick. */
export const isFree = (view: View, item: ItemEntry): boolean => standsBefore(item, view, HERE).length === 0

/** What stood before an item in the eyes of `why`, right before it was claimed: nothing may have. */
export function wrongClaim(view: View, kind: string, id: string): string[] {
  const [item] = view.items.find(kind as ItemEntry['kind'], id)
  if (item === undefined) return []
  const facts: Because[] = standsBefore(item, view, HERE)
  return facts.map(({ fact }) => `${kind} ${id} was claimed, though ${fact}`)
}
