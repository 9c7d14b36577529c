/**
 * A runner for stories that are told thousands of times: the stage happens in this process, at once, through the files
 * port of the story, so that a crash may fall between any two of its writes. What it leaves is what an agent leaves:
 * artifacts, documents in the outbox, and an exit record by which a later runtime knows that it had finished.
 */
import * as path from 'node:path'
import type { Clock } from '../core/clock.ts'
import { newDocument, renderDocument } from '../core/document.ts'
import type { Files } from '../core/files.ts'
import type { StageRequest } from '../core/request.ts'
import type { RawResult, TokenUsage } from '../core/result.ts'
import { blankResult } from '../runners/ending.ts'
import { BLANK_VIEW } from '../runners/live-view.ts'
import type { Handle, Runner } from '../runners/runner.ts'
import { readText } from '../store/files.ts'

/** What a stage does. `attempt` counts stage results of that node in the run, from 1; a text is what it reports. */
export type Script = (request: StageRequest, attempt: number, files: Files) => Act | string

export interface Act {
  /** What it reports. Null: it works until it is stopped. */
  outcome: string | null
  /** It does not report at all: its time runs out. */
  isLate?: true
  /** Done before it reports; what a person or another command does meanwhile goes in here too. */
  meanwhile?: (files: Files, clock: Clock) => unknown
}

/** Of one runner: what it was asked, in order. */
export interface Asked {
  started: string[]
  collected: string[]
}

const nothing = (): Asked => ({ started: [], collected: [] })

/** What the exit record of a stage says whose time ran out. */
const LATE = 'late'

interface Result {
  node_id?: string
  metadata?: { failure_class?: unknown }
}

/** Failures of the surroundings are no attempts. */
const isPutOff = ({ metadata }: Result): boolean => String(metadata?.failure_class).startsWith('environment_')

export function instantRunner(files: Files, clock: Clock, script: Script, asked: Asked = nothing()): Runner {
  const exitRecord = (request: StageRequest) => path.join(request.run_dir, `runner_exit.${request.request_id}`)
  const begunRecord = (request: StageRequest) => path.join(request.run_dir, `runner_handle.${request.request_id}.json`)
  const stops = new Map<string, () => void>()

  const attemptOf = (request: StageRequest): number => {
    const folder = path.join(request.run_dir, 'stage_results')
    const results = (files.list(folder) ?? [])
      .filter((name) => name.endsWith('.json'))
      .map((name) => JSON.parse(readText(files, path.join(folder, name)) ?? '{}') as Result)
    return results.filter((result) => result.node_id === request.node_id && !isPutOff(result)).length + 1
  }

  const resultOf = (request: StageRequest): RawResult => {
    const [code, outcome = ''] = (readText(files, exitRecord(request)) ?? '').trim().split(' ')
    if (code === LATE) return { ...blank(request), ending: 'timed_out', exit_code: null, token_usage: USED }
    return { ...blank(request), final_message: `Done.\n\n### ${outcome}`, token_usage: USED }
  }

  return {
    name: 'instant',
    adoptable: false,
    async start(request) {
      asked.started.push(request.request_id)
      files.write(begunRecord(request), '{}\n')
      const act = script(request, attemptOf(request), files)
      const { outcome, isLate, meanwhile } = typeof act === 'string' ? { outcome: act } : act
      await meanwhile?.(files, clock)
      if (isLate) files.write(exitRecord(request), `${LATE}\n`)
      else if (outcome !== null) {
        leave(files, request, outcome)
        files.write(exitRecord(request), `0 ${outcome}\n`)
      }
      return handleOf(request)
    },
    follow(request) {
      if (readText(files, exitRecord(request)) !== null)
        return { result: Promise.resolve(resultOf(request)), stop: async () => {}, progress }
      const result = new Promise<RawResult>((resolve) => {
        stops.set(request.request_id, () => resolve({ ...blank(request), ending: 'cancelled', exit_code: null }))
      })
      return { result, stop: async () => stops.get(request.request_id)?.(), progress }
    },
    view: () => BLANK_VIEW,
    async remains(request) {
      if (readText(files, exitRecord(request))?.endsWith('\n')) return { state: 'finished' }
      return { state: 'gone', begun: files.stat(begunRecord(request)) !== null }
    },
    async collect(request) {
      asked.collected.push(request.request_id)
      return resultOf(request)
    },
    sweep: async () => 0,
    probe: async () => ({ runner: 'instant', ok: true, binary: null, version: null, problem: null, remedy: null }),
  }
}

const progress = () => ({ lastActivityMs: 0, outputBytes: 0 })

/** What each stage that comes to its end says it used. */
const USED: TokenUsage = {
  input_tokens: 2,
  cached_input_tokens: 0,
  output_tokens: 1,
  thinking_tokens: 0,
  total_tokens: 3,
}

/** The artifacts an outcome owes, and one document of every kind it must hand in. */
function leave(files: Files, request: StageRequest, outcome: string): void {
  const write = (file: string, text: string) => {
    files.makeFolder(path.dirname(file))
    files.write(file, text)
  }
  const isSuccess = request.allowed_result_classes_by_outcome[outcome]?.[0] === 'success'
  for (const artifact of request.owed_artifacts_by_outcome[outcome] ?? []) {
    if (artifact.format === 'verdict') write(artifact.path, `${JSON.stringify(verdict(request, isSuccess))}\n`)
    else write(artifact.path, artifact.format === 'json' ? '{}' : `${artifact.name}\n`)
  }
  for (const rule of request.hand_ins.filter((handIn) => handIn.outcomes.includes(outcome) && handIn.at_least > 0)) {
    const id = `${request.active_work_item_id}-${rule.kind}`
    write(path.join(request.outbox_dir, rule.kind, `${id}.md`), taskText(id))
  }
}

export const verdict = (request: StageRequest, passes: boolean) => ({
  schema_version: '1.0',
  kind: 'closure_verdict',
  root_spec_id: request.closure_target_root_spec_id,
  verdict: passes ? 'pass' : 'gap',
  criteria: [{ id: 'C1', text: 'It holds.', result: passes ? 'pass' : 'fail', evidence: [] }],
  summary: '',
})

/** A task document with every field it needs. */
export function taskText(id: string, fields: Record<string, unknown> = {}): string {
  const task = {
    task_id: id,
    title: `Task ${id}`,
    target_paths: ['src/'],
    acceptance: ['It works.'],
    required_checks: ['none configured'],
    references: ['operator request'],
    risk: ['not assessed'],
    created_at: '2026-03-01T10:00:00Z',
    created_by: 'selftest',
  }
  return renderDocument(newDocument('task', { ...task, ...fields }))
}

const NOW = '2026-03-01T12:00:00.000Z'

function handleOf(request: StageRequest): Handle {
  return {
    request_id: request.request_id,
    run_id: request.run_id,
    runner_name: request.runner_name,
    pid: 0,
    start_time: '',
    boot_id: '',
    run_dir: request.run_dir,
    started_at: NOW,
    deadline_boot_ms: 0,
    stop_grace_seconds: 0,
  }
}

const blank = (request: StageRequest): RawResult => ({
  ...blankResult(request, request.runner_name, NOW),
  ending: 'exited',
  exit_code: 0,
})
