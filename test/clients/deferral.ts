/** What the tests of failing harnesses expect in the workspace. */
import { expect } from 'vitest'
import type { ActiveRun } from '../../src/core/state.ts'
import type { Scene } from './scene.ts'

/** The one run there is. */
export function onlyRun({ workspace }: Scene): ActiveRun {
  const runs = workspace.snapshot().active_runs
  expect(runs).toHaveLength(1)
  return runs[0]!
}

/** What every failure that is not the work's has in common: the same node again, no budget used, the next try told. */
export async function expectDeferred(opened: Scene, failureClass: string): Promise<ActiveRun> {
  const { workspace, processes } = opened
  const run = onlyRun(opened)
  const [stage] = workspace.stageRuns()
  expect(run).toMatchObject({ status: 'ready', node_id: 'builder', environment_failures: 1, stage_runs: 0 })
  expect(run.previous_attempt).toEqual({ request_id: stage?.request.request_id, reason: failureClass })
  expect(workspace.counters()).toEqual([])
  expect(stage?.results.map((result) => result.metadata.failure_class)).toEqual([failureClass])
  expect(workspace.events('stage_deferred').map((event) => event.data)).toMatchObject([
    { failure_class: failureClass, next_try_at: run.not_before },
  ])
  expect((await workspace.status()).active_runs).toMatchObject([{ node_id: 'builder', not_before: run.not_before }])
  if (process.platform === 'linux') expect(processes()).toEqual([])
  return run
}
