import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { contents, exists, read, temporaryFolder, write } from '../../test/rig/store.ts'
import { MillraceError } from '../core/errors.ts'
import { type Faults, failAt, faultyFiles } from '../selftest/faulty-files.ts'
import { type FileOperation, payload } from './file-operation/file-operation.ts'
import { disk, hashBytes } from './files.ts'
import { decodeRecord, encodeRecord, Journal, type JournalOptions, RECORD_BYTES_MAX } from './journal.ts'

const FILE = 'state/journal.json'
const SNAPSHOT = 'state/snapshot.json'

/** What the process would end with. */
class Ended extends Error {}

function journalIn(root: string, changes: Partial<JournalOptions> = {}): Journal {
  fs.mkdirSync(path.join(root, 'state'), { recursive: true })
  const onFatal = (error: MillraceError): never => {
    throw new Ended(error.message, { cause: error })
  }
  return new Journal({ files: disk, root, file: FILE, generation: 3, guard: () => {}, onFatal, ...changes })
}

const put = (file: string, text: string, before: string | null = null): FileOperation => ({
  op: 'put',
  path: file,
  content: { text },
  expects: before === null ? null : hashBytes(before),
  leaves: hashBytes(text),
})
const move = (from: string, to: string, text: string): FileOperation => {
  return { op: 'move', from, to, content: payload(text), hash: hashBytes(text) }
}

/** One operation of each kind, the snapshot last, and the folder they are for. */
const BEFORE = {
  'queue/a.md': 'document\n',
  'log.jsonl': '1\n',
  'gone.md': 'to be removed\n',
  [SNAPSHOT]: '{"revision":1}',
}
const OPERATIONS: FileOperation[] = [
  put('new/b.md', 'a new one\n'),
  move('queue/a.md', 'done/a.md', 'document\n'),
  { op: 'append', path: 'log.jsonl', offset: 2, content: { text: '2\n' } },
  { op: 'remove', path: 'gone.md', hash: hashBytes('to be removed\n') },
  put(SNAPSHOT, '{"revision":2}', '{"revision":1}'),
]
const AFTER = {
  'done/a.md': 'document\n',
  'log.jsonl': '1\n2\n',
  'new/b.md': 'a new one\n',
  [SNAPSHOT]: '{"revision":2}',
}

function prepared(): string {
  const root = temporaryFolder()
  for (const [file, text] of Object.entries(BEFORE)) write(root, file, text)
  return root
}

const revisionIn = (root: string) => () => {
  try {
    return (JSON.parse(read(root, SNAPSHOT)) as { revision: number }).revision
  } catch {
    return null
  }
}

const code = (expected: string) => expect.objectContaining({ code: expected })

describe('a transaction', () => {
  test('carries out its operations and leaves no record', async () => {
    const root = prepared()
    await journalIn(root).commit({ revision: 2, operations: OPERATIONS })
    expect(contents(root)).toEqual(AFTER)
  })

  test('costs three flush rounds whatever its size', async () => {
    for (const size of [1, 60]) {
      const root = temporaryFolder()
      const faulty = faultyFiles()
      const operations = Array.from({ length: size }, (_, number) => put(`folder-${number % 7}/${number}.md`, 'text'))
      await journalIn(root, { files: faulty.files }).commit({ revision: 1, operations })
      expect(faulty.flushRounds).toBe(3)
      expect(Object.keys(contents(root))).toHaveLength(size)
    }
  })

  test('flushes its record before it touches anything, and everything it touched before the record goes', async () => {
    const root = prepared()
    const flushed: string[][] = []
    const events: string[] = []
    const faulty = faultyFiles({
      fail: ({ operation, path: file }) => {
        events.push(`${operation} ${path.relative(root, file)}`)
        return null
      },
    })
    const flush: typeof disk.flush = async (paths) => {
      flushed.push(paths.map((file) => path.relative(root, file)).sort())
      await faulty.files.flush(paths)
    }
    await journalIn(root, { files: { ...faulty.files, flush } }).commit({ revision: 2, operations: OPERATIONS })
    expect(events.slice(0, 2)).toEqual([`write ${FILE}`, `flush ${FILE}`])
    expect(events.slice(-3)).toEqual([expect.stringContaining('flush'), `unlink ${FILE}`, 'flush state'])
    const touched = ['', 'done', 'done/a.md', 'log.jsonl', 'new', 'new/b.md', 'queue', 'state', SNAPSHOT]
    expect(flushed).toEqual([['state', FILE], touched, ['state']])
  })

  const CHANGED = 'a.md was changed meanwhile'
  const remove: FileOperation = { op: 'remove', path: 'a.md', hash: hashBytes('old') }
  const append: FileOperation = { op: 'append', path: 'a.md', offset: 1, content: { text: 'x' } }

  test.each<[string, FileOperation, Record<string, string>, string]>([
    ['a file to replace was changed', put('a.md', 'new', 'old'), { 'a.md': 'edited' }, CHANGED],
    ['a file to replace is gone', put('a.md', 'new', 'old'), {}, CHANGED],
    ['a new file is there already', put('a.md', 'new'), { 'a.md': 'there' }, 'a.md exists already'],
    ['a folder lies where a file should', put('a.md', 'new'), { 'a.md/x': 'inside' }, 'a.md is not a plain file'],
    ['a document to move was changed', move('a.md', 'b.md', 'old'), { 'a.md': 'edited' }, CHANGED],
    ['a document to move is gone', move('a.md', 'b.md', 'old'), {}, CHANGED],
    [
      'the destination of a move is taken',
      move('a.md', 'b.md', 'old'),
      { 'a.md': 'old', 'b.md': 'other' },
      'b.md exists already',
    ],
    ['a log has grown', append, { 'a.md': 'two' }, CHANGED],
    ['a file to remove was changed', remove, { 'a.md': 'edited' }, CHANGED],
    ['a file to remove is gone', remove, {}, CHANGED],
  ])('is a conflict, with nothing written, when %s', async (_, operation, before, what) => {
    const root = temporaryFolder()
    for (const [file, text] of Object.entries(before)) write(root, file, text)
    const faulty = faultyFiles()
    const journal = journalIn(root, { files: faulty.files })
    const message = `${what}; nothing was written.`
    await expect(journal.commit({ revision: 1, operations: [put('first.md', 'x'), operation] })).rejects.toMatchObject({
      code: 'conflict',
      message,
      hint: 'run the command again',
    })
    expect(faulty.steps).toEqual([])
    expect(contents(root)).toEqual(before)
    expect(journal.degraded).toBe(false)
  })

  test('has each path only once', async () => {
    const root = prepared()
    const twice = [put('x.md', '1'), put('x.md', '2', '1')]
    await expect(journalIn(root).commit({ revision: 2, operations: twice })).rejects.toMatchObject({
      code: 'internal',
      message: 'a transaction has two operations on x.md',
    })
    const through = [move('queue/a.md', 'x.md', 'document\n'), put('x.md', '2', 'document\n')]
    await expect(journalIn(root).commit({ revision: 2, operations: through })).rejects.toEqual(code('internal'))
    expect(contents(root)).toEqual(BEFORE)
  })

  test('above 8 MiB is refused with nothing written', async () => {
    const root = prepared()
    const operations = [put('big', 'x'.repeat(RECORD_BYTES_MAX))]
    await expect(journalIn(root).commit({ revision: 2, operations })).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/^a transaction of 83\d{5} bytes is larger than 8388608$/),
    })
    expect(contents(root)).toEqual(BEFORE)
  })

  test('does not begin before the one before it has ended', async () => {
    const root = prepared()
    const journal = journalIn(root)
    const first = journal.commit({ revision: 2, operations: OPERATIONS })
    await expect(journal.commit({ revision: 3, operations: [put('x', 'y')] })).rejects.toMatchObject({
      code: 'internal',
      message: 'a transaction was begun before the one before it had ended',
    })
    await expect(journal.recover(() => 1)).rejects.toEqual(code('internal'))
    await first
    expect(contents(root)).toEqual(AFTER)
  })

  test('is taken back when a file it removes is withdrawn while the record is being written', async () => {
    const root = prepared()
    const flush: typeof disk.flush = async (paths) => {
      fs.rmSync(path.join(root, 'gone.md'), { force: true })
      await disk.flush(paths)
    }
    const journal = journalIn(root, { files: { ...disk, flush } })
    await expect(journal.commit({ revision: 2, operations: OPERATIONS })).rejects.toMatchObject({
      code: 'conflict',
      message: 'gone.md was taken away meanwhile; nothing was written.',
    })
    const { 'gone.md': _, ...rest } = BEFORE
    expect(contents(root)).toEqual(rest)
    expect(journal.degraded).toBe(false)
  })
})

describe('a holder who lost the lock', () => {
  const lost = new MillraceError('lock_lost', 'taken over')

  test('writes nothing more, wherever in a transaction it notices', async () => {
    for (let asked = 0; asked <= OPERATIONS.length + 1; asked++) {
      const root = prepared()
      const faulty = faultyFiles()
      let count = 0
      let stepsWhenLost = -1
      const guard = () => {
        if (count++ < asked) return
        stepsWhenLost = faulty.steps.length
        throw lost
      }
      const journal = journalIn(root, { files: faulty.files, guard })
      await expect(journal.commit({ revision: 2, operations: OPERATIONS })).rejects.toBe(lost)
      expect(faulty.steps).toHaveLength(stepsWhenLost)
      expect(exists(root, FILE)).toBe(asked > 0)
    }
  })

  test('retires nothing in recovery', async () => {
    const root = prepared()
    write(root, FILE, 'torn')
    const guard = () => {
      throw lost
    }
    await expect(journalIn(root, { guard }).recover(() => 1)).rejects.toBe(lost)
    expect(read(root, FILE)).toBe('torn')
  })
})

describe('a record that cannot be made durable', () => {
  const write_ = 1
  const flush = 2

  test.each([
    ['writing it fails', failAt(write_, 'ENOSPC'), 'ENOSPC'],
    ['flushing it fails', failAt(flush, 'EIO'), 'EIO'],
  ])('is taken back when %s, and the next transaction goes through', async (_, faults, errno) => {
    const root = prepared()
    const faulty = faultyFiles(faults)
    const journal = journalIn(root, { files: faulty.files })
    await expect(journal.commit({ revision: 2, operations: OPERATIONS })).rejects.toEqual(code(errno))
    expect(contents(root)).toEqual(BEFORE)
    expect(journal.degraded).toBe(false)
    expect(await journalIn(root).recover(revisionIn(root))).toBe('clean')
    await journal.commit({ revision: 2, operations: OPERATIONS })
    expect(contents(root)).toEqual(AFTER)
  })

  test.each([
    ['removed', failAt(flush, 'EIO', 2)],
    ['removed for good', { fail: (step) => (step.operation === 'flush' ? 'EIO' : null) } satisfies Faults],
  ])('ends the process if it cannot be %s either', async (_, faults) => {
    const root = prepared()
    const journal = journalIn(root, { files: faultyFiles(faults).files })
    await expect(journal.commit({ revision: 2, operations: OPERATIONS })).rejects.toMatchObject({
      message: 'The journal record could neither be written nor taken back.',
      cause: { code: 'workspace_unwritable', cause: { code: 'EIO' } },
    })
  })
})

describe('operations that fail half-way', () => {
  /** Numbers of the operations from the first after the durable point to the last. */
  const steps = async () => {
    const faulty = faultyFiles()
    await journalIn(prepared(), { files: faulty.files }).commit({ revision: 2, operations: OPERATIONS })
    return faulty.steps.slice(2)
  }

  test('leave the journal degraded, nothing else is committed, and recovery heals it', async () => {
    for (const step of await steps()) {
      const root = prepared()
      const faulty = faultyFiles(failAt(step.number, 'ENOSPC'))
      const journal = journalIn(root, { files: faulty.files })
      const hint = 'make room or mend the disk; the runtime goes on by itself'
      await expect(journal.commit({ revision: 2, operations: OPERATIONS })).rejects.toMatchObject({
        code: 'degraded',
        message: expect.stringMatching(/^A transaction could not be applied to the disk: ENOSPC: .+\.$/),
        hint,
        cause: { code: 'ENOSPC' },
      })
      expect(journal.degraded).toBe(true)
      await expect(journal.commit({ revision: 3, operations: [] })).rejects.toMatchObject({
        code: 'degraded',
        message: 'The last transaction is not applied to the disk yet.',
        hint,
      })
      expect(await journal.recover(revisionIn(root))).toBe('applied')
      expect(journal.degraded).toBe(false)
      expect(contents(root)).toEqual(AFTER)
      await journal.commit({ revision: 3, operations: [put('later.md', 'x')] })
      expect(contents(root)).toEqual({ ...AFTER, 'later.md': 'x' })
    }
  })

  test('are carried out even if the record has vanished meanwhile', async () => {
    const root = prepared()
    const journal = journalIn(root, { files: faultyFiles(failAt(4, 'EACCES')).files })
    await expect(journal.commit({ revision: 2, operations: OPERATIONS })).rejects.toEqual(code('degraded'))
    fs.rmSync(path.join(root, FILE))
    expect(await journal.recover(revisionIn(root))).toBe('applied')
    expect(contents(root)).toEqual(AFTER)
  })

  test('are carried out even if somebody put a newer snapshot there meanwhile', async () => {
    const root = prepared()
    const journal = journalIn(root, { files: faultyFiles(failAt(4, 'EACCES')).files })
    await expect(journal.commit({ revision: 2, operations: OPERATIONS })).rejects.toEqual(code('degraded'))
    write(root, SNAPSHOT, '{"revision":9}')
    expect(await journal.recover(revisionIn(root))).toBe('applied')
    expect(contents(root)).toMatchObject({ ...AFTER, [`${SNAPSHOT}.conflict-2`]: '{"revision":9}' })
  })

  test('stay degraded as long as the disk refuses', async () => {
    const root = prepared()
    const faulty = faultyFiles(failAt(4, 'ENOSPC', 10))
    const journal = journalIn(root, { files: faulty.files })
    await expect(journal.commit({ revision: 2, operations: OPERATIONS })).rejects.toEqual(code('degraded'))
    await expect(journal.recover(revisionIn(root))).rejects.toEqual(code('degraded'))
    expect(journal.degraded).toBe(true)
    faulty.faults = {}
    expect(await journal.recover(revisionIn(root))).toBe('applied')
    expect(contents(root)).toEqual(AFTER)
  })

  test('end the process after an input/output error, and a new one writes every byte again', async () => {
    for (const step of await steps()) {
      const root = prepared()
      const journal = journalIn(root, { files: faultyFiles(failAt(step.number, 'EIO')).files })
      await expect(journal.commit({ revision: 2, operations: OPERATIONS })).rejects.toMatchObject({
        message: 'The disk reported an input/output error.',
        cause: { code: 'workspace_unwritable', cause: { code: 'EIO' } },
      })
      await journalIn(root).recover(revisionIn(root))
      expect(contents(root)).toEqual(AFTER)
    }
  })
})

describe('recovery', () => {
  const record = encodeRecord({ revision: 2, generation: 1, operations: OPERATIONS })
  const withRecord = (bytes: Uint8Array) => {
    const root = prepared()
    fs.mkdirSync(path.join(root, 'state'), { recursive: true })
    fs.writeFileSync(path.join(root, FILE), bytes)
    return root
  }

  test('does nothing without a record', async () => {
    const root = prepared()
    expect(await journalIn(root).recover(revisionIn(root))).toBe('clean')
    expect(contents(root)).toEqual(BEFORE)
  })

  test('applies a whole record, once or any number of times', async () => {
    const root = withRecord(record)
    expect(await journalIn(root).recover(revisionIn(root))).toBe('applied')
    expect(contents(root)).toEqual(AFTER)
    expect(await journalIn(root).recover(revisionIn(root))).toBe('clean')
    fs.writeFileSync(path.join(root, FILE), record)
    expect(await journalIn(root).recover(revisionIn(root))).toBe('applied')
    expect(contents(root)).toEqual(AFTER)
  })

  test('removes a torn record, which never happened', async () => {
    const torn = [0, 1, 10, 40, 90, 91, record.length - 1].map((length) => record.subarray(0, length))
    torn.push(Buffer.alloc(record.length), Buffer.concat([record.subarray(0, 100), Buffer.alloc(record.length - 100)]))
    torn.push(Buffer.concat([record, Buffer.from('x')]), Buffer.concat([Buffer.from('x'), record]))
    torn.push(Buffer.from(record.toString().replace('\n', ' more\n')))
    for (const bytes of torn) {
      const root = withRecord(bytes)
      expect(await journalIn(root).recover(revisionIn(root))).toBe('torn')
      expect(contents(root)).toEqual(BEFORE)
    }
  })

  test('only retires a record older than the snapshot', async () => {
    const root = withRecord(record)
    write(root, SNAPSHOT, '{"revision":3}')
    expect(await journalIn(root).recover(revisionIn(root))).toBe('retired')
    expect(contents(root)).toEqual({ ...BEFORE, [SNAPSHOT]: '{"revision":3}' })
  })

  test('takes an unreadable snapshot for older than any record', async () => {
    for (const snapshot of ['', '{"revis', '\0'.repeat(14)]) {
      const root = withRecord(record)
      write(root, SNAPSHOT, snapshot)
      expect(await journalIn(root).recover(revisionIn(root))).toBe('applied')
      expect(contents(root)).toMatchObject(AFTER)
    }
  })

  test.each(['2', '12'])('refuses a record of the newer format %s and leaves it', async (format) => {
    const newer = Buffer.from(record.toString().replace('millrace-journal 1', `millrace-journal ${format}`))
    const root = withRecord(newer)
    await expect(journalIn(root).recover(revisionIn(root))).rejects.toMatchObject({
      code: 'state_newer',
      message: `The journal holds a transaction of format ${format}; this version of Millrace knows 1.`,
      hint: 'use the newer Millrace that wrote it',
    })
    expect(fs.readFileSync(path.join(root, FILE))).toEqual(newer)
  })

  /** A record whose checksum holds, whatever it says. */
  const sealed = (value: unknown): Buffer => encodeRecord(value as Parameters<typeof encodeRecord>[0])
  const whole = { revision: 2, generation: 1, operations: [] as unknown[] }

  test.each<[string, unknown]>([
    ['no object', null],
    ['no list of operations', { ...whole, operations: {} }],
    ['no revision', { ...whole, revision: 'two' }],
    ['no generation', { ...whole, generation: undefined }],
    ...[
      null,
      {},
      { op: 'chmod', path: 'a' },
      { op: 'constructor', path: 'a' },
      { op: 'remove', path: 'a' },
      { op: 'remove', hash: 'h' },
      { op: 'append', path: 'a', offset: '1', content: { text: 'x' } },
      { op: 'append', path: 'a', offset: 1, content: { bytes: 'x' } },
      { op: 'put', path: 'a', content: { text: 'x' }, leaves: 'h' },
      { op: 'put', path: 'a', content: null, expects: null, leaves: 'h' },
      { op: 'move', from: 'a', content: null, hash: 'h' },
      { op: 'move', from: 'a', to: 'b', content: { base64: 7 }, hash: 'h' },
    ].map((operation): [string, unknown] => [JSON.stringify(operation), { ...whole, operations: [operation] }]),
  ])('refuses a record nobody can have written, with %s in it, and leaves it', async (_, value) => {
    const root = withRecord(sealed(value))
    await expect(journalIn(root).recover(revisionIn(root))).rejects.toMatchObject({
      code: 'state_corrupt',
      message: 'The journal holds a transaction that Millrace cannot have written.',
      hint: expect.stringContaining('state/journal'),
    })
    expect(contents(root)).toMatchObject(BEFORE)
    expect(exists(root, FILE)).toBe(true)
  })

  test('removes what a holder before left half-written, so that it finds nothing to rename', async () => {
    const root = withRecord(record)
    const half = 'new/.b.md.1.tmp-millrace'
    write(root, half, 'half')
    await journalIn(root).recover(revisionIn(root))
    expect([exists(root, half), contents(root)]).toEqual([false, AFTER])
  })

  test('keeps what a person changed in between, and still ends', async () => {
    const root = withRecord(record)
    write(root, 'queue/a.md', 'edited\n')
    write(root, 'new/b.md', 'their own b\n')
    write(root, 'log.jsonl', '1\ntheirs\n')
    const kept: string[] = []
    const gaps: string[] = []
    const told = { onForeign: (file: string) => kept.push(file), onGap: (file: string) => gaps.push(file) }
    expect(await journalIn(root, told).recover(revisionIn(root))).toBe('applied')
    expect(contents(root)).toMatchObject({
      ...AFTER,
      'log.jsonl': '1\ntheirs\n2\n',
      'queue/a.md.conflict-2': 'edited\n',
      'new/b.md.conflict-2': 'their own b\n',
    })
    expect([kept.sort(), gaps]).toEqual([['new/b.md', 'queue/a.md'], ['log.jsonl']])
    expect(await journalIn(root).recover(revisionIn(root))).toBe('clean')
  })
})

test('a record reads back as it was written, whatever bytes it carries', () => {
  const operations: FileOperation[] = [
    put('a', 'wörter ☂ \u2028 \0'),
    { op: 'move', from: 'x', to: 'y', content: payload(Buffer.from([0, 200, 10])), hash: 'h' },
  ]
  const record = { revision: 9, generation: 4, operations }
  expect(decodeRecord(encodeRecord(record))).toEqual(record)
})
