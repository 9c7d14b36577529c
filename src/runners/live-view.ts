/** Looking on while an agent works: its output as events, from the files of the run folder. */
import type { Files } from '../core/files.ts'
import type { StageRequest } from '../core/request.ts'
import { type AgentEvent, told } from './agent-event.ts'
import { readHandle, readInvocation, runFiles } from './artifacts.ts'
import type { Harness } from './harness.ts'
import { growingFile, type Line } from './lines.ts'
import type { LiveView } from './runner.ts'

/** Where there is nothing to look at. */
export const BLANK_VIEW: LiveView = {
  read: () => ({ events: [], more: false }),
  end: () => [],
  usage: () => null,
  startedAt: () => null,
  lastOutputMs: () => null,
}

export function liveView(harness: Harness, request: StageRequest, files: Files): LiveView {
  const run = runFiles(request)
  const transcript = harness.transcript(request.resume_session)
  let events: AgentEvent[] = []
  const take =
    harness.output === 'events'
      ? (line: Line) => void events.push(...transcript.line(line))
      : ({ text }: Line) => void (text.trim() !== '' && events.push({ event: 'output', text: told(text) }))
  const file = growingFile(files, harness.output === 'events' ? run.events : run.stdout, take)
  const taken = (): AgentEvent[] => {
    const all = events
    events = []
    return all
  }
  return {
    read(bytesMax) {
      const more = file.read(bytesMax)
      return { events: taken(), more }
    },
    end() {
      file.end()
      return taken()
    },
    usage: () => transcript.usage(),
    startedAt: () =>
      readHandle(files, run.handle)?.started_at ?? readInvocation(files, run.invocation)?.emitted_at ?? null,
    lastOutputMs() {
      const times = [run.events, run.stdout, run.stderr].flatMap((name) => files.stat(name)?.mtimeMs ?? [])
      return times.length === 0 ? null : Math.max(...times)
    },
  }
}
