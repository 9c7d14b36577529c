import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { edit, planWith } from '../../test/rig/assets.ts'
import { documentText } from '../../test/rig/documents.ts'
import { Passage, resultOf, runAt } from '../../test/rig/run.ts'
import { deepFreeze, MemoryWorkspace, NOW } from '../../test/rig/view.ts'
import { MillraceError } from './errors.ts'
import type { ItemKind } from './item.ts'
import type { Loop, ThresholdPolicy } from './loop.ts'
import { graphOf, nodeOf, type Plan } from './plan.ts'
import { type Decision, normaliseClass, resumeTargets, route } from './route.ts'
import { type ActiveRun, type Counters, counterOwner, countUp, newCounters } from './state.ts'

const plan = deepFreeze(planWith())

const EXECUTION = 'graphs/execution/standard.json'
const TASK = { kind: 'task', id: 'task-001' } as const
const SPEC = { kind: 'spec', id: 'spec-001' } as const

/** A task, or a spec or incident, on its way through a loop in memory, standing at a node. */
function passageAt(plane: string, nodeId: string, subject: { kind: ItemKind; id: string }, of: Plan = plan): Passage {
  const workspace = new MemoryWorkspace(of)
  workspace.put(subject.kind, 'active', subject.id, documentText(subject.kind, subject.id))
  return new Passage(workspace, runAt(of, plane, nodeId, subject))
}

const execution = (nodeId = 'builder', of: Plan = plan) => passageAt('execution', nodeId, TASK, of)
const planning = (nodeId = 'planner', of: Plan = plan) => passageAt('planning', nodeId, SPEC, of)

/** One decision on a fresh run at a node. */
function decide(
  plane: string,
  nodeId: string,
  outcome: string,
  metadata: Record<string, unknown> = {},
  of: Plan = plan,
): Decision {
  const closure = nodeOf(of, plane, nodeId)!.closure_role
  const run = runAt(of, plane, nodeId, closure ? { closureRoot: 'root' } : plane === 'execution' ? TASK : SPEC)
  return route(graphOf(of, plane)!, run, newCounters(), resultOf(of, run, outcome, metadata))
}

const countsOf = ({ workspace }: Passage) =>
  Object.fromEntries(workspace.counters.entries.map((entry) => [`${entry.counter_name}/${entry.key}`, entry.count]))

describe('the execution loop', () => {
  it.each([
    ['builder', 'BUILDER_COMPLETE', 'checker', 'run_stage', 'builder:BUILDER_COMPLETE', null],
    ['builder', 'BLOCKED', 'troubleshooter', 'run_stage', 'builder_blocked', 'builder_blocked'],
    ['checker', 'CHECKER_PASS', 'updater', 'run_stage', 'checker:CHECKER_PASS', null],
    ['checker', 'FIX_NEEDED', 'fixer', 'run_stage', 'fix_needed', null],
    ['checker', 'BLOCKED', 'troubleshooter', 'run_stage', 'checker_blocked', 'checker_blocked'],
    ['fixer', 'FIXER_COMPLETE', 'doublechecker', 'run_stage', 'fixer:FIXER_COMPLETE', null],
    ['fixer', 'BLOCKED', 'troubleshooter', 'run_stage', 'fixer_blocked', 'fixer_blocked'],
    ['doublechecker', 'DOUBLECHECK_PASS', 'updater', 'run_stage', 'doublechecker:DOUBLECHECK_PASS', null],
    ['doublechecker', 'FIX_NEEDED', 'fixer', 'run_stage', 'fix_needed', null],
    ['doublechecker', 'BLOCKED', 'troubleshooter', 'run_stage', 'doublechecker_blocked', 'doublechecker_blocked'],
    ['updater', 'UPDATE_COMPLETE', 'terminal:update_complete', 'idle', 'updater_complete', null],
    ['updater', 'BLOCKED', 'troubleshooter', 'run_stage', 'updater_blocked', 'updater_blocked'],
    ['troubleshooter', 'TROUBLESHOOT_COMPLETE', 'builder', 'run_stage', 'troubleshoot_complete', null],
    ['troubleshooter', 'BLOCKED', 'troubleshooter', 'run_stage', 'troubleshooter_blocked', 'troubleshooter_blocked'],
    ['consultant', 'CONSULT_COMPLETE', 'troubleshooter', 'run_stage', 'consultant_local_recovery', null],
    [
      'consultant',
      'NEEDS_PLANNING',
      'terminal:needs_planning',
      'handoff',
      'consultant_needs_planning',
      'consultant_needs_planning',
    ],
    ['consultant', 'BLOCKED', 'terminal:blocked', 'blocked', 'consultant_blocked', 'consultant_blocked'],
  ])('leads %s with %s to %s', (node, outcome, target, action, reason, failure) => {
    expectRow(decide('execution', node, outcome), { target, action, reason, failure })
  })
})

describe('the planning loop', () => {
  it.each([
    ['planner', 'PLANNER_COMPLETE', 'manager', 'run_stage', 'planner:PLANNER_COMPLETE', null],
    ['planner', 'BLOCKED', 'mechanic', 'run_stage', 'planner_blocked', 'planner_blocked'],
    ['manager', 'MANAGER_COMPLETE', 'terminal:manager_complete', 'idle', 'manager_complete', null],
    ['manager', 'BLOCKED', 'mechanic', 'run_stage', 'manager_blocked', 'manager_blocked'],
    ['mechanic', 'MECHANIC_COMPLETE', 'planner', 'run_stage', 'mechanic_complete', null],
    ['mechanic', 'BLOCKED', 'mechanic', 'run_stage', 'mechanic_blocked', 'mechanic_blocked'],
    ['auditor', 'AUDITOR_COMPLETE', 'planner', 'run_stage', 'auditor:AUDITOR_COMPLETE', null],
    ['auditor', 'BLOCKED', 'mechanic', 'run_stage', 'auditor_blocked', 'auditor_blocked'],
    ['arbiter', 'ARBITER_COMPLETE', 'terminal:arbiter_complete', 'idle', 'arbiter_complete', null],
    [
      'arbiter',
      'REMEDIATION_NEEDED',
      'terminal:remediation_needed',
      'handoff',
      'arbiter_remediation_needed',
      'arbiter_parity_gap',
    ],
    ['arbiter', 'BLOCKED', 'terminal:blocked', 'blocked', 'arbiter_blocked', 'arbiter_blocked'],
  ])('leads %s with %s to %s', (node, outcome, target, action, reason, failure) => {
    expectRow(decide('planning', node, outcome), { target, action, reason, failure })
  })

  it('and the execution loop are covered row by row', () => {
    for (const [plane, rows] of [
      ['execution', 17],
      ['planning', 11],
    ] as const)
      expect(graphOf(plan, plane)!.transitions).toHaveLength(rows)
  })
})

function expectRow(
  decision: Decision,
  row: { target: string; action: string; reason: string; failure: string | null },
) {
  const target = decision.next_node_id ?? `terminal:${decision.terminal_state_id}`
  expect({ target, action: decision.action, reason: decision.reason, failure: decision.failure_class }).toEqual(row)
}

describe('walks through execution', () => {
  it('scenario 60: builder, checker, updater, done, with no budget used', () => {
    const passage = execution()
    expect(passage.reports('BUILDER_COMPLETE', 'CHECKER_PASS', 'UPDATE_COMPLETE')).toEqual([
      'checker',
      'updater',
      'ended',
    ])
    expect(passage.decisions.flatMap((decision) => decision.counted)).toEqual([])
  })

  it('scenario 61: a fix that is needed goes to the fixer, the doublechecker and on to the updater', () => {
    const passage = execution('checker')
    expect(passage.reports('FIX_NEEDED', 'FIXER_COMPLETE', 'DOUBLECHECK_PASS')).toEqual([
      'fixer',
      'doublechecker',
      'updater',
    ])
  })

  const fixRound = ['FIX_NEEDED', 'FIXER_COMPLETE'] as const

  it('scenario 62: after two fix rounds the third need goes to the troubleshooter as fix_cycle_exhausted', () => {
    const passage = execution('checker')
    passage.reports(...fixRound, ...fixRound)
    expect(passage.report('FIX_NEEDED')).toMatchObject({
      action: 'run_stage',
      next_node_id: 'troubleshooter',
      reason: 'fix_cycle_exhausted',
      failure_class: 'fix_cycle_exhausted',
      edge_id: 'execution.fix-needed.exhaustion',
    })
    expect(countsOf(passage)).toEqual({ 'fix_cycle_count/': 2, 'troubleshoot_attempt_count/fix_cycle_exhausted': 1 })
  })

  it('scenario 63, W-02: fix exhaustion counts toward the repair budget, so the third goes to the consultant', () => {
    const passage = execution('checker')
    passage.reports(...fixRound, ...fixRound)
    const repair = ['TROUBLESHOOT_COMPLETE', 'BUILDER_COMPLETE'] as const
    expect(passage.report('FIX_NEEDED').next_node_id).toBe('troubleshooter')
    passage.reports(...repair)
    expect(passage.report('FIX_NEEDED').next_node_id).toBe('troubleshooter')
    passage.reports(...repair)
    expect(passage.report('FIX_NEEDED')).toMatchObject({
      next_node_id: 'consultant',
      reason: 'fix_cycle_exhausted',
      failure_class: 'fix_cycle_exhausted',
      edge_id: 'execution.blocked.recovery',
      counted: [],
    })
  })

  it('scenario 64: no marker goes to the troubleshooter, twice, then to the consultant', () => {
    const passage = execution()
    const failed = { failure_class: 'missing_terminal_result' }
    expect(passage.report('BLOCKED', { metadata: failed })).toMatchObject({
      next_node_id: 'troubleshooter',
      failure_class: 'missing_terminal_result',
    })
    expect(passage.workspace.snapshot.status_markers_by_plane.execution).toBe('### BLOCKED')
    // The troubleshooter names no class of its own: it came with this one.
    expect(passage.reports('BLOCKED', 'BLOCKED')).toEqual(['troubleshooter', 'consultant'])
    expect(countsOf(passage)['troubleshoot_attempt_count/missing_terminal_result']).toBe(2)
    passage.report('CONSULT_COMPLETE')
    expect(countsOf(passage)['consultant_invocations/']).toBe(1)
  })

  it('scenario 65: another failure class has a budget of its own', () => {
    const passage = execution()
    passage.reports('BLOCKED', 'BLOCKED')
    expect(passage.report('BLOCKED', { metadata: { failure_class: 'runner_timeout' } }).next_node_id).toBe(
      'troubleshooter',
    )
    expect(countsOf(passage)).toMatchObject({
      'troubleshoot_attempt_count/builder_blocked': 2,
      'troubleshoot_attempt_count/runner_timeout': 1,
    })
  })

  it.each([
    [{}, 'builder'],
    [{ resume_stage: 'checker' }, 'checker'],
    [{ resume_stage: ' Checker\n' }, 'checker'],
    [{ resume_stage: 'consultant' }, 'builder'],
    [{ resume_stage: 'unknown' }, 'builder'],
    [{ resume_stage: 7 }, 'builder'],
    [{ target_stage: 'checker' }, 'builder'],
  ])('scenario 66: the troubleshooter with %j goes on at %s', (metadata, target) => {
    expect(decide('execution', 'troubleshooter', 'TROUBLESHOOT_COMPLETE', metadata)).toMatchObject({
      next_node_id: target,
      edge_id: 'execution.troubleshooter.resume',
      failure_class: null,
    })
  })

  it.each([
    [{}, 'troubleshooter'],
    [{ target_stage: 'builder' }, 'builder'],
    [{ target_stage: 'builder', resume_stage: 'checker' }, 'builder'],
    [{ target_stage: 'unknown', resume_stage: 'checker' }, 'checker'],
    [{ target_stage: 'consultant' }, 'troubleshooter'],
  ])('scenario 67: the consultant with %j goes on at %s', (metadata, target) => {
    expect(decide('execution', 'consultant', 'CONSULT_COMPLETE', metadata).next_node_id).toBe(target)
  })

  it('a stage cannot choose its own next turn, which no budget would end', () => {
    expect(
      decide('execution', 'troubleshooter', 'TROUBLESHOOT_COMPLETE', { resume_stage: 'troubleshooter' }).next_node_id,
    ).toBe('builder')
    const graph = graphOf(plan, 'execution')!
    expect(resumeTargets(graph, 'troubleshooter')).toEqual(['builder', 'checker', 'fixer', 'doublechecker', 'updater'])
    expect(resumeTargets(graph, 'builder')).toEqual([])
  })

  it('W-03: consults are capped for an item; the fourth is handed to planning', () => {
    const passage = execution('consultant')
    for (let consult = 1; consult <= 3; consult++) {
      expect(passage.report('CONSULT_COMPLETE', { metadata: { target_stage: 'builder' } }).next_node_id).toBe('builder')
      while (passage.at !== 'consultant') passage.report('BLOCKED')
    }
    expect(passage.report('CONSULT_COMPLETE')).toMatchObject({
      action: 'handoff',
      terminal_state_id: 'needs_planning',
      reason: 'consult_limit_reached',
      failure_class: 'consult_limit_reached',
    })
  })

  it('W-49: alternating stages and spellings of a class evade no budget', () => {
    const passage = execution()
    const spellings = ['Runner Timeout', 'runner_timeout', '  RUNNER--timeout!']
    for (const [index, spelling] of spellings.entries()) {
      const decision = passage.report('BLOCKED', { metadata: { failure_class: spelling } })
      expect(decision.failure_class).toBe('runner_timeout')
      expect(decision.next_node_id).toBe(index < 2 ? 'troubleshooter' : 'consultant')
    }
  })

  it('W-49: whatever the classes, an item has eight repairs in all', () => {
    const passage = execution()
    const nodes = Array.from(
      { length: 9 },
      (_, index) => passage.report('BLOCKED', { metadata: { failure_class: `class-${index}` } }).next_node_id,
    )
    expect(nodes).toEqual([...Array(8).fill('troubleshooter'), 'consultant'])
  })
})

describe('walks through planning', () => {
  it('scenario 70: the planner blocked a third time blocks the spec, as planner_blocked', () => {
    const passage = planning()
    expect(passage.reports('BLOCKED', 'MECHANIC_COMPLETE', 'BLOCKED', 'MECHANIC_COMPLETE')).toEqual([
      'mechanic',
      'planner',
      'mechanic',
      'planner',
    ])
    expect(passage.report('BLOCKED')).toMatchObject({
      action: 'blocked',
      terminal_state_id: 'blocked',
      failure_class: 'planner_blocked',
      reason: 'planner_blocked:mechanic_attempts_exhausted',
    })
    expect(passage.workspace.statesOf('spec', SPEC.id)).toEqual(['blocked'])
  })

  it('scenario 71: with one attempt allowed, the blocked mechanic blocks the spec and says why', () => {
    const strict = planWith({ config: { recovery: { max_mechanic_attempts: 1 } } })
    const passage = planning('planner', strict)
    passage.report('BLOCKED')
    expect(passage.report('BLOCKED').reason).toBe('mechanic_blocked:mechanic_attempts_exhausted')
    expect(passage.at).toBe('ended')
  })

  it('scenario 72: after a blocked auditor the mechanic goes on at the planner', () => {
    const passage = passageAt('planning', 'auditor', { kind: 'incident', id: 'incident-1' })
    expect(passage.reports('BLOCKED', 'MECHANIC_COMPLETE')).toEqual(['mechanic', 'planner'])
  })

  it.each([
    ['manager', 'manager'],
    ['auditor', 'auditor'],
    ['mechanic', 'planner'],
    ['arbiter', 'planner'],
  ])('the mechanic with resume_stage %s goes on at %s', (wish, target) => {
    expect(decide('planning', 'mechanic', 'MECHANIC_COMPLETE', { resume_stage: wish }).next_node_id).toBe(target)
  })
})

describe('W-39: the plan decides', () => {
  const retry = {
    edge_id: 'builder-again',
    from_node_id: 'builder',
    to_node_id: 'builder',
    on_outcomes: ['BLOCKED'],
    kind: 'retry',
    priority: 10,
    max_attempts: 2,
  }
  const withLoop = (change: (loop: Loop) => void) => planWith({ changes: { [EXECUTION]: edit<Loop>(change) } })

  it('an edge of lower priority number comes first, whatever its place in the file', () => {
    const of = withLoop((loop) =>
      loop.edges.push({ ...loop.edges[1]!, edge_id: 'straight-up', to_node_id: 'consultant', priority: 1 }),
    )
    expect(decide('execution', 'builder', 'BLOCKED', {}, of)).toMatchObject({
      edge_id: 'straight-up',
      next_node_id: 'consultant',
    })
  })

  it('a retry edge is taken as often as it says in one run, then the next one', () => {
    const of = withLoop((loop) => loop.edges.push(retry as Loop['edges'][number]))
    const passage = execution('builder', of)
    const nodes = ['a', 'b', 'c'].map(
      (failure_class) => passage.report('BLOCKED', { metadata: { failure_class } }).next_node_id,
    )
    expect(nodes).toEqual(['builder', 'builder', 'troubleshooter'])
    expect(passage.run!.edge_uses).toEqual({ 'builder-again': 2, 'builder-blocked-to-troubleshooter': 1 })
  })

  it('the class of a terminal state decides the action, an incident making it a handoff', () => {
    const of = withLoop((loop) => {
      loop.terminal_states[2]!.effects.push({
        effect: 'create_incident',
        entry_kind: 'incident',
        id_prefix: 'incident',
        failure_class: 'given_up',
        severity: 'low',
      })
      loop.terminal_states[0]!.terminal_class = 'blocked'
      loop.terminal_states[0]!.reason = undefined
    })
    expect(decide('execution', 'consultant', 'BLOCKED', {}, of)).toMatchObject({
      action: 'handoff',
      failure_class: 'given_up',
    })
    expect(decide('execution', 'updater', 'UPDATE_COMPLETE', {}, of)).toMatchObject({
      action: 'blocked',
      reason: 'updater_blocked',
      failure_class: 'updater_blocked',
    })
  })

  it('a resume policy serves its own node; another with the same outcome follows its edge', () => {
    const graph = graphOf(plan, 'execution')!
    const [policy] = graph.resume_policies
    const of = { ...graph, resume_policies: [{ ...policy!, on_outcome: 'BLOCKED' }] }
    const run = runAt(plan, 'execution', 'checker', TASK)
    expect(route(of, run, newCounters(), resultOf(plan, run, 'BLOCKED')).edge_id).toBe(
      'checker-blocked-to-troubleshooter',
    )
  })

  it('a resume policy without a reason gives the stage and its outcome', () => {
    const of = withLoop((loop) => {
      for (const policy of loop.dynamic_policies.resume_policies) policy.reason = undefined
    })
    expect(decide('execution', 'troubleshooter', 'TROUBLESHOOT_COMPLETE', {}, of).reason).toBe(
      'troubleshooter:TROUBLESHOOT_COMPLETE',
    )
  })

  it('a budget may be narrowed by a field of the result', () => {
    const of = withLoop((loop) => {
      const policy: ThresholdPolicy = loop.dynamic_policies.threshold_policies[1]!
      Object.assign(policy, { key_field: 'component', threshold_from: undefined, threshold: 1 })
    })
    const passage = execution('builder', of)
    expect(passage.report('BLOCKED', { metadata: { component: 'API' } }).next_node_id).toBe('troubleshooter')
    expect(passage.report('BLOCKED', { metadata: { component: 'Web' } }).next_node_id).toBe('troubleshooter')
    expect(passage.report('BLOCKED', { metadata: { component: 'api' } }).next_node_id).toBe('consultant')
    expect(countsOf(passage)).toMatchObject({
      'troubleshoot_attempt_count/builder_blocked/api': 1,
      'troubleshoot_attempt_count/builder_blocked/web': 1,
    })
  })

  it('budgets that count toward each other in a ring still end', () => {
    const of = withLoop((loop) => {
      const [fix, blocked] = loop.dynamic_policies.threshold_policies
      Object.assign(fix!, { threshold: 1, threshold_from: undefined })
      Object.assign(blocked!, { threshold: 1, threshold_from: undefined, exhausted_counts_toward: fix!.policy_id })
    })
    const passage = execution('checker', of)
    passage.reports('FIX_NEEDED', 'FIXER_COMPLETE', 'FIX_NEEDED', 'TROUBLESHOOT_COMPLETE', 'BUILDER_COMPLETE')
    expect(['consultant', 'troubleshooter']).toContain(passage.report('FIX_NEEDED').next_node_id)
  })
})

describe('a failure class', () => {
  it('is what the result says, else what the run came with, else the stage', () => {
    const run = { ...runAt(plan, 'execution', 'troubleshooter', TASK), failure_class: 'came_with' }
    const classOf = (metadata: object, of: ActiveRun = run) =>
      route(graphOf(plan, 'execution')!, of, newCounters(), resultOf(plan, of, 'BLOCKED', { ...metadata }))
        .failure_class
    expect(classOf({ failure_class: 'Stated' })).toBe('stated')
    expect(classOf({ failure_class: '  ' })).toBe('came_with')
    expect(classOf({ failure_class: '---' })).toBe('came_with')
    expect(classOf({ failure_class: null })).toBe('came_with')
    expect(classOf({}, { ...run, failure_class: '!' })).toBe('troubleshooter_blocked')
  })

  it('goes with a stage that failed though nobody said so, as with one that says it is blocked', () => {
    const run = runAt(plan, 'execution', 'builder', TASK)
    const metadata = { failure_class: 'runner_timeout' }
    const result = resultOf(plan, run, 'BLOCKED', metadata, { result_class: 'recoverable_failure' })
    expect(route(graphOf(plan, 'execution')!, run, newCounters(), result)).toMatchObject({
      next_node_id: 'troubleshooter',
      reason: 'builder_blocked',
      failure_class: 'runner_timeout',
    })
  })

  it('has one spelling, which is a fixed point', () => {
    expect(normaliseClass('  Fix-Cycle  exhausted! ')).toBe('fix_cycle_exhausted')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const once = normaliseClass(text)
        expect(once).toMatch(/^(?:[a-z0-9]+(?:_[a-z0-9]+)*)?$/)
        expect(normaliseClass(once)).toBe(once)
      }),
    )
  })
})

describe('a result that does not fit its run', () => {
  const graph = graphOf(plan, 'execution')!
  const run = runAt(plan, 'execution', 'builder', TASK)
  const fitting = resultOf(plan, run, 'BUILDER_COMPLETE')

  it.each([
    ['run', { run_id: 'run-2' }],
    ['plane', { plane: 'planning' }],
    ['node', { node_id: 'checker' }],
    ['stage', { stage_kind_id: 'checker' }],
    ['item', { work_item_id: 'task-002' }],
    ['item', { work_item_kind: 'spec' }],
  ])('scenario 75: is refused for another %s', (what, change) => {
    const refused = () => route(graph, run, newCounters(), { ...fitting, ...change })
    expect(refused).toThrow(expect.objectContaining({ code: 'routing_failed' }))
    expect(refused).toThrow(new RegExp(`^a result for ${what} .* cannot be applied: .* is active$`))
  })

  it('scenario 75: is refused for another closure target, or none', () => {
    const closure = runAt(plan, 'planning', 'arbiter', { closureRoot: 'root' })
    const planningGraph = graphOf(plan, 'planning')!
    for (const root of ['other', null, undefined]) {
      const result = resultOf(plan, closure, 'ARBITER_COMPLETE', { closure_target_root_spec_id: root })
      expect(() => route(planningGraph, closure, newCounters(), result)).toThrow(
        `a result for closure target ${root ?? 'none'} cannot be applied: root is active`,
      )
    }
  })

  it('is refused where the plan knows no way on', () => {
    const lost = { ...fitting, terminal_result: 'NEVER_HEARD' }
    expect(() => route(graph, run, newCounters(), lost)).toThrow(
      new MillraceError('routing_failed', 'node builder of execution.standard has no way on from NEVER_HEARD'),
    )
    const broken = { ...graph, terminal_states: [] }
    const ending = runAt(plan, 'execution', 'updater', TASK)
    expect(() => route(broken, ending, newCounters(), resultOf(plan, ending, 'UPDATE_COMPLETE'))).toThrow(
      new MillraceError('routing_failed', 'terminal state update_complete is not part of execution.standard'),
    )
  })
})

describe('routing', () => {
  it('scenario 76: gives the same decision for the same input and leaves that input alone', () => {
    const anyNode = fc.constantFrom(...Object.values(plan.graphs_by_plane).flatMap((graph) => graph.nodes))
    const anyCount = fc.record({
      name: fc.constantFrom(
        'fix_cycle_count',
        'troubleshoot_attempt_count',
        'recovery_total_count',
        'consultant_invocations',
        'mechanic_attempt_count',
      ),
      key: fc.constantFrom('', 'x'),
    })
    fc.assert(
      fc.property(
        anyNode,
        fc.nat(10),
        fc.array(anyCount, { maxLength: 10 }),
        fc.constantFrom('x', null),
        (node, pick, counts, failure) => {
          const run = deepFreeze(
            runAt(
              plan,
              node.plane,
              node.node_id,
              node.closure_role ? { closureRoot: 'root' } : node.plane === 'execution' ? TASK : SPEC,
            ),
          )
          const outcomes = Object.keys(node.allowed_result_classes_by_outcome)
          const result = deepFreeze(resultOf(plan, run, outcomes[pick % outcomes.length]!, { failure_class: failure }))
          const counters = deepFreeze(
            counts.reduce((sum, { name, key }) => countUp(sum, counterOwner(run), name, key, NOW), newCounters()),
          )
          const once = route(graphOf(plan, node.plane)!, run, counters, result)
          expect(route(graphOf(plan, node.plane)!, run, counters, result)).toEqual(once)
          expect((once.next_node_id === null) !== (once.terminal_state_id === null)).toBe(true)
        },
      ),
    )
  })
})

/**
 * Every passage an adversary can make the standard loops take: any outcome, any failure class, any resume target, at
 * every stage. The longest one is found exactly, by search over all states a run can be in; a state met again on its
 * own path would be a passage without end. Four made-up classes are enough to spend the total of eight repairs without
 * spending the two of any class; a class that was not stated is only one more name.
 */
describe('an adversary', () => {
  const CLASSES = ['a', 'b', 'c', 'd']

  interface State {
    run: ActiveRun
    counters: Counters
  }

  const fresh = (of: Plan, plane: string, nodeId: string, subject: Parameters<typeof runAt>[3]): State => ({
    run: runAt(of, plane, nodeId, subject),
    counters: newCounters(),
  })

  /** The same for states that differ only in which made-up class plays which part. */
  function keyOf({ run, counters }: State): string {
    const parts = counters.entries.map(
      ({ counter_name, key, count }) => `${counter_name}${CLASSES.includes(key) ? '' : `/${key}`}=${count}`,
    )
    return `${run.node_id} ${parts.sort().join(' ')}`
  }

  /** What the stage may report that makes a difference: a class where it fails, a target where it may choose one. */
  function reportsAt(of: Plan, run: ActiveRun): [outcome: string, metadata: Record<string, unknown>][] {
    const graph = graphOf(of, run.plane)!
    const node = nodeOf(of, run.plane, run.node_id)!
    return Object.keys(node.allowed_result_classes_by_outcome).flatMap(
      (outcome): [string, Record<string, unknown>][] => {
        if (outcome === node.failure_outcome)
          return [...CLASSES, 'fix_cycle_exhausted'].map((failure_class) => [outcome, { failure_class }])
        if (
          !graph.resume_policies.some(
            (policy) => policy.source_node_id === run.node_id && policy.on_outcome === outcome,
          )
        )
          return [[outcome, {}]]
        return graph.nodes.map(({ node_id }) => [outcome, { resume_stage: node_id, target_stage: node_id }])
      },
    )
  }

  /** The states one stage may lead to; `null` stands for the end. */
  function stepsFrom(of: Plan, { run, counters }: State): Map<string, State | null> {
    const owner = counterOwner(run)
    const steps = new Map<string, State | null>()
    for (const [outcome, metadata] of reportsAt(of, run)) {
      const decision = route(graphOf(of, run.plane)!, run, counters, resultOf(of, run, outcome, metadata))
      if (decision.next_node_id === null) {
        steps.set('end', null)
        continue
      }
      const node = nodeOf(of, run.plane, decision.next_node_id)!
      const used = decision.counted.reduce(
        (sum, { counter_name, key }) => countUp(sum, owner, counter_name, key, NOW),
        counters,
      )
      const state = { run: { ...run, node_id: node.node_id, stage_kind_id: node.stage_kind_id }, counters: used }
      steps.set(keyOf(state), state)
    }
    return steps
  }

  /** Stages of the longest passage from a state; throws if there is one without end. */
  function longest(of: Plan, state: State, known = new Map<string, number>(), path = new Set<string>()): number {
    const key = keyOf(state)
    const found = known.get(key)
    if (found !== undefined) return found
    if (path.has(key)) throw new Error(`a passage without end through ${key}`)
    path.add(key)
    let rest = 0
    for (const step of stepsFrom(of, state).values())
      if (step !== null) rest = Math.max(rest, longest(of, step, known, path))
    path.delete(key)
    known.set(key, rest + 1)
    return rest + 1
  }

  it.each([
    ['execution', 'builder', TASK, 61],
    ['planning', 'planner', SPEC, 34],
    ['planning', 'auditor', { kind: 'incident', id: 'incident-1' } as const, 35],
    ['planning', 'arbiter', { closureRoot: 'root' }, 1],
  ])('cannot keep a passage through %s from %s going without end', (plane, nodeId, subject, stagesMax) => {
    expect(longest(plan, fresh(plan, plane, nodeId, subject))).toBe(stagesMax)
  })

  it('is found out where a loop would let it', () => {
    const endless = edit<Loop>((loop) => {
      const back = {
        ...loop.edges[10]!,
        edge_id: 'again',
        kind: 'normal',
        to_node_id: 'builder',
        terminal_state_id: undefined,
        priority: 1,
      } as const
      loop.edges.push(back)
    })
    const of = planWith({ changes: { [EXECUTION]: endless } })
    expect(() => longest(of, fresh(of, 'execution', 'builder', TASK))).toThrow('a passage without end')
  })

  it('that acts at random ends too, within the longest passage', () => {
    const anyChoice = fc.infiniteStream(fc.nat())
    fc.assert(
      fc.property(anyChoice, (choices) => {
        let state: State | null = fresh(plan, 'execution', 'builder', TASK)
        let stages = 0
        for (const choice of choices) {
          const steps: (State | null)[] = [...stepsFrom(plan, state).values()]
          state = steps[choice % steps.length]!
          stages += 1
          if (state === null || stages > 61) break
        }
        expect(stages).toBeLessThanOrEqual(61)
      }),
    )
  })
})
