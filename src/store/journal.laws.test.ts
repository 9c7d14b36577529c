/** Laws of the journal that hold for every transaction, wherever the process dies and whatever the disk forgets. */
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crashEverywhere } from '../../test/rig/crash.ts'
import { forgetfulDisk } from '../../test/rig/power-loss.ts'
import { contents, read, write } from '../../test/rig/store.ts'
import { SNAPSHOT, type Transaction, transaction } from '../../test/rig/transactions.ts'
import { faultyFiles, quickDisk } from '../selftest/faulty-files.ts'
import { seeded } from '../selftest/virtual-clock.ts'
import { type Files, hashBytes } from './files.ts'
import { decodeRecord, Journal } from './journal.ts'
import { overlay } from './overlay.ts'

const FILE = 'state/journal.json'

function journalIn(root: string, files: Files): Journal {
  const onFatal = (error: Error): never => {
    throw error
  }
  return new Journal({ files, root, file: FILE, generation: 1, guard: () => {}, onFatal })
}

const commit = (root: string, files: Files, { operations }: Transaction) =>
  journalIn(root, files).commit({ revision: 2, operations })

function recover(root: string, files: Files): Promise<string> {
  return journalIn(root, files).recover(() => {
    try {
      return (JSON.parse(read(root, SNAPSHOT)) as { revision: number }).revision
    } catch {
      return null
    }
  })
}

function prepare(root: string, { before }: Transaction): void {
  for (const [file, text] of Object.entries(before)) write(root, file, text)
}

/** A folder that holds what the transaction begins with, only for `work`. */
async function inFolder<T>(drawn: Transaction, work: (root: string) => Promise<T>): Promise<T> {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-laws-'))
  try {
    prepare(root, drawn)
    return await work(root)
  } finally {
    fs.rmSync(root, { recursive: true, force: true })
  }
}

/** What a reader sees through a port, by path; what was kept of others beside it is not told. */
function visible(files: Files, root: string): Record<string, string> {
  const seen: Record<string, string> = {}
  const walk = (folder: string) => {
    for (const name of files.list(folder) ?? []) {
      const file = path.join(folder, name)
      if (/^\..*\.tmp-millrace$|\.conflict-/.test(name) || file === path.join(root, FILE)) continue
      if (files.stat(file)?.kind === 'directory') walk(file)
      else seen[path.relative(root, file)] = Buffer.from(files.read(file) ?? 'nothing').toString()
    }
  }
  walk(root)
  return seen
}

/** Steps of a transaction that come before the record is durable. */
const RECORD_STEPS = 2
const afterRecord = fc.integer({ min: RECORD_STEPS, max: 30 })

/** What people do to files of the transaction: write something else, or take one away. */
const people = fc.array(fc.record({ at: fc.nat(), text: fc.option(fc.constantFrom('theirs', 'theirs too\n', '')) }), {
  maxLength: 4,
})

/** Makes the edits; gives every text that is there because of them. */
function change(root: string, drawn: Transaction, edits: readonly { at: number; text: string | null }[]): string[] {
  const paths = new Set([...Object.keys(drawn.before), ...Object.keys(drawn.after)])
  paths.delete(SNAPSHOT)
  const texts = new Map(edits.map(({ at, text }) => [[...paths][at % paths.size]!, text]))
  for (const [file, text] of texts) {
    fs.rmSync(path.join(root, file), { force: true })
    if (text !== null) write(root, file, text)
  }
  return [...texts.values()].flatMap((text) => text ?? [])
}

describe('after a crash anywhere, recovery', () => {
  test('gives the state before or after the transaction, never one between, and no doubt which', async () => {
    await fc.assert(
      fc.asyncProperty(transaction, fc.nat(), async (drawn, seed) => {
        const report = await crashEverywhere(
          {
            prepare: (root) => prepare(root, drawn),
            run: (files, root) => commit(root, files, drawn),
            check(root, { kind, after, happened, finished }) {
              if (!finished && happened) return
              const left = contents(root)
              if (!happened || after >= RECORD_STEPS) expect(left).toEqual(drawn.after)
              else if (kind !== 'power')
                expect(left).toEqual(after === 1 && kind === 'stopped' ? drawn.after : drawn.before)
              else expect([drawn.before, drawn.after]).toContainEqual(left)
            },
            finish: async (files, root) => void (await recover(root, files)),
          },
          { seed, base: quickDisk, losses: 1 },
        )
        // A document that the record does not carry is made durable at its new place before it leaves the old one.
        const uncarried = drawn.operations.filter((operation) => operation.op === 'move' && operation.content === null)
        expect(report.flushRounds).toBe(3 + uncarried.length)
      }),
      { numRuns: 8 },
    )
  })

  test('may itself be cut short, any number of times', async () => {
    await fc.assert(
      fc.asyncProperty(
        transaction,
        afterRecord,
        fc.array(fc.nat({ max: 12 }), { maxLength: 4 }),
        fc.nat(),
        async (drawn, first, later, seed) => {
          await inFolder(drawn, async (root) => {
            const random = seeded(seed)
            for (const [attempt, crashAfter] of [first, ...later].entries()) {
              const forgetful = forgetfulDisk(root, quickDisk)
              const { files } = faultyFiles({ crashAfter }, forgetful.files)
              await (attempt === 0 ? commit(root, files, drawn) : recover(root, files)).catch(() => {})
              forgetful.losePower(random)
            }
            await recover(root, quickDisk)
            expect(contents(root)).toEqual(drawn.after)
          })
        },
      ),
      { numRuns: 100 },
    )
  })

  test('brings back a document that its author never flushed', async () => {
    const text = 'written by an agent a moment ago\n'
    const drawn: Transaction = {
      before: {},
      operations: [{ op: 'move', from: 'a.md', to: 'done/a.md', content: { text }, hash: hashBytes(text) }],
      after: {},
    }
    for (let seed = 0; seed < 200; seed++) {
      await inFolder(drawn, async (root) => {
        fs.mkdirSync(path.join(root, 'state'))
        const forgetful = forgetfulDisk(root, quickDisk)
        forgetful.files.write(path.join(root, 'a.md'), text)
        await commit(root, faultyFiles({ crashAfter: RECORD_STEPS + (seed % 8) }, forgetful.files).files, drawn).catch(
          () => {},
        )
        forgetful.losePower(seeded(seed))
        await recover(root, quickDisk)
        expect(contents(root)['done/a.md']).toBe(text)
        expect(contents(root)).not.toHaveProperty(['a.md'])
      })
    }
  })

  test('ends and loses nobody’s bytes, whatever people changed while no process ran', async () => {
    await fc.assert(
      fc.asyncProperty(transaction, afterRecord, people, async (drawn, crashAfter, edits) => {
        await inFolder(drawn, async (root) => {
          await commit(root, faultyFiles({ crashAfter }, quickDisk).files, drawn).catch(() => {})
          const texts = change(root, drawn, edits)
          await recover(root, quickDisk)
          const left = contents(root)
          const kept = Object.values(left).join('\n')
          for (const text of texts) expect(kept).toContain(text)
          expect(JSON.parse(left[SNAPSHOT]!)).toEqual({ revision: 2 })
          expect(await recover(root, quickDisk)).toBe('clean')
          expect(contents(root)).toEqual(left)
        })
      }),
      { numRuns: 100 },
    )
  })
})

test('a reader that looks through a pending record sees what recovery will leave', async () => {
  await fc.assert(
    fc.asyncProperty(transaction, fc.nat({ max: 30 }), fc.boolean(), people, async (drawn, crashAfter, torn, edits) => {
      await inFolder(drawn, async (root) => {
        await commit(root, faultyFiles({ crashAfter, torn }, quickDisk).files, drawn).catch(() => {})
        change(root, drawn, edits)
        const bytes = quickDisk.read(path.join(root, FILE))
        const record = bytes === null ? null : decodeRecord(bytes)
        const seen = visible(record ? overlay(quickDisk, root, record) : quickDisk, root)
        await recover(root, quickDisk)
        expect(seen).toEqual(visible(quickDisk, root))
      })
    }),
    { numRuns: 150 },
  )
})
