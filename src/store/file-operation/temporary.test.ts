import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder, write } from '../../../test/rig/store.ts'
import { disk, hashBytes } from '../files.ts'
import { type FileOperation, payload } from './file-operation.ts'
import { dropTemporaries } from './temporary.ts'

describe('temporary files of other generations', () => {
  const left = { 'x/.a.md.2.tmp-millrace': 'stopped', 'x/.a.md.12.tmp-millrace': 'stopped too' }
  const others = {
    'x/.a.md.3.tmp-millrace': 'our own',
    'x/.a.md.tmp-millrace': 'no number',
    'x/.a.md.2.tmp-millrace.bak': 'no end',
    'x/.a.md.v2.tmp-millrace': 'not only a number',
    'x/.other.md.2.tmp-millrace': 'of another file',
    'x/a.md': 'the file itself',
  }
  const dropped = (operation: FileOperation) => {
    const root = temporaryFolder()
    for (const [file, text] of Object.entries({ ...left, ...others })) write(root, file, text)
    dropTemporaries({ files: disk, root, revision: 7, generation: 3, touched: new Set() }, operation)
    return fs.readdirSync(path.join(root, 'x')).sort()
  }
  const kept = Object.keys(others)
    .map((file) => path.basename(file))
    .sort()
  const all = [...kept, ...Object.keys(left).map((file) => path.basename(file))].sort()

  const content = payload('new\n')
  const hash = hashBytes('new\n')
  const put = (file: string): FileOperation => ({ op: 'put', path: file, content, expects: null, leaves: hash })

  test('are removed beside what is written, and nothing else is', () => {
    expect(dropped(put('x/a.md'))).toEqual(kept)
    expect(dropped({ op: 'move', from: 'a.md', to: 'x/a.md', content, hash })).toEqual(kept)
  })

  test('are left alone where nothing is written through one', () => {
    expect(dropped({ op: 'remove', path: 'x/a.md', hash })).toEqual(all)
    expect(dropped(put('nowhere/a.md'))).toEqual(all)
  })
})
