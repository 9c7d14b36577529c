/**
 * Notifications: which events of the log a person is told of, in which words, and the deliveries that a transaction with
 * such events adds. Pure; they are sent by engine/notify.ts.
 */
import type { Change } from './changes.ts'
import { clip } from './clip.ts'
import { type Delivery, newDelivery } from './delivery.ts'
import type { EventType } from './events.ts'
import { canonicalJson, sha256 } from './ids.ts'
import type { Notify, NotifyEvent, NotifyRule } from './notify-config.ts'
import { USAGE } from './usage.ts'

type Facts = Record<string, unknown>

/** What a receiver gets, as JSON. */
export interface Notification {
  schema_version: '1.0'
  kind: 'notification'
  /** The same in every attempt. */
  delivery_id: string
  rule: string
  /** `summary` counts what was too much for one minute; `test` is sent by `notify test`. */
  event: NotifyEvent | 'summary' | 'test'
  /** Type of the event in the log; null for a summary or a test. */
  event_type: string | null
  occurred_at: string
  workspace: string
  /** One sentence for a person. */
  text: string
  facts: Facts
}

/** What the log calls it, in words for a person. Null: nobody is told. */
interface Told {
  event: NotifyEvent
  text: string
}

const words = (value: unknown): string => (value === null || value === undefined ? '' : String(value))
const because = (reason: unknown): string => (words(reason) === '' ? '' : `: ${words(reason)}`)
const itemOf = (facts: Facts): string =>
  `${words(facts.work_item_kind).replaceAll('_', ' ') || 'item'} ${words(facts.work_item_id)}`

/** By type of the event in the log. A type that this version does not write tells nobody. */
const TELLS: Readonly<Record<string, (facts: Facts) => Told | null>> = {
  work_item_blocked: (facts) => ({ event: 'blocked', text: `${itemOf(facts)} is blocked${because(facts.reason)}` }),
  run_held: ({ run_id, reason }) => ({
    event: 'blocked',
    text: `${words(run_id)} waits for an operator${because(reason)}`,
  }),
  closure_target_held: ({ root_spec_id, reason, retry_at }) =>
    retry_at === null
      ? { event: 'blocked', text: `the closure of ${words(root_spec_id)} waits for an operator${because(reason)}` }
      : null,
  approval_requested: (facts) => ({
    event: 'approval',
    text: `${itemOf(facts)} waits for an approval${because(facts.question ?? facts.capability_id)}`,
  }),
  runtime_paused: ({ source, reason }) => {
    if (source === 'disk') return { event: 'disk_low', text: `paused${because(reason)}` }
    if (source !== USAGE && source !== 'environment') return null // a person knows that they paused
    return { event: 'quota', text: `paused by ${words(source)}${because(reason)}` }
  },
  runner_waiting: ({ cause, runner_name, until, reason }) =>
    cause === 'quota'
      ? { event: 'quota', text: `${words(runner_name)} waits until ${words(until)}${because(reason)}` }
      : null,
  closure_target_closed: ({ root_spec_id }) => ({
    event: 'closed',
    text: `${words(root_spec_id)} passed and is closed`,
  }),
  runtime_lost: ({ why }) => ({
    event: 'daemon_down',
    text: `a runtime ended without giving the workspace back${because(why)}`,
  }),
}

const TEXT_CHARS_MAX = 500
const FACT_CHARS_MAX = 2000
const FACTS_CHARS_MAX = 16_000

/** What an event of the log tells a person; null if nothing. */
export function toldBy(type: EventType | string, facts: Facts): Told | null {
  const told = Object.hasOwn(TELLS, type) ? TELLS[type]!(facts) : null
  return told && { ...told, text: oneLine(told.text) }
}

/** Agents have a part in reasons: what a terminal would take for more than text is left out. */
const oneLine = (text: string): string => clip(text.replace(/[\s\p{Cc}]+/gu, ' ').trim(), TEXT_CHARS_MAX)

/** Whether a transaction has anything to tell. */
export const isTold = (changes: readonly Change[]): boolean =>
  changes.some((change) => change.change === 'event.append' && toldBy(change.event_type, change.data) !== null)

/** What follows for the deliveries that wait from what waits already and what was added of late. */
export interface Waiting {
  /** ISO time. */
  now: string
  /** The directory the runtime serves. */
  workspace: string
  /** Number of the last transaction; the next one has another. */
  revision: number
  /** Deliveries that wait, whatever for. */
  count: number
  /** How many notifications of a rule were added in the minute before now. */
  lately: (rule: string) => number
  /** The summary of a rule that waits, with the hash of its file; null if there is none, or it is being sent just now. */
  summary: (rule: string) => { delivery: Delivery; hash: string } | null
}

const MINUTE_MS = 60_000

/** The deliveries that a transaction adds, one for each event and rule that is for it, as changes to join it. */
export function deliveriesOf(changes: readonly Change[], config: Notify, waiting: Waiting): Change[] {
  const told = changes.flatMap((change, index) => {
    const found = change.change === 'event.append' ? toldBy(change.event_type, change.data) : null
    return found && change.change === 'event.append'
      ? [{ ...found, type: change.event_type, data: change.data, index }]
      : []
  })
  let count = waiting.count
  return Object.entries(config.rules).flatMap(([rule, { on, per_minute_max }]) => {
    const wanted = told.filter(({ event }) => on.includes(event))
    const room = Math.max(0, Math.min(per_minute_max - waiting.lately(rule), config.pending_max - count))
    count += Math.min(room, wanted.length)
    const added = wanted.slice(0, room).map((one): Change => {
      const seed = [waiting.workspace, waiting.now, waiting.revision, one.index, rule]
      return { change: 'delivery.add', delivery: delivery(rule, one, facts(one.data), waiting, seed) }
    })
    const rest = wanted.slice(room).map(({ event }) => event)
    return rest.length === 0 ? added : [...added, counted(rule, rest, waiting)]
  })
}

/** More than a rule may be told of in a minute: counted into the one that follows. */
function counted(rule: string, events: readonly NotifyEvent[], waiting: Waiting): Change {
  const open = waiting.summary(rule)
  const before = (open?.delivery.payload.facts ?? { counts: {}, since: waiting.now }) as {
    counts: Partial<Record<NotifyEvent, number>>
    since: string
  }
  const counts = { ...before.counts }
  for (const event of events) counts[event] = (counts[event] ?? 0) + 1
  const sum = Object.values(counts).reduce((all, one) => all + one, 0)
  const each = Object.entries(counts).map(([event, number]) => `${number} ${event}`)
  const text = `${sum} more ${sum === 1 ? 'notification' : 'notifications'} (${each.join(', ')}); see them with: millrace logs`
  const said = { counts, since: before.since, until: waiting.now }
  if (open !== null) {
    const payload = { ...open.delivery.payload, text, facts: said }
    return {
      change: 'delivery.update',
      from: 'pending',
      to: 'pending',
      delivery: { ...open.delivery, payload },
      hash: open.hash,
    }
  }
  const dueAt = new Date(Date.parse(waiting.now) + MINUTE_MS).toISOString()
  const seed = [waiting.workspace, waiting.now, waiting.revision, 'summary', rule]
  return {
    change: 'delivery.add',
    delivery: delivery(rule, { event: 'summary', type: null, text }, said, waiting, seed, dueAt),
  }
}

function delivery(
  rule: string,
  { event, type, text }: { event: Notification['event']; type: string | null; text: string },
  told: Facts,
  { now, workspace }: Pick<Waiting, 'now' | 'workspace'>,
  seed: readonly unknown[],
  dueAt = now,
): Delivery {
  const payload = notification(`${event}-${sha256(canonicalJson(seed)).slice(0, 16)}`, {
    rule,
    event,
    event_type: type,
    occurred_at: now,
    workspace,
    text,
    facts: told,
  })
  return newDelivery(
    now,
    { delivery_id: payload.delivery_id, channel: 'notify', recipient: rule, payload: { ...payload } },
    dueAt,
  )
}

/** What is sent, with every member in the order of the docs. */
export const notification = (
  delivery_id: string,
  rest: Omit<Notification, 'schema_version' | 'kind' | 'delivery_id'>,
): Notification => ({ schema_version: '1.0', kind: 'notification', delivery_id, ...rest })

/** What the log tells, cut to what a message can hold. */
function facts(data: Facts): Facts {
  const short = Object.fromEntries(
    Object.entries(data).map(([name, value]) => [
      name,
      typeof value === 'string' ? clip(value, FACT_CHARS_MAX) : value,
    ]),
  )
  if (JSON.stringify(short).length <= FACTS_CHARS_MAX) return short
  const plain = Object.entries(short).filter(([, value]) => value === null || typeof value !== 'object')
  return Object.fromEntries(plain.slice(0, FACTS_CHARS_MAX / FACT_CHARS_MAX))
}

/** Whether a delivery is a notification of its own: a summary is none of those it counts. */
export const isCounted = ({ channel, payload }: Delivery): boolean =>
  channel === 'notify' && payload.event !== 'summary'

/** The rule a notification is of; null if the config in force has none of that name. */
export const ruleOf = ({ rules }: Notify, name: string): NotifyRule | null =>
  Object.hasOwn(rules, name) ? rules[name]! : null
