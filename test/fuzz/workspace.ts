/**
 * A workspace that has seen some work: a finished run and an active one, a closed closure target, commands that were
 * carried out, a pause. What lies in it is written by the product itself and serves as the valid examples.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { newDocument, renderDocument } from '../../src/core/document.ts'
import type { Files } from '../../src/core/files.ts'
import { type ActiveRun, Counters, Snapshot } from '../../src/core/state.ts'
import type { View } from '../../src/core/view.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { instantRunner } from '../../src/selftest/instant-runner.ts'
import { succeeding } from '../../src/selftest/story.ts'
import { disk } from '../../src/store/files.ts'
import { placesOf } from '../../src/store/layout.ts'
import { readWorkspace } from '../../src/store/workspace.ts'
import { contextIn, type TestContext } from '../rig/context.ts'
import { Rig, task } from '../rig/runtime.ts'

export interface WorkedWorkspace {
  rig: Rig
  root: string
  /** Run folder of the finished run, relative to the runtime root, and the request of its first stage. */
  run: string
  runId: string
  requestId: string
  activeRun: ActiveRun
  view: View
  /** Bytes of a file below the runtime root. */
  bytes: (relative: string) => Uint8Array
  /** An operation's context that reads through `files`. */
  context: (files: Files) => TestContext
  dispose: () => void
}

const NOW = '2026-03-02T09:15:00.000Z'

/** A rig whose stages happen at once, in this process. */
export function instantRig(): Promise<Rig> {
  return Rig.create({ runners: () => new Map([['scripted', instantRunner(disk, systemClock, succeeding())]]) })
}

export async function workedWorkspace(): Promise<WorkedWorkspace> {
  const rig = await instantRig()
  const { root } = rig
  rig.addRootSpec('S-1')
  await rig.command('add_task', { document: task('T-1') })
  await rig.work()
  const first = rig.requests('builder').find((request) => request.active_work_item_id === 'T-1')!
  const activeRun = leaveOneActive(rig)
  const context = (files: Files) => contextIn(root, { files })
  const view = readWorkspace(context(disk), root, (one) => one).value
  return {
    rig,
    root,
    run: `runs/${first.run_id}`,
    runId: first.run_id,
    requestId: first.request_id,
    activeRun,
    view,
    bytes: (relative) => fs.readFileSync(placesOf(root).at(relative)),
    context,
    dispose: () => rig.dispose(),
  }
}

/** A second task at work and held, so that the state files have something in every list. */
function leaveOneActive(rig: Rig): ActiveRun {
  rig.place('tasks/active/T-2.md', renderDocument(newDocument('task', task('T-2'))))
  const snapshot = Snapshot.parse(rig.json('state/runtime_snapshot.json'))
  const run: ActiveRun = {
    run_id: 'run-2',
    plane: 'execution',
    node_id: 'builder',
    stage_kind_id: 'builder',
    request_kind: 'active_work_item',
    work_item_kind: 'task',
    work_item_id: 'T-2',
    closure_target_root_spec_id: null,
    compiled_plan_id: snapshot.compiled_plan_id,
    status: 'held',
    request_id: null,
    active_since: NOW,
    stage_since: NOW,
    stage_runs: 1,
    failure_class: 'builder_blocked',
    runtime_error: { code: 'some_code', report_path: 'report.md' },
    edge_uses: { retry: 1 },
    previous_attempt: { request_id: 'request-0', reason: 'interrupted' },
    interruptions: 1,
    environment_failures: 1,
    not_before: NOW,
    last_transition: null,
    held: { reason: 'a test', since: NOW },
    cancel_requested: null,
  }
  const pause = { source: 'operator', reason: 'a test', since: NOW, until: null }
  const entry = {
    work_item_kind: 'task',
    work_item_id: 'T-2',
    counter_name: 'fix_cycles',
    key: '',
    count: 1,
    last_updated_at: NOW,
  }
  const save = (file: string, value: object) => fs.writeFileSync(rig.at(file), `${JSON.stringify(value, null, 2)}\n`)
  save('state/runtime_snapshot.json', { ...snapshot, active_runs: [run], pause_sources: [pause] })
  save('state/recovery_counters.json', {
    ...Counters.parse(rig.json('state/recovery_counters.json')),
    entries: [entry],
  })
  const ids_by_kind = { task: ['T-3', 'T-2'] }
  const order = { schema_version: '1.0', kind: 'queue_order', ids_by_kind, updated_at: NOW, issuer: 'operator' }
  save('state/queue_order.json', order)
  const lock = { host: 'elsewhere', pid: 1, start_time: '1', boot_id: 'b', pid_namespace: 'n', token: 't' }
  save('state/lock/99', { ...lock, acquired_at: NOW })
  fs.writeFileSync(path.join(rig.at('state/lock'), '99.released'), '')
  return run
}
