/** Incidents and closure targets as they are looked at, in workspaces where they really came about. */
import * as fs from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makeLook } from '../../src/cli/look.ts'
import { ls as renderClosure, show as renderTarget } from '../../src/cli/render/closure.ts'
import { ls as renderIncidents } from '../../src/cli/render/incidents.ts'
import { closureLs, closureShow } from '../../src/operations/closure.ts'
import { incidentsLs } from '../../src/operations/incidents.ts'
import type { AnyOperation } from '../../src/operations/table.ts'
import { contextIn } from '../rig/context.ts'
import { Rig, reply } from '../rig/runtime.ts'

const look = (terminal: boolean) => makeLook({ terminal, colour: false, width: 140, now: new Date() })
const rigs: Rig[] = []
afterEach(() => {
  for (const rig of rigs.splice(0)) rig.dispose()
})

async function rigWith(replies: Parameters<Rig['replies']>[0]): Promise<Rig> {
  const rig = await Rig.create({ replies })
  rigs.push(rig)
  return rig
}

/** Runs an operation; its answer, as JSON, must fit the schema the operation gives of it. */
async function ask<T>(rig: Rig, verb: AnyOperation, input: object = {}): Promise<T> {
  const answer = await verb.run(contextIn(rig.root), input)
  const schema = z.fromJSONSchema((await verb.output()) as Parameters<typeof z.fromJSONSchema>[0])
  const checked = schema.safeParse(JSON.parse(JSON.stringify(answer)))
  expect(checked.success ? '' : z.prettifyError(checked.error)).toBe('')
  return answer as T
}

describe('incidents', () => {
  const listed = (rig: Rig, input = {}) => ask<Awaited<ReturnType<typeof incidentsLs.run>>>(rig, incidentsLs, input)

  it('are listed with what raised them, how bad it is and whose work it is; resolved ones only when asked for', async () => {
    const rig = await rigWith([])
    rig.addTask('T-1', { root_spec_id: 'R-1', root_idea_id: 'R-1' }, 'blocked')
    rig.addIncident('I-1', { source_task_id: 'T-1', severity: 'critical', failure_class: 'flaky_world' })
    rig.addIncident('I-2', { opened_at: '2026-03-01T00:00:00Z' }, 'resolved')
    rig.addIncident('I-3', { opened_at: '2026-03-02T00:00:00Z' }, 'resolved')
    rig.addIncident('I-4', {}, 'blocked')
    const open = await listed(rig)
    expect(open.counts).toMatchObject({ queued: 1, blocked: 1, done: 2, active: 0 })
    expect(open.incidents.map(({ incident_id, state }) => [incident_id, state])).toEqual([
      ['I-1', 'queued'],
      ['I-4', 'blocked'],
    ])
    expect(open.incidents[0]).toMatchObject({
      severity: 'critical',
      source_task_id: 'T-1',
      path: rig.at('incidents/incoming/I-1.md'),
    })
    const all = await listed(rig, { all: true })
    expect(all.incidents.map(({ incident_id }) => incident_id)).toEqual(['I-1', 'I-4', 'I-3', 'I-2'])
    const one = await listed(rig, { state: 'done', limit: 1 })
    expect([one.incident_count, one.incidents.length]).toEqual([2, 1])
    const lines = renderIncidents(open, look(false)).split('\n')
    expect(lines.filter((line) => line.startsWith('incident: '))).toHaveLength(2)
    expect(lines).toContain('incident_done_count: 2')
    expect(lines.every((line) => /^\w+: /.test(line))).toBe(true)
    expect(renderIncidents(open, look(true))).toMatch(/incoming\s+critical\s+I-1/)
    expect(renderIncidents(one, look(true))).toContain('and 1 more')
  })

  it('that cannot be read are named with what is wrong, before and after they were put aside', async () => {
    const rig = await rigWith([])
    rig.place('incidents/incoming/bad.md', '# No fields\n')
    rig.place('incidents/incoming/worse.md.invalid', '# No fields either\n')
    const { unreadable, incidents } = await listed(rig)
    expect(incidents).toEqual([])
    expect(unreadable.map(({ path, set_aside }) => [path, set_aside])).toEqual([
      [rig.at('incidents/incoming/bad.md'), false],
      [rig.at('incidents/incoming/worse.md.invalid'), true],
    ])
    for (const { faults } of unreadable) expect(faults.join(' ')).toMatch(/Incident-ID/)
    expect(renderIncidents(await listed(rig), look(true))).toContain('unreadable:')
  })

  it('that a run opens name their stage, failure and run', async () => {
    const rig = await rigWith([
      reply('builder', 'BLOCKED'),
      reply('troubleshooter', 'BLOCKED'),
      reply('consultant', 'NEEDS_PLANNING'),
    ])
    rig.addTask('T-9')
    await rig.ticks(4)
    const { incidents } = await listed(rig, { all: true })
    expect(incidents).toHaveLength(1)
    expect(incidents[0]).toMatchObject({ source_task_id: 'T-9', source_stage: 'consultant', opened_by: 'runtime' })
    expect(incidents[0]!.related_run_ids).toEqual([rig.list('runs')[0]])
  })
})

describe('closure targets', () => {
  let rig: Rig
  beforeAll(async () => {
    const verdict = {
      schema_version: '1.0',
      kind: 'closure_verdict',
      root_spec_id: 'R-1',
      verdict: 'gap',
      criteria: [
        { id: 'C1', text: 'It greets', result: 'pass', evidence: ['ran it'] },
        { id: 'C2', text: 'It is kind', result: 'fail', evidence: [] },
      ],
      summary: 'Half of it.',
    }
    rig = await Rig.create({ replies: [] })
    rig.addSpec('R-1', { title: 'Greet everybody', root_spec_id: 'R-1', root_idea_id: 'R-1' }, 'done')
    rig.addSpec('R-2', { root_spec_id: 'R-2', root_idea_id: 'R-2' })
    rig.addTask('T-1', { root_spec_id: 'R-1', root_idea_id: 'R-1' }, 'blocked')
    rig.addTask('T-2', { root_spec_id: 'R-1', root_idea_id: 'R-1' }, 'done')
    const at = (name: string) => `millrace-agents/arbiter/${name}`
    const target = (root: string, more: object) => ({
      ...{ schema_version: '2.0', kind: 'closure_target_state', root_spec_id: root, root_idea_id: root },
      ...{ root_spec_path: at(`contracts/root-specs/${root}.md`), root_idea_path: at(`contracts/ideas/${root}.md`) },
      ...{ rubric_path: at(`rubrics/${root}.md`), latest_verdict_path: null, latest_report_path: null },
      ...{ closure_open: true, blocking_work_ids: [], opened_at: '2026-03-01T10:00:00Z', closed_at: null },
      ...{ last_arbiter_run_id: null, rounds: 0, finished_items_at_last_round: null, held: null },
      ...more,
    })
    rig.place('arbiter/verdicts/R-1.json', JSON.stringify(verdict))
    const judged = { latest_verdict_path: at('verdicts/R-1.json'), rounds: 2, blocking_work_ids: ['T-1'] }
    rig.place('arbiter/targets/R-1.json', JSON.stringify(target('R-1', judged)))
    const closed = {
      closure_open: false,
      closed_at: '2026-02-01T10:00:00Z',
      rounds: 1,
      latest_verdict_path: at('verdicts/gone.json'),
    }
    rig.place('arbiter/targets/R-0.json', JSON.stringify(target('R-0', closed)))
    rig.place('arbiter/contracts/root-specs/R-0.md', '# An older spec\n')
  })
  afterAll(() => rig.dispose())
  const listed = () => ask<Awaited<ReturnType<typeof closureLs.run>>>(rig, closureLs)
  const shown = (id: string) => ask<Awaited<ReturnType<typeof closureShow.run>>>(rig, closureShow, { root_spec_id: id })

  it('are listed open ones first, with rounds, verdict and the work they wait for', async () => {
    const answer = await listed()
    expect(answer).toMatchObject({ target_count: 2, open_count: 1 })
    expect(answer.targets).toMatchObject([
      {
        root_spec_id: 'R-1',
        title: 'Greet everybody',
        state: 'open',
        rounds: 2,
        verdict: 'gap',
        blocking_work_ids: ['T-1'],
      },
      { root_spec_id: 'R-0', title: 'An older spec', state: 'closed', verdict: 'unreadable' },
    ])
    expect(renderClosure(answer, look(false))).toContain('closure_target: root_spec_id=R-1 state=open')
    expect(renderClosure(answer, look(true))).toMatch(/open\s+R-1\s+2\s+gap/)
  })

  it('are shown with the verdict criterion by criterion, the open work, and what waits for them', async () => {
    await rig.ticks(1) // compiles, so that the lanes know what waits for a closure
    const answer = await shown('R-1')
    expect(answer.verdict?.criteria.map(({ id, result }) => `${id} ${result}`)).toEqual(['C1 pass', 'C2 fail'])
    expect(answer.open_work).toMatchObject([{ work_item_id: 'T-1', state: 'blocked' }])
    expect(answer.lineage).toMatchObject({ done: 2, blocked: 1 })
    expect(answer.deferred_root_specs).toEqual(['R-2'])
    expect(answer.rubric_path).toBeNull()
    const lines = renderTarget(answer, look(false)).split('\n')
    expect(lines).toContain('criterion: id=C2 result=fail text="It is kind" evidence=[]')
    const sheet = renderTarget(answer, look(true))
    expect(sheet).toContain('✗ C2 It is kind')
    expect(sheet).toContain('R-2 waits for it')
  })

  it('say what is wrong with a verdict that cannot be read or judges another spec', async () => {
    expect((await shown('R-0')).verdict).toMatchObject({ verdict: 'unreadable', fault: 'the file is gone, or no text' })
    const file = rig.at('arbiter/verdicts/R-1.json')
    const before = fs.readFileSync(file, 'utf8')
    fs.writeFileSync(file, before.replace('"root_spec_id":"R-1"', '"root_spec_id":"R-7"'))
    expect((await shown('R-1')).verdict).toMatchObject({ verdict: 'unreadable', fault: 'it judges R-7' })
    fs.writeFileSync(file, '{"verdict":')
    expect((await shown('R-1')).verdict).toMatchObject({ fault: 'it is not JSON' })
    fs.writeFileSync(file, before)
  })

  it('take a unique start of an id, and name what is near where there is none', async () => {
    await expect(shown('R')).rejects.toMatchObject({ code: 'item_ambiguous' })
    await expect(shown('R-11')).rejects.toMatchObject({ code: 'item_unknown', hint: 'did you mean R-1?' })
    await expect(shown('entirely else')).rejects.toMatchObject({ hint: 'list them with `millrace closure ls`' })
  })
})
