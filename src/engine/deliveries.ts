/**
 * Deliveries: outside effects, each added by the transaction that decided it and carried out after the commit, beside the
 * tick and never awaited by it (design §7). Every one is tried at least once, with the same id each time, also when the
 * runtime dies in between; after so many attempts it is given up and told.
 */
import { type Change, event } from '../core/changes.ts'
import { clip } from '../core/clip.ts'
import type { Clock } from '../core/clock.ts'
import {
  type ChannelName,
  DELIVERY_STATES,
  type Delivery,
  type DeliveryState,
  deliveryBackoffMs,
  deliveryText,
} from '../core/delivery.ts'
import { MillraceError } from '../core/errors.ts'
import type { Files } from '../core/files.ts'
import { sha256 } from '../core/ids.ts'
import { deliveriesOf, isCounted, isTold } from '../core/notify.ts'
import type { Notify } from '../core/notify-config.ts'
import { deliveryIds, type FoundDelivery, readDeliveries, readDelivery } from '../store/deliveries.ts'
import { deliveryFile, type Places } from '../store/layout.ts'

/** How one attempt ended. `final`: another one can do no better. */
export type Outcome = { done: true } | { done: false; error: string; final?: boolean }

/** How deliveries of one kind are carried out. */
export interface Channel {
  /** Attempts until one is given up. */
  attemptsMax(delivery: Delivery): number
  /** One attempt; ends early on `signal`. Never rejects. */
  carryOut(delivery: Delivery, signal: AbortSignal): Promise<Outcome>
  /**
   * Whether it has happened already: asked first of one that an earlier runtime may have carried out. A channel whose
   * receivers know an id they have had already needs none.
   */
  probe?(delivery: Delivery): Promise<boolean>
}

/** What deliveries need of whoever holds the workspace. */
export interface DeliveryHost {
  files: Files
  places: Places
  clock: Clock
  channels: Readonly<Record<ChannelName, Channel>>
  /** The rules in force. */
  notify: () => Notify
  /** Number of the last transaction. */
  revision: () => number
  commit: (changes: readonly Change[]) => Promise<void>
  /** Called when there is something to be done for them. */
  wake: () => void
}

interface Pending extends FoundDelivery {
  /** While an attempt is under way. */
  attempt: { ending: AbortController; ended: Promise<void> } | null
  /** Whether an earlier runtime may have carried it out. */
  isInherited: boolean
}

/** Records of deliveries that are over are kept up to twice these counts, and then cut down to them, oldest first. */
const KEPT_MAX = { done: 200, failed: 500 } as const
const MINUTE_MS = 60_000
const ERROR_CHARS_MAX = 500

export class Deliveries {
  private readonly host: DeliveryHost
  private isLoaded = false
  private readonly pending = new Map<string, Pending>()
  private readonly ended: { id: string; outcome: Outcome }[] = []
  /** When notifications of a rule were added of late, in milliseconds since the epoch. */
  private readonly addedAtMs = new Map<string, number[]>()

  constructor(host: DeliveryHost) {
    this.host = host
  }

  /** Takes up what waits, and what was added of late; once. */
  load(): void {
    if (this.isLoaded) return
    this.isLoaded = true
    const { files, places } = this.host
    for (const found of readDeliveries(files, places, 'pending'))
      this.pending.set(found.delivery.delivery_id, { ...found, attempt: null, isInherited: true })
    const sinceMs = this.nowMs() - MINUTE_MS
    for (const state of DELIVERY_STATES) {
      for (const id of deliveryIds(files, places, state)) {
        if ((files.stat(places.at(deliveryFile(state, id)))?.mtimeMs ?? 0) < sinceMs) continue
        const found = readDelivery(files, places, state, id)
        if (found !== null) this.count(found.delivery)
      }
    }
  }

  /** The transaction, with the deliveries that its events ask for. */
  join(changes: readonly Change[]): readonly Change[] {
    if (!isTold(changes)) return changes
    const config = this.host.notify()
    if (Object.keys(config.rules).length === 0) return changes
    this.load()
    const sinceMs = this.nowMs() - MINUTE_MS
    const added = deliveriesOf(changes, config, {
      now: new Date(this.nowMs()).toISOString(),
      workspace: this.host.places.root,
      revision: this.host.revision(),
      count: this.pending.size,
      lately: (rule) => (this.addedAtMs.get(rule) ?? []).filter((atMs) => atMs > sinceMs).length,
      summary: (rule) => this.openSummary(rule),
    })
    return [...changes, ...added]
  }

  /** Told of every committed change. */
  hear(change: Change): void {
    if (change.change === 'delivery.add') {
      this.put(change.delivery, false)
      this.count(change.delivery)
    } else if (change.change === 'delivery.update') {
      if (change.to === 'pending') this.put(change.delivery, change.from !== 'pending')
      else this.pending.delete(change.delivery.delivery_id)
    } else return
    this.host.wake()
  }

  /** Records what has ended, and begins whatever is due. One at a time for each receiver; waits for none. */
  async settle(): Promise<void> {
    await this.record()
    this.begin()
  }

  /** When the ones that wait are due, in milliseconds since the epoch. */
  dueTimes(): number[] {
    return [...this.pending.values()].map(({ delivery }) => Date.parse(delivery.next_attempt_at))
  }

  /**
   * Gives each that is due its attempt, and waits for them, in all for `withinMs` at most; what is still under way then
   * is cut short. Gives how many attempts went well and how many did not.
   */
  async finish(withinMs: number): Promise<{ delivered: number; failed: number }> {
    const tally = { delivered: 0, failed: 0 }
    if (this.pending.size === 0 && this.ended.length === 0) return tally
    const settle = async (mayBegin: boolean) => {
      for (const { outcome } of this.ended) tally[outcome.done ? 'delivered' : 'failed'] += 1
      await this.record()
      if (mayBegin) this.begin()
    }
    let isOver = withinMs <= 0
    let giveUp = () => {}
    const over = new Promise<void>((resolve) => {
      giveUp = this.host.clock.after(Math.max(0, withinMs), () => {
        isOver = true
        resolve()
      })
    })
    try {
      for (await settle(!isOver); this.attempts().length > 0 && !isOver; await settle(!isOver))
        await Promise.race([over, ...this.attempts().map(({ ended }) => ended)])
      for (const { ending } of this.attempts()) ending.abort()
      await Promise.all(this.attempts().map(({ ended }) => ended))
      await settle(false)
    } finally {
      giveUp()
    }
    return tally
  }

  private attempts(): NonNullable<Pending['attempt']>[] {
    return [...this.pending.values()].flatMap(({ attempt }) => attempt ?? [])
  }

  private begin(): void {
    const nowMs = this.nowMs()
    const busy = new Set([...this.pending.values()].filter(isUnderWay).map(receiverOf))
    for (const one of this.pending.values()) {
      const receiver = receiverOf(one)
      if (isUnderWay(one) || busy.has(receiver) || Date.parse(one.delivery.next_attempt_at) > nowMs) continue
      busy.add(receiver)
      const ending = new AbortController()
      const ended = this.attempt(one, ending.signal).then((outcome) => {
        this.ended.push({ id: one.delivery.delivery_id, outcome })
        this.host.wake()
      })
      one.attempt = { ending, ended }
    }
  }

  private async attempt({ delivery, isInherited }: Pending, signal: AbortSignal): Promise<Outcome> {
    const channel = this.host.channels[delivery.channel]
    try {
      if (isInherited && (await channel.probe?.(delivery)) === true) return { done: true }
      return await channel.carryOut(delivery, signal)
    } catch (error) {
      return { done: false, error: (error as Error).message }
    }
  }

  private async record(): Promise<void> {
    for (let one = this.ended[0]; one !== undefined; one = this.ended[0]) {
      const pending = this.pending.get(one.id)
      if (pending !== undefined) {
        try {
          await this.host.commit(this.changesFor(pending, one.outcome))
        } catch (error) {
          if (!MillraceError.is(error) || error.code !== 'conflict') throw error
          this.readAgain(one.id)
        }
        pending.attempt = null
      }
      this.ended.shift()
    }
  }

  private changesFor({ delivery, hash }: Pending, outcome: Outcome): Change[] {
    const nowMs = this.nowMs()
    const now = new Date(nowMs).toISOString()
    const attempts = delivery.attempts + 1
    const update = (to: DeliveryState, more: Partial<Delivery>): Change => ({
      change: 'delivery.update',
      from: 'pending',
      to,
      delivery: { ...delivery, attempts, ...more },
      hash,
    })
    if (outcome.done) return [update('done', { last_error: null, ended_at: now }), ...this.forgotten('done')]
    const last_error = clip(outcome.error, ERROR_CHARS_MAX)
    if (!outcome.final && attempts < this.host.channels[delivery.channel].attemptsMax(delivery)) {
      const next_attempt_at = new Date(nowMs + deliveryBackoffMs(attempts)).toISOString()
      return [update('pending', { last_error, next_attempt_at })]
    }
    const { delivery_id, channel, recipient } = delivery
    return [
      update('failed', { last_error, ended_at: now }),
      event('delivery_failed', { delivery_id, channel, recipient, attempts, error: last_error }),
      ...this.forgotten('failed'),
    ]
  }

  /** The oldest records, once there are twice as many as are kept. */
  private forgotten(state: keyof typeof KEPT_MAX): Change[] {
    const { files, places } = this.host
    const ids = deliveryIds(files, places, state)
    if (ids.length < 2 * KEPT_MAX[state]) return []
    return ids
      .map((delivery_id) => ({
        delivery_id,
        ms: files.stat(places.at(deliveryFile(state, delivery_id)))?.mtimeMs ?? 0,
      }))
      .sort((a, b) => a.ms - b.ms)
      .slice(0, ids.length - KEPT_MAX[state])
      .map(({ delivery_id }) => ({ change: 'delivery.forget', state, delivery_id }))
  }

  /** A person changed the file, or took it away, to have it otherwise. */
  private readAgain(id: string): void {
    const found = readDelivery(this.host.files, this.host.places, 'pending', id)
    if (found === null) this.pending.delete(id)
    else this.pending.set(id, { ...found, attempt: null, isInherited: true })
  }

  private put(delivery: Delivery, isInherited: boolean): void {
    const hash = sha256(deliveryText(delivery))
    const known = this.pending.get(delivery.delivery_id)
    if (known === undefined) this.pending.set(delivery.delivery_id, { delivery, hash, attempt: null, isInherited })
    else Object.assign(known, { delivery, hash })
  }

  private count(delivery: Delivery): void {
    if (!isCounted(delivery)) return
    const sinceMs = this.nowMs() - MINUTE_MS
    const times = (this.addedAtMs.get(delivery.recipient) ?? []).filter((atMs) => atMs > sinceMs)
    this.addedAtMs.set(delivery.recipient, [...times, Date.parse(delivery.created_at)])
  }

  private openSummary(rule: string): FoundDelivery | null {
    const isOpen = ({ delivery, attempt }: Pending) =>
      delivery.channel === 'notify' && delivery.recipient === rule && !isCounted(delivery) && attempt === null
    return [...this.pending.values()].find(isOpen) ?? null
  }

  private nowMs(): number {
    return this.host.clock.now().getTime()
  }
}

const isUnderWay = ({ attempt }: Pending): boolean => attempt !== null
const receiverOf = ({ delivery }: Pending): string => `${delivery.channel} ${delivery.recipient}`
