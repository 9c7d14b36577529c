/** Signs of life of an agent at work: what was seen of it, and whether that is enough not to call it wedged. Pure. */

/** What is seen of one stage from outside. Times are ISO. */
export interface Signs {
  /**
   * `alive`: its processes are there. `exited`: it ended, and nobody has taken its result yet. `gone`: no process and no
   * exit record. `unseen`: it was to be started, and there is no trace of it yet.
   */
  agent: 'alive' | 'exited' | 'gone' | 'unseen'
  /** File that says so: its handle or its exit record; null without a trace. */
  record: string | null
  startedAt: string | null
  /** Processes of the stage beside the keeper, and how many of them are stopped by a signal. */
  processes: { count: number; stopped: readonly number[] }
  lastOutput: { path: string; at: string } | null
  /** Kind of the last thing the agent told, where its harness tells anything. */
  lastEvent: string | null
  openTools: readonly { tool: string; detail: string }[]
  /** File its harness tells into; null if it tells nothing. */
  eventLog: string | null
  lastChange: { path: string; at: string } | null
  /** When its processes were last seen using processor time. */
  cpuAt: string | null
}

export interface Life {
  sign: 'tool' | 'output' | 'cpu' | 'files' | 'start'
  /** Of the newest sign; null for a tool whose agent shows nothing else. */
  at: string | null
}

/** The newest sign of life; null if there is none since `sinceMs` (milliseconds since the epoch) and no tool runs. */
export function lifeOf(signs: Signs, sinceMs: number): Life | null {
  const seen: [Life['sign'], string | null][] = [
    ['output', signs.lastOutput?.at ?? null],
    ['cpu', signs.cpuAt],
    ['files', signs.lastChange?.at ?? null],
    ['start', signs.startedAt],
  ]
  const told = seen.flatMap(([sign, at]) => (at === null ? [] : [{ sign, at }]))
  const newest = told.sort((a, b) => Date.parse(b.at) - Date.parse(a.at))[0]
  if (signs.openTools.length > 0) return { sign: 'tool', at: newest?.at ?? null }
  return newest !== undefined && Date.parse(newest.at) >= sinceMs ? newest : null
}

/** True if every process of the stage is stopped by a signal: until somebody lets them go on, nothing happens. */
export const isSuspended = ({ agent, processes }: Signs): boolean =>
  agent === 'alive' && processes.count > 0 && processes.stopped.length === processes.count
