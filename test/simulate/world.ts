/**
 * The simulated machine and everybody on it: one disk, one clock, one runtime after the other, agents, people. What
 * happens is decided by a story and a seed alone.
 */
import * as path from 'node:path'
import { MillraceError } from '../../src/core/errors.ts'
import type { Context } from '../../src/operations/context.ts'
import { issue } from '../../src/operations/issue.ts'
import { isPowerLoss, legalStates } from '../../src/selftest/disk-states.ts'
import { SHORT_LOOP, SHORT_MODE } from '../../src/selftest/loops.ts'
import { enginePorts, type Installation, ROOT } from '../../src/selftest/scene.ts'
import { hashTree, SimulatedDisk } from '../../src/selftest/simulated-disk.ts'
import { VirtualClock } from '../../src/selftest/virtual-clock.ts'
import { initWorkspace } from '../../src/store/init.ts'
import { QUIET_MS } from '../../src/store/items.ts'
import { AT, placesOf } from '../../src/store/layout.ts'
import type { Processes } from '../../src/store/lock.ts'
import type { WorkspacePorts } from '../../src/store/workspace.ts'
import { type Action, FAULT_CODES, type Story } from './actions.ts'
import { Agents, SHORT, SIDE_BY_SIDE } from './agents.ts'
import { ItemLedger } from './items.ts'
import { look, lookClosely } from './looks.ts'
import { Notices } from './notices.ts'
import { CONFIGS, People } from './people.ts'
import { type Identity, SimulatedProcess } from './process.ts'
import { isAllowed, Runtime } from './runtime.ts'
import { Texts } from './texts.ts'

const BEGINNING_MS = Date.parse('2026-03-02T09:00:00Z')
const PIDS = 40
const SPOILED = '{"spoiled": '

export class World {
  readonly installation: Installation
  readonly places = placesOf(ROOT)
  readonly clock: VirtualClock
  disk: SimulatedDisk
  readonly texts = new Texts()
  readonly items = new ItemLedger()
  readonly agents: Agents
  readonly people: People
  readonly notices = new Notices(this)
  readonly counts = { ticks: 0, crashes: 0, commands: 0, stages: 0, lives: 0, recoveries: 0, told: 0 }
  readonly problems: string[] = []
  /** The runtime that is meant to be at work; null while there is none. */
  runtime: Runtime | null = null
  /** Nobody has cut or taken the event log. */
  isLogWhole = true
  revision = 0
  private readonly processes: { process: SimulatedProcess; isZombie: boolean }[] = []
  /** For whoever only looks. */
  readonly reader: WorkspacePorts
  private readonly backups = new Map<string, Uint8Array>()
  private boot = 1
  private started = 0
  private suspended: Runtime[] = []
  private fault: SimulatedProcess['fault'] = null
  /** What the last runtime that ended by itself ended with. */
  lastError: unknown = null
  private doing = 'the beginning'

  static async create(installation: Installation, seed: number, story: Story): Promise<World> {
    const world = new World(installation, seed, story)
    const { disk, clock, places } = world
    await initWorkspace(disk, clock, places, installation)
    const shipped = JSON.parse(
      Buffer.from(installation.disk.read(path.join(installation.packageRoot, 'modes/default_codex.json'))!).toString(),
    )
    disk.write(
      places.at(`modes/${SIDE_BY_SIDE}.json`),
      JSON.stringify({
        ...shipped,
        mode_id: SIDE_BY_SIDE,
        concurrency_policy: { mutually_exclusive_planes: [], may_run_concurrently: [['planning', 'execution']] },
      }),
    )
    disk.makeFolder(places.at('graphs/execution'))
    disk.write(places.at('graphs/execution/short.json'), JSON.stringify(SHORT_LOOP))
    disk.write(places.at(`modes/${SHORT}.json`), JSON.stringify({ ...SHORT_MODE, mode_id: SHORT }))
    disk.write(places.at(AT.config), CONFIGS.good)
    disk.flushAll()
    return world
  }

  private constructor(installation: Installation, seed: number, story: Story) {
    this.installation = installation
    this.clock = new VirtualClock(BEGINNING_MS, seed, { stepped: true })
    this.disk = new SimulatedDisk(ROOT, () => this.clock.now().getTime(), installation.disk)
    const looker = new SimulatedProcess(
      { pid: 1, startTime: '0', bootId: '', pidNamespace: '' },
      () => this.disk,
      this.clock,
    )
    this.reader = { files: looker.files, clock: this.clock, processes: this.processesFor(looker) }
    this.agents = new Agents(this, story.tempers)
    this.people = new People(this)
  }

  problem(sentence: string): void {
    this.problems.push(`${this.doing}: ${sentence}`)
  }

  /** Carries out one action, lets all it leads to at once happen, and looks whether everything still holds. */
  async act(action: Action, number: number): Promise<void> {
    this.doing = `action ${number} (${action.do})`
    await this.carryOut(action)
    await this.rest()
    for (const broken of look(this)) this.problem(broken)
  }

  /** Everything that can happen at once has happened. */
  rest(): Promise<void> {
    return this.clock.pass(0)
  }

  /** `act` happens before the `after`th change that whoever is at work makes from now; now if nobody is. */
  soon(after: number, act: (tear: () => void) => void): void {
    const process = this.runtime?.process
    if (process && !process.isDead) process.before(after, act)
    else act(() => {})
  }

  private async carryOut(action: Action): Promise<void> {
    switch (action.do) {
      case 'pass':
        this.supervise()
        return this.clock.pass(action.seconds * 1000)
      case 'sleep':
        return this.clock.advance(action.minutes * 60_000)
      case 'set clock':
        return this.clock.setBy(action.minutes * 60_000)
      case 'command':
        this.counts.commands += 1
        if (action.issued) return this.issue(action.form, action.item)
        return this.soon(action.after, () => void this.people.command(action.form, action.item))
      case 'withdraw':
        return this.people.withdraw()
      case 'drop':
        return this.soon(action.after, () => this.people.drop(action))
      case 'complete':
        return this.people.complete()
      case 'hand':
        return this.soon(action.after, () => this.people.hand(action))
      case 'idea':
        return this.soon(action.after, () => this.people.idea(action))
      case 'config':
        return this.people.config(action)
      case 'log':
        return this.soon(action.after, () => this.people.log(action.form))
      case 'state':
        return this.soon(action.after, () => this.people.state(action))
      case 'signal':
        if (!this.runtime?.engine) return
        this.runtime.engine.stopping = action.isKill ? 'kill' : 'stop'
        return this.runtime.engine.wake()
      case 'kill':
        return this.whileAtWork(action.after, (runtime, tear) =>
          this.kill(runtime, action.isTorn ? tear : () => {}, action.isZombie),
        )
      case 'power loss':
        return this.whileAtWork(action.after, (_runtime, tear) => {
          if (action.state % 2 === 1) tear()
          this.losePower(action.state)
        })
      case 'fault':
        this.fault = { code: action.code, calls: action.calls, left: action.count }
        return this.soon(action.after, () => this.runtime && Object.assign(this.runtime.process, { fault: this.fault }))
      case 'heal':
        return this.heal()
      case 'rival':
        return this.rival(action.after)
      case 'take over':
        return this.takeOver(action)
    }
  }

  // ---- runtimes ------------------------------------------------------------------------------------------------------

  /** Starts a runtime if none is at work, as whatever supervises it on a real machine does. */
  supervise(): void {
    if (this.runtime !== null && !this.runtime.process.isDead) return
    this.runtime = new Runtime(this, this.spawn())
    this.runtime.process.fault = this.fault
    this.counts.lives += 1
    void this.runtime.live()
  }

  private whileAtWork(after: number, act: (runtime: Runtime, tear: () => void) => void): void {
    const { runtime } = this
    if (runtime === null || runtime.process.isDead) return
    runtime.process.before(after, (tear) => !runtime.process.isDead && act(runtime, tear))
  }

  kill(runtime: Runtime, tear: () => void, isZombie: boolean): void {
    this.counts.crashes += 1
    tear()
    for (const one of this.processes) if (one.process === runtime.process) one.isZombie = isZombie
    runtime.process.end()
    if (this.runtime === runtime) this.runtime = null
  }

  private losePower(choice: number): void {
    this.counts.crashes += 1
    const states = []
    for (const state of legalStates(this.disk)) {
      if (isPowerLoss(state.kind)) states.push(state.tree)
      if (states.length > choice) break
    }
    const tree = states[choice % Math.max(1, states.length)] ?? this.disk.top
    this.agents.loseAll()
    this.disk = new SimulatedDisk(ROOT, () => this.clock.now().getTime(), this.installation.disk, tree)
    this.boot += 1
    this.texts.survive(this.disk.top)
    this.items.powerGoes()
    this.runtime = null
    this.suspended = []
    this.clock.advance(5000)
    for (const { process } of this.processes.splice(0)) process.end()
  }

  private heal(): void {
    this.fault = null
    if (this.runtime) this.runtime.process.fault = null
  }

  /** A second engine comes while the first lives: it is refused, and nothing is written. */
  private async rival(after: number): Promise<void> {
    const { runtime } = this
    const isFirstAtWork = runtime?.isWorking === true
    this.soon(after, () => {
      const rival = new Runtime(this, this.spawn())
      const before = after === 0 && isFirstAtWork ? hashTree(this.disk.top) : null
      void rival.live()
      const stillThere = runtime !== null && !runtime.process.isDead && isFirstAtWork
      if (stillThere && rival.process.changes > 0)
        this.problem('a second runtime changed the disk while the first lives')
      if (before !== null && before !== hashTree(this.disk.top))
        this.problem('a second runtime wrote while the first lives')
      if (this.runtime === null || this.runtime.process.isDead) this.runtime = rival
    })
    await this.rest()
    const working = this.processes.filter(({ process }) => !process.isDead && !process.isSuspended)
    if (working.length > 1 && isFirstAtWork) this.problem('two runtimes are at work')
  }

  /** The runtime is suspended, somebody takes the workspace over by force, and then it wakes. */
  private async takeOver({
    after,
    isProvable,
    wakesAfterSeconds,
    isUsed,
  }: Extract<Action, { do: 'take over' }>): Promise<void> {
    const { runtime } = this
    if (!runtime?.isWorking) return
    let isOver = false
    runtime.process.before(after, () => isOver || runtime.process.suspend())
    await this.clock.pass(2000)
    isOver = true
    if (!runtime.process.isSuspended || runtime.process.isDead) return
    await this.issue('clear_stale_state', 0, { force: true, pidNamespace: isProvable ? HERE : 'pid:[2]' })
    await this.rest()
    if (runtime.process.isDead) return
    this.suspended.push(runtime)
    this.runtime = null
    if (isUsed) this.supervise()
    this.clock.after(wakesAfterSeconds * 1000, () => runtime.process.wake())
  }

  /** Wakes whatever is still suspended. */
  wakeAll(): void {
    for (const runtime of this.suspended.splice(0)) runtime.process.wake()
    this.runtime?.process.wake()
  }

  /** A runtime has ended by itself. */
  ended(runtime: Runtime): void {
    if (this.runtime === runtime) this.runtime = null
    this.agents.orphan(runtime.process)
    const { error } = runtime
    this.lastError = error
    if (error === null) return
    if (!isAllowed(error, this.fault === null ? [] : FAULT_CODES))
      this.problem(`the engine ended with ${error instanceof Error ? (error.stack ?? error.message) : error}`)
    if (!MillraceError.is(error)) return
    if (error.code === 'config_invalid' || error.code === 'compile_failed') this.people.mend()
    if (error.code === 'state_corrupt') this.restore(error)
  }

  /** A command line of its own: posts, and carries out what waits if nobody else does. */
  async issue(
    form: Extract<Action, { do: 'command' }>['form'],
    item: number,
    how: { force?: boolean; pidNamespace?: string } = {},
  ): Promise<void> {
    const wish = this.people.wish(form, item)
    const process = this.spawn(how.pidNamespace)
    const machine = { clock: process.clock, processes: this.processesFor(process) } as unknown as Parameters<
      typeof enginePorts
    >[1]
    const runner = this.agents.runner(process)
    const context = {
      ...enginePorts(this.installation, machine, process.files, runner),
      exec: this.notices.execOf(process),
      version: this.installation.version,
      workspaceRoot: ROOT,
      overrides: [],
      waitSeconds: 0,
      sweep: async (requestId: string) => this.agents.sweep(requestId),
    } as unknown as Context
    try {
      const answer = issue(context, wish.command, wish.payload, { force: how.force === true })
      await this.until(answer)
      const { command_id: id } = await answer
      this.people.isAcknowledged(id!, wish)
    } catch (error) {
      if (!isAllowed(error, [])) this.problem(`a command ended with ${(error as Error).stack}`)
      if (MillraceError.is(error) && error.code === 'state_corrupt') this.restore(error)
    }
    process.end()
  }

  /** Time passes until something has come to its end, in whatever way: it may wait for a moment of its own. */
  private async until(something: Promise<unknown>): Promise<void> {
    let isOver = false
    const over = () => {
      isOver = true
    }
    something.then(over, over)
    for (await this.rest(); !isOver; ) await this.clock.pass(QUIET_MS)
  }

  // ---- processes -----------------------------------------------------------------------------------------------------

  private spawn(pidNamespace = HERE): SimulatedProcess {
    this.started += 1
    const pid = 1000 + (this.started % PIDS)
    const identity = { pid, startTime: String(this.started), bootId: `boot-${this.boot}`, pidNamespace }
    const process = new SimulatedProcess(identity, () => this.disk, this.clock)
    process.onEnd = () => this.agents.orphan(process)
    this.processes.push({ process, isZombie: false })
    return process
  }

  processesFor(process: SimulatedProcess): Processes {
    const found = (pid: number): { identity: Identity; isZombie: boolean } | null => {
      const one = this.processes.findLast(
        (other) => other.process.identity.pid === pid && (!other.process.isDead || other.isZombie),
      )
      return one ? { identity: one.process.identity, isZombie: one.process.isDead } : null
    }
    return {
      self: () => process.identity,
      identify: (pid) => {
        const one = found(pid)
        return one && { ...one.identity, zombie: one.isZombie }
      },
      kill: (pid) => {
        const one = this.processes.findLast((other) => other.process.identity.pid === pid && !other.process.isDead)
        if (!one) return false
        one.process.end()
        this.counts.crashes += 1
        if (this.runtime?.process === one.process) this.runtime = null
        return true
      },
    }
  }

  /** A process of that pid is there, and suspended. */
  isSuspended(pid: number | null): boolean {
    return this.processes.some(({ process }) => process.identity.pid === pid && !process.isDead && process.isSuspended)
  }

  isAnybodyAlive(): boolean {
    return this.processes.some(({ process }) => !process.isDead)
  }

  /** The runtime has started, and nothing keeps it from going on. */
  isAtWork(): boolean {
    return this.runtime?.isWorking === true && !this.runtime.process.isSuspended
  }

  /** The runtime at work follows an agent that nobody asked to stop. */
  isFollowing(): boolean {
    const process = this.isAtWork() ? this.runtime!.process : null
    return this.agents.running.some(
      (agent) => agent.stopAsked === null && agent.followers.some((follower) => follower.process === process),
    )
  }

  // ---- state files ---------------------------------------------------------------------------------------------------

  /** Somebody writes nonsense into a state file; the bytes before are kept as people keep backups. */
  spoil(file: string, by = (_text: string) => SPOILED): void {
    const bytes = this.disk.read(file)
    if (!isJson(bytes)) return
    this.backups.set(file, bytes!)
    this.disk.write(file, by(Buffer.from(bytes!).toString('utf8')))
  }

  /** Somebody has spoiled a state file, and nobody has mended it yet. */
  isSpoiled(): boolean {
    return [...this.backups.keys()].some((file) => !isJson(this.disk.read(file)))
  }

  /** Puts back what was there before somebody spoiled it, where nobody has since. */
  private restore(error: Error | null): void {
    const broken = [...this.backups].filter(([file]) => !isJson(this.disk.read(file)))
    if (error !== null && broken.length === 0) this.problem(`nobody spoiled anything, yet: ${error.message}`)
    for (const [file, bytes] of broken) {
      this.disk.write(file, bytes)
      void this.disk.flush([file, path.dirname(file)])
    }
  }

  /** A result was recorded: what its agent left must last from now on. */
  settled(requestId: string): void {
    const agent = this.agents.of(requestId)
    if (!agent) return
    for (const number of agent.marks) this.texts.firm(number)
    this.items.isFlushed(`${agent.request.active_work_item_kind} ${agent.request.active_work_item_id}`)
  }

  // ---- the end -------------------------------------------------------------------------------------------------------

  /** Everything is mended and everybody behaves: the work comes to an end, or it says why not. */
  async comeToRest(): Promise<void> {
    this.doing = 'the end'
    this.heal()
    this.wakeAll()
    this.agents.areHonest = true
    this.people.complete()
    this.people.mend()
    for (let hour = 0; hour < REST_HOURS_MAX && this.problems.length === 0; hour++) {
      this.restore(null)
      this.supervise()
      if (hour < 4) {
        await this.people.command('resume', 0)
        await this.people.command('clear_stale_state', 0)
      }
      await this.clock.pass(REST_PASS_MS)
      if (this.isAtRest()) break
      // Nothing waits longer than a stage may take.
      if (this.agents.running.some((agent) => agent.deadlineMs - this.clock.monotonicMs() > REST_PASS_MS))
        this.clock.advance(3_600_000)
      if (hour % 8 === 7) this.clock.advance(3_600_000)
    }
    for (const broken of [...look(this), ...lookClosely(this)]) this.problem(broken)
  }

  private isAtRest(): boolean {
    const engine = this.runtime?.engine
    if (!engine || this.agents.running.length > 0 || engine.workspace.degraded || engine.unsettled) return false
    const { snapshot } = engine.workspace.view()
    return (
      snapshot.active_runs.every(({ status }) => status === 'held' || status === 'awaiting_approval') &&
      this.quietFor(snapshot.revision)
    )
  }

  private quietAt = -1

  /** Nothing was committed since this was last asked. */
  private quietFor(revision: number): boolean {
    const isQuiet = this.quietAt === revision
    this.quietAt = revision
    return isQuiet
  }
}

const HERE = 'pid:[1]'
const REST_HOURS_MAX = 120
const REST_PASS_MS = 60_000

function isJson(bytes: Uint8Array | null): boolean {
  try {
    JSON.parse(Buffer.from(bytes ?? '').toString())
    return true
  } catch {
    return false
  }
}
