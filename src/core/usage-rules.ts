/**
 * Running sums for the rules on usage: fed with what stages used, they say at any moment which rule has reached its
 * threshold. Memory stays bounded however long the ledger is: a rolling window keeps at most PIECES_MAX pieces, a calendar
 * one a single number, rules per run or item a number for each of the OWNERS_MAX that used something last.
 */
import { periodAt } from './period.ts'
import { RecentMap } from './recent.ts'
import type { TokenUsage } from './result.ts'
import { type UsageRule, type Window, windowOf } from './usage-config.ts'

/** What one stage run used, or has used so far. */
export interface Spending {
  runId: string
  /** The item, as `ownerOf` of core/ledger.ts names it. */
  item: string
  usage: TokenUsage
}

/** Whose sums are asked for. */
export type Owner = Pick<Spending, 'runId' | 'item'>

/** A rule that has reached its threshold. */
export interface Breach {
  rule: UsageRule
  observed: number
  /** When it will be below again if nothing more is used; null if time alone does not help. */
  clearsAtMs: number | null
}

export interface RuleOptions {
  timeZone: string
  /** When the runtime was started, in milliseconds since the epoch. */
  sessionStartMs: number
}

export interface UsageSums {
  /** Counts what a stage run used that ended at `atMs`. Times ahead of `nowMs` count as now. */
  add(spending: Spending, atMs: number, nowMs: number): void
  /** Rules over everything that are over, with what agents at work have used so far added in. */
  everywhere(nowMs: number, atWork: readonly Spending[]): Breach[]
  /** Rules per run or item that this one is over. */
  own(owner: Owner, nowMs: number, atWork: readonly Spending[]): Breach[]
  /** Of all these, the first hard rule that is over: for an agent at work, which is among `atWork`. */
  hard(owner: Owner, nowMs: number, atWork: readonly Spending[]): Breach | null
}

/** Times in milliseconds since the epoch; amounts as the metric of the rule counts them. */
interface Gauge {
  add(owner: Owner, amount: number, atMs: number, nowMs: number): void
  sum(owner: Owner, nowMs: number): number
  /** When `sum` plus `more` will be below the threshold; asked only while it is not. */
  clearsAt(more: number, threshold: number, nowMs: number): number | null
}

interface Counted {
  rule: UsageRule
  window: Window
  gauge: Gauge
}

export function usageSums(rules: readonly UsageRule[], options: RuleOptions): UsageSums {
  const counted = rules.map((rule): Counted => {
    const window = windowOf(rule.window)!
    return { rule, window, gauge: gaugeOf(window, options) }
  })
  const everywhere = counted.filter(({ window }) => !isOwn(window))
  const own = counted.filter(({ window }) => isOwn(window))
  const hard = counted.filter(({ rule }) => rule.enforcement === 'hard')
  const nobody: Owner = { runId: '', item: '' }
  return {
    add(spending, atMs, nowMs) {
      for (const { rule, gauge } of counted)
        gauge.add(spending, spending.usage[rule.metric] ?? 0, Math.min(atMs, nowMs), nowMs)
    },
    everywhere: (nowMs, atWork) => everywhere.flatMap((one) => breach(one, nobody, nowMs, atWork) ?? []),
    own: (owner, nowMs, atWork) => own.flatMap((one) => breach(one, owner, nowMs, atWork) ?? []),
    hard(owner, nowMs, atWork) {
      for (const one of hard) {
        const found = breach(one, owner, nowMs, atWork)
        if (found !== null) return found
      }
      return null
    },
  }
}

/** Since when such rules need to know what was used, in milliseconds since the epoch; 0 for ever. */
export function neededSince(rules: readonly UsageRule[], options: RuleOptions, nowMs: number): number {
  return Math.min(nowMs, ...rules.map((rule) => startOf(windowOf(rule.window)!, options, nowMs)))
}

/** When a window that counts now began; 0 for windows that count whatever one run or item ever used. */
export function startOf(window: Window, options: RuleOptions, nowMs: number): number {
  if (window.over === 'rolling') return nowMs - window.lengthMs
  if (window.over === 'calendar') return periodAt(window.unit, options.timeZone, nowMs).startMs
  return window.over === 'session' ? options.sessionStartMs : 0
}

const isOwn = (window: Window): boolean => window.over === 'run' || window.over === 'item'

function breach({ rule, window, gauge }: Counted, owner: Owner, nowMs: number, atWork: readonly Spending[]) {
  let more = 0
  for (const spending of atWork) if (isCounted(window, spending, owner)) more += spending.usage[rule.metric] ?? 0
  const observed = gauge.sum(owner, nowMs) + more
  if (observed < rule.threshold) return null
  return { rule, observed, clearsAtMs: gauge.clearsAt(more, rule.threshold, nowMs) }
}

function isCounted(window: Window, spending: Spending, owner: Owner): boolean {
  if (window.over === 'run') return spending.runId === owner.runId
  return window.over !== 'item' || spending.item === owner.item
}

function gaugeOf(window: Window, options: RuleOptions): Gauge {
  switch (window.over) {
    case 'rolling':
      return rollingGauge(window.lengthMs)
    case 'calendar':
      return spanGauge((nowMs) => periodAt(window.unit, options.timeZone, nowMs))
    case 'session':
      return spanGauge(() => ({ startMs: options.sessionStartMs, endMs: null }))
    case 'run':
      return ownGauge((owner) => owner.runId)
    case 'item':
      return ownGauge((owner) => owner.item)
  }
}

/** Beyond these, neighbours are put together and leave the window with the later of them: too late, never too early. */
const PIECES_MAX = 8192

function rollingGauge(lengthMs: number): Gauge {
  /** In order of time. */
  let pieces: { atMs: number; amount: number }[] = []
  let total = 0
  const forget = (nowMs: number): void => {
    let gone = 0
    while (gone < pieces.length && pieces[gone]!.atMs <= nowMs - lengthMs) total -= pieces[gone++]!.amount
    if (gone > 0) pieces.splice(0, gone)
    if (pieces.length === 0) total = 0 // fractions of a cent must not add up
  }
  return {
    add(_owner, amount, atMs, nowMs) {
      forget(nowMs)
      if (amount === 0 || atMs <= nowMs - lengthMs) return
      let place = pieces.length
      while (place > 0 && pieces[place - 1]!.atMs > atMs) place -= 1
      pieces.splice(place, 0, { atMs, amount })
      total += amount
      if (pieces.length > PIECES_MAX) pieces = pairsOf(pieces)
    },
    sum(_owner, nowMs) {
      forget(nowMs)
      return total
    },
    clearsAt(more, threshold, nowMs) {
      let rest = total + more
      for (const piece of pieces) {
        rest -= piece.amount
        if (rest < threshold) return piece.atMs + lengthMs
      }
      return nowMs + lengthMs
    },
  }
}

const pairsOf = (pieces: readonly { atMs: number; amount: number }[]) =>
  pieces.flatMap((piece, index) => {
    if (index % 2 === 1) return []
    const next = pieces[index + 1]
    return [next === undefined ? piece : { atMs: next.atMs, amount: piece.amount + next.amount }]
  })

/** Everything since the beginning of a span, which may be followed by the next. */
function spanGauge(spanAt: (nowMs: number) => { startMs: number; endMs: number | null }): Gauge {
  let span: ReturnType<typeof spanAt> | null = null
  let total = 0
  const now = (nowMs: number) => {
    if (span !== null && (span.endMs === null || nowMs < span.endMs)) return span
    total = 0
    span = spanAt(nowMs)
    return span
  }
  return {
    add(_owner, amount, atMs, nowMs) {
      if (atMs >= now(nowMs).startMs) total += amount
    },
    sum(_owner, nowMs) {
      now(nowMs)
      return total
    },
    clearsAt: (_more, _threshold, nowMs) => now(nowMs).endMs,
  }
}

/** Runs, or items, of which a sum is kept: those that used something last. */
const OWNERS_MAX = 100_000

function ownGauge(keyOf: (owner: Owner) => string): Gauge {
  const totals = new RecentMap<string, number>(OWNERS_MAX)
  return {
    add(owner, amount) {
      totals.set(keyOf(owner), (totals.get(keyOf(owner)) ?? 0) + amount)
    },
    sum: (owner) => totals.get(keyOf(owner)) ?? 0,
    clearsAt: () => null,
  }
}

const WORDS: Readonly<Record<UsageRule['metric'], string>> = {
  total_tokens: 'tokens',
  input_tokens: 'input tokens',
  output_tokens: 'output tokens',
  cost_usd: 'USD',
}

/** `rule "evening" allows 750000 tokens in rolling_5h; 812345 are used`. */
export function breachSentence({ rule, observed }: Breach): string {
  const used = rule.metric === 'cost_usd' ? Number(observed.toFixed(4)) : observed
  return `rule "${rule.rule_id}" allows ${rule.threshold} ${WORDS[rule.metric]} in ${rule.window}; ${used} are used`
}
