/** Runs and stages, alive and dead: what `why` says of them (see scene.ts). */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { carriersOf } from '../../src/runners/process.ts'
import { killAgent, pause, until } from '../rig/live.ts'
import { reply } from '../rig/runtime.ts'
import { ask } from './ask.ts'
import {
  atRest,
  busyElsewhere,
  codes,
  daemon,
  goElsewhere,
  goLive,
  newRig,
  rig,
  runId,
  snapshot,
  told,
} from './scene.ts'

describe('a run', () => {
  test('that was held waits for a person', async () => {
    await newRig()
    rig.addTask('task-a')
    await rig.ticks(1)
    rig.config('[recovery]\nmax_fix_cycles = 5\n')
    fs.rmSync(rig.at('state/plans'), { recursive: true })
    await (await goLive()).until('the hold', () => snapshot().active_runs[0]?.status === 'held')
    const answer = await ask(rig, 'task-a')
    expect(told(answer)).toMatchObject({ verdict: 'waiting', waits_for: ['human'], codes: ['held'] })
    expect(answer.can).toEqual(expect.arrayContaining(['millrace control clear-stale-state']))
  })

  test('that was asked to end, while the runtime is dead', async () => {
    const request = await busyElsewhere()
    daemon!.child.kill('SIGSTOP')
    const run = runId()
    await rig.command('cancel_run', { run_id: run })
    await daemon!.kill()
    await killAgent(request)
    const answer = await ask(rig, 'task-a')
    expect(answer.verdict).toBe('waiting')
    expect(answer.waits_for[0]).toBe('human')
  })

  test('that ended tells its path, and the nearest way it did not take', async () => {
    await atRest()
    rig.addTask('task-a')
    rig.outcomes({ builder: ['BUILDER_COMPLETE'], checker: ['CHECKER_PASS'], updater: ['UPDATE_COMPLETE'] })
    await rig.work()
    const answer = await ask(rig, rig.list('runs')[0]!)
    expect(answer.verdict).toBe('finished')
    expect(answer.path.map(({ node_id, outcome, to }) => `${node_id} ${outcome} ${to}`)).toEqual([
      'builder BUILDER_COMPLETE checker',
      'checker CHECKER_PASS updater',
      'updater UPDATE_COMPLETE terminal:update_complete',
    ])
    expect(answer.not_taken).toMatchObject({ node_id: 'updater', outcome: 'BLOCKED' })
  })
})

describe('a stage at work', () => {
  const AGENT = path.join(import.meta.dirname, '../agents/posing.mjs')

  /** A builder that is seen doing one thing only; gives its request id. */
  async function posing(pose: string, { elsewhere = false } = {}): Promise<string> {
    await newRig({
      config: `[runners.codex]\ncommand = ${JSON.stringify(process.execPath)}\nargs = [${JSON.stringify(AGENT)}, "exec"]\nenv = { POSE = "${pose}" }\n`,
    })
    const { stage_runner_bindings } = rig.json<{ stage_runner_bindings: Record<string, string> }>('modes/scripted.json')
    rig.mode({ stage_runner_bindings: { ...stage_runner_bindings, builder: 'codex_cli' } })
    rig.addTask('task-a')
    if (elsewhere) goElsewhere()
    else await goLive()
    let request = ''
    await until('the agent', () => {
      const [started] = rig.log('stage_started')
      request = String(started?.request_id)
      const file = rig.at('runs', String(started?.run_id), `runner_events.${request}.jsonl`)
      return fs.existsSync(file) && fs.readFileSync(file, 'utf8').includes('turn.started')
    })
    if (pose === 'write') await until('a change', () => fs.existsSync(path.join(rig.root, 'written.txt')))
    await pause(100)
    return request
  }
  const verdict = async (minutes = 0) => {
    const answer = await ask(rig, 'task-a', { minutes })
    return { verdict: answer.verdict, codes: codes(answer) }
  }

  test('that began a moment ago and has done nothing yet is working', async () => {
    await posing('still')
    expect((await verdict()).verdict).toBe('working')
  })

  test('that was silent for 20 minutes and uses no processor time is wedged', async () => {
    await posing('still')
    const answer = await ask(rig, 'task-a', { minutes: 20 })
    expect(answer.verdict).toBe('wedged')
    expect(answer.because[0]).toMatchObject({ code: 'no_sign_of_life' })
    expect(answer.can).toEqual(
      expect.arrayContaining([`millrace control cancel ${runId()}`, 'millrace control retry-active']),
    )
  })

  test('that was silent for 20 minutes is working where the config allows an hour of silence', async () => {
    await posing('still')
    const text = rig.read('millrace.toml')
    fs.writeFileSync(rig.at('millrace.toml'), text.replace('[runtime]', '[runtime]\nwedged_after_seconds = 3600'))
    expect((await verdict(20)).verdict).toBe('working')
    expect((await verdict(61)).verdict).toBe('wedged')
  })

  test('that was silent for 20 minutes and uses processor time is working', async () => {
    await posing('work')
    expect(await verdict(20)).toMatchObject({ verdict: 'working', codes: expect.arrayContaining(['cpu']) })
  })

  test('that was silent for 20 minutes inside a tool is working', async () => {
    await posing('tool')
    expect(await verdict(20)).toMatchObject({ verdict: 'working', codes: expect.arrayContaining(['tool_running']) })
  })

  test('that tells of reasoning only is working', async () => {
    await posing('think')
    const answer = await ask(rig, 'task-a')
    expect(answer.verdict).toBe('working')
    expect(answer.because.find(({ code }) => code === 'output')!.fact).toContain('reasoning')
  })

  test('that talks is working', async () => {
    await posing('talk')
    expect(await verdict()).toMatchObject({ verdict: 'working', codes: expect.arrayContaining(['output']) })
  })

  test('that changes files only is working', async () => {
    await posing('write')
    const answer = await ask(rig, 'task-a')
    expect(answer.verdict).toBe('working')
    expect(answer.because.find(({ code }) => code === 'file_changed')!.fact).toContain('written.txt')
  })

  test('every process of which is stopped by a signal waits for a person', async () => {
    const request = await posing('talk')
    const agents = carriersOf(request).filter(({ leader }) => !leader)
    for (const { pid } of agents) process.kill(pid, 'SIGSTOP')
    await pause(50)
    expect(await ask(rig, 'task-a')).toMatchObject({ verdict: 'waiting', waits_for: ['human'] })
    const later = await ask(rig, 'task-a', { minutes: 20 })
    expect(later).toMatchObject({
      verdict: 'waiting',
      because: expect.arrayContaining([expect.objectContaining({ code: 'agent_suspended' })]),
    })
    for (const { pid } of agents) process.kill(pid, 'SIGCONT')
  })

  test('whose runtime is dead goes on working, and its result waits for a runtime', async () => {
    await posing('talk', { elsewhere: true })
    await daemon!.kill()
    const answer = await ask(rig, 'task-a')
    expect(told(answer)).toMatchObject({
      verdict: 'working',
      codes: expect.arrayContaining(['agent_alive', 'runtime_died']),
    })
    expect(answer.can).toContain('millrace run daemon')
  })

  test('whose runtime and agent are dead waits for a runtime', async () => {
    const request = await posing('talk', { elsewhere: true })
    await daemon!.kill()
    await killAgent(request)
    expect(told(await ask(rig, 'task-a'))).toMatchObject({
      verdict: 'waiting',
      waits_for: ['human'],
      codes: expect.arrayContaining(['runtime_died', 'agent_gone']),
    })
  })

  test('whose runtime is dead and which has ended by itself waits for a runtime', async () => {
    await newRig({ replies: [reply('builder', 'BUILDER_COMPLETE', { steps: [{ wait_ms: 600 }] })] })
    rig.addTask('task-a')
    const daemon = goElsewhere()
    const request = await daemon.agent('builder')
    await daemon.kill()
    await until(
      'its end',
      () => rig.exists('runs', runId(), `runner_exit.${request}`) && carriersOf(request).length === 0,
    )
    expect(told(await ask(rig, 'task-a'))).toMatchObject({
      verdict: 'waiting',
      waits_for: ['human'],
      codes: expect.arrayContaining(['runtime_died', 'agent_exited']),
    })
  })

  test('that was adopted is working, and says who started it', async () => {
    await posing('talk', { elsewhere: true })
    await daemon!.kill()
    await (await goLive()).until('the adoption', () => rig.log('stage_adopted').length === 1)
    expect(told(await ask(rig, 'task-a'))).toMatchObject({
      verdict: 'working',
      codes: expect.arrayContaining(['adopted', 'agent_alive']),
    })
  })
})
