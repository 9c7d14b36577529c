/**
 * The files a runner leaves in the run folder, their names and their shapes (spec 01 §1.5, §4.13, §4.14).
 * Each name follows from the request id, so a later process finds them without being told.
 */
import * as path from 'node:path'
import * as z from 'zod'
import type { Files } from '../core/files.ts'
import { jsonText } from '../core/json.ts'
import type { StageRequest } from '../core/request.ts'
import type { Ending, RawResult } from '../core/result.ts'
import { decode } from './lines.ts'
import type { Handle } from './runner.ts'

export interface RunFiles {
  prompt: string
  invocation: string
  stdout: string
  stderr: string
  events: string
  lastMessage: string
  handle: string
  /** Pid of the keeper, written by itself. */
  pid: string
  /** Exit status and a line feed; a dash if the agent was ended without leaving one. */
  exit: string
  /** Why we asked the agent to stop; there before the first signal is sent. */
  stop: string
  /** When processor time of a silent agent was last seen. */
  signs: string
  completion: string
}

export function runFiles(request: Pick<StageRequest, 'run_dir' | 'request_id'>): RunFiles {
  const at = (name: string, suffix = '') => path.join(request.run_dir, `runner_${name}.${request.request_id}${suffix}`)
  return {
    prompt: at('prompt', '.md'),
    invocation: at('invocation', '.json'),
    stdout: at('stdout', '.txt'),
    stderr: at('stderr', '.txt'),
    events: at('events', '.jsonl'),
    lastMessage: at('last_message', '.txt'),
    handle: at('handle', '.json'),
    pid: at('pid'),
    exit: at('exit'),
    stop: at('stop', '.json'),
    signs: at('signs', '.json'),
    completion: at('completion', '.json'),
  }
}

/** Replaces the file whole, so no reader sees half of it. */
export function writeJson(files: Files, file: string, value: unknown): void {
  const sibling = path.join(path.dirname(file), `.${path.basename(file)}.tmp`)
  files.write(sibling, jsonText(value))
  files.rename(sibling, file)
}

function readJson<T>(files: Files, file: string, schema: z.ZodType<T>): T | null {
  const bytes = files.read(file)
  if (bytes === null) return null
  try {
    return schema.safeParse(JSON.parse(decode(bytes))).data ?? null
  } catch {
    return null
  }
}

// ---- the handle ----------------------------------------------------------------------------------------------------

/** Times are compared and counted from: a record with one that cannot be read is as good as none. */
const time = z.string().refine((text) => !Number.isNaN(Date.parse(text)))

const HandleRecord = z.object({
  schema_version: z.literal('1.0'),
  kind: z.literal('runner_handle'),
  request_id: z.string(),
  run_id: z.string(),
  runner_name: z.string(),
  pid: z.int().min(1),
  start_time: z.string(),
  boot_id: z.string(),
  run_dir: z.string(),
  started_at: time,
  deadline_boot_ms: z.number(),
  stop_grace_seconds: z.number(),
})

export function writeHandle(files: Files, file: string, handle: Handle): void {
  writeJson(files, file, { schema_version: '1.0', kind: 'runner_handle', ...handle })
}

/** Null if there is none, or none that can be read. */
export function readHandle(files: Files, file: string): Handle | null {
  const record = readJson(files, file, HandleRecord)
  if (record === null) return null
  const { schema_version: _version, kind: _kind, ...handle } = record
  return handle
}

// ---- how it ended --------------------------------------------------------------------------------------------------

/** The exit record: null if it is not there, or not there whole. */
export function readExit(files: Files, file: string): { code: number | null } | null {
  const bytes = files.read(file)
  const match = bytes === null ? null : /^(\d{1,3}|-)\n$/.exec(decode(bytes))
  return match ? { code: match[1] === '-' ? null : Number(match[1]) } : null
}

export function writeExit(files: Files, file: string, code: number | null): void {
  files.write(file, `${code ?? '-'}\n`)
}

const STOP_REASONS = ['cancelled', 'killed', 'timed_out', 'output_limit', 'stalled', 'over_budget'] as const
export type StopReason = (typeof STOP_REASONS)[number]
const StopRecord = z.object({ reason: z.enum(STOP_REASONS) })

export const readStop = (files: Files, file: string): StopReason | null =>
  readJson(files, file, StopRecord)?.reason ?? null

export function writeStop(files: Files, file: string, reason: StopReason, at: string): void {
  writeJson(files, file, { schema_version: '1.0', kind: 'runner_stop', reason, requested_at: at })
}

// ---- at work ---------------------------------------------------------------------------------------------------------

const CpuSign = z.object({ at: time, cpu_ms: z.number().min(0) })

/** Processor time the processes of a silent agent had used when they were last seen using some. */
export const readCpuSign = (files: Files, file: string) => readJson(files, file, CpuSign)

export function writeCpuSign(files: Files, file: string, sign: z.infer<typeof CpuSign>): void {
  writeJson(files, file, { schema_version: '1.0', kind: 'runner_signs', ...sign })
}

// ---- invocation and completion ---------------------------------------------------------------------------------------

const SECRET_NAME = /(?:^|[._-])(?:api[_-]?key|access[_-]?key|token|secret|password|passwd|authorization)$/i

/** Hides values whose name says that they are secret, in `name=value` and `--name value` arguments. */
export function redact(argv: readonly string[]): string[] {
  return argv.map((argument, index) => {
    const [, name] = /^([^=\s]+)=./s.exec(argument) ?? []
    if (name && SECRET_NAME.test(name.replaceAll('"', ''))) return `${name}=<redacted>`
    return index > 0 && /^--?\w/.test(argv[index - 1]!) && SECRET_NAME.test(argv[index - 1]!) ? '<redacted>' : argument
  })
}

const identity = (request: StageRequest) => ({
  request_id: request.request_id,
  run_id: request.run_id,
  stage: request.stage_kind_id,
  request_kind: request.request_kind,
  active_work_item_id: request.active_work_item_id,
  closure_target_root_spec_id: request.closure_target_root_spec_id,
})

interface Invocation {
  runnerName: string
  argv: readonly string[]
  promptPath: string
  cwd: string
  environmentNames: readonly string[]
  emittedAt: string
}

/** Written before the launch. Environment variables by name only; the prompt is a file, never an argument. */
export function invocationRecord(request: StageRequest, invocation: Invocation) {
  return {
    schema_version: '1.0',
    kind: 'runner_invocation',
    ...identity(request),
    runner_name: invocation.runnerName,
    model_name: request.model_name,
    model_reasoning_effort: request.model_reasoning_effort,
    command: redact(invocation.argv),
    prompt_path: invocation.promptPath,
    emitted_at: invocation.emittedAt,
    cwd: invocation.cwd,
    environment_names: [...invocation.environmentNames].sort(),
  }
}

const InvocationRecord = z.object({ command: z.array(z.string()), emitted_at: time })

export const readInvocation = (files: Files, file: string) => readJson(files, file, InvocationRecord)

const EXIT_KINDS: Readonly<Record<Ending, string>> = {
  exited: 'completed',
  timed_out: 'timeout',
  cancelled: 'interrupted',
  killed: 'interrupted',
  not_started: 'runner_error',
  output_limit: 'runner_error',
  stalled: 'timeout',
  over_budget: 'interrupted',
  context_overflow: 'provider_error',
  session_gone: 'runner_error',
  provider_error: 'provider_error',
}

/** The exit status tools know for a stage that ran out of time, as `timeout(1)` gives it. */
const TIMEOUT_STATUS = 124

const exitKind = (raw: RawResult): string =>
  raw.ending === 'exited' && raw.exit_code !== 0 ? 'runner_error' : EXIT_KINDS[raw.ending]

function failureClass(raw: RawResult): string | null {
  switch (raw.ending) {
    case 'exited':
      return raw.exit_code === 0 ? null : 'runner_non_zero_exit'
    case 'timed_out':
      return 'runner_timeout'
    case 'not_started':
      return raw.cause === 'missing_binary' ? 'runner_binary_not_found' : 'runner_transport_failure'
    case 'provider_error':
      return 'runner_provider_failure'
    case 'output_limit':
      return 'runner_output_limit'
    case 'context_overflow':
    case 'session_gone':
      return raw.ending
    default:
      return 'runner_interrupted'
  }
}

/** Written after the end. Where we ended the agent, `observed_*` say what its process made of it. */
export function completionRecord(
  request: StageRequest,
  raw: RawResult,
  command: readonly string[],
  terminalResultPath: string | null,
  emittedAt: string,
) {
  const stopped = (STOP_REASONS as readonly string[]).includes(raw.ending)
  return {
    schema_version: '1.0',
    kind: 'runner_completion',
    ...identity(request),
    runner_name: raw.runner_name,
    model_reasoning_effort: request.model_reasoning_effort,
    exit_kind: exitKind(raw),
    exit_code: raw.ending === 'timed_out' ? TIMEOUT_STATUS : raw.exit_code,
    observed_exit_kind: stopped ? (raw.exit_code === 0 ? 'completed' : 'runner_error') : null,
    observed_exit_code: stopped ? raw.exit_code : null,
    stdout_path: raw.stdout_path,
    stderr_path: raw.stderr_path,
    terminal_result_path: terminalResultPath,
    event_log_path: raw.event_log_path,
    token_usage: raw.token_usage,
    started_at: raw.started_at,
    ended_at: raw.ended_at,
    failure_class: failureClass(raw),
    notes: raw.notes,
    command: [...command],
    emitted_at: emittedAt,
    cause: raw.cause,
    resets_at: raw.resets_at,
    message: raw.message,
    session_id: raw.session_id,
    swept: raw.swept,
  }
}
