import { expect, test } from 'vitest'
import type { StageRequest } from '../core/request.ts'
import { legalStates } from '../selftest/disk-states.ts'
import { SimulatedDisk } from '../selftest/simulated-disk.ts'
import { disk } from '../store/files.ts'
import { keepEvidence } from './evidence.ts'

test('what a stage made of its own document outlives a loss of power once it has ended', async () => {
  const before = new SimulatedDisk('/w', () => 0, disk)
  before.makeFolder('/w/tasks/active')
  before.makeFolder('/w/runs/run-1')
  before.write('/w/tasks/active/a.md', 'as it was')
  before.flushAll()
  before.write('/w/tasks/active/a.md', 'as the stage left it')
  const request = {
    request_id: 'request-1',
    run_dir: '/w/runs/run-1',
    active_work_item_path: '/w/tasks/active/a.md',
    owed_artifacts_by_outcome: {},
  } as unknown as StageRequest
  const texts = () =>
    [...legalStates(before)].map(({ tree }) =>
      Buffer.from(new SimulatedDisk('/w', () => 0, disk, tree).read('/w/tasks/active/a.md')!).toString(),
    )
  expect(new Set(texts()).size).toBeGreaterThan(1)
  await keepEvidence(before, request)
  expect(new Set(texts())).toEqual(new Set(['as the stage left it']))
})
