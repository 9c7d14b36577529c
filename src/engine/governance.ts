/**
 * Governance of usage: keeps running sums over the ledger for the rules in force, and says which of them are over: to the
 * gates, which pause for rules over everything; before a stage is started, for rules over its own run or item; and, for
 * hard rules, after every event of an agent at work. Whatever it knows follows from the config, the ledger, and what the
 * provider of a subscription answered.
 */
import type { Change, Draft } from '../core/changes.ts'
import { canonicalJson } from '../core/ids.ts'
import { type LedgerLine, ownerOf } from '../core/ledger.ts'
import type { StageRequest } from '../core/request.ts'
import type { TokenUsage } from '../core/result.ts'
import type { ActiveRun, PauseSource, UsageBlocker } from '../core/state.ts'
import { type QuotaBreach, quotaBreaches } from '../core/subscription.ts'
import { USAGE } from '../core/usage.ts'
import type { UsageGovernance } from '../core/usage-config.ts'
import {
  type Breach,
  breachSentence,
  neededSince,
  type Spending,
  type UsageSums,
  usageSums,
} from '../core/usage-rules.ts'
import type { View } from '../core/view.ts'
import { AT } from '../store/layout.ts'
import { readLedger } from '../store/ledger.ts'
import type { Engine } from './engine.ts'
import { SubscriptionWatch } from './subscription.ts'

export class Governance {
  private readonly engine: Engine
  private readonly sessionStartMs: number
  /** What the sums were made for. */
  private settings: UsageGovernance | null = null
  /** Null while no rules are in force. */
  private sums: UsageSums | null = null
  /** What agents at work have used so far, by request id. */
  private readonly atWork = new Map<string, Spending>()
  private readonly subscription: SubscriptionWatch

  constructor(engine: Engine) {
    this.engine = engine
    this.sessionStartMs = engine.clock.now().getTime()
    this.subscription = new SubscriptionWatch(engine)
    engine.listen((change) => this.hear(change))
  }

  /** Takes up the rules in force. Reads, once for each config, the ledger as far back as their windows reach. */
  refresh(): void {
    const settings = this.engine.config.usage_governance
    if (settings === this.settings) return
    const { rules, enabled } = settings.runtime_token_rules
    const nowMs = this.nowMs()
    const options = { timeZone: settings.calendar_timezone, sessionStartMs: this.sessionStartMs }
    const sums = settings.enabled && enabled && rules.length > 0 ? usageSums(rules, options) : null
    if (sums !== null) {
      const { files } = this.engine.ports
      readLedger(files, this.engine.workspace.places, neededSince(rules, options, nowMs), (line) => {
        sums.add(spendingOf(line), Date.parse(line.stage_completed_at), nowMs)
      })
    }
    this.sums = sums
    this.settings = settings
    this.subscription.use(quotaRules(settings), this.engine.workspace.view().snapshot.usage_governance?.subscription)
  }

  /** The pause that rules over everything ask for, as part of the transaction of the gates. */
  gate(draft: Draft, view: View): void {
    this.refresh()
    const before = draft.snapshot.usage_governance
    if (this.sums !== null || quotaRules(this.settings!) !== null) this.judge(draft, view)
    else if (before !== undefined) {
      draft.snapshot.usage_governance = undefined
      clear(draft, 'no rules on usage are in force any more', before.blockers)
    }
  }

  /** True while an answer about a subscription is awaited: until then nothing is started. */
  get isAsking(): boolean {
    return this.subscription.isAsking
  }

  /** When something is to be asked, in milliseconds since the epoch. */
  dueTimes(view: View): number[] {
    const dueMs = this.subscription.dueMs(view)
    return Number.isFinite(dueMs) ? [dueMs] : []
  }

  /** Gives up what is being asked. */
  close(): Promise<void> {
    return this.subscription.close()
  }

  private judge(draft: Draft, view: View): void {
    const before = draft.snapshot.usage_governance
    const { auto_resume, subscription_quota_rules } = this.settings!
    const subscription = this.subscription.look(view)
    if (this.subscription.isAsking) return // nothing is started before the answer is there
    const spent = this.sums?.everywhere(this.nowMs(), [...this.atWork.values()]) ?? []
    const quotas = subscription === null ? [] : quotaBreaches(subscription, subscription_quota_rules, view.now)
    const blockers = [...spent.map(blockerOf), ...quotas.map(quotaBlockerOf)]
    const isToldOf = isSame(before?.subscription ?? null, subscription)
    if (isToldOf && before?.auto_resume === auto_resume && isAsTold(before.blockers, blockers, view.now)) return
    draft.snapshot.usage_governance = { auto_resume, blockers, ...(subscription === null ? {} : { subscription }) }
    if (subscription?.state === 'degraded' && before?.subscription?.state !== 'degraded')
      draft.event('usage_governance_degraded', {
        provider: subscription.provider,
        detail: subscription.detail,
        degraded_policy: subscription_quota_rules.degraded_policy,
      })
    const standing = before?.blockers ?? []
    const news = blockers.filter((blocker) => !standing.some((told) => isOfSameRule(told, blocker)))
    for (const blocker of news) draft.event('usage_governance_paused', { ...blocker })
    const reason = [...spent.map(breachSentence), ...quotas.map(({ sentence }) => sentence)].join('; ')
    if (blockers.length > 0) put(draft, view, reason, untilOf(blockers, auto_resume))
    else if (auto_resume) clear(draft, KEPT, standing)
    else if (pauseIn(draft)) put(draft, view, `${KEPT}; go on with \`millrace control resume\``, null)
  }

  /** Why a run may not go on: a rule over it or its item that is over. Null if it may. */
  objection(run: ActiveRun): string | null {
    const [breach] = this.sums?.own(ownerOf(run), this.nowMs(), [...this.atWork.values()]) ?? []
    return breach ? breachSentence(breach) : null
  }

  /** Counts what an agent at work has used so far; gives why it is to be stopped, if a hard rule is over. */
  watch(request: StageRequest, used: TokenUsage): string | null {
    const spending = { ...ownerOf(request), usage: used }
    this.atWork.set(request.request_id, spending)
    const breach = this.sums?.hard(spending, this.nowMs(), [...this.atWork.values()]) ?? null
    return breach === null ? null : breachSentence(breach)
  }

  /** A stage run that ended counts as being at work until it is settled, with all that it used. */
  ended(request: StageRequest, used: TokenUsage | null): void {
    if (used !== null) this.atWork.set(request.request_id, { ...ownerOf(request), usage: used })
  }

  /** It is in the ledger now, or had used nothing. */
  settled(requestId: string): void {
    this.atWork.delete(requestId)
  }

  private hear(change: Change): void {
    if (change.change !== 'line.append' || change.path !== AT.usageLedger) return
    const line = change.record as unknown as LedgerLine
    this.atWork.delete(line.request_id)
    this.sums?.add(spendingOf(line), Date.parse(line.stage_completed_at), this.nowMs())
  }

  private nowMs(): number {
    return this.engine.clock.now().getTime()
  }
}

const KEPT = 'every rule on usage is kept again'

const spendingOf = (line: LedgerLine): Spending => ({ ...ownerOf(line), usage: line.token_usage })

function blockerOf({ rule, observed, clearsAtMs }: Breach): UsageBlocker {
  return {
    source: 'runtime_token',
    rule_id: rule.rule_id,
    window: rule.window,
    metric: rule.metric,
    observed,
    threshold: rule.threshold,
    next_auto_resume_at: clearsAtMs === null ? null : new Date(clearsAtMs).toISOString(),
  }
}

function quotaBlockerOf({ rule_id, window, percent_used, threshold, clears_at }: QuotaBreach): UsageBlocker {
  return {
    source: 'subscription_quota',
    rule_id,
    window,
    metric: window === 'degraded' ? null : 'percent_used',
    observed: percent_used,
    threshold,
    next_auto_resume_at: clears_at,
  }
}

/** Null while the section, or all of governance, is off. */
const quotaRules = ({ enabled, subscription_quota_rules }: UsageGovernance) =>
  enabled && subscription_quota_rules.enabled ? subscription_quota_rules : null

const isSame = (a: object | null, b: object | null): boolean => canonicalJson(a) === canonicalJson(b)

const isOfSameRule = (a: UsageBlocker, b: UsageBlocker): boolean => a.source === b.source && a.rule_id === b.rule_id

/** True if the same rules are over as before, and for none of them the time has come at which it should not be. */
function isAsTold(told: readonly UsageBlocker[], found: readonly UsageBlocker[], now: string): boolean {
  return (
    told.length === found.length &&
    told.every(
      (blocker, index) =>
        isOfSameRule(blocker, found[index]!) &&
        (blocker.next_auto_resume_at === null || blocker.next_auto_resume_at > now) &&
        (blocker.next_auto_resume_at === null) === (found[index]!.next_auto_resume_at === null),
    )
  )
}

/** When all of them are kept again; null if that takes more than time. */
function untilOf(blockers: readonly UsageBlocker[], autoResume: boolean): string | null {
  const times = blockers.flatMap(({ next_auto_resume_at }) => next_auto_resume_at ?? [])
  return autoResume && times.length === blockers.length ? times.toSorted().at(-1)! : null
}

const pauseIn = (draft: Draft): PauseSource | undefined =>
  draft.snapshot.pause_sources.find(({ source }) => source === USAGE)

function put(draft: Draft, view: View, reason: string, until: string | null): void {
  const told = pauseIn(draft)
  const pause = { source: USAGE, reason, since: told?.since ?? view.now, until }
  draft.snapshot.pause_sources = [...draft.snapshot.pause_sources.filter((other) => other !== told), pause]
  if (!told) draft.event('runtime_paused', { source: USAGE, reason, until })
}

function clear(draft: Draft, reason: string, blockers: readonly UsageBlocker[]): void {
  if (blockers.length > 0)
    draft.event('usage_governance_resumed', { cleared_rules: blockers.map(({ rule_id }) => rule_id) })
  const told = pauseIn(draft)
  if (!told) return
  draft.snapshot.pause_sources = draft.snapshot.pause_sources.filter((other) => other !== told)
  draft.event('runtime_resumed', { source: USAGE, reason })
}
