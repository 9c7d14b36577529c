/** How each rule on usage stands: what was used in its window, and what is left of it. */
import { type LedgerLine, ownerOf } from '../../core/ledger.ts'
import { periodAt } from '../../core/period.ts'
import { type UsageGovernance, type UsageRule, type Window, windowOf } from '../../core/usage-config.ts'
import { neededSince, startOf } from '../../core/usage-rules.ts'
import type { View } from '../../core/view.ts'
import { readLedger } from '../../store/ledger.ts'
import { type Context, placesIn } from '../context.ts'
import { lockIn } from '../owner.ts'
import type { RuleStanding } from '../schemas/usage.ts'

interface Count {
  rule: UsageRule
  window: Window
  /** When the window began, in milliseconds since the epoch. */
  startMs: number
  observed: number
  /** By run or item, of those that are active. */
  owners: Map<string, number>
}

/** Of the rules in the config, in its order; none while they do not count. */
export function ruleStandings(context: Context, view: View, settings: UsageGovernance, nowMs: number): RuleStanding[] {
  const { rules, enabled } = settings.runtime_token_rules
  if (!settings.enabled || !enabled || rules.length === 0) return []
  const session = sessionOf(context)
  const options = { timeZone: settings.calendar_timezone, sessionStartMs: session?.startMs ?? nowMs }
  const active = view.snapshot.active_runs.map(ownerOf)
  const counts = rules.map((rule): Count => {
    const window = windowOf(rule.window)!
    const own = window.over === 'run' ? 'runId' : window.over === 'item' ? 'item' : null
    const owners = own === null ? [] : active.map((owner): [string, number] => [owner[own], 0])
    return { rule, window, startMs: startOf(window, options, nowMs), observed: 0, owners: new Map(owners) }
  })
  readLedger(context.files, placesIn(context), neededSince(rules, options, nowMs), (line) => {
    for (const count of counts) add(count, line, session?.id ?? null)
  })
  return counts.map((count) => standing(count, view, settings.calendar_timezone, nowMs))
}

/** The runtime at work now; null if none is. */
function sessionOf(context: Context): { id: string; startMs: number } | null {
  const lock = lockIn(context)
  if (lock.state !== 'active') return null
  return { id: String(lock.holder.generation), startMs: Date.parse(lock.holder.acquired_at) }
}

function add(count: Count, line: LedgerLine, session: string | null): void {
  const amount = line.token_usage[count.rule.metric] ?? 0
  const { window, owners } = count
  if (window.over === 'run' || window.over === 'item') {
    const owner = ownerOf(line)[window.over === 'run' ? 'runId' : 'item']
    const before = owners.get(owner)
    if (before !== undefined) owners.set(owner, before + amount)
  } else if (window.over === 'session' ? line.daemon_session_id === session : isIn(count, line)) {
    count.observed += amount
  }
}

const isIn = ({ window, startMs }: Count, line: LedgerLine): boolean => {
  const endedMs = Date.parse(line.stage_completed_at)
  return window.over === 'rolling' ? endedMs > startMs : endedMs >= startMs
}

function standing(
  { rule, window, startMs, observed, owners }: Count,
  view: View,
  timeZone: string,
  nowMs: number,
): RuleStanding {
  const blocker = view.snapshot.usage_governance?.blockers.find(
    ({ source, rule_id }) => source === 'runtime_token' && rule_id === rule.rule_id,
  )
  const isOwn = window.over === 'run' || window.over === 'item'
  const used = isOwn ? Math.max(0, ...owners.values()) : observed
  const iso = (ms: number) => new Date(ms).toISOString()
  const left = (amount: number) => Math.max(0, rule.threshold - amount)
  return {
    rule_id: rule.rule_id,
    window: rule.window,
    metric: rule.metric,
    enforcement: rule.enforcement,
    threshold: rule.threshold,
    window_since: isOwn || (window.over === 'session' && startMs >= nowMs) ? null : iso(startMs),
    window_until: window.over === 'calendar' ? iso(periodAt(window.unit, timeZone, nowMs).endMs) : null,
    observed: used,
    left: left(used),
    over: used >= rule.threshold,
    pauses: blocker !== undefined,
    clears_at: blocker?.next_auto_resume_at ?? null,
    owners: [...owners].map(([owner, amount]) => ({ owner, observed: amount, left: left(amount) })),
  }
}
