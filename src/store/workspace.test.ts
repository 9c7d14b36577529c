import * as fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { clock } from '../../test/agents/clock.ts'
import { type CrashOptions, crashEverywhere } from '../../test/rig/crash.ts'
import { documentText } from '../../test/rig/documents.ts'
import { Incarnations } from '../../test/rig/incarnations.ts'
import { contents, emptyWorkspace, exists, read, temporaryFolder, write } from '../../test/rig/store.ts'
import { beforeStory, chapter, goOn, later, standing } from '../../test/rig/story.ts'
import { newSnapshot } from '../core/state.ts'
import { failAt, faultyFiles, quickDisk } from '../selftest/faulty-files.ts'
import { disk, type Files, hashBytes } from './files.ts'
import { encodeRecord } from './journal.ts'
import { AT, placesOf } from './layout.ts'
import { lockState, type Processes } from './lock.ts'
import { ownership, readWorkspace, Workspace } from './workspace.ts'

const lives = new Incarnations()
const code = (expected: string, words = '') =>
  expect.objectContaining({ code: expected, message: expect.stringContaining(words) })

function open(root: string, files: Files = disk, processes: Processes = lives.next()): Promise<Workspace> {
  const onFatal = (error: Error): never => {
    throw error
  }
  return Workspace.open({ files, clock: later, processes }, root, { onFatal })
}

/** Where the story stands to a reader that has no lock. */
const seen = (root: string, files: Files = disk) =>
  readWorkspace({ files, clock: later, processes: lives.next() }, root, (view, through) =>
    standing(view, through, placesOf(root)),
  ).value

/** What a reader sees after each transaction of the story. */
async function chapters(): Promise<Record<string, unknown>[]> {
  const root = temporaryFolder()
  beforeStory(root)
  const states = [seen(root)]
  const workspace = await open(root)
  for (let changes = chapter(workspace.view()); changes !== null; changes = chapter(workspace.view())) {
    await workspace.commit(changes)
    states.push(seen(root))
  }
  await workspace.close()
  return states
}

describe('a reader', () => {
  test('sees the state after each transaction', async () => {
    const states = await chapters()
    expect(states.map((state) => state.revision)).toEqual([0, 1, 2, 3])
    expect(states.at(-1)).toMatchObject({
      items: [
        'task two queued rewritten',
        'task one done one',
        'task three cancelled three',
        'spec root queued Title of root',
      ],
      chaptersTold: [1, 2, 3],
      rounds: [1],
      counters: [3],
      mailbox: [[], ['c-1.json']],
    })
  })

  test('sees whole transactions only, at every step of a living writer', async () => {
    const states = await chapters()
    const root = temporaryFolder()
    beforeStory(root)
    const looks: unknown[] = []
    const faulty = faultyFiles({
      fail: () => {
        looks.push(seen(root))
        return null
      },
    })
    const workspace = await open(root, faulty.files)
    await goOn(workspace)
    const numbers = looks.map((look) => states.findIndex((state) => JSON.stringify(state) === JSON.stringify(look)))
    expect(numbers).not.toContain(-1)
    expect(numbers).toEqual([...numbers].sort())
    expect(new Set(numbers)).toEqual(new Set([0, 1, 2, 3]))
  })

  test('looks again when a transaction is carried out while it reads, and gives up in the end', async () => {
    const root = temporaryFolder()
    const places = emptyWorkspace(root)
    const task = places.at('tasks/queue/a.md')
    write(root, 'a.md', documentText('task', 'a'))
    /** Carries out a transaction in the middle of a look: the task comes or goes, and the revision moves. */
    const commitOnce = (revision: number) => {
      if (revision % 2 === 1) fs.copyFileSync(`${root}/a.md`, task)
      else fs.rmSync(task)
      write(places.runtime, AT.snapshot, JSON.stringify({ ...newSnapshot('then'), revision }))
    }
    let revision = 0
    const disturbed = (times: number): Files => {
      let left = times
      const list: Files['list'] = (folder) => {
        if (folder.endsWith('specs/queue') && left-- > 0) commitOnce(++revision)
        return disk.list(folder)
      }
      return { ...disk, list }
    }
    const look = (times: number) =>
      readWorkspace({ files: disturbed(times), clock: later, processes: lives.next() }, root, (view) => [
        view.snapshot.revision,
        view.items.count('task', 'queued'),
      ])
    expect(look(0)).toEqual({ value: [0, 0], retries: 0 })
    expect(look(1)).toEqual({ value: [1, 1], retries: 1 })
    expect(look(2)).toEqual({ value: [3, 1], retries: 2 })
    expect(() => look(1000)).toThrow(code('conflict', 'kept changing'))
  })

  test('sees documents as they are, and what is no text or no file not at all', async () => {
    const root = temporaryFolder()
    const places = beforeStory(root)
    fs.writeFileSync(places.at('tasks/queue/bytes.md'), Buffer.from([255, 254]))
    fs.symlinkSync('one.md', places.at('tasks/queue/link.md'))
    readWorkspace({ files: disk, clock: later, processes: lives.next() }, root, (view) => {
      expect(view.read('task', 'one', 'queued')).toEqual({
        text: read(places.runtime, 'tasks/queue/one.md'),
        hash: hashBytes(read(places.runtime, 'tasks/queue/one.md')),
      })
      for (const id of ['bytes', 'link', 'none']) expect(view.read('task', id, 'queued')).toBeNull()
      expect(view.readFile('millrace-agents/tasks/queue/one.md')).toContain('one')
      for (const file of ['nothing', 'millrace-agents/tasks', 'millrace-agents/tasks/queue/bytes.md'])
        expect(view.readFile(file)).toBeNull()
      expect([view.plan, view.planOf('gone')]).toEqual([null, null])
    })
  })

  test('sees a document that was written a moment ago', () => {
    const root = temporaryFolder()
    beforeStory(root)
    const ports = { files: disk, clock, processes: lives.next() }
    const ids = readWorkspace(ports, root, (view) => view.items.inState('task', 'queued').map((item) => item.id)).value
    expect(ids).toEqual(['one', 'two'])
  })

  test('writes nothing and takes no lock', () => {
    const root = temporaryFolder()
    beforeStory(root)
    const before = contents(root)
    const faulty = faultyFiles()
    seen(root, faulty.files)
    expect([faulty.steps, contents(root)]).toEqual([[], before])
    expect(ownership({ files: disk, clock: later, processes: lives.next() }, root)).toEqual({
      state: 'absent',
      generation: 0,
    })
  })
})

describe('a writer that dies anywhere', { timeout: 180_000 }, () => {
  const live = async (files: Files, root: string) => {
    const workspace = await open(root, files)
    await goOn(workspace)
    await workspace.close()
  }
  /** Crashes the story; every look must be at one of its states, and the later process must bring it to its one end. */
  const crash = async (options: CrashOptions) => {
    const states = await chapters()
    return crashEverywhere(
      {
        prepare: (root) => void beforeStory(root),
        run: live,
        check: (root, { finished, happened, kind }) => {
          const state = seen(root)
          expect(state).toEqual(finished || !happened ? states.at(-1) : states[Number(state.chapter)])
          const kept = Object.keys(contents(root)).filter((file) => file.includes('.conflict-'))
          if (kind !== 'power') expect(kept).toEqual([])
        },
        finish: live,
      },
      { base: quickDisk, ...options },
    )
  }

  test('leaves a whole transaction or none, and the next one carries the story to its one end', async () => {
    const report = await crash({ kinds: ['stopped', 'torn'] })
    // Three transactions of three rounds; taking the lock costs two, giving it back one.
    expect(report.flushRounds).toBe(3 * 3 + 2 + 1)
    expect(report.crashes).toBeGreaterThan(90)
  })

  test('does so as well when the power goes with it', async () => {
    const report = await crash({ kinds: ['power'], losses: 1, every: 2 })
    expect(report.crashes).toBeGreaterThan(30)
  })
})

describe('opening', () => {
  test('applies what a dead writer had made durable, and says so', async () => {
    const root = temporaryFolder()
    const places = beforeStory(root)
    const snapshot = `${JSON.stringify({ ...newSnapshot('then'), revision: 1, finished_items: 7 })}\n`
    const put = (path: string, text: string, expects: string | null) => ({
      op: 'put' as const,
      path,
      content: { text },
      expects,
      leaves: hashBytes(text),
    })
    const operations = [
      put('x.md', 'x', null),
      put(AT.snapshot, snapshot, hashBytes(read(places.runtime, AT.snapshot))),
    ]
    fs.writeFileSync(places.at(AT.journal), encodeRecord({ revision: 1, generation: 1, operations }))
    const workspace = await open(root)
    expect(workspace.recovered).toBe('applied')
    expect(workspace.view().snapshot).toMatchObject({ revision: 1, finished_items: 7 })
    expect([read(places.runtime, 'x.md'), exists(places.runtime, AT.journal)]).toEqual(['x', false])
    await workspace.close()
    const again = await open(root)
    expect(again.recovered).toBe('clean')
  })

  test('is refused while another holds the workspace, and possible once it closed', async () => {
    const root = temporaryFolder()
    beforeStory(root)
    const process = lives.next()
    const workspace = await open(root, disk, process)
    await expect(open(root, disk, process)).rejects.toEqual(code('lock_held'))
    await workspace.close()
    await (await open(root, disk, process)).close()
  })

  test.each<[string, string, string, string, string]>([
    [
      'a newer format',
      AT.snapshot,
      JSON.stringify({ ...newSnapshot('then'), schema_version: '9.0' }),
      'state_newer',
      'runtime_snapshot.json has format 9.0',
    ],
    [
      'an older runtime’s format',
      AT.snapshot,
      JSON.stringify({ schema_version: '1.0', kind: 'runtime_snapshot' }),
      'workspace_unsupported',
      'another runtime',
    ],
    ['no JSON', AT.snapshot, '{"revision":', 'state_corrupt', 'runtime_snapshot.json is not valid JSON'],
    ['nothing', AT.snapshot, '', 'state_corrupt', 'runtime_snapshot.json'],
    ['something else', AT.counters, '{"kind":"other"}', 'state_corrupt', 'recovery_counters'],
    [
      'half of what it should',
      AT.snapshot,
      '{"kind":"runtime_snapshot","schema_version":"2.0","revision":1}',
      'state_corrupt',
      'runtime_mode',
    ],
    ['no closure target', `${AT.targets}/root.json`, '[]', 'state_corrupt', 'closure_target_state'],
  ])(
    'a state file that holds %s is refused with one clear sentence, and nobody holds the lock',
    async (_, file, text, expected, words) => {
      const root = temporaryFolder()
      const places = beforeStory(root)
      write(places.runtime, file, text)
      await expect(open(root)).rejects.toEqual(code(expected, words))
      expect(() => seen(root)).toThrow(code(expected, words))
      expect(read(places.runtime, file)).toBe(text)
      // A snapshot of another format is refused before the lock is taken.
      expect(['absent', 'released']).toContain(lockState({ files: disk, places, processes: lives.next() }).state)
    },
  )

  test.each<[string, string | Uint8Array]>([
    ['bytes that are no text', Buffer.from([123, 255, 254])],
    ['null', 'null'],
  ])('a snapshot that holds %s is corrupt', async (_, bytes) => {
    const root = temporaryFolder()
    fs.writeFileSync(beforeStory(root).at(AT.snapshot), bytes)
    await expect(open(root)).rejects.toEqual(code('state_corrupt', 'runtime_snapshot.json'))
  })

  test('a journal of a newer format is refused by writers and readers, and left where it is', async () => {
    const root = temporaryFolder()
    const places = beforeStory(root)
    const newer = `millrace-journal 2 3 ${'0'.repeat(64)}\nabc`
    write(places.runtime, AT.journal, newer)
    await expect(open(root)).rejects.toEqual(code('state_newer', 'journal'))
    expect(() => seen(root)).toThrow(code('state_newer'))
    expect(read(places.runtime, AT.journal)).toBe(newer)
  })
})

describe('a commit', () => {
  test('of nothing changes nothing', async () => {
    const root = temporaryFolder()
    beforeStory(root)
    const workspace = await open(root)
    const before = contents(root)
    await workspace.commit([])
    expect(contents(root)).toEqual(before)
    expect(workspace.view().snapshot.revision).toBe(0)
  })

  test('is a conflict when a person edited the document it was decided on; a fresh view then goes through', async () => {
    const root = temporaryFolder()
    const places = beforeStory(root)
    const workspace = await open(root)
    await workspace.commit(chapter(workspace.view())!)
    const changes = chapter(workspace.view())!
    write(places.runtime, 'tasks/queue/one.md', documentText('task', 'one', { title: 'edited by a person' }))
    const before = contents(root)
    await expect(workspace.commit(changes)).rejects.toEqual(code('conflict'))
    expect(contents(root)).toEqual(before)
    expect(workspace.view().snapshot.finished_items).toBe(1)
    await goOn(workspace)
    expect(read(places.runtime, 'tasks/done/one.md')).toContain('edited by a person')
  })

  test('keeps what a person wrote into a state file while we run, and says so', async () => {
    const root = temporaryFolder()
    const places = beforeStory(root)
    const workspace = await open(root)
    write(places.runtime, AT.snapshot, '{"mine":true}')
    await workspace.commit(chapter(workspace.view())!)
    expect(read(places.runtime, `${AT.snapshot}.conflict-1`)).toBe('{"mine":true}')
    expect(read(places.runtime, AT.events)).toContain('foreign_edit_kept')
    expect(seen(root)).toMatchObject({ revision: 1, chapter: 1 })
  })

  test('takes over what the operator edited while nobody ran', async () => {
    const root = temporaryFolder()
    const places = beforeStory(root)
    await goOn(await open(root))
    const edited = {
      ...JSON.parse(read(places.runtime, AT.snapshot)),
      finished_items: 1,
      active_mode_id: 'chosen-by-hand',
    }
    write(places.runtime, AT.snapshot, JSON.stringify(edited))
    const workspace = await open(root)
    expect(workspace.view().snapshot.active_mode_id).toBe('chosen-by-hand')
    await workspace.commit([{ change: 'state.set', snapshot: { ...workspace.view().snapshot, finished_items: 9 } }])
    expect(Object.keys(contents(root)).filter((file) => file.includes('.conflict-'))).toEqual([])
  })

  test('that cannot be made durable has not happened', async () => {
    const root = temporaryFolder()
    beforeStory(root)
    const faulty = faultyFiles()
    const workspace = await open(root, faulty.files)
    const before = seen(root)
    faulty.faults = failAt(faulty.steps.length + 2, 'ENOSPC')
    await expect(workspace.commit(chapter(workspace.view())!)).rejects.toEqual(
      expect.objectContaining({ code: 'ENOSPC' }),
    )
    expect([workspace.degraded, seen(root)]).toEqual([false, before])
    await goOn(workspace)
    expect(seen(root)).toMatchObject({ chapter: 3, chaptersTold: [1, 2, 3] })
  })

  test('that fails half-way counts as made, and nothing else is until the disk is mended', async () => {
    const states = await chapters()
    const root = temporaryFolder()
    beforeStory(root)
    const faulty = faultyFiles()
    const workspace = await open(root, faulty.files)
    faulty.faults = failAt(faulty.steps.length + 5, 'ENOSPC', 3)
    await expect(workspace.commit(chapter(workspace.view())!)).rejects.toEqual(code('degraded'))
    expect([workspace.degraded, workspace.view().snapshot.finished_items]).toEqual([true, 1])
    expect(seen(root)).toEqual(states[1])
    await expect(workspace.heal()).rejects.toEqual(code('degraded'))
    faulty.faults = {}
    await workspace.heal()
    expect(workspace.degraded).toBe(false)
    await goOn(workspace)
    expect(seen(root)).toEqual(states[3])
  })

  test('that is refused because an earlier one is not through yet has not happened', async () => {
    const root = temporaryFolder()
    beforeStory(root)
    const faulty = faultyFiles()
    const workspace = await open(root, faulty.files)
    faulty.faults = failAt(faulty.steps.length + 5, 'ENOSPC')
    await expect(workspace.commit(chapter(workspace.view())!)).rejects.toEqual(code('degraded'))
    await expect(workspace.commit(chapter(workspace.view())!)).rejects.toEqual(code('degraded'))
    expect(workspace.view().snapshot.finished_items).toBe(1)
    await workspace.heal()
    await goOn(workspace)
    expect(seen(root)).toMatchObject({ chapter: 3, chaptersTold: [1, 2, 3] })
  })

  test('of a holder that was succeeded writes nothing', async () => {
    const root = temporaryFolder()
    beforeStory(root)
    const first = await open(root)
    const second = await open(root)
    await expect(first.commit(chapter(first.view())!)).rejects.toEqual(code('lock_lost'))
    await goOn(second)
    const before = contents(root)
    await expect(first.commit([{ change: 'state.set', snapshot: newSnapshot('then') }])).rejects.toEqual(
      expect.objectContaining({ code: expect.stringMatching(/lock_lost|conflict/) }),
    )
    await expect(first.close()).rejects.toEqual(code('lock_lost'))
    expect(contents(root)).toEqual(before)
  })
})
