/** Items that are no longer in their queue: what `why` says of them (see scene.ts). */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { until } from '../rig/live.ts'
import { reply } from '../rig/runtime.ts'
import { ask } from './ask.ts'
import { atRest, busy, codes, goLive, live, newRig, rig, runId, snapshot, told } from './scene.ts'

describe('an item whose next stage a person is asked about', () => {
  const NEEDING = '[stages.checker]\nrequired_capabilities = ["git.mutate"]\n'
  const question = () => rig.list('approvals/pending')[0]!.replace(/\.json$/, '')

  /** `task-a` waits at its checker; whoever works next is not asked. */
  async function asked(): Promise<void> {
    await newRig({
      config: NEEDING,
      replies: [reply('builder', null, { item: 'task-b', steps: [{ hang: true }] })],
    })
    rig.addTask('task-a')
    await rig.work()
  }

  test('waits for the answer, and says how to give it', async () => {
    await asked()
    await goLive()
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
    await goLive()
    await until('its builder', () =>
      snapshot().active_runs.some((run) => run.work_item_id === 'task-b' && run.status === 'started'),
    )
    expect(told(await ask(rig, 'task-a')).waits_for).toEqual(['approval'])
    expect((await ask(rig, 'execution')).verdict).toBe('working')
  })

  test('that was answered waits for its lane, and says who has it', async () => {
    await asked()
    rig.addTask('task-b')
    await goLive()
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
    await (await goLive()).until('it to be set aside', () => rig.log('work_item_invalid').length === 1)
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

describe('going round', () => {
  /** A workspace under git whose fixer does `work` each time and whose checks find fault for `findings`. */
  async function loop(
    work: (attempt: number) => Record<string, unknown>[],
    finding: (attempt: number) => string,
    fixes = 4,
  ): Promise<void> {
    await newRig({ config: `[recovery]\nmax_fix_cycles = ${fixes}\n` })
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
    await (await goLive()).agent('doublechecker', 3)
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
