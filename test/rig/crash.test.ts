/** The crash rig finds what it is there to find: stories that are not crash-safe fail on it, each for its own reason. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Files } from '../../src/core/files.ts'
import { CrashError, failAt, faultyFiles } from '../../src/selftest/faulty-files.ts'
import { seeded } from '../../src/selftest/virtual-clock.ts'
import { type CrashKind, crashEverywhere, type Story } from './crash.ts'
import { forgetfulDisk } from './power-loss.ts'
import { contents, temporaryFolder, write } from './store.ts'

/** A story that replaces `file` from old to new text; both, and nothing else, may be found there. */
const replacing = (run: (files: Files, file: string) => void | Promise<void>): Story => ({
  prepare: (root) => write(root, 'file', 'old text'),
  run: async (files, root) => run(files, path.join(root, 'file')),
  check(root) {
    const text = contents(root).file
    if (text !== 'old text' && text !== 'new text') throw new Error(`found ${JSON.stringify(text)}`)
  },
})
const crashed = (story: Story, kind: CrashKind) =>
  crashEverywhere(story, { kinds: [kind], losses: 20, keepFailed: false })

describe('crashing everywhere', () => {
  test('passes a story that writes beside, flushes and renames', async () => {
    const story = replacing(async (files, file) => {
      files.write(`${file}.new`, 'new text')
      await files.flush([`${file}.new`])
      files.rename(`${file}.new`, file)
    })
    const report = await crashEverywhere(story)
    expect(report.steps.map((step) => step.operation)).toEqual(['write', 'flush', 'rename'])
    // Four points to stop at, one write to tear, and two losses at each of four points.
    expect([report.flushRounds, report.crashes]).toEqual([1, 4 + 1 + 8])
  })

  test('finds a moment at which the file is gone', async () => {
    const story = replacing((files, file) => {
      files.unlink(file)
      files.write(file, 'new text')
    })
    await expect(crashed(story, 'stopped')).rejects.toThrow(
      /stopped after operation 1 \(unlink file\).*found undefined/,
    )
  })

  test('finds a write that may be torn, which stopping between operations does not', async () => {
    const story = replacing((files, file) => files.write(file, 'new text'))
    await crashed(story, 'stopped')
    await expect(crashed(story, 'torn')).rejects.toThrow('found "new "')
  })

  test('finds a missing flush, which only a power loss shows', async () => {
    const story = replacing((files, file) => {
      files.write(`${file}.new`, 'new text')
      files.rename(`${file}.new`, file)
    })
    await crashed(story, 'stopped')
    await crashed(story, 'torn')
    await expect(crashed(story, 'power')).rejects.toThrow('power after operation')
  })

  test('lets a later process go on, and checks once more', async () => {
    const seen: string[] = []
    const story: Story = {
      run: async (files, root) => files.write(path.join(root, 'a'), '1'),
      check: (root, { after, finished }) =>
        void seen.push(`${after}${finished ? ' finished' : ''}: ${Object.keys(contents(root))}`),
      finish: (files, root) => files.write(path.join(root, 'b'), '2'),
    }
    await crashEverywhere(story, { kinds: ['stopped'] })
    expect(seen).toEqual(['1: a', '0: ', '0 finished: b', '1: a', '1 finished: a,b'])
  })

  test('tells a failure of the story itself, and does not wait for one that hangs once it is dead', async () => {
    const wrong: Story = { run: () => Promise.reject(new Error('wrong')), check: () => {} }
    await expect(crashEverywhere(wrong, { keepFailed: false })).rejects.toThrow('wrong')
    const hanging: Story = {
      run: async (files, root) => {
        try {
          files.write(path.join(root, 'a'), '1')
          files.write(path.join(root, 'b'), '2')
        } catch {
          await new Promise(() => {})
        }
      },
      check: () => {},
    }
    const report = await crashEverywhere(hanging, { kinds: ['stopped'], graceMs: 5 })
    expect(report.crashes).toBe(3)
  })
})

describe('a faulty disk', () => {
  test('is dead after its last operation, for reading as well', () => {
    const root = temporaryFolder()
    const faulty = faultyFiles({ crashAfter: 1 })
    faulty.files.write(path.join(root, 'a'), '1')
    expect(() => faulty.files.read(path.join(root, 'a'))).toThrow(CrashError)
    expect(() => faulty.files.unlink(path.join(root, 'a'))).toThrow(CrashError)
    expect([faulty.crashed, contents(root)]).toEqual([true, { a: '1' }])
  })

  test('fails an operation without doing it, and goes on', () => {
    const root = temporaryFolder()
    const faulty = faultyFiles(failAt(2, 'ENOSPC'))
    faulty.files.write(path.join(root, 'a'), '1')
    expect(() => faulty.files.write(path.join(root, 'b'), '2')).toThrow(expect.objectContaining({ code: 'ENOSPC' }))
    faulty.files.write(path.join(root, 'c'), '3')
    expect(contents(root)).toEqual({ a: '1', c: '3' })
  })

  test('counts what changes something: not reading, and not making a folder that is there', async () => {
    const root = temporaryFolder()
    const { files, steps } = faultyFiles()
    files.makeFolder(root)
    files.makeFolder(path.join(root, 'x/y'))
    files.list(root)
    await files.flush([root, path.join(root, 'x')])
    expect(steps).toEqual([
      { number: 1, operation: 'makeFolder', path: path.join(root, 'x/y') },
      { number: 2, operation: 'flush', path: root },
    ])
  })
})

describe('a power loss', () => {
  /** Every outcome of many losses of the same story. */
  async function outcomes(story: (files: Files, root: string) => Promise<void>): Promise<Set<string>> {
    const found = new Set<string>()
    for (let seed = 0; seed < 60; seed++) {
      const root = temporaryFolder()
      write(root, 'a', 'durable')
      const { files, losePower } = forgetfulDisk(root)
      await story(files, root)
      losePower(seeded(seed))
      found.add(JSON.stringify(contents(root)))
      fs.rmSync(root, { recursive: true })
    }
    return found
  }

  test('may leave both names of a rename, one, or none', async () => {
    const found = await outcomes(async (files, root) => files.rename(path.join(root, 'a'), path.join(root, 'b')))
    expect(found).toEqual(new Set(['{}', '{"a":"durable"}', '{"b":"durable"}', '{"a":"durable","b":"durable"}']))
  })

  test('takes nothing of what was flushed', async () => {
    const found = await outcomes(async (files, root) => {
      files.write(path.join(root, 'b'), 'fresh')
      files.rename(path.join(root, 'a'), path.join(root, 'c'))
      await files.flush([path.join(root, 'b'), root])
    })
    expect(found).toEqual(new Set(['{"b":"fresh","c":"durable"}']))
  })

  test('may cut an append, but not into what was durable before it', async () => {
    const found = await outcomes(async (files, root) => files.append(path.join(root, 'a'), '+'))
    expect(found).toEqual(new Set(['{"a":"durable+"}', '{"a":"durable"}', '{"a":"durable\\u0000"}']))
  })

  test('may take a new folder with all that is in it', async () => {
    const found = await outcomes(async (files, root) => {
      files.makeFolder(path.join(root, 'x'))
      files.write(path.join(root, 'x/b'), 'fresh')
      await files.flush([path.join(root, 'x/b'), path.join(root, 'x')])
    })
    expect(found).toEqual(new Set(['{"a":"durable"}', '{"a":"durable","x/b":"fresh"}']))
  })
})
