/** Heeding stop files at intake: each is answered by one event, and the file stays where it lies. */
import { Draft } from '../core/changes.ts'
import { nextClosureTime } from '../core/completion.ts'
import { isWatched } from '../core/watch-config.ts'
import { STOP_FILES, type StopFile, stopFilesIn } from '../store/stop-files.ts'
import type { Engine } from './engine.ts'

/** Who pauses while the tasklist is stopped. */
const TASKLIST = 'tasklist'
const COMPLETE = ['runtime_completion_requested', 'stop_file'] as const

/** The stop files that lie there and are heeded. */
export const heededFiles = ({ ports, workspace, config }: Engine): StopFile[] =>
  isWatched(config.watchers, 'stop_files') ? stopFilesIn(ports.files, workspace.places) : []

/** Takes in what stop files there are, and what is gone. Gives how much of that was news. */
export async function heedStopFiles(engine: Engine): Promise<number> {
  const found = heededFiles(engine)
  engine.stopFiles = found
  const view = engine.workspace.view()
  const draft = new Draft(view)
  if (found.includes('stop') && view.snapshot.stop_requested === null) requestStop(draft, view.now, 'stop', false)
  if (!found.includes('complete')) draft.forget(...COMPLETE)
  else draft.announce(...COMPLETE, STOP_FILES.complete, { file: STOP_FILES.complete })
  const paused = view.snapshot.pause_sources.some(({ source }) => source === TASKLIST)
  if (found.includes('tasklist') !== paused) pauseTasklist(draft, view.now, !paused)
  const changes = draft.finish()
  await engine.commit(changes)
  return changes.length > 0 ? 1 : 0
}

function pauseTasklist(draft: Draft, since: string, isPaused: boolean): void {
  const others = draft.snapshot.pause_sources.filter(({ source }) => source !== TASKLIST)
  const file = STOP_FILES.tasklist
  if (!isPaused) {
    draft.snapshot.pause_sources = others
    draft.event('runtime_resumed', { source: TASKLIST, reason: `${file} is gone` })
    return
  }
  const reason = `${file} lies in the workspace`
  draft.snapshot.pause_sources = [...others, { source: TASKLIST, reason, since, until: null }]
  draft.event('runtime_paused', { source: TASKLIST, reason, until: null, file })
}

/** Asks the runtime to stop where a stop file wants that once nothing is left, and nothing is. True if it was asked. */
export async function stopIfComplete(engine: Engine): Promise<boolean> {
  if (!engine.stopFiles.includes('complete') || engine.turn !== null) return false
  const view = engine.workspace.view()
  if (view.snapshot.stop_requested !== null || nextClosureTime(view) !== null) return false
  const draft = new Draft(view)
  requestStop(draft, view.now, 'complete', true)
  await engine.commit(draft.finish())
  return true
}

function requestStop(draft: Draft, since: string, which: StopFile, drain: boolean): void {
  draft.snapshot.stop_requested = { drain, since }
  const active_runs = draft.snapshot.active_runs.map((run) => run.run_id)
  draft.event('runtime_stopped', { drain, active_runs, file: STOP_FILES[which] })
}
