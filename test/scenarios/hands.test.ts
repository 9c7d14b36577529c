/** Other people's hands (design §5): what a person does to the folders while the runtime works. Nothing of theirs is lost. */
import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { newDocument, renderDocument } from '../../src/core/document.ts'
import type { Snapshot } from '../../src/core/state.ts'
import { carriersOf } from '../../src/runners/process.ts'
import { disk } from '../../src/store/files.ts'
import { Live, pause } from '../rig/live.ts'
import { type Reply, Rig, task } from '../rig/runtime.ts'

let rig: Rig
let outside: string | null = null
afterEach(() => {
  rig?.dispose()
  if (outside) fs.rmSync(outside, { recursive: true, force: true })
  outside = null
})

const LONG: Reply = { stage: 'builder', item: 'task-a', steps: [{ wait_ms: 60_000 }], outcome: 'BLOCKED' }
const text = (id: string, fields: Record<string, unknown> = {}) =>
  renderDocument(newDocument('task', { ...task(id), ...fields }))
const at = (...parts: string[]) => rig.at('tasks', ...parts)
const done = () => rig.list('tasks/done')
const snapshot = () => rig.json<Snapshot>('state/runtime_snapshot.json')

/** A live runtime whose builder works on `task-a` until it is ended. */
async function building(replies = [LONG]): Promise<{ live: Live; requestId: string }> {
  rig = await Rig.create({ replies })
  rig.addTask('task-a')
  const live = await Live.start(rig)
  return { live, requestId: await live.agent('builder') }
}

describe('a person', () => {
  test('edits a queued item: what is claimed is what they wrote', async () => {
    const { live } = await building()
    rig.addTask('task-b', { created_at: '2026-03-02T10:00:00Z' })
    await live.command('pause')
    const edited = text('task-b', { title: 'Edited by hand', created_at: '2026-03-02T10:00:00Z' })
    fs.writeFileSync(at('queue/task-b.md'), edited)
    rig.replies([])
    await live.command('retry_active')
    await live.command('resume')
    await live.until('both done', () => done().length === 2)
    expect(rig.read('tasks/done/task-b.md')).toBe(edited)
    await live.close()
  })

  test('edits a queued item so that it has to wait: it is not claimed', async () => {
    const { live } = await building()
    rig.addTask('task-b', { created_at: '2026-03-02T10:00:00Z' })
    await pause(50)
    fs.writeFileSync(
      at('queue/task-b.md'),
      text('task-b', { created_at: '2026-03-02T10:00:00Z', depends_on: ['task-none'] }),
    )
    rig.replies([])
    await live.command('cancel_run', { run_id: snapshot().active_runs[0]!.run_id })
    await live.until('the finding', () => rig.log('dependency_unsatisfiable').length === 1)
    expect(rig.log('work_item_claimed').map((data) => data.work_item_id)).toEqual(['task-a'])
    await live.close()
  })

  test('edits the active item: the agent goes on, and their text is what ends in done', async () => {
    rig = await Rig.create({
      replies: [{ stage: 'builder', steps: [{ artifacts: true }, { wait_ms: 300 }], outcome: 'BUILDER_COMPLETE' }],
    })
    rig.addTask('task-a')
    const live = await Live.start(rig)
    await live.agent('builder')
    const edited = text('task-a', { title: 'Edited by hand' })
    fs.writeFileSync(at('active/task-a.md'), edited)
    await live.until('done', () => done().length === 1)
    expect(rig.read('tasks/done/task-a.md')).toBe(edited)
    expect(rig.log('stage_started').map((data) => data.stage)).toEqual(['builder', 'checker', 'updater'])
    await live.close()
  })

  test('saves the active item with an editor that takes it away for a moment: the agent goes on', async () => {
    const { live, requestId } = await building()
    fs.renameSync(at('active/task-a.md'), at('active/task-a.md~'))
    await pause(80)
    fs.writeFileSync(at('active/task-a.md'), text('task-a', { title: 'Saved' }))
    await pause(400)
    expect(rig.logTypes()).not.toContain('run_withdrawn')
    expect(carriersOf(requestId)).not.toEqual([])
    await live.close()
  })

  test('breaks the active item: the stage is told so, and their bytes stay', async () => {
    rig = await Rig.create({
      replies: [
        { stage: 'builder', steps: [{ artifacts: true }, { wait_ms: 300 }], outcome: 'BUILDER_COMPLETE' },
        { ...LONG, stage: 'troubleshooter' },
      ],
    })
    rig.addTask('task-a')
    const live = await Live.start(rig)
    await live.agent('builder')
    fs.writeFileSync(at('active/task-a.md'), 'just a note\n')
    await live.agent('troubleshooter')
    expect(rig.log('router_decision')).toMatchObject([{ failure_class: 'document_invalid' }])
    expect(rig.read('tasks/active/task-a.md')).toBe('just a note\n')
    await live.close()
  })

  test('copies the active item into the queue: it is worked once, and a finding names both places', async () => {
    const { live } = await building()
    fs.copyFileSync(at('active/task-a.md'), at('queue/task-a.md'))
    await live.until('the finding', () => rig.log('work_item_duplicate').length === 1)
    expect(rig.log('work_item_duplicate')[0]).toMatchObject({ work_item_id: 'task-a', states: ['queued', 'active'] })
    expect(rig.log('work_item_claimed')).toHaveLength(1)
    await live.close()
    rig.replies([])
    await rig.work()
    expect([rig.list('tasks/queue'), done()]).toEqual([['task-a.md'], ['task-a.md']])
    expect(rig.log('work_item_claimed')).toHaveLength(1)
  })

  test('copies a queued item: neither copy is claimed until one is gone', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    rig.addTask('task-a', {}, 'blocked')
    const live = await Live.start(rig)
    await live.until('the finding', () => rig.log('work_item_duplicate').length === 1)
    expect(rig.log('work_item_claimed')).toEqual([])
    fs.rmSync(at('blocked/task-a.md'))
    await live.until('done', () => done().length === 1)
    await live.close()
  })

  test('leaves items both queued and active without a run: none is touched, each is told once, and the runtime comes to rest', async () => {
    rig = await Rig.create()
    for (const name of ['task-a', 'task-b']) for (const state of ['queue', 'active']) rig.addTask(name, {}, state)
    expect(await rig.work()).toMatchObject({ exit_reason: 'idle' })
    await rig.work()
    const states = ['queued', 'active']
    expect(rig.log('work_item_duplicate')).toMatchObject([
      { work_item_id: 'task-a', states },
      { work_item_id: 'task-b', states },
    ])
    for (const state of ['queue', 'active']) expect(rig.list('tasks', state)).toEqual(['task-a.md', 'task-b.md'])
    expect(rig.log('work_item_claimed')).toEqual([])
  })

  test('moves the active item away: the agent is ended, the run withdrawn, the item stays where they put it', async () => {
    const { live, requestId } = await building()
    rig.addTask('task-b', { created_at: '2026-03-02T10:00:00Z' })
    const bytes = rig.read('tasks/active/task-a.md')
    fs.renameSync(at('active/task-a.md'), at('blocked/task-a.md'))
    await live.until('withdrawn', () => rig.log('run_withdrawn').length === 1)
    expect(carriersOf(requestId)).toEqual([])
    expect(rig.log('run_withdrawn')[0]).toMatchObject({ work_item_kind: 'task', work_item_id: 'task-a' })
    await live.until('task-b done', () => done().length === 1)
    expect(rig.read('tasks/blocked/task-a.md')).toBe(bytes)
    expect(rig.exists('runs', String(rig.log('run_withdrawn')[0]!.run_id), `runner_completion.${requestId}.json`)).toBe(
      true,
    )
    await live.close()
  })

  test('moves the active item away from an agent that is slow to end: nothing else starts before it has', async () => {
    const stubborn = { ...LONG, steps: [{ run: { command: 'trap "" TERM; while :; do sleep 0.05; done' } }] }
    const { live, requestId } = await building([stubborn])
    rig.addTask('task-b', { created_at: '2026-03-02T10:00:00Z' })
    fs.renameSync(at('active/task-a.md'), at('blocked/task-a.md'))
    let overlapped = false
    live.engine.listen((change) => {
      if (change.change === 'event.append' && change.event_type === 'work_item_claimed')
        overlapped ||= carriersOf(requestId).length > 0
    })
    await live.until('task-b claimed', () => rig.log('work_item_claimed').length === 2)
    expect(overlapped).toBe(false)
    await live.close()
  })

  test('moves the active item away and back: it is worked afresh, by one agent at a time', async () => {
    const { live, requestId } = await building()
    rig.replies([])
    fs.renameSync(at('active/task-a.md'), at('held.md'))
    await live.until('withdrawn', () => rig.log('run_withdrawn').length === 1)
    fs.renameSync(at('held.md'), at('active/task-a.md'))
    await live.until('done', () => done().length === 1)
    expect(carriersOf(requestId)).toEqual([])
    expect(rig.log('work_item_requeued')).toMatchObject([{ work_item_id: 'task-a', reason: 'no run owns it' }])
    expect(new Set(rig.requests('builder').map((request) => request.run_id)).size).toBe(2)
    await live.close()
  })

  test('deletes the active item: the run is withdrawn and the file does not come back', async () => {
    const { live, requestId } = await building()
    fs.rmSync(at('active/task-a.md'))
    await live.until('withdrawn', () => rig.log('run_withdrawn').length === 1)
    expect(carriersOf(requestId)).toEqual([])
    for (const state of ['queue', 'active', 'done', 'blocked']) expect(rig.list('tasks', state)).toEqual([])
    await live.close()
  })

  test('deletes a queued item: it is not worked, and what waits for it is told', async () => {
    const { live } = await building()
    rig.addTask('task-b')
    rig.addTask('task-c', { depends_on: ['task-b'] })
    await pause(50)
    fs.rmSync(at('queue/task-b.md'))
    await live.command('cancel_run', { run_id: snapshot().active_runs[0]!.run_id })
    await live.until('the finding', () => rig.log('dependency_unsatisfiable').length === 1)
    expect(rig.log('dependency_unsatisfiable')[0]).toMatchObject({
      work_item_id: 'task-c',
      dependencies: { 'task-b': 'unknown' },
    })
    await live.close()
  })

  test('writes a new item slowly: it is neither claimed nor called malformed before it is whole', async () => {
    rig = await Rig.create()
    const live = await Live.start(rig)
    const whole = `${text('task-slow')}\n## Notes\n\nThe end of it.\n`
    const pieces = [
      whole.slice(0, 40),
      whole.slice(40, whole.indexOf('## Notes')),
      whole.slice(whole.indexOf('## Notes')),
    ]
    for (const piece of pieces) {
      fs.appendFileSync(at('queue/task-slow.md'), piece)
      expect(rig.log('work_item_claimed')).toEqual([])
      await pause(120)
    }
    await live.until('done', () => done().length === 1)
    expect(rig.read('tasks/done/task-slow.md')).toBe(whole)
    expect(rig.logTypes()).not.toContain('work_item_invalid')
    await live.close()
  })

  test('writes a command slowly: it is carried out once it is whole', async () => {
    rig = await Rig.create()
    const live = await Live.start(rig)
    const command = JSON.stringify({
      kind: 'mailbox_command',
      command: 'pause',
      command_id: 'by-hand',
      issuer: 'me',
      payload: {},
    })
    fs.writeFileSync(rig.at('state/mailbox/incoming/by-hand.json'), command.slice(0, 30))
    await pause(200)
    fs.writeFileSync(rig.at('state/mailbox/incoming/by-hand.json'), command)
    await live.until('carried out', () => rig.list('state/mailbox/processed').length === 1)
    expect(rig.list('state/mailbox/failed')).toEqual([])
    expect(snapshot().pause_sources).toMatchObject([{ source: 'operator' }])
    await live.close()
  })

  test('drops a malformed item: after a rest it is set aside, whole, with what is wrong and where', async () => {
    rig = await Rig.create()
    const live = await Live.start(rig)
    const broken = text('task-broken').replace('Created-At: 2026-03-01T10:00:00Z', 'Created-At: yesterday')
    fs.writeFileSync(at('queue/task-broken.md'), broken)
    await pause(1000)
    expect(rig.list('tasks/queue')).toEqual(['task-broken.md'])
    await live.until('set aside', () => rig.log('work_item_invalid').length === 1)
    expect(rig.read('tasks/queue/task-broken.md.invalid')).toBe(broken)
    expect(rig.json('tasks/queue/task-broken.md.invalid.findings.json').findings).toEqual([
      expect.stringMatching(/^line \d+: .*Created-At|^line \d+: .*created_at/i),
    ])
    await live.close()
  })
})

describe('documents of every kind', () => {
  const accepted: [string, string | Buffer][] = [
    ['CRLF line ends', text('task-x').replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${text('task-x')}`],
  ]
  test.each(accepted)('%s are read, and not a byte is changed', async (_, bytes) => {
    rig = await Rig.create()
    rig.place('tasks/queue/task-x.md', bytes)
    await rig.work()
    expect(fs.readFileSync(at('done/task-x.md')).equals(Buffer.from(bytes as string))).toBe(true)
  })

  const refused: [string, string | Buffer][] = [
    ['more than a megabyte', `${text('task-x')}\n${'x'.repeat(10 * 1024 * 1024)}`],
    ['binary bytes', Buffer.from([0, 1, 2, 255, 254, 0, 137, 80, 78, 71])],
    ['text that is not UTF-8', Buffer.from(text('task-x').replace('Task task-x', 'T\u00e2che'), 'latin1')],
    ['an id that leads out of the folder', text('task-x').replace('Task-ID: task-x', 'Task-ID: ../task-x')],
    ['nothing at all', ''],
    ['only blanks', ' \n\n'],
  ]
  test.each(refused)('%s are set aside byte for byte, and other work goes on', async (_, bytes) => {
    rig = await Rig.create()
    rig.place('tasks/queue/task-x.md', bytes)
    rig.addTask('task-b')
    await rig.work()
    expect(done()).toEqual(['task-b.md'])
    expect(fs.readFileSync(at('queue/task-x.md.invalid')).equals(Buffer.from(bytes as string))).toBe(true)
    expect(rig.log('work_item_invalid')).toMatchObject([{ file: 'task-x.md', work_item_kind: 'task', state: 'queued' }])
    expect(rig.json('tasks/queue/task-x.md.invalid.findings.json').findings).not.toEqual([])
  })

  test('a file whose name is no safe id is set aside, and its id goes nowhere', async () => {
    rig = await Rig.create()
    rig.place('tasks/queue/..task x.md', text('task-x'))
    rig.addTask('task-b')
    await rig.work()
    expect(done()).toEqual(['task-b.md'])
    expect(rig.log('work_item_claimed').map((data) => data.work_item_id)).toEqual(['task-b'])
    expect([...rig.list('tasks/queue')].some((name) => name.startsWith('..task x.md'))).toBe(true)
  })

  test.each([
    ['a task outside', (folder: string) => path.join(folder, 'task-x.md')],
    ['a folder', (folder: string) => folder],
    ['nowhere', (folder: string) => path.join(folder, 'none')],
  ])('a link to %s is never followed; what it leads to stays as it is', async (_, target) => {
    outside = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-outside-'))
    const secret = path.join(outside, 'task-x.md')
    fs.writeFileSync(secret, text('task-x'))
    rig = await Rig.create()
    fs.symlinkSync(target(outside), at('queue/task-x.md'))
    fs.lutimesSync(at('queue/task-x.md'), new Date(Date.now() - 60_000), new Date(Date.now() - 60_000))
    rig.addTask('task-b')
    await rig.work()
    expect(done()).toEqual(['task-b.md'])
    expect(fs.readdirSync(outside)).toEqual(['task-x.md'])
    expect(fs.readFileSync(secret, 'utf8')).toBe(text('task-x'))
    expect(rig.log('work_item_invalid')).toMatchObject([
      { file: 'task-x.md', findings: [expect.stringContaining('symbolic link')] },
    ])
    const links = rig.list('tasks/queue').filter((name) => fs.lstatSync(at('queue', name)).isSymbolicLink())
    expect(links).toHaveLength(1)
  })

  test.each([
    ['larger than memory can take', 'is larger than'],
    ['that the runtime may not read', 'cannot be read: EACCES'],
  ])('a file %s is told, and left alone', async (name, finding) => {
    rig = await Rig.create()
    rig.place('tasks/queue/task-x.md', 'x')
    const file = at('queue/task-x.md')
    const past = new Date(Date.now() - 60_000)
    if (name.startsWith('larger')) fs.truncateSync(file, 3 * 2 ** 30)
    else {
      const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' })
      const read = (path: string) => {
        if (path === file) throw denied
        return disk.read(path)
      }
      rig.options.files = { ...disk, read }
    }
    fs.utimesSync(file, past, past)
    rig.addTask('task-b')
    await rig.work()
    expect(done()).toEqual(['task-b.md'])
    expect(rig.log('work_item_invalid')).toMatchObject([
      { file: 'task-x.md', findings: [expect.stringContaining(finding)] },
    ])
    expect(rig.list('tasks/queue')).toEqual(['task-x.md'])
  })

  test('a folder named like a document is told, and left alone', async () => {
    rig = await Rig.create()
    rig.place('tasks/queue/task-x.md/inside.txt', 'kept')
    const past = new Date(Date.now() - 60_000)
    fs.utimesSync(at('queue/task-x.md'), past, past)
    rig.addTask('task-b')
    await rig.work()
    expect(done()).toEqual(['task-b.md'])
    expect(rig.log('work_item_invalid')).toMatchObject([{ file: 'task-x.md', findings: ['is not a plain file'] }])
    expect(rig.read('tasks/queue/task-x.md/inside.txt')).toBe('kept')
  })
})

describe('a place that is taken', () => {
  test('a run is started over though a person put another document into the queue: its item is blocked, theirs stays', async () => {
    const { live } = await building()
    rig.replies([])
    rig.addTask('task-a', { title: 'Another one' })
    const theirs = rig.read('tasks/queue/task-a.md')
    await live.command('retry_active')
    await live.until('the run ended', () => snapshot().active_runs.length === 0)
    expect(rig.log('runtime_completion_conflict')).toMatchObject([{ taken: 'queued', moved_to: 'blocked' }])
    expect(rig.log('run_cancelled')).toHaveLength(1)
    expect([rig.list('tasks/blocked'), rig.list('tasks/queue')]).toEqual([['task-a.md'], ['task-a.md']])
    expect(rig.read('tasks/queue/task-a.md')).toBe(theirs)
    await live.close()
  })

  test('a run whose item can go nowhere is held, and ends once a person has made room', async () => {
    const { live } = await building()
    fs.mkdirSync(rig.at('tasks/blocked/task-a.md'))
    const [run] = snapshot().active_runs
    await live.command('cancel_run', { run_id: run!.run_id })
    await live.until('the run is held', () => snapshot().active_runs[0]?.status === 'held')
    expect(snapshot().active_runs[0]!.held!.reason).toContain('tasks/blocked/task-a.md')
    fs.rmdirSync(rig.at('tasks/blocked/task-a.md'))
    await live.until('the run ended', () => snapshot().active_runs.length === 0)
    expect([rig.list('tasks/active'), rig.list('tasks/blocked')]).toEqual([[], ['task-a.md']])
    await live.close()
  })

  test('a cancelled run leaves the same document in the blocked folder as it is', async () => {
    const { live } = await building()
    const text = rig.read('tasks/active/task-a.md')
    rig.place('tasks/blocked/task-a.md', text)
    const [run] = snapshot().active_runs
    await live.command('cancel_run', { run_id: run!.run_id })
    await live.until('the run ended', () => snapshot().active_runs.length === 0)
    expect([rig.list('tasks/active'), rig.read('tasks/blocked/task-a.md')]).toEqual([[], text])
    await live.close()
  })
})

describe('files of the runtime', () => {
  test('a status file that a person wrote into is kept beside before it is replaced', async () => {
    const { live } = await building()
    fs.writeFileSync(rig.at('state/execution_status.md'), 'my own words\n')
    rig.replies([])
    await live.command('retry_active')
    await live.until('done', () => done().length === 1)
    const [kept] = rig.log('foreign_edit_kept')
    expect(kept).toMatchObject({ path: 'state/execution_status.md' })
    expect(rig.read(String(kept!.kept_as))).toBe('my own words\n')
    expect(rig.read('state/execution_status.md')).toBe('### IDLE\n')
    await live.close()
  })

  test('a person who keeps writing into the files of the runtime does not bring it down', async () => {
    rig = await Rig.create()
    for (const name of ['a', 'b', 'c']) rig.addTask(`task-${name}`)
    const busy = `while :; do for f in execution_status.md planning_status.md; do echo mine > ${rig.at('state')}/$f; done; sleep 0.005; done`
    const person = spawn('/bin/sh', ['-c', busy], { stdio: 'ignore' })
    try {
      await rig.work()
    } finally {
      person.kill('SIGKILL')
    }
    expect(done()).toEqual(['task-a.md', 'task-b.md', 'task-c.md'])
    expect(rig.list('state').some((name) => name.startsWith('execution_status.md.conflict-'))).toBe(true)
  })

  test('a snapshot that a person wrote into is kept beside, and the runtime goes on from its own', async () => {
    const { live } = await building()
    fs.writeFileSync(rig.at('state/runtime_snapshot.json'), '{"mine": true}')
    rig.replies([])
    await live.command('retry_active')
    await live.until('done', () => done().length === 1)
    const [kept] = rig.log('foreign_edit_kept')
    expect(rig.read(String(kept!.kept_as))).toBe('{"mine": true}')
    expect(snapshot().active_runs).toEqual([])
    await live.close()
  })

  test('a log that a person wrote into keeps their lines, and goes on behind them', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    await rig.ticks(1)
    fs.appendFileSync(rig.at('logs/runtime_events.jsonl'), 'my own note\n')
    await rig.work()
    const lines = rig.read('logs/runtime_events.jsonl').trimEnd().split('\n')
    const own = lines.findIndex((line) => line.includes('my own note'))
    expect(lines[own]).toBe('my own note')
    for (const line of lines.toSpliced(own, 1)) expect(JSON.parse(line)).toMatchObject({ kind: 'runtime_event' })
    expect(done()).toEqual(['task-a.md'])
  })

  test('folders that a person removed come back when they are needed', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    for (const folder of ['tasks/done', 'tasks/active', 'runs', 'logs']) fs.rmSync(rig.at(folder), { recursive: true })
    await rig.work()
    expect(done()).toEqual(['task-a.md'])
  })
})
