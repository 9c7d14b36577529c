import { describe, expect, it } from 'vitest'
import { planWith } from '../../test/rig/assets.ts'
import { resultOf, runAt } from '../../test/rig/run.ts'
import { blockOf, causeOf, parseBlock } from './block.ts'
import { failureKind } from './failure-class.ts'
import { FAILURE_CLASSES } from './result.ts'

const NOW = '2026-03-02T12:00:00.000Z'
const plan = planWith()
const run = runAt(plan, 'execution', 'consultant', { kind: 'task', id: 'a' })

/** Why an item is blocked whose last stage failed, or said so itself (`failure` null), by a decision. */
const causeAfter = (failure: string | null, decided: { action?: 'blocked' | 'handoff'; failure_class?: string } = {}) =>
  causeOf(
    resultOf(plan, run, 'BLOCKED', { failure_class: failure, valid_terminal_result: failure === null }),
    { action: 'blocked', failure_class: failure ?? 'runner_timeout', ...decided },
    'result.json',
  )

describe('why an item is blocked', () => {
  it('may pass only where nothing but the time, an agent that fell silent, or a nameless failure of a provider ended it', () => {
    const passing = FAILURE_CLASSES.filter((failure) => causeAfter(failure).auto_requeue_candidate)
    expect(passing).toEqual(['runner_timeout', 'provider_failure', 'runner_stalled'])
  })

  it('is no failure of the surroundings: they put a stage off, and never end its run', () => {
    const unknown = FAILURE_CLASSES.filter((failure) => failureKind(failure) === null)
    expect(unknown.filter((failure) => !failure.startsWith('environment_'))).toEqual(['session_gone'])
  })

  it('is the word of a stage where that has the last one, also after a stage whose time ran out', () => {
    expect(causeAfter(null)).toMatchObject({
      blocked_origin: 'stage_terminal',
      failure_class: 'runner_timeout',
      failure_scope: 'semantic',
      auto_requeue_candidate: false,
      source_stage: 'consultant',
      stage_result_path: 'result.json',
    })
  })

  it.each([
    ['a spent budget', 'runner_timeout', { failure_class: 'stages_per_run_exhausted' }, 'runner_failure'],
    ['trouble handed on', 'runner_timeout', { action: 'handoff' as const }, 'runner_failure'],
    ['a person who says no', 'approval_denied', {}, 'runtime_capability_gate'],
    ['a validator', 'validator_failed', {}, 'runtime_capability_gate'],
  ])('is a judgement that stands where it is %s', (_what, failure, decided, origin) => {
    expect(causeAfter(failure, decided)).toMatchObject({ blocked_origin: origin, auto_requeue_candidate: false })
  })
})

describe('the record of a block', () => {
  const A = { kind: 'task', id: 'a', effectiveRoot: 'root', rootIdeaId: null } as const
  const written = JSON.stringify(
    blockOf(A, NOW, {
      blocked_origin: 'runner_failure',
      failure_class: 'runner_timeout',
      failure_scope: 'environment',
    }),
  )

  it('is read as it was written', () => {
    expect(parseBlock(written, A)).toMatchObject({ blocked_at: NOW, auto_requeue_candidate: false })
  })

  it.each([
    ['nothing', null],
    ['no JSON', written.slice(0, -1)],
    ['null', 'null'],
    ['the record of another item', written.replace('"a"', '"b"')],
    ['a time that is none', written.replace(NOW, 'yesterday')],
    ['an origin nobody knows', written.replace('runner_failure', 'somebody')],
    ['a flag that is none', written.replace('"auto_requeue_candidate":false', '"auto_requeue_candidate":"false"')],
  ])('is none where there is %s', (_what, text) => {
    expect(parseBlock(text, A)).toBeNull()
  })
})
