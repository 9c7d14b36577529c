/** Reading run folders: requests, stage results and transition history of past and present runs. */
import * as path from 'node:path'
import { isSafeId } from '../core/ids.ts'
import { StageRequest } from '../core/request.ts'
import type { StageResult } from '../core/result.ts'
import { type Transition, transitionIn } from '../core/transition.ts'
import { type Files, readText, textOrNull } from './files.ts'
import { type Invocation, readInvocations } from './invocations.ts'
import { AT, type Places, runFolder } from './layout.ts'
import { stageResultIn } from './stage-result.ts'

export interface RunFolder {
  run_id: string
  /** Absolute. */
  path: string
  requests: StageRequest[]
  /** In order of completion. */
  results: StageResult[]
  /** Records of `transition_history.jsonl`, in order. */
  transitions: Transition[]
  /** What was started, where no request is kept: runs of the Python runtime. */
  invocations: Invocation[]
  /** Files that should be readable and are not, relative to the run folder. */
  malformed: string[]
}

/** Ids of all runs, newest first by their folder's age. */
export function runIds(files: Files, places: Places): string[] {
  const names = (files.list(places.at(AT.runs)) ?? []).filter(isSafeId)
  const aged = names.map((name) => ({
    name,
    at:
      files.stat(path.join(places.at(AT.runs), name, 'stage_requests'))?.mtimeMs ??
      files.stat(path.join(places.at(AT.runs), name))?.mtimeMs ??
      0,
  }))
  return aged.sort((a, b) => b.at - a.at || (a.name < b.name ? -1 : 1)).map(({ name }) => name)
}

/** One run folder; null if there is none of that id. */
export function readRun(files: Files, places: Places, runId: string): RunFolder | null {
  if (!isSafeId(runId)) return null
  const folder = places.at(runFolder(runId))
  if (files.stat(folder)?.kind !== 'directory') return null
  const malformed: string[] = []
  const results = readAll(files, folder, 'stage_results', (value) => stageResultIn(value, folder), malformed)
  const requests = readAll(files, folder, 'stage_requests', requestIn, malformed)
  const transitions: Transition[] = []
  const history = textOrNull(files, path.join(folder, 'transition_history.jsonl')) ?? ''
  for (const line of history.split('\n')) {
    if (line === '') continue
    const transition = transitionIn(line)
    if (transition !== null) transitions.push(transition)
    else if (!malformed.includes('transition_history.jsonl')) malformed.push('transition_history.jsonl')
  }
  results.sort((a, b) => (a.completed_at < b.completed_at ? -1 : a.completed_at > b.completed_at ? 1 : 0))
  const invocations = requests.length > 0 ? [] : readInvocations(files, folder)
  return { run_id: runId, path: folder, requests, results, transitions, invocations, malformed }
}

/** Members that this version does not know are passed over. */
const REQUEST = StageRequest.strip()

const requestIn = (value: unknown): StageRequest | null => REQUEST.safeParse(value).data ?? null

/** `read` gives null for a record of another kind. */
function readAll<T>(
  files: Files,
  folder: string,
  name: string,
  read: (value: unknown) => T | null,
  malformed: string[],
): T[] {
  return (files.list(path.join(folder, name)) ?? [])
    .filter((file) => file.endsWith('.json') && !file.startsWith('.'))
    .sort()
    .flatMap((file) => {
      try {
        const found = read(JSON.parse(readText(files, path.join(folder, name, file)) ?? ''))
        if (found !== null) return [found]
      } catch {
        // reported below, like a record of another kind
      }
      malformed.push(`${name}/${file}`)
      return []
    })
}

/** Request of a stage run, as it was made durable before the agent was started. */
export function readRequest(files: Files, places: Places, runId: string, requestId: string): StageRequest | null {
  const text = textOrNull(files, path.join(places.at(runFolder(runId)), 'stage_requests', `${requestId}.json`))
  try {
    return text === null ? null : requestIn(JSON.parse(text))
  } catch {
    return null
  }
}
