import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planWith } from '../../test/rig/assets.ts'
import { documentText } from '../../test/rig/documents.ts'
import { closureTarget, Passage, runAt } from '../../test/rig/run.ts'
import { MemoryWorkspace, NOW } from '../../test/rig/view.ts'
import { parseDocument } from './document.ts'
import { ID_LENGTH_MAX } from './ids.ts'
import { countUp } from './state.ts'

const plan = planWith()
const TASK = { kind: 'task', id: 'task-001' } as const

/** The incident of a task that the consultant hands over, as it lies in the queue. */
function incidentOf(id: string, result: { notes?: string[]; artifact_paths?: string[] }, handIn?: string) {
  const workspace = new MemoryWorkspace(plan).put('task', 'active', id, documentText('task', id))
  const passage = new Passage(workspace, runAt(plan, 'execution', 'consultant', { kind: 'task', id }))
  passage.report('NEEDS_PLANNING', {
    result,
    handIns: handIn === undefined ? [] : [{ kind: 'incident', text: handIn }],
  })
  return readIncident(workspace)
}

/** The only incident that waits, read. */
function readIncident(workspace: MemoryWorkspace) {
  const [name] = workspace.idsIn('incident', 'queued')
  return { name: name!, parsed: parseDocument('incident', workspace.textOf('incident', 'queued', name!)!) }
}

describe('an incident the runtime opens', () => {
  const anyTexts = fc.array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', ' ', '\0', '\n', '- a\n- b', 'Title: x\n# y', 'none', '-'),
    ),
    { maxLength: 4 },
  )

  it('is a valid document, whatever the stage wrote into notes and paths', () => {
    fc.assert(
      fc.property(anyTexts, anyTexts, (notes, artifact_paths) => {
        const { name, parsed } = incidentOf('task-001', { notes, artifact_paths })
        expect(parsed).toMatchObject({ ok: true, document: { id: name } })
      }),
    )
  })

  it('has an id that is safe and short enough, however long that of its subject', () => {
    const { name, parsed } = incidentOf('x'.repeat(ID_LENGTH_MAX), {})
    expect(name).toMatch(/^incident-x{120}-[0-9a-f]{8}$/)
    expect(parsed.ok).toBe(true)
  })

  it('sums up with the first note that says something, else with what happened', () => {
    const summaryOf = (...notes: string[]) => {
      const { parsed } = incidentOf('task-001', { notes })
      return parsed.ok ? parsed.document.fields.summary : parsed.faults
    }
    expect(summaryOf(' \n', 'Two\nlines.')).toBe('Two lines.')
    expect(summaryOf()).toBe('consultant ended with NEEDS_PLANNING on task-001.')
  })

  it('carries the failure class of a spent budget, else that of the loop', () => {
    const classOf = (outcome: string, uses: number) => {
      const workspace = new MemoryWorkspace(plan).put('task', 'active', 'task-001', documentText('task', 'task-001'))
      for (let use = 0; use < uses; use++)
        workspace.counters = countUp(workspace.counters, TASK, 'consultant_invocations', '', NOW)
      new Passage(workspace, runAt(plan, 'execution', 'consultant', TASK)).report(outcome)
      const { parsed } = readIncident(workspace)
      return parsed.ok && [parsed.document.fields.failure_class, parsed.document.fields.needs_planning]
    }
    expect(classOf('NEEDS_PLANNING', 0)).toEqual(['consultant_needs_planning', true])
    expect(classOf('CONSULT_COMPLETE', 3)).toEqual(['consult_limit_reached', true])
  })

  it('names each symptom and each piece of evidence once', () => {
    const { parsed } = incidentOf('task-001', { notes: ['odd', ' odd '], artifact_paths: ['a.log', 'a.log'] })
    expect(parsed).toMatchObject({ document: { fields: { observed_symptoms: ['odd'], evidence_paths: ['a.log'] } } })
  })

  it('is told of with where it lies and where it comes from', () => {
    const roots = { root_spec_id: 'root', root_idea_id: 'idea' }
    const workspace = new MemoryWorkspace(plan).put(
      'task',
      'active',
      'task-001',
      documentText('task', 'task-001', roots),
    )
    new Passage(workspace, runAt(plan, 'execution', 'consultant', { kind: 'task', id: 'task-001' })).report(
      'NEEDS_PLANNING',
    )
    const [id] = workspace.idsIn('incident', 'queued')
    expect(workspace.events.find((event) => event.event_type === 'runtime_handoff_incident_enqueued')?.data).toEqual({
      incident_id: id,
      source_work_item_kind: 'task',
      source_work_item_id: 'task-001',
      destination: `millrace-agents/incidents/incoming/${id}.md`,
      root_idea_id: 'idea',
      root_spec_id: 'root',
      source_task_id: 'task-001',
      source_spec_id: null,
    })
    const [record] = workspace.lines.get('runs/run-1/transition_history.jsonl')!
    expect(record!.queue_mutations_applied).toContain(`incident ${id} queued`)
  })

  it('is told of the gap of a closure target as of its root spec, with what judged it for evidence', () => {
    const workspace = new MemoryWorkspace(plan)
    workspace.targets.set('root', closureTarget('root'))
    const passage = new Passage(workspace, runAt(plan, 'planning', 'arbiter', { closureRoot: 'root' }))
    passage.report('REMEDIATION_NEEDED')
    const [id] = workspace.idsIn('incident', 'queued')
    expect(workspace.events.find((event) => event.event_type === 'runtime_handoff_incident_enqueued')?.data).toEqual({
      incident_id: id,
      source_work_item_kind: 'spec',
      source_work_item_id: 'root',
      destination: `millrace-agents/incidents/incoming/${id}.md`,
      root_idea_id: 'root',
      root_spec_id: 'root',
      source_task_id: null,
      source_spec_id: 'root',
    })
    const { parsed } = readIncident(workspace)
    expect(parsed).toMatchObject({
      document: {
        title: expect.stringMatching(/^root: [a-z ]+$/),
        body: '',
        fields: {
          evidence_paths: [
            expect.stringMatching(/rubric/),
            expect.stringMatching(/verdict/),
            '/w/millrace-agents/runs/run-1/report.md',
          ],
        },
      },
    })
  })

  it('takes the lineage the stage wrote only where the work itself has none', () => {
    const stated = documentText('incident', 'mine', { root_spec_id: 'stated', root_idea_id: 'stated-idea' })
    const { parsed } = incidentOf('task-001', {}, stated)
    expect(parsed).toMatchObject({
      document: { fields: { root_spec_id: 'stated', root_idea_id: 'stated-idea', source_task_id: 'task-001' } },
    })
  })
})
