/**
 * The usage ledger: one line for each stage run that used anything, however it ended, appended in the transaction that
 * settles it. Names of the members are those tools know (spec 01 §4.17.6), then our own.
 */
import { objectInLine } from './json-line.ts'
import type { StageRequest } from './request.ts'
import type { Ending, TokenUsage } from './result.ts'
import { amount, integer, oneOf, orNull, record, type Shape, text } from './shape.ts'
import type { ActiveRun } from './state.ts'
import type { Owner } from './usage-rules.ts'

const tokens = (value: unknown): value is number => integer(value) && value >= 0
const optional =
  <T>(shape: Shape<T>): Shape<T | undefined> =>
  (value): value is T | undefined =>
    value === undefined || shape(value)

const isUsage = record({
  input_tokens: tokens,
  cached_input_tokens: tokens,
  output_tokens: tokens,
  thinking_tokens: tokens,
  total_tokens: tokens,
  cache_write_tokens: optional(tokens),
  cost_usd: optional(amount),
}) as Shape<TokenUsage>

const time = (value: unknown): value is string => text(value) && !Number.isNaN(Date.parse(value))

const isLedgerLine = record({
  dedupe_key: text,
  counted_at: time,
  stage_completed_at: time,
  plane: text,
  run_id: text,
  stage_id: text,
  work_item_kind: text,
  work_item_id: text,
  token_usage: isUsage,
  stage_result_path: orNull(text),
  daemon_session_id: orNull(text),
  request_id: text,
  request_kind: oneOf('active_work_item', 'closure_target'),
  node_id: text,
  root_spec_id: orNull(text),
  runner_name: text,
  model_name: orNull(text),
  ending: text,
})

export type LedgerLine = typeof isLedgerLine extends Shape<infer T> ? T : never

/** The record in a line of the ledger; null if it holds none. */
export function ledgerLineIn(line: string): LedgerLine | null {
  const value = objectInLine(line)
  return isLedgerLine(value) ? value : null
}

/** How and when a stage run ended, and what it had used by then. */
export interface Used {
  usage: TokenUsage
  /** `interrupted`: it died together with the runtime. */
  ending: Ending | 'interrupted'
  /** ISO time. */
  endedAt: string
  /** Whether a stage result is kept of it. */
  hasResult: boolean
  rootSpecId: string | null
  /** The runtime that counts it. */
  session: string
}

/** `now`: ISO time. */
export function ledgerLine(request: StageRequest, used: Used, now: string): LedgerLine {
  const result = `millrace-agents/runs/${request.run_id}/stage_results/${request.request_id}.json`
  return {
    dedupe_key: result,
    counted_at: now,
    stage_completed_at: used.endedAt,
    plane: request.plane,
    run_id: request.run_id,
    stage_id: request.stage_kind_id,
    work_item_kind: request.active_work_item_kind ?? 'spec',
    work_item_id: request.active_work_item_id ?? request.closure_target_root_spec_id ?? '',
    token_usage: used.usage,
    stage_result_path: used.hasResult ? result : null,
    daemon_session_id: used.session,
    request_id: request.request_id,
    request_kind: request.request_kind,
    node_id: request.node_id,
    root_spec_id: used.rootSpecId,
    runner_name: request.runner_name,
    model_name: request.model_name,
    ending: used.ending,
  }
}

/** Whose use it is, as rules per run and per item count. Judging a root spec is not working on it. */
export function ownerOf(of: LedgerLine | StageRequest | ActiveRun): Owner {
  if ('dedupe_key' in of) return ownerBy(of.run_id, of.request_kind, of.work_item_kind, of.work_item_id)
  const { run_id, request_kind, closure_target_root_spec_id: root } = of
  if ('request_id' in of && 'active_work_item_id' in of)
    return ownerBy(run_id, request_kind, of.active_work_item_kind, of.active_work_item_id ?? root)
  return ownerBy(run_id, request_kind, of.work_item_kind, of.work_item_id ?? root)
}

const ownerBy = (runId: string, requestKind: string, kind: string | null, id: string | null): Owner => ({
  runId,
  item: `${requestKind === 'closure_target' ? 'closure' : kind} ${id}`,
})
