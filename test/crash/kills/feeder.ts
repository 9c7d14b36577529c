/**
 * The feeder: adds work all the time by the command, several at once, whether a daemon lives or not, and keeps account
 * of what it was promised. A command that was killed promised nothing; its id may be tried again.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import type { Chance } from './chance.ts'
import { pause } from './chance.ts'
import type { Ledger } from './ledger.ts'
import type { Ended, Scene } from './scene.ts'

/** The queue is filled up to here, and again once it has run down to a few. */
const UNDER_WAY_MAX = 12
const FEW = 3

interface Adding {
  killAfterMs?: number
  noWait?: boolean
}

export class Feeder {
  /** Items of which an exit status said that they are in, or will be, by `<kind> <id>`. */
  readonly acknowledged = new Set<string>()
  /** Items whose command was killed: there once, or not at all. */
  readonly unsure = new Set<string>()
  /** Items whose command was run again and told that they exist already. */
  repeated = 0
  private readonly tried = new Set<string>()
  private readonly scene: Scene
  private readonly chance: Chance
  private readonly ledger: Ledger
  private readonly problem: (text: string) => void
  private made = 0
  private stopped = false
  private feeding: Promise<void> = Promise.resolve()

  constructor(scene: Scene, chance: Chance, ledger: Ledger, problem: (text: string) => void) {
    this.scene = scene
    this.chance = chance
    this.ledger = ledger
    this.problem = problem
  }

  start(): void {
    this.feeding = this.feed()
  }

  /** Resolves when no command of the feeder is left. */
  async stop(): Promise<void> {
    this.stopped = true
    await this.feeding
  }

  private get underWay(): number {
    return [...this.acknowledged].filter((item) => this.ledger.items.get(item) !== 'done').length
  }

  private async feed(): Promise<void> {
    let isFilling = true
    while (!this.stopped) {
      if (this.underWay >= UNDER_WAY_MAX) isFilling = false
      else if (this.underWay <= FEW) isFilling = true
      if (isFilling) await Promise.all(Array.from({ length: Math.ceil(this.chance.next() * 3) }, () => this.addOne()))
      await this.tryAgain()
      await this.attend()
      await pause(this.chance.between(100, 500))
    }
  }

  /** Adds a task, now and then a spec. */
  private addOne(): Promise<void> {
    return this.made % 10 === 6 ? this.addSpec() : this.addNew({})
  }

  /** What a killed command may have added is tried once more, now and then. */
  private async tryAgain(): Promise<void> {
    const [again] = this.unsure
    if (again === undefined || this.chance.happens(0.6)) return
    this.unsure.delete(again)
    await this.add(again.replace('task ', ''))
  }

  private nextId(): string {
    this.made += 1
    return `job-${this.made}`
  }

  /** Runs the command for one task; killed after `killAfterMs`, if that is given. `--no-wait` now and then, or always. */
  private async add(id: string, { killAfterMs, noWait = this.chance.happens(0.25) }: Adding = {}): Promise<void> {
    const [dependency] = [...this.acknowledged].filter((item) => item.startsWith('task ')).slice(-1)
    const waits = dependency !== undefined && this.chance.happens(0.2) && dependency !== `task ${id}`
    const options = [
      ...(waits ? ['--depends-on', dependency.replace('task ', '')] : []),
      ...(noWait ? ['--no-wait'] : []),
    ]
    this.judge(
      `task ${id}`,
      await this.scene.change(['queue', 'add-task', `Do ${id}`, '--id', id, ...options], killAfterMs),
    )
  }

  addNew(adding: Adding): Promise<void> {
    return this.add(this.nextId(), adding)
  }

  private async addSpec(): Promise<void> {
    const id = `spec-${this.nextId()}`
    const lists = ['Goals', 'Constraints', 'Acceptance', 'References'].map((name) => `${name}:\n- as agreed\n`)
    const head = `# ${id}\n\nSpec-ID: ${id}\nTitle: ${id}\nSummary: Worth doing.\nSource-Type: manual\n`
    const text = `${head}Created-At: ${new Date().toISOString()}\nCreated-By: kills\n\n${lists.join('\n')}`
    const file = path.join(this.scene.folder, `${id}.md`)
    fs.writeFileSync(file, text)
    this.judge(`spec ${id}`, await this.scene.change(['queue', 'add-spec', file]))
  }

  private judge(item: string, { status, stdout, stderr }: Ended): void {
    const wasTried = this.tried.has(item)
    this.tried.add(item)
    if (status === null) {
      this.unsure.add(item)
      return
    }
    const answer = JSON.parse(stdout) as { state?: string; error?: { code: string } }
    const code = answer.error?.code
    // "The command stays queued" is a promise too; an item that exists was added by the command that was killed.
    const isIn = status === 0 ? ['applied', 'queued'].includes(answer.state ?? '') : code === 'wait_elapsed'
    const wasIn = code === 'item_exists' && wasTried
    if (!isIn && !wasIn) this.problem(`adding ${item} ended with ${status}: ${stdout}${stderr}`)
    if (wasIn) this.repeated += 1
    this.acknowledged.add(item)
  }

  /** What an operator does: releases a judgement that may not be repeated unasked, retries what was blocked. */
  async attend(): Promise<void> {
    const retried = [...this.ledger.items].find(([, state]) => state === 'blocked')?.[0].split(' ')
    if (this.ledger.held.length > 0) await this.scene.change(['control', 'clear-stale-state'])
    else if (retried) await this.scene.change(['queue', 'retry', retried[1]!, '--kind', retried[0]!])
  }
}
