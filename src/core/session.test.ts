import { describe, expect, it } from 'vitest'
import { edit, planWith } from '../../test/rig/assets.ts'
import { requestFor, resultOf, runAt } from '../../test/rig/run.ts'
import type { Mode } from './mode.ts'
import { nodeOf } from './plan.ts'
import type { StageRequest } from './request.ts'
import type { StageResult } from './result.ts'
import { continuation, type Earlier, hasPast } from './session.ts'
import type { ActiveRun } from './state.ts'

const MODE = 'modes/default_codex.json'
const bind = edit<Mode>((mode) => Object.assign(mode, { stage_session_bindings: { fixer: 'builder' } }))
const plan = planWith({ changes: { [MODE]: bind } })
const HERE = { bootId: 'boot-1', mayResume: true }
const usage = (tokens: number) => ({
  input_tokens: tokens,
  cached_input_tokens: 0,
  output_tokens: 0,
  thinking_tokens: 0,
  total_tokens: tokens,
})

/** A stage run of the past: its request, and its result if it came to one. */
function past(
  node: string,
  id: string,
  changes: { request?: Partial<StageRequest>; result?: Partial<StageResult> | null },
) {
  const run = runAt(plan, 'execution', node, { kind: 'task', id: 'task-1' })
  const request = requestFor(plan, run, { request_id: id, boot_id: 'boot-1', ...changes.request })
  const outcome = nodeOf(plan, 'execution', node)!.failure_outcome
  const base = resultOf(plan, run, outcome, { request_id: id, session_id: 'session-1' }, { token_usage: usage(100) })
  const metadata = { ...base.metadata, ...changes.result?.metadata }
  return { request, result: changes.result === null ? null : { ...base, ...changes.result, metadata } }
}

const earlier = (...stages: ReturnType<typeof past>[]): Earlier => ({
  requests: stages.map(({ request }) => request),
  results: stages.flatMap(({ result }) => result ?? []),
})

function at(
  node: string,
  before: Earlier,
  { run = {}, where = HERE }: { run?: Partial<ActiveRun>; where?: typeof HERE } = {},
) {
  const active = { ...runAt(plan, 'execution', node, { kind: 'task' as const, id: 'task-1' }), ...run }
  return continuation(active, nodeOf(plan, 'execution', node)!, before, where)
}

describe('a stage that goes on with the session of another node', () => {
  it('takes the newest of its run, with all that was used in it', () => {
    const stages = earlier(
      past('builder', 'request-1', {}),
      past('checker', 'request-2', { result: { metadata: { session_id: 'session-2' } } }),
      past('fixer', 'request-3', { result: { token_usage: usage(7) } }),
    )
    expect(at('fixer', stages)).toEqual({
      resume_session: { session_id: 'session-1', used_before: usage(107), unchanged_tree: null },
      account_of: ['request-1'],
    })
    expect(at('checker', stages)).toEqual({ resume_session: null, account_of: [] })
  })

  it.each([
    ['no result of that node', earlier()],
    ['no session told', earlier(past('builder', 'request-1', { result: { metadata: { session_id: null } } }))],
    [
      'a session id that could be an option',
      earlier(past('builder', 'r', { result: { metadata: { session_id: '--last' } } })),
    ],
    ['a session of another boot', earlier(past('builder', 'request-1', { request: { boot_id: 'boot-0' } }))],
    ['a session of nobody knows which boot', earlier(past('builder', 'request-1', { request: { boot_id: null } }))],
    ['a session of another runner', earlier(past('builder', 'request-1', { request: { runner_name: 'claude_code' } }))],
  ])('begins afresh with %s', (_title, stages) => {
    expect(at('fixer', stages).resume_session).toBeNull()
    expect(at('fixer', stages).account_of).toEqual(stages.requests.map((request) => request.request_id))
  })
})

describe('a stage whose surroundings failed', () => {
  const run = { previous_attempt: { request_id: 'request-2', reason: 'environment_quota' } }
  const tree = { before: 'tree-0', after: 'tree-1', ref: null, left_out: [], problem: null }
  const failed = (result: Partial<StageResult> = {}) =>
    past('builder', 'request-2', {
      result: { working_tree: tree, ...result, metadata: { failure_class: 'environment_quota', ...result.metadata } },
    })

  it('goes on in its own session while the tree is as it left it', () => {
    expect(at('builder', earlier(failed()), { run })).toEqual({
      resume_session: { session_id: 'session-1', used_before: usage(100), unchanged_tree: 'tree-1' },
      account_of: ['request-2'],
    })
  })

  it.each([
    ['it failed by itself', failed({ metadata: { failure_class: 'runner_timeout' } }), HERE],
    ['nobody can tell what became of the tree', failed({ working_tree: null }), HERE],
    ['the config does not want it', failed(), { ...HERE, mayResume: false }],
    ['the machine was restarted', failed(), { ...HERE, bootId: 'boot-2' }],
    ['it came to no result', past('builder', 'request-2', { result: null }), HERE],
  ])('begins afresh, told of what was done, where %s', (_title, stage, where) => {
    expect(at('builder', earlier(stage), { run, where })).toEqual({ resume_session: null, account_of: ['request-2'] })
  })

  it('is told of every attempt, and of what the first of them was told of', () => {
    const first = past('builder', 'request-1', { request: { account_of: ['request-0'] }, result: null })
    const second = past('builder', 'request-2', {
      request: { previous_attempt: { request_id: 'request-1', reason: 'stopped' } },
      result: null,
    })
    expect(at('builder', earlier(second, first), { run }).account_of).toEqual(['request-0', 'request-1', 'request-2'])
  })

  it('of which a loop of records is told is told of a few', () => {
    const loop = past('builder', 'request-2', { request: { previous_attempt: run.previous_attempt }, result: null })
    expect(at('builder', earlier(loop), { run }).account_of).toHaveLength(5)
  })
})

it('a stage without a past need not be asked for one', () => {
  const run = runAt(plan, 'execution', 'builder', { kind: 'task', id: 'task-1' })
  expect(hasPast(run, nodeOf(plan, 'execution', 'builder')!)).toBe(false)
  expect(hasPast(run, nodeOf(plan, 'execution', 'fixer')!)).toBe(true)
})
