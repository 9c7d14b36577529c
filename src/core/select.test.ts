import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { edit, planWith } from '../../test/rig/assets.ts'
import { documentText } from '../../test/rig/documents.ts'
import { closureTarget, runAt } from '../../test/rig/run.ts'
import { MemoryWorkspace, NOW } from '../../test/rig/view.ts'
import type { ItemKind, ItemState } from './item.ts'
import type { Loop } from './loop.ts'
import type { ConcurrencyPolicy, Mode } from './mode.ts'
import { dependencyState, entryNode, isDeferredByClosure, mayStart, select, unsatisfiable } from './select.ts'

const plan = planWith()
const at = (minute: number) => `2026-03-02T09:${String(minute).padStart(2, '0')}:00Z`

type Row = [kind: ItemKind, id: string, fields?: Record<string, unknown>, state?: ItemState]

function workspaceWith(...rows: Row[]): MemoryWorkspace {
  const workspace = new MemoryWorkspace(plan)
  for (const [kind, id, fields = {}, state = 'queued'] of rows)
    workspace.put(kind, state, id, documentText(kind, id, fields))
  return workspace
}

/** What would be claimed next, as `plane kind id`. */
function nextOf(workspace: MemoryWorkspace, refused?: ReadonlySet<string>, of = plan): string | null {
  const selection = select(workspace.view(), of, refused)
  return selection && `${selection.plane} ${selection.item.kind} ${selection.item.id}`
}

describe('the order of claims', () => {
  it('scenario 29: planning comes before execution', () => {
    expect(nextOf(workspaceWith(['task', 't'], ['spec', 's']))).toBe('planning spec s')
  })

  it('scenario 30: incidents come before specs', () => {
    expect(nextOf(workspaceWith(['spec', 's'], ['incident', 'i']))).toBe('planning incident i')
  })

  it('scenario 31: the oldest comes first, then the lower id', () => {
    expect(nextOf(workspaceWith(['task', 'b'], ['task', 'a']))).toBe('execution task a')
    expect(nextOf(workspaceWith(['task', 'b', { created_at: at(1) }], ['task', 'a', { created_at: at(2) }]))).toBe(
      'execution task b',
    )
  })

  it('scenario 32: a task that waits for another is passed over', () => {
    const waiting: Row = ['task', 'a', { depends_on: ['z'] }]
    expect(nextOf(workspaceWith(waiting, ['task', 'b']))).toBe('execution task b')
    expect(nextOf(workspaceWith(waiting, ['task', 'z', {}, 'active']))).toBeNull()
    expect(nextOf(workspaceWith(waiting, ['task', 'z', {}, 'done']))).toBe('execution task a')
  })

  it('passes over what was refused in this pass', () => {
    const workspace = workspaceWith(['task', 'a'], ['task', 'b'], ['spec', 'a'])
    expect(nextOf(workspace, new Set(['spec:a', 'task:a']))).toBe('execution task b')
  })

  it('passes over an id that lies in two places', () => {
    expect(nextOf(workspaceWith(['task', 'a'], ['task', 'a', {}, 'done'], ['task', 'b']))).toBe('execution task b')
  })

  it('scenario 36: is nothing where nothing waits', () => {
    expect(nextOf(workspaceWith())).toBeNull()
  })

  it('W-18: alternates between planes where the mode says so', () => {
    const fair = planWith({
      changes: {
        'modes/default_codex.json': edit<Mode>((mode) => Object.assign(mode.claim_order!, { fairness: 'alternate' })),
      },
    })
    const workspace = workspaceWith(['task', 't'], ['spec', 's'])
    expect(nextOf(workspace, undefined, fair)).toBe('planning spec s')
    workspace.snapshot.last_claimed_plane = 'planning'
    expect(nextOf(workspace, undefined, fair)).toBe('execution task t')
    expect(nextOf(workspace)).toBe('planning spec s')
    const alone = workspaceWith(['spec', 's'])
    alone.snapshot.last_claimed_plane = 'planning'
    expect(nextOf(alone, undefined, fair)).toBe('planning spec s')
  })

  it('does not depend on the order in which items were found', () => {
    const anyRows = fc.uniqueArray(fc.record({ id: fc.stringMatching(/^[a-z]{1,3}$/), minute: fc.nat(3) }), {
      selector: (row) => row.id,
      minLength: 1,
      maxLength: 8,
    })
    fc.assert(
      fc.property(anyRows, (rows) => {
        const items = rows.map(({ id, minute }): Row => ['task', id, { created_at: at(minute) }])
        const first = [...rows].sort((a, b) => a.minute - b.minute || (a.id < b.id ? -1 : 1))[0]!
        expect(nextOf(workspaceWith(...items))).toBe(`execution task ${first.id}`)
        expect(nextOf(workspaceWith(...items.reverse()))).toBe(`execution task ${first.id}`)
      }),
      { numRuns: 50 },
    )
  })
})

describe('runs side by side', () => {
  const running = [runAt(plan, 'execution', 'builder', { kind: 'task', id: 't' })]
  const policy = (together: string[][], apart: string[][] = []): ConcurrencyPolicy => ({
    may_run_concurrently: together,
    mutually_exclusive_planes: apart,
  })

  it('are one at a time without a policy, and one for each plane with any', () => {
    expect(mayStart('planning', [], null)).toBe(true)
    expect(mayStart('planning', running, null)).toBe(false)
    expect(mayStart('execution', running, policy([['execution', 'planning']]))).toBe(false)
  })

  it('need to be allowed together and not kept apart', () => {
    expect(mayStart('learning', running, policy([['execution', 'learning']]))).toBe(true)
    expect(mayStart('planning', running, policy([['execution', 'learning']]))).toBe(false)
    expect(mayStart('learning', running, policy([['execution', 'learning']], [['learning', 'execution']]))).toBe(false)
  })

  it('need to fit every run that is active', () => {
    const both = [...running, { ...running[0]!, run_id: 'run-2', plane: 'planning' }]
    expect(mayStart('learning', both, policy([['execution', 'learning']]))).toBe(false)
    expect(mayStart('learning', both, policy([['execution', 'learning', 'planning']]))).toBe(true)
  })

  it('leave the lane free for the next plane in order', () => {
    const concurrent = planWith({
      changes: {
        'modes/default_codex.json': edit<Mode>((mode) =>
          Object.assign(mode, { concurrency_policy: { may_run_concurrently: [['execution', 'planning']] } }),
        ),
      },
    })
    const workspace = workspaceWith(['task', 't'], ['spec', 's'], ['spec', 'active-one', {}, 'active'])
    workspace.snapshot.active_runs = [runAt(plan, 'planning', 'planner', { kind: 'spec', id: 'active-one' })]
    expect(nextOf(workspace, undefined, concurrent)).toBe('execution task t')
    expect(nextOf(workspace)).toBeNull()
  })
})

describe('a runner whose provider refuses work', () => {
  const LATER = '2026-03-02T23:00:00.000Z'
  const mode = edit<Mode>((value) => Object.assign(value.stage_runner_bindings, { planner: 'claude_code' }))
  const mixed = planWith({ changes: { 'modes/default_codex.json': mode } })
  const refusing = (runner_name: string, until = LATER) => {
    const workspace = workspaceWith(['spec', 's'], ['incident', 'i'], ['task', 't'])
    const wait = { runner_name, model_name: null, cause: 'quota' as const, reason: 'used up', since: NOW, until }
    workspace.snapshot = { ...workspace.snapshot, runner_waits: [wait] }
    return workspace
  }

  it('is given no work to begin with, while kinds that begin on another runner are claimed', () => {
    expect(nextOf(refusing('codex_cli'), undefined, mixed)).toBe('planning spec s')
    expect(nextOf(refusing('claude_code'), new Set(['incident:i']), mixed)).toBe('execution task t')
    expect(nextOf(refusing('codex_cli'))).toBeNull()
    expect(nextOf(refusing('pi_rpc'))).toBe('planning incident i')
  })

  it('is given work again at its time', () => {
    expect(nextOf(refusing('codex_cli', NOW))).toBe('planning incident i')
  })
})

describe('a second root spec', () => {
  const root = (id: string): Row => ['spec', id, { root_spec_id: id, root_idea_id: id }]

  it('scenario 85, W-09: waits while another closure target is open, work of its lineage does not', () => {
    const workspace = workspaceWith(root('second'), ['spec', 'child', { root_spec_id: 'first', created_at: at(59) }])
    workspace.targets.set('first', closureTarget('first'))
    expect(nextOf(workspace)).toBe('planning spec child')
    const second = workspace.view().items.find('spec', 'second')[0]!
    expect(isDeferredByClosure(second, workspace.view(), plan)).toBe(true)
  })

  it('goes once that target is closed, and its own target never keeps it', () => {
    const workspace = workspaceWith(root('second'))
    workspace.targets.set('first', { ...closureTarget('first'), closure_open: false, closed_at: NOW })
    expect(nextOf(workspace)).toBe('planning spec second')
    workspace.targets.set('second', closureTarget('second'))
    expect(nextOf(workspace)).toBe('planning spec second')
  })

  it('goes in a mode that judges no closure', () => {
    const without = planWith({
      changes: {
        'graphs/planning/standard.json': edit<Loop>((loop) => {
          loop.completion_behavior = undefined
        }),
      },
    })
    const workspace = workspaceWith(root('second'))
    workspace.targets.set('first', closureTarget('first'))
    expect(nextOf(workspace, undefined, without)).toBe('planning spec second')
  })
})

describe('W-17: a dependency', () => {
  const stateOf = (dependency: string, ...rows: Row[]) => {
    const view = workspaceWith(['task', 'a', { depends_on: [dependency] }], ...rows).view()
    return dependencyState(view.items.find('task', 'a')[0]!, dependency, view)
  }

  it('is done, waiting, blocked or cancelled as the folder of the other says', () => {
    expect(stateOf('b', ['task', 'b', {}, 'done'])).toBe('done')
    expect(stateOf('b', ['task', 'b'])).toBe('waiting')
    expect(stateOf('b', ['task', 'b', {}, 'active'])).toBe('waiting')
    expect(stateOf('b', ['task', 'b', {}, 'blocked'])).toBe('blocked')
    expect(stateOf('b', ['task', 'b', {}, 'cancelled'])).toBe('cancelled')
    expect(stateOf('b', ['task', 'b', {}, 'quarantined'])).toBe('cancelled')
  })

  it('on what does not exist is unknown, also if another kind has that id', () => {
    expect(stateOf('b')).toBe('unknown')
    expect(stateOf('b', ['spec', 'b', {}, 'done'])).toBe('unknown')
  })

  it('on itself, or on what waits for it in turn, is a cycle', () => {
    expect(stateOf('a')).toBe('cycle')
    expect(stateOf('b', ['task', 'b', { depends_on: ['c'] }], ['task', 'c', { depends_on: ['a'] }])).toBe('cycle')
  })

  it('on a cycle of others is no cycle of its own, and looking at it ends', () => {
    expect(stateOf('b', ['task', 'b', { depends_on: ['c'] }], ['task', 'c', { depends_on: ['b'] }])).toBe('waiting')
  })

  it('on what is done as well counts as done', () => {
    expect(stateOf('b', ['task', 'b', {}, 'done'], ['task', 'b', {}, 'blocked'])).toBe('done')
  })

  it('that lies in two places waits if one of them is worked on, and is blocked if one of them is', () => {
    expect(stateOf('b', ['task', 'b'], ['task', 'b', {}, 'blocked'])).toBe('waiting')
    expect(stateOf('b', ['task', 'b', {}, 'blocked'], ['task', 'b', {}, 'cancelled'])).toBe('blocked')
  })

  it('is no cycle where what leads back is done already', () => {
    const done: Row = ['task', 'c', { depends_on: ['a'] }, 'done']
    expect(stateOf('b', ['task', 'b', { depends_on: ['c'] }], done)).toBe('waiting')
  })

  it('is named, with its state, where it will not come about by itself', () => {
    const ids = ['waits', 'done', 'lost', 'stuck', 'a']
    const view = workspaceWith(
      ['task', 'a', { depends_on: ids }],
      ['task', 'waits'],
      ['task', 'done', {}, 'done'],
      ['task', 'stuck', {}, 'blocked'],
    ).view()
    const [item] = view.items.find('task', 'a')
    expect(unsatisfiable(item!, view)).toEqual({ lost: 'unknown', stuck: 'blocked', a: 'cycle' })
  })
})

describe('the entry node', () => {
  const change = edit<Loop>((loop) => {
    loop.entry_nodes.push({ entry_key: 'task', when: { field: 'created_by', equals: 'robot' }, node_id: 'checker' })
    loop.edges[0]!.to_node_id = 'checker'
  })
  const kinds = {
    'registry/stage_kinds/execution/checker.json': edit<{ can_start: string[] }>((kind) => kind.can_start.push('task')),
  }
  const narrowed = planWith({ changes: { ...kinds, 'graphs/execution/standard.json': change } })

  it('is the one for the kind, or the narrower one whose field matches', () => {
    expect(entryNode(plan, 'execution', 'task', () => undefined)).toBe('builder')
    expect(entryNode(narrowed, 'execution', 'task', () => 'person')).toBe('builder')
    expect(entryNode(narrowed, 'execution', 'task', (field) => (field === 'created_by' ? 'robot' : undefined))).toBe(
      'checker',
    )
  })

  it('is none where every entry asks for something else', () => {
    const picky = structuredClone(narrowed)
    const execution = picky.graphs_by_plane.execution!
    execution.entries = execution.entries.filter((entry) => entry.when !== null)
    expect(entryNode(picky, 'execution', 'task', () => 'person')).toBeNull()
  })

  it('is none for a kind or plane the plan does not serve', () => {
    expect(entryNode(plan, 'execution', 'probe', () => undefined)).toBeNull()
    expect(entryNode(plan, 'learning', 'task', () => undefined)).toBeNull()
  })
})
