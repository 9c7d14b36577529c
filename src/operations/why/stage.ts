import { nodeOf } from '../../core/plan.ts'
import { isSuspended, lifeOf, type Signs } from '../../core/signs.ts'
import type { ActiveRun } from '../../core/state.ts'
import type { View } from '../../core/view.ts'
import { type Account, type Because, byItself, inSnapshot, type Next, person, waiting } from './account.ts'
import { absence, type Presence } from './presence.ts'
import type { Circle } from './rounds.ts'
import { workOf } from './standing.ts'

/** What is known of an active run beyond the view. */
export interface RunEvidence {
  /** With paths relative to the workspace. Null where nothing can be seen: the stage has not begun. */
  signs: Signs | null
  circle: Circle | null
  /** When the stage was taken over from an earlier runtime, if it was. */
  adoptedAt: string | null
  /** Seconds without any sign of life after which an agent counts as wedged. */
  wedgedAfterSeconds: number
}

export function started(run: ActiveRun, view: View, presence: Presence, evidence: RunEvidence): Account {
  const { signs } = evidence
  const missing = absence(presence)
  const begun = {
    ...inSnapshot,
    at: run.stage_since,
    code: 'started',
    fact: `${run.node_id} was started for ${workOf(run)}`,
  }
  const adopted: Because[] =
    evidence.adoptedAt === null
      ? []
      : [
          {
            path: null,
            event: 'stage_adopted',
            at: evidence.adoptedAt,
            code: 'adopted',
            fact: 'its agent was started by an earlier runtime, and is followed by this one',
          },
        ]
  const seen = signs === null ? [] : factsOf(signs)
  const facts = [begun, ...adopted, ...seen, ...missing.map(({ wait: _, next: __, can: ___, ...fact }) => fact)]
  const working = (next: Next): Account => ({
    verdict: 'working',
    waits_for: [],
    because: facts,
    next: [next, ...missing.map((one) => one.next)],
    can: missing.flatMap((one) => one.can),
  })
  if (signs === null) return working(byItself('its result is settled once it ends'))
  const file = { path: signs.record ?? inSnapshot.path, event: null }
  switch (signs.agent) {
    case 'exited':
      return missing.length > 0
        ? waiting(missing, { because: [begun, ...adopted, ...seen] })
        : working(byItself('its result is settled now'))
    case 'gone':
    case 'unseen':
      return missing.length > 0
        ? waiting(missing, {
            because: [begun, ...adopted, ...seen],
            next: [byItself('what it left is collected, or the node runs again')],
          })
        : working(
            byItself(
              signs.agent === 'gone'
                ? 'the runtime notices that it is gone, and settles what it left'
                : 'its agent is being started',
            ),
          )
  }
  if (isSuspended(signs)) {
    const pids = signs.processes.stopped.join(' ')
    const stopped = {
      ...file,
      at: null,
      code: 'agent_suspended',
      fact: `every process of the agent is stopped by a signal: ${pids}`,
      wait: 'human' as const,
      next: person(`let them go on: kill -CONT ${pids}`),
      can: [],
    }
    return waiting([stopped, ...missing], { because: [begun, ...adopted, ...seen] })
  }
  const sinceMs = Date.parse(view.now) - evidence.wedgedAfterSeconds * 1000
  if (lifeOf(signs, sinceMs) !== null)
    return working({ what: 'the agent ends its turn; its result is settled then', when: null, who: 'agent' })
  const silent = {
    ...file,
    at: lifeOf(signs, 0)?.at ?? null,
    code: 'no_sign_of_life',
    fact: `for ${evidence.wedgedAfterSeconds} s it printed nothing, ran no tool, used no processor time and changed no file`,
  }
  return {
    verdict: 'wedged',
    waits_for: ['human'],
    because: [silent, ...facts],
    next: [
      person('end it, or let it be'),
      { what: 'its time limit ends it', when: deadlineOf(run, view, signs), who: 'runtime' },
      ...missing.map((one) => one.next),
    ],
    can: missing.flatMap((one) => one.can),
  }
}

function deadlineOf(run: ActiveRun, view: View, { startedAt }: Signs): string | null {
  const plan = view.planOf(run.compiled_plan_id)
  const seconds = plan === null ? undefined : nodeOf(plan, run.plane, run.node_id)?.timeout_seconds
  if (seconds === undefined || startedAt === null) return null
  return new Date(Date.parse(startedAt) + seconds * 1000).toISOString()
}

const LAST: Readonly<Record<string, string>> = {
  message: 'a message',
  reasoning: 'reasoning',
  tool_started: 'the beginning of a tool',
  tool_ended: 'the end of a tool',
  retry: 'that it tries a request again',
  warning: 'a warning',
  output: 'a line of text',
}

function factsOf(signs: Signs): Because[] {
  const at = (file: string | null) => ({ path: file ?? inSnapshot.path, event: null })
  const trace: Because[] =
    signs.agent === 'alive'
      ? [
          {
            ...at(signs.record),
            at: signs.startedAt,
            code: 'agent_alive',
            fact: `its agent is there, with ${signs.processes.count} process${signs.processes.count === 1 ? '' : 'es'}`,
          },
        ]
      : signs.agent === 'exited'
        ? [
            {
              ...at(signs.record),
              at: signs.startedAt,
              code: 'agent_exited',
              fact: 'its agent has ended and left its exit record',
            },
          ]
        : signs.agent === 'gone'
          ? [
              {
                ...at(signs.record),
                at: signs.startedAt,
                code: 'agent_gone',
                fact: 'its agent is gone and left no exit record',
              },
            ]
          : []
  return [
    ...trace,
    ...signs.openTools.map(({ tool, detail }) => ({
      ...at(signs.eventLog),
      at: null,
      code: 'tool_running',
      fact: `its tool ${tool} is at work${detail === '' ? '' : `: ${detail}`}`,
    })),
    ...(signs.lastOutput === null
      ? []
      : [
          {
            ...at(signs.lastOutput.path),
            at: signs.lastOutput.at,
            code: 'output',
            fact: `the last it wrote was ${LAST[signs.lastEvent ?? 'output'] ?? 'an event'}`,
          },
        ]),
    ...(signs.cpuAt === null
      ? []
      : [{ ...at(signs.record), at: signs.cpuAt, code: 'cpu', fact: 'its processes use processor time' }]),
    ...(signs.lastChange === null
      ? []
      : [
          {
            ...at(signs.lastChange.path),
            at: signs.lastChange.at,
            code: 'file_changed',
            fact: `${signs.lastChange.path} was changed last`,
          },
        ]),
  ]
}
