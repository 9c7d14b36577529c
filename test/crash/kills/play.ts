/** The play: one daemon after the other in one scene, with everybody who watches it. */
import { Audit } from './audit.ts'
import { Chance, pause } from './chance.ts'
import { type Fate, Fates, noFate } from './fates.ts'
import { Feeder } from './feeder.ts'
import { Ledger } from './ledger.ts'
import type { Ended, OnRestart, Program, Scene } from './scene.ts'
import type { Strike } from './strikes.ts'

const READY_MS_MAX = 30_000
const POLL_MS = 10

export interface Row extends Fate {
  count: number
}

export class Play {
  readonly scene: Scene
  readonly chance: Chance
  readonly problems: string[] = []
  readonly rows = new Map<string, Row>()
  readonly ledger: Ledger
  readonly fates: Fates
  readonly audit: Audit
  readonly feeder: Feeder
  /** Null while none is meant to live. */
  daemon: Program | null = null
  kills = 0
  /** Starts that were refused because a command held the workspace at that moment. */
  refusedStarts = 0
  private onRestart: OnRestart = 'kill'
  private pace: 'leisurely' | 'hurried' = 'leisurely'
  private row: Row = { count: 0, ...noFate() }
  private last = 'nothing yet'

  constructor(scene: Scene, seed: number) {
    this.scene = scene
    this.chance = new Chance(seed)
    const problem = (text: string) => this.problem(text)
    this.ledger = new Ledger(scene, problem)
    this.fates = new Fates(scene, problem)
    this.audit = new Audit(scene, this.ledger, this.fates, problem)
    this.feeder = new Feeder(scene, new Chance(seed + 1), this.ledger, problem)
  }

  problem(text: string): void {
    this.problems.push(`after kill ${this.kills} (${this.last}): ${text}`)
  }

  async strike(strike: Strike): Promise<void> {
    const began = performance.now()
    this.row = this.rows.get(strike.name) ?? { count: 0, ...noFate() }
    this.rows.set(strike.name, this.row)
    this.row.count += 1
    if (strike.kills) this.kills += 1
    this.last = strike.name
    await strike.run(this)
    const stages = this.ledger.started.map((run) => `${run.node} of ${run.item ?? 'a closure target'}`)
    this.last = `${strike.name}, ${Math.round(performance.now() - began)} ms, ${stages.join() || 'no stage in flight'}`
    await this.audit.look()
  }

  /** What was struck, when and where, for whoever watches. */
  get lastStrike(): string {
    return `${this.kills} ${this.last}`
  }

  async untilInFlight(limitMs: number): Promise<void> {
    const end = performance.now() + limitMs
    do {
      this.audit.follow()
      if (this.ledger.started.length > 0) return
      await pause(POLL_MS)
    } while (performance.now() < end)
  }

  // ---- one daemon after the other ------------------------------------------------------------------------------

  /** Starts a daemon, each the other way round with agents that are left; does not wait for it. */
  spawnDaemon(...options: string[]): Program {
    this.onRestart = this.onRestart === 'adopt' ? 'kill' : 'adopt'
    this.scene.configure(this.onRestart, this.pace)
    this.audit.follow()
    this.fates.expect(this.ledger, this.onRestart)
    this.daemon = this.scene.start(['run', 'daemon', ...options])
    return this.daemon
  }

  /** Starts one and waits until it is ready. */
  async startDaemon(): Promise<void> {
    for (;;) {
      const { changes } = this.scene
      const isBusy = this.scene.changing > 0
      const before = this.ledger.count('runtime_started')
      const daemon = this.spawnDaemon()
      await this.until(
        'a daemon is ready',
        () => this.ledger.count('runtime_started') > before || daemon.end() !== null,
      )
      const end = daemon.end()
      if (end === null) return
      this.daemon = null
      this.explainRefusal(end, isBusy || this.scene.changes > changes)
    }
  }

  /** Starts two: one of them serves the workspace, the other is refused. */
  async startTwo(): Promise<void> {
    const { changes } = this.scene
    const isBusy = this.scene.changing > 0
    const before = this.ledger.count('runtime_started')
    const first = this.spawnDaemon()
    const pair = [first, this.scene.start(['run', 'daemon'])]
    const ends = () => pair.flatMap((one) => one.end() ?? [])
    const isReady = () => this.ledger.count('runtime_started') > before
    await this.until('one of two daemons serves', () => ends().length === 2 || (ends().length === 1 && isReady()))
    this.daemon = pair.find((one) => one.end() === null) ?? null
    const [first_end, second_end] = ends()
    this.explainRefusal(first_end!, true)
    if (second_end !== undefined) this.explainRefusal(second_end, isBusy || this.scene.changes > changes)
  }

  private explainRefusal(end: Ended, mayBeRefused: boolean): void {
    if (end.status !== 3 || !mayBeRefused) this.problem(`a daemon ended by itself with ${end.status}: ${end.stderr}`)
    else this.refusedStarts += 1
  }

  async killDaemon(): Promise<void> {
    const daemon = this.daemon
    if (daemon === null) return
    this.daemon = null
    daemon.child.kill('SIGKILL')
    const { status, stderr } = await daemon.ended
    // One that was told to stop, or found the workspace taken, may have ended before.
    if (status !== null && status !== 0 && status !== 3) this.problem(`the daemon had ended with ${status}: ${stderr}`)
    this.audit.follow()
    this.fates.crashed(this.row, this.ledger.started)
  }

  async stopDaemon(): Promise<void> {
    const daemon = this.daemon
    if (daemon === null) return
    this.daemon = null
    daemon.child.kill('SIGTERM')
    const { status, stderr } = await daemon.ended
    if (status !== 0) this.problem(`SIGTERM ended the daemon with ${status}: ${stderr}`)
  }

  /** True if the daemon that should live has ended. */
  checkDaemon(): void {
    const end = this.daemon?.end()
    if (!end) return
    this.daemon = null
    this.problem(`the daemon ended by itself with ${end.status}: ${end.stderr}`)
  }

  /** Works until the queues are empty and no daemon runs; an operator attends to what waits for one. */
  async finish(): Promise<void> {
    await this.feeder.stop()
    await this.stopDaemon()
    this.pace = 'hurried'
    for (let round = 0; round < 20; round++) {
      const { status, stderr } = await this.spawnDaemon('--stop-when-idle').ended
      this.daemon = null
      if (status !== 0) this.problem(`the last daemon ended with ${status}: ${stderr}`)
      this.audit.follow()
      const waits = this.ledger.held.length > 0 || [...this.ledger.items.values()].includes('blocked')
      if (!waits) return
      await this.feeder.attend()
    }
  }

  private async until(what: string, condition: () => boolean): Promise<void> {
    const end = performance.now() + READY_MS_MAX
    for (this.audit.follow(); !condition(); this.audit.follow()) {
      if (performance.now() > end) {
        this.problem(`waited ${READY_MS_MAX} ms until ${what}`)
        throw new Error('the play cannot go on')
      }
      await pause(POLL_MS)
    }
  }
}
