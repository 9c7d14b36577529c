/**
 * The usage ledger of the Python runtime in our form. Its lines name a stage result each, and a result with token usage
 * that no line names was not counted yet: both are told from the results, as far as these are kept. Pure.
 */
import { objectInLine } from '../../core/json-line.ts'
import type { LedgerLine } from '../../core/ledger.ts'
import type { StageResult } from '../../core/result.ts'
import { integer, maybe, record, text } from '../../core/shape.ts'
import { isNothing } from '../../core/usage.ts'

const tokens = record({
  input_tokens: integer,
  cached_input_tokens: integer,
  output_tokens: integer,
  thinking_tokens: integer,
  total_tokens: integer,
})

const time = (value: unknown): value is string => text(value) && !Number.isNaN(Date.parse(value))

const isPythonLine = record({
  dedupe_key: text,
  counted_at: time,
  stage_completed_at: time,
  plane: text,
  run_id: text,
  stage_id: text,
  work_item_kind: text,
  work_item_id: text,
  token_usage: tokens,
  stage_result_path: text,
  daemon_session_id: maybe(text),
})

/** A stage result and where it lies, relative to the workspace. */
export interface KeptResult {
  path: string
  result: StageResult
}

const ENDINGS: Readonly<Record<string, string>> = {
  completed: 'exited',
  timeout: 'timed_out',
  provider_error: 'provider_error',
  runner_error: 'not_started',
  interrupted: 'killed',
}

/** `rootOf`: root spec of the lineage of an item, where that is known. In the order in which stages ended. */
export function translateLedger(
  ledger: string,
  results: readonly KeptResult[],
  rootOf: (kind: string, id: string) => string | null,
): LedgerLine[] {
  const byPath = new Map(results.map((one) => [one.path, one.result]))
  const lines = new Map<string, LedgerLine>()
  for (const line of ledger.split('\n')) {
    const old = objectInLine(line)
    if (!isPythonLine(old) || lines.has(old.dedupe_key)) continue
    const result = byPath.get(old.stage_result_path)
    const { daemon_session_id, ...kept } = old
    const line_of = { ...kept, daemon_session_id: daemon_session_id ?? null }
    lines.set(old.dedupe_key, { ...line_of, ...fromResult(old.stage_result_path, old, result, rootOf) })
  }
  for (const { path, result } of results) {
    const { token_usage } = result
    if (lines.has(path) || token_usage === null || isNothing(token_usage) || !time(result.completed_at)) continue
    const { plane, run_id, stage: stage_id, work_item_kind, work_item_id, completed_at } = result
    lines.set(path, {
      dedupe_key: path,
      counted_at: completed_at,
      stage_completed_at: completed_at,
      ...{ plane, run_id, stage_id, work_item_kind, work_item_id, token_usage },
      stage_result_path: path,
      daemon_session_id: null,
      ...fromResult(path, result, result, rootOf),
    })
  }
  return [...lines.values()].sort((a, b) => (a.stage_completed_at < b.stage_completed_at ? -1 : 1))
}

/** What a ledger line of ours says beyond those of the Python runtime. */
function fromResult(
  path: string,
  { work_item_kind, work_item_id }: { work_item_kind: string; work_item_id: string },
  result: StageResult | undefined,
  rootOf: (kind: string, id: string) => string | null,
) {
  const { metadata } = result ?? { metadata: {} as Record<string, unknown> }
  const root = metadata.closure_target_root_spec_id
  const isClosure = metadata.request_kind === 'closure_target'
  return {
    request_id: path.replace(/^.*\//, '').replace(/\.json$/, ''),
    request_kind: isClosure ? ('closure_target' as const) : ('active_work_item' as const),
    node_id: result?.node_id ?? 'unknown',
    root_spec_id: typeof root === 'string' ? root : rootOf(work_item_kind, work_item_id),
    runner_name: result?.runner_name ?? 'unknown',
    model_name: result?.model_name ?? null,
    ending: ENDINGS[String(metadata.raw_exit_kind)] ?? 'exited',
  }
}
