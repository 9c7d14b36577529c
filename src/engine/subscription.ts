/**
 * Asks the provider of a subscription what is used of it: beside the tick, while there is work, as often as the rules
 * want an answer. No stage is started while an answer is awaited, so none starts on an older one than they allow.
 */
import { hasQueued } from '../core/select.ts'
import { afterAsking, type QuotaAnswer, type Subscription, unasked } from '../core/subscription.ts'
import { USAGE } from '../core/usage.ts'
import { PROVIDERS, type UsageGovernance } from '../core/usage-config.ts'
import type { View } from '../core/view.ts'
import type { Engine } from './engine.ts'

type QuotaSettings = UsageGovernance['subscription_quota_rules']

export class SubscriptionWatch {
  private readonly engine: Engine
  /** Null while there are no rules. */
  private rules: { settings: QuotaSettings; known: Subscription } | null = null
  /** When the last asking ended, in milliseconds since the epoch; null before the first under these settings. */
  private askedMs: number | null = null
  private asking: { ending: AbortController; ended: Promise<void> } | null = null

  constructor(engine: Engine) {
    this.engine = engine
  }

  /** The rules in force; null for none. What an earlier runtime knew is good until its windows begin anew. */
  use(settings: QuotaSettings | null, before: Subscription | undefined): void {
    this.askedMs = null
    const known = this.rules?.known ?? before
    if (settings === null) this.rules = null
    else this.rules = { settings, known: known?.provider === settings.provider ? known : unasked(settings) }
  }

  get isAsking(): boolean {
    return this.asking !== null
  }

  /** Begins to ask, if it is time to; gives what is known, null without rules. */
  look(view: View): Subscription | null {
    if (this.asking === null && this.dueMs(view) <= this.nowMs()) this.ask()
    return this.rules?.known ?? null
  }

  /** When it is to be asked next, in milliseconds since the epoch; never while no stage could be started anyway. */
  dueMs(view: View): number {
    if (this.rules === null || !mayStartOne(view)) return Infinity
    const nowMs = this.nowMs()
    if (this.askedMs === null || this.askedMs > nowMs) return nowMs
    return this.askedMs + this.rules.settings.refresh_interval_seconds * 1000
  }

  /** Waits for what was begun, cut short. */
  async close(): Promise<void> {
    this.asking?.ending.abort()
    await this.asking?.ended
  }

  private ask(): void {
    const asked = this.rules!
    const ending = new AbortController()
    const ended = this.answer(asked.settings, ending.signal).then((answer) => {
      this.asking = null
      // Rules that came meanwhile are held against an answer of their own.
      if (asked === this.rules) {
        this.askedMs = this.nowMs()
        asked.known = afterAsking(asked.known, answer, asked.settings, new Date(this.askedMs).toISOString())
      }
      this.engine.wake()
    })
    this.asking = { ending, ended }
  }

  private async answer({ provider }: QuotaSettings, signal: AbortSignal): Promise<QuotaAnswer> {
    const runner = this.engine.runners.get(PROVIDERS[provider])
    const problem = `the runner ${PROVIDERS[provider]} cannot ask for it`
    return (await runner?.quota?.(signal)) ?? { problem }
  }

  private nowMs(): number {
    return this.engine.clock.now().getTime()
  }
}

/** There is work, and nothing but use keeps it from being started. */
const mayStartOne = (view: View): boolean =>
  (view.snapshot.active_runs.length > 0 || hasQueued(view)) &&
  view.snapshot.pause_sources.every(({ source }) => source === USAGE)
