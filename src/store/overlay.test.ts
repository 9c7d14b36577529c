import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { contents, temporaryFolder, write } from '../../test/rig/store.ts'
import { faultyFiles } from '../selftest/faulty-files.ts'
import { type FileOperation, payload } from './file-operation/file-operation.ts'
import { disk, type Files, hashBytes, readText } from './files.ts'
import { overlay } from './overlay.ts'

const put = (file: string, text: string): FileOperation => {
  return { op: 'put', path: file, content: { text }, expects: null, leaves: hashBytes(text) }
}
const move = (from: string, to: string, text: string, carried = true): FileOperation => {
  return { op: 'move', from, to, content: carried ? payload(text) : null, hash: hashBytes(text) }
}

function through(before: Record<string, string>, operations: FileOperation[], base: Files = disk) {
  const root = temporaryFolder()
  for (const [file, text] of Object.entries(before)) write(root, file, text)
  const files = overlay(base, root, { revision: 4, generation: 1, operations })
  const at = (file: string) => path.join(root, file)
  return {
    root,
    files,
    at,
    text: (file: string) => readText(files, at(file)),
    list: (folder: string) => files.list(at(folder))?.sort() ?? null,
  }
}

describe('through a pending record', () => {
  test('a document is where it will be, and nowhere else', () => {
    for (const carried of [true, false]) {
      const { text, list, files, at } = through({ 'queue/a.md': 'A', 'queue/b.md': 'B' }, [
        move('queue/a.md', 'active/a.md', 'A', carried),
      ])
      expect([text('queue/a.md'), text('active/a.md')]).toEqual([null, 'A'])
      expect([list('queue'), list('active')]).toEqual([['b.md'], ['a.md']])
      expect([files.stat(at('queue/a.md')), files.stat(at('active/a.md'))?.kind]).toEqual([null, 'file'])
    }
  })

  test('a folder that the transaction brings about is there, with its parents', () => {
    const { list, files, at, text } = through({ 'queue/a.md': 'A' }, [put('new/deep/b.md', 'B')])
    expect([list(''), list('new'), list('new/deep')]).toEqual([['new', 'queue'], ['deep'], ['b.md']])
    expect([files.stat(at('new'))?.kind, files.stat(at('new/deep'))?.kind]).toEqual(['directory', 'directory'])
    expect(text('new/deep/b.md')).toBe('B')
    expect([list('absent'), files.stat(at('absent'))]).toEqual([null, null])
  })

  test('a removed file is gone, and an emptied folder is still there', () => {
    const { list, text } = through({ 'queue/a.md': 'A' }, [{ op: 'remove', path: 'queue/a.md', hash: hashBytes('A') }])
    expect([list('queue'), text('queue/a.md')]).toEqual([[], null])
  })

  test('a folder that is discarded is gone with all that is in it, whether or not it has gone yet', () => {
    const discard: FileOperation = { op: 'discard', path: 'runs/a', to: 'trash/a.4' }
    const before = { 'runs/a/deep/x': 'X', 'runs/ab/y': 'Y' }
    const { list, text, files, at } = through(before, [discard])
    expect([list('runs'), list('runs/a'), list('runs/a/deep')]).toEqual([['ab'], null, null])
    expect([text('runs/a/deep/x'), files.stat(at('runs/a/deep/x')), files.stat(at('runs/a'))]).toEqual([
      null,
      null,
      null,
    ])
    expect(files.readRange(at('runs/a/deep/x'), 0, 1)).toBeNull()
    expect(text('runs/ab/y')).toBe('Y')
    expect(through({ 'runs/ab/y': 'Y', 'trash/a.4/deep/x': 'X' }, [discard]).list('runs')).toEqual(['ab'])
  })

  test('a log has its new lines once, whether they are written yet, torn, or whole', () => {
    const append: FileOperation = { op: 'append', path: 'log', offset: 2, content: payload('2\n3\n') }
    for (const found of ['1\n', '1\n2', '1\n2\n3\n']) {
      const { text, files, at } = through({ log: found }, [append])
      expect(text('log')).toBe('1\n2\n3\n')
      expect(files.stat(at('log'))?.bytes).toBe(6)
      expect(Buffer.from(files.readRange(at('log'), 2, 2) ?? '').toString()).toBe('2\n')
    }
  })

  test('a replaced file has its new text and size', () => {
    const { text, files, at } = through({ 'a.json': 'old' }, [put('a.json', 'wörter')])
    expect([text('a.json'), files.stat(at('a.json'))?.bytes]).toEqual(['wörter', 7])
    expect(files.stat(at('a.json'))?.mtimeNs).not.toBe(disk.stat(at('a.json'))?.mtimeNs)
  })

  test('a document that has arrived already stays, and so does a new file at its old place', () => {
    const { text } = through({ 'done/a.md': 'A', 'queue/a.md': 'somebody’s new one' }, [
      move('queue/a.md', 'done/a.md', 'A'),
    ])
    expect([text('done/a.md'), text('queue/a.md')]).toEqual(['A', 'somebody’s new one'])
  })

  test('what the transaction does not concern is read from the disk', () => {
    const { text, files, at } = through({ 'x/y': 'there' }, [put('z', 'Z')])
    expect([text('x/y'), text('nowhere')]).toEqual(['there', null])
    expect(files.stat(at('x/y'))).toEqual(disk.stat(at('x/y')))
  })

  test('nothing is written, and nothing is read before it is asked for', () => {
    const faulty = faultyFiles()
    const read: string[] = []
    const readRange: Files['readRange'] = (file, offset, length) => {
      read.push(file)
      return disk.readRange(file, offset, length)
    }
    const base = { ...faulty.files, readRange }
    const { root, text } = through(
      { log: '1\n' },
      [{ op: 'append', path: 'log', offset: 2, content: payload('2\n') }],
      base,
    )
    expect(read).toEqual([])
    text('log')
    expect(read.length).toBeGreaterThan(0)
    expect([faulty.steps, contents(root)]).toEqual([[], { log: '1\n' }])
  })
})
