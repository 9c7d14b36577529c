import { describe, expect, it } from 'vitest'
import { edit, planWith } from '../../test/rig/assets.ts'
import { documentText } from '../../test/rig/documents.ts'
import { closureTarget, Passage, type Report, requestFor, resultOf, runAt } from '../../test/rig/run.ts'
import { MemoryWorkspace, NOW } from '../../test/rig/view.ts'
import { settle } from './apply.ts'
import { completionStep } from './completion.ts'
import { parseDocument } from './document.ts'
import { MillraceError } from './errors.ts'
import type { ItemKind } from './item.ts'
import type { Effect, Loop, TerminalState } from './loop.ts'
import { graphOf, type Plan } from './plan.ts'
import { StageResult } from './result.ts'
import { select } from './select.ts'
import { ActiveRun, ClosureTarget, Counters, Snapshot } from './state.ts'

const plan = planWith()
const EXECUTION = 'graphs/execution/standard.json'
const PLANNING = 'graphs/planning/standard.json'
const ROOTS = { root_spec_id: 'root', root_idea_id: 'idea-1' }

/** An item on its way, standing at a node. */
function passage(
  plane: string,
  nodeId: string,
  kind: ItemKind,
  id: string,
  options: { fields?: object; of?: Plan; workspace?: MemoryWorkspace } = {},
): Passage {
  const { fields = {}, of = plan, workspace = new MemoryWorkspace(of) } = options
  workspace.put(kind, 'active', id, documentText(kind, id, { ...fields }))
  return new Passage(workspace, runAt(of, plane, nodeId, { kind, id }))
}

const task = (nodeId: string, options = {}) => passage('execution', nodeId, 'task', 'task-001', options)

/** A closure target under judgement. */
function judgement(target: Partial<ClosureTarget> = {}, of: Plan = plan): Passage {
  const workspace = new MemoryWorkspace(of)
  workspace.targets.set('root', closureTarget('root', target))
  return new Passage(workspace, runAt(of, 'planning', 'arbiter', { closureRoot: 'root' }))
}

const targetOf = ({ workspace }: Passage) => workspace.targets.get('root')!
const markers = ({ workspace }: Passage) => workspace.snapshot.status_markers_by_plane
/** What the record of a stage says was done to queues. */
const mutationsOf = ({ workspace }: Passage, stage = 0) =>
  workspace.lines.get('runs/run-1/transition_history.jsonl')?.[stage]?.queue_mutations_applied
const told = ({ workspace }: Passage, type: string) =>
  workspace.events.filter((event) => event.event_type === type).map((event) => event.data)

/** The only incident that waits, read. */
function incidentIn(workspace: MemoryWorkspace) {
  const ids = workspace.idsIn('incident', 'queued')
  expect(ids).toHaveLength(1)
  const parsed = parseDocument('incident', workspace.textOf('incident', 'queued', ids[0]!)!)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
  return parsed.document
}

describe('a stage that leads on', () => {
  it('leaves the run ready at the next node, with the outcome on the plane', () => {
    const walk = task('builder')
    walk.report('BUILDER_COMPLETE')
    expect(walk.run).toMatchObject({
      node_id: 'checker',
      stage_kind_id: 'checker',
      status: 'ready',
      request_id: null,
      stage_runs: 1,
      failure_class: null,
    })
    expect(markers(walk)).toEqual({ execution: '### BUILDER_COMPLETE' })
    expect(walk.workspace.statesOf('task', 'task-001')).toEqual(['active'])
    expect(ActiveRun.parse(walk.run)).toEqual(walk.run)
  })

  it('starts the next node with a clean slate of attempts', () => {
    const workspace = new MemoryWorkspace(plan)
    workspace.put('task', 'active', 'task-001', documentText('task', 'task-001'))
    const worn = {
      previous_attempt: { request_id: 'r', reason: 'x' },
      interruptions: 2,
      environment_failures: 3,
      not_before: NOW,
    }
    const walk = new Passage(workspace, {
      ...runAt(plan, 'execution', 'builder', { kind: 'task', id: 'task-001' }),
      ...worn,
    })
    walk.report('BUILDER_COMPLETE')
    expect(walk.run).toMatchObject({
      previous_attempt: null,
      interruptions: 0,
      environment_failures: 0,
      not_before: null,
    })
  })

  it('keeps what went wrong in the runtime for a repair stage, and for no other', () => {
    const runtime_error = { code: 'x', report_path: '/w/report.md' }
    const workspace = new MemoryWorkspace(plan)
    workspace.put('task', 'active', 'task-001', documentText('task', 'task-001'))
    const walk = new Passage(workspace, {
      ...runAt(plan, 'execution', 'builder', { kind: 'task', id: 'task-001' }),
      runtime_error,
    })
    walk.report('BLOCKED')
    expect(walk.run!.runtime_error).toEqual(runtime_error)
    walk.report('TROUBLESHOOT_COMPLETE')
    expect(walk.run!.runtime_error).toBeNull()
  })

  it('keeps the result with the run and among the last of its plane', () => {
    const walk = task('builder')
    walk.report('BLOCKED')
    const path = 'millrace-agents/runs/run-1/stage_results/request-1.json'
    expect(StageResult.parse(JSON.parse(walk.workspace.files.get(path)!)).terminal_result).toBe('BLOCKED')
    expect(walk.workspace.snapshot.last_results_by_plane.execution).toEqual({
      terminal_result: 'BLOCKED',
      result_class: 'blocked',
      run_id: 'run-1',
      stage_result_path: path,
      failure_class: 'builder_blocked',
    })
  })
})

describe('a run that ends well', () => {
  it('scenario 60: leaves its task done, its plane idle and no budget behind', () => {
    const walk = task('checker')
    walk.reports('FIX_NEEDED', 'FIXER_COMPLETE', 'DOUBLECHECK_PASS', 'UPDATE_COMPLETE')
    expect(walk.at).toBe('ended')
    expect(walk.workspace.statesOf('task', 'task-001')).toEqual(['done'])
    expect(walk.workspace.counters.entries).toEqual([])
    expect(markers(walk)).toEqual({ execution: '### IDLE' })
    expect(walk.workspace.snapshot).toMatchObject({ active_runs: [], failure_class_by_plane: {}, finished_items: 1 })
    expect(told(walk, 'work_item_finished')).toEqual([
      { run_id: 'run-1', work_item_kind: 'task', work_item_id: 'task-001' },
    ])
    for (const [schema, value] of [
      [Snapshot, walk.workspace.snapshot],
      [Counters, walk.workspace.counters],
    ] as const)
      expect(schema.parse(value)).toEqual(value)
  })

  it('scenario 73: by the manager finishes an incident as it finishes a spec', () => {
    for (const kind of ['incident', 'spec'] as const) {
      const walk = passage('planning', 'manager', kind, 'one')
      walk.report('MANAGER_COMPLETE')
      expect(walk.workspace.statesOf(kind, 'one')).toEqual(['done'])
    }
  })

  it('counts as progress for closure only on planes that do not judge it', () => {
    const walk = passage('planning', 'manager', 'spec', 'one')
    walk.report('MANAGER_COMPLETE')
    expect(walk.workspace.snapshot.finished_items).toBe(0)
  })

  it('counts as progress on every plane where no plane judges', () => {
    const unjudged = planWith({
      changes: { [PLANNING]: edit<Loop>((loop) => Object.assign(loop, { completion_behavior: undefined })) },
    })
    const walk = passage('planning', 'manager', 'spec', 'one', { of: unjudged })
    walk.report('MANAGER_COMPLETE')
    expect(walk.workspace.snapshot.finished_items).toBe(1)
  })

  it('W-48: touches the markers, failures and budgets of no other plane or item', () => {
    const walk = task('updater')
    walk.workspace.snapshot.status_markers_by_plane = { planning: '### BLOCKED' }
    walk.workspace.snapshot.failure_class_by_plane = { planning: 'missing_root_lineage', execution: 'old' }
    const other = {
      work_item_kind: 'spec',
      work_item_id: 's',
      counter_name: 'x',
      key: '',
      count: 1,
      last_updated_at: NOW,
    }
    walk.workspace.counters = { ...walk.workspace.counters, entries: [other] }
    walk.report('UPDATE_COMPLETE')
    expect(markers(walk)).toEqual({ planning: '### BLOCKED', execution: '### IDLE' })
    expect(walk.workspace.snapshot.failure_class_by_plane).toEqual({ planning: 'missing_root_lineage' })
    expect(walk.workspace.counters.entries).toEqual([other])
  })
})

describe('W-01: a finished place that is taken', () => {
  it('by the same bytes means that the move has happened already', () => {
    const walk = task('updater')
    walk.workspace.put('task', 'done', 'task-001', documentText('task', 'task-001'))
    walk.report('UPDATE_COMPLETE')
    expect(walk.at).toBe('ended')
    expect(walk.workspace.statesOf('task', 'task-001')).toEqual(['done'])
    expect(walk.workspace.told).not.toContain('runtime_completion_conflict')
    expect(told(walk, 'work_item_finished')).toHaveLength(1)
  })

  it('by other bytes leaves both alone: the item goes where there is room, and it is told', () => {
    const walk = task('updater')
    const other = documentText('task', 'task-001', { title: 'Another' })
    walk.workspace.put('task', 'done', 'task-001', other)
    walk.report('UPDATE_COMPLETE')
    expect(walk.workspace.statesOf('task', 'task-001')).toEqual(['done', 'blocked'])
    expect(walk.workspace.textOf('task', 'done', 'task-001')).toBe(other)
    expect(walk.workspace.textOf('task', 'blocked', 'task-001')).toBe(documentText('task', 'task-001'))
    expect(told(walk, 'runtime_completion_conflict')).toMatchObject([{ taken: 'done', moved_to: 'blocked' }])
    expect(walk.workspace.snapshot.finished_items).toBe(0)
  })

  it('in every state leaves the item where it is rather than lose a byte', () => {
    const walk = task('consultant')
    for (const state of ['blocked', 'quarantined'] as const)
      walk.workspace.put('task', state, 'task-001', documentText('task', 'task-001', { title: `In ${state}` }))
    walk.report('BLOCKED')
    expect(walk.at).toBe('ended')
    expect(walk.workspace.statesOf('task', 'task-001')).toEqual(['active', 'blocked', 'quarantined'])
    expect(told(walk, 'runtime_completion_conflict')).toMatchObject([{ taken: 'blocked', moved_to: null }])
    expect(mutationsOf(walk)).toEqual([])
  })
})

describe('a run that ends in trouble', () => {
  it('scenario 68: the consultant hands over: an incident waits for planning, the task is blocked', () => {
    const walk = task('consultant')
    walk.report('NEEDS_PLANNING', {
      result: { notes: ['The API is gone.'], artifact_paths: ['consultant_decision.json'] },
    })
    expect(walk.at).toBe('ended')
    expect(walk.workspace.statesOf('task', 'task-001')).toEqual(['blocked'])
    expect(markers(walk)).toEqual({ execution: '### NEEDS_PLANNING' })
    const incident = incidentIn(walk.workspace)
    expect(incident.id).toMatch(/^incident-task-001-[0-9a-f]{8}$/)
    expect(incident.fields).toMatchObject({
      summary: 'The API is gone.',
      source_task_id: 'task-001',
      source_stage: 'consultant',
      source_plane: 'execution',
      failure_class: 'consultant_needs_planning',
      trigger_reason: 'consultant_needs_planning',
      consultant_decision: 'needs_planning',
      severity: 'high',
      opened_by: 'runtime',
      observed_symptoms: ['The API is gone.'],
      evidence_paths: ['consultant_decision.json'],
      related_run_ids: ['run-1'],
      related_stage_results: ['millrace-agents/runs/run-1/stage_results/request-1.json'],
    })
    expect(told(walk, 'runtime_handoff_incident_enqueued')).toMatchObject([
      {
        incident_id: incident.id,
        destination: `millrace-agents/incidents/incoming/${incident.id}.md`,
        source_task_id: 'task-001',
      },
    ])
    // The next claim takes it into planning, where it enters at the auditor.
    const next = select(walk.workspace.view(), plan)!
    expect([next.plane, next.item.id]).toEqual(['planning', incident.id])
    expect(graphOf(plan, 'planning')!.entries.find((entry) => entry.entry_key === 'incident')!.node_id).toBe('auditor')
  })

  it('scenario 69: the consultant gives up: the task is blocked, nothing waits, budgets are gone', () => {
    const walk = task('builder')
    walk.reports('BLOCKED', 'BLOCKED', 'BLOCKED', 'BLOCKED')
    expect(walk.at).toBe('ended')
    expect(walk.workspace.statesOf('task', 'task-001')).toEqual(['blocked'])
    expect(walk.workspace.idsIn('incident', 'queued')).toEqual([])
    expect(walk.workspace.counters.entries).toEqual([])
    expect(markers(walk)).toEqual({ execution: '### BLOCKED' })
    expect(told(walk, 'work_item_blocked')).toEqual([
      {
        run_id: 'run-1',
        work_item_kind: 'task',
        work_item_id: 'task-001',
        reason: 'consultant_blocked',
        failure_class: 'builder_blocked',
      },
    ])
  })

  it('scenario 77: an incident carries the lineage of the task it came from', () => {
    const walk = task('consultant', { fields: ROOTS })
    walk.report('NEEDS_PLANNING')
    expect(incidentIn(walk.workspace).fields).toMatchObject(ROOTS)
  })

  it('scenario 88, W-11: the blocked task stops holding back closure once its incident is resolved', () => {
    const walk = task('consultant', { fields: ROOTS })
    const { workspace } = walk
    workspace.targets.set('root', closureTarget('root'))
    walk.report('NEEDS_PLANNING')
    expect(completionStep(workspace.view(), plan, 'run-2').run).toBeNull()
    const [id] = workspace.idsIn('incident', 'queued')
    const { text, hash } = workspace.view().read('incident', id!, 'queued')!
    workspace.commit([{ change: 'item.move', kind: 'incident', id: id!, from: 'queued', to: 'active', hash }])
    const planning = new Passage(workspace, {
      ...runAt(plan, 'planning', 'manager', { kind: 'incident', id: id! }),
      run_id: 'run-2',
    })
    planning.report('MANAGER_COMPLETE')
    expect(workspace.textOf('incident', 'done', id!)).toBe(text)
    expect(completionStep(workspace.view(), plan, 'run-3').run).not.toBeNull()
  })
})

describe('a judgement', () => {
  it('scenario 82: that passes closes the target, keeps the report and leaves the plane idle', () => {
    const walk = judgement()
    walk.report('ARBITER_COMPLETE', { closure: { verdictWritten: true, reportText: 'All good.\n' } })
    expect(targetOf(walk)).toMatchObject({
      closure_open: false,
      closed_at: NOW,
      rounds: 1,
      held: null,
      last_arbiter_run_id: 'run-1',
      latest_verdict_path: 'millrace-agents/arbiter/verdicts/root.json',
      latest_report_path: 'millrace-agents/arbiter/reports/run-1.md',
    })
    expect(ClosureTarget.parse(targetOf(walk))).toEqual(targetOf(walk))
    expect(walk.workspace.files.get('millrace-agents/arbiter/reports/run-1.md')).toBe('All good.\n')
    expect(markers(walk)).toEqual({ planning: '### IDLE' })
    expect(told(walk, 'closure_target_closed')).toEqual([{ root_spec_id: 'root', run_id: 'run-1', rounds: 1 }])
    expect(completionStep(walk.workspace.view(), plan, 'run-2').run).toBeNull()
  })

  it('scenario 83: that finds a gap opens one incident of the lineage and leaves the target open', () => {
    const walk = judgement()
    walk.report('REMEDIATION_NEEDED', { result: { notes: ['C2 fails.'] } })
    expect(targetOf(walk)).toMatchObject({ closure_open: true, rounds: 1, finished_items_at_last_round: 0, held: null })
    const incident = incidentIn(walk.workspace)
    expect(incident.id).toMatch(/^arbiter-gap-root-[0-9a-f]{8}$/)
    expect(incident.fields).toMatchObject({
      failure_class: 'arbiter_parity_gap',
      trigger_reason: 'arbiter_remediation_needed',
      root_spec_id: 'root',
      root_idea_id: 'root',
      source_spec_id: 'root',
      evidence_paths: [
        '/w/millrace-agents/arbiter/rubrics/root.md',
        '/w/millrace-agents/arbiter/verdicts/root.json',
        '/w/millrace-agents/runs/run-1/report.md',
      ],
    })
    expect(markers(walk)).toEqual({ planning: '### REMEDIATION_NEEDED' })
    expect(walk.workspace.snapshot.failure_class_by_plane).toEqual({ planning: 'arbiter_parity_gap' })
    // The remedy is open work of the lineage: it is done first, then the target is judged again.
    expect(completionStep(walk.workspace.view(), plan, 'run-2').run).toBeNull()
    expect(select(walk.workspace.view(), plan)!.item.id).toBe(incident.id)
  })

  it('touches no other target, and nothing at all where its own was taken away meanwhile', () => {
    const walk = judgement()
    const { workspace } = walk
    const other = closureTarget('other', { rounds: 3 })
    workspace.targets.clear()
    workspace.targets.set('other', other)
    workspace.targets.set('root', closureTarget('root'))
    walk.report('ARBITER_COMPLETE')
    expect(workspace.targets.get('other')).toEqual(other)
    expect(targetOf(walk).closure_open).toBe(false)
    for (const outcome of ['ARBITER_COMPLETE', 'BLOCKED']) {
      const orphan = judgement()
      orphan.workspace.targets.clear()
      orphan.report(outcome)
      expect(orphan.at).toBe('ended')
      expect(orphan.workspace.targets.size).toBe(0)
      expect(mutationsOf(orphan)).toEqual([])
    }
  })

  it('forgets what had held it up before', () => {
    const walk = judgement({ blocking_work_ids: ['task-7'] })
    walk.report('BLOCKED')
    expect(targetOf(walk).blocking_work_ids).toEqual([])
  })

  it('keeps no path to a verdict or report that is not there', () => {
    const walk = judgement({ latest_verdict_path: 'old', latest_report_path: 'old' })
    walk.report('BLOCKED', { closure: { verdictWritten: false, reportText: null } })
    expect(targetOf(walk)).toMatchObject({ latest_verdict_path: null, latest_report_path: null })
    expect([...walk.workspace.files.keys()].some((path) => path.includes('/arbiter/reports/'))).toBe(false)
  })

  it('scenario 86, W-04: that is blocked holds the target, longer each time, then for an operator', () => {
    const waits: (string | null)[] = []
    let held: ClosureTarget['held'] = null
    for (let attempt = 1; attempt <= 4; attempt++) {
      const walk = judgement({ held, rounds: attempt - 1 })
      walk.report('BLOCKED')
      held = targetOf(walk).held
      expect(held).toMatchObject({ reason: 'arbiter_blocked', attempts: attempt, since: NOW })
      waits.push(held!.retry_at)
      expect(completionStep(walk.workspace.view(), plan, 'run-2').run).toBeNull()
      expect(walk.workspace.idsIn('incident', 'queued')).toEqual([])
      expect(markers(walk)).toEqual({ planning: '### BLOCKED' })
    }
    expect(waits).toEqual(['2026-03-02T12:05:00.000Z', '2026-03-02T12:30:00.000Z', '2026-03-02T14:00:00.000Z', null])
  })

  it('W-04: tells of the hold once, with its reason and when it is tried again', () => {
    const walk = judgement()
    walk.report('BLOCKED')
    expect(told(walk, 'closure_target_held')).toEqual([
      { root_spec_id: 'root', run_id: 'run-1', reason: 'arbiter_blocked', retry_at: '2026-03-02T12:05:00.000Z' },
    ])
    expect(mutationsOf(walk)).toEqual(['hold root'])
  })

  it('counts its holds anew once something was finished in between', () => {
    const held = { reason: 'arbiter_blocked', since: NOW, attempts: 3, retry_at: null, finished_items: 0 }
    const walk = judgement({ held })
    walk.workspace.snapshot.finished_items = 1
    walk.report('BLOCKED')
    expect(targetOf(walk).held).toMatchObject({ attempts: 1, finished_items: 1 })
  })

  it('scenario 87, W-04: that finds a gap again without anything finished holds the target instead', () => {
    const walk = judgement({ rounds: 1, finished_items_at_last_round: 0 })
    walk.report('REMEDIATION_NEEDED')
    expect(walk.workspace.idsIn('incident', 'queued')).toEqual([])
    expect(targetOf(walk).held).toMatchObject({
      reason: 'closure_repeated_remediation_without_execution',
      retry_at: null,
    })
    expect(walk.workspace.snapshot.failure_class_by_plane).toEqual({
      planning: 'closure_repeated_remediation_without_execution',
    })
    expect(markers(walk)).toEqual({ planning: '### BLOCKED' })
    expect(completionStep(walk.workspace.view(), plan, 'run-2').run).toBeNull()
    walk.workspace.snapshot.finished_items = 1
    expect(completionStep(walk.workspace.view(), plan, 'run-2').run).not.toBeNull()
  })

  it('W-04: is repeated no more often than the loop allows', () => {
    let rounds = 0
    let walk: Passage
    do {
      walk = judgement({ rounds, finished_items_at_last_round: rounds })
      walk.workspace.snapshot.finished_items = rounds + 1
      walk.report('REMEDIATION_NEEDED')
      rounds = targetOf(walk).rounds
    } while (targetOf(walk).held === null && rounds < 20)
    expect(rounds).toBe(5)
    expect(targetOf(walk).held).toMatchObject({ reason: 'closure_rounds_exhausted', retry_at: null })
  })

  it('that finds a gap again is reported again where the loop asks for nothing in between', () => {
    const eager = edit<Loop>((loop) =>
      Object.assign(loop.completion_behavior!, { requires_execution_between_rounds: false }),
    )
    const walk = judgement({ rounds: 1, finished_items_at_last_round: 0 }, planWith({ changes: { [PLANNING]: eager } }))
    walk.report('REMEDIATION_NEEDED')
    expect(walk.workspace.idsIn('incident', 'queued')).toHaveLength(1)
    expect(targetOf(walk).held).toBeNull()
  })

  it('that finds a gap opens no incident where the loop wants none', () => {
    const silent = planWith({
      changes: {
        [PLANNING]: edit<Loop>((loop) => Object.assign(loop.completion_behavior!, { create_incident_on_gap: false })),
      },
    })
    const walk = judgement({}, silent)
    walk.report('REMEDIATION_NEEDED')
    expect(walk.workspace.idsIn('incident', 'queued')).toEqual([])
    expect(mutationsOf(walk)).toEqual([])
    expect(targetOf(walk)).toMatchObject({ closure_open: true, rounds: 1, finished_items_at_last_round: 0 })
  })

  it('moves no item, whatever the effects say', () => {
    const walk = judgement()
    walk.report('BLOCKED')
    expect(walk.workspace.told).not.toContain('work_item_blocked')
  })
})

describe('W-39: the effects of a terminal state', () => {
  const ending = (plane: 'execution' | 'planning', id: string, change: (state: TerminalState) => void) =>
    planWith({
      changes: {
        [plane === 'execution' ? EXECUTION : PLANNING]: edit<Loop>((loop) =>
          change(loop.terminal_states.find((state) => state.terminal_state_id === id)!),
        ),
      },
    })
  const withEffects = (...effects: Effect[]) =>
    ending('execution', 'update_complete', (state) => Object.assign(state, { effects }))
  const incident: Effect = {
    effect: 'create_incident',
    entry_kind: 'incident',
    id_prefix: 'note',
    failure_class: 'noted',
    severity: 'low',
  }

  it('may set the item aside', () => {
    const walk = task('updater', { of: withEffects({ effect: 'quarantine_item' }) })
    walk.report('UPDATE_COMPLETE')
    expect(walk.workspace.statesOf('task', 'task-001')).toEqual(['quarantined'])
  })

  it('of which several move the item: the last counts', () => {
    const walk = task('updater', { of: withEffects({ effect: 'complete_item' }, { effect: 'block_item' }) })
    walk.report('UPDATE_COMPLETE')
    expect(walk.workspace.statesOf('task', 'task-001')).toEqual(['blocked'])
  })

  it('of which none moves the item never leave it active without a run', () => {
    const good = task('updater', { of: withEffects(incident) })
    good.report('UPDATE_COMPLETE')
    expect(good.workspace.statesOf('task', 'task-001')).toEqual(['done'])
    expect(incidentIn(good.workspace).fields).toMatchObject({ severity: 'low', failure_class: 'noted' })
    const bad = task('updater', {
      of: ending('execution', 'update_complete', (state) =>
        Object.assign(state, { effects: [incident], terminal_class: 'blocked' }),
      ),
    })
    bad.report('UPDATE_COMPLETE')
    expect(bad.workspace.statesOf('task', 'task-001')).toEqual(['blocked'])
  })

  it('of an end without work to do finish the item', () => {
    const of = ending('execution', 'update_complete', (state) =>
      Object.assign(state, { effects: [{ effect: 'hold_target' }], terminal_class: 'no_op' }),
    )
    const walk = task('updater', { of })
    walk.report('UPDATE_COMPLETE')
    expect(walk.workspace.statesOf('task', 'task-001')).toEqual(['done'])
  })

  it('may park the item, which waits in its blocked state', () => {
    const parked = structuredClone(plan)
    const states = graphOf(parked, 'execution')!.terminal_states
    states.find((state) => state.terminal_state_id === 'update_complete')!.effects = [
      { effect: 'park_item', resolver: 'somebody' },
    ]
    const walk = task('updater', { of: parked })
    walk.report('UPDATE_COMPLETE')
    expect(walk.workspace.statesOf('task', 'task-001')).toEqual(['blocked'])
    expect(mutationsOf(walk)).toEqual(['task task-001 blocked'])
  })

  it('that are for a closure target mean nothing for the run of an item', () => {
    const walk = task('updater', { of: withEffects({ effect: 'hold_target' }, { effect: 'close_target' }) })
    walk.workspace.targets.set('root', closureTarget('root'))
    walk.report('UPDATE_COMPLETE')
    expect(targetOf(walk)).toEqual(closureTarget('root'))
    expect(mutationsOf(walk)).toEqual(['task task-001 done'])
  })

  it('are all there is for the closure target, if one of them is for it', () => {
    const of = ending('planning', 'blocked', (state) =>
      Object.assign(state, { effects: [{ effect: 'block_item' }, { effect: 'close_target' }] }),
    )
    const walk = judgement({}, of)
    walk.report('BLOCKED')
    expect(targetOf(walk)).toMatchObject({ closure_open: false, held: null })
  })

  it('of which none is for the closure target close it on a pass and hold it otherwise', () => {
    const onlyItem = (id: string) =>
      ending('planning', id, (state) => Object.assign(state, { effects: [{ effect: 'block_item' }] }))
    const passed = judgement({}, onlyItem('arbiter_complete'))
    passed.report('ARBITER_COMPLETE')
    expect(targetOf(passed).closure_open).toBe(false)
    const stuck = judgement({}, onlyItem('blocked'))
    stuck.report('BLOCKED')
    expect(targetOf(stuck).held).toMatchObject({ reason: 'arbiter_blocked' })
    expect(completionStep(stuck.workspace.view(), plan, 'run-2').run).toBeNull()
  })
})

describe('documents handed in', () => {
  const handIn = (
    kind: 'task' | 'spec' | 'incident',
    id: string,
    fields = {},
  ): NonNullable<Report['handIns']>[number] => ({ kind, text: documentText(kind, id, fields) })
  const queued = ({ workspace }: Passage, kind: ItemKind, id: string) => {
    const parsed = parseDocument(kind, workspace.textOf(kind, 'queued', id)!)
    return parsed.ok ? parsed.document.fields : null
  }

  it('wait in their queues with the lineage they inherit, each told', () => {
    const walk = passage('planning', 'manager', 'spec', 'root', {
      fields: { root_spec_id: 'root', root_idea_id: 'idea-1' },
    })
    walk.report('MANAGER_COMPLETE', { handIns: [handIn('task', 'a'), handIn('task', 'b', { spec_id: 'other' })] })
    expect(queued(walk, 'task', 'a')).toMatchObject({ ...ROOTS, spec_id: 'root' })
    expect(queued(walk, 'task', 'b')).toMatchObject({ ...ROOTS, spec_id: 'other' })
    expect(told(walk, 'work_item_handed_in').map((data) => data.work_item_id)).toEqual(['a', 'b'])
    expect(walk.workspace.statesOf('spec', 'root')).toEqual(['done'])
    expect(mutationsOf(walk)).toEqual(['task a queued', 'task b queued', 'spec root done'])
  })

  it('are published by a stage that leads on as well', () => {
    const walk = passage('planning', 'planner', 'spec', 'root')
    walk.report('PLANNER_COMPLETE', { handIns: [handIn('spec', 'child')] })
    expect(walk.at).toBe('manager')
    expect(queued(walk, 'spec', 'child')).toMatchObject({
      root_spec_id: 'root',
      parent_spec_id: 'root',
      source_id: 'root',
    })
  })

  it('keep their text but for what they inherit', () => {
    const text = documentText('task', 'a', ROOTS, 'Words of the stage.').replace('# Title of a', '#   Title of a')
    const walk = passage('planning', 'manager', 'spec', 'root', { fields: ROOTS })
    walk.report('MANAGER_COMPLETE', { handIns: [{ kind: 'task', text }] })
    expect(walk.workspace.textOf('task', 'queued', 'a')).toContain('Words of the stage.')
    expect(walk.workspace.textOf('task', 'queued', 'a')).toContain('#   Title of a')
  })

  it('that are no incidents are never taken for one', () => {
    const walk = task('consultant')
    walk.report('NEEDS_PLANNING', { handIns: [handIn('task', 'chore'), handIn('incident', 'mine')] })
    expect(queued(walk, 'task', 'chore')).not.toBeNull()
    expect(incidentIn(walk.workspace).title).toBe('Title of mine')
  })

  it('that are incidents become the body of the one the runtime opens; a second one is a document of its own', () => {
    const walk = task('consultant', { fields: ROOTS })
    const first = handIn('incident', 'mine', {
      summary: 'Told by the stage.',
      severity: 'critical',
      observed_symptoms: ['odd'],
      evidence_paths: ['a.log'],
      failed_attempts: ['retry'],
    })
    walk.report('NEEDS_PLANNING', {
      result: { notes: ['Told by the result.'], artifact_paths: ['b.log'] },
      handIns: [{ ...first, text: `${first.text}\nThe whole story.\n` }, handIn('incident', 'second')],
    })
    const ids = walk.workspace.idsIn('incident', 'queued').sort()
    expect(ids).toEqual([expect.stringMatching(/^incident-task-001-/), 'second'])
    const parsed = parseDocument('incident', walk.workspace.textOf('incident', 'queued', ids[0]!)!)
    expect(parsed.ok && parsed.document).toMatchObject({
      title: 'Title of mine',
      body: 'The whole story.',
      fields: {
        ...ROOTS,
        summary: 'Told by the stage.',
        severity: 'critical',
        observed_symptoms: ['odd', 'Told by the result.'],
        evidence_paths: ['a.log', 'b.log'],
        failed_attempts: ['retry'],
        opened_by: 'runtime',
        source_task_id: 'task-001',
      },
    })
    expect(queued(walk, 'incident', 'second')).toMatchObject({ ...ROOTS, source_task_id: 'task-001' })
  })
})

describe('the history of a run', () => {
  it('has one record for each stage, chained, saying what was decided and why', () => {
    const walk = task('checker')
    walk.reports('FIX_NEEDED', 'BLOCKED')
    walk.report('TROUBLESHOOT_COMPLETE', { metadata: { resume_stage: 'updater' } })
    walk.report('UPDATE_COMPLETE')
    const records = walk.workspace.lines.get('runs/run-1/transition_history.jsonl')!
    expect(records).toHaveLength(4)
    expect(records[0]).toMatchObject({
      schema_version: '1.0',
      previous_event_id: null,
      event_name: 'stage_transition',
      node_id: 'checker',
      outcome: 'FIX_NEEDED',
      selected_edge_id: 'checker-fix-needed-to-fixer',
      selected_node_id: 'fixer',
      selected_edge_reason: 'fix_needed',
      condition_inputs: { counted: [{ counter_name: 'fix_cycle_count', key: '' }], resume_stage: null },
      status_before: '### CHECKER_RUNNING',
      status_after: '### FIX_NEEDED',
      active_task_before: 'task task-001',
      active_task_after: 'task task-001',
      queue_mutations_applied: [],
      frozen_plan: { plan_id: plan.compiled_plan_id, selection_ref: 'mode:default_codex' },
      bound_execution_parameters: { runner: 'codex_cli', timeout_seconds: 3600 },
    })
    expect(records[1]).toMatchObject({ failure_class: 'fixer_blocked', selected_node_id: 'troubleshooter' })
    expect(records[2]).toMatchObject({ condition_inputs: { resume_stage: 'updater' }, selected_node_id: 'updater' })
    expect(records[3]).toMatchObject({
      event_name: 'run_ended',
      selected_terminal_state_id: 'update_complete',
      queue_mutations_applied: ['task task-001 done'],
      active_task_after: null,
      status_after: '### IDLE',
    })
    expect(records.map((record) => record.previous_event_id)).toEqual([
      null,
      ...records.slice(0, -1).map((record) => record.event_id),
    ])
  })

  it('names the root where a closure target was judged', () => {
    const walk = judgement()
    walk.report('ARBITER_COMPLETE')
    expect(walk.workspace.lines.get('runs/run-1/transition_history.jsonl')).toMatchObject([
      { active_task_before: 'root', active_task_after: null, queue_mutations_applied: ['close root'] },
    ])
  })

  it('scenario 44: is told in two events after whatever else happened', () => {
    const walk = task('updater')
    walk.report('UPDATE_COMPLETE', { metadata: { failure_class: null } })
    expect(walk.workspace.told).toEqual(['work_item_finished', 'stage_completed', 'router_decision'])
    expect(told(walk, 'stage_completed')).toMatchObject([
      {
        request_id: 'request-1',
        stage: 'updater',
        plane: 'execution',
        terminal_result: 'UPDATE_COMPLETE',
        failure_class: null,
      },
    ])
    expect(told(walk, 'router_decision')).toMatchObject([
      { action: 'idle', next_stage: null, terminal_state_id: 'update_complete', reason: 'updater_complete' },
    ])
  })
})

describe('a decision the plan does not know', () => {
  it('is refused before anything is changed', () => {
    const run = runAt(plan, 'execution', 'builder', { kind: 'task', id: 'task-001' })
    const view = new MemoryWorkspace(plan).view()
    const base = {
      view,
      plan,
      run,
      request: requestFor(plan, run),
      result: resultOf(plan, run, 'BLOCKED'),
      item: null,
      handIns: [],
      closure: null,
      hex: () => '00000000',
    }
    const decision = {
      action: 'run_stage',
      next_node_id: 'nowhere',
      terminal_state_id: null,
      edge_id: 'e',
      reason: 'r',
      failure_class: null,
      counted: [],
    } as const
    const planId = plan.compiled_plan_id
    expect(() => settle({ ...base, decision: { ...decision, counted: [] } })).toThrow(
      new MillraceError('routing_failed', `node nowhere is not part of the plan ${planId}`),
    )
    expect(() =>
      settle({ ...base, decision: { ...decision, counted: [], next_node_id: null, terminal_state_id: 'nowhere' } }),
    ).toThrow(new MillraceError('routing_failed', `terminal state nowhere is not part of the plan ${planId}`))
  })
})
