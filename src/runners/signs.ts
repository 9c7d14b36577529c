/**
 * Looking for signs of life of an agent at work, from whatever process: its files, its processes, the working tree.
 * Writes nothing. Processor time is also told by the runtime that follows the agent (stall.ts), which sees it over time.
 */
import type { Clock } from '../core/clock.ts'
import { isoTime } from '../core/clock.ts'
import type { Files } from '../core/files.ts'
import type { StageRequest } from '../core/request.ts'
import type { Signs } from '../core/signs.ts'
import type { AgentEvent } from './agent-event.ts'
import { type RunFiles, readCpuSign, readExit, readHandle, runFiles } from './artifacts.ts'
import { carriersOf, cpuMsOf, isStopped, processIdentity } from './process.ts'
import type { LiveView } from './runner.ts'
import { CPU_SHARE_MIN, changedSince } from './stall.ts'

interface SignPorts {
  files: Files
  clock: Clock
}

const READ_BYTES_MAX = 4 * 1024 * 1024
/** An agent that does nothing visible is watched for so long before it is said to use no processor time. */
const WATCH_MS = 1500
const WATCH_STEP_MS = 250

/** `freshMs`: an output or change that is younger makes watching the processes needless. */
export async function signsOf(
  request: StageRequest,
  view: LiveView | null,
  { files, clock }: SignPorts,
  freshMs: number,
): Promise<Signs> {
  const run = runFiles(request)
  const told = toldBy(view)
  const lastOutput = newestOf(files, [run.events, run.stdout, run.stderr])
  const startedAt = view?.startedAt() ?? readHandle(files, run.handle)?.started_at ?? null
  const found = { ...agentOf(files, request, run), startedAt, lastOutput, ...told }
  const eventLog = files.stat(run.events) === null ? null : run.events
  const lastChange = startedAt === null ? null : newestChange(files, request, Date.parse(startedAt))
  if (found.agent !== 'alive') return { ...found, eventLog, lastChange, cpuAt: null }
  const fresh = [lastOutput?.at, lastChange?.at].some(
    (at) => at !== undefined && clock.now().getTime() - Date.parse(at) < freshMs,
  )
  return { ...found, eventLog, lastChange, cpuAt: await cpuSign(request, run, { files, clock }, !fresh) }
}

function agentOf(files: Files, request: StageRequest, run: RunFiles): Pick<Signs, 'agent' | 'record' | 'processes'> {
  const carriers = carriersOf(request.request_id)
  const handle = readHandle(files, run.handle)
  const own = carriers.filter(({ pid }) => pid !== handle?.pid)
  const processes = { count: own.length, stopped: own.flatMap(({ pid }) => (isStopped(pid) ? [pid] : [])) }
  const handleFile = files.stat(run.handle) === null ? null : run.handle
  const lives = handle !== null && processIdentity.alive(handle.pid, handle.start_time, handle.boot_id)
  if (lives || carriers.length > 0) return { agent: 'alive', record: handleFile, processes }
  // It may have ended between the two looks: the exit record is its last word.
  if (readExit(files, run.exit) !== null) return { agent: 'exited', record: run.exit, processes }
  const begun = handleFile !== null || files.stat(run.pid) !== null
  return { agent: begun ? 'gone' : 'unseen', record: handleFile, processes }
}

/** What the agent told so far: the last kind of event, and the tools it has not told the end of. */
function toldBy(view: LiveView | null): Pick<Signs, 'lastEvent' | 'openTools'> {
  const open = new Map<string, { tool: string; detail: string }>()
  let lastEvent: string | null = null
  const take = (event: AgentEvent): void => {
    lastEvent = event.event
    if (event.event === 'tool_started') open.set(keyOf(event), { tool: event.tool, detail: event.detail })
    if (event.event === 'tool_ended') open.delete(keyOf(event))
  }
  for (let more = view !== null; more; ) {
    const read = view!.read(READ_BYTES_MAX)
    for (const event of read.events) take(event)
    more = read.more
  }
  return { lastEvent, openTools: [...open.values()] }
}

const keyOf = ({ id, tool }: { id: string | null; tool: string }): string => id ?? tool

function newestOf(files: Files, names: readonly string[]): Signs['lastOutput'] {
  const seen = names.flatMap((name) => {
    const stat = files.stat(name)
    return stat === null || stat.bytes === 0 ? [] : [{ path: name, ms: stat.mtimeMs }]
  })
  const newest = seen.sort((a, b) => b.ms - a.ms)[0]
  return newest === undefined ? null : { path: newest.path, at: isoTime(new Date(newest.ms)) }
}

function newestChange(files: Files, request: StageRequest, sinceMs: number): Signs['lastChange'] {
  let newest: { path: string; mtimeMs: number } | null = null
  for (const change of changedSince(files, request, sinceMs))
    if (!/^runner_/.test(change.path.split('/').at(-1)!) && change.mtimeMs > (newest?.mtimeMs ?? 0)) newest = change
  return newest === null ? null : { path: newest.path, at: isoTime(new Date(newest.mtimeMs)) }
}

/** When processor time was last used, as far as that can be told without waiting, or by watching for a moment. */
async function cpuSign(
  request: StageRequest,
  run: RunFiles,
  { files, clock }: SignPorts,
  watch: boolean,
): Promise<string | null> {
  const known = readCpuSign(files, run.signs)
  const isWorth = (usedMs: number, overMs: number) => Math.abs(usedMs) >= overMs * CPU_SHARE_MIN
  const cpuMs = cpuMsOf(request.request_id)
  if (known !== null && cpuMs > known.cpu_ms) {
    if (isWorth(cpuMs - known.cpu_ms, clock.now().getTime() - Date.parse(known.at))) return isoTime(clock.now())
  }
  // Processor time is counted in ticks of 10 ms: only over the whole time does one of them mean little.
  for (let left = watch ? WATCH_MS : 0; left > 0; left -= WATCH_STEP_MS) {
    await new Promise<void>((resolve) => void clock.after(WATCH_STEP_MS, resolve))
    if (isWorth(cpuMsOf(request.request_id) - cpuMs, WATCH_MS)) return isoTime(clock.now())
  }
  return known?.at ?? null
}
