/** Items that wait in a queue: what `why` says of them (see scene.ts). */
import * as fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { killAgent, pause, until } from '../rig/live.ts'
import { reply } from '../rig/runtime.ts'
import { ask } from './ask.ts'
import { atRest, busy, busyElsewhere, codes, daemon, goLive, newRig, rig, snapshot, told } from './scene.ts'

describe('a queued item in a workspace without a runtime', () => {
  test('waits for somebody to start one', async () => {
    await atRest()
    rig.addTask('task-a')
    const answer = await ask(rig, 'task-a')
    expect(told(answer)).toEqual({ verdict: 'waiting', waits_for: ['human'], codes: ['no_runtime', 'queued'] })
    expect(answer.can).toEqual([
      'millrace daemon start',
      'millrace run daemon',
      'millrace run once',
      'millrace queue cancel task-a',
    ])
  })

  test('that has never run waits for its plan as well', async () => {
    await newRig()
    rig.addTask('task-a')
    expect(told(await ask(rig, 'task-a'))).toEqual({
      verdict: 'waiting',
      waits_for: ['human', 'turn'],
      codes: ['no_runtime', 'no_plan', 'queued'],
    })
  })

  test('whose last one died says so, and that the lane is still taken', async () => {
    const request = await busyElsewhere()
    rig.addTask('task-b')
    await daemon!.kill()
    await killAgent(request)
    expect(told(await ask(rig, 'task-b'))).toEqual({
      verdict: 'waiting',
      waits_for: ['human', 'turn'],
      codes: ['runtime_died', 'lane_busy', 'queued'],
    })
  })

  test('whose lock nobody can read', async () => {
    await atRest()
    rig.addTask('task-a')
    fs.writeFileSync(rig.at('state/lock/99'), 'scribble')
    const answer = await ask(rig, 'task-a')
    expect(told(answer)).toMatchObject({
      verdict: 'waiting',
      waits_for: ['human'],
      codes: ['lock_unreadable', 'queued'],
    })
    expect(answer.can).toContain('millrace doctor')
  })
})

describe('a queued item under a runtime that does nothing', () => {
  test('because its process is stopped by a signal', async () => {
    await busyElsewhere()
    rig.addTask('task-b')
    daemon!.child.kill('SIGSTOP')
    await pause(50)
    const answer = await ask(rig, 'task-b')
    expect(told(answer)).toEqual({
      verdict: 'waiting',
      waits_for: ['human', 'turn'],
      codes: ['runtime_suspended', 'lane_busy', 'queued'],
    })
    expect(answer.next[0]!.what).toContain(`kill -CONT ${daemon!.child.pid}`)
    expect(answer.can).not.toContain('millrace run daemon')
  })

  test('because it was asked to stop once its stage has ended', async () => {
    await busyElsewhere()
    rig.addTask('task-b')
    await rig.command('stop', { drain: true })
    await until('the stop', () => snapshot().stop_requested !== null)
    expect(told(await ask(rig, 'task-b'))).toMatchObject({
      waits_for: ['human', 'turn'],
      codes: ['runtime_stopping', 'lane_busy', 'queued'],
    })
  })

  test('because an operator paused it', async () => {
    await atRest()
    rig.addTask('task-a')
    await rig.issue('pause', { reason: 'release day' })
    await goLive()
    const answer = await ask(rig, 'task-a')
    expect(told(answer)).toEqual({ verdict: 'waiting', waits_for: ['human'], codes: ['paused', 'queued'] })
    expect(answer.because[0]!.fact).toBe('paused by operator: release day')
    expect(answer.can).toContain('millrace control resume')
  })

  test('because of two pauses, both of which are named', async () => {
    await newRig()
    fs.writeFileSync(
      rig.at('millrace.toml'),
      rig.read('millrace.toml').replace('[runtime]', '[runtime]\nfree_disk_floor_mib = 1000000000'),
    )
    rig.addTask('task-a')
    await rig.issue('pause', { reason: 'release day' })
    await (await goLive()).until('the disk', () => snapshot().pause_sources.length === 2)
    const answer = await ask(rig, 'task-a')
    expect(told(answer)).toEqual({ verdict: 'waiting', waits_for: ['human'], codes: ['paused', 'paused', 'queued'] })
    expect(answer.because.map(({ fact }) => fact.split(':')[0])).toEqual([
      'paused by operator',
      'paused by disk',
      'task task-a is queued',
    ])
    expect(answer.can).toContain('millrace control resume')
  })
})

describe('a queued item that is not its turn', () => {
  test('waits for the run that keeps the lane busy', async () => {
    await busy()
    rig.addTask('task-b')
    const answer = await ask(rig, 'task-b')
    expect(told(answer)).toEqual({ verdict: 'waiting', waits_for: ['turn'], codes: ['lane_busy', 'queued'] })
    expect(answer.because[0]!.fact).toContain('task task-a is at builder')
  })

  test('waits for what is before it in the order of claims, and for the pause', async () => {
    await atRest()
    for (const [index, id] of ['task-a', 'task-b', 'task-c'].entries())
      rig.addTask(id, { created_at: `2026-03-01T1${index}:00:00Z` })
    await rig.issue('pause')
    await goLive()
    const answer = await ask(rig, 'task-c')
    expect(told(answer)).toEqual({
      verdict: 'waiting',
      waits_for: ['human', 'turn'],
      codes: ['paused', 'behind', 'queued'],
    })
    expect(answer.because[1]!.fact).toBe('2 items are before it in the order of claims: task-a, task-b')
    expect(codes(await ask(rig, 'task-a'))).toEqual(['paused', 'queued'])
  })

  test('does not wait for what is before it and cannot be claimed', async () => {
    await atRest()
    rig.addTask('task-a', { created_at: '2026-03-01T09:00:00Z', depends_on: ['nowhere'] })
    rig.addTask('task-b')
    await rig.issue('pause')
    expect(codes(await ask(rig, 'task-b'))).toEqual(['no_runtime', 'paused', 'queued'])
  })

  test('waits for work of another plane that goes first', async () => {
    await atRest()
    rig.addSpec('spec-a')
    rig.addTask('task-a')
    const answer = await ask(rig, 'task-a')
    expect(codes(answer)).toEqual(['no_runtime', 'behind', 'queued'])
    expect(answer.because[1]!.fact).toContain('spec-a')
  })

  test('waits for the root spec before it to close', async () => {
    await atRest()
    rig.addRootSpec('spec-a')
    rig.addRootSpec('spec-b', { created_at: '2026-03-01T11:00:00Z' })
    rig.replies([reply('planner', null, { steps: [{ hang: true }] })])
    await (await goLive()).agent('planner')
    const answer = await ask(rig, 'spec-b')
    expect(told(answer)).toMatchObject({ verdict: 'waiting', waits_for: ['turn'] })
    expect(codes(answer)).toEqual(['closure_open', 'lane_busy', 'queued'])
  })

  test('is of a kind that no plane takes', async () => {
    await atRest()
    rig.place('learning/requests/queue/learn-a.md', learningRequest('learn-a'))
    const answer = await ask(rig, 'learn-a')
    expect(codes(answer)).toEqual(['no_runtime', 'no_lane', 'queued'])
  })
})

const learningRequest = (id: string): string =>
  `# Learn ${id}\n\nLearning-Request-ID: ${id}\nTitle: Learn ${id}\nRequested-Action: improve\nTarget-Skill-ID: some-skill\nSummary: Something.\nCreated-At: 2026-03-01T10:00:00Z\nCreated-By: test\n`

describe('a queued item that depends on another', () => {
  const dependent = (more: Record<string, unknown> = {}) =>
    rig.addTask('task-b', { depends_on: ['task-a'], created_at: '2026-03-01T11:00:00Z', ...more })
  const dependency = async () => {
    const answer = await ask(rig, 'task-b')
    return {
      waits_for: answer.waits_for,
      codes: codes(answer).filter((code) => code.startsWith('dependency')),
      can: answer.can,
    }
  }

  test('which is queued', async () => {
    await atRest()
    rig.addTask('task-a')
    dependent()
    expect(await dependency()).toMatchObject({
      waits_for: ['human', 'dependency', 'turn'],
      codes: ['dependency_waiting'],
    })
  })

  test('which is active', async () => {
    await busy()
    dependent()
    const answer = await ask(rig, 'task-b')
    expect(told(answer)).toEqual({
      verdict: 'waiting',
      waits_for: ['dependency', 'turn'],
      codes: ['dependency_waiting', 'lane_busy', 'queued'],
    })
    expect(answer.because[0]!.fact).toBe('it depends on task task-a, which is active')
  })

  test('which is blocked', async () => {
    await atRest()
    rig.addTask('task-a', {}, 'blocked')
    dependent()
    const answer = await dependency()
    expect(answer).toMatchObject({ waits_for: ['human'], codes: ['dependency_blocked'] })
    expect(answer.can).toContain('millrace queue retry task-a')
  })

  test('which was cancelled', async () => {
    await atRest()
    rig.addTask('task-a')
    dependent()
    await rig.issue('cancel_work_item', { work_item_id: 'task-a' })
    expect(await dependency()).toMatchObject({ waits_for: ['human'], codes: ['dependency_cancelled'] })
  })

  test('which was set aside', async () => {
    await atRest()
    rig.addTask('task-a', {}, 'quarantine')
    dependent()
    expect(await dependency()).toMatchObject({ waits_for: ['human'], codes: ['dependency_quarantined'] })
  })

  test('which there is not', async () => {
    await atRest()
    dependent()
    expect(await dependency()).toMatchObject({ waits_for: ['human'], codes: ['dependency_unknown'] })
  })

  test('which in the end depends on it', async () => {
    await atRest()
    rig.addTask('task-a', { depends_on: ['task-b'] })
    dependent()
    expect(await dependency()).toMatchObject({ waits_for: ['human'], codes: ['dependency_cycle'] })
  })

  test('which is done, and no obstacle any more', async () => {
    await atRest()
    rig.addTask('task-a', {}, 'done')
    dependent()
    expect(codes(await ask(rig, 'task-b'))).toEqual(['no_runtime', 'queued'])
  })

  test('and on a second and a third, each of which is named', async () => {
    await atRest()
    rig.addTask('task-a', {}, 'blocked')
    rig.addTask('task-c', {}, 'done')
    dependent({ depends_on: ['task-a', 'task-c', 'nowhere'] })
    expect((await dependency()).codes).toEqual(['dependency_blocked', 'dependency_unknown'])
  })
})
