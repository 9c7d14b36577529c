/**
 * Every parser that reads what others wrote: people, agents, older and newer runtimes, a disk that tore a file. Each
 * says how it may refuse; `parse` throws an ordinary Error where what came out is not what the parser promises.
 */
import * as path from 'node:path'
import type * as z from 'zod'
import { Approval, parseApproval } from '../../src/core/approval.ts'
import { parseFamilies } from '../../src/core/assets.ts'
import { autoAttempts } from '../../src/core/auto-recovery.ts'
import { blockOf, parseBlock } from '../../src/core/block.ts'
import { compile } from '../../src/core/compile.ts'
import { deliveryIn, deliveryText, newDelivery } from '../../src/core/delivery.ts'
import {
  DOCUMENT_BYTES_MAX,
  DOCUMENT_KINDS,
  type DocumentKind,
  headOf,
  parseDocument,
  parseDocumentBytes,
  renderDocument,
  setFields,
} from '../../src/core/document.ts'
import { MillraceError } from '../../src/core/errors.ts'
import type { Files } from '../../src/core/files.ts'
import { ideaSpecId, ideaToSpec } from '../../src/core/idea.ts'
import { isSafeId } from '../../src/core/ids.ts'
import { objectInLine } from '../../src/core/json-line.ts'
import { ledgerLineIn } from '../../src/core/ledger.ts'
import { normalise } from '../../src/core/normalise.ts'
import type { ChangeOperation } from '../../src/core/operation.ts'
import { Plan } from '../../src/core/plan.ts'
import { QueueOrder } from '../../src/core/queue-order.ts'
import { RawResult, StageResult, TokenUsage } from '../../src/core/result.ts'
import { limitsOf, RetentionConfig } from '../../src/core/retention-config.ts'
import { isSkillFile, isSkillId, readSkill, SKILL_FILE } from '../../src/core/skill.ts'
import { withIndexRow } from '../../src/core/skill-index.ts'
import { ClosureTarget, Counters, Snapshot } from '../../src/core/state.ts'
import { parseTimestamp } from '../../src/core/timestamp.ts'
import { keyLines } from '../../src/core/toml-lines.ts'
import { parseVerdict, Verdict } from '../../src/core/validator.ts'
import { verdictObjection } from '../../src/core/verdict.ts'
import { readKept } from '../../src/engine/answered.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { evidenceOf, gather } from '../../src/engine/evidence.ts'
import { removeAbandoned } from '../../src/engine/scratch.ts'
import { closureShow } from '../../src/operations/closure.ts'
import { collectGarbage } from '../../src/operations/commands/retention.ts'
import { setConfig } from '../../src/operations/commands/settings.ts'
import { COMMANDS } from '../../src/operations/commands/table.ts'
import { show as configShow } from '../../src/operations/config/config.ts'
import type { Context } from '../../src/operations/context.ts'
import { doctor } from '../../src/operations/doctor/doctor.ts'
import { valuesOf } from '../../src/operations/field-values.ts'
import { show as compileShow } from '../../src/operations/plan/plan.ts'
import { readDocument } from '../../src/operations/queue/document-argument.ts'
import { ls as queueLs, show as queueShow } from '../../src/operations/queue/queue.ts'
import { detectedCheck } from '../../src/operations/queue/task-from-title.ts'
import {
  provenance as runsProvenance,
  show as runsShow,
  tail as runsTail,
  trace as runsTrace,
} from '../../src/operations/runs/runs.ts'
import { ClosureShow } from '../../src/operations/schemas/closure.ts'
import { Doctor } from '../../src/operations/schemas/doctor.ts'
import { CompileShow, ConfigShow } from '../../src/operations/schemas/plan.ts'
import { RunsProvenance } from '../../src/operations/schemas/provenance.ts'
import { QueueShow } from '../../src/operations/schemas/queue.ts'
import { RunsShow, RunsTail, RunsTrace } from '../../src/operations/schemas/runs.ts'
import { Status } from '../../src/operations/schemas/status.ts'
import { archiveOf, filesIn } from '../../src/operations/skills/archive.ts'
import { status } from '../../src/operations/status/status.ts'
import { acpProtocol } from '../../src/runners/acp/protocol.ts'
import { acpTranscript } from '../../src/runners/acp/transcript.ts'
import { keeperPid } from '../../src/runners/adopt.ts'
import { readExit, readHandle, readInvocation, readStop, runFiles } from '../../src/runners/artifacts.ts'
import { claudeTranscript } from '../../src/runners/claude/transcript.ts'
import { codexTranscript } from '../../src/runners/codex/codex.ts'
import { rateLimitsIn } from '../../src/runners/codex/rate-limits.ts'
import { codexUsage } from '../../src/runners/codex/usage.ts'
import { causeOf } from '../../src/runners/failure.ts'
import type { Transcript } from '../../src/runners/harness.ts'
import { lineSplitter, readTail } from '../../src/runners/lines.ts'
import { piProtocol } from '../../src/runners/pi/protocol.ts'
import { piTranscript } from '../../src/runners/pi/transcript.ts'
import { processIdentity } from '../../src/runners/process.ts'
import { resetTime } from '../../src/runners/reset-time.ts'
import { parseReplies } from '../../src/runners/scripted/replies.ts'
import type { Protocol } from '../../src/runners/two-way/protocol.ts'
import { readManifest } from '../../src/store/baseline.ts'
import { readConfig } from '../../src/store/config-file.ts'
import { EventReader } from '../../src/store/event-follow.ts'
import { tailEvents } from '../../src/store/event-log.ts'
import { disk, hashBytes } from '../../src/store/files.ts'
import { decodeCopy, encodeCopy } from '../../src/store/item-copy.ts'
import { ItemIndex } from '../../src/store/items.ts'
import { decodeRecord, encodeRecord, RECORD_BYTES_MAX } from '../../src/store/journal.ts'
import { AT, PLAN_SOURCES, placesOf } from '../../src/store/layout.ts'
import { describeLock, lockState } from '../../src/store/lock.ts'
import { lower } from '../../src/store/lower.ts'
import { archived, COMMAND_BYTES_MAX, incoming } from '../../src/store/mailbox.ts'
import { areSourcesUnchanged } from '../../src/store/plan-sources.ts'
import { readRequest, readRun } from '../../src/store/runs.ts'
import { scanRun } from '../../src/store/survey.ts'
import { readWorkspace } from '../../src/store/workspace.ts'
import { assetsWith, configWith, RUNNERS } from '../rig/assets.ts'
import { documentText } from '../rig/documents.ts'
import { ledgerLine, tokens } from '../rig/ledger.ts'
import { rawResult, requestFor, resultOf, runAt } from '../rig/run.ts'
import { withFile, withFiles } from './one-file.ts'
import { pythonWorkspaces } from './python-workspaces.ts'
import type { WorkedWorkspace } from './workspace.ts'

export interface Parser {
  name: string
  /** Modules under src/ whose reading is tried here. */
  modules: readonly string[]
  examples: readonly Uint8Array[]
  parse: (bytes: Uint8Array) => unknown
  /** `one sentence`: a `MillraceError` that is no `internal`. */
  refusals: 'never throws' | 'one sentence' | 'throws an Error'
  /** Looks at a whole workspace for each input, so that fewer are tried in the same time. */
  isSlow?: boolean
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'utf8')
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')
const jsonOf = (value: unknown): Uint8Array => bytesOf(JSON.stringify(value, null, 2))

/** There is nothing at this path, so that a file laid over it is all there is. */
const NOWHERE = '/nowhere'
const NOWHERE_PLACES = placesOf(NOWHERE)
const NOW = new Date('2026-03-02T09:15:00.000Z')

const RAW: RawResult = {
  ...{
    request_id: 'request-1',
    run_id: 'run-1',
    runner_name: 'codex_cli',
    model_name: null,
    ending: 'exited',
    cause: null,
  },
  ...{ resets_at: null, message: null, exit_code: 0, final_message: '### DONE', session_id: null, stdout_path: null },
  ...{ stderr_path: null, event_log_path: null, token_usage: null, swept: [], notes: [] },
  ...{ started_at: NOW.toISOString(), ended_at: NOW.toISOString() },
}
const APPROVAL: Approval = {
  schema_version: '1.0',
  kind: 'execution_capability_approval',
  approval_id: 'approval-1',
  status: 'approved',
  asked_by: 'edge',
  asked_by_id: 'checked',
  capability_id: 'git.mutate',
  question: 'May it?',
  subject_sha256: hashBytes('x'),
  work_item_kind: 'task',
  work_item_id: 'T-1',
  plane: 'execution',
  node_id: 'checker',
  stage_kind_id: 'checker',
  run_id: 'run-1',
  request_id: 'request-1',
  denied_outcome: 'FIX_NEEDED',
  created_at: NOW.toISOString(),
  expires_at: NOW.toISOString(),
  decided_at: NOW.toISOString(),
  decided_by: 'operator',
  decision_reason: 'Well done.',
}

const BLOCK = blockOf({ kind: 'task', id: 'T-1', effectiveRoot: null, rootIdeaId: null }, NOW.toISOString(), {
  blocked_origin: 'runner_failure',
  failure_class: 'runner_timeout',
  failure_scope: 'environment',
})

/** What a function that goes step by step gives in the end. */
function inTheEnd<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** Throws unless the value follows the schema. */
function must<T>(schema: z.ZodType<T>, value: unknown): T {
  const checked = schema.safeParse(value)
  if (!checked.success) throw new Error(`the value breaks its schema: ${checked.error.message.slice(0, 500)}`)
  return checked.data
}

function mustBe(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}

const TEXT_CHARS_MAX = 20_000

export function everyParser(workspace: WorkedWorkspace): Parser[] {
  return [
    ...documents(),
    ...texts(),
    ...harnessOutput(),
    ...stageEvidence(workspace),
    ...mailbox(workspace),
    ...stateFiles(workspace),
    ...runFolders(workspace),
    ...assets(),
    ...skills(),
    ...config(workspace),
    ...pythonWorkspaces(),
  ]
}

// ---- work documents --------------------------------------------------------------------------------------------------

const FULL: Partial<Record<DocumentKind, Record<string, unknown>>> = {
  task: { depends_on: ['T-0'], tags: ['x', 'y'], spec_id: 'S-1', status_hint: 'queued' },
  learning_request: { trigger_metadata: { a: [1, { b: null }] }, originating_run_ids: ['run-1'] },
  incident: { severity: 'high', needs_planning: false, source_task_id: 'T-1' },
}

function documents(): Parser[] {
  const modules = [
    'core/document.ts',
    'core/document-read.ts',
    'core/document-lines.ts',
    'core/document-values.ts',
    'store/items.ts',
    'store/read-item.ts',
  ]
  const example = (kind: DocumentKind) => documentText(kind, 'T-1', FULL[kind], 'Some prose.\n\n- a list\n\n## Notes')
  const readers = DOCUMENT_KINDS.map(
    (kind): Parser => ({
      name: `${kind} document`,
      modules,
      examples: [
        bytesOf(example(kind)),
        bytesOf(example(kind).replaceAll('\n', '\r\n')),
        bytesOf(documentText(kind, 'a')),
      ],
      refusals: 'never throws',
      parse(bytes) {
        const read = parseDocumentBytes(kind, bytes)
        if (!read.ok) {
          mustBe(read.faults.length > 0 && read.faults.length <= 51, `${read.faults.length} faults`)
          return mustBe(JSON.stringify(read.faults).length <= TEXT_CHARS_MAX, 'the faults are too long to read')
        }
        mustBe(headOf(kind, bytes).ok, 'the head cannot be read, though the document can')
        const rendered = renderDocument(read.document)
        if (Buffer.byteLength(rendered) > DOCUMENT_BYTES_MAX) return
        const again = parseDocument(kind, rendered)
        mustBe(
          again.ok && JSON.stringify(again.document) === JSON.stringify(read.document),
          'what is rendered is not read as the same document',
        )
      },
    }),
  )
  const edit: Parser = {
    name: 'fields of a document, set in place',
    modules: ['core/document-edit.ts'],
    examples: [bytesOf(example('task'))],
    refusals: 'one sentence',
    parse: (bytes) => setFields(textOf(bytes), 'task', { summary: 'new', tags: ['t'], spec_id: null }),
  }
  const handedOver = (name: string, kind: DocumentKind, argument: string, examples: Uint8Array[]): Parser => ({
    name,
    modules: ['operations/queue/document-argument.ts', 'core/document-read.ts'],
    examples,
    refusals: 'one sentence',
    parse: (bytes) => readDocument({ readUserFile: async () => bytes } as unknown as Context, kind, argument),
  })
  const json = (kind: DocumentKind) => {
    const read = parseDocument(kind, example(kind))
    return jsonOf(read.ok ? { kind, schema_version: '1.0', ...read.document.fields } : null)
  }
  return [
    ...readers,
    edit,
    handedOver('task given as JSON', 'task', 'x.json', [json('task')]),
    handedOver('learning request given as JSON', 'learning_request', 'x.json', [json('learning_request')]),
    handedOver('document piped in', 'spec', '-', [json('spec'), bytesOf(example('spec'))]),
  ]
}

function texts(): Parser[] {
  return [
    {
      name: 'idea',
      modules: ['core/idea.ts', 'engine/intake.ts'],
      examples: [bytesOf('# An idea\n\nMake it so.\n'), bytesOf('---\nx: y\n---\n\n## Head\n* one\n')],
      refusals: 'never throws',
      parse(bytes) {
        const text = textOf(bytes)
        const name = `${text.slice(0, 300).replaceAll('\0', '')}.md`
        mustBe(isSafeId(ideaSpecId(name)), 'the id is not safe')
        const spec = ideaToSpec(name, text, NOW.toISOString(), `ideas/inbox/${name}`)
        mustBe(parseDocument('spec', renderDocument(spec)).ok, 'the spec made from the idea cannot be read')
      },
    },
    {
      name: 'timestamp',
      modules: ['core/timestamp.ts'],
      examples: ['2026-03-02T09:15:00Z', '2026-03-02 09:15:00,123456789+02:00', '1772442900.5', '2026-03-02'].map(
        bytesOf,
      ),
      refusals: 'never throws',
      parse(bytes) {
        const time = parseTimestamp(textOf(bytes))
        if (time === null) return
        mustBe(Number.isFinite(time.ms), 'it has no place in time')
        const again = parseTimestamp(time.text)
        mustBe(again?.text === time.text && Math.abs(again.ms - time.ms) < 0.001, 'its own form is read differently')
      },
    },
    {
      name: 'verdict',
      modules: ['core/verdict.ts'],
      examples: [VERDICT],
      refusals: 'never throws',
      parse(bytes) {
        const objection = verdictObjection(textOf(bytes), 'S-1', 'success')
        mustBe((objection?.length ?? 0) <= TEXT_CHARS_MAX, `the objection has ${objection?.length} characters`)
      },
    },
    {
      name: 'files that name a test command',
      modules: ['operations/queue/task-from-title.ts'],
      examples: [jsonOf({ name: 'x', scripts: { test: 'vitest run' } }), bytesOf('all:\n\techo\ntest: all\n')],
      refusals: 'never throws',
      parse(bytes) {
        mustBe(typeof detectedCheck((file) => (file === 'package.json' ? textOf(bytes) : null)) === 'string', 'no text')
        detectedCheck((file) => (file === 'Makefile' ? textOf(bytes) : null))
      },
    },
    {
      name: 'scripted replies',
      modules: ['runners/scripted/replies.ts', 'runners/scripted/agent.ts'],
      examples: [REPLIES],
      refusals: 'throws an Error',
      parse(bytes) {
        for (const { steps } of parseReplies(textOf(bytes))) {
          for (const step of steps)
            mustBe(STEPS.includes(Object.keys(step).join()), `${JSON.stringify(step)} is no step`)
        }
      },
    },
  ]
}

const VERDICT = jsonOf({
  schema_version: '1.0',
  kind: 'closure_verdict',
  root_spec_id: 'S-1',
  verdict: 'pass',
  criteria: [{ id: 'C1', text: 'It holds.', result: 'pass', evidence: ['npm test'] }],
  summary: 'Done.',
})

const STEPS = ['say', 'wait_ms', 'write', 'copy', 'replace', 'run', 'hand_in', 'result', 'artifacts', 'hang', 'spawn']
const REPLIES = jsonOf({
  schema_version: '1.0',
  kind: 'scripted_replies',
  replies: [
    {
      stage: 'builder',
      item: 'T-1',
      attempt: 1,
      outcome: 'DONE',
      exit_code: 0,
      message: 'm',
      steps: [{ say: 'x' }, { wait_ms: 1 }, { write: { path: 'a', text: 'b' } }, { run: { command: 'true' } }],
    },
    { stage: '*', outcome: null, steps: [{ artifacts: true }, { result: { terminal_result: 'DONE' } }] },
  ],
})

// ---- what a harness prints and leaves ----------------------------------------------------------------------------------

const DELIVERY = newDelivery('2026-03-02T12:00:00.000Z', {
  delivery_id: 'blocked-0123456789abcdef',
  channel: 'notify',
  recipient: 'oncall',
  payload: { event: 'blocked', text: 'task T-1 is blocked' },
})

const LEDGER_LINE = ledgerLine('request-1', {
  dedupe_key: 'millrace-agents/runs/run-1/stage_results/request-1.json',
  token_usage: { ...tokens(2, 0.25), cached_input_tokens: 1 },
})
const CODEX_LINES = [
  { type: 'thread.started', thread_id: 'thread-1' },
  { type: 'turn.started' },
  { type: 'item.completed', item: { id: 'i', type: 'error', message: 'a warning' } },
  { type: 'item.completed', item: { id: 'i', type: 'agent_message', text: 'Done.\n\n### BUILDER_COMPLETE' } },
  { type: 'event_msg', payload: { type: 'token_count', info: { total_token_usage: usage(5) } } },
  { type: 'error', message: 'stream disconnected' },
  { type: 'turn.failed', error: { message: 'usage limit; try again at 3:05 PM' } },
  { type: 'turn.completed', usage: usage(7) },
]

const CLAUDE_USAGE = { input_tokens: 80, cache_read_input_tokens: 20, cache_creation_input_tokens: 5, output_tokens: 1 }
const CLAUDE_LINES = [
  {
    type: 'system',
    subtype: 'init',
    session_id: '6593008f-2b0a-49dc-989f-e6b17bd54453',
    permissionMode: 'acceptEdits',
  },
  { type: 'system', subtype: 'api_retry', attempt: 1, max_retries: 2, error_status: 429, error: 'rate_limit' },
  {
    type: 'assistant',
    message: {
      id: 'msg_1',
      content: [
        { type: 'text', text: '### DONE' },
        { type: 'tool_use', id: 'toolu_1', name: 'Bash', input: { command: 'ls' } },
      ],
      usage: CLAUDE_USAGE,
    },
    parent_tool_use_id: null,
  },
  {
    type: 'user',
    message: { content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'a', is_error: true }] },
  },
  {
    type: 'rate_limit_event',
    rate_limit_info: { status: 'rejected', resetsAt: 1795459615, rateLimitType: 'seven_day' },
  },
  {
    type: 'assistant',
    message: { id: 'x', model: '<synthetic>', content: [{ type: 'text', text: 'You have hit your limit' }] },
    error: 'rate_limit',
  },
  {
    type: 'result',
    subtype: 'success',
    is_error: true,
    api_error_status: 429,
    result: 'You have hit your limit · resets 7:46pm (UTC)',
    errors: ['too much'],
    total_cost_usd: 0.5,
    usage: CLAUDE_USAGE,
    modelUsage: { m: { inputTokens: 80, outputTokens: 3, cacheReadInputTokens: 20, cacheCreationInputTokens: 5 } },
    permission_denials: [{ tool_name: 'Bash', tool_use_id: 'toolu_1', tool_input: { command: 'npm test' } }],
  },
]

const PI_MESSAGE = {
  role: 'assistant',
  content: [{ type: 'text', text: 'Done.\n\n### BUILDER_COMPLETE' }],
  usage: { input: 5, output: 2, cacheRead: 1, cacheWrite: 0, cost: { total: 0.5 } },
  stopReason: 'stop',
}

const PI_LINES = [
  { id: 'prompt-1', type: 'response', command: 'prompt', success: true },
  { type: 'agent_start' },
  { type: 'tool_execution_start', toolCallId: 'c', toolName: 'bash', args: { command: 'make' } },
  { type: 'tool_execution_end', toolCallId: 'c', toolName: 'bash', result: { content: [{ text: 'x' }] } },
  { type: 'extension_ui_request', id: 'u', method: 'select', title: 'Which?' },
  { type: 'message_end', message: { ...PI_MESSAGE, stopReason: 'error', errorMessage: '429, try again in 5 s' } },
  { type: 'auto_retry_start', errorMessage: '429' },
  { type: 'message_end', message: PI_MESSAGE },
  { type: 'agent_end', messages: [PI_MESSAGE] },
  { id: 'last-assistant-1', type: 'response', data: { text: '### BUILDER_COMPLETE' } },
  { id: 'session-stats-1', type: 'response', data: { sessionId: 's', tokens: PI_MESSAGE.usage, cost: 0.5 } },
]

const ACP_LINES = [
  { id: 1, result: { protocolVersion: 1, agentInfo: { name: 'codex-acp' }, agentCapabilities: { loadSession: true } } },
  {
    id: 2,
    result: {
      sessionId: 's',
      configOptions: [
        { id: 'm', category: 'model', type: 'select', currentValue: 'a', options: [{ options: [{ value: 'm' }] }] },
      ],
      modes: { currentModeId: 'read-only', availableModes: [{ id: 'auto' }] },
    },
  },
  { id: 4, result: {} },
  { method: 'session/update', params: { update: { sessionUpdate: 'agent_thought_chunk', content: { text: 'Hm.' } } } },
  {
    id: 0,
    method: 'session/request_permission',
    params: {
      toolCall: { toolCallId: 't', kind: 'edit', title: 'Write', locations: [{ path: '/w/a' }] },
      options: [{ optionId: 'o', kind: 'allow_once' }],
    },
  },
  {
    method: 'session/update',
    params: {
      update: { sessionUpdate: 'tool_call_update', toolCallId: 't', status: 'failed', rawInput: { path: 'a' } },
    },
  },
  {
    method: 'session/update',
    params: { update: { sessionUpdate: 'agent_message_chunk', messageId: 'm', content: { text: '### DONE' } } },
  },
  {
    method: 'session/update',
    params: { update: { sessionUpdate: 'usage_update', used: 5, cost: { amount: 0.5, currency: 'USD' } } },
  },
  { method: '_millrace/answered', params: { level: 'basic', answer: 'reject_once', kind: 'edit', title: 'Write' } },
  { id: 7, error: { code: -32603, message: 'Internal error', data: { message: 'usage limit; try again at 3:05 PM' } } },
  { id: 7, result: { stopReason: 'end_turn', usage: { inputTokens: 5, outputTokens: 5, cachedReadTokens: 1 } } },
]

/** Speaks a protocol with whoever prints the bytes; each message must be one line. */
function speak(protocol: Protocol, bytes: Uint8Array): void {
  protocol.begin('the prompt')
  const splitter = lineSplitter(({ text, truncated }) => {
    for (const message of protocol.line(text, truncated).send ?? []) {
      mustBe(!message.includes('\n'), 'it sends a message of two lines')
    }
  })
  splitter.push(bytes)
  splitter.end()
  protocol.abort()
}

/** Reads an event stream to its end; what is told of it must be bounded and fit for a record. */
function readStream(transcript: Transcript, bytes: Uint8Array): void {
  const splitter = lineSplitter((line) => transcript.line(line))
  splitter.push(bytes)
  splitter.end()
  for (const exitCode of [0, 1, null]) {
    const stderr = textOf(bytes.subarray(-1000))
    const findings = transcript.findings({ exitCode, at: NOW, stdout: null, stderr, lastMessage: null })
    if (findings.usage !== null) must(TokenUsage, findings.usage)
    const told = [findings.failure?.message, findings.sessionId, ...findings.notes].join('')
    mustBe(told.length <= TEXT_CHARS_MAX, `it tells ${told.length} characters beside the message`)
  }
}

function usage(count: number): Record<string, number> {
  return {
    input_tokens: count,
    cached_input_tokens: 1,
    output_tokens: count,
    reasoning_output_tokens: 2,
    total_tokens: 20,
  }
}

const HANDLE = {
  schema_version: '1.0',
  kind: 'runner_handle',
  request_id: 'request-1',
  run_id: 'run-1',
  runner_name: 'codex_cli',
  pid: 12,
  start_time: '34',
  boot_id: 'b',
  run_dir: '/w/runs/run-1',
  started_at: NOW.toISOString(),
  deadline_boot_ms: 1000,
  stop_grace_seconds: 5,
}

function harnessOutput(): Parser[] {
  const jsonl = bytesOf(CODEX_LINES.map((line) => `${JSON.stringify(line)}\n`).join(''))
  const run = runFiles({ run_dir: NOWHERE, request_id: 'r' })
  const artifact = (name: string, file: string, example: unknown, read: (files: Files) => unknown): Parser => ({
    name,
    modules: ['runners/artifacts.ts', 'runners/adopt.ts'],
    examples: [typeof example === 'string' ? bytesOf(example) : jsonOf(example)],
    refusals: 'never throws',
    parse: (bytes) => read(withFile('/', file, bytes)),
  })
  return [
    {
      name: 'codex event stream',
      modules: ['runners/codex/codex.ts', 'core/json-line.ts', 'runners/lines.ts', 'runners/codex/usage.ts'],
      examples: [jsonl, ...CODEX_LINES.map(jsonOf)],
      refusals: 'never throws',
      parse: (bytes) => readStream(codexTranscript(), bytes),
    },
    {
      name: 'claude event stream',
      modules: [
        'runners/claude/transcript.ts',
        'runners/claude/usage.ts',
        'runners/event-lines.ts',
        'runners/fields.ts',
      ],
      examples: [
        bytesOf(CLAUDE_LINES.map((line) => `${JSON.stringify(line)}\n`).join('')),
        ...CLAUDE_LINES.map(jsonOf),
      ],
      refusals: 'never throws',
      parse: (bytes) => readStream(claudeTranscript(), bytes),
    },
    {
      name: 'event log of pi',
      modules: ['runners/pi/transcript.ts'],
      examples: [bytesOf(PI_LINES.map((line) => `${JSON.stringify(line)}\n`).join('')), ...PI_LINES.map(jsonOf)],
      refusals: 'never throws',
      parse: (bytes) => readStream(piTranscript(), bytes),
    },
    {
      name: 'messages of pi',
      modules: ['runners/pi/protocol.ts'],
      examples: [bytesOf(PI_LINES.map((line) => `${JSON.stringify(line)}\n`).join('')), ...PI_LINES.map(jsonOf)],
      refusals: 'never throws',
      parse: (bytes) => speak(piProtocol(), bytes),
    },
    {
      name: 'event log of an ACP agent',
      modules: [
        'runners/acp/transcript.ts',
        'runners/acp/text.ts',
        'runners/acp/tool-calls.ts',
        'runners/acp/usage.ts',
      ],
      examples: [bytesOf(ACP_LINES.map((line) => `${JSON.stringify(line)}\n`).join('')), ...ACP_LINES.map(jsonOf)],
      refusals: 'never throws',
      parse: (bytes) => readStream(acpTranscript(), bytes),
    },
    {
      name: 'messages of an ACP agent',
      modules: ['runners/acp/protocol.ts', 'runners/acp/offers.ts', 'runners/acp/permission.ts'],
      examples: [bytesOf(ACP_LINES.map((line) => `${JSON.stringify(line)}\n`).join('')), ...ACP_LINES.map(jsonOf)],
      refusals: 'never throws',
      parse: (bytes) =>
        speak(acpProtocol({ workspaceRoot: '/w', level: 'basic', model: 'm', effort: 'high', sessionId: null }), bytes),
    },
    {
      name: 'codex rate limits',
      modules: ['runners/codex/rate-limits.ts'],
      examples: [
        jsonOf({
          id: 2,
          result: { rateLimits: { primary: { usedPercent: 5, windowDurationMins: 300, resetsAt: 1e9 } } },
        }),
        jsonOf({ id: 2, error: { code: -32600, message: 'no login' } }),
      ],
      refusals: 'never throws',
      parse(bytes) {
        const message = objectInLine(textOf(bytes))
        const answer = message && rateLimitsIn(message, new Date(0))
        if (answer === null || 'problem' in answer) return
        for (const { percent_used, resets_at } of Object.values(answer.windows)) {
          mustBe(percent_used >= 0, 'a percentage is none')
          mustBe(resets_at === null || !Number.isNaN(Date.parse(resets_at)), 'a time is none')
        }
      },
    },
    {
      name: 'codex token usage',
      modules: ['runners/codex/usage.ts'],
      examples: CODEX_LINES.map(jsonOf),
      refusals: 'never throws',
      parse(bytes) {
        const counting = codexUsage()
        for (let turn = 0; turn < 3; turn++) counting.event(asJson(bytes))
        const total = counting.total()
        if (total !== null) must(TokenUsage, total)
      },
    },
    {
      name: 'usage ledger line',
      modules: ['core/ledger.ts'],
      examples: [JSON.stringify(LEDGER_LINE)].map(bytesOf),
      refusals: 'never throws',
      parse(bytes) {
        const line = ledgerLineIn(textOf(bytes))
        if (line === null) return
        must(TokenUsage.loose(), line.token_usage)
        mustBe(!Number.isNaN(Date.parse(line.stage_completed_at)), `a time: ${line.stage_completed_at}`)
      },
    },
    {
      name: 'record of a block',
      modules: ['core/block.ts'],
      examples: [jsonOf(BLOCK)],
      refusals: 'never throws',
      parse(bytes) {
        const block = parseBlock(textOf(bytes), { kind: 'task', id: 'T-1' })
        if (block !== null) mustBe(parseTimestamp(block.blocked_at) !== null, `a time: ${block.blocked_at}`)
      },
    },
    {
      name: 'ways back into the queue',
      modules: ['core/auto-recovery.ts'],
      examples: [`${JSON.stringify({ auto: true, kind: 'task' })}\n${JSON.stringify({ kind: 'task' })}\n`].map(bytesOf),
      refusals: 'never throws',
      parse(bytes) {
        const text = textOf(bytes)
        const count = autoAttempts(text)
        mustBe(count >= 0 && count <= text.split('\n').length, `${count} attempts`)
      },
    },
    {
      name: 'delivery',
      modules: ['core/delivery.ts'],
      examples: [deliveryText(DELIVERY)].map(bytesOf),
      refusals: 'never throws',
      parse(bytes) {
        const delivery = deliveryIn(textOf(bytes), DELIVERY.delivery_id)
        if (delivery !== null) mustBe(!Number.isNaN(Date.parse(delivery.next_attempt_at)), 'a time it is due')
      },
    },
    {
      name: 'failure cause and reset time',
      modules: ['runners/failure.ts', 'runners/reset-time.ts'],
      examples: [
        'usage limit; try again at Nov 21st, 2026 3:05 PM',
        'rate limit; try again in 1 day 2 hours 5 minutes 3.5 seconds',
        '429, resets 2026-03-02T09:15:00Z',
      ].map(bytesOf),
      refusals: 'never throws',
      parse(bytes) {
        causeOf(textOf(bytes))
        resetTime(textOf(bytes), NOW)?.toISOString()
      },
    },
    artifact('exit record', run.exit, '0\n', (files) => {
      const exit = readExit(files, run.exit)
      mustBe(exit?.code == null || (exit.code >= 0 && exit.code < 1000), `exit code ${exit?.code}`)
    }),
    artifact('stop record', run.stop, { reason: 'killed', requested_at: NOW }, (files) => readStop(files, run.stop)),
    artifact('pid of the keeper', run.pid, '1234\n', (files) => {
      const pid = keeperPid(files, run)
      mustBe(pid === null || Number.isSafeInteger(pid), `pid ${pid}`)
    }),
    artifact('runner handle', run.handle, HANDLE, (files) => {
      const handle = readHandle(files, run.handle)
      if (handle === null) return
      mustBe(!Number.isNaN(Date.parse(handle.started_at)), `it was started at ${handle.started_at}`)
      mustBe(Number.isFinite(handle.deadline_boot_ms) && handle.pid > 0, 'it has no deadline, or no process')
    }),
    artifact('runner invocation', run.invocation, { command: ['codex'], emitted_at: NOW.toISOString() }, (files) => {
      const invocation = readInvocation(files, run.invocation)
      mustBe(invocation === null || !Number.isNaN(Date.parse(invocation.emitted_at)), 'it has no time')
    }),
    artifact('end of a file', run.stdout, 'some text\nümläüt 😀\n', (files) => {
      for (const most of [0, 1, 7, 1 << 20])
        mustBe((readTail(files, run.stdout, most)?.length ?? 0) <= most, 'too long')
    }),
  ]
}

function asJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(bytes))
  } catch {
    return null
  }
}

// ---- what a stage leaves -----------------------------------------------------------------------------------------------

function stageEvidence({ view, root }: WorkedWorkspace): Parser[] {
  const plan = view.plan!
  const run = runAt(plan, 'execution', 'builder', { kind: 'task', id: 'T-1' })
  const node = plan.graphs_by_plane.execution!.nodes.find((one) => one.node_id === 'builder')!
  const runDir = path.join(NOWHERE, 'millrace-agents/runs/run-1')
  const request = requestFor(plan, run, {
    run_dir: runDir,
    outbox_dir: `${runDir}/outbox/request-1`,
    terminal_result_path: `${runDir}/runner_terminal_result.request-1.json`,
  })
  const outcome = Object.keys(node.allowed_result_classes_by_outcome)[0]!
  const judged = (files: Files, message: string | null) => {
    const gathered = gather(files, request)
    const evidence = evidenceOf(files, view, request, gathered, null, ['task'])
    const result = must(StageResult, normalise(request, node, rawResult(request, message), evidence))
    const size = Buffer.byteLength(JSON.stringify(result))
    mustBe(size <= RESULT_BYTES_MAX, `the stage result has ${size} bytes`)
    return gathered
  }
  return [
    {
      name: 'result file of a stage',
      modules: ['core/normalise.ts', 'engine/evidence.ts'],
      examples: [
        jsonOf({
          terminal_result: outcome,
          summary: 's',
          artifacts: ['report.md', 'a/b'],
          resume_stage: 'x',
          notes: ['n'],
        }),
      ],
      refusals: 'never throws',
      parse: (bytes) => judged(withFile('/', request.terminal_result_path, bytes), null),
    },
    {
      name: 'final message of a stage',
      modules: ['core/normalise.ts'],
      examples: [bytesOf(`Done.\n\n### ${outcome}\n`)],
      refusals: 'never throws',
      parse: (bytes) => judged(withFiles('/', {}), textOf(bytes)),
    },
    {
      name: 'document handed in',
      modules: ['engine/evidence.ts'],
      examples: [bytesOf(documentText('task', 'T-9'))],
      refusals: 'never throws',
      parse(bytes) {
        const { handIns } = judged(withFile('/', `${request.outbox_dir}/task/T-9.md`, bytes), null)
        mustBe(handIns.length === 1 && (handIns[0]!.document !== null) === (handIns[0]!.faults.length === 0), 'neither')
      },
    },
    {
      name: 'stage result, settled',
      modules: ['store/runs.ts'],
      examples: [jsonOf(resultOf(plan, run, outcome))],
      refusals: 'never throws',
      parse(bytes) {
        const files = withFile(NOWHERE_PLACES.runtime, 'runs/run-1/stage_results/request-1.json', bytes)
        const read = readRun(files, NOWHERE_PLACES, 'run-1')
        for (const one of read?.results ?? []) must(StageResult, one)
        mustBe((read?.results.length ?? 0) + (read?.malformed.length ?? 0) === 1, 'it is neither read nor malformed')
      },
    },
    {
      name: 'work document in a queue',
      modules: ['store/items.ts', 'operations/queue/show.ts'],
      examples: [bytesOf(documentText('task', 'T-9'))],
      refusals: 'never throws',
      parse(bytes) {
        const files = withFile(placesOf(root).runtime, 'tasks/queue/T-9.md', bytes)
        const index = new ItemIndex(files, placesOf(root), () => Date.now(), { showing: true })
        index.refresh()
        const found = index.inState('task', 'queued').length + index.invalid().length
        mustBe(found === 1, `it is found ${found} times`)
      },
    },
  ]
}

/** What one stage may add to a transaction, so that any of its records fits the journal. */
const RESULT_BYTES_MAX = 1024 * 1024

// ---- the mailbox -------------------------------------------------------------------------------------------------------

function mailbox({ root, rig, view }: WorkedWorkspace): Parser[] {
  const envelope = (command: string, payload: unknown) =>
    jsonOf({
      schema_version: '1.0',
      kind: 'mailbox_command',
      command_id: 'c-1',
      command,
      issued_at: NOW.toISOString(),
      issuer: 'operator',
      payload,
    })
  const waiting = `${AT.incoming}/c-1.json`
  const processed = rig.list(AT.processed)[0]!
  const operations = { ...COMMANDS, set_config: setConfig, collect_garbage: collectGarbage } as Record<
    string,
    ChangeOperation
  >
  const payloads = Object.entries(operations).map(
    ([command, operation]): Parser => ({
      name: `payload of the command ${command}`,
      modules: [
        'operations/commands/documents.ts',
        'operations/commands/settings.ts',
        'operations/commands/set-aside.ts',
      ],
      examples: (PAYLOADS[command] ?? [{ reason: 'because' }]).map(jsonOf),
      refusals: 'one sentence',
      parse(bytes) {
        const payload = asJson(bytes)
        if (payload === null || typeof payload !== 'object' || Array.isArray(payload)) return
        const compiled = () => {
          throw new MillraceError('config_invalid', 'millrace.toml cannot be read.')
        }
        const context = {
          view,
          hex: (digits: number) => '0'.repeat(digits),
          live: false,
          compile: compiled,
          issuer: 'fuzz',
          issuedAt: '',
        }
        const { changes } = operation(context, payload as Record<string, unknown>)
        lowered(root, withFile(placesOf(root).runtime, waiting, envelope(command, payload)), changes)
      },
    }),
  )
  return [
    {
      name: 'command file in the mailbox',
      modules: ['store/mailbox.ts', 'store/command-archive.ts'],
      examples: [envelope('pause', { reason: 'x' }), envelope('add_task', PAYLOADS.add_task![0])],
      refusals: 'never throws',
      parse(bytes) {
        const files = withFile(placesOf(root).runtime, waiting, bytes)
        const found = incoming(files, placesOf(root))
        mustBe(found.length === 1 && found[0]!.file === 'c-1.json', 'it is not found')
        const one = found[0]!
        if (one.envelope === null) mustBe(one.error.length < 1000, 'the reason is too long')
        else mustBe(bytes.length <= COMMAND_BYTES_MAX, 'it is too large')
        lowered(root, files, [])
      },
    },
    {
      name: 'archived command',
      modules: ['store/mailbox.ts'],
      examples: [disk.read(rig.at(AT.processed, processed))!],
      refusals: 'never throws',
      parse(bytes) {
        const files = withFile(NOWHERE_PLACES.runtime, `${AT.processed}/c-1.json`, bytes)
        const { result, error } = archived(files, NOWHERE_PLACES, 'c-1')!
        mustBe(typeof result === 'object' && result !== null && !Array.isArray(result), 'its result is no object')
        mustBe(error === null || typeof error === 'string', 'its error is no text')
      },
    },
    ...payloads,
  ]

  /** Lowers the archive of the command, which must always fit the journal. */
  function lowered(root: string, files: Files, changes: Parameters<typeof lower>[1]): void {
    const places = placesOf(root)
    const index = new ItemIndex(files, places, () => Date.now())
    index.refresh()
    const ports = { files, places, index, known: new Map(), now: NOW.toISOString() }
    const archive = {
      change: 'command.archive',
      file: 'c-1.json',
      disposition: 'failed',
      result: {},
      error: 'refused',
    } as const
    const { operations, snapshot } = lower(ports, [...changes, archive], view.snapshot)
    const record = encodeRecord({ revision: snapshot.revision, generation: 1, operations })
    mustBe(record.length <= RECORD_BYTES_MAX, `its transaction has ${record.length} bytes`)
  }
}

const TASK_JSON = {
  task_id: 'T-5',
  title: 'Title',
  created_at: '2026-03-02T09:15:00Z',
  created_by: 'person',
  target_paths: ['src'],
  acceptance: ['it works'],
  required_checks: ['npm test'],
  references: ['README.md'],
  risk: ['none known'],
}

const SKILL_TEXT = `---
asset_type: skill
asset_id: craft # the id
description: >-
  How it
  is done.
version: 1
recommended_for_stages: [builder, "checker"]
forbidden_claims:
  - routing
---

# Craft

Do it well.
`
const SKILL_PAYLOAD = { skill_id: 'craft', folder: 'skills/craft', source: '/elsewhere/craft' }

const PAYLOADS: Record<string, object[]> = {
  add_task: [{ document: TASK_JSON }, { text: documentText('task', 'T-5') }],
  add_spec: [{ text: documentText('spec', 'S-5') }],
  add_idea: [{ source_name: 'i.md', markdown: '# Idea' }],
  retry_work_item: [{ work_item_id: 'T-1', work_item_kind: 'task', reason: 'x' }],
  cancel_work_item: [{ work_item_id: 'T-1', work_item_kind: 'task', reason: 'x', force: true }],
  quarantine_work_item: [{ work_item_id: 'T-1', reason: 'x' }],
  release_work_item: [{ work_item_id: 'T-1', reason: 'x' }],
  archive_blocked_task: [{ work_item_id: 'T-1', reason: 'x' }],
  supersede_task: [{ work_item_id: 'T-1', replacement: 'T-2', reason: 'x', cascade: 'retarget' }],
  retarget_task_dependency: [{ work_item_id: 'T-1', from: 'T-0', to: 'T-2', reason: 'x' }],
  reorder_queue: [{ work_item_ids: ['T-2', 'T-1'], work_item_kind: 'task', place: 'first', reason: 'x' }],
  repair_lineage: [{ root_spec_id: 'S-1' }],
  resolve_incident: [{ work_item_id: 'I-1', reason: 'x' }],
  cancel_incident: [{ work_item_id: 'I-1', reason: 'x' }],
  archive_invalid_incident: [{ filename: 'I-1.md.invalid', reason: 'x' }],
  set_config: [
    { key: 'recovery.max_fix_cycles', value: '3', reason: 'x' },
    { key: 'runners.codex.permission_by_model."a.b"', value: 'basic' },
    { key: 'runtime.run_style', unset: true },
  ],
  install_skill: [
    {
      ...SKILL_PAYLOAD,
      files: [
        { path: 'SKILL.md', text: SKILL_TEXT },
        { path: 'references/a.bin', base64: '//4=' },
      ],
    },
    {
      ...SKILL_PAYLOAD,
      files: [{ path: 'SKILL.md', text: SKILL_TEXT }],
      replaces: ['SKILL.md', 'b.md'],
      index: '# Index',
    },
  ],
  collect_garbage: [{ limits: limitsOf(RetentionConfig.parse({})) }],
  cancel_run: [{ run_id: 'run-2', reason: 'x' }],
  retry_active: [{ reason: 'x', scope: 'execution' }],
  clear_stale_state: [{ reason: 'x', requeue: true }],
  stop: [{ drain: true }],
}

// ---- state files -------------------------------------------------------------------------------------------------------

function stateFiles(workspace: WorkedWorkspace): Parser[] {
  const { root, rig, view } = workspace
  const places = placesOf(root)
  const target = `${AT.targets}/${rig.list(AT.targets)[0]!}`
  const history = `${workspace.run}/transition_history.jsonl`
  const ports = (files: Files) => ({ files, clock: systemClock, processes: processIdentity })
  const over = (file: string, bytes: Uint8Array) => withFile(places.runtime, file, bytes)
  const state = (name: string, file: string, check: (files: Files) => unknown): Parser => ({
    name,
    modules: [
      'core/json.ts',
      'store/view.ts',
      'store/workspace.ts',
      'store/state-format.ts',
      'store/consistent.ts',
      'store/files.ts',
    ],
    examples: [workspace.bytes(file)],
    refusals: 'one sentence',
    parse: (bytes) => check(over(file, bytes)),
    isSlow: true,
  })
  const reading = <T>(files: Files, read: (one: typeof view) => T): T => readWorkspace(ports(files), root, read).value
  const journal = encodeRecord({
    revision: view.snapshot.revision + 1,
    generation: 1,
    operations: [
      { op: 'put', path: 'outline.md', content: { text: 'x' }, expects: null, leaves: 'h' },
      { op: 'append', path: AT.events, offset: 3, content: { text: '{}\n' } },
      { op: 'move', from: 'a', to: 'b', content: null, hash: 'h' },
      { op: 'remove', path: waitingFile, hash: 'h' },
    ],
  })
  const shown: Parser[] = [
    AT.snapshot,
    AT.counters,
    target,
    AT.plan,
    AT.baseline,
    `${AT.lockFolder}/99`,
    AT.events,
  ].map((file) => ({
    name: `status over ${path.basename(file)}`,
    modules: ['operations/status/facts.ts', 'operations/status/status.ts'],
    examples: [workspace.bytes(file)],
    refusals: 'one sentence',
    isSlow: true,
    async parse(bytes) {
      must(Status.strip(), await status.run(workspace.context(over(file, bytes)), {}))
    },
  }))
  const completed: Parser = {
    name: 'active runs, to complete an id',
    modules: ['operations/field-values.ts'],
    examples: [workspace.bytes(AT.snapshot)],
    refusals: 'never throws',
    async parse(bytes) {
      const { files, workspaceRoot, packageRoot } = workspace.context(over(AT.snapshot, bytes))
      const sight = { files, places: placesOf(workspaceRoot), packageRoot, runnerNames: [] }
      const found = await valuesOf({ name: 'run_id', type: 'text', description: '', states: ['active'] }, sight)
      mustBe(
        found.every(({ value }) => isSafeId(value)),
        'it offers what is no id',
      )
    },
  }
  const examined: Parser[] = [AT.snapshot, target, AT.baseline, AT.journal, AT.config, 'state/execution_status.md'].map(
    (file) => ({
      name: `doctor over ${path.basename(file)}`,
      modules: ['operations/doctor/state.ts', 'operations/doctor/layout.ts'],
      examples: [file === AT.journal ? journal : workspace.bytes(file)],
      refusals: 'never throws',
      isSlow: true,
      async parse(bytes) {
        // Starting the programs of the runners, to see whether they are there, is not what is tried here.
        const context = { ...workspace.context(over(file, bytes)), runners: () => new Map() }
        const { findings } = must(Doctor, await doctor.run(context, {}))
        mustBe(JSON.stringify(findings).length < 100_000, 'the findings are too long to read')
      },
    }),
  )
  return [
    completed,
    state('runtime snapshot', AT.snapshot, (files) =>
      must(
        Snapshot.strip(),
        reading(files, (one) => one.snapshot),
      ),
    ),
    state('recovery counters', AT.counters, (files) =>
      must(
        Counters.strip(),
        reading(files, (one) => one.counters),
      ),
    ),
    state('queue order', AT.order, (files) =>
      must(
        QueueOrder.strip(),
        reading(files, (one) => one.order),
      ),
    ),
    state('closure target', target, (files) => {
      for (const one of reading(files, ({ targets }) => targets)) must(ClosureTarget.strip(), one)
    }),
    state('compiled plan', AT.plan, (files) => {
      const plan = reading(files, (one) => one.plan)
      if (plan !== null) must(Plan.strip(), plan)
    }),
    {
      name: 'frozen plan of a run',
      modules: ['store/view.ts'],
      examples: [workspace.bytes(`${AT.plans}/${view.plan!.compiled_plan_id}/plan.json`)],
      refusals: 'never throws',
      isSlow: true,
      parse(bytes) {
        const plan = reading(over(`${AT.plans}/plan-x/plan.json`, bytes), (one) => one.planOf('plan-x'))
        if (plan !== null) must(Plan.strip(), plan)
      },
    },
    {
      name: 'lock holder',
      modules: ['store/lock.ts'],
      examples: [workspace.bytes(`${AT.lockFolder}/99`)],
      refusals: 'never throws',
      parse: (bytes) => lockSentence(withFile(NOWHERE_PLACES.runtime, `${AT.lockFolder}/1`, bytes)),
    },
    {
      name: 'owner of a scratch folder',
      modules: ['engine/scratch.ts'],
      examples: [workspace.bytes(`${AT.lockFolder}/99`)],
      refusals: 'never throws',
      parse(bytes) {
        const file = 'state/rescue-0123456789abcdef/owner.json'
        const files = withFile(NOWHERE_PLACES.runtime, file, bytes)
        removeAbandoned({ files, processes: processIdentity }, NOWHERE_PLACES)
      },
    },
    {
      name: 'lock file of an older runtime',
      modules: ['store/lock.ts'],
      examples: [
        jsonOf({ workspace_root: '/w', owner_pid: 5, owner_hostname: 'h', owner_session_id: 's', acquired_at: 'a' }),
      ],
      refusals: 'never throws',
      parse: (bytes) => lockSentence(withFile(NOWHERE_PLACES.runtime, AT.lockFile, bytes)),
    },
    {
      name: 'baseline manifest',
      modules: ['core/baseline.ts', 'store/baseline.ts'],
      examples: [workspace.bytes(AT.baseline)],
      refusals: 'one sentence',
      parse(bytes) {
        const manifest = readManifest(withFile(NOWHERE_PLACES.runtime, AT.baseline, bytes), NOWHERE_PLACES)
        for (const { relative_path } of manifest?.entries ?? []) {
          const at = NOWHERE_PLACES.at(relative_path)
          mustBe(at.startsWith(`${NOWHERE_PLACES.runtime}/`), 'an entry leads out of the runtime root')
        }
      },
    },
    {
      name: 'records of an old run, to know what may go',
      modules: ['store/survey.ts'],
      examples: [
        'resolved_snapshot.json',
        `stage_results/${workspace.rig.list(`${workspace.run}/stage_results`)[0]}`,
      ].map((file) => workspace.bytes(`${workspace.run}/${file}`)),
      refusals: 'never throws',
      parse(bytes) {
        const runId = workspace.run.split('/').pop()!
        for (const file of [
          `${workspace.run}/resolved_snapshot.json`,
          `${workspace.run}/stage_results/request-x.json`,
        ]) {
          const scan = inTheEnd(scanRun({ files: over(file, bytes), places }, runId))
          mustBe(scan === null || scan.run_id === runId, 'it is another run')
        }
      },
    },
    {
      name: 'approval',
      modules: ['core/approval.ts'],
      examples: [jsonOf(APPROVAL), jsonOf({ ...APPROVAL, subject_sha256: null, expires_at: null, request_id: null })],
      refusals: 'never throws',
      parse(bytes) {
        const approval = parseApproval(textOf(bytes))
        if (approval !== null) must(Approval, approval)
      },
    },
    {
      name: 'verdict of a validator',
      modules: ['core/validator.ts'],
      examples: [
        jsonOf({ verdict: 'pass' }),
        jsonOf({ verdict: 'fail', outcome: 'FIX_NEEDED', findings: ['Line 3 is too long.'] }),
        jsonOf({
          verdict: 'ask',
          question: 'May it?',
          capability_id: 'git_mutate',
          subject: '+ a',
          expires_after_seconds: 5,
        }),
      ],
      refusals: 'never throws',
      parse: (bytes) => must(Verdict, parseVerdict('style', textOf(bytes))),
    },
    {
      name: 'result that waits for an approval',
      modules: ['engine/answered.ts'],
      examples: [jsonOf({ raw: RAW, working_tree: null })],
      refusals: 'never throws',
      parse(bytes) {
        const kept = readKept(textOf(bytes))
        if (kept !== null) must(RawResult, kept.raw)
      },
    },
    {
      name: 'journal record',
      modules: ['store/journal.ts', 'store/mailbox.ts'],
      examples: [journal],
      refusals: 'one sentence',
      parse(bytes) {
        const record = decodeRecord(bytes)
        if (record === null) return
        mustBe(Number.isSafeInteger(record.revision) && Array.isArray(record.operations), 'it is no record')
      },
    },
    {
      name: 'state read through a pending record',
      modules: ['store/consistent.ts', 'store/overlay.ts'],
      examples: [journal],
      refusals: 'one sentence',
      isSlow: true,
      parse: (bytes) => reading(over(AT.journal, bytes), (one) => one.snapshot.revision),
    },
    {
      name: 'derived copy of what documents say',
      modules: ['store/item-copy.ts', 'store/item-copies.ts'],
      examples: [bytesOf(encodeCopy([COPIED]))],
      refusals: 'never throws',
      parse(bytes) {
        // What is wrong with the bytes is told by the hash; what is wrong behind a right one, by the shape.
        for (const copy of [bytes, sealedAgain(bytes)]) {
          for (const { name, stamp, head } of decodeCopy(copy) ?? [])
            mustBe(
              [name, stamp, head.id, ...head.dependsOn].every((one) => typeof one === 'string'),
              'it is no item',
            )
        }
      },
    },
    {
      name: 'stamps of the sources of a plan',
      modules: ['store/plan-sources.ts'],
      examples: [bytesOf(`${view.plan!.compiled_plan_id}\n`)],
      refusals: 'never throws',
      parse(bytes) {
        const assets = { files: over(PLAN_SOURCES, bytes), places, packageRoot: '/nowhere' }
        mustBe(!areSourcesUnchanged(assets, view.plan!), 'sources that are not there are held for unchanged')
      },
    },
    {
      name: 'event log',
      modules: ['store/event-log.ts'],
      examples: [workspace.bytes(AT.events)],
      refusals: 'never throws',
      parse(bytes) {
        const page = tailEvents(withFile(NOWHERE_PLACES.runtime, AT.events, bytes), NOWHERE_PLACES, 50)
        mustBe(page.end >= 0 && page.end <= bytes.length, `it would be followed on from ${page.end}`)
        mustBe(page.end === 0 || bytes[page.end - 1] === 10, 'it would be followed on from inside a line')
        for (const { data } of page.events) mustBe(typeof data === 'object' && data !== null, 'an event tells nothing')
      },
    },
    {
      name: 'transition history',
      modules: ['store/runs.ts', 'core/transition.ts', 'core/json-line.ts'],
      examples: [workspace.bytes(history)],
      refusals: 'one sentence',
      isSlow: true,
      async parse(bytes) {
        const context = workspace.context(over(history, bytes))
        must(RunsTrace, await runsTrace.run(context, { run_id: workspace.runId }))
        must(RunsShow, await runsShow.run(context, { run_id: workspace.runId }))
      },
    },
    {
      name: 'provenance over a transition history',
      modules: ['operations/runs/provenance.ts'],
      examples: [workspace.bytes(history)],
      refusals: 'one sentence',
      isSlow: true,
      async parse(bytes) {
        const answer = await runsProvenance.run(workspace.context(over(history, bytes)), { run_id: workspace.runId })
        must(RunsProvenance, JSON.parse(JSON.stringify(answer)))
      },
    },
    {
      name: 'provenance over what names the plan of a run',
      modules: ['operations/runs/agreement.ts'],
      examples: [workspace.bytes(`${workspace.run}/resolved_snapshot.json`)],
      refusals: 'one sentence',
      isSlow: true,
      async parse(bytes) {
        const context = workspace.context(over(`${workspace.run}/resolved_snapshot.json`, bytes))
        const answer = await runsProvenance.run(context, { run_id: workspace.runId })
        must(RunsProvenance, JSON.parse(JSON.stringify(answer)))
      },
    },
    {
      name: 'verdict that is shown',
      modules: ['operations/closure.ts'],
      examples: [workspace.bytes('arbiter/verdicts/S-1.json')],
      refusals: 'never throws',
      isSlow: true,
      async parse(bytes) {
        const context = workspace.context(over('arbiter/verdicts/S-1.json', bytes))
        must(ClosureShow, await closureShow.run(context, { root_spec_id: 'S-1' }))
      },
    },
    {
      name: 'event log that is followed',
      modules: ['store/event-follow.ts'],
      examples: [workspace.bytes(AT.events)],
      refusals: 'never throws',
      parse(bytes) {
        const files = withFile(NOWHERE_PLACES.runtime, AT.events, bytes)
        const reader = new EventReader(files, NOWHERE_PLACES, { count: 10, accept: () => true })
        mustBe([...reader.readOn()].length === 0, 'what was there already is told as new')
      },
    },
    {
      name: 'compile show over the baseline manifest',
      modules: ['operations/plan/plan.ts'],
      examples: [workspace.bytes(AT.baseline)],
      refusals: 'one sentence',
      isSlow: true,
      async parse(bytes) {
        must(CompileShow, await compileShow.run(workspace.context(over(AT.baseline, bytes)), {}))
      },
    },
    ...shown,
    ...examined,
  ]
}

const COPIED = {
  name: 'T-1.md',
  stamp: '1 2 3 4',
  head: {
    ...{ id: 'T-1', title: 'A task', createdAt: '2026-03-02T09:15:00Z', createdMs: NOW.getTime(), dependsOn: ['T-0'] },
    ...{ rootSpecId: null, rootIdeaId: 'I-1', effectiveRoot: 'I-1', sourceIds: [] },
  },
}

/** A copy with the hash that its body has now. */
function sealedAgain(bytes: Uint8Array): Uint8Array {
  const body = textOf(bytes).replace(/^.*\n/, '').slice(0, -1)
  return bytesOf(`millrace item copy 1, sha256 ${hashBytes(body)}\n${body}\n`)
}

const waitingFile = `${AT.incoming}/c-1.json`

function lockSentence(files: Files): void {
  const state = lockState({ files, places: NOWHERE_PLACES, processes: processIdentity })
  const { sentence, hint } = describeLock(state)
  mustBe(typeof hint === 'string' && !/undefined|NaN|\[object/.test(sentence), sentence)
}

// ---- run folders -------------------------------------------------------------------------------------------------------

function runFolders(workspace: WorkedWorkspace): Parser[] {
  const { run, runId, requestId, root } = workspace
  const places = placesOf(root)
  const operations: Parser[] = ['stage_results', 'stage_requests'].map((folder) => {
    const file = `${run}/${folder}/${requestId}.json`
    return {
      name: `runs show, trace and tail over ${folder}`,
      modules: ['store/runs.ts'],
      examples: [workspace.bytes(file)],
      refusals: 'one sentence',
      isSlow: true,
      async parse(bytes: Uint8Array) {
        const context = workspace.context(withFile(places.runtime, file, bytes))
        must(RunsShow, await runsShow.run(context, { run_id: runId }))
        must(RunsTrace, await runsTrace.run(context, { run_id: runId }))
        must(RunsTail, await runsTail.run(context, { run_id: runId }))
      },
    }
  })
  return [
    ...operations,
    {
      name: 'request of a stage that was interrupted',
      modules: ['store/runs.ts'],
      examples: [workspace.bytes(`${run}/stage_requests/${requestId}.json`)],
      refusals: 'never throws',
      parse(bytes) {
        const files = withFile(NOWHERE_PLACES.runtime, 'runs/run-1/stage_requests/r.json', bytes)
        const request = readRequest(files, NOWHERE_PLACES, 'run-1', 'r')
        mustBe(request === null || typeof request.run_dir === 'string', 'it names no folder')
      },
    },
    {
      name: 'queue show over a document',
      modules: ['operations/queue/show.ts'],
      examples: [bytesOf(documentText('task', 'T-9'))],
      refusals: 'one sentence',
      isSlow: true,
      async parse(bytes) {
        const context = workspace.context(withFile(places.runtime, 'tasks/queue/T-9.md', bytes))
        must(QueueShow, await queueShow.run(context, { work_item_id: 'T-9' }))
        await queueLs.run(context, {})
      },
    },
  ]
}

// ---- skills ------------------------------------------------------------------------------------------------------------

function skills(): Parser[] {
  const files = [
    { path: SKILL_FILE, bytes: bytesOf(SKILL_TEXT) },
    { path: 'references/more.md', bytes: bytesOf('# More') },
  ]
  const row = { id: 'craft', description: 'How it | is done.', stages: ['x'], path: 'craft/SKILL.md' }
  const index = '# Index\n\n| Skill | Description | Tags | Path | Status |\n|---|---|---|---|---|\n'
  return [
    {
      name: 'text of a skill',
      modules: ['core/skill.ts'],
      examples: [bytesOf(SKILL_TEXT), bytesOf('---\nname: a\ndescription: B\n---\n# A')],
      refusals: 'never throws',
      parse(bytes) {
        const read = readSkill(textOf(bytes))
        if (!read.ok)
          mustBe(read.faults.length > 0 && read.faults.every(({ line }) => line > 0), 'a fault has no place')
        else mustBe(isSkillId(read.skill.id) && read.skill.description !== '', 'it has no id or description')
      },
    },
    {
      name: 'index of skills',
      modules: ['core/skill-index.ts'],
      examples: [bytesOf(index), bytesOf(withIndexRow(index, row)), bytesOf('- craft: old/SKILL.md\r\n')],
      refusals: 'never throws',
      parse(bytes) {
        const once = withIndexRow(textOf(bytes), row)
        mustBe(withIndexRow(once, row) === once, 'a second time it is not the same')
      },
    },
    {
      name: 'archive of a skill',
      modules: ['operations/skills/archive.ts', 'operations/skills/zip-checksums.ts'],
      examples: [archiveOf('craft', files)],
      refusals: 'one sentence',
      parse(bytes) {
        const found = filesIn(bytes, 'craft.zip')
        mustBe(
          found.some(({ path }) => path === SKILL_FILE) && found.every(({ path }) => isSkillFile(path)),
          'no skill',
        )
      },
    },
  ]
}

// ---- assets and config -------------------------------------------------------------------------------------------------

function assets(): Parser[] {
  const packaged = assetsWith()
  const text = (file: string) => packaged.files.get(file)!.text
  const first = (folder: string, ending = '.json') =>
    [...packaged.files.keys()].find((name) => name.startsWith(folder) && name.endsWith(ending))!
  const parser = (name: string, file: string): Parser => ({
    name,
    modules: ['core/assets.ts', 'store/catalogue.ts'],
    examples: [bytesOf(text(file))],
    refusals: 'never throws',
    isSlow: true,
    parse(bytes) {
      const changed = assetsWith({ [file]: textOf(bytes) })
      parseFamilies(changed)
      const { plan, diagnostics } = compile({
        assets: changed,
        config: configWith(),
        modeId: undefined,
        runners: RUNNERS,
        validators: [],
        compiledAt: NOW.toISOString(),
      })
      if (plan !== null) must(Plan, plan)
      const told = JSON.stringify(diagnostics).length
      mustBe(told < 200_000, `the findings have ${told} characters`)
      mustBe(plan !== null || diagnostics.some(({ severity }) => severity === 'error'), 'it does not say why')
    },
  })
  return [
    parser('mode', 'modes/default_codex.json'),
    parser('mode aliases', 'modes/aliases.json'),
    parser('loop', first('graphs/execution/')),
    parser('stage kind', first('registry/stage_kinds/execution/')),
    parser('model profile', 'registry/model_profiles/codex-2026-11.json'),
    parser('entrypoint', first('entrypoints/', '.md')),
    parser('skill', first('skills/', '.md')),
  ]
}

function config(workspace: WorkedWorkspace): Parser[] {
  const example = bytesOf(
    '[runtime]\ndefault_mode = "default_codex"\nidle_sleep_seconds = 1.5\n\n[runners.codex]\nargs = ["exec"]\n' +
      'permission_by_stage = { builder = "basic" }\nenv.X = "1"\n\n[stages.builder]\ntimeout_seconds = 60\neffort = "low"\n\n[watchers]\ndebounce_seconds = 0.5\n',
  )
  return [
    {
      name: 'millrace.toml',
      modules: ['store/config-file.ts', 'core/config.ts', 'core/config-carried.ts'],
      examples: [example],
      refusals: 'one sentence',
      parse: (bytes) => readConfig(withFile(NOWHERE_PLACES.runtime, AT.config, bytes), NOWHERE_PLACES),
    },
    {
      name: 'override of a key',
      modules: ['store/config-file.ts'],
      examples: ['recovery.max_fix_cycles=3', 'stages.builder.timeout_seconds=60', 'runners.codex.args=["a"]'].map(
        bytesOf,
      ),
      refusals: 'one sentence',
      parse(bytes) {
        const { config } = readConfig(withFiles(NOWHERE, {}), NOWHERE_PLACES, [textOf(bytes)])
        mustBe(Object.getPrototypeOf(config) === Object.prototype, 'the config has another prototype')
      },
    },
    {
      name: 'config show over millrace.toml',
      modules: ['operations/config/config.ts'],
      examples: [example],
      refusals: 'one sentence',
      isSlow: true,
      async parse(bytes) {
        const context = workspace.context(withFile(placesOf(workspace.root).runtime, AT.config, bytes))
        must(ConfigShow, await configShow.run(context, {}))
      },
    },
    {
      name: 'lines of keys in millrace.toml',
      modules: ['core/toml-lines.ts'],
      examples: [example],
      refusals: 'never throws',
      parse(bytes) {
        const count = textOf(bytes).split('\n').length
        for (const line of keyLines(textOf(bytes)).values())
          mustBe(line >= 1 && line <= count, `there is no line ${line}`)
      },
    },
  ]
}
