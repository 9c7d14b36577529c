/** A blocked task that a queued one waits for, and that may be put back by itself: what `why` says of both (see scene.ts). */
import * as fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type RigOptions, reply } from '../rig/runtime.ts'
import { ask } from './ask.ts'
import { goLive, HANG, live, newRig, rig, told } from './scene.ts'

describe('a blocked task that a queued one waits for', () => {
  const LATE = '[stages.builder]\ntimeout_seconds = 1\n'
  const late = (more = ''): RigOptions => ({ config: `${LATE}[auto_recovery]\n${more}`, replies: [HANG] })

  /** The time of `task-a` runs out, or it ends as the reply says; `task-b` waits for it. The runtime stays at work. */
  async function blocked(options: RigOptions): Promise<void> {
    await newRig(options)
    rig.shortLoop()
    rig.addTask('task-a')
    rig.addTask('task-b', { depends_on: ['task-a'] })
    const runtime = await goLive()
    await runtime.until('the block', () => rig.log('work_item_blocked').length > 0)
  }

  const dueAt = (seconds: number) =>
    Date.parse(rig.json('diagnostics/blocked/task-task-a.json').blocked_at as unknown as string) + seconds * 1000

  test('is put back by itself, and says when, as does the one that waits', async () => {
    await blocked(late())
    const answer = await ask(rig, 'task-a')
    expect(told(answer)).toEqual({
      verdict: 'waiting',
      waits_for: ['backoff'],
      codes: ['auto_recovery', 'blocked', 'last_word'],
    })
    const next = {
      what: 'task task-a is put back into its queue once nothing else is to be done (attempt 1 of 3)',
      when: new Date(dueAt(300)).toISOString(),
      who: 'runtime',
    }
    expect(answer.next).toEqual([next])
    expect(answer.can).toContain('millrace queue retry task-a')
    const waiting = await ask(rig, 'task-b')
    expect(told(waiting)).toEqual({
      verdict: 'waiting',
      waits_for: ['backoff'],
      codes: ['dependency_blocked', 'queued'],
    })
    expect(waiting.next).toEqual([next])
    expect(await ask(rig, 'execution')).toMatchObject({ waits_for: ['backoff'], next: [next] })
  })

  test('waits for a runtime as well where there is none, and for its turn once its time has come', async () => {
    await blocked(late())
    await live!.close()
    expect(told(await ask(rig, 'task-a'))).toMatchObject({
      waits_for: ['human', 'backoff'],
      codes: ['no_runtime', 'auto_recovery', 'blocked', 'last_word'],
    })
    expect(told(await ask(rig, 'task-a', { minutes: 6 }))).toMatchObject({ waits_for: ['human', 'turn'] })
  })

  test.each<[what: string, options: RigOptions, fact: string]>([
    [
      'its stage calls it blocked',
      { replies: [reply('builder', 'BLOCKED', { item: 'task-a' })] },
      'a stage has looked',
    ],
    ['it is switched off', late('enabled = false\n'), 'auto_recovery is switched off'],
    [
      'it may never be',
      late('max_auto_requeues_per_work_item = 0\n'),
      'auto_recovery.max_auto_requeues_per_work_item is 0',
    ],
    [
      'it was put back as often as it may be',
      late('max_auto_requeues_per_work_item = 1\ncooldown_seconds = [0]\n'),
      'it was put back once already, and 1 is the most',
    ],
  ])('is left to a person where %s', async (_what, options, fact) => {
    await blocked(options)
    const isOver = options.config?.includes('= [0]') === true
    if (isOver)
      await live!.until('the last block', () => rig.log('blocked_lineage_requires_operator_review').length === 1)
    const answer = await ask(rig, 'task-a')
    expect(told(answer)).toEqual({
      verdict: 'waiting',
      waits_for: ['human'],
      codes: ['blocked', 'last_word', 'no_auto_recovery'],
    })
    expect(answer.because.at(-1)!.fact).toContain(`it is not put back by itself: ${fact}`)
    expect(told(await ask(rig, 'task-b'))).toMatchObject({
      waits_for: ['human'],
      codes: ['dependency_blocked', 'queued'],
    })
  })

  test('is left to a person where nothing says why it was blocked', async () => {
    await blocked(late())
    await live!.close()
    fs.rmSync(rig.at('diagnostics'), { recursive: true })
    const answer = await ask(rig, 'task-a')
    expect(told(answer)).toMatchObject({ waits_for: ['human'], codes: ['blocked', 'last_word', 'no_auto_recovery'] })
  })
})
