/** Being told: a receiving command that fails sometimes, and what must hold of every notification the product decided on. */
import { DELIVERY_STATES, type DeliveryState } from '../../src/core/delivery.ts'
import type { Exec } from '../../src/core/exec.ts'
import type { Files } from '../../src/core/files.ts'
import { sha256 } from '../../src/core/ids.ts'
import { deliveryIds, readDelivery } from '../../src/store/deliveries.ts'
import { pendingRecord } from '../../src/store/pending.ts'
import type { SimulatedProcess } from './process.ts'
import type { World } from './world.ts'

/** Attempts of the rule; a receiver that fails more often is given up. */
export const ATTEMPTS_MAX = 3
const RECEIVER = 'tell-me'
export const TELLING = `[notify.rules.me]\ncommand = ["${RECEIVER}"]\nattempts_max = ${ATTEMPTS_MAX}\n`

const MISSING = { code: 127, stdout: '', stderr: '', timedOut: false, truncated: false }

export class Notices {
  /** By id: how often it was sent, and how often it arrived. */
  private readonly attempts = new Map<string, { sent: number; arrived: number }>()
  /** Where each lay when it was last seen for good. */
  private readonly seen = new Map<string, DeliveryState>()
  private readonly world: World

  constructor(world: World) {
    this.world = world
  }

  /** Programs as a process of that machine starts them: the receiver is the only one there is. */
  execOf(process: SimulatedProcess): Exec {
    return async (program, _args, { stdin }) => {
      await process.alive()
      if (program !== RECEIVER) return MISSING
      const { delivery_id: id } = JSON.parse(String(stdin)) as { delivery_id: string }
      const { sent, arrived } = this.attempts.get(id) ?? { sent: 0, arrived: 0 }
      // Some fail once or twice, some always.
      const isThere = sent >= Number.parseInt(sha256(id).slice(0, 4), 16) % (ATTEMPTS_MAX + 1)
      this.world.counts.told += 1
      this.attempts.set(id, { sent: sent + 1, arrived: arrived + (isThere ? 1 : 0) })
      return { ...MISSING, code: isThere ? 0 : 1 }
    }
  }

  /** What does not hold: each lies in one place, is nowhere lost, and is over only once it arrived or was given up. */
  wrong(files: Files): string[] {
    const { places, disk } = this.world
    const found = DELIVERY_STATES.flatMap((state) => deliveryIds(files, places, state).map((id) => ({ id, state })))
    const there = new Map(found.map(({ id, state }) => [id, state]))
    const broken = found
      .filter(({ id, state }) => there.get(id) !== state)
      .map(({ id, state }) => `${id} is ${state} and ${there.get(id)}`)
    for (const [id, state] of this.seen) if (!there.has(id)) broken.push(`${id}, which was ${state}, is lost`)
    for (const [id, state] of there) {
      const before = this.seen.get(id)
      if (before !== undefined && before !== 'pending' && before !== state)
        broken.push(`${id} was ${before} and is ${state}`)
      if (state !== 'pending' && state !== before) broken.push(...this.wrongEnd(files, id, state))
    }
    // What is not flushed yet may be gone after a loss of power.
    if (pendingRecord(disk, places) === null) for (const [id, state] of there) this.seen.set(id, state)
    return broken
  }

  private wrongEnd(files: Files, id: string, state: DeliveryState): string[] {
    const delivery = readDelivery(files, this.world.places, state, id)?.delivery
    if (delivery === undefined || delivery.ended_at === null) return [`${id} is ${state} without a record of its end`]
    const { sent, arrived } = this.attempts.get(id) ?? { sent: 0, arrived: 0 }
    if (state === 'done') return arrived > 0 ? [] : [`${id} is done and never arrived`]
    if (delivery.last_error === null) return [`${id} was given up without a reason`]
    const isRuleGone = delivery.last_error.includes('no longer in the config')
    return isRuleGone || sent >= ATTEMPTS_MAX ? [] : [`${id} was given up after ${sent} attempts`]
  }

  /** Once all has come to rest: nothing that is due waits. */
  waiting(files: Files, now: string): string[] {
    const { places } = this.world
    return deliveryIds(files, places, 'pending').flatMap((id) => {
      const due = readDelivery(files, places, 'pending', id)?.delivery.next_attempt_at
      return due === undefined || due > now ? [] : [`${id} is due since ${due}, and was not sent`]
    })
  }
}
