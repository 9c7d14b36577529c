/** Why a run stands where it stands. Pure: the run as the view has it, what its records say, and what was seen of its agent. */
import { approvalOf } from '../../core/approval.ts'
import { waitOf } from '../../core/backoff.ts'
import { nodeOf } from '../../core/plan.ts'
import type { ActiveRun } from '../../core/state.ts'
import type { View } from '../../core/view.ts'
import { type Account, type Because, byItself, inApproval, inHistory, inSnapshot, person, waiting } from './account.ts'
import { absence, type Presence } from './presence.ts'
import type { Circle } from './rounds.ts'
import { type RunEvidence, started } from './stage.ts'
import { lanes, pauses, workOf } from './standing.ts'
import { standsBeforeRun } from './standing-run.ts'

export function whyActive(run: ActiveRun, view: View, presence: Presence, evidence: RunEvidence): Account {
  const plain = standing(run, view, presence, evidence)
  const { circle } = evidence
  const account = circle === null || run.held !== null ? plain : looping(run, plain, circle)
  return { ...account, can: [...new Set([...account.can, ...commandsFor(run, view, presence)])] }
}

function standing(run: ActiveRun, view: View, presence: Presence, evidence: RunEvidence): Account {
  if (run.held !== null) return heldRun(run, presence)
  if (run.cancel_requested !== null) return ending(run, presence)
  if (run.status === 'awaiting_approval') return awaiting(run, view, presence)
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

/** A question to a person keeps it where it is; once there is an answer, it waits for its lane. */
function awaiting(run: ActiveRun, view: View, presence: Presence): Account {
  const id = run.approval?.approval_id ?? ''
  const approval = approvalOf(view, id)
  if (approval?.status !== 'pending') {
    const answered: Because = {
      ...(approval === null ? inSnapshot : inApproval(approval)),
      at: approval?.decided_at ?? run.stage_since,
      code: 'approval_answered',
      fact:
        approval === null
          ? `the question ${id} it waited for is gone, and is asked again`
          : `${id}, for which it waited, is ${approval.status}`,
    }
    const busy = view.plan === null ? [] : lanes(others(run, view), view.plan, run.plane)
    const obstacles = [...absence(presence), ...pauses(view.snapshot), ...busy]
    if (obstacles.length > 0) return waiting(obstacles, { because: [answered] })
    return {
      verdict: 'waiting',
      waits_for: ['turn'],
      because: [answered],
      next: [byItself(`it goes on at ${run.node_id}`)],
      can: [],
    }
  }
  const pending = {
    ...inApproval(approval),
    at: approval.created_at,
    code: 'approval_pending',
    fact: `at ${run.node_id} a person is asked: ${approval.question}`,
    wait: 'approval' as const,
    next: person(
      `approve or deny ${id}${approval.expires_at === null ? '' : ` before ${approval.expires_at}; no answer counts as a denial`}`,
    ),
    can: [`millrace approvals approve ${id}`, `millrace approvals deny ${id}`],
  }
  return waiting([pending, ...absence(presence)])
}

const others = (run: ActiveRun, view: View): ActiveRun[] =>
  view.snapshot.active_runs.filter(({ run_id }) => run_id !== run.run_id)

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
  return [{ ...inHistory(runId), at: again.timestamp, code: kind, fact: told[kind] }]
}
