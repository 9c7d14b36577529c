/**
 * Normalise: from how a process ended and what it said to the one result the runtime accepts (spec 02 §4.4, mended).
 * The agent only reports; an outcome counts if it is legal for its node and what the stage owes was made by this run.
 * Pure: files are looked at through `Evidence`.
 */
import { clip, issuesText, problemsText } from './clip.ts'
import type { PlanNode } from './plan.ts'
import type { StageRequest } from './request.ts'
import { type RawResult, type StageResult, TerminalResult } from './result.ts'
import type { OwedArtifact, ResultClass } from './stage.ts'
import { verdictObjection } from './verdict.ts'

/** What the stage left behind, looked at when it had ended. */
export interface Evidence {
  /** Text of the structured result file; null if the stage wrote none. */
  terminalResult: string | null
  /** Text of a file the stage owes; null if absent or not text. `fresh` = not there before the stage started. */
  owed(artifact: OwedArtifact): { text: string; fresh: boolean } | null
  /** Whether a path the stage points at is a file inside the run folder. */
  inRunFolder(path: string): boolean
  /** Documents handed in, by kind, and what is wrong with them. */
  handIns: { kind: string; id: string; faults: string[] }[]
  /** What is wrong with the stage's own active document, if it is broken now. */
  activeDocumentFaults: string[]
  /** Findings of validators run after the stage. */
  findings: string[]
}

interface Outcome {
  terminal: string
  resultClass: ResultClass
  source: 'structured_result_file' | 'stdout_terminal_token'
  structured: TerminalResult | null
}

type Reading = { ok: true; outcome: Outcome } | { ok: false; failure: string; note: string }

const reject = (failure: string, note: string): Reading => ({ ok: false, failure, note })

export function normalise(request: StageRequest, node: PlanNode, raw: RawResult, evidence: Evidence): StageResult {
  const reading = readOutcome(request, node, raw, evidence)
  const accepted = reading.ok ? judge(request, reading.outcome, node, evidence) : reading
  const outcome = accepted.ok ? accepted.outcome : null
  const terminal = outcome?.terminal ?? node.failure_outcome
  const resultClass: ResultClass = outcome?.resultClass ?? 'recoverable_failure'
  const structured = reading.ok ? reading.outcome.structured : null
  const started = Date.parse(raw.started_at)
  const ended = Math.max(started, Date.parse(raw.ended_at))
  const report = [request.preferred_report_path, request.preferred_troubleshoot_report_path].find(
    (path) => path !== null && evidence.inRunFolder(path),
  )
  const owed = outcome ? (request.owed_artifacts_by_outcome[terminal] ?? []).map((artifact) => artifact.path) : []
  return {
    schema_version: '1.0',
    kind: 'stage_result',
    run_id: request.run_id,
    plane: request.plane,
    stage: request.stage_kind_id,
    node_id: request.node_id,
    stage_kind_id: request.stage_kind_id,
    work_item_kind: request.active_work_item_kind ?? 'spec',
    work_item_id: request.active_work_item_id ?? request.closure_target_root_spec_id ?? '',
    terminal_result: terminal,
    result_class: resultClass,
    summary_status_marker: `### ${terminal}`,
    success: resultClass === 'success',
    retryable: outcome === null,
    exit_code: raw.exit_code ?? (outcome === null ? 1 : 0),
    duration_seconds: (ended - started) / 1000,
    report_artifact: report ?? null,
    artifact_paths: [
      ...new Set([
        ...owed,
        ...(structured?.artifacts ?? []),
        ...(report ? [report] : []),
        ...(raw.event_log_path ? [raw.event_log_path] : []),
      ]),
    ],
    detected_marker: outcome?.source === 'stdout_terminal_token' ? `### ${terminal}` : null,
    stdout_path: raw.stdout_path,
    stderr_path: raw.stderr_path,
    runner_name: raw.runner_name,
    model_name: raw.model_name,
    model_reasoning_effort: request.model_reasoning_effort,
    token_usage: raw.token_usage,
    notes: [
      ...(accepted.ok ? [] : [accepted.note]),
      ...(structured?.summary ? [structured.summary] : []),
      ...(structured?.notes ?? []),
      ...evidence.findings,
      ...raw.notes,
    ],
    metadata: {
      request_id: request.request_id,
      request_kind: request.request_kind,
      mode_id: request.mode_id,
      compiled_plan_id: request.compiled_plan_id,
      closure_target_root_spec_id: request.closure_target_root_spec_id,
      closure_target_root_idea_id: request.closure_target_root_idea_id,
      preferred_rubric_path: request.preferred_rubric_path,
      preferred_verdict_path: request.preferred_verdict_path,
      preferred_report_path: request.preferred_report_path,
      normalization_source: outcome?.source ?? 'failure',
      failure_class: accepted.ok ? null : accepted.failure,
      valid_terminal_result: outcome !== null,
      raw_ending: raw.ending,
      raw_exit_code: raw.exit_code,
      environment_cause: raw.cause,
      resets_at: raw.resets_at,
      session_id: raw.session_id,
      processes_swept: raw.swept,
      ...(outcome?.structured?.resume_stage ? { resume_stage: outcome.structured.resume_stage } : {}),
    },
    started_at: raw.started_at,
    completed_at: ended === started ? raw.started_at : raw.ended_at,
  }
}

function readOutcome(request: StageRequest, node: PlanNode, raw: RawResult, evidence: Evidence): Reading {
  if (raw.request_id !== request.request_id || raw.run_id !== request.run_id)
    return reject('runner_transport_failure', 'the runner answered for another request')
  if (raw.cause !== null && raw.ending !== 'exited')
    return reject(`environment_${raw.cause}`, raw.message ?? `the runner reported ${raw.cause}`)
  switch (raw.ending) {
    case 'timed_out':
      return reject('runner_timeout', raw.message ?? `the stage did not end within ${request.timeout_seconds} s`)
    case 'provider_error':
      return reject('provider_failure', raw.message ?? 'the provider of the model failed')
    case 'stalled':
      return reject('runner_stalled', raw.message ?? 'the agent showed no sign of life for too long')
    case 'over_budget':
      return reject('runner_over_budget', raw.message ?? 'the stage used more than its rule allows')
    case 'context_overflow':
      return reject('context_overflow', raw.message ?? 'the prompt has outgrown the context window of the model')
    case 'session_gone':
      return reject('session_gone', raw.message ?? 'the session to be continued is not there any more')
    case 'output_limit':
      return reject('runner_output_limit', raw.message ?? 'the agent printed more than allowed')
    case 'cancelled':
    case 'killed':
    case 'not_started':
      return reject('runner_transport_failure', raw.message ?? `the agent was ${raw.ending.replace('_', ' ')}`)
    case 'exited':
      break
  }
  if (raw.exit_code !== 0 && raw.exit_code !== null)
    return reject('runner_transport_failure', raw.message ?? `the agent ended with exit code ${raw.exit_code}`)
  return evidence.terminalResult === null ? readMarkers(node, raw.final_message) : readStructured(node, evidence)
}

/** All of it is kept in the stage result; whatever is longer belongs in an artifact. */
const TERMINAL_RESULT_CHARS_MAX = 128 * 1024
const OUTCOME_CHARS_MAX = 100

const shown = (outcome: string): string => clip(outcome, OUTCOME_CHARS_MAX)

function readStructured(node: PlanNode, evidence: Evidence): Reading {
  const text = evidence.terminalResult ?? ''
  if (text.length > TERMINAL_RESULT_CHARS_MAX)
    return reject(
      'illegal_terminal_result',
      `the structured result file is longer than ${TERMINAL_RESULT_CHARS_MAX} characters`,
    )
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    return reject('illegal_terminal_result', `the structured result file is not JSON: ${(error as Error).message}`)
  }
  const parsed = TerminalResult.safeParse(json)
  if (!parsed.success)
    return reject(
      'illegal_terminal_result',
      `the structured result file does not follow its schema: ${issuesText(parsed.error.issues)}`,
    )
  const structured = parsed.data
  const terminal = structured.terminal_result.replace(/^###\s+/, '')
  const classes = classesOf(node, terminal)
  if (!classes) return reject('illegal_terminal_result', `${shown(terminal)} is no outcome of node ${node.node_id}`)
  if (structured.result_class && !classes.includes(structured.result_class))
    return reject('illegal_terminal_result', `${terminal} cannot carry the class ${structured.result_class}`)
  const missing = (structured.artifacts ?? []).filter((path) => !evidence.inRunFolder(path))
  if (missing.length > 0)
    return reject(
      'missing_required_artifact',
      `named in the result but not in the run folder: ${problemsText(missing)}`,
    )
  return {
    ok: true,
    outcome: {
      terminal,
      resultClass: structured.result_class ?? classes[0]!,
      source: 'structured_result_file',
      structured,
    },
  }
}

/** Result classes an outcome may carry at the node, its default first; null if the node has no such outcome. */
function classesOf(node: PlanNode, outcome: string): readonly ResultClass[] | null {
  const classes = node.allowed_result_classes_by_outcome
  return Object.hasOwn(classes, outcome) ? classes[outcome]! : null
}

const MARKER = /^###[ \t]+([A-Z][A-Z0-9_]*)[ \t]*$/

/**
 * The last non-blank line must be a marker legal for the node. Markers elsewhere only, or two different ones of this
 * node, are failures; other headings are text (design §9).
 */
function readMarkers(node: PlanNode, message: string | null): Reading {
  const lines = (message ?? '').split('\n').map((line) => line.trim())
  const tokens = lines.flatMap((line) => MARKER.exec(line)?.[1] ?? [])
  const legal = new Set(tokens.filter((token) => classesOf(node, token) !== null))
  const last = MARKER.exec(lines.findLast((line) => line !== '') ?? '')?.[1]
  if (legal.size > 1)
    return reject('conflicting_terminal_results', `the final message has several markers: ${[...legal].join(', ')}`)
  const classes = last === undefined ? null : classesOf(node, last)
  if (last !== undefined && classes !== null) {
    const outcome: Outcome = {
      terminal: last,
      resultClass: classes[0]!,
      source: 'stdout_terminal_token',
      structured: null,
    }
    return { ok: true, outcome }
  }
  if (last !== undefined)
    return reject(
      'illegal_terminal_result',
      `${shown(last)} is no outcome of node ${node.node_id}; it has ${Object.keys(node.allowed_result_classes_by_outcome).join(', ')}`,
    )
  if (legal.size === 1)
    return reject('missing_terminal_result', `the marker ${[...legal][0]} is not the last line of the final message`)
  return reject(
    'missing_terminal_result',
    message === null ? 'the agent left no final message' : 'the final message ends without a terminal marker',
  )
}

/** Whether the evidence supports a legal outcome: artifacts owed, documents handed in, the active document, validators. */
function judge(request: StageRequest, outcome: Outcome, node: PlanNode, evidence: Evidence): Reading {
  for (const artifact of request.owed_artifacts_by_outcome[outcome.terminal] ?? []) {
    const found = evidence.owed(artifact)
    if (found === null || found.text.trim() === '')
      return reject(
        'missing_required_artifact',
        `${outcome.terminal} owes ${artifact.name} at ${artifact.path}, which is ${found === null ? 'not there' : 'empty'}`,
      )
    if (!found.fresh && !artifact.reuse)
      return reject('missing_required_artifact', `${artifact.name} at ${artifact.path} was not made by this stage run`)
    if (artifact.format === 'json' && !isJson(found.text))
      return reject('missing_required_artifact', `${artifact.name} at ${artifact.path} is not JSON`)
    if (artifact.format === 'verdict') {
      const objection = verdictObjection(found.text, request.closure_target_root_spec_id, outcome.resultClass)
      if (objection) return reject('verdict_not_pass', objection)
    }
  }
  if (outcome.resultClass !== 'blocked' && evidence.activeDocumentFaults.length > 0)
    return reject('document_invalid', `the active document is broken: ${evidence.activeDocumentFaults.join('; ')}`)
  for (const rule of node.hand_ins.filter((handIn) => handIn.outcomes.includes(outcome.terminal))) {
    const documents = evidence.handIns.filter((document) => document.kind === rule.kind)
    const broken = documents.filter((document) => document.faults.length > 0)
    if (broken.length > 0)
      return reject(
        'document_invalid',
        broken.map((document) => `${document.kind} ${document.id}: ${document.faults.join('; ')}`).join(' | '),
      )
    if (documents.length < rule.at_least)
      return reject(
        'hand_in_missing',
        `${outcome.terminal} needs at least ${rule.at_least} ${rule.kind} in the outbox; there are ${documents.length}`,
      )
  }
  if (outcome.resultClass === 'success' && evidence.findings.length > 0)
    return reject('document_invalid', evidence.findings.join('; '))
  return { ok: true, outcome }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Failures of the surroundings, which are tried again later and use no defect budget. */
export function isEnvironmentFailure(result: StageResult): boolean {
  return String(result.metadata.failure_class ?? '').startsWith('environment_')
}
