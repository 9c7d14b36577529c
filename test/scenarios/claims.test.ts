/** Ticks, claims and ideas: what is taken next, what is set aside, what is told (spec 02 §11, 29 to 47). */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { headOf } from '../../src/core/document.ts'
import type { ItemKind, ItemState } from '../../src/core/item.ts'
import type { Snapshot } from '../../src/core/state.ts'
import { stampOf } from '../../src/store/derived.ts'
import { disk } from '../../src/store/files.ts'
import { encodeCopy } from '../../src/store/item-copy.ts'
import { itemCopyFile, itemFolder } from '../../src/store/layout.ts'
import { Live, pause, until } from '../rig/live.ts'
import { Rig } from '../rig/runtime.ts'

let rig: Rig
afterEach(() => rig?.dispose())

const claimed = () => rig.log('work_item_claimed').map((data) => data.work_item_id)
const idea = (name: string, text: string, ageMs = 60_000) => {
  const file = path.join(rig.root, 'ideas/inbox', name)
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, text)
  const then = new Date(Date.now() - ageMs)
  fs.utimesSync(file, then, then)
}

describe('a derived copy of what documents say', () => {
  test('is not believed when an item is claimed, even where it lies about a file that is as it was', async () => {
    rig = await Rig.create()
    for (let number = 0; number < 70; number++) rig.addTask(`task-${number}`, { depends_on: ['nowhere'] })
    const lies = rig.list('tasks/queue').map((name) => {
      const file = rig.at('tasks/queue', name)
      const read = headOf('task', fs.readFileSync(file))
      if (!read.ok) throw new Error(`${name} cannot be read`)
      return { name, stamp: stampOf(disk.stat(file)!), head: { ...read.head, dependsOn: [] } }
    })
    const copy = rig.at(itemCopyFile('tasks/queue'))
    fs.mkdirSync(path.dirname(copy), { recursive: true })
    fs.writeFileSync(copy, encodeCopy(lies))
    expect(rig.view((view) => view.items.inState('task', 'queued').map(({ dependsOn }) => dependsOn))).toContainEqual(
      [],
    )
    await rig.ticks(3)
    expect(claimed()).toEqual([])
    expect(rig.list('tasks/queue')).toHaveLength(70)
  })
})

describe('which item is next', () => {
  test('scenario 29: of a spec and a task the spec is claimed first', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    rig.addSpec('spec-a')
    await rig.ticks(1)
    expect(rig.stages()).toEqual(['planner'])
    expect([rig.list('specs/active'), rig.list('tasks/queue')]).toEqual([['spec-a.md'], ['task-a.md']])
  })

  test('scenario 30: of an incident and a spec the incident is claimed first, at the auditor', async () => {
    rig = await Rig.create()
    rig.addSpec('spec-a')
    rig.addIncident('incident-a')
    await rig.ticks(1)
    expect(rig.stages()).toEqual(['auditor'])
    expect(rig.list('specs/queue')).toEqual(['spec-a.md'])
  })

  test('scenario 31: older before newer, and of two of one time the lower id', async () => {
    rig = await Rig.create()
    rig.addTask('task-c', { created_at: '2026-03-01T10:00:00Z' })
    rig.addTask('task-b', { created_at: '2026-03-02T10:00:00Z' })
    rig.addTask('task-a', { created_at: '2026-03-02T10:00:00Z' })
    await rig.work()
    expect(claimed()).toEqual(['task-c', 'task-a', 'task-b'])
  })

  test('scenario 32: a task that waits for another is passed over for a younger one', async () => {
    rig = await Rig.create()
    rig.addTask('task-a', { depends_on: ['task-b'], created_at: '2026-03-01T08:00:00Z' })
    rig.addTask('task-b', { created_at: '2026-03-01T09:00:00Z' })
    await rig.work()
    expect(claimed()).toEqual(['task-b', 'task-a'])
    expect(rig.logTypes()).not.toContain('dependency_unsatisfiable')
  })

  test('scenario 33: documents that cannot be read are set aside with a log line, and the next valid one is claimed', async () => {
    rig = await Rig.create()
    rig.place('tasks/queue/a-malformed.md', 'no task at all\n')
    rig.addTask('b-incomplete')
    rig.place(
      'tasks/queue/b-incomplete.md',
      rig.read('tasks/queue/b-incomplete.md').replace('It works.', '').replace('Risk:', 'Nothing:'),
    )
    rig.addTask('inner-id')
    fs.renameSync(rig.at('tasks/queue/inner-id.md'), rig.at('tasks/queue/c-other-name.md'))
    rig.addTask('d-valid')
    await rig.ticks(1)
    expect(claimed()).toEqual(['d-valid'])
    const aside = ['a-malformed.md.invalid', 'b-incomplete.md.invalid', 'c-other-name.md.invalid']
    expect(rig.list('tasks/queue')).toEqual(
      [...aside.flatMap((name) => [name, `${name}.findings.json`]), 'invalid-artifacts.jsonl'].sort(),
    )
    expect(rig.read('tasks/queue', 'a-malformed.md.invalid')).toBe('no task at all\n')
    expect(rig.read('tasks/queue/invalid-artifacts.jsonl').trim().split('\n')).toHaveLength(3)
    expect(rig.json('tasks/queue', 'c-other-name.md.invalid.findings.json').findings).toEqual([
      expect.stringContaining('the id in it is inner-id'),
    ])
    expect(rig.log('work_item_invalid').map((data) => data.file)).toEqual([
      'a-malformed.md',
      'b-incomplete.md',
      'c-other-name.md',
    ])
  })

  test('scenario 34: a candidate that vanishes between the look and the claim makes room for the next', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    rig.addTask('task-b')
    const gone = rig.at('tasks/queue/task-a.md')
    let looks = 0
    const vanishing = (file: string) => {
      if (file === gone && ++looks === 2) fs.rmSync(gone)
      return disk.read(file)
    }
    rig.options.files = { ...disk, read: vanishing }
    await rig.work()
    expect(looks).toBe(2)
    expect(claimed()).toEqual(['task-b'])
    expect(rig.list('tasks/done')).toEqual(['task-b.md'])
  })

  test('a dependency that a person takes out of a waiting task, in place, is waited for no longer', async () => {
    rig = await Rig.create()
    rig.addTask('task-a', { depends_on: ['nowhere'] })
    const live = await Live.start(rig)
    await live.until('it is told', () => rig.log('dependency_unsatisfiable').length === 1)
    fs.writeFileSync(rig.at('tasks/queue/task-a.md'), rig.read('tasks/queue/task-a.md').replace(/.*nowhere\n/, ''))
    await live.until('done', () => rig.list('tasks/done').length === 1)
    await live.close()
  })

  test('W-17: a dependency that cannot come about by itself is told once, whether unknown, blocked or a cycle', async () => {
    rig = await Rig.create()
    rig.addTask('needs-unknown', { depends_on: ['nowhere'] })
    rig.addTask('needs-blocked', { depends_on: ['stuck'] })
    rig.addTask('stuck', {}, 'blocked')
    rig.addTask('cycle-a', { depends_on: ['cycle-b'] })
    rig.addTask('cycle-b', { depends_on: ['cycle-a'] })
    await rig.work()
    await rig.work()
    const told = Object.fromEntries(
      rig.log('dependency_unsatisfiable').map((data) => [data.work_item_id, data.dependencies]),
    )
    expect(told).toEqual({
      'needs-unknown': { nowhere: 'unknown' },
      'needs-blocked': { stuck: 'blocked' },
      'cycle-a': { 'cycle-b': 'cycle' },
      'cycle-b': { 'cycle-a': 'cycle' },
    })
    expect(rig.log('dependency_unsatisfiable')).toHaveLength(4)
    expect(claimed()).toEqual([])
    fs.renameSync(rig.at('tasks/blocked/stuck.md'), rig.at('tasks/done/stuck.md'))
    await rig.work()
    expect(claimed()).toEqual(['needs-blocked'])
  })

  test('W-18: a mode may let the planes take turns instead of draining planning first', async () => {
    const planes = [
      { plane: 'planning', kinds: ['incident', 'spec'] },
      { plane: 'execution', kinds: ['task'] },
    ]
    rig = await Rig.create({ mode: { claim_order: { fairness: 'alternate', planes } } })
    rig.outcomes({ planner: ['BLOCKED'], mechanic: ['BLOCKED'] })
    for (const name of ['a', 'b']) {
      rig.addSpec(`spec-${name}`)
      rig.addTask(`task-${name}`)
    }
    await rig.work()
    expect(claimed()).toEqual(['spec-a', 'task-a', 'spec-b', 'task-b'])
  })
})

describe('what a tick tells', () => {
  test('scenario 36: with nothing to do a counted tick ends with no_work and no failure', async () => {
    rig = await Rig.create()
    expect(await rig.ticks(1)).toMatchObject({ ticks: 1, last: { reason: 'no_work', last: null } })
  })

  test('W-30: running out of work is told once, and idling writes nothing', async () => {
    rig = await Rig.create()
    const live = await Live.start(rig)
    await live.until('idle', () => rig.log('runtime_tick_idle').length === 1)
    const before = [rig.read('state/runtime_snapshot.json'), rig.read('logs/runtime_events.jsonl')]
    await pause(300)
    expect([rig.read('state/runtime_snapshot.json'), rig.read('logs/runtime_events.jsonl')]).toEqual(before)
    rig.addTask('task-a')
    await live.until('done and idle again', () => rig.log('runtime_tick_idle').length === 2)
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    await live.close()
  })

  // A snapshot in which a run has neither item nor target cannot come about; one that was made by hand starts nothing.
  test('scenario 39: an active run without an item or target is held and starts no agent', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    await rig.ticks(1)
    const snapshot = rig.json<Snapshot>('state/runtime_snapshot.json')
    Object.assign(snapshot.active_runs[0]!, { work_item_kind: null, work_item_id: null })
    fs.writeFileSync(rig.at('state/runtime_snapshot.json'), JSON.stringify(snapshot))
    rig.events.length = 0
    await rig.work()
    expect(rig.stages()).toEqual([])
    expect(rig.events.find((event) => event.type === 'run_held')?.data.reason).toContain('neither')
    expect(rig.log('work_item_requeued').map((data) => data.work_item_id)).toEqual(['task-a'])
  })

  test('scenario 44: a productive stage is told as started, completed, decided', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    await rig.ticks(1)
    const types = rig.eventTypes()
    expect(types.slice(types.indexOf('work_item_claimed'), types.indexOf('runtime_closed'))).toEqual([
      'work_item_claimed',
      'stage_started',
      'stage_completed',
      'router_decision',
    ])
  })

  test('scenario 45: while an agent works the status file of its plane says so', async () => {
    rig = await Rig.create({ replies: [{ stage: 'builder', steps: [{ wait_ms: 60_000 }], outcome: 'BLOCKED' }] })
    rig.addTask('task-a')
    const live = await Live.start(rig)
    await live.agent('builder')
    expect(rig.read('state/execution_status.md')).toBe('### BUILDER_RUNNING\n')
    expect(rig.read('state/planning_status.md')).toBe('### IDLE\n')
    await live.close()
  })

  // Depths are not kept but counted, by the same index that claims.
  test('scenario 46: the counts of the view are the files of the folders after every stage', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    rig.addTask('task-b')
    const places = (['task', 'spec', 'incident'] as ItemKind[]).flatMap((kind) =>
      (['queued', 'active', 'done', 'blocked'] as ItemState[]).map((state) => ({ kind, state })),
    )
    const counted = places.map(({ kind, state }) => () => [
      `${kind} ${state}`,
      rig.engine!.workspace.view().items.count(kind, state),
    ])
    const onDisk = places.map(({ kind, state }) => () => [`${kind} ${state}`, rig.list(itemFolder(kind, state)).length])
    let compared = 0
    await rig.work(100, [
      (change) => {
        if (change.change !== 'event.append' || change.event_type !== 'router_decision') return
        compared += 1
        expect(counted.map((count) => count())).toEqual(onDisk.map((count) => count()))
      },
    ])
    expect(compared).toBe(6)
  })

  test('scenario 47, W-31: three counted ticks are three stages, and nothing sleeps between them', async () => {
    rig = await Rig.create()
    rig.config('[watchers]\nenabled = false\n')
    fs.writeFileSync(
      rig.at('millrace.toml'),
      rig.read('millrace.toml').replace('idle_sleep_seconds = 0.05', 'idle_sleep_seconds = 30'),
    )
    rig.addTask('task-a')
    const began = performance.now()
    expect(await rig.ticks(3)).toMatchObject({ ticks: 3, exit_reason: 'max_ticks' })
    expect(rig.stages()).toEqual(['builder', 'checker', 'updater'])
    expect(performance.now() - began).toBeLessThan(15_000)
  })

  test('W-31: an idle runtime is woken by new work and by commands, however slow its polling floor', async () => {
    rig = await Rig.create()
    const config = rig.read('millrace.toml').replace('idle_sleep_seconds = 0.05', 'idle_sleep_seconds = 30')
    fs.writeFileSync(rig.at('millrace.toml'), config)
    const live = await Live.start(rig)
    await live.until('idle', () => rig.log('runtime_tick_idle').length === 1)
    rig.addTask('task-a')
    await live.until('task-a done', () => rig.list('tasks/done').length === 1, 15_000)
    expect((await live.command('pause')).ms).toBeLessThan(1000)
    await live.close()
  })

  test('scenario 47: one counted tick is one stage, and nothing is left running', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    expect(await rig.ticks(1)).toMatchObject({
      ticks: 1,
      exit_reason: 'max_ticks',
      last: { reason: 'builder:BUILDER_COMPLETE', last: { result_class: 'success' } },
    })
    expect(rig.stages()).toEqual(['builder'])
    expect(rig.json<Snapshot>('state/runtime_snapshot.json').active_runs).toMatchObject([
      { node_id: 'checker', status: 'ready' },
    ])
  })
})

describe('ideas', () => {
  test('scenario 40: an idea added by command becomes a spec before the runtime calls itself idle', async () => {
    rig = await Rig.create()
    rig.outcomes({ planner: ['BLOCKED'], mechanic: ['BLOCKED'] })
    await rig.command('add_idea', { source_name: 'speed.md', markdown: '# Speed\n\nMake it fast.\n' })
    await rig.work()
    expect(rig.log('idea_normalized_to_spec')).toEqual([
      {
        idea_path: 'ideas/inbox/speed.md',
        spec_id: 'idea-speed',
        source_artifact: 'millrace-agents/intake/ideas/idea-speed.md',
      },
    ])
    expect(fs.readFileSync(path.join(rig.root, 'ideas/inbox/speed.md'), 'utf8')).toBe('# Speed\n\nMake it fast.\n')
    expect(claimed()).toEqual(['idea-speed'])
  })

  test('scenarios 41, 43, W-50: an idea of any name that lay there before the start becomes a spec with both roots', async () => {
    rig = await Rig.create()
    idea('my idea!.md', '# My idea\n\nDo it.\n')
    await rig.ticks(1)
    const spec = rig.read('specs/active/idea-my-idea.md')
    for (const line of ['Root-Idea-ID: idea-my-idea', 'Root-Spec-ID: idea-my-idea', '- ideas/inbox/my idea!.md'])
      expect(spec).toContain(line)
    expect(rig.stages()).toEqual(['planner'])
  })

  test('scenario 42: an idea saved again makes no second spec, and one that cannot be read is told once', async () => {
    rig = await Rig.create()
    rig.outcomes({ planner: ['BLOCKED'], mechanic: ['BLOCKED'] })
    idea('good.md', '# Good\n\nDo it.\n')
    idea('binary.md', Buffer.from([0xff, 0xfe, 0x00, 0x41]) as unknown as string)
    fs.symlinkSync('/etc/hostname', path.join(rig.root, 'ideas/inbox/link.md'))
    await rig.work()
    idea('good.md', '# Good\n\nDo it better.\n', 50_000)
    await rig.work()
    await rig.work()
    expect(rig.log('idea_normalized_to_spec').map((data) => data.spec_id)).toEqual(['idea-good'])
    expect(rig.log('idea_normalization_skipped').map((data) => [data.idea_path, data.reason])).toEqual([
      ['ideas/inbox/binary.md', 'not UTF-8 text'],
      ['ideas/inbox/link.md', 'not a plain file of at most 1 MiB'],
      ['ideas/inbox/good.md', 'already_represented'],
    ])
    expect(fs.readdirSync(path.join(rig.root, 'ideas/inbox')).sort()).toEqual(['binary.md', 'good.md', 'link.md'])
  })

  test('a running daemon takes an idea that is dropped in, once it has come to rest', async () => {
    rig = await Rig.create()
    rig.outcomes({ planner: ['BLOCKED'], mechanic: ['BLOCKED'] })
    const live = await Live.start(rig)
    await live.until('idle', () => rig.log('runtime_tick_idle').length === 1)
    idea('dropped.md', '# Dropped\n\nDo it.\n', 0)
    await until('the spec', () => rig.log('idea_normalized_to_spec').length === 1, 3000)
    await live.close()
  })
})
