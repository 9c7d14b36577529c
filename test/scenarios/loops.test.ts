/** A loop of the workspace's own, which shares no name with the shipped ones (W-39, W-40, W-43, W-47). */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { PACKAGE_ROOT, Rig, reply } from '../rig/runtime.ts'

let rig: Rig
afterEach(() => rig?.dispose())

const decisions = () => rig.log('router_decision')

describe('a loop of the workspace', () => {
  const kind = (name: string) =>
    JSON.parse(fs.readFileSync(path.join(PACKAGE_ROOT, 'registry/stage_kinds/execution', `${name}.json`), 'utf8'))

  /** One node, outcomes and markers that no shipped asset has, one retry, and terminal states of its own. */
  function lean(edges: object[] = []): void {
    const scout = {
      ...kind('builder'),
      stage_kind_id: 'scout',
      display_name: 'Scout',
      running_status_marker: 'SCOUT_OUT',
      legal_outcomes: ['SEEN', 'LOST'],
      success_outcomes: ['SEEN'],
      failure_outcomes: ['LOST'],
      failure_outcome: 'LOST',
      allowed_result_classes_by_outcome: { SEEN: ['success'], LOST: ['blocked', 'recoverable_failure'] },
      owed_artifacts_by_outcome: { SEEN: [{ name: 'map', path: 'map.md', format: 'text' }] },
    }
    const graph = {
      schema_version: '1.0',
      kind: 'graph_loop',
      loop_id: 'execution.lean',
      plane: 'execution',
      nodes: [{ node_id: 'outing', stage_kind_id: 'scout', timeout_seconds: 7 }],
      entry_nodes: [{ entry_key: 'task', node_id: 'outing' }],
      edges: [
        { edge_id: 'seen', from_node_id: 'outing', terminal_state_id: 'home', on_outcomes: ['SEEN'], kind: 'terminal' },
        {
          edge_id: 'given-up',
          from_node_id: 'outing',
          terminal_state_id: 'aside',
          on_outcomes: ['LOST'],
          kind: 'terminal',
          priority: 200,
        },
        {
          edge_id: 'again',
          from_node_id: 'outing',
          to_node_id: 'outing',
          on_outcomes: ['LOST'],
          kind: 'retry',
          max_attempts: 1,
          priority: 100,
        },
        ...edges,
      ],
      terminal_states: [
        {
          terminal_state_id: 'home',
          terminal_class: 'success',
          writes_status: 'HOME',
          effects: [{ effect: 'complete_item' }],
        },
        {
          terminal_state_id: 'aside',
          terminal_class: 'blocked',
          writes_status: 'GIVEN_UP',
          reason: 'scout_lost',
          effects: [{ effect: 'quarantine_item' }],
        },
      ],
    }
    rig.place('registry/stage_kinds/execution/scout.json', JSON.stringify(scout))
    rig.place('graphs/execution/lean.json', JSON.stringify(graph))
    rig.mode({
      loop_ids_by_plane: { execution: 'execution.lean', planning: 'planning.standard' },
      stage_runner_bindings: {
        scout: 'scripted',
        planner: 'scripted',
        manager: 'scripted',
        mechanic: 'scripted',
        auditor: 'scripted',
        arbiter: 'scripted',
      },
    })
  }

  test('W-39, W-40: stages, outcomes, retries, priorities, markers and terminal states are whatever the loop says', async () => {
    rig = await Rig.create()
    lean()
    rig.replies([reply('scout', 'LOST', { item: 'task-a' }), reply('outing', 'SEEN', { item: 'task-b' })])
    rig.addTask('task-a')
    rig.addTask('task-b')
    await rig.work()
    expect(
      decisions().map((data) => [data.work_item_id, data.reason, data.next_node_id, data.terminal_state_id]),
    ).toEqual([
      ['task-a', 'scout_blocked', 'outing', null],
      ['task-a', 'scout_lost', null, 'aside'],
      ['task-b', 'home', null, 'home'],
    ])
    expect([rig.list('tasks/quarantine'), rig.list('tasks/done')]).toEqual([['task-a.md'], ['task-b.md']])
    expect(rig.requests('scout')[0]).toMatchObject({
      node_id: 'outing',
      running_status_marker: 'SCOUT_OUT',
      legal_terminal_markers: ['### SEEN', '### LOST'],
    })
    expect(rig.log('work_item_blocked').map((data) => data.work_item_id)).toEqual(['task-a'])
  })

  test('W-40: an outcome that is legal elsewhere only is illegal here', async () => {
    rig = await Rig.create()
    lean()
    rig.replies([reply('scout', 'BUILDER_COMPLETE')])
    rig.addTask('task-a')
    await rig.ticks(1)
    expect(decisions()).toMatchObject([{ terminal_result: 'LOST', failure_class: 'illegal_terminal_result' }])
  })

  test('W-47: a stage section without a time limit leaves that of the node alone', async () => {
    rig = await Rig.create({ config: '[stages.scout]\nmodel = "small"\n' })
    lean()
    rig.addTask('task-a')
    await rig.ticks(1)
    expect(rig.requests('scout')).toMatchObject([{ timeout_seconds: 7, model_name: 'small' }])
  })

  test('W-43: a loop with an outcome that leads nowhere, or a prompt that is not there, is refused at the start', async () => {
    rig = await Rig.create()
    lean()
    const file = rig.at('graphs/execution/lean.json')
    const graph = JSON.parse(fs.readFileSync(file, 'utf8'))
    fs.writeFileSync(
      file,
      JSON.stringify({
        ...graph,
        edges: graph.edges.slice(0, 1),
        nodes: [{ ...graph.nodes[0], entrypoint_path: 'entrypoints/execution/none.md' }],
      }),
    )
    rig.addTask('task-a')
    const refused = rig.ticks(1)
    await expect(refused).rejects.toMatchObject({ code: 'compile_failed', message: expect.stringContaining('LOST') })
    await expect(refused).rejects.toMatchObject({ message: expect.stringContaining('entrypoints/execution/none.md') })
    expect(rig.list('tasks/queue')).toEqual(['task-a.md'])
  })
})
