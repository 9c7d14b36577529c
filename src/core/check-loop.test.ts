import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assetsWith, planWith } from '../../test/rig/assets.ts'
import { resultOf, runAt } from '../../test/rig/run.ts'
import { NOW } from '../../test/rig/view.ts'
import { type Parsed, parseFamilies } from './assets.ts'
import { checkLoop } from './check-loop.ts'
import { type DiagnosticCode, Findings } from './diagnostics.ts'
import { Loop } from './loop.ts'
import type { Plan, PlanGraph } from './plan.ts'
import { resumeTargets, route } from './route.ts'
import { StageKind } from './stage.ts'
import { countUp, newCounters } from './state.ts'

const { loops, stageKinds } = parseFamilies(assetsWith())
const shipped = (id: string) => structuredClone(loops.get(id)!.value)

/** Findings on a loop as `code at`, the file being the same for all. */
function findingsOn(loop: Loop, kinds: ReadonlyMap<string, Parsed<StageKind>> = stageKinds): string[] {
  const findings = new Findings()
  checkLoop(loop, 'graphs/x.json', kinds, findings)
  expect(findings.all.every((finding) => finding.path === 'graphs/x.json')).toBe(true)
  return findings.all.map(({ code, at }) => `${code} ${at}`)
}

function messagesOn(loop: Loop, kinds: ReadonlyMap<string, Parsed<StageKind>> = stageKinds): string[] {
  const findings = new Findings()
  checkLoop(loop, 'graphs/x.json', kinds, findings)
  return findings.all.map(({ message }) => message)
}

/** The execution loop with one change. */
function execution(change: (loop: Loop) => void): Loop {
  const loop = shipped('execution.standard')
  change(loop)
  return loop
}

function planning(change: (loop: Loop) => void): Loop {
  const loop = shipped('planning.standard')
  change(loop)
  return loop
}

const thresholds = (loop: Loop) => loop.dynamic_policies.threshold_policies
const resumes = (loop: Loop) => loop.dynamic_policies.resume_policies

describe('the shipped loops', () => {
  it.each(['execution.standard', 'planning.standard'])('%s is whole', (id) => {
    expect(findingsOn(shipped(id))).toEqual([])
  })
})

describe('a reference to nothing', () => {
  const cases: [string, Loop, string[]][] = [
    ['an entry', execution((loop) => Object.assign(loop.entry_nodes[0]!, { node_id: 'x' })), ['entry_nodes.0']],
    [
      'the source of an edge',
      execution((loop) => Object.assign(loop.edges[2]!, { from_node_id: 'x' })),
      ['edges.2 checker-pass-to-updater'],
    ],
    [
      'the target of an edge',
      execution((loop) => Object.assign(loop.edges[2]!, { to_node_id: 'x' })),
      ['edges.2 checker-pass-to-updater'],
    ],
    [
      'the end of an edge',
      execution((loop) => Object.assign(loop.edges[10]!, { terminal_state_id: 'x' })),
      ['edges.10 updater-complete-to-terminal-update-complete'],
    ],
    [
      'the source of a resume policy',
      execution((loop) => Object.assign(resumes(loop)[0]!, { source_node_id: 'x' })),
      ['resume_policies.0 execution.troubleshooter.resume'],
    ],
    [
      'its default',
      execution((loop) => Object.assign(resumes(loop)[0]!, { default_target_node_id: 'x' })),
      ['resume_policies.0 execution.troubleshooter.resume'],
    ],
    [
      'what it disallows',
      execution((loop) => resumes(loop)[0]!.disallowed_target_node_ids.push('x', 'y')),
      ['resume_policies.0 execution.troubleshooter.resume', 'resume_policies.0 execution.troubleshooter.resume'],
    ],
    [
      'a source of a threshold',
      execution((loop) => thresholds(loop)[0]!.source_node_ids.push('x')),
      ['threshold_policies.0 execution.fix-needed.exhaustion'],
    ],
    [
      'its target',
      execution((loop) => Object.assign(thresholds(loop)[0]!, { exhausted_target_node_id: 'x' })),
      ['threshold_policies.0 execution.fix-needed.exhaustion'],
    ],
    [
      'its end',
      execution((loop) => Object.assign(thresholds(loop)[3]!, { exhausted_terminal_state_id: 'x' })),
      ['threshold_policies.3 execution.consult.limit'],
    ],
    [
      'what it counts toward',
      execution((loop) => Object.assign(thresholds(loop)[0]!, { exhausted_counts_toward: 'x' })),
      ['threshold_policies.0 execution.fix-needed.exhaustion'],
    ],
    [
      'itself as what it counts toward',
      execution((loop) =>
        Object.assign(thresholds(loop)[0]!, { exhausted_counts_toward: 'execution.fix-needed.exhaustion' }),
      ),
      ['threshold_policies.0 execution.fix-needed.exhaustion'],
    ],
    [
      'the closure stage',
      planning((loop) => Object.assign(loop.completion_behavior!, { target_node_id: 'x' })),
      ['completion_behavior'],
    ],
    [
      'the end of a pass',
      planning((loop) => Object.assign(loop.completion_behavior!, { on_pass_terminal_state_id: 'x' })),
      ['completion_behavior'],
    ],
    [
      'the end of a gap',
      planning((loop) => Object.assign(loop.completion_behavior!, { on_gap_terminal_state_id: 'x' })),
      ['completion_behavior'],
    ],
  ]
  it.each(cases)('is found in %s', (_, loop, places) => {
    const found = findingsOn(loop).filter((finding) => finding.startsWith('LOOP_DANGLING_REF'))
    expect(found).toEqual(places.map((at) => `LOOP_DANGLING_REF ${at}`))
  })

  it('says which other budgets there are, and to remove the key if there is none', () => {
    const findings = new Findings()
    const loop = execution((value) => {
      value.dynamic_policies.threshold_policies = [{ ...thresholds(value)[0]!, exhausted_counts_toward: 'x' }]
    })
    checkLoop(loop, 'x.json', stageKinds, findings)
    expect(findings.all[0]!.message).toMatch(/no other threshold policy; remove it$/)
  })
})

describe('a finding', () => {
  const sentences: [string, Loop][] = [
    [
      'terminal state blokced is not defined in execution.standard; did you mean blocked?',
      execution((loop) => Object.assign(thresholds(loop)[3]!, { exhausted_terminal_state_id: 'blokced' })),
    ],
    [
      'node x is not defined in execution.standard; define it or name another',
      execution((loop) => Object.assign(loop.entry_nodes[0]!, { node_id: 'x' })),
    ],
    [
      'stage kind zzz does not exist; add registry/stage_kinds/execution/zzz.json',
      execution((loop) => Object.assign(loop.nodes[0]!, { stage_kind_id: 'zzz' })),
    ],
    [
      'auditor cannot start closure_target; give it closure_role, or enter elsewhere',
      planning((loop) => loop.entry_nodes.push({ entry_key: 'closure_target', node_id: 'auditor' })),
    ],
    [
      'give kind "terminal" to an edge with terminal_state_id, and only to it',
      execution((loop) => Object.assign(loop.edges[0]!, { kind: 'terminal' })),
    ],
    [
      'give max_attempts to an edge of kind "retry", and only to it',
      execution((loop) => Object.assign(loop.edges[0]!, { max_attempts: 2 })),
    ],
    [
      'outcome BUILDER_COMPLETE of node builder leads nowhere once its retry edges are used up; add an edge without max_attempts',
      execution((loop) => Object.assign(loop.edges[0]!, { kind: 'retry', max_attempts: 2 })),
    ],
    [
      'execution.troubleshooter.resume and again both claim TROUBLESHOOT_COMPLETE of node troubleshooter; remove one',
      execution((loop) => resumes(loop).push({ ...resumes(loop)[0]!, policy_id: 'again' })),
    ],
    [
      'give exactly one of exhausted_target_node_id and exhausted_terminal_state_id',
      execution((loop) => Object.assign(thresholds(loop)[0]!, { exhausted_target_node_id: undefined })),
    ],
    [
      'exhausted_counts_toward is x, which is no other threshold policy; name one of execution.blocked.recovery, execution.blocked.total, execution.consult.limit',
      execution((loop) => Object.assign(thresholds(loop)[0]!, { exhausted_counts_toward: 'x' })),
    ],
  ]
  it.each(sentences)('says: %s', (sentence, loop) => {
    expect(messagesOn(loop)).toContain(sentence)
  })

  it('says which override a stage kind does not allow, and how to allow it', () => {
    const builder = stageKinds.get('builder')!
    const strict = new Map(stageKinds).set('builder', {
      ...builder,
      value: { ...builder.value, allowed_overrides: [] },
    })
    expect(
      messagesOn(
        execution((loop) => Object.assign(loop.nodes[0]!, { model_name: 'm' })),
        strict,
      ),
    ).toEqual([
      'builder does not allow a node to override model_name; remove it, or add it to allowed_overrides of builder',
    ])
  })
})

describe('an id used twice', () => {
  const cases: [string, Loop, string][] = [
    ['node', execution((loop) => loop.nodes.push(loop.nodes[0]!)), 'node builder'],
    [
      'terminal state',
      execution((loop) => loop.terminal_states.push(loop.terminal_states[2]!)),
      'terminal state blocked',
    ],
    ['entry', execution((loop) => loop.entry_nodes.push(loop.entry_nodes[0]!)), 'entry task'],
    [
      'policy',
      execution((loop) => Object.assign(thresholds(loop)[2]!, { policy_id: 'execution.blocked.recovery' })),
      'policy execution.blocked.recovery',
    ],
    [
      'policy of either sort',
      execution((loop) => Object.assign(thresholds(loop)[2]!, { policy_id: 'execution.consultant.resume' })),
      'policy execution.consultant.resume',
    ],
  ]
  it.each(cases)('is found for a %s', (_, loop, at) => {
    expect(findingsOn(loop)).toContain(`LOOP_DUPLICATE ${at}`)
  })

  it('is no fault for entries that narrow the same kind differently', () => {
    const loop = execution((value) => {
      const narrow = (equals: string) => ({
        entry_key: 'task',
        when: { field: 'created_by', equals },
        node_id: 'builder',
      })
      value.entry_nodes.push(narrow('a'), narrow('b'))
    })
    expect(findingsOn(loop)).toEqual([])
    loop.entry_nodes.push(loop.entry_nodes[2]!)
    expect(findingsOn(loop)).toEqual(['LOOP_DUPLICATE entry task created_by=b'])
  })
})

describe('the shape of an edge', () => {
  const at = 'edges.0 builder-complete-to-checker'
  const cases: [string, Partial<Loop['edges'][number]>][] = [
    ['neither node nor end', { to_node_id: undefined }],
    ['both node and end', { terminal_state_id: 'blocked' }],
    ['the kind terminal but a node', { kind: 'terminal' }],
    ['an end but another kind', { to_node_id: undefined, terminal_state_id: 'blocked', kind: 'normal' }],
    ['the kind retry without max_attempts', { kind: 'retry' }],
    ['max_attempts without the kind retry', { max_attempts: 2 }],
  ]
  it.each(cases)('is refused with %s', (_, change) => {
    expect(findingsOn(execution((loop) => Object.assign(loop.edges[0]!, change)))).toContain(`EDGE_TARGET_SHAPE ${at}`)
  })

  it('is refused for a threshold with no target, or two', () => {
    const place = 'EDGE_TARGET_SHAPE threshold_policies.0 execution.fix-needed.exhaustion'
    const none = execution((loop) => Object.assign(thresholds(loop)[0]!, { exhausted_target_node_id: undefined }))
    const two = execution((loop) => Object.assign(thresholds(loop)[0]!, { exhausted_terminal_state_id: 'blocked' }))
    expect(findingsOn(none)).toEqual([place])
    expect(findingsOn(two)).toEqual([place])
  })
})

describe('an outcome the stage cannot report', () => {
  it('is found in edges and policies alike', () => {
    const loop = execution((value) => {
      value.edges[0]!.on_outcomes.push('CHECKER_PASS')
      resumes(value)[0]!.on_outcome = 'BUILDER_COMPLETE'
      thresholds(value)[3]!.on_outcome = 'FIX_NEEDED'
    })
    expect(findingsOn(loop).filter((finding) => finding.startsWith('EDGE_ILLEGAL_OUTCOME'))).toEqual([
      'EDGE_ILLEGAL_OUTCOME edges.0 builder-complete-to-checker',
      'EDGE_ILLEGAL_OUTCOME resume_policies.0 execution.troubleshooter.resume',
      'EDGE_ILLEGAL_OUTCOME threshold_policies.3 execution.consult.limit',
    ])
  })
})

describe('W-39: priorities and attempts', () => {
  const retry = {
    edge_id: 'builder-again',
    from_node_id: 'builder',
    to_node_id: 'builder',
    on_outcomes: ['BLOCKED'],
    kind: 'retry',
    priority: 10,
    max_attempts: 2,
  } as const
  const withRetry = (change: (loop: Loop) => void = () => {}) =>
    execution((loop) => {
      loop.edges.push({ ...retry, on_outcomes: [...retry.on_outcomes] })
      change(loop)
    })

  it('a retry edge before the normal one is whole', () => {
    expect(findingsOn(withRetry())).toEqual([])
  })

  it('a retry edge alone is a dead end once its attempts are used up', () => {
    const loop = withRetry((value) => value.edges.splice(1, 1))
    expect(findingsOn(loop)).toEqual(['LOOP_MISSING_EDGE builder'])
  })

  it('two edges of one priority are ambiguous even where a retry comes first', () => {
    const loop = withRetry((value) =>
      value.edges.push({ ...value.edges[1]!, edge_id: 'rival', to_node_id: 'consultant' }),
    )
    expect(findingsOn(loop)).toEqual(['LOOP_AMBIGUOUS_EDGE builder'])
  })

  it('edges of different priority are not', () => {
    const loop = execution((value) =>
      value.edges.push({ ...value.edges[1]!, edge_id: 'rival', to_node_id: 'consultant', priority: 101 }),
    )
    expect(findingsOn(loop)).toEqual([])
  })

  it('two resume policies on one outcome are ambiguous', () => {
    const loop = execution((value) => resumes(value).push({ ...resumes(value)[0]!, policy_id: 'again' }))
    expect(findingsOn(loop)).toEqual(['LOOP_AMBIGUOUS_EDGE resume_policies.2 again'])
  })

  it('an end behind an edge that always comes first, or behind a resume policy, is no end', () => {
    const noEnd = (loop: Loop) => {
      loop.edges = loop.edges.filter(
        (edge) => edge.terminal_state_id === undefined || edge.edge_id.startsWith('updater'),
      )
      loop.edges.push({
        ...loop.edges.at(-1)!,
        edge_id: 'first',
        from_node_id: 'updater',
        on_outcomes: ['UPDATE_COMPLETE'],
        kind: 'normal',
        to_node_id: 'builder',
        terminal_state_id: undefined,
        priority: 1,
      })
      thresholds(loop).pop()
    }
    const behindRetry = execution((loop) => {
      noEnd(loop)
      Object.assign(loop.edges.at(-1)!, { kind: 'retry', max_attempts: 2 })
    })
    expect(findingsOn(behindRetry)).not.toContain('LOOP_NO_END builder')
    expect(findingsOn(execution(noEnd))).toContain('LOOP_NO_END builder')
    const shadowed = execution((loop) => {
      noEnd(loop)
      loop.edges.pop()
      resumes(loop).push({
        ...resumes(loop)[0]!,
        policy_id: 'p',
        source_node_id: 'updater',
        on_outcome: 'UPDATE_COMPLETE',
      })
    })
    expect(findingsOn(shadowed)).toContain('LOOP_NO_END builder')
  })
})

describe('nodes', () => {
  it('may override only what their stage kind allows, each override being told', () => {
    const builder = stageKinds.get('builder')!
    const strict = new Map(stageKinds).set('builder', {
      ...builder,
      value: { ...builder.value, allowed_overrides: [] },
    })
    const loop = execution((value) =>
      Object.assign(value.nodes[0]!, {
        model_name: 'm',
        timeout_seconds: 5,
        attached_skill_additions: ['skills/a.md'],
      }),
    )
    expect(findingsOn(loop, strict)).toEqual(Array(3).fill('NODE_OVERRIDE_NOT_ALLOWED nodes.0 builder'))
    expect(findingsOn(loop)).toEqual([])
  })

  it('that a retry, a threshold or the closure behaviour leads to are reachable', () => {
    const viaThreshold = execution((loop) => {
      loop.edges = loop.edges.filter((edge) => edge.to_node_id !== 'consultant')
    })
    expect(findingsOn(viaThreshold)).toEqual([])
    const viaClosure = planning((loop) => loop.entry_nodes.pop())
    expect(findingsOn(viaClosure)).toEqual([])
  })

  it('that may enter for closure need the closure role', () => {
    const loop = planning((value) =>
      value.entry_nodes.push({ entry_key: 'closure_target', when: { field: 'a', equals: 'b' }, node_id: 'auditor' }),
    )
    expect(findingsOn(loop)).toEqual(['ENTRY_NOT_STARTABLE entry_nodes.3'])
  })

  it('of an unreadable stage kind are not told one by one', () => {
    const findings = new Findings()
    const loop = execution((value) => Object.assign(value.nodes[0]!, { stage_kind_id: 'broken-kind' }))
    checkLoop(loop, 'x.json', stageKinds, findings, new Set(['broken-kind']))
    expect(findings.all).toEqual([])
  })
})

describe('a loop that compiles', () => {
  /** A small loop of made-up stages, sound or not. */
  const OUTCOMES = ['A', 'B', 'C']
  const nodeCount = 5
  const anyTarget = fc.oneof(
    { weight: 3, arbitrary: fc.nat(nodeCount - 1).map((index) => ({ to_node_id: `n${index}` })) },
    fc.constant({ terminal_state_id: 'end', kind: 'terminal' as const }),
  )
  const anyEdges = fc.tuple(
    ...Array.from({ length: nodeCount * OUTCOMES.length }, () =>
      fc.tuple(anyTarget, fc.option(anyTarget, { freq: 3 }), fc.integer({ min: 1, max: 2 })),
    ),
  )
  const anyResume = fc.option(fc.record({ source: fc.nat(nodeCount - 1), to: fc.nat(nodeCount - 1) }))
  const anyThreshold = fc.option(fc.record({ source: fc.nat(nodeCount - 1), to: anyTarget }))

  const kinds = new Map(
    Array.from({ length: nodeCount }, (_, index) => {
      const value = StageKind.parse({
        schema_version: '1.0',
        kind: 'registered_stage_kind',
        stage_kind_id: `n${index}`,
        plane: 'execution',
        display_name: 'N',
        description: 'N.',
        default_entrypoint_path: 'entrypoints/execution/builder.md',
        required_skill_paths: ['skills/stage/execution/builder-core/SKILL.md'],
        running_status_marker: 'N_RUNNING',
        legal_outcomes: OUTCOMES,
        success_outcomes: ['A', 'B'],
        failure_outcome: 'C',
        allowed_result_classes_by_outcome: { A: ['success'], B: ['success'], C: ['blocked', 'recoverable_failure'] },
        can_start: ['task'],
      })
      return [
        value.stage_kind_id,
        {
          value,
          file: {
            path: `registry/stage_kinds/execution/${value.stage_kind_id}.json`,
            text: JSON.stringify(value),
            source: 'workspace' as const,
          },
          rivals: [],
        },
      ]
    }),
  )

  const anyLoop = fc.tuple(anyEdges, anyResume, anyThreshold).map(([edges, resume, threshold]) =>
    Loop.parse({
      schema_version: '1.0',
      kind: 'graph_loop',
      loop_id: 'execution.made-up',
      plane: 'execution',
      nodes: [...kinds.keys()].map((id) => ({ node_id: id, stage_kind_id: id })),
      entry_nodes: [{ entry_key: 'task', node_id: 'n0' }],
      edges: edges.flatMap(([target, retry, attempts], index) => {
        const from_node_id = `n${Math.floor(index / OUTCOMES.length)}`
        const on_outcomes = [OUTCOMES[index % OUTCOMES.length]]
        const normal = { edge_id: `e${index}`, from_node_id, on_outcomes, ...target }
        if (retry === null || !('to_node_id' in retry)) return [normal]
        return [
          normal,
          {
            edge_id: `r${index}`,
            from_node_id,
            on_outcomes,
            ...retry,
            kind: 'retry',
            priority: 1,
            max_attempts: attempts,
          },
        ]
      }),
      terminal_states: [
        {
          terminal_state_id: 'end',
          terminal_class: 'success',
          writes_status: 'A',
          effects: [{ effect: 'complete_item' }],
        },
      ],
      dynamic_policies: {
        resume_policies: resume
          ? [
              {
                policy_id: 'p',
                source_node_id: `n${resume.source}`,
                on_outcome: 'A',
                default_target_node_id: `n${resume.to}`,
              },
            ]
          : [],
        threshold_policies: threshold
          ? [
              {
                policy_id: 't',
                source_node_ids: [`n${threshold.source}`],
                on_outcome: 'C',
                counter_name: 'c',
                threshold: 2,
                ...('to_node_id' in threshold.to
                  ? { exhausted_target_node_id: threshold.to.to_node_id }
                  : { exhausted_terminal_state_id: 'end' }),
              },
            ]
          : [],
      },
    }),
  )

  function planOf(loop: Loop): Plan {
    const files = Object.fromEntries([...kinds.values()].map(({ file }) => [file.path, file.text]))
    const mode = {
      schema_version: '1.0',
      kind: 'mode',
      mode_id: 'made-up',
      loop_ids_by_plane: { execution: loop.loop_id },
    }
    const changes = { ...files, 'graphs/execution/made-up.json': loop, 'modes/made-up.json': mode }
    return planWith({ mode: 'made-up', changes })
  }

  /** Where a node may lead by routing, every choice and every state of the budgets considered; `end` is the end. */
  function waysOn(graph: PlanGraph, nodeId: string, outcome: string): string[] {
    const spent = graph.threshold_policies.filter(
      (policy) => policy.source_node_ids.includes(nodeId) && policy.on_outcome === outcome,
    )
    const resume = graph.resume_policies.find(
      (policy) => policy.source_node_id === nodeId && policy.on_outcome === outcome,
    )
    const rows = graph.transitions.filter((row) => row.source_node_id === nodeId && row.outcome === outcome)
    const lasting = rows.findIndex((row) => row.max_attempts === null)
    const edges = resume ? [] : rows.slice(0, lasting < 0 ? rows.length : lasting + 1)
    return [
      ...spent.map((policy) => policy.exhausted_target_node_id ?? 'end'),
      ...(resume ? [resume.default_target_node_id, ...resumeTargets(graph, nodeId)] : []),
      ...edges.map((row) => row.target_node_id ?? 'end'),
      ...(resume || lasting >= 0 ? [] : ['nowhere']),
    ]
  }

  it('has no dead end: from wherever a walk can come, every outcome leads on and the end can be reached', () => {
    let sound = 0
    fc.assert(
      fc.property(anyLoop, (loop) => {
        if (findingsOn(loop, kinds).length > 0) return
        sound += 1
        const plan = planOf(loop)
        const graph = plan.graphs_by_plane.execution!
        const seen = new Map<string, string[]>()
        const queue = ['n0']
        for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
          if (id === 'end' || seen.has(id)) continue
          const next = OUTCOMES.flatMap((outcome) => waysOn(graph, id, outcome))
          seen.set(id, next)
          queue.push(...next)
        }
        expect([...seen.values()].flat()).not.toContain('nowhere')
        const ending = new Set(['end'])
        for (let round = 0; round <= nodeCount; round++)
          for (const [id, next] of seen) if (next.some((to) => ending.has(to))) ending.add(id)
        expect([...seen.keys()].filter((id) => !ending.has(id))).toEqual([])
      }),
      { numRuns: 300 },
    )
    expect(sound).toBeGreaterThan(20)
  })

  it('can be walked by routing with any outcomes at all', () => {
    const anyWalk = fc.array(fc.constantFrom(...OUTCOMES), { minLength: 10, maxLength: 40 })
    fc.assert(
      fc.property(anyLoop, anyWalk, (loop, walk) => {
        if (findingsOn(loop, kinds).length > 0) return
        const plan = planOf(loop)
        let run = runAt(plan, 'execution', 'n0', { kind: 'task', id: 't' })
        let counters = newCounters()
        for (const outcome of walk) {
          const decision = route(plan.graphs_by_plane.execution!, run, counters, resultOf(plan, run, outcome))
          if (decision.next_node_id === null) {
            expect(decision.terminal_state_id).toBe('end')
            return
          }
          for (const { counter_name, key } of decision.counted)
            counters = countUp(counters, { kind: 'task', id: 't' }, counter_name, key, NOW)
          const edge_uses = { ...run.edge_uses, [decision.edge_id]: (run.edge_uses[decision.edge_id] ?? 0) + 1 }
          run = { ...run, node_id: decision.next_node_id, stage_kind_id: decision.next_node_id, edge_uses }
        }
        expect(kinds.has(run.node_id)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('stays whole or is refused when any one edge is taken out of a shipped loop', () => {
    for (const id of ['execution.standard', 'planning.standard']) {
      const loop = shipped(id)
      for (const [index, edge] of loop.edges.entries()) {
        const without = { ...loop, edges: loop.edges.toSpliced(index, 1) }
        const resumed = resumes(loop).some(
          (policy) => policy.source_node_id === edge.from_node_id && edge.on_outcomes.includes(policy.on_outcome),
        )
        const codes: DiagnosticCode[] = findingsOn(without).map((finding) => finding.split(' ')[0] as DiagnosticCode)
        expect(codes.includes('LOOP_MISSING_EDGE')).toBe(!resumed)
      }
    }
  })
})
