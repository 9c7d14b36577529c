/**
 * A runner for stories that are told thousands of times: the stage happens in this process, at once, through the files
 * port of the story, so that a crash may fall between any two of its writes. What it leaves is what an agent leaves:
 * artifacts, documents in the outbox, and an exit record by which a later runtime knows that it had finished.
 */
import * as path from 'node:path'
import { newDocument, renderDocument } from '../../src/core/document.ts'
import type { Files } from '../../src/core/files.ts'
import type { StageRequest } from '../../src/core/request.ts'
import type { RawResult } from '../../src/core/result.ts'
import type { Handle, Runner } from '../../src/runners/runner.ts'
import { readText } from '../../src/store/files.ts'
import { task } from './runtime.ts'

/** Which outcome a stage reports; `attempt` counts stage results of that node in the run. */
export type Script = (request: StageRequest, attempt: number) => string

export interface InstantRunner extends Runner {
  /** Requests started so far, in order. */
  started: string[]
}

const NOW = '2026-03-01T12:00:00.000Z'

export function instantRunner(files: Files, script: Script): InstantRunner {
  const record = (request: StageRequest) => path.join(request.run_dir, `runner_exit.${request.request_id}`)
  const started: string[] = []

  const attemptOf = (request: StageRequest): number => {
    const folder = path.join(request.run_dir, 'stage_results')
    const results = (files.list(folder) ?? [])
      .filter((name) => name.endsWith('.json'))
      .map((name) => JSON.parse(readText(files, path.join(folder, name)) ?? '{}') as { node_id?: string })
    return results.filter((result) => result.node_id === request.node_id).length + 1
  }

  const write = (file: string, text: string) => {
    files.makeFolder(path.dirname(file))
    files.write(file, text)
  }

  const perform = (request: StageRequest): void => {
    const outcome = script(request, attemptOf(request))
    const success = request.allowed_result_classes_by_outcome[outcome]?.[0] === 'success'
    for (const artifact of request.owed_artifacts_by_outcome[outcome] ?? []) {
      const verdict = {
        schema_version: '1.0',
        kind: 'closure_verdict',
        root_spec_id: request.closure_target_root_spec_id,
        verdict: success ? 'pass' : 'gap',
        criteria: [{ id: 'C1', text: 'It holds.', result: success ? 'pass' : 'fail', evidence: [] }],
        summary: '',
      }
      write(
        artifact.path,
        artifact.format === 'verdict'
          ? JSON.stringify(verdict)
          : artifact.format === 'json'
            ? '{}'
            : `${artifact.name}\n`,
      )
    }
    for (const rule of request.hand_ins.filter((handIn) => handIn.outcomes.includes(outcome) && handIn.at_least > 0)) {
      const id = `${request.active_work_item_id}-${rule.kind}`
      write(path.join(request.outbox_dir, rule.kind, `${id}.md`), renderDocument(newDocument('task', task(id))))
    }
    write(record(request), `0 ${outcome}\n`)
  }

  const resultOf = (request: StageRequest): RawResult => {
    const outcome = (readText(files, record(request)) ?? '').trim().split(' ')[1] ?? ''
    return { ...blank(request), final_message: `Done.\n\n### ${outcome}` }
  }

  return {
    name: 'scripted',
    adoptable: true,
    started,
    async start(request) {
      started.push(request.request_id)
      perform(request)
      return handleOf(request)
    },
    follow: (request) => ({
      result: Promise.resolve(resultOf(request)),
      stop: async () => {},
      progress: () => ({ lastActivityMs: 0, outputBytes: 0 }),
    }),
    remains: async (request) =>
      readText(files, record(request))?.endsWith('\n') ? { state: 'finished' } : { state: 'gone', begun: false },
    collect: async (request) => resultOf(request),
    sweep: async () => 0,
    probe: async () => ({ runner: 'scripted', ok: true, binary: null, version: null, problem: null, remedy: null }),
  }
}

function handleOf(request: StageRequest): Handle {
  return {
    request_id: request.request_id,
    run_id: request.run_id,
    runner_name: 'scripted',
    pid: 0,
    start_time: '',
    boot_id: '',
    run_dir: request.run_dir,
    started_at: NOW,
    deadline_boot_ms: 0,
    stop_grace_seconds: 0,
  }
}

function blank(request: StageRequest): RawResult {
  return {
    request_id: request.request_id,
    run_id: request.run_id,
    runner_name: 'scripted',
    model_name: null,
    ending: 'exited',
    cause: null,
    resets_at: null,
    message: null,
    exit_code: 0,
    final_message: null,
    session_id: null,
    stdout_path: null,
    stderr_path: null,
    event_log_path: null,
    token_usage: null,
    started_at: NOW,
    ended_at: NOW,
    swept: [],
    notes: [],
  }
}
