import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { contents, exists, read, temporaryFolder, write } from '../../../test/rig/store.ts'
import { faultyFiles, quickDisk } from '../../selftest/faulty-files.ts'
import { disk, type Files, hashBytes } from '../files.ts'
import { applyOperation } from './apply.ts'
import { type Applying, type FileOperation, payload } from './file-operation.ts'

const REVISION = 7
const KEPT = `a.md.conflict-${REVISION}`

/** Applies an operation in a folder that holds `before`; gives what is there afterwards and what was told. */
async function applied(root: string, operation: FileOperation, files = disk) {
  const told: string[] = []
  const applying: Applying = {
    files,
    root,
    revision: REVISION,
    generation: 3,
    touched: new Set(),
    onForeign: (file, keptAs) => told.push(`${file} kept as ${keptAs}`),
    onGap: (file) => told.push(`gap in ${file}`),
  }
  await applyOperation(applying, operation)
  return { told, touched: [...applying.touched].map((file) => path.relative(root, file)).sort() }
}

function folderWith(before: Record<string, string>): string {
  const root = temporaryFolder()
  for (const [file, text] of Object.entries(before)) write(root, file, text)
  return root
}

const OLD = 'the old text\n'
const NEW = 'the new text, which is longer\n'
const THEIRS = 'what a person wrote\n'
const put: FileOperation = {
  op: 'put',
  path: 'a.md',
  content: payload(NEW),
  expects: hashBytes(OLD),
  leaves: hashBytes(NEW),
}
const create: FileOperation = { ...put, expects: null }
const move: FileOperation = { op: 'move', from: 'a.md', to: 'b.md', content: payload(OLD), hash: hashBytes(OLD) }
const remove: FileOperation = { op: 'remove', path: 'a.md', hash: hashBytes(OLD) }

/** What a crash may leave of a file that was being written. */
const TORN: [string, string][] = [
  ['an empty file', ''],
  ['a prefix', NEW.slice(0, 9)],
  ['zeros', '\0'.repeat(NEW.length)],
  ['a prefix and zeros', `${NEW.slice(0, 9)}\0\0\0`],
]

describe('a put', () => {
  test.each<[string, Record<string, string>]>([
    ['nothing', {}],
    ['the bytes it expects', { 'a.md': OLD }],
    ['the bytes it leaves', { 'a.md': NEW }],
    ...TORN.map(([what, text]): [string, Record<string, string>] => [what, { 'a.md': text }]),
    ['its own torn temporary file', { 'a.md': OLD, '.a.md.3.tmp-millrace': NEW.slice(0, 5) }],
  ])('that finds %s leaves its bytes and nothing else', async (_, before) => {
    for (const operation of [put, create]) {
      const root = folderWith(before)
      // Only a changed file is foreign to a put that expects none.
      if (operation === create && before['a.md'] === OLD) continue
      expect((await applied(root, operation)).told).toEqual([])
      expect(contents(root)).toEqual({ 'a.md': NEW })
      await applied(root, operation)
      expect(contents(root)).toEqual({ 'a.md': NEW })
    }
  })

  test.each([
    ['in its way', create, {}],
    ['over what it replaces', put, { 'a.md': OLD }],
  ])('keeps what a person saves %s while it is being written', async (_, operation, before) => {
    const root = folderWith(before)
    const write: Files['write'] = (file, bytes, options) => {
      disk.write(file, bytes, options)
      if (file.endsWith('.tmp-millrace') && !file.includes('findings'))
        fs.writeFileSync(path.join(root, 'a.md'), THEIRS)
    }
    expect((await applied(root, operation, { ...disk, write })).told).toEqual([`a.md kept as ${KEPT}`])
    expect(read(root, 'a.md')).toBe(NEW)
    expect(read(root, KEPT)).toBe(THEIRS)
  })

  test('never writes into its temporary file, which may be a second name of what a person edits', async () => {
    const root = folderWith({ 'a.md': THEIRS })
    fs.linkSync(path.join(root, 'a.md'), path.join(root, '.a.md.3.tmp-millrace'))
    await applied(root, put)
    expect(read(root, 'a.md')).toBe(NEW)
    expect(read(root, KEPT)).toBe(THEIRS)
    expect(exists(root, '.a.md.3.tmp-millrace')).toBe(false)
  })

  test('keeps what a person left in its way, with a note', async () => {
    const root = folderWith({ 'a.md': THEIRS })
    expect((await applied(root, put)).told).toEqual([`a.md kept as ${KEPT}`])
    expect(read(root, 'a.md')).toBe(NEW)
    expect(read(root, KEPT)).toBe(THEIRS)
    expect(JSON.parse(read(root, `${KEPT}.findings.json`))).toEqual({
      file: 'a.md',
      kept_as: KEPT,
      revision: REVISION,
      found: `This had been changed by someone while a transaction was being carried out; what they left is in ${KEPT}.`,
    })
    await applied(root, put)
    expect(Object.keys(contents(root))).toEqual(['a.md', KEPT, `${KEPT}.findings.json`])
  })

  test('has the foreign bytes on the device before it writes over them', async () => {
    const root = folderWith({ 'a.md': THEIRS })
    const faulty = faultyFiles()
    await applied(root, put, faulty.files)
    const order = faulty.steps.map(({ operation, path: file }) => `${operation} ${path.relative(root, file)}`)
    const inOrder = [`link ${KEPT}`, `flush ${KEPT}`, 'rename a.md']
    expect(order.filter((step) => inOrder.includes(step))).toEqual(inOrder)
  })

  test('has the note and the folder of what it kept on the device as well', async () => {
    const flushedOf = async (before: Record<string, string>) => {
      const root = folderWith(before)
      const flushed: string[][] = []
      const flush: Files['flush'] = (paths) => {
        flushed.push(paths.map((file) => path.relative(root, file)))
        return disk.flush(paths)
      }
      await applied(root, put, { ...disk, flush })
      return flushed
    }
    const note = `${KEPT}.findings.json`
    expect(await flushedOf({ 'a.md': THEIRS })).toEqual([[KEPT, note, '']])
    expect(await flushedOf({ 'a.md/inside': THEIRS })).toEqual([[note, '']])
  })

  test('changes nothing where its bytes are already', async () => {
    const root = folderWith({ 'a.md': NEW })
    const faulty = faultyFiles()
    const { touched } = await applied(root, put, faulty.files)
    expect(faulty.steps).toEqual([])
    expect(touched).toEqual(['', 'a.md'])
  })

  test('writes a file whose name is as long as a file system allows', async () => {
    const longest = `${'x'.repeat(252)}.md`
    const root = temporaryFolder()
    await applied(root, { ...create, path: longest })
    expect(contents(root)).toEqual({ [longest]: NEW })
  })

  test('leaves a note alone that is there already', async () => {
    const root = folderWith({ 'a.md': THEIRS, [`${KEPT}.findings.json`]: 'a note of mine\n' })
    await applied(root, put)
    expect([read(root, KEPT), read(root, `${KEPT}.findings.json`)]).toEqual([THEIRS, 'a note of mine\n'])
  })

  test('gives a second folder in its way a name of its own', async () => {
    const root = folderWith({ 'a.md/first.md': '1' })
    await applied(root, create)
    fs.rmSync(path.join(root, 'a.md'))
    write(root, 'a.md/second.md', '2')
    expect((await applied(root, create)).told).toEqual([`a.md kept as ${KEPT}.2`])
    expect(contents(root)).toMatchObject({ 'a.md': NEW, [`${KEPT}/first.md`]: '1', [`${KEPT}.2/second.md`]: '2' })
  })

  test('gives up, with every edit kept, where somebody changes the file a hundred times', async () => {
    const root = temporaryFolder()
    for (let edits = 1; edits <= 100; edits++) {
      write(root, 'a.md', `edit ${edits}\n`)
      await applied(root, put, quickDisk)
    }
    expect(read(root, `${KEPT}.100`)).toBe('edit 100\n')
    write(root, 'a.md', 'one more\n')
    await expect(applied(root, put, quickDisk)).rejects.toThrow(
      'a.md was changed by others more than 100 times during one transaction',
    )
    expect(read(root, 'a.md')).toBe('one more\n')
  })

  test('writes over nothing that could not be kept', async () => {
    const root = folderWith({ 'a.md': THEIRS })
    const faulty = faultyFiles({ fail: (step) => (step.operation === 'link' ? 'EIO' : null) })
    await expect(applied(root, put, faulty.files)).rejects.toThrow('EIO')
    expect(contents(root)).toEqual({ 'a.md': THEIRS })
  })

  test('keeps the bytes of every edit when a person comes back between two attempts', async () => {
    const root = folderWith({ 'a.md': THEIRS })
    await applied(root, put)
    write(root, 'a.md', 'their second edit\n')
    expect((await applied(root, put)).told).toEqual([`a.md kept as ${KEPT}.2`])
    expect([read(root, KEPT), read(root, `${KEPT}.2`), read(root, 'a.md')]).toEqual([
      THEIRS,
      'their second edit\n',
      NEW,
    ])
  })

  test('writes the note that a crash left out, and keeps the bytes once', async () => {
    const root = folderWith({ 'a.md': THEIRS })
    fs.linkSync(path.join(root, 'a.md'), path.join(root, KEPT))
    await applied(root, put)
    expect(Object.keys(contents(root))).toEqual(['a.md', KEPT, `${KEPT}.findings.json`])
    expect([read(root, 'a.md'), read(root, KEPT)]).toEqual([NEW, THEIRS])
  })

  test('moves a folder or a link to nowhere out of its way', async () => {
    const root = folderWith({ 'a.md/inside.md': THEIRS })
    expect((await applied(root, create)).told).toEqual([`a.md kept as ${KEPT}`])
    expect([read(root, 'a.md'), read(root, `${KEPT}/inside.md`)]).toEqual([NEW, THEIRS])

    const other = temporaryFolder()
    fs.symlinkSync('nowhere', path.join(other, 'a.md'))
    await applied(other, create)
    expect(read(other, 'a.md')).toBe(NEW)
    expect(fs.readlinkSync(path.join(other, KEPT))).toBe('nowhere')
  })

  test('copies foreign bytes where the file system has no hard links', async () => {
    const root = folderWith({ 'a.md': THEIRS })
    const faulty = faultyFiles({ fail: (step) => (step.operation === 'link' ? 'EPERM' : null) })
    await applied(root, put, faulty.files)
    expect([read(root, 'a.md'), read(root, KEPT)]).toEqual([NEW, THEIRS])
  })

  test('makes the folders it needs and names each for the flush', async () => {
    const root = temporaryFolder()
    const { touched } = await applied(root, { ...create, path: 'x/y/a.md' })
    expect(read(root, 'x/y/a.md')).toBe(NEW)
    expect(touched).toEqual(['', 'x', 'x/y', 'x/y/a.md'])
  })
})

describe('a move', () => {
  const both = (from: string | null, to: string | null) => ({
    ...(from === null ? {} : { 'a.md': from }),
    ...(to === null ? {} : { 'b.md': to }),
  })

  test.each<[string, Record<string, string>]>([
    ['only the source', both(OLD, null)],
    ['only the destination, moved already', both(null, OLD)],
    ['neither, after the disk lost both names', both(null, null)],
    ['the source and an empty destination', both(OLD, '')],
    ['a torn source', both(OLD.slice(0, 4), null)],
    ['a torn destination and no source', both(null, OLD.slice(0, 4))],
    ['zeros at the destination', both(OLD, '\0'.repeat(OLD.length))],
  ])('that finds %s leaves the document at its destination only', async (_, before) => {
    const root = folderWith(before)
    expect((await applied(root, move)).told).toEqual([])
    expect(contents(root)).toEqual({ 'b.md': OLD })
    await applied(root, move)
    expect(contents(root)).toEqual({ 'b.md': OLD })
  })

  test('that was linked but not yet unlinked drops the old name', async () => {
    const root = folderWith({ 'a.md': OLD })
    fs.linkSync(path.join(root, 'a.md'), path.join(root, 'b.md'))
    await applied(root, move)
    expect(contents(root)).toEqual({ 'b.md': OLD })
  })

  test('that was linked and then edited keeps the edit beside the document', async () => {
    const root = folderWith({ 'a.md': THEIRS })
    fs.linkSync(path.join(root, 'a.md'), path.join(root, 'b.md'))
    await applied(root, move)
    expect(contents(root)).toMatchObject({ 'b.md': OLD, [`b.md.conflict-${REVISION}`]: THEIRS })
    expect(exists(root, 'a.md')).toBe(false)
  })

  test('leaves a new file at the source alone once the document has arrived', async () => {
    for (const fresh of [THEIRS, OLD]) {
      const root = folderWith({ 'a.md': fresh, 'b.md': OLD })
      expect((await applied(root, move)).told).toEqual([])
      expect(contents(root)).toEqual({ 'a.md': fresh, 'b.md': OLD })
    }
  })

  test('keeps a foreign destination beside it', async () => {
    const root = folderWith({ 'a.md': OLD, 'b.md': THEIRS })
    expect((await applied(root, move)).told).toEqual([`b.md kept as b.md.conflict-${REVISION}`])
    expect(contents(root)).toMatchObject({ 'b.md': OLD, [`b.md.conflict-${REVISION}`]: THEIRS })
    expect(exists(root, 'a.md')).toBe(false)
  })

  test('keeps an edited source beside it and delivers what was decided on', async () => {
    const root = folderWith({ 'a.md': THEIRS })
    await applied(root, move)
    expect(contents(root)).toMatchObject({ 'b.md': OLD, [KEPT]: THEIRS })
    expect(exists(root, 'a.md')).toBe(false)
  })

  test('lists no folder, unless the file system folds the case of names', async () => {
    const root = folderWith({ 'a.md': OLD })
    const listed: string[] = []
    const list: Files['list'] = (folder) => {
      listed.push(folder)
      return disk.list(folder)
    }
    await applied(root, move, { ...disk, list })
    expect([listed, contents(root)]).toEqual([[], { 'b.md': OLD }])
  })

  test('takes a document under the name in other letters for another one', async () => {
    // What a file system that folds case answers, on one that does not.
    const folded = (file: string) => path.join(path.dirname(file), path.basename(file).toLowerCase())
    const folding: Files = { ...disk, stat: (file) => disk.stat(folded(file)), read: (file) => disk.read(folded(file)) }
    const root = folderWith({ 'b.md': OLD })
    const renamed: FileOperation = {
      op: 'move',
      from: 'B.md',
      to: 'done/B.md',
      content: payload(OLD),
      hash: hashBytes(OLD),
    }
    await applied(root, renamed, folding)
    expect(contents(root)).toEqual({ 'b.md': OLD, 'done/B.md': OLD })
  })

  test('of a document too large to carry takes along what lies at the source', async () => {
    const root = folderWith({ 'a.md': THEIRS })
    await applied(root, { ...move, to: 'new/b.md', content: null })
    expect(contents(root)).toEqual({ 'new/b.md': THEIRS })
  })

  test('of a document too large to carry leaves an edit at the destination alone', async () => {
    const root = folderWith({ 'b.md': THEIRS })
    expect((await applied(root, { ...move, content: null })).told).toEqual([])
    expect(contents(root)).toEqual({ 'b.md': THEIRS })
  })

  test('puts folders out of its way, at both ends', async () => {
    const root = folderWith({ 'a.md/x': '1', 'b.md/y': '2' })
    await applied(root, move)
    expect(contents(root)).toMatchObject({ 'b.md': OLD, [`${KEPT}/x`]: '1', [`b.md.conflict-${REVISION}/y`]: '2' })
  })

  test('of a document too large to carry has its new name on the device before the old one goes', async () => {
    const order = async (operation: FileOperation) => {
      const root = folderWith({ 'a.md': OLD })
      const faulty = faultyFiles()
      const flushed: string[][] = []
      const flush: Files['flush'] = (paths) => {
        flushed.push(paths.map((file) => path.relative(root, file)).sort())
        return faulty.files.flush(paths)
      }
      await applied(root, operation, { ...faulty.files, flush })
      return [faulty.steps.map((step) => step.operation), flushed]
    }
    expect(await order({ ...move, to: 'done/b.md', content: null })).toEqual([
      ['makeFolder', 'link', 'flush', 'unlink'],
      [['', 'done', 'done/b.md']],
    ])
    expect(await order(move)).toEqual([['link', 'unlink'], []])
  })

  test('takes files of two devices that happen to have one number for two', async () => {
    const root = folderWith({ 'a.md': THEIRS, 'b.md': OLD })
    const stat: Files['stat'] = (file) => {
      const found = disk.stat(file)
      return found && { ...found, inode: '7', device: file.endsWith('a.md') ? '1' : '2' }
    }
    await applied(root, move, { ...disk, stat })
    expect(contents(root)).toEqual({ 'a.md': THEIRS, 'b.md': OLD })
  })

  const unlinkable = (code: string) => faultyFiles({ fail: (step) => (step.operation === 'link' ? code : null) })

  test.each(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])(
    'renames where linking fails with %s',
    async (code) => {
      const root = folderWith({ 'a.md': OLD })
      const faulty = unlinkable(code)
      await applied(root, move, faulty.files)
      expect(contents(root)).toEqual({ 'b.md': OLD })
      expect(faulty.steps.map((step) => step.operation)).toEqual(['link', 'rename'])
    },
  )

  test('writes what it carries where the destination is on another device', async () => {
    const root = folderWith({ 'a.md': OLD })
    const faulty = unlinkable('EXDEV')
    await applied(root, move, faulty.files)
    expect(contents(root)).toEqual({ 'b.md': OLD })
    expect(faulty.steps.map((step) => step.operation)).toEqual(['link', 'write', 'rename', 'unlink'])
  })

  test('of a document too large to carry renames it, or leaves it where it is', async () => {
    const root = folderWith({ 'a.md': OLD })
    const faulty = faultyFiles({ fail: ({ operation }) => (/link|rename/.test(operation) ? 'EXDEV' : null) })
    await expect(applied(root, { ...move, content: null }, faulty.files)).rejects.toThrow('EXDEV')
    expect(contents(root)).toEqual({ 'a.md': OLD })
    await applied(root, { ...move, content: null }, unlinkable('EXDEV').files)
    expect(contents(root)).toEqual({ 'b.md': OLD })
  })

  test('of a document too large to carry puts a folder out of its way and invents nothing', async () => {
    const root = folderWith({ 'a.md/x': '1' })
    expect((await applied(root, { ...move, content: null })).told).toEqual([`a.md kept as ${KEPT}`])
    expect(contents(root)).toMatchObject({ [`${KEPT}/x`]: '1' })
    expect([exists(root, 'a.md'), exists(root, 'b.md')]).toEqual([false, false])
  })

  test('of a document that is gone leaves one alone whose name differs in case', async () => {
    const root = folderWith({ 'A.md': THEIRS })
    await applied(root, move)
    expect(contents(root)).toEqual({ 'A.md': THEIRS, 'b.md': OLD })
  })

  test('does not take a failing unlink for a file system without links', async () => {
    const root = folderWith({ 'a.md': OLD })
    const faulty = faultyFiles({ fail: (step) => (step.operation === 'unlink' ? 'EPERM' : null) })
    await expect(applied(root, move, faulty.files)).rejects.toThrow('EPERM')
    await applied(root, move)
    expect(contents(root)).toEqual({ 'b.md': OLD })
  })
})

describe('an append', () => {
  test('stands on a line of its own, even if half a line of others comes in between in the same moment', async () => {
    const line: FileOperation = { op: 'append', path: 'log.jsonl', offset: 2, content: payload('{"ours":1}\n') }
    const root = folderWith({ 'log.jsonl': '1\n' })
    let isFirst = true
    const append: Files['append'] = (file, bytes) => {
      if (isFirst) fs.appendFileSync(file, '{"theirs"')
      isFirst = false
      disk.append(file, bytes)
    }
    await applied(root, line, { ...disk, append })
    expect(read(root, 'log.jsonl').split('\n')).toContain('{"ours":1}')
    const once = read(root, 'log.jsonl')
    await applied(root, line)
    expect(read(root, 'log.jsonl')).toBe(once)
  })

  const LINES = '{"n":2}\n{"n":3}\n'
  const before = '{"n":1}\n'
  const append: FileOperation = { op: 'append', path: 'log.jsonl', offset: before.length, content: payload(LINES) }

  test.each<[string, string]>([
    ['the file as it was', before],
    ['its bytes already', `${before}${LINES}`],
    ['a torn end of its own', `${before}${LINES.slice(0, 3)}`],
    ['one whole line of two', `${before}${LINES.slice(0, 8)}`],
    ['zeros where its bytes should be', `${before}${'\0'.repeat(LINES.length)}`],
    ['a prefix and zeros', `${before}{"n"\0\0\0`],
  ])('that finds %s leaves them there once', async (_, found) => {
    const root = folderWith({ 'log.jsonl': found })
    for (let attempt = 0; attempt < 3; attempt++) {
      expect((await applied(root, append)).told).toEqual([])
      expect(read(root, 'log.jsonl')).toBe(`${before}${LINES}`)
    }
  })

  test('that finds its bytes, and behind them what came later, adds nothing', async () => {
    const root = folderWith({ 'log.jsonl': `${before}${LINES}a later line\n` })
    expect((await applied(root, append)).told).toEqual([])
    expect(read(root, 'log.jsonl')).toBe(`${before}${LINES}a later line\n`)
  })

  test('cuts nothing that somebody wrote behind a torn end', async () => {
    const torn = `${before}${'\0'.repeat(LINES.length)}theirs\n`
    const root = folderWith({ 'log.jsonl': torn })
    expect((await applied(root, append)).told).toEqual(['gap in log.jsonl'])
    expect(read(root, 'log.jsonl')).toBe(`${torn}${LINES}`)
  })

  test('puts a folder, or a link to nowhere, out of its way', async () => {
    const kept = `log.jsonl.conflict-${REVISION}`
    const root = folderWith({ 'log.jsonl/inside': THEIRS })
    expect((await applied(root, { ...append, offset: 0 })).told).toEqual([`log.jsonl kept as ${kept}`])
    expect([read(root, 'log.jsonl'), read(root, `${kept}/inside`)]).toEqual([LINES, THEIRS])
    const other = temporaryFolder()
    fs.symlinkSync('nowhere', path.join(other, 'log.jsonl'))
    await applied(other, { ...append, offset: 0 })
    expect(read(other, 'log.jsonl')).toBe(LINES)
    expect(fs.readlinkSync(path.join(other, kept))).toBe('nowhere')
  })

  test('creates the file', async () => {
    const root = temporaryFolder()
    await applied(root, { ...append, path: 'logs/log.jsonl', offset: 0 })
    expect(read(root, 'logs/log.jsonl')).toBe(LINES)
  })

  test.each<[string, string, string]>([
    ['somebody wrote in between', `${before}theirs\n`, `${before}theirs\n${LINES}`],
    ['somebody wrote without a line end', `${before}theirs`, `${before}theirs\n${LINES}`],
    ['the file was cut', '{"ot', `{"ot\n${LINES}`],
    ['the file was emptied', '', LINES],
    ['a torn end follows what somebody wrote', `${before}theirs\n{"n":2}\n{"n`, `${before}theirs\n${LINES}`],
  ])('goes on at the end, on a line of its own, when %s', async (_, found, left) => {
    const root = folderWith({ 'log.jsonl': found })
    expect((await applied(root, append)).told).toEqual(['gap in log.jsonl'])
    expect(read(root, 'log.jsonl')).toBe(left)
    expect((await applied(root, append)).told).toEqual([])
    expect(read(root, 'log.jsonl')).toBe(left)
  })

  test.each([
    ['a short file', before],
    ['a file longer than the link', before.repeat(9)],
  ])('follows a link to the file that is really meant, be it %s', async (_, there) => {
    const root = folderWith({ 'elsewhere/log.jsonl': there })
    fs.symlinkSync('elsewhere/log.jsonl', path.join(root, 'log.jsonl'))
    for (let attempt = 0; attempt < 2; attempt++) {
      expect((await applied(root, { ...append, offset: there.length })).told).toEqual([])
      expect(read(root, 'elsewhere/log.jsonl')).toBe(`${there}${LINES}`)
    }
    expect(fs.readlinkSync(path.join(root, 'log.jsonl'))).toBe('elsewhere/log.jsonl')
  })
})

describe('a removal', () => {
  test('takes the file away, and is done when it is gone', async () => {
    const root = folderWith({ 'a.md': OLD })
    await applied(root, remove)
    expect(contents(root)).toEqual({})
    await applied(root, remove)
    expect(contents(root)).toEqual({})
  })

  test('is done when the file goes away while it is looked at', async () => {
    const root = folderWith({ 'a.md': THEIRS })
    const faulty = faultyFiles({}, { ...disk, read: () => null })
    expect((await applied(root, remove, faulty.files)).told).toEqual([])
    expect(faulty.steps).toEqual([])
  })

  test('keeps what was changed meanwhile under another name', async () => {
    const root = folderWith({ 'a.md': THEIRS })
    expect((await applied(root, remove)).told).toEqual([`a.md kept as ${KEPT}`])
    expect(contents(root)).toMatchObject({ [KEPT]: THEIRS })
    expect(exists(root, 'a.md')).toBe(false)
  })
})

describe('a discard', () => {
  const discard: FileOperation = { op: 'discard', path: 'runs/a', to: 'trash/a.7' }

  test('takes a folder away whole, and is done when it is gone', async () => {
    const root = folderWith({ 'runs/a/x': 'X', 'runs/b/y': 'Y' })
    const { touched } = await applied(root, discard)
    expect(contents(root)).toEqual({ 'trash/a.7/x': 'X', 'runs/b/y': 'Y' })
    expect(touched).toEqual(expect.arrayContaining(['runs', 'trash']))
    await applied(root, discard)
    expect(contents(root)).toEqual({ 'trash/a.7/x': 'X', 'runs/b/y': 'Y' })
  })

  test('takes away what a loss of power left under both names', async () => {
    const root = folderWith({ 'runs/a/x': 'X', 'trash/a.7/x': 'X' })
    await applied(root, discard)
    expect(contents(root)).toEqual({ 'trash/a.7/x': 'X', 'trash/a.7.again/x': 'X' })
  })

  test('takes a file away as well, and has nothing to do where it was deleted since', async () => {
    const root = folderWith({ 'runs/a': 'A' })
    await applied(root, discard)
    expect(contents(root)).toEqual({ 'trash/a.7': 'A' })
    expect(contents(folderWith({}))).toEqual({})
  })
})
