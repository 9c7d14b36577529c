import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { edit, planWith } from '../../test/rig/assets.ts'
import { rawResult, requestFor, runAt } from '../../test/rig/run.ts'
import { deepFreeze } from '../../test/rig/view.ts'
import type { Loop } from './loop.ts'
import { type Evidence, isEnvironmentFailure, normalise } from './normalise.ts'
import { nodeOf } from './plan.ts'
import type { StageRequest } from './request.ts'
import { type Ending, FAILURE_CAUSES, FAILURE_CLASSES, type RawResult, StageResult } from './result.ts'
import type { OwedArtifact, StageKind } from './stage.ts'

const plan = planWith()
const TASK = { kind: 'task', id: 'task-001' } as const
const SPEC = { kind: 'spec', id: 'spec-001' } as const

const planeOf = (nodeId: string) => (nodeOf(plan, 'execution', nodeId) ? 'execution' : 'planning')

const requests = new Map<string, StageRequest>()

function requestOf(nodeId: string): StageRequest {
  const known = requests.get(nodeId)
  if (known) return known
  const plane = planeOf(nodeId)
  const closure = nodeOf(plan, plane, nodeId)!.closure_role
  const subject = closure ? { closureRoot: 'root' } : plane === 'execution' ? TASK : SPEC
  const request = requestFor(plan, runAt(plan, plane, nodeId, subject))
  requests.set(nodeId, request)
  return request
}

/** Everything in order: every file owed is there and fresh, nothing was handed in. */
const SOUND: Evidence = {
  terminalResult: null,
  owed: (artifact) => ({ text: artifact.format === 'text' ? 'Done.\n' : '{}', fresh: true }),
  inRunFolder: () => true,
  handIns: [],
  activeDocumentFaults: [],
  findings: [],
}

interface Stage {
  node?: string
  message?: string | null
  raw?: Partial<RawResult>
  evidence?: Partial<Evidence>
  request?: Partial<StageRequest>
}

function accept({
  node = 'builder',
  message = '### BUILDER_COMPLETE',
  raw = {},
  evidence = {},
  request = {},
}: Stage = {}): StageResult {
  const asked = deepFreeze({ ...requestOf(node), ...request })
  const result = normalise(asked, nodeOf(plan, planeOf(node), node)!, deepFreeze(rawResult(asked, message, raw)), {
    ...SOUND,
    ...evidence,
  })
  expect(StageResult.parse(result)).toEqual(result)
  return result
}

const failureOf = (stage: Stage) => {
  const result = accept(stage)
  if (result.metadata.valid_terminal_result === false) {
    expect(result).toMatchObject({
      terminal_result: 'BLOCKED',
      result_class: 'recoverable_failure',
      success: false,
      retryable: true,
      summary_status_marker: '### BLOCKED',
      detected_marker: null,
    })
    expect(result.metadata.normalization_source).toBe('failure')
    expect(FAILURE_CLASSES).toContain(result.metadata.failure_class)
  }
  return result.metadata.failure_class
}

const structured = (value: unknown, evidence: Partial<Evidence> = {}): Stage => ({
  evidence: { terminalResult: typeof value === 'string' ? value : JSON.stringify(value), ...evidence },
})

const PASS = {
  schema_version: '1.0',
  kind: 'closure_verdict',
  root_spec_id: 'root',
  verdict: 'pass',
  criteria: [{ id: 'C1', text: 'It works.', result: 'pass', evidence: ['npm test'] }],
  summary: 'Good.',
}
const GAP = { ...PASS, verdict: 'gap', criteria: [{ ...PASS.criteria[0], result: 'fail' }] }

describe('the marker of the final message', () => {
  it('counts as its last line that is not blank', () => {
    expect(accept({ message: 'I built it.\n\n### BUILDER_COMPLETE\n\n  \n' })).toMatchObject({
      terminal_result: 'BUILDER_COMPLETE',
      result_class: 'success',
      success: true,
      retryable: false,
      exit_code: 0,
      summary_status_marker: '### BUILDER_COMPLETE',
      detected_marker: '### BUILDER_COMPLETE',
      metadata: { failure_class: null, valid_terminal_result: true, normalization_source: 'stdout_terminal_token' },
    })
  })

  it.each([
    '###   BUILDER_COMPLETE',
    '  ### BUILDER_COMPLETE  ',
    'x\r\n### BUILDER_COMPLETE\r\n',
    '###\tBUILDER_COMPLETE',
  ])('may be written %j', (message) => {
    expect(accept({ message }).terminal_result).toBe('BUILDER_COMPLETE')
  })

  it('is taken at its word when the stage says it is blocked', () => {
    expect(accept({ message: '### BLOCKED' })).toMatchObject({
      terminal_result: 'BLOCKED',
      result_class: 'blocked',
      retryable: false,
      metadata: { failure_class: null },
    })
  })

  it('scenario 51: may be repeated, but not contradicted', () => {
    expect(failureOf({ message: '### BUILDER_COMPLETE\n\n### BUILDER_COMPLETE' })).toBeNull()
    expect(failureOf({ message: '### BLOCKED\nno, wait\n### BUILDER_COMPLETE' })).toBe('conflicting_terminal_results')
  })

  it('scenario 52: is illegal if it is none of the stage, and missing if it is none at all', () => {
    expect(failureOf({ message: '### TOKEN' })).toBe('illegal_terminal_result')
    expect(failureOf({ message: '### CHECKER_PASS' })).toBe('illegal_terminal_result')
    for (const message of [
      '### builder_complete',
      '### BUILDER_COMPLETE!',
      '### BUILDER_COMPLETE done',
      '## BUILDER_COMPLETE',
      '#### BUILDER_COMPLETE',
      '###BUILDER_COMPLETE',
      'BUILDER_COMPLETE',
      '**### BUILDER_COMPLETE**',
      '',
      null,
    ])
      expect(failureOf({ message })).toBe('missing_terminal_result')
  })

  it('scenario 53, W-35: leaves other headings alone, wherever they stand', () => {
    expect(failureOf({ message: '### SUMMARY\nGood.\n### CHECKER_PASS\n### BUILDER_COMPLETE' })).toBeNull()
    expect(failureOf({ message: '### SUMMARY\nGood.' })).toBe('missing_terminal_result')
  })

  it.each([
    ['### BLOCKED\n### BUILDER_COMPLETE', 'the final message has several markers: BLOCKED, BUILDER_COMPLETE'],
    ['### TOKEN', 'TOKEN is no outcome of node builder; it has BUILDER_COMPLETE, BLOCKED'],
    ['Done.', 'the final message ends without a terminal marker'],
    [null, 'the agent left no final message'],
  ])('is told of where %j has none that counts', (message, note) => {
    expect(accept({ message }).notes).toEqual([note])
  })

  it('does not count when anything follows it', () => {
    expect(failureOf({ message: '### BUILDER_COMPLETE\n\nBy the way, one more thing.' })).toBe(
      'missing_terminal_result',
    )
    expect(failureOf({ message: '### BUILDER_COMPLETE\n### NOTES' })).toBe('illegal_terminal_result')
    expect(accept({ message: '### BUILDER_COMPLETE\nbye' }).notes[0]).toBe(
      'the marker BUILDER_COMPLETE is not the last line of the final message',
    )
  })

  it('is never found in prose', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (before, after) => {
        fc.pre(after.trim() !== '' && !/^\s*[\r\n]/.test(after))
        expect(failureOf({ message: `${before}\n### BUILDER_COMPLETE ${after}` })).not.toBeNull()
      }),
    )
  })

  it('is found behind any text that holds no other marker', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (before) => {
        fc.pre(!before.includes('###'))
        expect(failureOf({ message: `${before}\n### BUILDER_COMPLETE` })).toBeNull()
      }),
    )
  })
})

describe('how the process ended', () => {
  it.each([
    ['timed_out', 'runner_timeout'],
    ['provider_error', 'provider_failure'],
    ['output_limit', 'runner_output_limit'],
    ['stalled', 'runner_stalled'],
    ['over_budget', 'runner_over_budget'],
    ['context_overflow', 'context_overflow'],
    ['session_gone', 'session_gone'],
    ['cancelled', 'runner_transport_failure'],
    ['killed', 'runner_transport_failure'],
    ['not_started', 'runner_transport_failure'],
  ] as [Ending, string][])('scenarios 54, 55 and 57: %s is %s, marker or not', (ending, failure) => {
    expect(failureOf({ raw: { ending } })).toBe(failure)
    expect(failureOf({ raw: { ending }, evidence: { terminalResult: '{"terminal_result":"BUILDER_COMPLETE"}' } })).toBe(
      failure,
    )
  })

  it('scenario 55, W-36: another exit status than 0 is a failure, whatever the final message says', () => {
    expect(failureOf({ raw: { exit_code: 2 } })).toBe('runner_transport_failure')
    expect(failureOf({ raw: { exit_code: 2 }, message: null })).toBe('runner_transport_failure')
    expect(failureOf({ raw: { exit_code: 2 }, ...structured({ terminal_result: 'BUILDER_COMPLETE' }) })).toBe(
      'runner_transport_failure',
    )
    expect(accept({ raw: { exit_code: 2 } })).toMatchObject({
      exit_code: 2,
      notes: ['the agent ended with exit code 2'],
    })
  })

  it('without an exit status counts if it ended by itself', () => {
    expect(accept({ raw: { exit_code: null } })).toMatchObject({ success: true, exit_code: 0 })
    expect(accept({ raw: { exit_code: null, ending: 'killed' } }).exit_code).toBe(1)
  })

  it('by itself counts, though the surroundings had failed on the way', () => {
    expect(accept({ raw: { cause: 'rate_limit' } })).toMatchObject({
      success: true,
      metadata: { failure_class: null, environment_cause: 'rate_limit' },
    })
  })

  it('scenario 56: an answer to another request is a failure', () => {
    expect(failureOf({ raw: { request_id: 'request-9' } })).toBe('runner_transport_failure')
    expect(failureOf({ raw: { run_id: 'run-9' } })).toBe('runner_transport_failure')
  })

  it('is told in the words of the runner, if it has any', () => {
    expect(accept({ raw: { ending: 'timed_out' } }).notes[0]).toBe('the stage did not end within 3600 s')
    expect(accept({ raw: { ending: 'timed_out', message: 'It hung.' } }).notes[0]).toBe('It hung.')
    expect(accept({ raw: { ending: 'not_started' } }).notes[0]).toBe('the agent was not started')
    const silent: [Partial<RawResult>, string][] = [
      [{ ending: 'provider_error' }, 'the provider of the model failed'],
      [{ ending: 'output_limit' }, 'the agent printed more than allowed'],
      [{ ending: 'context_overflow' }, 'the prompt has outgrown the context window of the model'],
      [{ ending: 'provider_error', cause: 'rate_limit' }, 'the runner reported rate_limit'],
      [{ request_id: 'request-9' }, 'the runner answered for another request'],
    ]
    for (const [raw, note] of silent) expect(accept({ raw }).notes).toEqual([note])
  })

  it.each(FAILURE_CAUSES)('W-38: %s is a failure of the surroundings', (cause) => {
    const result = accept({
      raw: {
        ending: cause === 'missing_binary' ? 'not_started' : 'provider_error',
        cause,
        resets_at: '2026-03-02T13:00:00.000Z',
      },
    })
    expect(result.metadata).toMatchObject({
      failure_class: `environment_${cause}`,
      environment_cause: cause,
      resets_at: '2026-03-02T13:00:00.000Z',
    })
    expect(FAILURE_CLASSES).toContain(result.metadata.failure_class)
    expect(isEnvironmentFailure(result)).toBe(true)
  })

  it('W-38: nothing else is', () => {
    expect(isEnvironmentFailure(accept())).toBe(false)
    expect(isEnvironmentFailure(accept({ raw: { ending: 'timed_out' } }))).toBe(false)
  })

  it('keeps the words a record needs in step with the list of failure classes', () => {
    expect(FAILURE_CLASSES.filter((name) => name.startsWith('environment_'))).toEqual(
      FAILURE_CAUSES.map((cause) => `environment_${cause}`),
    )
  })
})

describe('the structured result file', () => {
  it('scenario 48: wins over the final message', () => {
    const result = accept({
      message: '### BLOCKED',
      ...structured({
        terminal_result: 'BUILDER_COMPLETE',
        summary: 'Built.',
        notes: ['n'],
        artifacts: ['builder_summary.md'],
      }),
    })
    expect(result).toMatchObject({
      terminal_result: 'BUILDER_COMPLETE',
      success: true,
      detected_marker: null,
      notes: ['Built.', 'n'],
      metadata: { normalization_source: 'structured_result_file', failure_class: null },
    })
    expect(result.artifact_paths).toContain('builder_summary.md')
  })

  it('may write the outcome as a marker and choose among the classes it allows', () => {
    expect(accept(structured({ terminal_result: '###  BUILDER_COMPLETE' })).success).toBe(true)
    expect(accept(structured({ terminal_result: 'BLOCKED' })).result_class).toBe('blocked')
    expect(accept(structured({ terminal_result: 'BLOCKED', result_class: 'recoverable_failure' }))).toMatchObject({
      result_class: 'recoverable_failure',
      metadata: { valid_terminal_result: true },
    })
  })

  it.each([
    ['an unknown key', { terminal_result: 'BUILDER_COMPLETE', extra: 1 }],
    ['no outcome', { summary: 'x' }],
    ['the outcome of another stage', { terminal_result: 'CHECKER_PASS' }],
    ['a class the outcome cannot have', { terminal_result: 'BUILDER_COMPLETE', result_class: 'blocked' }],
    ['a class nobody knows', { terminal_result: 'BUILDER_COMPLETE', result_class: 'fine' }],
    ['a list', []],
    ['nothing', 'null'],
    ['half a file', '{"terminal_result": "BUILDER_COMPL'],
    ['no text', ''],
    ['a name every object has', { terminal_result: 'constructor' }],
    ['another', { terminal_result: '__proto__' }],
  ])('scenario 49: with %s is a failure and never falls back to the marker', (_, value) => {
    expect(failureOf(structured(value))).toBe('illegal_terminal_result')
  })

  it.each([
    ['{', /^the structured result file is not JSON: ./],
    [{ summary: 7, extra: 1 }, /^the structured result file does not follow its schema: .*terminal_result.*; summary/],
    [{ terminal_result: 'CHECKER_PASS' }, /^CHECKER_PASS is no outcome of node builder$/],
    [
      { terminal_result: 'BUILDER_COMPLETE', result_class: 'blocked' },
      /^BUILDER_COMPLETE cannot carry the class blocked$/,
    ],
    [{ terminal_result: 'x ### BUILDER_COMPLETE' }, /^x ### BUILDER_COMPLETE is no outcome of node builder$/],
  ])('scenario 49: %j is told for what is wrong with it', (value, note) => {
    expect(accept(structured(value)).notes).toEqual([expect.stringMatching(note)])
  })

  it('scenario 49: that is not there leaves the marker to decide', () => {
    expect(failureOf({ evidence: { terminalResult: null } })).toBeNull()
    expect(failureOf({ evidence: { terminalResult: null }, message: null })).toBe('missing_terminal_result')
  })

  it('scenario 50: may point only at files of its run folder', () => {
    const pointing = structured(
      { terminal_result: 'BUILDER_COMPLETE', artifacts: ['a.md', '../x', '/y'] },
      { inRunFolder: (path) => path === 'a.md' },
    )
    expect(failureOf(pointing)).toBe('missing_required_artifact')
    expect(accept(pointing).notes[0]).toBe('named in the result but not in the run folder: ../x; /y')
  })

  it('W-14: may name the node to go on with; a stage that failed may not', () => {
    const wish = { terminal_result: 'TROUBLESHOOT_COMPLETE', resume_stage: 'checker' }
    expect(accept({ node: 'troubleshooter', ...structured(wish) }).metadata.resume_stage).toBe('checker')
    const unproven = accept({ node: 'troubleshooter', ...structured(wish, { owed: () => null }) })
    expect(unproven.metadata.failure_class).toBe('missing_required_artifact')
    expect('resume_stage' in unproven.metadata).toBe(false)
  })
})

describe('W-37: what an outcome owes', () => {
  const without = (name: string, instead: ReturnType<Evidence['owed']> = null): Partial<Evidence> => ({
    owed: (artifact) => (artifact.name === name ? instead : SOUND.owed(artifact)),
  })
  const stages = Object.values(plan.graphs_by_plane).flatMap((graph) =>
    graph.nodes.flatMap((node) =>
      Object.entries(node.owed_artifacts_by_outcome).flatMap(([outcome, owed]) =>
        owed.map((artifact): [string, string, OwedArtifact] => [node.node_id, outcome, artifact]),
      ),
    ),
  )

  it.each(stages.map(([node, outcome, artifact]) => ({ node, outcome, artifact })))(
    '$node owes $artifact.name for $outcome',
    ({ node, outcome, artifact }) => {
      const verdict = JSON.stringify(outcome === 'REMEDIATION_NEEDED' ? GAP : PASS)
      const stageWith = (instead: ReturnType<Evidence['owed']>): Stage => ({
        node,
        message: `### ${outcome}`,
        evidence: {
          handIns: [{ kind: 'task', id: 'task-002', faults: [] }],
          owed: ({ name, format }) =>
            name === artifact.name ? instead : { text: format === 'verdict' ? verdict : '{}', fresh: true },
        },
      })
      expect(failureOf(stageWith({ text: artifact.format === 'verdict' ? verdict : '{}', fresh: true }))).toBeNull()
      expect(failureOf(stageWith(null))).toBe('missing_required_artifact')
      expect(failureOf(stageWith({ text: ' \n', fresh: true }))).toBe('missing_required_artifact')
      const owes = `${outcome} owes ${artifact.name} at `
      expect(accept(stageWith(null)).notes[0]).toMatch(new RegExp(`^${owes}.*, which is not there$`))
      expect(accept(stageWith({ text: ' \n', fresh: true })).notes[0]).toMatch(
        new RegExp(`^${owes}.*, which is empty$`),
      )
    },
  )

  it('nothing for giving up', () => {
    const stage: Stage = { message: '### BLOCKED', evidence: { owed: () => null, inRunFolder: () => false } }
    expect(failureOf(stage)).toBeNull()
    expect(accept(stage).artifact_paths).toEqual([])
    expect(accept({ ...stage, message: null }).artifact_paths).toEqual([])
  })

  it('must have been made by this very stage run, unless it may be reused', () => {
    const stale = (name: string) => without(name, { text: 'Old.', fresh: false })
    expect(failureOf({ evidence: stale('builder_summary') })).toBe('missing_required_artifact')
    expect(accept({ evidence: stale('builder_summary') }).notes[0]).toContain('was not made by this stage run')
    const pass = JSON.stringify(PASS)
    const arbiter = (evidence: Partial<Evidence>) =>
      failureOf({ node: 'arbiter', message: '### ARBITER_COMPLETE', evidence })
    const judged: Evidence['owed'] = ({ format, name }) => ({
      text: format === 'verdict' ? pass : 'x',
      fresh: name !== 'rubric',
    })
    expect(arbiter({ owed: judged })).toBeNull()
    expect(arbiter({ owed: (artifact) => ({ ...judged(artifact)!, fresh: artifact.name !== 'verdict' }) })).toBe(
      'missing_required_artifact',
    )
  })

  it('must parse where it is JSON', () => {
    const decision = (text: string): Stage => ({
      node: 'consultant',
      message: '### CONSULT_COMPLETE',
      evidence: without('consultant_decision', { text, fresh: true }),
    })
    expect(failureOf(decision('{"decision": "continue"}'))).toBeNull()
    expect(failureOf(decision('continue'))).toBe('missing_required_artifact')
    expect(accept(decision('continue')).notes[0]).toMatch(/^consultant_decision at .* is not JSON$/)
  })

  it('is named in the result, once, with the report and the event log', () => {
    const result = accept({ raw: { event_log_path: '/w/events.jsonl' } })
    expect(result.artifact_paths).toEqual([
      '/w/millrace-agents/runs/run-1/builder_summary.md',
      '/w/millrace-agents/runs/run-1/troubleshoot_report.md',
      '/w/events.jsonl',
    ])
    expect(result.report_artifact).toBe('/w/millrace-agents/runs/run-1/troubleshoot_report.md')
    expect(accept({ evidence: { inRunFolder: () => false } }).report_artifact).toBeNull()
  })
})

describe('a closure verdict', () => {
  const judge = (outcome: string, verdict: object) =>
    accept({
      node: 'arbiter',
      message: `### ${outcome}`,
      evidence: { owed: ({ format }) => ({ text: format === 'verdict' ? JSON.stringify(verdict) : 'x', fresh: true }) },
    })

  it('that does not pass every criterion is no pass', () => {
    expect(judge('ARBITER_COMPLETE', PASS).success).toBe(true)
    for (const verdict of [{ ...GAP, verdict: 'pass' }, GAP, { ...PASS, root_spec_id: 'other' }, {}])
      expect(judge('ARBITER_COMPLETE', verdict).metadata.failure_class).toBe('verdict_not_pass')
  })

  it('must show the gap it reports', () => {
    expect(judge('REMEDIATION_NEEDED', GAP)).toMatchObject({
      terminal_result: 'REMEDIATION_NEEDED',
      result_class: 'followup_needed',
    })
    expect(judge('REMEDIATION_NEEDED', PASS).metadata.failure_class).toBe('verdict_not_pass')
  })

  it('scenario 58: is recorded under the root spec', () => {
    expect(judge('ARBITER_COMPLETE', PASS)).toMatchObject({
      work_item_kind: 'spec',
      work_item_id: 'root',
      metadata: { request_kind: 'closure_target', closure_target_root_spec_id: 'root' },
    })
  })
})

describe('documents handed in', () => {
  const task = (id: string, ...faults: string[]) => ({ kind: 'task', id, faults })
  const manager = (...handIns: Evidence['handIns']): Stage => ({
    node: 'manager',
    message: '### MANAGER_COMPLETE',
    evidence: { handIns },
  })

  it('must be as many as the outcome needs', () => {
    expect(failureOf(manager(task('a')))).toBeNull()
    expect(failureOf(manager())).toBe('hand_in_missing')
    expect(accept(manager({ kind: 'spec', id: 's', faults: [] })).notes[0]).toBe(
      'MANAGER_COMPLETE needs at least 1 task in the outbox; there are 0',
    )
  })

  it('must all be sound', () => {
    const result = accept(manager(task('a'), task('b', 'Title is missing', 'Risk is missing'), task('c', 'It is odd')))
    expect(result.metadata.failure_class).toBe('document_invalid')
    expect(result.notes[0]).toBe('task b: Title is missing; Risk is missing | task c: It is odd')
  })

  it('do not matter for an outcome that hands in nothing', () => {
    expect(failureOf({ ...manager(task('b', 'broken')), message: '### BLOCKED' })).toBeNull()
  })
})

describe('the document a stage works on', () => {
  it('must still be sound, unless the stage gave up', () => {
    const evidence = { activeDocumentFaults: ['line 3: Title is missing', 'Risk is missing'] }
    expect(failureOf({ evidence })).toBe('document_invalid')
    expect(accept({ evidence }).notes).toEqual([
      'the active document is broken: line 3: Title is missing; Risk is missing',
    ])
    expect(failureOf({ node: 'checker', message: '### FIX_NEEDED', evidence })).toBe('document_invalid')
    expect(failureOf({ message: '### BLOCKED', evidence })).toBeNull()
  })
})

describe('findings of validators', () => {
  it('refuse a success, and go with any other outcome as notes', () => {
    const evidence = { findings: ['lint fails', 'types fail'] }
    expect(failureOf({ evidence })).toBe('document_invalid')
    expect(accept({ evidence }).notes[0]).toBe('lint fails; types fail')
    expect(accept({ message: '### BLOCKED', evidence })).toMatchObject({
      result_class: 'blocked',
      notes: evidence.findings,
    })
  })
})

describe('a stage result', () => {
  it('carries who ran it, what it cost and what was left behind', () => {
    const usage = { input_tokens: 10, cached_input_tokens: 4, output_tokens: 3, thinking_tokens: 1, total_tokens: 13 }
    const result = accept({
      request: { model_reasoning_effort: 'high' },
      raw: {
        model_name: 'm',
        token_usage: usage,
        session_id: 's',
        swept: [{ pid: 7, command: 'sleep' }],
        notes: ['left behind'],
      },
    })
    expect(result).toMatchObject({
      runner_name: 'codex_cli',
      model_name: 'm',
      model_reasoning_effort: 'high',
      token_usage: usage,
      notes: ['left behind'],
    })
    expect(result.metadata).toMatchObject({
      session_id: 's',
      processes_swept: [{ pid: 7, command: 'sleep' }],
      request_id: 'request-1',
      raw_ending: 'exited',
      raw_exit_code: 0,
    })
  })

  it('never ends before it began, whatever the clock did', () => {
    const result = accept({ raw: { started_at: '2026-03-02T11:00:00.000Z', ended_at: '2026-03-02T10:00:00.000Z' } })
    expect(result).toMatchObject({
      duration_seconds: 0,
      started_at: '2026-03-02T11:00:00.000Z',
      completed_at: '2026-03-02T11:00:00.000Z',
    })
    expect(accept()).toMatchObject({
      duration_seconds: 60,
      started_at: '2026-03-02T11:00:00.000Z',
      completed_at: '2026-03-02T11:01:00.000Z',
    })
  })

  it('uses the failure outcome of the node, whatever it is called', () => {
    const renamed = planWith({
      changes: {
        'registry/stage_kinds/execution/builder.json': edit<StageKind>((kind) => {
          kind.legal_outcomes = ['BUILDER_COMPLETE', 'STUCK']
          kind.failure_outcomes = ['STUCK']
          kind.failure_outcome = 'STUCK'
          kind.allowed_result_classes_by_outcome = {
            BUILDER_COMPLETE: ['success'],
            STUCK: ['blocked', 'recoverable_failure'],
          }
        }),
        'graphs/execution/standard.json': edit<Loop>((loop) => {
          loop.edges[1]!.on_outcomes = ['STUCK']
          for (const policy of loop.dynamic_policies.threshold_policies)
            policy.source_node_ids = policy.source_node_ids.filter((id) => id !== 'builder')
        }),
      },
    })
    const request = requestFor(renamed, runAt(renamed, 'execution', 'builder', TASK))
    const result = normalise(request, nodeOf(renamed, 'execution', 'builder')!, rawResult(request, null), SOUND)
    expect(result).toMatchObject({
      terminal_result: 'STUCK',
      summary_status_marker: '### STUCK',
      result_class: 'recoverable_failure',
    })
  })

  it('is legal for its node, whatever an agent leaves behind', () => {
    const nodes = Object.values(plan.graphs_by_plane).flatMap((graph) => graph.nodes)
    const anyText = fc.oneof(
      fc.constantFrom(
        ...nodes
          .flatMap((node) => Object.keys(node.allowed_result_classes_by_outcome))
          .map((outcome) => `### ${outcome}`),
      ),
      fc.string({ unit: 'binary' }),
    )
    const anyFile = fc.option(
      fc.oneof(
        fc.json(),
        fc
          .record({ terminal_result: anyText, resume_stage: fc.string() }, { requiredKeys: [] })
          .map((value) => JSON.stringify(value)),
      ),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...nodes),
        fc.option(anyText),
        anyFile,
        fc.constantFrom<Ending>('exited', 'timed_out', 'killed'),
        fc.constantFrom(0, 1, null),
        fc.boolean(),
        (node, message, terminalResult, ending, exit_code, inRunFolder) => {
          const result = accept({
            node: node.node_id,
            message,
            raw: { ending, exit_code },
            evidence: { terminalResult, inRunFolder: () => inRunFolder },
          })
          expect(node.allowed_result_classes_by_outcome[result.terminal_result]).toContain(result.result_class)
          expect(result.success).toBe(result.result_class === 'success')
          if (ending !== 'exited' || exit_code === 1) expect(result.metadata.valid_terminal_result).toBe(false)
        },
      ),
    )
  })
})
