import { describe, expect, it } from 'vitest'
import { edit, planWith } from '../../test/rig/assets.ts'
import { documentText } from '../../test/rig/documents.ts'
import { closureTarget, requestFor } from '../../test/rig/run.ts'
import { MemoryWorkspace, NOW } from '../../test/rig/view.ts'
import { Draft } from './changes.ts'
import {
  closurePaths,
  completionStep,
  nextClosureTime,
  openLineageWork,
  openTarget,
  type RootSpec,
} from './completion.ts'
import type { Loop } from './loop.ts'
import { completionGraph, type Plan } from './plan.ts'
import { ClosureTarget } from './state.ts'

const plan = planWith()
const behavior = completionGraph(plan)!.completion_behavior
const PLANNING = 'graphs/planning/standard.json'

const ROOT: RootSpec = {
  id: 'root',
  text: 'The spec.\n',
  rootSpecId: 'root',
  rootIdeaId: 'idea-1',
  sourceId: 'source-1',
  sourceType: 'idea',
  references: ['docs/seed.md', 'README.txt'],
}

const workspace = () => new MemoryWorkspace(plan)
const step = (of: MemoryWorkspace, plan_: Plan = plan) => completionStep(of.view(), plan_, 'run-1')
const inLineage = (of: MemoryWorkspace) => openLineageWork(of.view(), 'root', behavior).map((item) => item.id)

/** Opens a target for the spec in a workspace that has these files. */
function open(spec: Partial<RootSpec>, files: Record<string, string> = {}) {
  const of = workspace()
  for (const [path, text] of Object.entries(files)) of.files.set(path, text)
  const draft = new Draft(of.view())
  const opening = openTarget(draft, of.view(), { ...ROOT, ...spec })
  of.commit(draft.finish())
  return { of, opening, touched: draft.touched }
}

it('a target whose judgement waits for a person is not judged a second time beside it', () => {
  const of = workspace()
  of.targets.set('root', closureTarget('root'))
  const { run } = step(of)
  expect(run).not.toBeNull()
  of.snapshot.active_runs = [{ ...run!, status: 'awaiting_approval' }]
  expect(step(of).run).toBeNull()
})

describe('opening a closure target', () => {
  it('scenario 78: copies spec and idea, sets the rubric path and tells of it', () => {
    const { of, opening } = open({}, { 'ideas/inbox/idea-1.md': 'The idea.\n' })
    expect(opening).toEqual({ opened: true })
    expect(of.targets.get('root')).toEqual(
      closureTarget('root', { root_idea_id: 'idea-1', root_idea_path: closurePaths('root', 'idea-1').idea }),
    )
    expect(ClosureTarget.safeParse(of.targets.get('root')).success).toBe(true)
    expect(of.files.get('millrace-agents/arbiter/contracts/root-specs/root.md')).toBe('The spec.\n')
    expect(of.files.get('millrace-agents/arbiter/contracts/ideas/idea-1.md')).toBe('The idea.\n')
    expect(of.targets.get('root')!.rubric_path).toBe('millrace-agents/arbiter/rubrics/root.md')
    expect(of.events).toEqual([
      { event_type: 'closure_target_opened', data: { root_spec_id: 'root', root_idea_id: 'idea-1' } },
    ])
  })

  it('looks for the idea in the durable copies first, then where the spec points, then in the inbox', () => {
    const places = [
      'millrace-agents/intake/ideas/idea-1.md',
      'docs/seed.md',
      'ideas/inbox/source-1.md',
      'ideas/inbox/idea-1.md',
    ]
    for (const [index] of places.entries()) {
      const files = Object.fromEntries(places.slice(index).map((place) => [place, place]))
      expect(open({}, files).of.files.get('millrace-agents/arbiter/contracts/ideas/idea-1.md')).toBe(places[index])
    }
  })

  it('never looks outside the workspace', () => {
    const references = ['/etc/passwd.md', '../secret.md', 'a/../../secret.md']
    const { opening } = open({ references }, Object.fromEntries(references.map((path) => [path, 'secret'])))
    expect(opening).toMatchObject({ opened: false, reason: 'missing_root_idea_source' })
  })

  it('W-10: says where it looked when there is no idea, and changes nothing', () => {
    const { opening, touched } = open({})
    expect(touched).toBe(false)
    expect(opening).toEqual({
      opened: false,
      reason: 'missing_root_idea_source',
      looked: [
        'millrace-agents/intake/ideas/idea-1.md',
        'docs/seed.md',
        'ideas/inbox/source-1.md',
        'ideas/inbox/idea-1.md',
      ],
    })
  })

  it('takes a spec written by hand that names itself as its idea for its own seed', () => {
    const { of, opening } = open({ rootIdeaId: 'root', sourceType: 'manual', sourceId: null })
    expect(opening.opened).toBe(true)
    expect(of.files.get('millrace-agents/arbiter/contracts/ideas/root.md')).toBe('The spec.\n')
    expect(open({ rootIdeaId: 'root', sourceType: 'idea' }).opening).toMatchObject({
      reason: 'missing_root_idea_source',
    })
  })

  it('takes no spec for the seed of another idea, though it was written by hand', () => {
    expect(open({ sourceType: 'manual' }).opening).toMatchObject({ opened: false, reason: 'missing_root_idea_source' })
  })

  it('looks in no inbox for a source that has no id', () => {
    expect(open({ sourceId: null, references: [] }).opening).toMatchObject({
      looked: ['millrace-agents/intake/ideas/idea-1.md', 'ideas/inbox/idea-1.md'],
    })
  })

  it('leaves copies of spec and idea as they are where they were made before', () => {
    const { spec, idea } = closurePaths('root', 'idea-1')
    const kept = { [spec]: 'The spec as it was.\n', [idea]: 'The idea as it was.\n' }
    const { of, opening } = open({}, { 'ideas/inbox/idea-1.md': 'The idea.\n', ...kept })
    expect(opening.opened).toBe(true)
    expect(of.files.get(spec)).toBe(kept[spec])
    expect(of.files.get(idea)).toBe(kept[idea])
  })

  it('is not kept back by the target of another root', () => {
    const of = workspace()
    of.files.set('docs/seed.md', 'The idea.\n')
    of.targets.set('other', closureTarget('other'))
    expect(openTarget(new Draft(of.view()), of.view(), ROOT)).toEqual({ opened: true })
  })

  it('is for specs that are their own root and have an idea', () => {
    for (const spec of [{ rootSpecId: 'other' }, { rootSpecId: null }, { rootIdeaId: null }])
      expect(open(spec, { 'docs/seed.md': 'x' })).toMatchObject({
        opening: { opened: false, reason: 'not_a_root' },
        touched: false,
      })
  })

  it('leaves an existing target alone, open or closed', () => {
    for (const closure_open of [true, false]) {
      const of = workspace()
      of.targets.set('root', closureTarget('root', { closure_open }))
      const draft = new Draft(of.view())
      expect(openTarget(draft, of.view(), ROOT)).toEqual({ opened: false, reason: 'exists' })
      expect(draft.touched).toBe(false)
    }
  })
})

describe('open work of a lineage', () => {
  it('scenario 79: holds back the judgement, wherever it waits, and is listed', () => {
    for (const state of ['queued', 'active', 'blocked'] as const) {
      const of = workspace().put('task', state, 't', documentText('task', 't', { root_spec_id: 'root' }))
      of.targets.set('root', closureTarget('root'))
      const { draft, run } = step(of)
      expect(run).toBeNull()
      of.commit(draft.finish())
      expect(of.targets.get('root')!.blocking_work_ids).toEqual(['t'])
      expect(step(of).draft.touched).toBe(false)
    }
  })

  it('is listed once, and written down again only when it changed', () => {
    const of = workspace()
    for (const id of ['a', 'b']) of.put('task', 'queued', id, documentText('task', id, { root_spec_id: 'root' }))
    of.put('incident', 'queued', 'a', documentText('incident', 'a', { root_spec_id: 'root' }))
    of.targets.set('root', closureTarget('root'))
    of.commit(step(of).draft.finish())
    expect(of.targets.get('root')!.blocking_work_ids).toEqual(['a', 'b'])
    expect(step(of).draft.touched).toBe(false)
  })

  it('scenario 80: counts a task whose spec is the root', () => {
    const of = workspace().put('task', 'queued', 't', documentText('task', 't', { spec_id: 'root' }))
    expect(inLineage(of)).toEqual(['t'])
  })

  it('counts tasks, specs and incidents, but neither what is finished nor what is of another root', () => {
    const of = workspace()
      .put('task', 'done', 'finished', documentText('task', 'finished', { root_spec_id: 'root' }))
      .put('task', 'cancelled', 'dropped', documentText('task', 'dropped', { root_spec_id: 'root' }))
      .put('task', 'queued', 'stranger', documentText('task', 'stranger', { root_spec_id: 'other' }))
      .put('spec', 'queued', 'child', documentText('spec', 'child', { root_spec_id: 'root' }))
      .put('incident', 'active', 'trouble', documentText('incident', 'trouble', { source_spec_id: 'root' }))
    expect(inLineage(of)).toEqual(['child', 'trouble'])
  })

  it('scenario 88, W-11: no longer counts a blocked item whose incident is resolved', () => {
    const of = workspace().put('task', 'blocked', 't', documentText('task', 't', { root_spec_id: 'root' }))
    const incident = documentText('incident', 'i', {
      source_task_id: 't',
      root_spec_id: 'root',
      opened_at: '2026-03-02T10:00:00Z',
    })
    of.put('incident', 'queued', 'i', incident)
    expect(inLineage(of)).toEqual(['t', 'i'])
    const resolved = workspace()
      .put('task', 'blocked', 't', documentText('task', 't', { root_spec_id: 'root' }))
      .put('incident', 'done', 'i', incident)
    expect(inLineage(resolved)).toEqual([])
  })

  it('counts a queued item though an incident about it was resolved', () => {
    const of = workspace()
      .put('task', 'queued', 't', documentText('task', 't', { root_spec_id: 'root' }))
      .put('incident', 'done', 'i', documentText('incident', 'i', { source_task_id: 't' }))
    expect(inLineage(of)).toEqual(['t'])
  })

  it('leaves blocked work out where the loop says to ignore it', () => {
    const of = workspace().put('task', 'blocked', 't', documentText('task', 't', { root_spec_id: 'root' }))
    expect(openLineageWork(of.view(), 'root', { ...behavior, blocked_work_policy: 'ignore' })).toEqual([])
  })
})

describe('a drained lineage', () => {
  it('scenario 81: is judged by a run without item, whose request tells all about the closure', () => {
    const of = workspace()
    of.targets.set('root', closureTarget('root'))
    const { draft, run, backfill } = step(of)
    expect(backfill).toBeNull()
    expect(run).toMatchObject({
      run_id: 'run-1',
      plane: 'planning',
      node_id: 'arbiter',
      request_kind: 'closure_target',
      work_item_id: null,
      work_item_kind: null,
      closure_target_root_spec_id: 'root',
      status: 'ready',
      compiled_plan_id: plan.compiled_plan_id,
    })
    of.commit(draft.finish())
    expect(of.snapshot.active_runs).toEqual([run])
    expect(requestFor(plan, run!)).toMatchObject({
      request_kind: 'closure_target',
      closure_target_root_spec_id: 'root',
      active_work_item_id: null,
    })
  })

  it('lists no work any more once it has drained', () => {
    const of = workspace()
    of.targets.set('root', closureTarget('root', { blocking_work_ids: ['t'] }))
    of.commit(step(of).draft.finish())
    expect(of.targets.get('root')!.blocking_work_ids).toEqual([])
  })

  it('is not kept from its judgement by work of others', () => {
    const of = workspace().put(
      'task',
      'queued',
      'stranger',
      documentText('task', 'stranger', { depends_on: ['nothing'] }),
    )
    of.targets.set('root', closureTarget('root'))
    expect(step(of).run).not.toBeNull()
  })

  it('is judged in the order the targets were opened, wherever they are found', () => {
    const late = closureTarget('late', { opened_at: '2026-03-02T11:00:00.000Z' })
    const early = closureTarget('early', { opened_at: '2026-03-02T10:00:00.000Z' })
    const closed = closureTarget('closed', { opened_at: '2026-03-02T09:00:00.000Z', closure_open: false })
    for (const found of [
      [late, early, closed],
      [closed, early, late],
    ]) {
      const of = workspace()
      for (const target of found) of.targets.set(target.root_spec_id, target)
      expect(step(of).run!.closure_target_root_spec_id).toBe('early')
    }
  })

  it('is left alone by a mode without completion behaviour', () => {
    const without = planWith({
      changes: {
        [PLANNING]: edit<Loop>((loop) => {
          loop.completion_behavior = undefined
        }),
      },
    })
    const of = workspace()
    of.targets.set('root', closureTarget('root'))
    expect(step(of, without)).toMatchObject({ run: null, backfill: null })
  })
})

describe('W-04: a held target', () => {
  const held = (changes: Partial<NonNullable<ClosureTarget['held']>>) =>
    closureTarget('root', {
      held: { reason: 'x', since: NOW, attempts: 1, retry_at: null, finished_items: 3, ...changes },
    })

  function judged(target: ClosureTarget, finished = 3, now = NOW): boolean {
    const of = workspace()
    of.now = now
    of.snapshot.finished_items = finished
    of.targets.set('root', target)
    return step(of).run !== null
  }

  it('without a time waits until something is finished', () => {
    expect(judged(held({}))).toBe(false)
    expect(judged(held({}), 4)).toBe(true)
  })

  it('with a time waits for it, or for something finished', () => {
    const target = held({ retry_at: '2026-03-02T12:05:00.000Z' })
    expect(judged(target, 3, '2026-03-02T12:04:59.999Z')).toBe(false)
    expect(judged(target, 3, '2026-03-02T12:05:00.000Z')).toBe(true)
    expect(judged(target, 4)).toBe(true)
  })

  it('wakes the runtime at the earliest time any open target waits for', () => {
    const of = workspace()
    expect(nextClosureTime(of.view())).toBeNull()
    of.targets.set('a', { ...held({ retry_at: '2026-03-02T13:00:00.000Z' }), root_spec_id: 'a' })
    of.targets.set('b', { ...held({ retry_at: '2026-03-02T12:30:00.000Z' }), root_spec_id: 'b' })
    of.targets.set('c', { ...held({ retry_at: '2026-03-02T12:00:00.000Z' }), root_spec_id: 'c', closure_open: false })
    of.targets.set('d', { ...held({}), root_spec_id: 'd' })
    of.targets.set('e', closureTarget('e'))
    expect(nextClosureTime(of.view())).toBe(Date.parse('2026-03-02T12:30:00.000Z'))
  })
})

describe('a root spec without a target', () => {
  const rooted = (id: string, fields = {}) =>
    documentText('spec', id, { root_spec_id: id, root_idea_id: id, ...fields })

  it('scenario 84: is handed over to be opened afterwards, in whatever state it is', () => {
    for (const state of ['done', 'queued', 'active', 'blocked'] as const) {
      const { backfill, run, draft } = step(workspace().put('spec', state, 'root', rooted('root')))
      expect(backfill).toMatchObject({ id: 'root', state })
      expect(run).toBeNull()
      expect(draft.touched).toBe(false)
    }
  })

  it('is the newest one; if that has its target, nothing is due', () => {
    const of = workspace()
      .put('spec', 'done', 'older', rooted('older'))
      .put('spec', 'done', 'newer', rooted('newer', { created_at: '2026-03-02T10:00:00Z' }))
    expect(step(of).backfill?.id).toBe('newer')
    of.targets.set('newer', closureTarget('newer', { closure_open: false, closed_at: NOW }))
    expect(step(of).backfill).toBeNull()
  })

  it('is the one with the higher id among those of one time', () => {
    const of = workspace().put('spec', 'done', 'a', rooted('a')).put('spec', 'done', 'b', rooted('b'))
    expect(step(of).backfill?.id).toBe('b')
    const apart = workspace().put('spec', 'done', 'b', rooted('b')).put('spec', 'queued', 'a', rooted('a'))
    expect(step(apart).backfill?.id).toBe('b')
  })

  it('is found though another root has its target, and though a spec derived from it is newer', () => {
    const child = { root_spec_id: 'root', root_idea_id: 'root', created_at: '2026-03-02T10:00:00Z' }
    const of = workspace()
      .put('spec', 'done', 'root', rooted('root'))
      .put('spec', 'done', 'child', documentText('spec', 'child', child))
    of.targets.set('other', closureTarget('other', { closure_open: false, closed_at: NOW }))
    expect(step(of).backfill?.id).toBe('root')
  })

  it.each([
    ['an idea', { root_spec_id: 'root' }],
    ['a root', { root_idea_id: 'idea-1' }],
  ])('that does not name %s cannot be opened', (_, fields) => {
    const { backfill, draft } = step(workspace().put('spec', 'done', 'root', documentText('spec', 'root', fields)))
    expect(backfill).toBeNull()
    expect(draft.snapshot.failure_class_by_plane.planning).toBe('missing_root_lineage')
  })

  it('and without its lineage ids is told though another was told before it', () => {
    const of = workspace().put('spec', 'done', 'first', documentText('spec', 'first'))
    of.commit(step(of).draft.finish())
    of.put('spec', 'done', 'second', documentText('spec', 'second', { created_at: '2026-03-02T10:00:00Z' }))
    of.commit(step(of).draft.finish())
    expect(of.events.map(({ data }) => data.spec_id)).toEqual(['first', 'second'])
  })

  it.each([
    ['queued', 'queue'],
    ['done', 'done'],
  ] as const)(
    'scenario 84: without its lineage ids (%s) stops the plane, told once with where it lies',
    (state, folder) => {
      const of = workspace().put('spec', state, 'root', documentText('spec', 'root'))
      const { draft, backfill } = step(of)
      expect(backfill).toBeNull()
      of.commit(draft.finish())
      expect(of.snapshot.status_markers_by_plane.planning).toBe('### BLOCKED')
      expect(of.snapshot.failure_class_by_plane.planning).toBe('missing_root_lineage')
      expect(of.events).toEqual([
        {
          event_type: 'completion_behavior_blocked',
          data: {
            reason: 'missing_root_lineage',
            spec_id: 'root',
            spec_path: `millrace-agents/specs/${folder}/root.md`,
          },
        },
      ])
      expect(step(of).draft.touched).toBe(false)
    },
  )

  it('that is no root at all is passed over', () => {
    expect(
      step(workspace().put('spec', 'done', 'child', documentText('spec', 'child', { root_spec_id: 'root' }))),
    ).toMatchObject({ backfill: null, run: null })
  })
})
