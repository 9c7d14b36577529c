/** What wakes a runtime and what it takes in by itself, as `[watchers]` says. The polling floor is far off in all of these. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Snapshot } from '../../src/core/state.ts'
import { WATCH_ROOTS, type WatchRoot } from '../../src/core/watch-config.ts'
import { Live, pause } from '../rig/live.ts'
import { Rig } from '../rig/runtime.ts'

/** Within this time an event has woken a runtime; within the floor nothing else would. */
const SOON_MS = 8000
/** Long enough for a watcher that is there to have told of a change. */
const QUIET_MS = 1200

let rig: Rig
afterEach(() => rig.dispose())

const snapshot = () => rig.json<Snapshot>('state/runtime_snapshot.json')

/** A runtime that is idle and sleeps until something wakes it. */
async function asleep(watchers: string): Promise<Live> {
  rig = await Rig.create({ config: `[watchers]\n${watchers}\n` })
  const text = rig.read('millrace.toml').replace('idle_sleep_seconds = 0.05', 'idle_sleep_seconds = 600')
  rig.place('millrace.toml', text)
  fs.mkdirSync(path.join(rig.root, 'ideas/inbox'), { recursive: true })
  const live = await Live.start(rig)
  await live.until('idle', () => rig.log('runtime_tick_idle').length === 1)
  await pause(400) // what the start itself touched has woken it by now
  return live
}

const edit = (change: (text: string) => string) =>
  fs.writeFileSync(rig.at('millrace.toml'), change(rig.read('millrace.toml')))

/** For each root: what a person does, and the event that answers it. */
const TOUCHES: Readonly<Record<WatchRoot, { touch: () => unknown; answer: string }>> = {
  tasks_queue: { touch: () => rig.addTask('by-hand'), answer: 'work_item_claimed' },
  specs_queue: { touch: () => rig.addSpec('by-hand'), answer: 'work_item_claimed' },
  ideas_inbox: {
    touch: () => fs.writeFileSync(path.join(rig.root, 'ideas/inbox/idea.md'), '# An idea\n\nDo it.\n'),
    answer: 'idea_normalized_to_spec',
  },
  mailbox: { touch: () => rig.command('pause'), answer: 'runtime_paused' },
  config: {
    touch: () => edit((text) => `${text}\n[recovery]\nmax_fix_cycles = 7\n`),
    answer: 'runtime_config_reloaded',
  },
  stop_files: { touch: () => fs.writeFileSync(rig.at('STOP_AUTONOMY'), ''), answer: 'runtime_stopped' },
}
const ROOTS = Object.keys(WATCH_ROOTS) as WatchRoot[]

describe('a root', () => {
  test.each(ROOTS)('that is watched wakes the runtime: %s', async (root) => {
    const live = await asleep(`roots = ["${root}"]`)
    const { touch, answer } = TOUCHES[root]
    await touch()
    await live.until(answer, () => rig.log(answer).length > 0, SOON_MS)
    await live.close()
  })

  test.each(ROOTS)('that is taken out does not: %s', async (root) => {
    const live = await asleep(`roots = [${ROOTS.filter((one) => one !== root).map((one) => `"${one}"`)}]`)
    const { touch, answer } = TOUCHES[root]
    const before = snapshot().revision
    await touch()
    await pause(QUIET_MS)
    expect(rig.log(answer)).toEqual([])
    expect(snapshot().revision).toBe(before)
    await live.close()
  })

  test.each(['ideas_inbox', 'config', 'stop_files'] as const)(
    'that is taken out is not looked at either: %s',
    async (root) => {
      const live = await asleep(`roots = [${ROOTS.filter((one) => one !== root).map((one) => `"${one}"`)}]`)
      const { touch, answer } = TOUCHES[root]
      await touch()
      await pause(400)
      rig.addTask('wakes-it')
      await live.until('the task done', () => rig.list('tasks/done').length === 1)
      expect(rig.log(answer)).toEqual([])
      await live.close()
    },
  )

  test('of the mailbox or a queue that is not watched is looked at all the same', async () => {
    rig = await Rig.create({ config: '[watchers]\nenabled = false\n' })
    const live = await Live.start(rig)
    expect(snapshot().watcher_mode).toBe('off')
    rig.addTask('by-hand')
    await live.until('the task done', () => rig.list('tasks/done').length === 1)
    expect((await live.command('pause')).result).toMatchObject({ applied: true })
    await live.close()
  })

  test.each([
    ['watch_ideas_inbox = false', 'ideas_inbox'],
    ['watch_specs_queue = false', 'specs_queue'],
    ['mode = "poll"', 'tasks_queue'],
  ] as const)('is not watched with %s', async (line, root) => {
    const live = await asleep(line)
    expect(snapshot().watcher_mode).toBe(line.includes('poll') ? 'poll' : 'watch')
    await TOUCHES[root].touch()
    await pause(QUIET_MS)
    expect(rig.log(TOUCHES[root].answer)).toEqual([])
    await live.close()
  })

  test('may be taken out and put back while the runtime is at work', async () => {
    const live = await asleep('roots = ["config"]')
    rig.addTask('one')
    await pause(QUIET_MS)
    expect(rig.log('work_item_claimed')).toEqual([])
    edit((text) => text.replace('roots = ["config"]', 'roots = ["config", "tasks_queue"]'))
    await live.until('the task done', () => rig.list('tasks/done').length === 1, SOON_MS)
    await pause(400)
    rig.addTask('two')
    await live.until('the other done', () => rig.list('tasks/done').length === 2, SOON_MS)
    await live.close()
  })
})

test.each(['.hidden.md', 'idea.md~', 'idea.md.tmp', '.idea.md.swp', 'idea.md.part', 'idea.md.crdownload', 'idea.txt'])(
  'a file that is only on its way is no idea: %s',
  async (name) => {
    rig = await Rig.create()
    const inbox = path.join(rig.root, 'ideas/inbox')
    fs.mkdirSync(inbox, { recursive: true })
    const file = path.join(inbox, name)
    fs.writeFileSync(file, '# An idea\n\nDo it.\n')
    fs.utimesSync(file, new Date(0), new Date(0))
    await rig.ticks(1)
    expect(rig.log('idea_normalized_to_spec')).toEqual([])
    expect(rig.list('specs/queue')).toEqual([])
    expect(fs.existsSync(file)).toBe(true)
  },
)

describe('watchers.debounce_ms', () => {
  test('is how long an idea, a document and the config must have rested', async () => {
    rig = await Rig.create({ config: '[watchers]\ndebounce_ms = 1500\n' })
    const live = await Live.start(rig)
    await live.until('idle', () => rig.log('runtime_tick_idle').length === 1)
    const began = performance.now()
    fs.mkdirSync(path.join(rig.root, 'ideas/inbox'), { recursive: true })
    await TOUCHES.ideas_inbox.touch()
    await TOUCHES.config.touch()
    await live.until('the idea', () => rig.log('idea_normalized_to_spec').length === 1)
    const idea = performance.now() - began
    await live.until('the config', () => rig.log('runtime_config_reloaded').length === 1)
    const config = performance.now() - began
    expect(Math.min(idea, config)).toBeGreaterThan(1300)
    const dropped = performance.now()
    rig.addTask('by-hand')
    const file = rig.at('tasks/queue/by-hand.md')
    fs.utimesSync(file, new Date(), new Date())
    await live.until('the task', () => rig.log('work_item_claimed').some((one) => one.work_item_id === 'by-hand'))
    expect(performance.now() - dropped).toBeGreaterThan(1300)
    await live.close()
  })
})

test('a file that seems to be of the next moment is waited for like one of this moment, and one of next year is taken', async () => {
  rig = await Rig.create({ config: '[watchers]\ndebounce_ms = 2000\n' })
  const live = await Live.start(rig)
  const inbox = path.join(rig.root, 'ideas/inbox')
  fs.mkdirSync(inbox, { recursive: true })
  const dated = (file: string, text: string, ms: number) => {
    fs.writeFileSync(`${file}.part`, text)
    fs.utimesSync(`${file}.part`, new Date(Date.now() + ms), new Date(Date.now() + ms))
    fs.renameSync(`${file}.part`, file)
  }
  dated(path.join(inbox, 'soon.md'), '# Soon\n', 1000)
  dated(path.join(inbox, 'far.md'), '# Far\n', 365 * 24 * 3_600_000)
  dated(rig.at('millrace.toml'), `${rig.read('millrace.toml')}\n[recovery]\nmax_fix_cycles = 7\n`, 1000)
  await live.until('the far one', () => rig.log('idea_normalized_to_spec').length === 1)
  expect(rig.log('idea_normalized_to_spec')).toMatchObject([{ idea_path: 'ideas/inbox/far.md' }])
  await pause(500)
  expect(rig.log('idea_normalized_to_spec')).toHaveLength(1)
  expect(rig.log('runtime_config_reloaded')).toEqual([])
  await live.until('the other', () => rig.log('idea_normalized_to_spec').length === 2)
  await live.until('the config', () => rig.log('runtime_config_reloaded').length === 1)
  await live.close()
})

describe('a changed millrace.toml', () => {
  test('is in force without any command, each key from its own boundary on', async () => {
    rig = await Rig.create()
    rig.replies([
      {
        stage: 'builder',
        item: 'task-a',
        steps: [{ artifacts: true }, { wait_ms: 2500 }],
        outcome: 'BUILDER_COMPLETE',
      },
    ])
    rig.addTask('task-a')
    const live = await Live.start(rig)
    await live.agent('builder')
    const plan = snapshot().compiled_plan_id
    edit((text) =>
      text
        .replace('idle_sleep_seconds = 0.05', 'idle_sleep_seconds = 0.3\non_restart = "kill"')
        .concat('\n[stages.checker]\ntimeout_seconds = 77\n'),
    )
    await live.until('the reload', () => rig.log('runtime_config_reloaded').length === 1)
    // At once: the polling floor. With the next claim: the time limit. From the next start on: what is done with agents.
    await live.until('the new floor', () => live.engine.config.runtime.idle_sleep_seconds === 0.3)
    expect(snapshot().pending_restart).toEqual(['runtime.on_restart'])
    expect(rig.log('runtime_config_reloaded')).toMatchObject([{ pending_restart: ['runtime.on_restart'] }])
    expect(snapshot().compiled_plan_id).not.toBe(plan)
    rig.addTask('task-b', { created_at: '2026-03-02T10:00:00Z' })
    await live.until('both done', () => rig.list('tasks/done').length === 2, 20_000)
    expect(rig.requests('checker').map((request) => request.timeout_seconds)).toEqual([3600, 77])
    await live.close()
    await rig.ticks(1)
    expect(snapshot().pending_restart).toBeUndefined()
  })

  test('that comes to the same is no news, and one that does not read is told of once and changes nothing', async () => {
    rig = await Rig.create()
    const live = await Live.start(rig)
    const before = snapshot()
    edit((text) => `# A comment.\n${text}`)
    await pause(700)
    expect(rig.log('runtime_config_reloaded')).toEqual([])
    edit((text) => `${text}\n[recovery]\nmax_fix_cycels = 3\n`)
    await live.until('the refusal', () => rig.log('runtime_config_reload_failed').length === 1)
    await pause(700)
    expect(rig.log('runtime_config_reload_failed')).toHaveLength(1)
    expect(snapshot()).toMatchObject({
      compiled_plan_id: before.compiled_plan_id,
      config_version: before.config_version,
      last_reload_error: expect.stringContaining('did you mean recovery.max_fix_cycles?'),
    })
    edit((text) => text.replace('max_fix_cycels', 'max_fix_cycles'))
    await live.until('the mended one', () => rig.log('runtime_config_reloaded').length === 1)
    expect(snapshot().last_reload_error).toBeNull()
    await live.close()
  })

  test('that is gone for a moment, as while an editor saves it, leaves all as it is', async () => {
    rig = await Rig.create()
    const live = await Live.start(rig)
    const { config_version } = snapshot()
    fs.renameSync(rig.at('millrace.toml'), rig.at('millrace.toml.swp'))
    await pause(700)
    expect(snapshot().config_version).toBe(config_version)
    fs.renameSync(rig.at('millrace.toml.swp'), rig.at('millrace.toml'))
    await pause(700)
    expect(rig.log('runtime_config_reloaded')).toEqual([])
    expect(rig.log('runtime_config_reload_failed')).toEqual([])
    await live.close()
  })
})

describe('setting a key for a running runtime', () => {
  test('that only a start takes in is refused, and the file stays as it is', async () => {
    rig = await Rig.create()
    const live = await Live.start(rig)
    const before = rig.read('millrace.toml')
    for (const key of ['runtime.on_restart', 'recovery.stale_state_recovery_enabled']) {
      const answer = await live.command('set_config', { key, value: key.includes('on_restart') ? 'kill' : 'false' })
      expect(answer).toMatchObject({ disposition: 'failed', result: { code: 'restart_needed' } })
    }
    expect(rig.read('millrace.toml')).toBe(before)
    await live.close()
    expect(await rig.issue('set_config', { key: 'runtime.on_restart', value: 'kill' })).toMatchObject({ applied: true })
  })
})
