/** What looking at ten thousand items asks of the disk: counted through the files port, and of the built command by strace. */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ls as queueLs } from '../../src/operations/queue/queue.ts'
import { ls as runsLs } from '../../src/operations/runs/runs.ts'
import { status } from '../../src/operations/status/status.ts'
import { contextIn } from '../rig/context.ts'
import { type Call, countingFiles } from '../rig/counting-files.ts'
import { Rig } from '../rig/runtime.ts'

const REPOSITORY = path.resolve(import.meta.dirname, '../..')
const ITEMS = 10_000
const SHOWN = 50
const OPENED_MAX = 30
const FILL_MS_MAX = 120_000

let rig: Rig

beforeAll(async () => {
  rig = await Rig.create()
  for (let number = 0; number < ITEMS; number++) rig.addTask(`task-${number}`)
  for (let number = 0; number < 200; number++)
    fs.mkdirSync(rig.at('runs', `run-${number}`, 'stage_requests'), { recursive: true })
  await new Promise((resolve) => setTimeout(resolve, 3500)) // what was written a moment ago is not copied
  await rig.open()
  await rig.close()
}, FILL_MS_MAX)
afterAll(() => rig.dispose())

const isDocument = (file: string): boolean => /\/tasks\/queue\/task-\d+\.md$/.test(file)

describe('through the files port', () => {
  const opening: readonly Call['operation'][] = ['read', 'readRange', 'open']
  async function opened(look: (context: ReturnType<typeof contextIn>) => Promise<unknown>): Promise<string[]> {
    const disk = countingFiles()
    await look(contextIn(rig.root, { files: disk.files }))
    return disk.take().flatMap(({ operation, path: file }) => (opening.includes(operation) ? [file] : []))
  }

  test('status opens at most 30 files, none of them a document', async () => {
    const files = await opened(async (context) => {
      expect(await status.run(context, {})).toMatchObject({ queue_depths: { task: { queued: ITEMS } } })
    })
    expect(files.filter(isDocument)).toEqual([])
    expect(files.length).toBeLessThanOrEqual(OPENED_MAX)
    expect(files.length).toBeGreaterThan(3)
  })

  test('a listing of 50 items reads no more documents than it shows, also once some were changed', async () => {
    const look = (context: ReturnType<typeof contextIn>) => queueLs.run(context, { limit: SHOWN })
    const files = await opened(async (context) => {
      const { items, item_count } = await look(context)
      expect([items.length, item_count]).toEqual([SHOWN, ITEMS])
    })
    expect(files.filter(isDocument)).toEqual([])
    const changed = [3, 4000, 9999].map((number) => rig.at('tasks/queue', `task-${number}.md`))
    for (const file of changed) fs.appendFileSync(file, '\nOne word more.\n')
    expect((await opened(look)).filter(isDocument).sort()).toEqual(changed.sort())
  })

  test('a listing of runs opens the records of those it shows only', async () => {
    const files = await opened((context) => runsLs.run(context, { limit: 5 }))
    const runs = new Set(files.flatMap((file) => /\/runs\/([^/]+)\//.exec(file)?.[1] ?? []))
    expect(runs.size).toBeLessThanOrEqual(5)
  })
})

const STRACE = 'strace'
const hasStrace = spawnSync(STRACE, ['-V']).status === 0
const skipped = hasStrace ? '' : ' (SKIPPED: there is no strace on this machine)'

describe.skipIf(!hasStrace)(`by strace of the built command${skipped}`, () => {
  /** Files, not folders, that a command opened below the workspace and the package. */
  function opened(...words: string[]): string[] {
    const trace = path.join(rig.root, 'trace.txt')
    const program = path.join(REPOSITORY, 'dist/millrace.js')
    const call = ['-f', '-s', '4096', '-e', 'trace=open,openat', '-o', trace, process.execPath, program, ...words]
    const done = spawnSync(STRACE, call, { cwd: rig.root, encoding: 'utf8', maxBuffer: 2 ** 26 })
    expect(done.stderr).toBe('')
    expect(done.status).toBe(0)
    return fs
      .readFileSync(trace, 'utf8')
      .split('\n')
      .filter((line) => !line.includes('O_DIRECTORY') && /( = \d+|<unfinished \.\.\.>)$/.test(line))
      .flatMap((line) => /"(\/[^"]+)"/.exec(line)?.[1] ?? [])
      .filter((file) => [rig.root, REPOSITORY].some((folder) => file.startsWith(`${folder}/`)))
  }

  test('status opens at most 30 files, its own program among them', () => {
    const files = opened('status', '--json')
    expect(files).toContain(path.join(REPOSITORY, 'dist/millrace.js'))
    expect(files).toContain(rig.at('state/runtime_snapshot.json'))
    expect(files.filter(isDocument)).toEqual([])
    expect(files.length).toBeLessThanOrEqual(OPENED_MAX)
  })

  test('queue ls --limit 50 opens no more documents than it shows', () => {
    const files = opened('queue', 'ls', '--limit', String(SHOWN))
    expect(files.some((file) => file.startsWith(rig.at('state/derived')))).toBe(true)
    expect(files.filter(isDocument).length).toBeLessThanOrEqual(SHOWN)
  })
})
