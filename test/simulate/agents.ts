/**
 * The agents of the simulated machine: processes of their own that outlive the runtime which started them, unless power
 * goes or they are tethered to it. Each behaves as its temper says; what the runner contract promises is kept here.
 */
import type { StageRequest } from '../../src/core/request.ts'
import type { RawResult } from '../../src/core/result.ts'
import { blankResult } from '../../src/runners/ending.ts'
import { BLANK_VIEW } from '../../src/runners/live-view.ts'
import type { Following, Handle, Remains, Runner } from '../../src/runners/runner.ts'
import { HONEST, type Temper } from './actions.ts'
import { leave } from './deeds.ts'
import type { SimulatedProcess } from './process.ts'
import type { World } from './world.ts'

export interface Agent {
  request: StageRequest
  temper: Temper
  starter: SimulatedProcess
  startedAt: string
  deadlineMs: number
  isRunning: boolean
  /** Somebody asked it to stop before it had ended by itself. */
  stopAsked: 'cancelled' | 'killed' | null
  /** The record of its end that its keeper wrote; null while it runs, and if it died without one. */
  result: RawResult | null
  followers: { process: SimulatedProcess; tell: (result: RawResult) => void }[]
  /** Marks of the texts it wrote into its active document. */
  marks: number[]
}

/** The mode under which planes may be at work side by side. */
export const SIDE_BY_SIDE = 'side_by_side'
/** The mode under which a task has a single stage, so that it is soon blocked. */
export const SHORT = 'short'
const LATE_MS = 4000
const GRACE_MS = 300

export class Agents {
  /** All that ever were, in the order they were started. */
  readonly all: Agent[] = []
  /** Every agent behaves from now on. */
  areHonest = false
  private readonly world: World
  private readonly tempers: readonly Temper[]
  private readonly ofRequest = new Map<string, Agent>()

  constructor(world: World, tempers: readonly Temper[]) {
    this.world = world
    this.tempers = tempers.length > 0 ? tempers : [HONEST]
  }

  get running(): Agent[] {
    return this.all.filter((agent) => agent.isRunning)
  }

  of(requestId: string): Agent | undefined {
    return this.ofRequest.get(requestId)
  }

  /** The one that worked last on an item. */
  lastOf(kind: string, id: string): Agent | undefined {
    return this.all.findLast(
      ({ request }) => request.active_work_item_kind === kind && request.active_work_item_id === id,
    )
  }

  /** The runner as one runtime process has it. */
  runner(process: SimulatedProcess): Runner {
    return {
      name: 'simulated',
      adoptable: true,
      start: async (request) => {
        await process.alive()
        return this.start(process, request)
      },
      follow: (request) => this.follow(process, request.request_id),
      view: () => BLANK_VIEW,
      remains: async (request) => {
        await process.alive()
        return this.remains(request.request_id)
      },
      collect: async (request) => {
        await process.alive()
        const agent = this.ofRequest.get(request.request_id)
        return agent?.result ?? { ...this.blank(request), ending: 'not_started', message: 'There is no record of it.' }
      },
      sweep: async (requestId) => {
        await process.alive()
        return this.sweep(requestId)
      },
      probe: async () => ({ runner: 'simulated', ok: true, binary: null, version: null, problem: null, remedy: null }),
    }
  }

  sweep(requestId: string): number {
    const agent = this.ofRequest.get(requestId)
    if (!agent?.isRunning) return 0
    this.vanish(agent)
    return 1
  }

  /** Every process of the machine is gone. */
  loseAll(): void {
    for (const agent of this.running) this.vanish(agent)
    for (const agent of this.all) agent.followers = []
  }

  /** A runtime is gone: nobody hears for it any more, and what was tethered to it went with it. */
  orphan(process: SimulatedProcess): void {
    for (const agent of this.all) {
      agent.followers = agent.followers.filter((follower) => follower.process !== process)
      if (agent.isRunning && agent.temper.isTethered && agent.starter === process) this.vanish(agent)
    }
  }

  private start(process: SimulatedProcess, request: StageRequest): Handle | RawResult {
    const { clock } = this.world
    if (this.ofRequest.has(request.request_id)) this.world.problem(`${request.request_id} was started twice`)
    this.checkAlone(request)
    const temper = this.areHonest ? HONEST : this.tempers[this.all.length % this.tempers.length]!
    const agent: Agent = {
      request,
      temper,
      starter: process,
      startedAt: clock.now().toISOString(),
      deadlineMs: clock.monotonicMs() + request.timeout_seconds * 1000,
      isRunning: true,
      stopAsked: null,
      result: null,
      followers: [],
      marks: [],
    }
    this.all.push(agent)
    this.ofRequest.set(request.request_id, agent)
    if (temper.ends === 'not started') {
      agent.isRunning = false
      agent.result = {
        ...this.blank(request),
        ending: 'not_started',
        message: 'It could not be started.',
        exit_code: null,
      }
      return agent.result
    }
    const work = () => this.guarded(agent, () => leave(this.world, agent))
    if (temper.ends === 'at once') {
      work()
      this.finish(agent)
    } else if (temper.ends !== 'hangs') {
      const ms = temper.seconds * 1000
      clock.after(ms * 0.6, () => this.world.soon(temper.after, () => agent.isRunning && work()))
      clock.after(ms, () => this.world.soon(temper.after, () => this.finish(agent)))
    }
    return this.handleOf(agent)
  }

  /** No agent works where another one still does. */
  private checkAlone(request: StageRequest): void {
    for (const { request: other } of this.running) {
      const both = `${request.request_id} of ${request.active_work_item_id ?? 'a closure target'} was started beside ${other.request_id} of ${other.active_work_item_id ?? 'a closure target'}`
      const maySideBySide = [request, other].some(({ mode_id }) => mode_id === SIDE_BY_SIDE)
      if (other.run_id === request.run_id || other.plane === request.plane || !maySideBySide)
        this.world.problem(`${both}, which still runs`)
    }
  }

  private follow(process: SimulatedProcess, requestId: string): Following {
    const agent = this.ofRequest.get(requestId)!
    const { clock } = this.world
    const result = new Promise<RawResult>((resolve) => {
      const tell = (raw: RawResult) => void process.alive().then(() => resolve(raw))
      if (!agent.isRunning) tell(agent.result ?? this.died(agent))
      else agent.followers.push({ process, tell })
    })
    process.clock.after(agent.deadlineMs - clock.monotonicMs(), () =>
      this.end(agent, { ending: 'timed_out', exit_code: null }),
    )
    return {
      result,
      progress: () => ({ lastActivityMs: 0, outputBytes: 0 }),
      stop: async (reason) => {
        await process.alive()
        this.stop(agent, reason)
        await result
      },
    }
  }

  private stop(agent: Agent, reason: 'cancelled' | 'killed'): void {
    if (!agent.isRunning || agent.stopAsked !== null) return
    agent.stopAsked = reason
    this.world.clock.after(agent.temper.isDeaf ? LATE_MS : GRACE_MS, () => {
      if (!agent.isRunning) return
      if (agent.temper.isDeaf) this.guarded(agent, () => leave(this.world, { ...agent, temper: HONEST }))
      this.end(agent, {
        ending: reason,
        exit_code: agent.temper.isDeaf ? 0 : null,
        final_message: this.marker(agent, 0),
      })
    })
  }

  private remains(requestId: string): Remains {
    const agent = this.ofRequest.get(requestId)
    if (!agent) return { state: 'gone', begun: false }
    if (agent.isRunning) return { state: 'alive', handle: this.handleOf(agent) }
    return agent.result === null ? { state: 'gone', begun: true } : { state: 'finished' }
  }

  private finish(agent: Agent): void {
    // The runner remembers that it asked for the stop: what comes after it does not count.
    if (!agent.isRunning || agent.stopAsked !== null) return
    const { temper } = agent
    switch (temper.ends) {
      case 'hangs':
        return
      case 'dies':
        this.vanish(agent)
        return
      case 'exit code':
        this.end(agent, { exit_code: 3, final_message: this.message(agent) })
        return
      case 'rate limit':
      case 'network':
        this.end(agent, {
          ending: 'provider_error',
          cause: temper.ends === 'network' ? 'network' : 'rate_limit',
          message: 'Not now.',
          exit_code: 1,
          resets_at: temper.isDeaf ? new Date(this.world.clock.now().getTime() + 7_200_000).toISOString() : null,
        })
        return
      case 'provider':
        this.end(agent, { ending: 'provider_error', message: 'Something went wrong.', exit_code: 1 })
        return
      default:
        this.end(agent, { final_message: this.message(agent) })
        return
    }
  }

  private message({ request, temper }: Agent): string | null {
    const marker = this.marker({ request }, temper.outcome)
    const others = request.legal_terminal_markers.filter((other) => other !== marker)
    switch (temper.says) {
      case 'marker':
        return `Done.\n\n${marker}`
      case 'another stage':
        return 'Done.\n\n### SOMETHING_ELSE'
      case 'two markers':
        return `${others[0] ?? marker}\n\n${marker}`
      case 'no marker':
        return 'I believe that it is complete.'
      case 'marker above':
        return `${marker}\n\nThat is it.`
      default:
        return null
    }
  }

  private marker({ request }: Pick<Agent, 'request'>, outcome: number): string {
    return `### ${outcomeOf(request, outcome)}`
  }

  private end(agent: Agent, how: Partial<RawResult>): void {
    if (!agent.isRunning) return
    agent.isRunning = false
    const ended_at = this.world.clock.now().toISOString()
    agent.result = { ...this.blank(agent.request), started_at: agent.startedAt, ended_at, ...how }
    for (const { tell } of agent.followers.splice(0)) tell(agent.result)
  }

  /** It is gone without a word, and without a record. */
  private vanish(agent: Agent): void {
    if (!agent.isRunning) return
    agent.isRunning = false
    for (const { tell } of agent.followers.splice(0)) tell(this.died(agent))
  }

  private died(agent: Agent): RawResult {
    const ending = agent.stopAsked ?? 'exited'
    return { ...this.blank(agent.request), started_at: agent.startedAt, ending, exit_code: 137, message: 'It is gone.' }
  }

  /** A disk that refuses an agent is its own trouble. */
  private guarded(agent: Agent, act: () => void): void {
    try {
      act()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
      this.end(agent, { exit_code: 1 })
    }
  }

  private handleOf({ request, startedAt, deadlineMs }: Agent): Handle {
    return {
      request_id: request.request_id,
      run_id: request.run_id,
      runner_name: request.runner_name,
      pid: 1,
      start_time: '1',
      boot_id: '1',
      run_dir: request.run_dir,
      started_at: startedAt,
      deadline_boot_ms: deadlineMs,
      stop_grace_seconds: 1,
    }
  }

  private blank(request: StageRequest): RawResult {
    const now = this.world.clock.now().toISOString()
    return { ...blankResult(request, request.runner_name, now), ending: 'exited', exit_code: 0 }
  }
}

/** The success of a node first, then its other outcomes. */
export function outcomeOf(request: StageRequest, wished: number): string {
  const table = Object.entries(request.allowed_result_classes_by_outcome)
  const isSuccess = ([, classes]: [string, readonly string[]]) => classes[0] === 'success'
  const ordered = [...table.filter(isSuccess), ...table.filter((entry) => !isSuccess(entry))]
  return ordered[wished % ordered.length]![0]
}
