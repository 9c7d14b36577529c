/** Planes, and what keeps all of them: what `why` says of them (see scene.ts). */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { ask } from './ask.ts'
import { atRest, busy, codes, goLive, live, newRig, rig, runId, snapshot, told } from './scene.ts'

describe('the surroundings', () => {
  /** A builder on a Codex whose provider refuses with a message. */
  async function refused(message: string, { untilMs = Date.now() + 3_600_000, limits = {} } = {}): Promise<void> {
    const agent = JSON.stringify(path.join(import.meta.dirname, '../agents/limited.mjs'))
    await newRig()
    const sessions = path.join(rig.root, 'sessions')
    fs.mkdirSync(sessions)
    fs.writeFileSync(path.join(sessions, 'refusal.json'), JSON.stringify({ message, until_ms: untilMs }))
    rig.config(
      `[runners.codex]\ncommand = ${JSON.stringify(process.execPath)}\nargs = [${agent}, "exec"]\nenv = { FAKE_SESSIONS = ${JSON.stringify(sessions)} }\n`,
    )
    const { stage_runner_bindings } = rig.json<{ stage_runner_bindings: Record<string, string> }>('modes/scripted.json')
    rig.mode({
      recovery_limits: { environment_backoff_seconds: [60], ...limits },
      stage_runner_bindings: { ...stage_runner_bindings, builder: 'codex_cli' },
    })
    rig.addTask('task-a')
    await (await goLive()).until('the wait', () => rig.log('stage_deferred').length > 0)
  }

  test('a used-up quota is waited for until it ends, by the run and by what is queued', async () => {
    await refused("You've hit your usage limit. Upgrade to Pro or try again in 2 hours.")
    rig.addTask('task-b')
    const run = await ask(rig, 'task-a')
    expect(told(run)).toMatchObject({ verdict: 'waiting', waits_for: ['quota'] })
    expect(run.next.some(({ when }) => when !== null && Date.parse(when) > Date.now() + 3_600_000)).toBe(true)
    expect(run.can).toContain('millrace control resume')
    expect(told(await ask(rig, 'task-b'))).toEqual({
      verdict: 'waiting',
      waits_for: ['quota', 'turn'],
      codes: ['quota', 'lane_busy', 'queued'],
    })
  })

  test('a 429 is waited for as a matter of backing off', async () => {
    await refused('exceeded retry limit, last status: 429 Too Many Requests, retry-after: 40', {
      untilMs: Date.now() + 40_000,
    })
    expect(told(await ask(rig, 'task-a'))).toMatchObject({
      verdict: 'waiting',
      waits_for: ['backoff'],
      codes: expect.arrayContaining(['rate_limit']),
    })
  })

  test('a network that fails is tried again after a while', async () => {
    await refused('Connection failed: error sending request for url')
    const answer = await ask(rig, 'task-a')
    expect(told(answer)).toEqual({ verdict: 'waiting', waits_for: ['backoff'], codes: ['backoff', 'ready'] })
    expect(answer.because[0]!.fact).toContain('network')
  })

  test('a network that failed too often pauses the runtime', async () => {
    await refused('Connection failed: error sending request for url', { limits: { environment_attempts_max: 1 } })
    await live!.until('the pause', () => snapshot().pause_sources.length > 0)
    const answer = await ask(rig, 'task-a')
    expect(codes(answer)).toContain('paused')
    expect(answer.can).toContain('millrace control resume')
  })

  test('a rule on usage that is over pauses for the quota', async () => {
    const agent = path.join(import.meta.dirname, '../agents/spender.mjs')
    await newRig({
      config: `[runners.codex]\ncommand = ${JSON.stringify(process.execPath)}\nargs = [${JSON.stringify(agent)}, "exec"]\nenv = { SPEND = "120", SPEND_MS = "1" }\n[usage_governance]\nenabled = true\n[[usage_governance.runtime_token_rules.rules]]\nrule_id = "the-rule"\nwindow = "rolling_5h"\nthreshold = 100\n`,
    })
    const { stage_runner_bindings } = rig.json<{ stage_runner_bindings: Record<string, string> }>('modes/scripted.json')
    rig.mode({ stage_runner_bindings: { ...stage_runner_bindings, builder: 'codex_cli' } })
    rig.addTask('task-a')
    rig.addTask('task-b', { created_at: '2026-03-01T11:00:00Z' })
    await (await goLive()).until('the pause', () => snapshot().pause_sources.length > 0)
    const answer = await ask(rig, 'task-b')
    expect(answer.waits_for).toContain('quota')
    expect(answer.because[0]!.fact).toContain('the-rule')
    expect(answer.can).not.toContain('millrace control resume')
  })
})

describe('a plane', () => {
  test('with nothing to do is finished', async () => {
    await atRest()
    expect(told(await ask(rig, 'execution'))).toEqual({ verdict: 'finished', waits_for: [], codes: ['nothing_queued'] })
  })

  test('at work tells of its run', async () => {
    await busy()
    expect(await ask(rig, 'execution')).toMatchObject({
      subject: { type: 'plane', run_id: runId() },
      verdict: 'working',
    })
  })

  test('on which nothing can be claimed names all that stands in the way', async () => {
    await atRest()
    rig.addTask('task-a', { depends_on: ['nowhere'] })
    rig.addTask('task-b', { depends_on: ['task-c'] })
    rig.addTask('task-c', {}, 'blocked')
    await goLive()
    expect(told(await ask(rig, 'execution'))).toEqual({
      verdict: 'waiting',
      waits_for: ['human'],
      codes: ['dependency_unknown', 'dependency_blocked', 'queued'],
    })
  })

  test('whose work is all blocked waits for a person', async () => {
    await atRest()
    rig.addTask('task-a', {}, 'blocked')
    expect(told(await ask(rig, 'execution'))).toEqual({ verdict: 'waiting', waits_for: ['human'], codes: ['blocked'] })
  })
})
