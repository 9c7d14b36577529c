/**
 * What comes back from a stage: the raw result of a runner (how the process ended, what it said) and the stage
 * result that is kept as `runs/<run_id>/stage_results/<request_id>.json` (spec 01 §4.11).
 */
import * as z from 'zod'
import { ResultClass } from './stage.ts'

const count = (what: string) => z.int().min(0).default(0).describe(what)

/** One normal form for every harness (spec 08 §9); `input_tokens` includes the cached ones, as the reference kept them. */
export const TokenUsage = z.strictObject({
  input_tokens: count('All input tokens, cached ones included.'),
  cached_input_tokens: count('Input tokens read from a cache.'),
  output_tokens: count('Output tokens, reasoning included.'),
  thinking_tokens: count('Reasoning tokens.'),
  total_tokens: count('Input plus output.'),
  cache_write_tokens: z.int().min(0).optional().describe('Input tokens written to a cache, where the harness says so.'),
  cost_usd: z.number().min(0).optional().describe('What it cost, where the harness says so.'),
})
export type TokenUsage = z.infer<typeof TokenUsage>

/** Every way a stage process can end. Only `exited` can carry a valid outcome. */
export const ENDINGS = [
  'exited',
  'timed_out',
  'cancelled',
  'killed',
  'not_started',
  'output_limit',
  'stalled',
  'over_budget',
  'context_overflow',
  'session_gone',
  'provider_error',
] as const
export const Ending = z.enum(ENDINGS)
export type Ending = z.infer<typeof Ending>

/** Why the surroundings, not the work, failed. These never consume a defect budget (design §12). */
export const FAILURE_CAUSES = [
  'auth',
  'rate_limit',
  'quota',
  'network',
  'overloaded',
  'missing_binary',
  'wrong_version',
  'refused_permission',
  'disk',
] as const
export const FailureCause = z.enum(FAILURE_CAUSES)
export type FailureCause = z.infer<typeof FailureCause>

export const RawResult = z.strictObject({
  request_id: z.string(),
  run_id: z.string(),
  runner_name: z.string(),
  model_name: z.string().nullable(),
  ending: Ending.describe('How the process ended.'),
  cause: FailureCause.nullable().describe('Environment cause, when the ending is one.'),
  resets_at: z.string().nullable().describe('When a rate limit or quota is known to end, ISO time.'),
  message: z.string().nullable().describe('One sentence on a bad ending.'),
  exit_code: z.int().nullable(),
  final_message: z.string().nullable().describe('Last message of the agent; null if there was none.'),
  session_id: z.string().nullable().describe('Session of the harness, for resuming it.'),
  stdout_path: z.string().nullable(),
  stderr_path: z.string().nullable(),
  event_log_path: z.string().nullable(),
  token_usage: TokenUsage.nullable(),
  started_at: z.string(),
  ended_at: z.string(),
  swept: z
    .array(z.strictObject({ pid: z.int(), command: z.string() }))
    .describe('Processes the agent left behind, ended by the sweep.'),
  notes: z.array(z.string()),
})
export type RawResult = z.infer<typeof RawResult>

/** `runs/<run_id>/runner_terminal_result.<request_id>.json`, written by the agent if it wants to say more than a marker. */
export const TerminalResult = z.strictObject({
  terminal_result: z.string().describe('The outcome, without the leading hashes.'),
  result_class: ResultClass.optional().describe('Class, where the outcome allows several.'),
  summary: z.string().optional(),
  artifacts: z.array(z.string()).optional().describe('Files of the run folder worth pointing at.'),
  resume_stage: z.string().optional().describe('Node to go on with, where the loop lets the stage choose.'),
  notes: z.array(z.string()).optional(),
})
export type TerminalResult = z.infer<typeof TerminalResult>

/** Reasons the runtime records a failure outcome by itself (spec 01 §3.1, extended). */
export const FAILURE_CLASSES = [
  'runner_timeout',
  'provider_failure',
  'runner_transport_failure',
  'runner_output_limit',
  'runner_stalled',
  'runner_over_budget',
  'context_overflow',
  'session_gone',
  'missing_terminal_result',
  'illegal_terminal_result',
  'conflicting_terminal_results',
  'missing_required_artifact',
  'document_invalid',
  'hand_in_missing',
  'verdict_not_pass',
  'environment_auth',
  'environment_rate_limit',
  'environment_quota',
  'environment_network',
  'environment_overloaded',
  'environment_missing_binary',
  'environment_wrong_version',
  'environment_refused_permission',
  'environment_disk',
] as const

export const WorkingTree = z
  .strictObject({
    before: z.string().nullable().describe('Git tree id of the working tree right before the agent was started.'),
    after: z.string().nullable().describe('The same once it had ended; equal ids mean that no file was changed.'),
    ref: z.string().nullable().describe('Hidden git ref that keeps the tree from before; `millrace rescue` takes it.'),
    left_out: z.array(z.string()).describe('Paths whose content the trees do not hold, with the reason.'),
    problem: z.string().nullable().describe('Why an id is missing, in a sentence.'),
  })
  .describe('What the stage did to the working tree of the user.')
export type WorkingTree = z.infer<typeof WorkingTree>

export const StageResult = z
  .strictObject({
    schema_version: z.literal('1.0'),
    kind: z.literal('stage_result'),
    run_id: z.string(),
    plane: z.string(),
    stage: z.string().describe('Stage kind.'),
    node_id: z.string(),
    stage_kind_id: z.string(),
    work_item_kind: z.string().describe('Closure runs say `spec`.'),
    work_item_id: z.string().describe('Closure runs say the root spec id.'),
    terminal_result: z.string(),
    result_class: ResultClass,
    summary_status_marker: z.string(),
    success: z.boolean(),
    retryable: z.boolean().default(false),
    exit_code: z.int().default(0),
    duration_seconds: z.number().min(0).default(0),
    report_artifact: z.string().nullable().default(null),
    artifact_paths: z.array(z.string()).default([]),
    detected_marker: z.string().nullable().default(null),
    stdout_path: z.string().nullable().default(null),
    stderr_path: z.string().nullable().default(null),
    runner_name: z.string().nullable().default(null),
    model_name: z.string().nullable().default(null),
    model_reasoning_effort: z.string().nullable().default(null),
    token_usage: TokenUsage.nullable().default(null),
    notes: z.array(z.string()).default([]),
    metadata: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('request_id, request_kind, failure_class, resume_stage, raw ending and the like.'),
    working_tree: WorkingTree.nullish().describe('Absent in results of older versions.'),
    started_at: z.string(),
    completed_at: z.string(),
  })
  .describe('The outcome of one stage run as the runtime accepted it.')
export type StageResult = z.infer<typeof StageResult>
