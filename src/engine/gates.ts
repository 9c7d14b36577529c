/**
 * Gates: what keeps the runtime from claiming, starting and judging: a stop, a pause, a rule on usage, an answer about a
 * subscription that is still to come, a disk that is nearly full. Settling and intake always go on.
 */
import { Draft } from '../core/changes.ts'
import type { PauseSource } from '../core/state.ts'
import { USAGE } from '../core/usage.ts'
import type { Engine } from './engine.ts'

/** Who pauses while the disk is nearly full. */
const DISK = 'disk'
const MIB = 1024 * 1024

/** Clears pauses and waits of runners whose time has come, and sets or clears those of the disk and of usage. */
export async function gates(engine: Engine): Promise<'open' | 'stop_requested' | 'paused' | 'waiting'> {
  const view = engine.workspace.view()
  const stop = view.snapshot.stop_requested
  if (engine.stopping !== 'no' || stop !== null) {
    if (engine.stopping !== 'no' || stop?.drain !== true) endLanes(engine)
    return 'stop_requested'
  }
  const draft = new Draft(view)
  const cleared = (source: PauseSource, reason: string) => {
    draft.snapshot.pause_sources = draft.snapshot.pause_sources.filter((other) => other !== source)
    draft.event('runtime_resumed', { source: source.source, reason })
  }
  for (const source of view.snapshot.pause_sources)
    if (source.until !== null && source.until <= view.now && source.source !== USAGE)
      cleared(source, 'its time has come')
  engine.governance.gate(draft, view)
  const over = view.snapshot.runner_waits.filter((wait) => wait.until <= view.now)
  if (over.length > 0) draft.snapshot.runner_waits = view.snapshot.runner_waits.filter((wait) => !over.includes(wait))
  for (const { runner_name, model_name, cause } of over) draft.event('runner_ready', { runner_name, model_name, cause })
  const low = lowDisk(engine)
  const told = view.snapshot.pause_sources.find((source) => source.source === DISK)
  if (told && low !== null && told.reason !== low)
    draft.snapshot.pause_sources = draft.snapshot.pause_sources.map((one) =>
      one === told ? { ...one, reason: low } : one,
    )
  if (told && low === null) cleared(told, 'there is room again')
  if (!told && low !== null) {
    draft.snapshot.pause_sources = [
      ...draft.snapshot.pause_sources,
      { source: DISK, reason: low, since: view.now, until: null },
    ]
    draft.event('runtime_paused', { source: DISK, reason: low, until: null })
  }
  await engine.commit(draft.finish())
  if (engine.workspace.view().snapshot.pause_sources.length > 0) return 'paused'
  return engine.governance.isAsking ? 'waiting' : 'open'
}

/** Why the disk has too little room for another stage, and what is being done about it; null if it has enough. */
export function lowDisk({ config, ports, workspace }: Engine): string | null {
  const floorMib = config.runtime.free_disk_floor_mib
  const freeMib = Math.floor(ports.files.freeBytes(workspace.places.runtime) / MIB)
  if (freeMib >= floorMib) return null
  const { snapshot } = workspace.view()
  const remedy = snapshot.retention?.asked
    ? 'what may go is being removed'
    : config.retention.automatic
      ? 'what may go has been removed'
      : '`millrace gc` says what may go'
  return `less than ${floorMib} MiB are free on the disk of the workspace (runtime.free_disk_floor_mib); ${remedy}`
}

/** Stops every agent at work; true once there is none. */
export function endLanes(engine: Engine): boolean {
  for (const lane of engine.lanes.values()) {
    if (lane.stop === 'none') lane.stop = 'stop'
    void lane.end(engine.stopping === 'kill' ? 'killed' : 'cancelled')
  }
  return engine.lanes.size === 0
}
