/**
 * What became of the stages that were in flight when the daemon was killed. Before each start the evidence is looked at:
 * a finished agent must have its result settled, a living one be adopted or killed as configured, and only what is gone
 * may run again.
 */
import type { RuntimeEvent } from '../../../src/core/events.ts'
import type { Ledger, RunStory } from './ledger.ts'
import { agentProcesses } from './processes.ts'
import type { OnRestart, Scene } from './scene.ts'

export interface Fate {
  inFlight: number
  /** Followed on by the next daemon. */
  adopted: number
  /** Settled although the agent ended while nobody watched. */
  collected: number
  /** Ended by the next daemon, as configured, and run again. */
  killed: number
  /** Struck together with the daemon; run again. */
  died: number
  /** Not yet started when the daemon died, only asked for; run for the first time, as a new request. */
  unborn: number
  /** Cut short by a stop that was under way; run again. */
  stopped: number
  /** Struck again before the next daemon came to see to them. */
  struckAgain: number
}

export const noFate = (): Fate => ({
  inFlight: 0,
  adopted: 0,
  collected: 0,
  killed: 0,
  died: 0,
  unborn: 0,
  stopped: 0,
  struckAgain: 0,
})

interface Evidence {
  agent: 'finished' | 'alive' | 'gone'
  /** The runtime had asked it to stop before. */
  wasStopped: boolean
  onRestart: OnRestart
}

export class Fates {
  /** Requests whose agents we killed: they may fail, or be gone, at any time after. */
  readonly struck = new Set<string>()
  private readonly waiting = new Map<string, Fate>()
  private evidence = new Map<string, Evidence>()
  /** What the daemon now starting finds; in force once it says so. What comes before is the last one's, recovered. */
  private coming = new Map<string, Evidence>()
  private isUp = true
  private readonly scene: Scene
  private readonly problem: (text: string) => void

  constructor(scene: Scene, problem: (text: string) => void) {
    this.scene = scene
    this.problem = problem
  }

  /** Requests that were in flight at a crash and of which nothing was heard since. */
  get open(): string[] {
    return [...this.waiting.keys()]
  }

  /** The daemon is dead. */
  crashed(fate: Fate, started: readonly RunStory[]): void {
    this.isUp = false
    for (const { request } of started) {
      const before = this.waiting.get(request!)
      if (before) before.struckAgain += 1
      this.waiting.set(request!, fate)
      fate.inFlight += 1
    }
  }

  /** A daemon is about to be started: what will it find? */
  expect(ledger: Ledger, onRestart: OnRestart): void {
    const living = agentProcesses(this.scene.at('runs'))
    this.coming = new Map(
      ledger.started.map((run) => {
        const hasExited = /^(\d+|-)\n$/.test(this.scene.read('runs', run.id, `runner_exit.${run.request}`) ?? '')
        const isAlive = living.some((one) => one.requestId === run.request && one.isKeeper)
        const wasStopped = this.scene.exists('runs', run.id, `runner_stop.${run.request}.json`)
        return [run.request!, { agent: hasExited ? 'finished' : isAlive ? 'alive' : 'gone', wasStopped, onRestart }]
      }),
    )
  }

  see(event: RuntimeEvent): void {
    const request = String(event.data.request_id)
    switch (event.event_type) {
      case 'runtime_started':
        this.isUp = true
        this.evidence = this.coming
        break
      case 'stage_adopted': {
        const found = this.evidence.get(request)
        if (found?.agent !== 'alive' || found.onRestart !== 'adopt')
          this.problem(`request ${request} was adopted, but it was ${JSON.stringify(found)}`)
        this.tell(request, 'adopted')
        break
      }
      case 'stage_completed': {
        const fate = this.waiting.get(request)
        // The settlement was durable before the crash and only had to be applied: nothing was in flight.
        if (!this.isUp && fate) fate.inFlight -= 1
        if (!this.isUp) this.waiting.delete(request)
        this.tell(request, 'collected')
        break
      }
      case 'stage_interrupted':
        this.interrupted(request, String(event.data.run_id), event.data.reason === 'stopped')
    }
  }

  private interrupted(request: string, run: string, byStop: boolean): void {
    const found = this.evidence.get(request)
    const wasStopped = this.scene.exists('runs', run, `runner_stop.${request}.json`)
    if (byStop) {
      if (!wasStopped) this.problem(`request ${request} was interrupted by a stop that nobody asked its agent for`)
      this.tell(request, 'stopped')
      return
    }
    const isBorn = this.scene.exists('runs', run, `runner_pid.${request}`)
    if (!found && isBorn) this.problem(`request ${request} was interrupted while its daemon lived`)
    if (found?.agent === 'finished' && !found.wasStopped)
      this.problem(`request ${request} had finished, and its stage is run again`)
    if (found?.agent === 'alive' && found.onRestart === 'adopt' && !this.struck.has(request))
      this.problem(`request ${request} was alive, and was not adopted but run again`)
    if (found?.agent === 'gone' && isBorn && !wasStopped && !this.struck.has(request))
      this.problem(`the agent of request ${request} did not outlive its daemon`)
    if (found?.agent === 'alive' || wasStopped) this.tell(request, 'killed')
    else this.tell(request, isBorn ? 'died' : 'unborn')
  }

  private tell(request: string, what: Exclude<keyof Fate, 'inFlight' | 'struckAgain'>): void {
    const fate = this.waiting.get(request)
    if (!fate) return
    fate[what] += 1
    this.waiting.delete(request)
  }
}
