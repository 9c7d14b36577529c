/** The last word of a run: report, final message, output, complaints, in that order; of the newest stage that left one. */
import * as path from 'node:path'
import { MillraceError } from '../../core/errors.ts'
import type { Files } from '../../store/files.ts'
import type { RunsTailOutput } from '../schemas/runs.ts'
import { type RunParts, requestIdOf } from './summary.ts'

/** Of a longer text only the end is given. */
const TEXT_BYTES_MAX = 1024 * 1024

type Source = RunsTailOutput['source']

export function tailOf(files: Files, { folder, active }: RunParts): RunsTailOutput {
  const stages = folder.results.map((result) => ({
    node_id: result.node_id,
    request_id: requestIdOf(result),
    report: result.report_artifact,
    stdout: result.stdout_path,
    stderr: result.stderr_path,
  }))
  if (active?.request_id) {
    stages.push({ node_id: active.node_id, request_id: active.request_id, report: null, stdout: null, stderr: null })
  }
  const newest = stages.reverse()
  const of = (source: Source, file: (stage: (typeof stages)[number]) => string | null): Found[] =>
    newest.flatMap((stage) => {
      const named = file(stage)
      return named === null ? [] : [{ source, node_id: stage.node_id, path: path.resolve(folder.path, named) }]
    })
  // Names the runners give their files (spec 01 §1.5).
  const ofRunner = (name: string) => (stage: (typeof stages)[number]) =>
    stage.request_id && `runner_${name}.${stage.request_id}.txt`
  const candidates = [
    ...of('report', (stage) => stage.report),
    ...of('final_message', ofRunner('last_message')),
    ...of('stdout', (stage) => stage.stdout ?? ofRunner('stdout')(stage)),
    ...of('stderr', (stage) => stage.stderr ?? ofRunner('stderr')(stage)),
  ]
  for (const candidate of candidates) {
    const read = readEnd(files, candidate.path)
    if (read !== null && read.text.trim() !== '') return { run_id: folder.run_id, ...candidate, ...read }
  }
  throw new MillraceError('run_unknown', `Run ${folder.run_id} has left nothing to read yet.`, {
    hint: `see where it stands with: millrace runs show ${folder.run_id}`,
  })
}

type Found = Pick<RunsTailOutput, 'source' | 'node_id' | 'path'>

function readEnd(files: Files, file: string): { text: string; truncated: boolean } | null {
  const stat = files.stat(file)
  if (stat?.kind !== 'file') return null
  const from = Math.max(0, stat.bytes - TEXT_BYTES_MAX)
  const bytes = files.readRange(file, from, stat.bytes - from)
  return bytes === null ? null : { text: Buffer.from(bytes).toString('utf8'), truncated: from > 0 }
}
