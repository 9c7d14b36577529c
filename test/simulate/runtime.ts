/** A runtime of the simulated machine: the real engine in its real loop, from its start until it ends or is ended. */
import type { Change } from '../../src/core/changes.ts'
import { MillraceError } from '../../src/core/errors.ts'
import { type LoopEnd, runLoop } from '../../src/engine/daemon.ts'
import { Engine } from '../../src/engine/engine.ts'
import { enginePorts } from '../../src/selftest/scene.ts'
import { wrongAfterTick, wrongClaim, wrongReturn } from './accounts.ts'
import { DeadError, type SimulatedProcess } from './process.ts'
import type { World } from './world.ts'

export class Runtime {
  readonly process: SimulatedProcess
  /** Null while it is opening. */
  engine: Engine | null = null
  end: LoopEnd | null = null
  /** What it ended with, if not well. */
  error: unknown = null
  private readonly world: World

  constructor(world: World, process: SimulatedProcess) {
    this.world = world
    this.process = process
  }

  get isWorking(): boolean {
    return this.engine !== null && !this.process.isDead
  }

  /** Lives its life. Never resolves if it is killed. */
  async live(): Promise<void> {
    const { world, process } = this
    const { clock, files } = process
    const machine = { clock, processes: world.processesFor(process) } as unknown as Parameters<typeof enginePorts>[1]
    const runner = world.agents.runner(process)
    try {
      this.engine = await Engine.open(
        {
          ...enginePorts(world.installation, machine, files, runner),
          exec: world.notices.execOf(process),
          onFatal: () => {
            process.end()
            throw new DeadError()
          },
        },
        { workspaceRoot: world.places.root, runtimeMode: 'daemon' },
        [(change) => this.told(change)],
      )
      const { engine } = this
      const commit = engine.commit.bind(engine)
      engine.commit = async (changes) => {
        const wrong = changes.flatMap((change) => [
          ...wrongClaims(engine, change),
          ...wrongReturns(world, engine, change),
        ])
        await commit(changes)
        for (const sentence of wrong) world.problem(sentence)
      }
      const sleep = engine.sleep.bind(engine)
      engine.sleep = (ms) => {
        world.counts.ticks += 1
        for (const wrong of wrongAfterTick(world)) world.problem(wrong)
        return sleep(ms)
      }
      this.end = await runLoop(engine, { ticksMax: null, stopWhenIdle: false })
    } catch (error) {
      this.error = error
    }
    if (process.isDead) return
    try {
      await this.engine?.close()
    } catch (error) {
      this.error ??= error
    }
    if (process.isDead) return
    process.end()
    world.ended(this)
  }

  private told(change: Change): void {
    if (change.change !== 'event.append') return
    if (change.event_type === 'stage_completed') {
      this.world.counts.stages += 1
      this.world.settled(String(change.data.request_id))
    }
    if (change.event_type === 'blocked_dependency_auto_requeued') this.world.counts.recoveries += 1
  }
}

/** What stood before an item that is about to be claimed, in the eyes of `why`. */
function wrongClaims(engine: Engine, change: Change): string[] {
  if (change.change !== 'event.append' || change.event_type !== 'work_item_claimed') return []
  // What somebody is just writing may keep another item from being claimed for a moment.
  if (engine.unsettled) return []
  const { work_item_kind: kind, work_item_id: id } = change.data
  return wrongClaim(engine.workspace.view(), String(kind), String(id))
}

/** What `why` said of an item that is about to be put back by the runtime itself, and why it should not be. */
function wrongReturns(world: World, engine: Engine, change: Change): string[] {
  if (change.change !== 'event.append' || change.event_type !== 'blocked_dependency_auto_requeued') return []
  const { work_item_kind: kind, work_item_id: id } = change.data
  return wrongReturn(world, engine.workspace.view(), engine.config.auto_recovery, String(kind), String(id))
}

/** Whether somebody may end with this: a clear refusal, or what the disk answered. */
export function isAllowed(error: unknown, codes: readonly string[]): boolean {
  if (MillraceError.is(error)) return error.code !== 'internal'
  return error instanceof Error && codes.includes(String((error as NodeJS.ErrnoException).code))
}
