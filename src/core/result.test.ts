import { expect, test } from 'vitest'
import { describeFormat } from '../../test/rig/format.ts'
import { RawResult, StageResult, TerminalResult, TokenUsage } from './result.ts'

const usage = {
  input_tokens: 10,
  cached_input_tokens: 4,
  output_tokens: 3,
  thinking_tokens: 1,
  total_tokens: 13,
}
const classes = ['success', 'followup_needed', 'recoverable_failure', 'escalate_planning', 'blocked', 'no_op']

const raw = {
  request_id: 'req-1',
  run_id: 'run-1',
  runner_name: 'codex_cli',
  model_name: 'large',
  ending: 'provider_error',
  cause: 'rate_limit',
  resets_at: '2026-03-02T12:00:00.000Z',
  message: 'Too many requests.',
  exit_code: 1,
  final_message: '### BLOCKED',
  session_id: 'session-1',
  stdout_path: 'out.txt',
  stderr_path: 'err.txt',
  event_log_path: 'events.jsonl',
  token_usage: usage,
  started_at: '2026-03-02T12:00:00.000Z',
  ended_at: '2026-03-02T12:01:00.000Z',
  swept: [{ pid: 7, command: 'sleep 1000' }],
  notes: ['a note'],
}
const silent = {
  ...raw,
  model_name: null,
  cause: null,
  resets_at: null,
  message: null,
  exit_code: null,
  final_message: null,
  session_id: null,
  stdout_path: null,
  stderr_path: null,
  event_log_path: null,
  token_usage: null,
}

describeFormat('the raw result of a runner', {
  schema: RawResult,
  full: raw,
  least: silent,
  filled: silent,
  words: {
    ending: ['exited', 'timed_out', 'cancelled', 'killed', 'not_started', 'output_limit', 'provider_error'],
    cause: ['auth', 'rate_limit', 'quota', 'network', 'overloaded', 'missing_binary', 'disk', null],
  },
  lowest: {
    'token_usage.input_tokens': 0,
    'token_usage.cached_input_tokens': 0,
    'token_usage.output_tokens': 0,
    'token_usage.thinking_tokens': 0,
    'token_usage.total_tokens': 0,
  },
})

test('tokens nobody counted are none, and each kind of them says what it counts', () => {
  for (const member of Object.values(TokenUsage.shape)) expect(member.description).toMatch(/^[A-Z].*\.$/)
  expect(TokenUsage.parse({})).toEqual({
    input_tokens: 0,
    cached_input_tokens: 0,
    output_tokens: 0,
    thinking_tokens: 0,
    total_tokens: 0,
  })
})

describeFormat('what an agent says in its result file', {
  schema: TerminalResult,
  full: {
    terminal_result: 'BLOCKED',
    result_class: 'blocked',
    summary: 'It is stuck.',
    artifacts: ['report.md'],
    resume_stage: 'builder',
    notes: ['a note'],
  },
  least: { terminal_result: 'BLOCKED' },
  filled: { terminal_result: 'BLOCKED' },
  words: { result_class: classes },
})

const least = {
  schema_version: '1.0',
  kind: 'stage_result',
  run_id: 'run-1',
  plane: 'execution',
  stage: 'builder',
  node_id: 'builder',
  stage_kind_id: 'builder',
  work_item_kind: 'task',
  work_item_id: 'task-1',
  terminal_result: 'BUILDER_COMPLETE',
  result_class: 'success',
  summary_status_marker: '### BUILDER_COMPLETE',
  success: true,
  started_at: '2026-03-02T12:00:00.000Z',
  completed_at: '2026-03-02T12:01:00.000Z',
}

describeFormat('a stage result', {
  schema: StageResult,
  full: {
    ...least,
    retryable: true,
    exit_code: 1,
    duration_seconds: 60.5,
    report_artifact: 'report.md',
    artifact_paths: ['report.md'],
    detected_marker: '### BUILDER_COMPLETE',
    stdout_path: 'out.txt',
    stderr_path: 'err.txt',
    runner_name: 'codex_cli',
    model_name: 'large',
    model_reasoning_effort: 'high',
    token_usage: usage,
    notes: ['a note'],
    metadata: { request_id: 'req-1', anything: [1] },
    working_tree: {
      before: 'aaa',
      after: 'bbb',
      ref: 'refs/x',
      left_out: ['big.bin: too large'],
      problem: 'A problem.',
    },
  },
  least,
  filled: {
    ...least,
    retryable: false,
    exit_code: 0,
    duration_seconds: 0,
    report_artifact: null,
    artifact_paths: [],
    detected_marker: null,
    stdout_path: null,
    stderr_path: null,
    runner_name: null,
    model_name: null,
    model_reasoning_effort: null,
    token_usage: null,
    notes: [],
    metadata: {},
  },
  words: { schema_version: ['1.0'], kind: ['stage_result'], result_class: classes },
  free: ['metadata'],
})

test('a stage takes no less than no time, and a part of a second counts', () => {
  const lasting = (duration_seconds: number) => StageResult.safeParse({ ...least, duration_seconds }).success
  expect([0, 0.25, 3600].map(lasting)).toEqual([true, true, true])
  expect(lasting(-0.25)).toBe(false)
})
