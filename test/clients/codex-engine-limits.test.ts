/** What the built Millrace makes of a provider that refuses a real Codex for a time, and of the sessions Codex keeps. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { codexScenes } from './codex-engine.ts'
import { CODEX, resolveClient } from './install.ts'
import { building, type Scene } from './scene.ts'
import { contextLine, type Script, type Turn } from './script.ts'

const codex = await resolveClient(CODEX)
const openScene = codexScenes(codex)
const WORK = { timeout: 30_000 }

const usedUpUntil = (resetsAtMs: number): Turn => ({
  turn: 'http_error',
  status: 429,
  body: {
    error: { type: 'usage_limit_reached', message: 'limit', plan_type: 'pro', resets_at: Math.ceil(resetsAtMs / 1000) },
  },
})

/** A builder that has begun when it is refused, for so long; every other stage waits for an answer. */
function refusedFor(ms: number): { script: Script; endsMs: () => number } {
  let endsMs = 0
  const script: Script = (prompt) => {
    if (contextLine(prompt, 'Stage Kind ID') !== 'builder') return [{ turn: 'hang' }]
    endsMs ||= Date.now() + ms
    if (Date.now() >= endsMs) return building(prompt)
    return [{ turn: 'shell', command: 'echo half >half.txt', say: 'I began with half of it.' }, usedUpUntil(endsMs)]
  }
  return { script, endsMs: () => endsMs }
}

async function inGit(script: Script): Promise<Scene> {
  const scene = await (await openScene(script)).withTask()
  const git = (...args: string[]) => execFileSync('git', args, { cwd: scene.workspace.root, stdio: 'ignore' })
  git('init', '--quiet')
  git('-c', 'user.name=T', '-c', 'user.email=t@example.invalid', 'commit', '--allow-empty', '--quiet', '-m', 'first')
  return scene
}

const promptsOf = ({ server }: Scene): string[] => [
  ...new Set(server.log.filter((entry) => entry.stage === 'builder').map((entry) => entry.request.promptText)),
]

describe.skipIf(!codex.available)(`a limit of the provider of ${codex.title}`, () => {
  test('that ends in 90 s is waited for, through a restart of the daemon; the same session goes on, no budget used', async () => {
    const { script, endsMs } = refusedFor(90_000)
    const scene = await inGit(script)
    const { workspace } = scene
    const run = () => workspace.snapshot().active_runs[0]
    const first = workspace.start('run', 'daemon')
    await expect.poll(() => run()?.environment_failures, WORK).toBe(1)
    const nextTry = String(run()?.not_before)
    expect(Date.parse(nextTry)).toBeGreaterThan(endsMs())
    expect(Date.parse(nextTry), 'Codex tells the time to the minute').toBeLessThan(endsMs() + 66_000)
    first.signal('SIGKILL')
    await first.ended
    // A command of the rig may not take longer than 90 s: what is left of the wait has to fit.
    await sleep(Math.max(0, Date.parse(nextTry) - Date.now() - 40_000))

    const second = workspace.start('run', 'daemon')
    await expect.poll(async () => (await workspace.status()).process_running, WORK).toBe(true)
    expect(await workspace.status()).toMatchObject({
      activity: 'waiting',
      activity_reason: expect.stringMatching(`codex_cli refuses work: quota .*usage limit.*; next try at ${nextTry}`),
      runner_waits: [{ runner_name: 'codex_cli', cause: 'quota', until: nextTry }],
    })
    const results = () => workspace.stageRuns()[1]?.results
    await expect.poll(results, { timeout: 80_000 }).toMatchObject([{ terminal_result: 'BUILDER_COMPLETE' }])
    expect((await workspace.run('control', 'stop')).code).toBe(0)
    await second.ended

    const [attempt, again] = workspace.stageRuns()
    expect(again?.sessionInLog).toBe(attempt?.sessionInLog)
    expect(again?.request.resume_session?.session_id).toBe(attempt?.sessionInLog)
    expect(again?.prompt).toMatch(/^Go on with stage builder where you left off/)
    expect(again?.invocation?.command.slice(-3)).toEqual(['resume', attempt?.sessionInLog, '-'])
    const starts = workspace.events('stage_started').map((event) => Date.parse(event.occurred_at))
    expect(starts[1]).toBeGreaterThanOrEqual(Date.parse(nextTry))
    expect(workspace.events('stage_interrupted').filter(({ data }) => data.node_id === 'builder')).toEqual([])
    expect(workspace.counters()).toEqual([])
  }, 240_000)

  test('after which somebody has edited the tree: a fresh session, told what was done', async () => {
    const { script } = refusedFor(1500)
    const scene = await inGit(script)
    const { workspace } = scene
    expect((await workspace.run('run', 'once')).code).toBe(1)
    writeFileSync(join(workspace.root, 'by-hand.txt'), 'edited\n')
    expect((await workspace.run('resume')).code).toBe(0)
    await sleep(1500)
    expect((await workspace.run('run', 'once')).code).toBe(0)
    const [attempt, again] = workspace.stageRuns()
    expect(again?.results).toMatchObject([{ terminal_result: 'BUILDER_COMPLETE' }])
    expect(again?.sessionInLog).not.toBe(attempt?.sessionInLog)
    expect(promptsOf(scene)[1]).toMatch(/- said: I began with half of it\.\n- did: command_execution .*half\.txt/)
  })

  test('whose session is gone: a fresh one at once, with no budget used', async () => {
    const { script } = refusedFor(1500)
    const scene = await inGit(script)
    const { workspace, folder } = scene
    expect((await workspace.run('run', 'once')).code).toBe(1)
    execFileSync('find', [folder, '-name', 'rollout-*', '-delete'])
    execFileSync('find', [folder, '-name', '*.sqlite*', '-delete'])
    expect((await workspace.run('resume')).code).toBe(0)
    await sleep(1500)
    expect((await workspace.run('run', 'once')).code).toBe(0)
    const [attempt, gone, again] = workspace.stageRuns()
    expect(gone?.results).toMatchObject([{ metadata: { failure_class: 'session_gone' } }])
    expect(gone?.request.resume_session?.session_id).toBe(attempt?.sessionInLog)
    expect(again?.results).toMatchObject([{ terminal_result: 'BUILDER_COMPLETE' }])
    expect(workspace.counters()).toEqual([])
  })

  test('a stage whose option it does not know is deferred as a wrong version', async () => {
    const scene = await openScene({ builder: [] }, { settings: { 'runners.codex.args': '["exec","--unheard-of"]' } })
    await scene.withTask()
    expect((await scene.workspace.run('run', 'once')).code).toBe(1)
    expect(scene.workspace.stageRuns()[0]?.results).toMatchObject([
      { metadata: { failure_class: 'environment_wrong_version' } },
    ])
    expect(scene.workspace.counters()).toEqual([])
  })
})
