import { describe, expect, it } from 'vitest'
import { edit, planWith } from '../../test/rig/assets.ts'
import type { Loop } from './loop.ts'
import { planDiff } from './plan-diff.ts'

const LOOP = 'graphs/execution/standard.json'
const plain = planWith()
const told = (after: ReturnType<typeof planWith>, before = plain) =>
  planDiff(before, after).map(({ part, change, plane, id, key }) => [change, part, plane, id, key].join(' '))

describe('two plans', () => {
  it('that are the same differ in nothing, whenever they were compiled and however their parts are ordered', () => {
    const later = { ...planWith(), compiled_at: '2030-01-01T00:00:00.000Z' }
    const turned = structuredClone(later)
    for (const graph of Object.values(turned.graphs_by_plane)) {
      graph.nodes.reverse()
      graph.transitions.reverse()
    }
    expect(told(turned)).toEqual([])
  })

  it('differ in what one node is bound to, and in where that comes from', () => {
    const changes = planDiff(
      plain,
      planWith({ config: { stages: { builder: { model: 'gpt-x', timeout_seconds: 60 } } } }),
    )
    expect(changes).toMatchObject([
      {
        part: 'node',
        change: 'changed',
        plane: 'execution',
        id: 'builder',
        key: 'model_name',
        before: 'gpt-5.3-codex',
        after: 'gpt-x',
      },
      {
        id: 'builder',
        key: 'origins.model_name',
        before: 'model profile codex-2026-11',
        after: 'config stages.builder',
      },
      { id: 'builder', key: 'timeout_seconds', before: 3600, after: 60 },
      { id: 'builder', key: 'origins.timeout_seconds', before: 'default', after: 'config stages.builder' },
    ])
  })

  it('differ in edges, budgets and entries that were added, removed or changed', () => {
    const changed = planWith({
      changes: {
        [LOOP]: edit<Loop>((loop) => {
          const [first] = loop.dynamic_policies.threshold_policies
          first!.counter_name = 'another_count'
          const edge = loop.edges.find((one) => one.on_outcomes.includes('CHECKER_PASS'))!
          edge.edge_id = 'another-way'
        }),
      },
    })
    const lines = told(changed)
    expect(lines).toContainEqual(expect.stringMatching(/^changed threshold execution \S+ counter_name$/))
    expect(lines).toContain('added edge execution checker --CHECKER_PASS--> (another-way) ')
    expect(lines.filter((line) => line.startsWith('removed edge'))).toHaveLength(1)
    expect(told(plain, changed).filter((line) => line.startsWith('removed edge execution checker'))).toEqual([
      'removed edge execution checker --CHECKER_PASS--> (another-way) ',
    ])
  })

  it('differ in the text of a prompt', () => {
    const path = 'entrypoints/execution/builder.md'
    const lines = told(planWith({ changes: { [path]: (text: string) => `${text}\nMore.\n` } }))
    expect(lines).toEqual([`changed prompt  ${path} sha256`])
  })

  it('of two modes are told apart by mode and by every binding', () => {
    const lines = told(planWith({ mode: 'default_pi' }))
    expect(lines.slice(0, 2)).toEqual(['removed mode  default_codex ', 'added mode  default_pi '])
    expect(lines).toContain('changed node execution builder runner_name')
  })
})
