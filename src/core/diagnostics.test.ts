/** Every code the compiler can report: provoked, located, and with a sentence that says how to mend it. */
import { describe, expect, it } from 'vitest'
import { type CompileChoice, compileWith, edit } from '../../test/rig/assets.ts'
import { DIAGNOSTIC_CODES, Diagnostic, type DiagnosticCode, describeDiagnostic, Findings } from './diagnostics.ts'
import type { Loop } from './loop.ts'
import type { Mode } from './mode.ts'
import type { StageKind } from './stage.ts'

const EXECUTION = 'graphs/execution/standard.json'
const PLANNING = 'graphs/planning/standard.json'
const BUILDER = 'registry/stage_kinds/execution/builder.json'
const CODEX = 'modes/default_codex.json'
const BUILDER_PROMPT = 'entrypoints/execution/builder.md'

const mode = (change: (mode: Mode) => void) => ({ changes: { [CODEX]: edit<Mode>(change) } })
const execution = (change: (loop: Loop) => void) => ({ changes: { [EXECUTION]: edit<Loop>(change) } })
const planning = (change: (loop: Loop) => void) => ({ changes: { [PLANNING]: edit<Loop>(change) } })
const builder = (change: (kind: StageKind) => void) => ({ changes: { [BUILDER]: edit<StageKind>(change) } })

interface Provocation {
  choice: CompileChoice
  path: string
  at: string | null
  /** A pattern where the words are the engine's, which differ from one version to the next. */
  message: string | RegExp
  severity?: 'warning'
}

const PROVOCATIONS: Record<DiagnosticCode, Provocation> = {
  MODE_UNKNOWN: {
    choice: { mode: 'default_codx' },
    path: 'modes/default_codx.json',
    at: null,
    message: 'there is no mode default_codx; did you mean default_codex?',
  },
  ASSET_BAD_JSON: {
    choice: { changes: { [CODEX]: '{\n  "kind": "mode"\n  "mode_id": "default_codex"\n}' } },
    path: CODEX,
    at: 'line 3, column 3',
    message: /^Expected ',' or '}' after property value in JSON at position 21.*; mend the JSON there$/,
  },
  ASSET_INVALID: {
    choice: {
      changes: { [CODEX]: edit<Record<string, unknown>>((json) => Object.assign(json, { loop_id_by_plane: {} })) },
    },
    path: CODEX,
    at: null,
    message: 'unknown key loop_id_by_plane; did you mean loop_ids_by_plane?',
  },
  ASSET_UNREADABLE: {
    choice: { changes: { [BUILDER_PROMPT]: null } },
    path: BUILDER_PROMPT,
    at: null,
    message: 'node builder needs this entrypoint, but it is missing; create it or choose another',
  },
  ASSET_DUPLICATE: {
    choice: { changes: { 'modes/mine.json': { schema_version: '1.0', kind: 'mode', mode_id: 'default_codex' } } },
    path: 'modes/mine.json',
    at: null,
    message: 'the id default_codex is declared in modes/default_codex.json too; rename one',
  },
  MODE_LOOP_MISSING: {
    choice: mode((value) => Object.assign(value, { loop_ids_by_plane: {} })),
    path: CODEX,
    at: 'loop_ids_by_plane',
    message: 'select a loop for at least one plane',
  },
  MODE_STAGE_OUTSIDE_LOOPS: {
    choice: mode((value) => Object.assign(value.stage_model_bindings, { bilder: 'm' })),
    path: CODEX,
    at: 'stage_model_bindings.bilder',
    message: 'stage bilder is not used by the loops of mode default_codex; did you mean builder?',
  },
  MODE_CLAIM_ORDER: {
    choice: mode((value) => value.claim_order!.planes[1]!.kinds.push('spec')),
    path: CODEX,
    at: 'claim_order.planes.1',
    message: 'plane execution takes no spec: it takes task; correct the claim order, or add an entry to the loop',
  },
  LOOP_UNKNOWN: {
    choice: mode((value) => Object.assign(value.loop_ids_by_plane!, { execution: 'execution.standrd' })),
    path: CODEX,
    at: 'loop_ids_by_plane.execution',
    message: 'loop execution.standrd does not exist; did you mean execution.standard?',
  },
  LOOP_PLANE_MISMATCH: {
    choice: mode((value) => Object.assign(value.loop_ids_by_plane!, { execution: 'planning.standard' })),
    path: CODEX,
    at: 'loop_ids_by_plane.execution',
    message: 'loop planning.standard serves plane planning; put it there, or choose a loop of plane execution',
  },
  LOOP_DUPLICATE: {
    choice: execution((loop) => loop.edges.push({ ...loop.edges[0]!, priority: 200 })),
    path: EXECUTION,
    at: 'edge builder-complete-to-checker',
    message: 'edge builder-complete-to-checker is defined twice; rename or remove one',
  },
  LOOP_DANGLING_REF: {
    choice: execution((loop) => Object.assign(loop.edges[0]!, { to_node_id: 'chekcer' })),
    path: EXECUTION,
    at: 'edges.0 builder-complete-to-checker',
    message: 'node chekcer is not defined in execution.standard; did you mean checker?',
  },
  LOOP_UNREACHABLE_NODE: {
    choice: execution((loop) => loop.nodes.push({ ...loop.nodes[0]!, node_id: 'second-builder' })),
    path: EXECUTION,
    at: 'second-builder',
    message: 'nothing leads to node second-builder; add an entry or edge, or remove it',
  },
  LOOP_MISSING_EDGE: {
    choice: execution((loop) => loop.edges.splice(1, 1)),
    path: EXECUTION,
    at: 'builder',
    message: 'outcome BLOCKED of node builder leads nowhere; add an edge for it',
  },
  LOOP_NO_END: {
    choice: execution((loop) => {
      loop.edges = loop.edges.filter((edge) => edge.terminal_state_id === undefined)
      loop.dynamic_policies.threshold_policies.pop()
    }),
    path: EXECUTION,
    at: 'builder',
    message: 'from node builder no terminal state can be reached; add an edge to one',
  },
  LOOP_AMBIGUOUS_EDGE: {
    choice: execution((loop) => loop.edges.push({ ...loop.edges[0]!, edge_id: 'again', to_node_id: 'updater' })),
    path: EXECUTION,
    at: 'builder',
    message: 'builder-complete-to-checker and again both claim BUILDER_COMPLETE; give one a lower priority number',
  },
  EDGE_TARGET_SHAPE: {
    choice: execution((loop) => Object.assign(loop.edges[0]!, { terminal_state_id: 'blocked' })),
    path: EXECUTION,
    at: 'edges.0 builder-complete-to-checker',
    message: 'give exactly one of to_node_id and terminal_state_id',
  },
  EDGE_ILLEGAL_OUTCOME: {
    choice: execution((loop) => loop.edges[0]!.on_outcomes.push('CHECKER_PASS')),
    path: EXECUTION,
    at: 'edges.0 builder-complete-to-checker',
    message: 'CHECKER_PASS is no outcome of builder; use one of BUILDER_COMPLETE, BLOCKED',
  },
  ENTRY_NOT_STARTABLE: {
    choice: execution((loop) => loop.entry_nodes.push({ entry_key: 'probe', node_id: 'builder' })),
    path: EXECUTION,
    at: 'entry_nodes.1',
    message: 'builder cannot start probe; add it to can_start, or enter elsewhere',
  },
  NODE_UNKNOWN_STAGE_KIND: {
    choice: execution((loop) => Object.assign(loop.nodes[0]!, { stage_kind_id: 'bilder' })),
    path: EXECUTION,
    at: 'nodes.0 builder',
    message:
      'stage kind bilder does not exist; did you mean builder? Else add registry/stage_kinds/execution/bilder.json',
  },
  NODE_PLANE_MISMATCH: {
    choice: execution((loop) => Object.assign(loop.nodes[0]!, { stage_kind_id: 'planner' })),
    path: EXECUTION,
    at: 'nodes.0 builder',
    message: 'stage kind planner belongs to plane planning; use a stage kind of plane execution',
  },
  NODE_OVERRIDE_NOT_ALLOWED: {
    choice: {
      ...builder((kind) => Object.assign(kind, { allowed_overrides: ['runner_name'] })),
      config: { stages: { builder: { model: 'm' } } },
    },
    path: 'millrace.toml',
    at: 'stages.builder',
    message: 'builder does not allow to override model_name; remove it, or add it to allowed_overrides of builder',
  },
  STAGE_KIND_INCONSISTENT: {
    choice: builder((kind) => kind.success_outcomes.push('DONE')),
    path: BUILDER,
    at: 'success_outcomes',
    message: 'DONE is not among legal_outcomes; add it there or remove it here',
  },
  COMPLETION_NOT_CLOSURE_STAGE: {
    choice: planning((loop) => Object.assign(loop.completion_behavior!, { target_node_id: 'auditor' })),
    path: PLANNING,
    at: 'completion_behavior',
    message: 'auditor has no closure_role; choose a node whose stage kind has it',
  },
  COMPLETION_PASS_EQUALS_GAP: {
    choice: planning((loop) =>
      Object.assign(loop.completion_behavior!, { on_gap_terminal_state_id: 'arbiter_complete' }),
    ),
    path: PLANNING,
    at: 'completion_behavior',
    message: 'pass and gap end in the same terminal state; name two different ones',
  },
  RUNNER_UNKNOWN: {
    choice: { config: { stages: { builder: { runner: 'codex_cly' } } } },
    path: 'millrace.toml',
    at: 'stages.builder.runner',
    message: 'node builder is bound to runner codex_cly, which is not known; did you mean codex_cli?',
  },
  CONFIG_STAGE_UNKNOWN: {
    choice: { config: { stages: { chekcer: { model: 'm' } } } },
    path: 'millrace.toml',
    at: 'stages.chekcer',
    message: 'mode default_codex uses no stage chekcer; did you mean checker?',
    severity: 'warning',
  },
  VALIDATOR_UNKNOWN: {
    choice: builder((kind) => Object.assign(kind, { validators: { before: [], after: ['lint-clean'] } })),
    path: BUILDER,
    at: 'validators',
    message: 'validator lint-clean is not registered; remove it',
  },
  SKILL_MISSING: {
    choice: mode((value) => Object.assign(value.stage_skill_additions, { builder: ['skills/mine/SKILL.md'] })),
    path: 'skills/mine/SKILL.md',
    at: null,
    message: 'node builder has this skill attached, but it is not there yet; create it',
    severity: 'warning',
  },
}

/** Words a sentence uses to say what to do. */
const MENDS =
  /\b(add|remove|rename|create|choose|use|name|give|select|correct|mend|define|replace|did you mean|let|put)\b/

describe('every diagnostic', () => {
  it.each(Object.entries(PROVOCATIONS))(
    '%s names the file, the place and the remedy',
    (code, { choice, ...expected }) => {
      const { diagnostics, plan } = compileWith(choice)
      const severity = expected.severity ?? 'error'
      const message = typeof expected.message === 'string' ? expected.message : expect.stringMatching(expected.message)
      expect(diagnostics).toContainEqual({ code, ...expected, message, severity })
      expect(diagnostics.find((diagnostic) => diagnostic.code === code)?.message).toMatch(MENDS)
      expect(plan === null).toBe(severity === 'error')
      for (const diagnostic of diagnostics) expect(Diagnostic.safeParse(diagnostic).success).toBe(true)
    },
  )

  it('has a provocation, and a description for the reference', () => {
    expect(Object.keys(PROVOCATIONS).sort()).toEqual(Object.keys(DIAGNOSTIC_CODES).sort())
    for (const description of Object.values(DIAGNOSTIC_CODES)) expect(description).toMatch(/^[A-Z].*\.$/)
  })
})

describe('findings', () => {
  it('have failed only once one of them is an error', () => {
    const findings = new Findings()
    findings.warn('SKILL_MISSING', 'skills/a.md', null, 'create it')
    expect(findings.failed).toBe(false)
    findings.error('MODE_UNKNOWN', 'modes/a.json', null, 'use one of b')
    expect(findings.failed).toBe(true)
  })

  it('read as one line with the place in brackets', () => {
    const finding = { code: 'X', severity: 'error', path: 'a.json', at: 'nodes.0', message: 'mend it' } as const
    expect(describeDiagnostic(finding)).toBe('X a.json (nodes.0): mend it')
    expect(describeDiagnostic({ ...finding, at: null })).toBe('X a.json: mend it')
  })
})
