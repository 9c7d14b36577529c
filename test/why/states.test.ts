/**
 * Why is never wrong: states of real workspaces, each with what `why` has to say of it, confusable ones side by side.
 * Every fact is looked up where it says it stands, in each of them (see ask.ts).
 */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Snapshot } from '../../src/core/state.ts'
import type { WhyOutput } from '../../src/operations/schemas/why.ts'
import { carriersOf } from '../../src/runners/process.ts'
import { Daemon, killAgent, Live, pause, until } from '../rig/live.ts'
import { Rig, type RigOptions, reply } from '../rig/runtime.ts'
import { ask } from './ask.ts'

let rig: Rig
let live: Live | null = null
let daemon: Daemon | null = null
afterEach(async () => {
  await live?.close().catch(() => {})
  if (daemon?.child.exitCode === null && daemon.child.signalCode === null) {
    daemon.child.kill('SIGCONT')
    await daemon.kill()
  }
  live = null
  daemon = null
  rig?.dispose()
})

const snapshot = () => rig.json<Snapshot>('state/runtime_snapshot.json')
const runId = () => snapshot().active_runs[0]!.run_id
const codes = ({ because }: WhyOutput): string[] => because.map(({ code }) => code)

/** What stands before something, in short: verdict, what it waits for, and the kinds of facts. */
const told = (answer: WhyOutput) => ({ verdict: answer.verdict, waits_for: answer.waits_for, codes: codes(answer) })

/** A workspace at rest whose plan is compiled. */
async function atRest(options: RigOptions = {}): Promise<void> {
  rig = await Rig.create(options)
  await rig.open()
  await rig.close()
}

const HANG = reply('builder', null, { steps: [{ hang: true }] })

/** A runtime in this process whose builder hangs on `task-a`. */
async function busy(options: RigOptions = {}): Promise<string> {
  rig = await Rig.create({ replies: [HANG], ...options })
  rig.addTask('task-a')
  live = await Live.start(rig)
  return live.agent('builder')
}

/** A runtime in a process of its own whose builder hangs on `task-a`. */
async function busyElsewhere(options: RigOptions = {}): Promise<string> {
  rig = await Rig.create({ replies: [HANG], ...options })
  rig.addTask('task-a')
  daemon = new Daemon(rig)
  return daemon.agent('builder')
}

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
    rig = await Rig.create()
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

describe('an item whose next stage a person is asked about', () => {
  const NEEDING = '[stages.checker]\nrequired_capabilities = ["git.mutate"]\n'
  const question = () => rig.list('approvals/pending')[0]!.replace(/\.json$/, '')

  /** `task-a` waits at its checker; whoever works next is not asked. */
  async function asked(): Promise<void> {
    rig = await Rig.create({
      config: NEEDING,
      replies: [reply('builder', null, { item: 'task-b', steps: [{ hang: true }] })],
    })
    rig.addTask('task-a')
    await rig.work()
  }

  test('waits for the answer, and says how to give it', async () => {
    await asked()
    live = await Live.start(rig)
    const answer = await ask(rig, 'task-a')
    expect(told(answer)).toEqual({ verdict: 'waiting', waits_for: ['approval'], codes: ['approval_pending'] })
    expect(answer.can.slice(0, 2)).toEqual([
      `millrace approvals approve ${question()}`,
      `millrace approvals deny ${question()}`,
    ])
    expect((await ask(rig, runId())).because[0]!.path).toBe(`millrace-agents/approvals/pending/${question()}.json`)
    expect(told(await ask(rig, 'execution'))).toMatchObject({ waits_for: ['approval'], codes: ['approval_pending'] })
  })

  test('says as well that nobody would carry the answer out', async () => {
    await asked()
    expect(told(await ask(rig, 'task-a'))).toEqual({
      verdict: 'waiting',
      waits_for: ['human', 'approval'],
      codes: ['approval_pending', 'no_runtime'],
    })
  })

  test('stands in nobody’s way: the next item is claimed', async () => {
    await asked()
    rig.addTask('task-b')
    const queued = await ask(rig, 'task-b')
    expect(told(queued)).toEqual({ verdict: 'waiting', waits_for: ['human'], codes: ['no_runtime', 'queued'] })
    live = await Live.start(rig)
    await until('its builder', () =>
      snapshot().active_runs.some((run) => run.work_item_id === 'task-b' && run.status === 'started'),
    )
    expect(told(await ask(rig, 'task-a')).waits_for).toEqual(['approval'])
    expect((await ask(rig, 'execution')).verdict).toBe('working')
  })

  test('that was answered waits for its lane, and says who has it', async () => {
    await asked()
    rig.addTask('task-b')
    live = await Live.start(rig)
    await until('its builder', () =>
      snapshot().active_runs.some((run) => run.work_item_id === 'task-b' && run.status === 'started'),
    )
    await rig.issue('approve_execution_capability', { approval_id: question() })
    expect(told(await ask(rig, 'task-a'))).toEqual({
      verdict: 'waiting',
      waits_for: ['turn'],
      codes: ['lane_busy', 'approval_answered'],
    })
  })

  test('whose question is gone is asked again', async () => {
    await asked()
    fs.rmSync(rig.at('approvals/pending', `${question()}.json`))
    expect(told(await ask(rig, 'task-a'))).toMatchObject({ codes: ['no_runtime', 'approval_answered'] })
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
    live = await Live.start(rig)
    const answer = await ask(rig, 'task-a')
    expect(told(answer)).toEqual({ verdict: 'waiting', waits_for: ['human'], codes: ['paused', 'queued'] })
    expect(answer.because[0]!.fact).toBe('paused by operator: release day')
    expect(answer.can).toContain('millrace control resume')
  })

  test('because of two pauses, both of which are named', async () => {
    rig = await Rig.create()
    fs.writeFileSync(
      rig.at('millrace.toml'),
      rig.read('millrace.toml').replace('[runtime]', '[runtime]\nfree_disk_floor_mib = 1000000000'),
    )
    rig.addTask('task-a')
    await rig.issue('pause', { reason: 'release day' })
    live = await Live.start(rig)
    await live.until('the disk', () => snapshot().pause_sources.length === 2)
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
    live = await Live.start(rig)
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
    live = await Live.start(rig)
    await live.agent('planner')
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

describe('a blocked task that a queued one waits for', () => {
  const LATE = '[stages.builder]\ntimeout_seconds = 1\n'
  const late = (more = ''): RigOptions => ({ config: `${LATE}[auto_recovery]\n${more}`, replies: [HANG] })

  /** The time of `task-a` runs out, or it ends as the reply says; `task-b` waits for it. The runtime stays at work. */
  async function blocked(options: RigOptions): Promise<void> {
    rig = await Rig.create(options)
    rig.shortLoop()
    rig.addTask('task-a')
    rig.addTask('task-b', { depends_on: ['task-a'] })
    live = await Live.start(rig)
    await live.until('the block', () => rig.log('work_item_blocked').length > 0)
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
    live = null
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
    live = null
    fs.rmSync(rig.at('diagnostics'), { recursive: true })
    const answer = await ask(rig, 'task-a')
    expect(told(answer)).toMatchObject({ waits_for: ['human'], codes: ['blocked', 'last_word', 'no_auto_recovery'] })
  })
})

describe('an item that lies where it should not', () => {
  test('twice', async () => {
    await atRest()
    rig.addTask('task-a')
    rig.addTask('task-a', {}, 'done')
    const answer = await ask(rig, 'task-a')
    expect(codes(answer)).toContain('duplicate')
    expect(answer.can).not.toContain('millrace queue cancel task-a')
  })

  test('among the active ones, though no run is at work on it', async () => {
    await atRest()
    rig.addTask('task-a', {}, 'active')
    expect(told(await ask(rig, 'task-a'))).toEqual({
      verdict: 'waiting',
      waits_for: ['human', 'turn'],
      codes: ['no_runtime', 'no_run'],
    })
  })

  test('as a document that nobody can read', async () => {
    await atRest()
    rig.place('tasks/queue/task-a.md', 'no fields at all')
    expect(told(await ask(rig, 'task-a'))).toEqual({ verdict: 'waiting', waits_for: ['human'], codes: ['unreadable'] })
    live = await Live.start(rig)
    await live.until('it to be set aside', () => rig.log('work_item_invalid').length === 1)
    expect(told(await ask(rig, 'task-a'))).toEqual({ verdict: 'waiting', waits_for: ['human'], codes: ['unreadable'] })
  })

  test('set aside by a person', async () => {
    await atRest()
    rig.addTask('task-a', {}, 'quarantine')
    const answer = await ask(rig, 'task-a')
    expect(told(answer)).toEqual({ verdict: 'waiting', waits_for: ['human'], codes: ['quarantined'] })
    expect(answer.can).toEqual(['millrace queue release task-a'])
  })
})

describe('an item that is over', () => {
  test('done', async () => {
    await atRest()
    rig.addTask('task-a')
    rig.replies([reply('*', null)])
    rig.outcomes({ builder: ['BUILDER_COMPLETE'], checker: ['CHECKER_PASS'], updater: ['UPDATE_COMPLETE'] })
    await rig.work()
    expect(told(await ask(rig, 'task-a'))).toEqual({ verdict: 'finished', waits_for: [], codes: ['done'] })
  })

  test('cancelled', async () => {
    await atRest()
    rig.addTask('task-a')
    await rig.issue('cancel_work_item', { work_item_id: 'task-a' })
    expect(told(await ask(rig, 'task-a'))).toEqual({ verdict: 'finished', waits_for: [], codes: ['cancelled'] })
  })

  test('blocked by its run, for the reason that its event tells', async () => {
    await busy()
    await live!.command('cancel_run', { run_id: runId(), reason: 'wrong branch' })
    await live!.until('the block', () => rig.exists('tasks/blocked/task-a.md'))
    const answer = await ask(rig, 'task-a')
    expect(told(answer)).toEqual({ verdict: 'waiting', waits_for: ['human'], codes: ['blocked'] })
    expect(answer.because[0]!.fact).toContain('wrong branch')
    expect(answer.can).toEqual(expect.arrayContaining(['millrace queue retry task-a', 'millrace queue cancel task-a']))
  })

  test('blocked by its own stages, with the last word of the one that gave up', async () => {
    await atRest({ config: '[recovery]\nmax_troubleshoot_attempts_before_consult = 1\n' })
    rig.addTask('task-a')
    const blocked = (stage: string) =>
      reply(stage, 'BLOCKED', { message: `${stage}: the build server does not answer` })
    rig.replies(['builder', 'troubleshooter', 'consultant'].map(blocked))
    await rig.work()
    const answer = await ask(rig, 'task-a')
    expect(told(answer)).toEqual({ verdict: 'waiting', waits_for: ['human'], codes: ['blocked', 'last_word'] })
    expect(answer.because[1]!.fact).toContain('consultant: the build server does not answer')
    expect(answer.can).toContain(`millrace runs tail ${rig.list('runs')[0]}`)
  })

  test('blocked, with an incident open that carries it on', async () => {
    await atRest()
    rig.addTask('task-a', {}, 'blocked')
    rig.addIncident('incident-a', { source_task_id: 'task-a' })
    expect(told(await ask(rig, 'task-a'))).toEqual({
      verdict: 'waiting',
      waits_for: ['dependency'],
      codes: ['incident_open', 'blocked'],
    })
  })
})

describe('a run', () => {
  test('that was held waits for a person', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    await rig.ticks(1)
    rig.config('[recovery]\nmax_fix_cycles = 5\n')
    fs.rmSync(rig.at('state/plans'), { recursive: true })
    live = await Live.start(rig)
    await live.until('the hold', () => snapshot().active_runs[0]?.status === 'held')
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
    rig = await Rig.create({
      config: `[runners.codex]\ncommand = ${JSON.stringify(process.execPath)}\nargs = [${JSON.stringify(AGENT)}, "exec"]\nenv = { POSE = "${pose}" }\n`,
    })
    const { stage_runner_bindings } = rig.json<{ stage_runner_bindings: Record<string, string> }>('modes/scripted.json')
    rig.mode({ stage_runner_bindings: { ...stage_runner_bindings, builder: 'codex_cli' } })
    rig.addTask('task-a')
    if (elsewhere) daemon = new Daemon(rig)
    else live = await Live.start(rig)
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
    rig = await Rig.create({ replies: [reply('builder', 'BUILDER_COMPLETE', { steps: [{ wait_ms: 600 }] })] })
    rig.addTask('task-a')
    daemon = new Daemon(rig)
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
    live = await Live.start(rig)
    await live.until('the adoption', () => rig.log('stage_adopted').length === 1)
    expect(told(await ask(rig, 'task-a'))).toMatchObject({
      verdict: 'working',
      codes: expect.arrayContaining(['adopted', 'agent_alive']),
    })
  })
})

describe('the surroundings', () => {
  /** A builder on a Codex whose provider refuses with a message. */
  async function refused(message: string, { untilMs = Date.now() + 3_600_000, limits = {} } = {}): Promise<void> {
    const agent = JSON.stringify(path.join(import.meta.dirname, '../agents/limited.mjs'))
    rig = await Rig.create()
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
    live = await Live.start(rig)
    await live.until('the wait', () => rig.log('stage_deferred').length > 0)
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
    rig = await Rig.create({
      config: `[runners.codex]\ncommand = ${JSON.stringify(process.execPath)}\nargs = [${JSON.stringify(agent)}, "exec"]\nenv = { SPEND = "120", SPEND_MS = "1" }\n[usage_governance]\nenabled = true\n[[usage_governance.runtime_token_rules.rules]]\nrule_id = "the-rule"\nwindow = "rolling_5h"\nthreshold = 100\n`,
    })
    const { stage_runner_bindings } = rig.json<{ stage_runner_bindings: Record<string, string> }>('modes/scripted.json')
    rig.mode({ stage_runner_bindings: { ...stage_runner_bindings, builder: 'codex_cli' } })
    rig.addTask('task-a')
    rig.addTask('task-b', { created_at: '2026-03-01T11:00:00Z' })
    live = await Live.start(rig)
    await live.until('the pause', () => snapshot().pause_sources.length > 0)
    const answer = await ask(rig, 'task-b')
    expect(answer.waits_for).toContain('quota')
    expect(answer.because[0]!.fact).toContain('the-rule')
    expect(answer.can).not.toContain('millrace control resume')
  })
})

describe('going round', () => {
  /** A workspace under git whose fixer does `work` each time and whose checks find fault for `findings`. */
  async function loop(
    work: (attempt: number) => Record<string, unknown>[],
    finding: (attempt: number) => string,
    fixes = 4,
  ): Promise<void> {
    rig = await Rig.create({ config: `[recovery]\nmax_fix_cycles = ${fixes}\n` })
    const git = (...args: string[]) => execFileSync('git', args, { cwd: rig.root, stdio: 'ignore' })
    fs.writeFileSync(path.join(rig.root, '.gitignore'), 'replies.json\n')
    git('init', '--quiet')
    git('-c', 'user.name=T', '-c', 'user.email=t@example.invalid', 'commit', '--allow-empty', '--quiet', '-m', 'first')
    const report = (attempt: number) => [
      { artifacts: true },
      { write: { path: '{run_dir}/fix_contract.md', text: finding(attempt) } },
    ]
    rig.replies([
      reply('builder', 'BUILDER_COMPLETE', {
        steps: [{ artifacts: true }, { write: { path: 'built.txt', text: 'built\n' } }],
      }),
      reply('checker', 'FIX_NEEDED', { steps: report(0) }),
      ...[1, 2, 3].map((attempt) =>
        reply('fixer', 'FIXER_COMPLETE', { attempt, steps: [{ artifacts: true }, ...work(attempt)] }),
      ),
      ...[1, 2].map((attempt) => reply('doublechecker', 'FIX_NEEDED', { attempt, steps: report(attempt) })),
      reply('doublechecker', null, { attempt: 3, steps: [{ hang: true }] }),
    ])
    rig.addTask('task-a')
    live = await Live.start(rig)
    await live.agent('doublechecker', 3)
  }
  const again = (text: string) => [{ write: { path: 'fixed.txt', text } }]

  test('the same way back with nothing changed in between is looping', async () => {
    await loop(
      () => [],
      () => 'The test fails.\n',
    )
    expect(told(await ask(rig, 'task-a'))).toMatchObject({
      verdict: 'looping',
      codes: expect.arrayContaining(['same_edge']),
    })
  })

  test('the same change for the same findings is looping', async () => {
    await loop(
      (attempt) => again(`tried ${attempt} times\n`),
      () => 'The test fails.\n',
    )
    expect(told(await ask(rig, 'task-a'))).toMatchObject({
      verdict: 'looping',
      codes: expect.arrayContaining(['same_work']),
    })
  })

  test('another change for the same findings is working', async () => {
    await loop(
      (attempt) => again(['one way', 'quite another', 'a third'][attempt - 1]!),
      () => 'The test fails.\n',
    )
    expect(told(await ask(rig, 'task-a'))).toMatchObject({ verdict: 'working' })
  })

  test('the same change for other findings is working', async () => {
    await loop(
      (attempt) => again(`tried ${attempt} times\n`),
      (attempt) => `Another fault: ${['x', 'y', 'z'][attempt]}.\n`,
    )
    expect(told(await ask(rig, 'task-a'))).toMatchObject({ verdict: 'working' })
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
    live = await Live.start(rig)
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
