/** The monitor between two transitions: every now and then a line on what an agent at work does. Looks only. */
import { clip } from '../core/clip.ts'
import type { AgentEvent } from '../runners/agent-event.ts'
import type { LiveView } from '../runners/runner.ts'
import type { Lane } from './dispatch.ts'
import type { Engine } from './engine.ts'

const LOOK_MS = 2000
/** A lane at work is told of this often at most, and one in which nothing happens this often. */
const TELL_MS = 10_000
const QUIET_MS = 60_000
/** Read of one agent in one look; the rest waits for the next. */
const READ_BYTES_MAX = 4 * 1024 * 1024
const TEXT_CHARS_MAX = 60

interface Watched {
  view: LiveView
  last: AgentEvent | null
  hasNews: boolean
  toldMs: number
}

/** Prints until it is told to stop, by the function it gives back. */
export function glanceAtLanes(
  engine: Pick<Engine, 'lanes' | 'runners' | 'clock'>,
  short: (runId: unknown) => string,
  print: (line: string) => void,
): () => void {
  const watched = new Map<string, Watched>()
  const look = (): void => {
    for (const id of watched.keys()) if (!engine.lanes.has(id)) watched.delete(id)
    for (const [id, lane] of engine.lanes) {
      const nowMs = engine.clock.monotonicMs()
      const view = watched.get(id)?.view ?? engine.runners.get(lane.request.runner_name)?.view(lane.request)
      if (view === undefined) continue
      const one = watched.get(id) ?? { view, last: null, hasNews: false, toldMs: nowMs }
      watched.set(id, one)
      const { events } = view.read(READ_BYTES_MAX)
      one.last = events.at(-1) ?? one.last
      one.hasNews ||= events.length > 0
      if (nowMs - one.toldMs < (one.hasNews ? TELL_MS : QUIET_MS)) continue
      print(glance(lane, one, short, engine.clock.now()))
      Object.assign(one, { hasNews: false, toldMs: nowMs })
    }
  }
  let cancel = (): void => {}
  const again = (): void => {
    cancel = engine.clock.after(LOOK_MS, () => {
      try {
        look()
      } catch {
        // What cannot be read just now is read with the next look.
      }
      again()
    })
  }
  again()
  return () => cancel()
}

function glance({ request }: Lane, { view, last }: Watched, short: (runId: unknown) => string, now: Date): string {
  const { plane, stage_kind_id: stage, node_id: node, run_id } = request
  const since = (ms: number) => `${(Math.max(0, now.getTime() - ms) / 1000).toFixed(1)}s`
  const startedAt = view.startedAt()
  const lastMs = view.lastOutputMs()
  const usage = view.usage()
  return [
    `stage live ${plane}/${stage}${node === stage ? '' : ` node=${node}`} run=${short(run_id)}`,
    ...(startedAt === null ? [] : [`elapsed=${since(Date.parse(startedAt))}`]),
    ...(lastMs === null ? [] : [`idle=${since(lastMs)}`]),
    ...(usage === null ? [] : [`tokens=total=${usage.total_tokens}`]),
    ...(last === null ? [] : [deed(last)]),
  ].join(' ')
}

function deed(event: AgentEvent): string {
  const quoted = (text: string) => JSON.stringify(clip(text, TEXT_CHARS_MAX)).replace(/[\u007f-\u009f]/g, '')
  switch (event.event) {
    case 'tool_started':
      return `tool=${quoted(event.tool)} on=${quoted(event.detail)}`
    case 'tool_ended':
      return `tool=${quoted(event.tool)} ${event.ok ? 'ended' : 'failed'}`
    default:
      return `${event.event}=${quoted(event.text)}`
  }
}
