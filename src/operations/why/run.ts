/** Why a run stands where it stands. Pure: the run as the view has it, what its records say, and what was seen of its agent. */
import { waitOf } from '../../core/backoff.ts'
import { graphOf, nodeOf, type Plan } from '../../core/plan.ts'
import { isSuspended, lifeOf, type Signs } from '../../core/signs.ts'
import type { ActiveRun } from '../../core/state.ts'
import type { Transition } from '../../core/transition.ts'
import type { View } from '../../core/view.ts'
import { runFolder } from '../../store/layout.ts'
import {
  type Account,
  type Because,
  below,
  byItself,
  inSnapshot,
  type Next,
  person,
  type Step,
  waiting,
} from './account.ts'
import { absence, type Presence } from './presence.ts'
import type { Circle } from './rounds.ts'
import { standsBeforeRun, workOf } from './standing.ts'

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

const historyOf = (runId: string) =>
  ({ path: below(`${runFolder(runId)}/transition_history.jsonl`), event: null }) as const

// ---- an active run ---------------------------------------------------------------------------------------------------

export function whyActive(run: ActiveRun, view: View, presence: Presence, evidence: RunEvidence): Account {
  const plain = standing(run, view, presence, evidence)
  const { circle } = evidence
  const account = circle === null || run.held !== null ? plain : looping(run, plain, circle)
  return { ...account, can: [...new Set([...account.can, ...commandsFor(run, view, presence)])] }
}

function standing(run: ActiveRun, view: View, presence: Presence, evidence: RunEvidence): Account {
  if (run.held !== null) return heldRun(run, presence)
  if (run.cancel_requested !== null) return ending(run, presence)
  if (run.status === 'started') return started(run, view, presence, evidence)
  const plan = view.planOf(run.compiled_plan_id)
  const node = plan === null ? undefined : nodeOf(plan, run.plane, run.node_id)
  const refused = node === undefined ? null : waitOf(view.snapshot, node, view.now)
  const obstacles = standsBeforeRun(run, view, presence, refused)
  const where = {
    ...inSnapshot,
    at: run.stage_since,
    code: 'ready',
    fact: `${workOf(run)} is to be carried on at ${run.node_id}`,
  }
  if (obstacles.length > 0) return waiting(obstacles, { because: [where] })
  return {
    verdict: 'waiting',
    waits_for: ['turn'],
    because: [where],
    next: [byItself(`${run.node_id} is started`)],
    can: [],
  }
}

function heldRun(run: ActiveRun, presence: Presence): Account {
  const { reason, since } = run.held!
  const held = {
    ...inSnapshot,
    at: since,
    code: 'held',
    fact: `the run is held at ${run.node_id}: ${reason}`,
    wait: 'human' as const,
    next: person('mend what holds it, then release it'),
    can: ['millrace control clear-stale-state'],
  }
  return waiting([held, ...absence(presence)])
}

function ending(run: ActiveRun, presence: Presence): Account {
  const { reason, requeue } = run.cancel_requested!
  const what = requeue ? 'its item goes back to the queue' : 'its item is blocked'
  const asked = {
    ...inSnapshot,
    at: null,
    code: 'cancel_requested',
    fact: `it was asked to end: ${reason}`,
    wait: 'turn' as const,
    next: byItself(`the agent is ended, then ${what}`),
    can: [],
  }
  return waiting([asked, ...absence(presence)])
}

/** Which of the commands about a run would be accepted now. */
function commandsFor(run: ActiveRun, view: View, presence: Presence): string[] {
  const isEnding = run.cancel_requested !== null
  const isOnly = view.snapshot.active_runs.length === 1
  return [
    ...(run.status === 'started' ? [`millrace runs follow ${run.run_id}`] : []),
    ...(isEnding ? [] : [`millrace control cancel ${run.run_id}`]),
    ...(isOnly && !isEnding ? ['millrace control retry-active'] : []),
    ...(presence.state === 'working' && !view.snapshot.pause_sources.some(({ source }) => source === 'operator')
      ? ['millrace control pause']
      : []),
  ]
}

// ---- a stage that was started ----------------------------------------------------------------------------------------

function started(run: ActiveRun, view: View, presence: Presence, evidence: RunEvidence): Account {
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

// ---- going round -----------------------------------------------------------------------------------------------------

function looping(run: ActiveRun, account: Account, circle: Circle): Account {
  return {
    ...account,
    verdict: 'looping',
    waits_for: account.verdict === 'waiting' ? account.waits_for : ['human'],
    because: [...circleFacts(run.run_id, circle), ...account.because],
    next: [person('change what it is asked for, or end it: it goes round'), ...account.next],
  }
}

export function circleFacts(runId: string, { kind, node_id, first, again }: Circle): Because[] {
  const told = {
    same_edge: `${again.node_id} sent it to ${node_id} with ${again.outcome} again, and nothing had changed in the working tree since ${first.timestamp}`,
    same_work: `${node_id} made the same change for the same findings as at ${first.timestamp}`,
  }
  return [{ ...historyOf(runId), at: again.timestamp, code: kind, fact: told[kind] }]
}

// ---- a run that has ended --------------------------------------------------------------------------------------------

export interface Past {
  runId: string
  /** `complete`, `blocked`, `handoff`, … as `runs ls` tells it. */
  state: string
  transitions: readonly Transition[]
  planOf: (planId: string) => Plan | null
}

/** The path a run took. */
export const pathOf = ({ transitions }: Past): Step[] =>
  transitions.map((one) => ({
    node_id: one.node_id,
    outcome: one.outcome,
    to: one.selected_node_id ?? `terminal:${one.selected_terminal_state_id}`,
    reason: one.selected_edge_reason,
    at: one.timestamp,
  }))

/**
 * The way it might have gone instead, nearest to its end: of the last stage that had a choice, the way of the outcome that
 * its loop would rather have taken, or else of the first other one.
 */
export function notTaken(past: Past): Step | null {
  for (const transition of past.transitions.toReversed()) {
    const plan = past.planOf(transition.frozen_plan.plan_id)
    const graph = plan === null ? undefined : graphOf(plan, transition.plane)
    const others = (graph?.transitions ?? [])
      .filter((edge) => edge.source_node_id === transition.node_id && edge.outcome !== transition.outcome)
      .filter(
        (edge) =>
          (edge.target_node_id ?? null) !== transition.selected_node_id ||
          edge.terminal_state_id !== transition.selected_terminal_state_id,
      )
      .sort((a, b) => a.priority - b.priority)
    const [edge] = others
    if (edge === undefined) continue
    const to = edge.target_node_id ?? `terminal:${edge.terminal_state_id}`
    return {
      node_id: transition.node_id,
      outcome: edge.outcome,
      to,
      reason: `${edge.edge_id} (${edge.kind})`,
      at: transition.timestamp,
    }
  }
  return null
}

export function whyEnded(past: Past): Account {
  const last = past.transitions.at(-1)
  const because: Because[] = past.transitions.map((one) => ({
    ...historyOf(past.runId),
    at: one.timestamp,
    code: 'decision',
    fact: `${one.node_id} reported ${one.outcome}, which led to ${one.selected_node_id ?? one.selected_terminal_state_id} (${one.selected_edge_reason})`,
  }))
  const ended: Because =
    last === undefined
      ? {
          path: below(runFolder(past.runId)),
          event: null,
          at: null,
          code: 'no_decision',
          fact: 'it ended without a decision',
        }
      : { ...historyOf(past.runId), at: last.timestamp, code: 'ended', fact: `it ended ${past.state}` }
  return {
    verdict: 'finished',
    waits_for: [],
    because: [ended, ...because],
    next: [],
    can: [`millrace runs show ${past.runId}`, `millrace runs trace ${past.runId}`],
  }
}
