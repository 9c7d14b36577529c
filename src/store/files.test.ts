import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../test/rig/store.ts'
import { asMillraceError } from '../core/errors.ts'
import { disk } from './files.ts'

test('nothing lies at a path that no file system can have, and looking there is no error', () => {
  const root = temporaryFolder()
  fs.symlinkSync('loop', path.join(root, 'loop'))
  for (const name of ['absent', 'a\0b', 'x'.repeat(300), 'a/'.repeat(5000), 'loop/x']) {
    const at = path.join(root, name)
    expect([disk.stat(at), disk.read(at), disk.list(at), disk.realpath(at), disk.readRange(at, 0, 1)], name).toEqual(
      Array(5).fill(null),
    )
  }
})

test('a folder that lies where a file belongs is told with its path', () => {
  const root = temporaryFolder()
  expect(() => disk.read(root)).toThrow(/EISDIR/)
  try {
    disk.read(root)
  } catch (error) {
    expect(asMillraceError(error)).toMatchObject({ message: `A folder lies where a file belongs: ${root} (EISDIR).` })
  }
})
