/** A runner that is known by name but has no adapter in this version: refuses to start, with the reason. */
import { type Clock, isoTime } from '../core/clock.ts'
import type { RawResult } from '../core/result.ts'
import { blankResult } from './ending.ts'
import type { Runner } from './runner.ts'

export function unavailableRunner(name: string, clock: Clock): Runner {
  const problem = `The adapter for runner ${name} is not part of this version of Millrace; it arrives with a later one.`
  const remedy = 'bind the stages to codex_cli or command meanwhile'
  const refusal = (request: Parameters<Runner['start']>[0]): RawResult => ({
    ...blankResult(request, name, isoTime(clock.now())),
    cause: 'missing_binary', // a lack of the surroundings: it must not use up the defect budget of an item
    message: problem,
  })
  return {
    name,
    adoptable: false,
    start: async (request) => refusal(request),
    follow: (request) => ({
      result: Promise.resolve(refusal(request)),
      stop: async () => {},
      progress: () => ({ lastActivityMs: clock.monotonicMs(), outputBytes: 0 }),
    }),
    remains: async () => ({ state: 'gone', begun: false }),
    collect: async (request) => refusal(request),
    sweep: async () => 0,
    probe: async () => ({ runner: name, ok: false, binary: null, version: null, problem, remedy }),
  }
}
