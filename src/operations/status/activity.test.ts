import { describe, expect, it } from 'vitest'
import { newRun } from '../../core/completion.ts'
import { type ActiveRun, newSnapshot, type Snapshot } from '../../core/state.ts'
import { activityOf, type Situation } from './activity.ts'

const NOW = '2026-03-01T12:00:00.000Z'
const NONE = { queued: 0, active: 0, blocked: 0, done: 0 }

const run = (changes: Partial<ActiveRun> = {}): ActiveRun => ({
  ...newRun(NOW, { runId: 'run-1', plane: 'execution', nodeId: 'n', stageKindId: 'k', planId: 'p' }),
  ...changes,
})

function told(snapshot: Partial<Snapshot>, changes: Partial<Situation> = {}, tasks: Partial<typeof NONE> = {}) {
  const depths = { task: { ...NONE, ...tasks }, spec: NONE, incident: NONE, probe: NONE, learning_request: NONE }
  const whole = { ...newSnapshot(NOW), ...snapshot }
  return activityOf({ snapshot: whole, depths, running: true, degraded: false, lock: 'active', now: NOW, ...changes })
}

const pause = { source: 'operator', reason: 'release day', since: NOW, until: null }

describe('activityOf', () => {
  it('is working while an agent is, even if nothing new may start', () => {
    expect(told({ active_runs: [run({ status: 'started' })] })).toEqual({
      activity: 'working',
      reason: null,
      nextStep: null,
    })
    const paused = told({ active_runs: [run({ status: 'started' })], pause_sources: [pause] })
    expect(paused).toMatchObject({ activity: 'working', reason: expect.stringContaining('release day') })
  })

  it('says why nothing runs: paused, held, waiting for the surroundings, stopping, a disk that fails', () => {
    expect(told({ pause_sources: [pause] })).toMatchObject({ activity: 'paused', reason: 'by operator (release day)' })
    const held = run({ status: 'held', held: { reason: 'the plan is gone', since: NOW } })
    expect(told({ active_runs: [held] })).toMatchObject({ activity: 'held', reason: 'the plan is gone' })
    const later = run({ not_before: '2026-03-01T12:05:00.000Z' })
    expect(told({ active_runs: [later] })).toMatchObject({
      activity: 'waiting',
      reason: expect.stringContaining('12:05'),
    })
    expect(told({ active_runs: [run({ not_before: '2026-03-01T11:00:00.000Z' })] }).activity).toBe('working')
    expect(told({ stop_requested: { drain: true, since: NOW } }).activity).toBe('stopping')
    expect(told({}, { degraded: true }).activity).toBe('degraded')
  })

  it('does not pass over what is blocked, whether a runtime is up or not', () => {
    const look = { nextStep: 'millrace queue ls --state blocked' }
    expect(told({}, {}, { blocked: 1 })).toEqual({
      activity: 'idle',
      reason: 'nothing is queued; 1 item blocked',
      ...look,
    })
    const off = { running: false, lock: 'absent' } as const
    expect(told({}, off, { blocked: 2 })).toEqual({
      activity: 'stopped',
      reason: 'nothing is queued; 2 items blocked',
      ...look,
    })
    expect(told({}, off, { blocked: 2, queued: 1 })).toEqual({
      activity: 'stopped',
      reason: '1 item queued; 2 items blocked',
      nextStep: 'millrace run daemon',
    })
  })

  it('says which provider refuses work, why and until when, whether runs wait for it or only queued items', () => {
    const until = '2026-03-01T15:00:00.000Z'
    const wait = {
      runner_name: 'codex_cli',
      model_name: null,
      cause: 'quota',
      reason: 'used up',
      since: NOW,
      until,
    } as const
    const refused = { activity: 'waiting', reason: expect.stringMatching(/codex_cli .*quota \(used up\); .*15:00/) }
    expect(told({ runner_waits: [wait], active_runs: [run({ not_before: until })] })).toMatchObject(refused)
    expect(told({ runner_waits: [wait] }, {}, { queued: 1 })).toMatchObject(refused)
    expect(told({ runner_waits: [wait] }).activity).toBe('idle')
    expect(told({ runner_waits: [{ ...wait, until: NOW }] }, {}, { queued: 1 }).reason).not.toContain('codex_cli')
    const working = told({ runner_waits: [wait], active_runs: [run({ status: 'started' })] })
    expect(working).toMatchObject({ activity: 'working', reason: expect.stringContaining(until) })
    const failed = run({ not_before: until, previous_attempt: { request_id: 'r', reason: 'environment_auth' } })
    expect(told({ active_runs: [failed] }).reason).toBe(`the surroundings failed (auth); next try at ${until}`)
  })

  it('tells an idle runtime with blocked items from one that waits for its queue', () => {
    expect(told({})).toMatchObject({ activity: 'idle', reason: 'nothing is queued' })
    expect(told({}, {}, { blocked: 1 })).toMatchObject({
      activity: 'idle',
      reason: expect.stringContaining('1 item blocked'),
    })
    expect(told({}, {}, { queued: 2 })).toMatchObject({
      activity: 'waiting',
      reason: expect.stringContaining('2 items queued'),
    })
  })

  it('without a runtime says what waits for one, and how to start it', () => {
    expect(told({}, { running: false, lock: 'absent' })).toMatchObject({
      activity: 'stopped',
      reason: 'nothing is queued',
    })
    const died = told({ active_runs: [run()] }, { running: false, lock: 'stale' }, { queued: 1 })
    expect(died).toEqual({
      activity: 'stopped',
      reason: 'the last runtime died; 1 run waits to be taken up; 1 item queued',
      nextStep: 'millrace run daemon',
    })
    expect(told({}, { running: false, lock: 'invalid' }).nextStep).toBe('millrace doctor')
  })
})
