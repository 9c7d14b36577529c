/** Reading run folders: requests, stage results and transition history of past and present runs. */
import * as path from 'node:path'
import type * as z from 'zod'
import { isSafeId } from '../core/ids.ts'
import { StageRequest } from '../core/request.ts'
import { StageResult } from '../core/result.ts'
import { type Transition, transitionIn } from '../core/transition.ts'
import { type Files, readText } from './files.ts'
import { AT, type Places, runFolder } from './layout.ts'

export interface RunFolder {
  run_id: string
  /** Absolute. */
  path: string
  requests: StageRequest[]
  /** In order of completion. */
  results: StageResult[]
  /** Records of `transition_history.jsonl`, in order. */
  transitions: Transition[]
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
  const results = readAll(files, folder, 'stage_results', RESULT, malformed)
  const requests = readAll(files, folder, 'stage_requests', REQUEST, malformed)
  const transitions: Transition[] = []
  const history = textOrNull(files, path.join(folder, 'transition_history.jsonl')) ?? ''
  for (const line of history.split('\n')) {
    if (line === '') continue
    const transition = transitionIn(line)
    if (transition !== null) transitions.push(transition)
    else if (!malformed.includes('transition_history.jsonl')) malformed.push('transition_history.jsonl')
  }
  results.sort((a, b) => (a.completed_at < b.completed_at ? -1 : a.completed_at > b.completed_at ? 1 : 0))
  return { run_id: runId, path: folder, requests, results, transitions, malformed }
}

/** Members that this version does not know are passed over. */
const RESULT = StageResult.strip()
const REQUEST = StageRequest.strip()

function readAll<T>(files: Files, folder: string, name: string, schema: z.ZodType<T>, malformed: string[]): T[] {
  return (files.list(path.join(folder, name)) ?? [])
    .filter((file) => file.endsWith('.json') && !file.startsWith('.'))
    .sort()
    .flatMap((file) => {
      try {
        const read = schema.safeParse(JSON.parse(readText(files, path.join(folder, name, file)) ?? ''))
        if (read.success) return [read.data]
      } catch {
        // reported below, like a record of another kind
      }
      malformed.push(`${name}/${file}`)
      return []
    })
}

function textOrNull(files: Files, file: string): string | null {
  try {
    return readText(files, file)
  } catch {
    return null
  }
}

/** Request of a stage run, as it was made durable before the agent was started. */
export function readRequest(files: Files, places: Places, runId: string, requestId: string): StageRequest | null {
  const text = textOrNull(files, path.join(places.at(runFolder(runId)), 'stage_requests', `${requestId}.json`))
  try {
    return text === null ? null : (REQUEST.safeParse(JSON.parse(text)).data ?? null)
  } catch {
    return null
  }
}
