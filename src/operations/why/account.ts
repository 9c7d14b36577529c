/**
 * The account `why` gives: a verdict, the facts it rests on, what happens next, and what can be done now. Each fact names
 * a file or an event where it can be looked up; each command would be accepted at this moment.
 */
import { type Approval, approvalPath } from '../../core/approval.ts'
import type { ItemKind, ItemState } from '../../core/item.ts'
import { AT, itemFile, RUNTIME_ROOT, runFolder, targetFile } from '../../store/layout.ts'

export const VERDICTS = ['working', 'waiting', 'looping', 'wedged', 'finished'] as const
export type Verdict = (typeof VERDICTS)[number]

/** What something waits for, the one that needs a person first: an account lists them in this order. */
export const WAITS = ['human', 'approval', 'dependency', 'quota', 'backoff', 'turn'] as const
export type Wait = (typeof WAITS)[number]

/** Where a fact can be looked up. Paths are relative to the workspace. */
type Source = { path: string; event: null } | { path: null; event: string }

export type Because = Source & {
  /** What kind of fact, for programs. */
  code: string
  /** The fact, as a sentence without a full stop. */
  fact: string
  /** Since when, or when it was seen: ISO time. */
  at: string | null
}

export interface Next {
  /** What happens, or has to happen, next. */
  what: string
  /** ISO time it happens by itself, where that is known. */
  when: string | null
  who: 'runtime' | 'agent' | 'provider' | 'person'
}

/** A step of a run's path through its loop. */
export interface Step {
  node_id: string
  outcome: string
  /** Node or, with `terminal:` before it, end that it led to. */
  to: string
  reason: string
  at: string
}

export interface Account {
  verdict: Verdict
  waits_for: Wait[]
  because: Because[]
  next: Next[]
  can: string[]
}

/** One thing that stands before some work: while it stands, the work is not done. */
export type Obstacle = Because & { wait: Wait; next: Next; can: string[] }

export const below = (relative: string): string => `${RUNTIME_ROOT}/${relative}`

export const inSnapshot = { path: below(AT.snapshot), event: null } as const
export const inPlan = { path: below(AT.plan), event: null } as const
export const inTarget = (rootSpecId: string) => ({ path: below(targetFile(rootSpecId)), event: null }) as const
export const inApproval = (approval: Approval) => ({ path: approvalPath(approval), event: null }) as const
export const inHistory = (runId: string) =>
  ({ path: below(`${runFolder(runId)}/transition_history.jsonl`), event: null }) as const
export const inItem = (item: { kind: ItemKind; id: string; state: ItemState }) =>
  ({ path: below(itemFile(item.kind, item.id, item.state)), event: null }) as const

export const person = (what: string): Next => ({ what, when: null, who: 'person' })
export const byItself = (what: string, when: string | null = null): Next => ({ what, when, who: 'runtime' })

/** The account of something that waits for all of these. */
export function waiting(obstacles: readonly Obstacle[], also: Partial<Account> = {}): Account {
  return {
    verdict: 'waiting',
    waits_for: WAITS.filter((wait) => obstacles.some((one) => one.wait === wait)),
    because: [...obstacles.map(asFact), ...(also.because ?? [])],
    next: unique([...obstacles.map((one) => one.next), ...(also.next ?? [])], (next) => `${next.who} ${next.what}`),
    can: unique([...obstacles.flatMap((one) => one.can), ...(also.can ?? [])], (command) => command),
  }
}

export function asFact(obstacle: Obstacle): Because {
  const { wait: _, next: __, can: ___, ...fact } = obstacle
  return fact
}

export function unique<T>(values: readonly T[], key: (value: T) => string): T[] {
  return [...new Map(values.map((value) => [key(value), value])).values()]
}
