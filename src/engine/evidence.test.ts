import { expect, test } from 'vitest'
import type { StageRequest } from '../core/request.ts'
import { legalStates } from '../selftest/disk-states.ts'
import { SimulatedDisk } from '../selftest/simulated-disk.ts'
import { disk } from '../store/files.ts'
import { keepEvidence } from './evidence.ts'

const REQUEST = {
  request_id: 'request-1',
  run_dir: '/w/runs/run-1',
  outbox_dir: '/w/runs/run-1/outbox/request-1',
  active_work_item_path: '/w/tasks/active/a.md',
  owed_artifacts_by_outcome: {},
} as unknown as StageRequest

/** The different texts a file may have after a loss of power; null for none. */
const textsLeft = (on: SimulatedDisk, file: string): Set<string | null> =>
  new Set(
    [...legalStates(on)].map(({ tree }) => {
      const bytes = new SimulatedDisk('/w', () => 0, disk, tree).read(file)
      return bytes === null ? null : Buffer.from(bytes).toString()
    }),
  )

function workspace(): SimulatedDisk {
  const on = new SimulatedDisk('/w', () => 0, disk)
  on.makeFolder('/w/tasks/active')
  on.makeFolder('/w/runs/run-1')
  on.write('/w/tasks/active/a.md', 'as it was')
  on.flushAll()
  return on
}

test('what a stage made of its own document outlives a loss of power once it has ended', async () => {
  const on = workspace()
  on.write('/w/tasks/active/a.md', 'as the stage left it')
  expect(textsLeft(on, '/w/tasks/active/a.md').size).toBeGreaterThan(1)
  await keepEvidence(on, REQUEST)
  expect(textsLeft(on, '/w/tasks/active/a.md')).toEqual(new Set(['as the stage left it']))
})

test('what a stage handed in, and what its runner wrote, outlive a loss of power once it has ended', async () => {
  const on = workspace()
  const left = ['/w/runs/run-1/outbox/request-1/task/b.md', '/w/runs/run-1/runner_exit.request-1']
  on.makeFolder('/w/runs/run-1/outbox/request-1/task')
  for (const file of left) on.write(file, 'left')
  for (const file of left) expect(textsLeft(on, file)).toContain(null)
  await keepEvidence(on, REQUEST)
  for (const file of left) expect(textsLeft(on, file)).toEqual(new Set(['left']))
})
