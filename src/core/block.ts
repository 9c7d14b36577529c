/**
 * The record of why an item is blocked (spec 01 §4.18.2). It lies beside the queues for as long as the item lies among
 * the blocked ones, is written in the very transaction that puts it there, and goes with whatever takes it out: an item
 * without one was put there by hand. Pure.
 */
import { FAILURE_SCOPES, type FailureScope, failureKind } from './failure-class.ts'
import { ITEM_KINDS, type ItemEntry, type ItemKind } from './item.ts'
import type { StageResult } from './result.ts'
import type { Decision } from './route.ts'
import { flag, oneOf, orNull, record, text } from './shape.ts'
import { parseTimestamp } from './timestamp.ts'

const ORIGINS = [
  'stage_terminal',
  'runner_failure',
  'runtime_capability_gate',
  'runtime_exception',
  'operator',
  'unknown',
] as const

export interface Block {
  work_item_kind: ItemKind
  work_item_id: string
  root_spec_id: string | null
  root_idea_id: string | null
  /** ISO time. */
  blocked_at: string
  /** Who had the last word: a stage itself, its runner in place of one, a gate, the runtime, a person. */
  blocked_origin: (typeof ORIGINS)[number]
  failure_class: string | null
  failure_scope: FailureScope
  /** Whether it may pass by itself. */
  auto_requeue_candidate: boolean
  /** How the process of the last stage ended. */
  failure_classifier_code: string | null
  source_run_id: string | null
  source_plane: string | null
  source_stage: string | null
  terminal_result: string | null
  stage_result_path: string | null
  stdout_path: string | null
  stderr_path: string | null
}

type Item = Pick<ItemEntry, 'kind' | 'id' | 'effectiveRoot' | 'rootIdeaId'>
type Cause = Pick<Block, 'blocked_origin' | 'failure_class' | 'failure_scope'> & Partial<Block>

export const blockOf = (item: Item, now: string, cause: Cause): Block => ({
  work_item_kind: item.kind,
  work_item_id: item.id,
  root_spec_id: item.effectiveRoot,
  root_idea_id: item.rootIdeaId,
  blocked_at: now,
  auto_requeue_candidate: false,
  failure_classifier_code: null,
  source_run_id: null,
  source_plane: null,
  source_stage: null,
  terminal_result: null,
  stage_result_path: null,
  stdout_path: null,
  stderr_path: null,
  ...cause,
})

/**
 * What a decision to block says of its cause. It may pass by itself only where that failure itself is what ended the
 * passage: a stage that has looked at the trouble and calls it blocked, a budget that is spent, and trouble that was
 * handed on to planning are all judgements, and those stand.
 */
export function causeOf(
  result: StageResult,
  decision: Pick<Decision, 'action' | 'failure_class'>,
  stageResultPath: string,
): Cause {
  const stated = result.metadata.failure_class
  const failure = failureKind(stated)
  const isOwnWord = result.metadata.valid_terminal_result === true
  const [blocked_origin, failure_scope]: [Block['blocked_origin'], FailureScope] = isOwnWord
    ? ['stage_terminal', 'semantic']
    : failure
      ? ['runner_failure', failure.scope]
      : ['runtime_capability_gate', 'runtime_policy']
  const ending = result.metadata.raw_ending
  return {
    blocked_origin,
    failure_class: decision.failure_class,
    failure_scope,
    auto_requeue_candidate:
      !isOwnWord && failure?.mayPass === true && decision.action === 'blocked' && decision.failure_class === stated,
    failure_classifier_code: typeof ending === 'string' ? ending : null,
    source_run_id: result.run_id,
    source_plane: result.plane,
    source_stage: result.stage,
    terminal_result: result.terminal_result,
    stage_result_path: stageResultPath,
    stdout_path: result.stdout_path,
    stderr_path: result.stderr_path,
  }
}

const isBlock = record({
  work_item_kind: oneOf(...ITEM_KINDS),
  work_item_id: text,
  blocked_at: (value: unknown): value is string => text(value) && parseTimestamp(value) !== null,
  blocked_origin: oneOf(...ORIGINS),
  failure_class: orNull(text),
  failure_scope: oneOf(...FAILURE_SCOPES),
  auto_requeue_candidate: flag,
})
export type ReadBlock = typeof isBlock extends (value: unknown) => value is infer T ? T : never

/** The record of an item as it was read; null where there is none, or none that can be relied on. */
export function parseBlock(source: string | null, { kind, id }: Pick<ItemEntry, 'kind' | 'id'>): ReadBlock | null {
  try {
    const value: unknown = JSON.parse(source ?? 'null')
    return isBlock(value) && value.work_item_kind === kind && value.work_item_id === id ? value : null
  } catch {
    return null
  }
}
