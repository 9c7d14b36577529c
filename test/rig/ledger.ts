/** Lines of the ledger of usage as tests give them. */
import type { LedgerLine } from '../../src/core/ledger.ts'
import type { TokenUsage } from '../../src/core/result.ts'

/** Usage of so many tokens, all of them fresh input. */
export const tokens = (total: number, costUsd?: number): TokenUsage => ({
  input_tokens: total,
  cached_input_tokens: 0,
  output_tokens: 0,
  thinking_tokens: 0,
  total_tokens: total,
  ...(costUsd === undefined ? {} : { cost_usd: costUsd }),
})

/** A line of a builder's stage; `id` is its request. */
export const ledgerLine = (id: string, more: Partial<LedgerLine> = {}): LedgerLine => ({
  dedupe_key: id,
  counted_at: '2026-03-02T10:00:00Z',
  stage_completed_at: '2026-03-02T10:00:00Z',
  plane: 'execution',
  run_id: 'run-1',
  stage_id: 'builder',
  work_item_kind: 'task',
  work_item_id: 'a',
  token_usage: tokens(1),
  stage_result_path: null,
  daemon_session_id: '1',
  request_id: id,
  request_kind: 'active_work_item',
  node_id: 'builder',
  root_spec_id: null,
  runner_name: 'codex_cli',
  model_name: null,
  ending: 'exited',
  ...more,
})
