/** A stage result nobody had routed, in a loop whose edge asks a person: the run waits, and goes on as it is told to. */
import * as path from 'node:path'
import { expect, test } from 'vitest'
import type { Approval } from '../../src/core/approval.ts'
import { type ActiveRun, Snapshot } from '../../src/core/state.ts'
import type { Machine } from '../../src/selftest/scene.ts'
import { succeeding } from '../../src/selftest/story.ts'
import { readText } from '../../src/store/files.ts'
import { post } from '../../src/store/mailbox.ts'
import { INSTALLATION } from '../crash/table.ts'
import { adoptOn, at, json, lifeOf, oldWorkspace, PLACES, workOn } from './machine.ts'

const LOOP = 'graphs/execution/standard.json'
const ITEM = 'export-retry-budget'

/** Adopted, with a loop of the workspace's own in which nothing passes the checker unasked; then a runtime worked there. */
async function waiting() {
  const { tree, fixture } = oldWorkspace('0.14')
  const on = lifeOf(tree)
  await adoptOn(on)
  const { edges, ...loop } = JSON.parse(readText(on.files, path.join(INSTALLATION.packageRoot, LOOP)) ?? '') as {
    edges: { edge_id: string }[]
  }
  const approval = { question: 'May it go on?' }
  const asking = edges.map((edge) => (edge.edge_id === 'checker-pass-to-updater' ? { ...edge, approval } : edge))
  on.disk.makeFolder(at('millrace-agents/graphs/execution'))
  on.disk.write(at(`millrace-agents/${LOOP}`), JSON.stringify({ ...loop, edges: asking }))
  on.disk.flushAll()
  const { unrouted } = fixture.active.execution!
  const requestId = path.basename(unrouted!, '.json')
  const next = lifeOf(on.disk.top, 2)
  await workOn(next, succeeding(), { started: [], collected: [] })
  return { on: next, unrouted: unrouted!, requestId, text: fixture.files.get(unrouted!)?.text }
}

const isOfItem = ({ work_item_id }: { work_item_id: string | null }): boolean => work_item_id === ITEM

const runs = (on: Machine): ActiveRun[] =>
  Snapshot.parse(json(on, 'millrace-agents/state/runtime_snapshot.json')).active_runs.filter(isOfItem)

const questions = (on: Machine): Approval[] =>
  (on.files.list(at('millrace-agents/approvals/pending')) ?? [])
    .map((name): Approval => json(on, `millrace-agents/approvals/pending/${name}`))
    .filter(isOfItem)

async function answered(on: Machine, command: string): Promise<Machine> {
  const [{ approval_id }] = questions(on) as [Approval]
  await post(on.files, PLACES, on.clock, command, { approval_id }, 'operator')
  const next = lifeOf(on.disk.top, 3)
  await workOn(next, succeeding(), { started: [], collected: [] })
  return next
}

test('it is asked about once, however often a runtime begins, while the run waits', async () => {
  const { on, requestId } = await waiting()
  expect(runs(on)).toMatchObject([
    { work_item_id: ITEM, node_id: 'checker', status: 'awaiting_approval', approval: { request_id: requestId } },
  ])
  expect(questions(on)).toMatchObject([{ asked_by: 'edge', request_id: requestId, question: 'May it go on?' }])
  const again = lifeOf(on.disk.top, 3)
  await workOn(again, succeeding(), { started: [], collected: [] })
  expect(questions(again)).toEqual(questions(on))
})

test('an approval takes the result as it was written along its edge, without running its stage again', async () => {
  const { on, requestId, unrouted, text } = await waiting()
  const [run] = runs(on) as [ActiveRun]
  const next = await answered(on, 'approve_execution_capability')
  expect(runs(next)).toEqual([])
  const history = (readText(next.files, at(`millrace-agents/runs/${run.run_id}/transition_history.jsonl`)) ?? '')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { request_id: string; node_id: string })
  expect(history.map(({ node_id }) => node_id)).toEqual(['checker', 'updater'])
  expect(history.filter(({ request_id }) => request_id === requestId)).toHaveLength(1)
  expect(readText(next.files, at(`millrace-agents/tasks/done/${ITEM}.md`))).not.toBeNull()
  expect(readText(next.files, at(unrouted))).toBe(text)
})

test('a denial ends the run as blocked', async () => {
  const { on } = await waiting()
  const next = await answered(on, 'deny_execution_capability')
  expect(readText(next.files, at(`millrace-agents/tasks/blocked/${ITEM}.md`))).not.toBeNull()
  expect(readText(next.files, at(`millrace-agents/tasks/done/${ITEM}.md`))).toBeNull()
})
