import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { clock } from '../../test/agents/clock.ts'
import { crashEverywhere } from '../../test/rig/crash.ts'
import { emptyWorkspace, exists, read, setTime, temporaryFolder, write } from '../../test/rig/store.ts'
import type { Clock } from '../core/clock.ts'
import { failAt, faultyFiles } from '../selftest/faulty-files.ts'
import { disk, hashBytes } from './files.ts'
import { encodeRecord, Journal } from './journal.ts'
import { AT, type Places } from './layout.ts'
import { archived, COMMAND_BYTES_MAX, incoming, isArchived, post, withdraw } from './mailbox.ts'

const workspace = (): Places => emptyWorkspace(temporaryFolder())
const posted = (places: Places, command = 'pause', payload: Record<string, unknown> = {}) =>
  post(disk, places, clock, command, payload, 'operator')
const drop = (places: Places, name: string, text: string): void => write(places.at(AT.incoming), name, text)
const names = (places: Places) => incoming(disk, places).map((one) => one.file)
const envelope = (changes: Record<string, unknown>) =>
  JSON.stringify({
    schema_version: '1.0',
    kind: 'mailbox_command',
    command_id: 'c',
    command: 'pause',
    issued_at: '2026-03-02T09:15:00Z',
    issuer: 'me',
    payload: {},
    ...changes,
  })

describe('posting', () => {
  test('leaves the command under its id, whole, and nothing else', async () => {
    const places = workspace()
    const id = await posted(places, 'add_task', { document: { task_id: 'a' } })
    expect(id).toMatch(/^add_task-\d{13}-[0-9a-f]{8}$/)
    expect(fs.readdirSync(places.at(AT.incoming))).toEqual([`${id}.json`])
    expect(incoming(disk, places)).toMatchObject([
      {
        file: `${id}.json`,
        envelope: { command_id: id, command: 'add_task', issuer: 'operator', payload: { document: { task_id: 'a' } } },
      },
    ])
  })

  test('survives a crash or power loss anywhere as a whole command or none, and for sure once it has returned', async () => {
    let done = false
    const report = await crashEverywhere({
      prepare: (root) => void emptyWorkspace(root),
      run: async (files, root) => {
        done = false
        await post(files, emptyWorkspace(root), clock, 'pause', {}, 'operator')
        done = true
      },
      check: (root, { happened }) => {
        const waiting = incoming(disk, emptyWorkspace(root))
        expect(waiting.map((one) => one.envelope?.command)).toEqual(waiting.length === 0 ? [] : ['pause'])
        if (done || !happened) expect(waiting).toHaveLength(1)
      },
    })
    expect(report.flushRounds).toBe(2)
  })

  test('that fails leaves nothing to be carried out later', async () => {
    for (let number = 1; ; number++) {
      const places = workspace()
      const faulty = faultyFiles(failAt(number, 'EIO'))
      const failed = await post(faulty.files, places, clock, 'pause', {}, 'operator').then(
        () => false,
        () => true,
      )
      if (faulty.steps.length < number) return expect(number).toBe(6)
      expect([failed, fs.readdirSync(places.at(AT.incoming))]).toEqual([true, []])
    }
  })

  test('never takes the place of another command', async () => {
    const places = workspace()
    const now = new Date()
    const same: Clock = { ...clock, now: () => now, hex: () => '00000000' }
    await post(disk, places, same, 'pause', { first: true }, 'operator')
    await expect(post(disk, places, same, 'pause', { first: false }, 'operator')).rejects.toMatchObject({
      code: 'EEXIST',
    })
    expect(incoming(disk, places)).toMatchObject([{ envelope: { payload: { first: true } } }])
    expect(fs.readdirSync(places.at(AT.incoming))).toHaveLength(1)
  })

  test('refuses what is too large to carry out', async () => {
    const places = workspace()
    await expect(posted(places, 'add_idea', { markdown: 'x'.repeat(COMMAND_BYTES_MAX) })).rejects.toMatchObject({
      code: 'document_invalid',
    })
    expect(names(places)).toEqual([])
  })
})

describe('what waits', () => {
  test('comes in the order it was issued, and of one moment in the order it was written', () => {
    const places = workspace()
    const files = { 'z.json': '09:00', 'b.json': '08:00', 'y.json': '08:00', 'a.json': '08:00' }
    for (const [name, time] of Object.entries(files))
      drop(places, name, envelope({ issued_at: `2026-03-02T${time}:00Z` }))
    const second = 1_700_000_000_000
    for (const [name, ms] of [
      ['b.json', 2],
      ['y.json', 1],
      ['a.json', 3],
    ] as const)
      setTime(places.at(`${AT.incoming}/${name}`), second + ms * 1000)
    expect(names(places)).toEqual(['y.json', 'b.json', 'a.json', 'z.json'])
  })

  test('keeps the order of commands posted one after the other', async () => {
    const places = workspace()
    const now = new Date()
    const still: Clock = { ...clock, now: () => now }
    const ids: string[] = []
    for (let number = 0; number < 20; number++) {
      ids.push(await post(disk, places, still, 'pause', {}, 'operator'))
      await new Promise((resolve) => clock.after(6, () => resolve(null)))
    }
    expect(names(places)).toEqual(ids.map((id) => `${id}.json`))
  })

  test('is only what is named as a command', () => {
    const places = workspace()
    for (const name of ['.hidden.json', 'a.json.tmp', 'note.txt', 'b.json.claimed']) drop(places, name, envelope({}))
    expect(names(places)).toEqual([])
  })

  test.each<[string, string, string]>([
    ['no JSON', '{"kind":', 'is not valid JSON'],
    ['bytes that are no text', '\u0000', 'is not valid JSON'],
    ['null', 'null', 'is not a mailbox command'],
    ['a list', '[]', 'is not a mailbox command'],
    ['another kind', envelope({ kind: 'x' }), 'is not a mailbox command'],
    ['no command', envelope({ command: undefined }), 'is not a mailbox command'],
    ['a payload that is a list', envelope({ payload: [] }), 'payload is not an object'],
  ])('is told with the reason if it holds %s', (_, text, error) => {
    const places = workspace()
    drop(places, 'c.json', text)
    expect(incoming(disk, places)).toEqual([{ file: 'c.json', envelope: null, error: expect.stringContaining(error) }])
  })

  test('may be a link or larger than it should be: told, not read', () => {
    const places = workspace()
    write(places.root, 'elsewhere.json', envelope({}))
    fs.symlinkSync(path.join(places.root, 'elsewhere.json'), places.at(`${AT.incoming}/link.json`))
    drop(places, 'large.json', ' '.repeat(COMMAND_BYTES_MAX + 1))
    expect(incoming(disk, places).map((one) => one.envelope)).toEqual([null, null])
  })

  test('is told, not carried out, where its names or its nesting are too much for an archive', () => {
    const places = workspace()
    drop(places, 'deep.json', envelope({ payload: JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`) }))
    drop(places, 'nested.json', envelope({ payload: { a: JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`) } }))
    drop(places, 'named.json', envelope({ command: 'x'.repeat(201) }))
    const told = Object.fromEntries(
      incoming(disk, places).map((one) => [one.file, one.envelope === null ? one.error : 'understood']),
    )
    expect(told).toEqual({
      'deep.json': 'payload is not an object',
      'named.json': 'is not a mailbox command: kind, command and command_id are needed',
      'nested.json': 'is nested more than 64 levels deep',
    })
  })

  test('passes over what could not be archived: a folder, a link to nowhere', () => {
    const places = workspace()
    fs.mkdirSync(places.at(`${AT.incoming}/folder.json`))
    fs.symlinkSync('nowhere', places.at(`${AT.incoming}/link.json`))
    expect(incoming(disk, places)).toEqual([])
  })

  test('takes the defaults of a plain envelope', () => {
    const places = workspace()
    drop(places, 'c.json', JSON.stringify({ kind: 'mailbox_command', command_id: 'c', command: 'stop' }))
    expect(incoming(disk, places)).toMatchObject([{ envelope: { issuer: 'operator', payload: {}, issued_at: '' } }])
  })

  test('is not called unreadable while it may still be being written', () => {
    const places = workspace()
    const now = Date.now()
    drop(places, 'c.json', '{"kind":')
    expect(incoming(disk, places, now)).toEqual([])
    setTime(places.at(`${AT.incoming}/c.json`), now - 2000)
    expect(incoming(disk, places, now)).toMatchObject([{ file: 'c.json', envelope: null }])
    drop(places, 'c.json', envelope({}))
    expect(incoming(disk, places, now)).toMatchObject([{ envelope: { command: 'pause' } }])
  })
})

describe('the archive', () => {
  test('tells what became of a command', () => {
    const places = workspace()
    write(places.at(AT.processed), 'one.json', JSON.stringify({ disposition: 'processed', result: { applied: true } }))
    write(places.at(AT.failed), 'two.json', JSON.stringify({ disposition: 'failed', error: 'no' }))
    write(places.at(AT.failed), 'torn.json', '{"disp')
    expect(archived(disk, places, 'one')).toEqual({ disposition: 'processed', result: { applied: true }, error: null })
    expect(archived(disk, places, 'two')).toEqual({ disposition: 'failed', result: {}, error: 'no' })
    expect(archived(disk, places, 'torn')).toMatchObject({
      disposition: 'failed',
      error: expect.stringContaining('cannot be read'),
    })
    expect(archived(disk, places, 'three')).toBeNull()
    expect(['one.json', 'two.json', 'three.json'].map((file) => isArchived(disk, places, file))).toEqual([
      true,
      true,
      false,
    ])
  })
})

describe('withdrawing a command', () => {
  /** A journal, and the transaction that carries out a posted command. */
  const carrying = (places: Places, id: string, files = disk) => {
    const onFatal = (error: Error): never => {
      throw error
    }
    const journal = new Journal({
      files,
      root: places.runtime,
      file: AT.journal,
      generation: 1,
      guard: () => {},
      onFatal,
    })
    const [from, to] = [`${AT.incoming}/${id}.json`, `${AT.processed}/${id}.json`]
    const text = '{"disposition":"processed"}'
    const operations = [
      { op: 'put' as const, path: to, content: { text }, expects: null, leaves: hashBytes(text) },
      { op: 'remove' as const, path: from, hash: hashBytes(read(places.runtime, from)) },
    ]
    return { journal, operations, carryOut: () => journal.commit({ revision: 1, operations }) }
  }

  test('takes it away for good, once', async () => {
    const places = workspace()
    const id = await posted(places)
    const faulty = faultyFiles()
    expect(await withdraw(faulty.files, places, id)).toBe(true)
    expect(faulty.steps.map((step) => step.operation)).toEqual(['unlink', 'flush'])
    expect(names(places)).toEqual([])
    expect(await withdraw(disk, places, id)).toBe(false)
    expect(await withdraw(disk, places, 'never-posted')).toBe(false)
  })

  test('comes too late once a record carries it out', async () => {
    const places = workspace()
    const id = await posted(places)
    const { operations } = carrying(places, id)
    fs.writeFileSync(places.at(AT.journal), encodeRecord({ revision: 1, generation: 1, operations }))
    expect(await withdraw(disk, places, id)).toBe(false)
  })

  test('is never answered with yes for a command that is carried out, at whatever moment it comes', async () => {
    const story = async (moment: number) => {
      const places = workspace()
      const id = await posted(places)
      let withdrawn: Promise<boolean> | null = null
      let calls = 0
      const at = <T>(work: () => T): T => {
        if (++calls === moment) withdrawn = withdraw(disk, places, id)
        return work()
      }
      const files: typeof disk = {
        ...disk,
        read: (file) => at(() => disk.read(file)),
        stat: (file) => at(() => disk.stat(file)),
        write: (file, bytes, options) => at(() => disk.write(file, bytes, options)),
        rename: (from, to) => at(() => disk.rename(from, to)),
        unlink: (file) => at(() => disk.unlink(file)),
        flush: (paths) => at(() => disk.flush(paths)),
      }
      const carriedOut = await carrying(places, id, files)
        .carryOut()
        .then(
          () => true,
          (error: { code: string }) => error.code !== 'conflict',
        )
      expect(carriedOut).toBe(exists(places.runtime, `${AT.processed}/${id}.json`))
      expect(exists(places.runtime, AT.journal)).toBe(false)
      return { carriedOut, withdrawn: await (withdrawn ?? withdraw(disk, places, id)), calls }
    }
    const { calls } = await story(Number.POSITIVE_INFINITY)
    const outcomes = new Set<string>()
    for (let moment = 1; moment <= calls; moment++) {
      const { carriedOut, withdrawn } = await story(moment)
      expect(carriedOut && withdrawn).toBe(false)
      outcomes.add(`${carriedOut ? 'carried out' : 'not carried out'}, ${withdrawn ? 'withdrawn' : 'too late'}`)
    }
    expect([...outcomes]).toContain('not carried out, withdrawn')
    expect([...outcomes]).toContain('carried out, too late')
  })
})

test('nothing of the mailbox is written outside its folder', async () => {
  const places = workspace()
  const faulty = faultyFiles()
  await post(faulty.files, places, clock, 'pause', {}, 'operator')
  expect(new Set(faulty.steps.map((step) => path.dirname(step.path)))).toEqual(
    new Set([places.at(AT.incoming), places.at('state/mailbox')]),
  )
})
