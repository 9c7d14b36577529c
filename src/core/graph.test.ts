import { describe, expect, it } from 'vitest'
import { COMPILED_AT, edit, planWith } from '../../test/rig/assets.ts'
import { graphJson, graphMermaid, graphText } from './graph.ts'
import type { Loop } from './loop.ts'

const plan = planWith()
const id = plan.compiled_plan_id
const EXECUTION = 'graphs/execution/standard.json'

interface Exported {
  kind: string
  plane: string
  nodes: Record<string, unknown>[]
  edges: { source_node_id: string; outcome: string; target_node_id: string | null; terminal_state_id: string | null }[]
  entries: Record<string, unknown>[]
}

const exported = (plane?: string) => graphJson(plan, plane) as Exported[]

describe('the text', () => {
  const text = () => graphText(plan)

  it('begins with the plan, its mode and its planes in claim order', () => {
    expect(
      text().startsWith(`compiled_plan_id: ${id}\nmode_id: default_codex\nplanes: planning,execution\n\nplanning:\n`),
    ).toBe(true)
    expect(text().endsWith('\n')).toBe(true)
    expect(text()).toContain('\n\nexecution:\n')
  })

  it.each([
    '  loop execution.standard',
    '  entry task -> builder',
    '  node builder stage_kind=builder runner=codex_cli model=gpt-5.3-codex timeout_seconds=3600',
    '  checker --FIX_NEEDED--> fixer',
    '  updater --UPDATE_COMPLETE--> terminal:update_complete',
    '  resume troubleshooter --TROUBLESHOOT_COMPLETE--> default=builder from=resume_stage may_choose=builder,checker,fixer,doublechecker,updater',
    '  threshold execution.fix-needed.exhaustion: checker,doublechecker --FIX_NEEDED, 2 per item (fix_cycle_count) spent--> troubleshooter counts_toward=execution.blocked.recovery',
    '  threshold execution.consult.limit: consultant --CONSULT_COMPLETE, 3 per item (consultant_invocations) spent--> terminal:needs_planning',
    '  terminal:needs_planning class=escalate_planning writes=NEEDS_PLANNING effects=create_incident,block_item',
    '  completion closure_target -> arbiter trigger=backlog_drained pass=terminal:arbiter_complete gap=terminal:remediation_needed rounds_max=5 hold_backoff_seconds=300,1800,7200',
  ])('has the line %j', (line) => {
    expect(text().split('\n')).toContain(line)
  })

  it('has one line for every edge of every loop', () => {
    const rows = Object.values(plan.graphs_by_plane).flatMap((graph) => graph.transitions)
    const lines = text()
      .split('\n')
      .filter((line) => /^ {2}[a-z]+ --[A-Z_]+--> /.test(line))
    expect(lines).toHaveLength(rows.length)
  })

  it('of one plane leaves the others out, and says so of a plane that is none', () => {
    expect(graphText(plan, 'execution')).toContain('planes: execution\n')
    expect(graphText(plan, 'execution')).not.toContain('planner')
    expect(graphText(plan, 'learning')).toBe(`compiled_plan_id: ${id}\nmode_id: default_codex\nplanes: none\n`)
  })

  it('shows thresholds of the config, models, retries and narrowed entries', () => {
    const change = edit<Loop>((loop) => {
      loop.entry_nodes.push({ entry_key: 'task', when: { field: 'created_by', equals: 'robot' }, node_id: 'builder' })
      loop.edges.push({
        edge_id: 'again',
        from_node_id: 'builder',
        to_node_id: 'builder',
        on_outcomes: ['BLOCKED'],
        kind: 'retry',
        priority: 1,
        max_attempts: 2,
      })
    })
    const other = graphText(
      planWith({
        changes: { [EXECUTION]: change },
        config: { recovery: { max_fix_cycles: 7 }, stages: { builder: { model: 'm' } } },
      }),
    )
    expect(other).toContain('  entry task (created_by=robot) -> builder\n')
    expect(other).toContain('  builder --BLOCKED (at most 2 times)--> builder\n')
    expect(other).toContain('FIX_NEEDED, 7 per item')
    expect(other).toContain('node builder stage_kind=builder runner=codex_cli model=m ')
  })
})

describe('the JSON', () => {
  it('is an array with one graph for each plane, in claim order', () => {
    expect(exported().map((graph) => [graph.kind, graph.plane])).toEqual([
      ['compiled_stage_graph', 'planning'],
      ['compiled_stage_graph', 'execution'],
    ])
    expect(exported('execution').map((graph) => graph.plane)).toEqual(['execution'])
    expect(exported('learning')).toEqual([])
  })

  it('has the members tools know', () => {
    const [graph] = exported('execution')
    expect(graph).toMatchObject({
      schema_version: '1.0',
      compiled_plan_id: id,
      mode_id: 'default_codex',
      loop_id: 'execution.standard',
      source_refs: plan.source_refs,
      workflow_primitive_fingerprints: {},
      exported_at: COMPILED_AT,
      entries: [{ entry_key: 'task', node_id: 'builder', stage_kind_id: 'builder', plane: 'execution' }],
    })
    expect(exported('planning')[0]!.entries.map(({ entry_key, stage_kind_id }) => [entry_key, stage_kind_id])).toEqual([
      ['spec', 'planner'],
      ['incident', 'auditor'],
      ['closure_target', 'arbiter'],
    ])
    expect(graph!.nodes[0]).toMatchObject({
      node_id: 'builder',
      running_status_marker: 'BUILDER_RUNNING',
      timeout_seconds: 3600,
      allowed_result_classes_by_outcome: { BUILDER_COMPLETE: ['success'] },
    })
    expect(graph!.edges[0]).toEqual({
      edge_id: 'builder-complete-to-checker',
      source_node_id: 'builder',
      outcome: 'BUILDER_COMPLETE',
      target_node_id: 'checker',
      terminal_state_id: null,
      kind: 'normal',
      priority: 100,
      max_attempts: null,
      approval: null,
    })
  })

  it('has what the reference never showed: budgets, resume rules and completion', () => {
    const graphs = exported() as unknown as Record<string, unknown>[]
    expect(graphs[1]).toMatchObject({
      resume_policies: { length: 2 },
      threshold_policies: { length: 4 },
      completion_behavior: null,
    })
    expect(graphs[0]).toMatchObject({ completion_behavior: { target_node_id: 'arbiter' } })
  })

  it('is the same bytes for the same plan and leaves the plan alone', () => {
    const before = JSON.stringify(plan)
    expect(JSON.stringify(graphJson(plan))).toBe(JSON.stringify(graphJson(planWith())))
    expect(JSON.stringify(plan)).toBe(before)
  })
})

describe('the Mermaid chart', () => {
  const chart = () =>
    graphMermaid(plan)
      .split('\n')
      .map((line) => line.trim())

  it('is a flowchart with a closed subgraph for each plane', () => {
    expect(chart()[0]).toBe('flowchart TD')
    expect(chart().filter((line) => line.startsWith('subgraph '))).toEqual([
      'subgraph m_planning["planning"]',
      'subgraph m_execution["execution"]',
    ])
    expect(chart().filter((line) => line === 'end')).toHaveLength(2)
  })

  it.each([
    'm_execution__node__builder["builder"]',
    'm_execution__terminal__needs_5f_planning(["needs_planning"])',
    'm_execution__entry__task(("task")) --> m_execution__node__builder',
    'm_execution__node__checker -->|"FIX_NEEDED"| m_execution__node__fixer',
    'm_execution__node__updater -->|"UPDATE_COMPLETE"| m_execution__terminal__update_5f_complete',
    'm_execution__node__consultant -.->|"CONSULT_COMPLETE beyond 3 consultant_invocations"| m_execution__terminal__needs_5f_planning',
  ])('has the line %s', (line) => {
    expect(chart()).toContain(line)
  })

  it('draws only between what it has drawn', () => {
    const lines = chart()
    const drawn = new Set(lines.flatMap((line) => /^(m_\w+)(?:\[|\(\[|\(\()/.exec(line)?.[1] ?? []))
    const arrow = /^(m_\w+?)(?:\(\(.*\)\))? -(?:-|\.-)>(?:\|.*\|)? (m_\w+)$/
    const ends = lines.flatMap((line) => arrow.exec(line)?.slice(1, 3) ?? [])
    expect(ends.length).toBeGreaterThan(80)
    for (const end of ends) expect(drawn).toContain(end)
  })

  it('keeps ids apart that differ in a dot or a dash, and quotes what would break a label', () => {
    const end = (name: string) => `"terminal_state_id": "${name}"`
    const changes = {
      [EXECUTION]: (text: string) =>
        text.replaceAll(end('update_complete'), end('a.b')).replaceAll(end('blocked'), end('a-b')),
    }
    const renamed = graphMermaid(planWith({ changes }), 'execution')
    expect(renamed).toContain('m_execution__terminal__a_2e_b(["a.b"])')
    expect(renamed).toContain('m_execution__terminal__a_2d_b(["a-b"])')
    const entry = edit<Loop>((loop) =>
      loop.entry_nodes.push({ entry_key: 'task', when: { field: 'tags', equals: 'say "#1"' }, node_id: 'builder' }),
    )
    expect(graphMermaid(planWith({ changes: { [EXECUTION]: entry } }), 'execution')).toContain(
      '(("task tags=say #quot;#35;1#quot;"))',
    )
  })
})
