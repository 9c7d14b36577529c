import { describe, expect, it } from 'vitest'
import { planWith } from '../../test/rig/assets.ts'
import { documentText } from '../../test/rig/documents.ts'
import { Passage, type Report, runAt } from '../../test/rig/run.ts'
import { MemoryWorkspace } from '../../test/rig/view.ts'
import type { Plan } from './plan.ts'
import { transitionIn } from './transition.ts'

const TASK = { kind: 'task', id: 'task-001' } as const
const plan = planWith()

/** What is kept, in order, and what is told of the first stage, of a task that was built and checked. */
function built(of: Plan = plan, report: Report = {}) {
  const workspace = new MemoryWorkspace(of).put('task', 'active', TASK.id, documentText('task', TASK.id))
  const passage = new Passage(workspace, runAt(of, 'execution', 'builder', TASK))
  passage.report('BUILDER_COMPLETE', report)
  passage.report('CHECKER_PASS')
  const records = workspace.lines.get('runs/run-1/transition_history.jsonl')!
  const told = (type: string) => workspace.events.find((event) => event.event_type === type)!.data
  return { records, completed: told('stage_completed'), routed: told('router_decision') }
}

describe('the record of a transition', () => {
  const { records } = built()

  it('has an id of its own that the same stage run always gets again', () => {
    const ids = records.map((record) => record.event_id)
    expect(ids).toEqual([expect.stringMatching(/^transition-[0-9a-f]{12}$/), expect.stringMatching(/^transition-/)])
    expect(ids[0]).not.toBe(ids[1])
    expect(built().records.map((record) => record.event_id)).toEqual(ids)
  })

  it('names what was routed by with a hash that changes with the topology, and with nothing else', () => {
    const hashOf = (of: Plan) => (built(of).records[0]!.frozen_plan as { content_hash: string }).content_hash
    const hash = hashOf(plan)
    expect(hash).toMatch(/^[0-9a-f]{12}$/)
    expect(hashOf(planWith())).toBe(hash)
    expect(hashOf({ ...plan, compiled_at: 'another day' })).toBe(hash)
    expect(hashOf(planWith({ config: { recovery: { max_fix_cycles: 9 } } }))).not.toBe(hash)
  })

  it('says when and by whom it was settled', () => {
    expect(records[0]).toMatchObject({ phase: 'settle', source: 'engine', run_id: 'run-1', plane: 'execution' })
  })

  it('is read again from its line', () => {
    for (const record of records) expect(transitionIn(JSON.stringify(record))).toEqual(record)
  })

  it.each(Object.keys(records[0]!))('is read again without %s only if nobody needs that', (name) => {
    const { [name]: _, ...rest } = records[0]!
    const needed = [
      'event_id',
      'request_id',
      'event_name',
      'plane',
      'node_id',
      'outcome',
      'result_class',
      'failure_class',
      'selected_node_id',
      'selected_terminal_state_id',
      'selected_edge_reason',
      'frozen_plan',
      'timestamp',
    ]
    expect(transitionIn(JSON.stringify(rest)) === null).toBe(needed.includes(name))
  })

  it('is not found in a line that somebody else wrote, or that a crash cut', () => {
    const line = JSON.stringify(records[0])
    const foreign = [line.slice(0, -1), '', '[]', 'null', '{}', JSON.stringify({ ...records[0], frozen_plan: {} })]
    for (const text of foreign) expect(transitionIn(text)).toBeNull()
  })
})

describe('the events of a transition', () => {
  it('carry the failure class of the result where routing saw no failure', () => {
    const { completed, routed } = built(plan, { metadata: { failure_class: 'odd' } })
    expect([completed.failure_class, routed.failure_class]).toEqual(['odd', 'odd'])
    expect(built().routed.failure_class).toBeNull()
  })

  it('point at the report of the stage, or where one belongs', () => {
    expect(built(plan, { result: { report_artifact: '/w/report.md' } }).completed.troubleshoot_report_path).toBe(
      '/w/report.md',
    )
    expect(built().completed.troubleshoot_report_path).toBe('/w/millrace-agents/runs/run-1/troubleshoot_report.md')
  })
})
