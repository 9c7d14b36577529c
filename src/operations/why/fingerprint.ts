/** What the stages of a run changed and reported, as fingerprints that are equal for the same work. Asks git; reads only. */
import * as path from 'node:path'
import { sha256 } from '../../core/ids.ts'
import type { StageResult } from '../../core/result.ts'
import { findRepository, type Repository, tryGit } from '../../engine/git.ts'
import type { Context } from '../context.ts'
import { type RunParts, requestIdOf } from '../runs/summary.ts'
import {
  type Circle,
  type Fingerprint,
  lastPair,
  normalised,
  type Round,
  roundsOf,
  sameEdgeAgain,
  sameWorkAgain,
} from './rounds.ts'

const GIT_MS_MAX = 10_000
const FINDINGS_BYTES_MAX = 1024 * 1024

/** The circle a run is in now; null if it is in none, or that cannot be told. */
export async function circleOf(context: Context, parts: RunParts): Promise<Circle | null> {
  const rounds = roundsOf(parts.folder.transitions, parts.folder.results)
  const edge = sameEdgeAgain(rounds)
  const pair = edge === null ? lastPair(rounds) : null
  if (pair === null) return edge
  const found = await findRepository(context, context.workspaceRoot)
  if (!found.on) return null
  const prints = new Map<Round, Fingerprint>()
  for (const round of pair.work) prints.set(round, { change: await changeOf(found.repository, round), findings: null })
  for (const cause of pair.causes)
    if (cause !== null)
      prints.set(cause, { change: prints.get(cause)?.change ?? null, findings: findingsOf(context, parts, cause) })
  return sameWorkAgain(rounds, (round) => prints.get(round) ?? { change: null, findings: null })
}

/** Null where git has one of the trees no more. */
async function changeOf(repository: Repository, { before, after }: Round): Promise<string | null> {
  const options = { deadlineMs: repository.ports.clock.monotonicMs() + GIT_MS_MAX }
  const command = ['diff-tree', '-p', '-U0', '--no-color', '--no-ext-diff', '--no-renames', before!, after!]
  try {
    const { code, stdout } = await tryGit(repository, command, options)
    if (code !== 0) return null
    const lines = stdout.split('\n').filter((line) => !/^(index|@@) /.test(line))
    return sha256(lines.map(normalised).join('\n'))
  } catch {
    return null
  }
}

/** The report of a stage as it lies in the run folder, or in its history once a later stage has left its own. */
function findingsOf(context: Context, { folder }: RunParts, { transition }: Round): string | null {
  const result = folder.results.find((one) => requestIdOf(one) === transition.request_id)
  const texts = (result === undefined ? [] : reportsOf(result)).flatMap(
    (file) => textOf(context, folder.path, file, transition.request_id) ?? [],
  )
  return texts.length === 0 ? null : sha256(texts.map(normalised).join('\n'))
}

const reportsOf = (result: StageResult): string[] =>
  result.artifact_paths.length > 0
    ? result.artifact_paths
    : result.report_artifact === null
      ? []
      : [result.report_artifact]

/** A stage that owes the same artifact moves this one to its history before it begins: it lies under the later request. */
function textOf({ files }: Context, runDir: string, file: string, requestId: string): string | null {
  const name = path.basename(file)
  const history = path.join(runDir, 'history')
  const settledMs =
    files.stat(path.join(runDir, 'stage_results', `${requestId}.json`))?.mtimeMs ?? Number.POSITIVE_INFINITY
  const kept = (files.list(history) ?? []).map((request) => path.join(history, request, name))
  const candidates = [...kept, path.resolve(runDir, file)].flatMap((one) => {
    const stat = files.stat(one)
    return stat?.kind === 'file' && stat.bytes <= FINDINGS_BYTES_MAX && stat.mtimeMs <= settledMs
      ? [{ one, ms: stat.mtimeMs }]
      : []
  })
  const newest = candidates.sort((a, b) => b.ms - a.ms)[0]
  const bytes = newest === undefined ? null : files.read(newest.one)
  return bytes === null ? null : Buffer.from(bytes).toString('utf8')
}
