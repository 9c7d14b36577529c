import { beforeEach, expect, test } from 'vitest'
import type { StageRequest } from '../core/request.ts'
import { legalStates } from '../selftest/disk-states.ts'
import { SimulatedDisk } from '../selftest/simulated-disk.ts'
import { disk } from '../store/files.ts'
import { putStaleAside } from './stale-artifacts.ts'

const RUN = '/w/runs/run-1'
const HISTORY = `${RUN}/history/request-2`

/** A request whose stage owes files at these paths, under one outcome each. */
const owing = (...paths: { path: string; reuse?: boolean }[]): StageRequest =>
  ({
    request_id: 'request-2',
    run_dir: RUN,
    owed_artifacts_by_outcome: Object.fromEntries(
      paths.map(({ path, reuse = false }, at) => [`OUTCOME_${at}`, [{ name: path, path, reuse, format: 'text' }]]),
    ),
  }) as unknown as StageRequest

let on: SimulatedDisk
beforeEach(() => {
  on = new SimulatedDisk('/w', () => 0, disk)
  for (const folder of ['a', 'b']) on.makeFolder(`${RUN}/${folder}`)
})
const text = (file: string) => {
  const bytes = on.read(file)
  return bytes && Buffer.from(bytes).toString()
}
const put = (name: string) => on.write(`${RUN}/${name}`, `of ${name}`)

test('what an earlier stage left where this one owes something moves to the history of the run', async () => {
  for (const name of ['summary.md', 'other.md']) put(name)
  await putStaleAside(on, owing({ path: `${RUN}/summary.md` }, { path: `${RUN}/absent.md` }))
  expect([text(`${RUN}/summary.md`), text(`${HISTORY}/summary.md`)]).toEqual([null, 'of summary.md'])
  expect(text(`${RUN}/other.md`)).toBe('of other.md')
})

test('what may be taken over from an earlier stage stays, and nothing is made where nothing moves', async () => {
  put('rubric.md')
  await putStaleAside(on, owing({ path: `${RUN}/rubric.md`, reuse: true }))
  expect([text(`${RUN}/rubric.md`), on.stat(`${RUN}/history`)]).toEqual(['of rubric.md', null])
})

test('artifacts of one name in different folders are all kept', async () => {
  for (const name of ['a/x.md', 'b/x.md']) put(name)
  await putStaleAside(on, owing({ path: `${RUN}/a/x.md` }, { path: `${RUN}/b/x.md` }, { path: `${RUN}/a/x.md` }))
  expect([text(`${HISTORY}/x.md`), text(`${HISTORY}/x.md.2`)]).toEqual(['of a/x.md', 'of b/x.md'])
  expect([on.list(`${RUN}/a`), on.list(`${RUN}/b`)]).toEqual([[], []])
})

test('what was moved outlives a loss of power', async () => {
  put('a/x.md')
  on.flushAll()
  await putStaleAside(on, owing({ path: `${RUN}/a/x.md` }))
  for (const { kind, detail, tree } of legalStates(on)) {
    const left = new SimulatedDisk('/w', () => 0, disk, tree)
    expect(left.read(`${HISTORY}/x.md`)?.toString(), `${kind} ${detail}`).toBe('of a/x.md')
  }
})
