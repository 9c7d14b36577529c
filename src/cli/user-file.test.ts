import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { disk } from '../store/files.ts'
import { readUserFile, USER_FILE_BYTES_MAX } from './user-file.ts'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-user-file-'))
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))
fs.writeFileSync(path.join(folder, 'task.md'), '# Task\n')
fs.symlinkSync('task.md', path.join(folder, 'link.md'))
fs.symlinkSync('nowhere', path.join(folder, 'broken.md'))
fs.truncateSync(path.join(folder, 'task.md'), 7)
fs.writeFileSync(path.join(folder, 'huge.md'), '')
fs.truncateSync(path.join(folder, 'huge.md'), USER_FILE_BYTES_MAX + 1)

const read = async (file: string, piped: readonly string[] = []) =>
  Buffer.from(
    await readUserFile(disk, file, folder, () => Readable.from(piped.map((chunk) => Buffer.from(chunk)))),
  ).toString('utf8')

describe('reading a file the user named', () => {
  it('gives its bytes, also through a link', async () => {
    expect(await read('task.md')).toBe('# Task\n')
    expect(await read(path.join(folder, 'link.md'))).toBe('# Task\n')
  })

  it('reads what is piped in for a dash', async () => {
    expect(await read('-', ['one ', 'two'])).toBe('one two')
  })

  it.each([
    ['taks.md', 'does not exist', 'did you mean task.md?'],
    ['broken.md', 'is a link to something', ''],
    ['sub/task.md', 'there is no folder', ''],
    ['task.md/x', 'does not exist', ''],
    ['.', 'is a folder', ''],
    ['/dev/null', 'not an ordinary file', 'write - instead'],
    ['huge.md', 'larger than 16 MiB', ''],
    ['a\0b', 'does not exist', ''],
  ])('refuses %j: %s', async (file, sentence, hint) => {
    await expect(read(file)).rejects.toMatchObject({
      code: 'file_unreadable',
      message: expect.stringContaining(sentence),
      ...(hint === '' ? {} : { hint: expect.stringContaining(hint) }),
    })
  })

  it('refuses more than the bound from a pipe', async () => {
    const half = 'x'.repeat(USER_FILE_BYTES_MAX / 2)
    await expect(read('-', [half, half, 'x'])).rejects.toMatchObject({ code: 'file_unreadable' })
  })
})
