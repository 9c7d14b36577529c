import { describe, expect, test } from 'vitest'
import { Snapshot } from '../../src/core/state.ts'
import { ROOT } from '../../src/selftest/scene.ts'
import { hashTree } from '../../src/selftest/simulated-disk.ts'
import { succeeding } from '../../src/selftest/story.ts'
import { readText } from '../../src/store/files.ts'
import { readWorkspace } from '../../src/store/workspace.ts'
import { type Fixture, VERSIONS } from './fixtures/make.mjs'
import { adoptOn, at, json, lifeOf, oldWorkspace, previewOn, textsIn, workOn } from './machine.ts'

const DOCUMENT = /^millrace-agents\/(tasks|specs|incidents|learning|arbiter\/(contracts|rubrics|verdicts|reports))\//
const MOVED = 'millrace-agents/learning/requests/active/learn-9b2e4c7d1a55.md'
const MOVED_TO = MOVED.replace('/active/', '/queue/')

const lines = (text: string | null): Record<string, unknown>[] =>
  (text ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

async function adopted(version: (typeof VERSIONS)[number]) {
  const { tree, fixture } = oldWorkspace(version)
  const on = lifeOf(tree)
  const adoption = await adoptOn(on)
  return { on, fixture, adoption: adoption! }
}

const theUnrouted = ({ active }: Fixture) => Object.values(active).find((run) => run.unrouted !== null)!

describe.each(VERSIONS)('adopting a workspace of the Python runtime %s', (version) => {
  test('previews what it would do and changes nothing', () => {
    const { tree } = oldWorkspace(version)
    const on = lifeOf(tree)
    const before = hashTree(on.disk.top)
    const adoption = previewOn(on)!
    expect(hashTree(on.disk.top)).toBe(before)
    expect(adoption.from).toBe(version)
    const told = (action: string) => adoption.steps.filter((step) => step.action === action).map(({ path }) => path)
    expect(told('settle')).toEqual([
      version === '0.14' ? 'tasks/active/export-retry-budget.md' : 'specs/active/idea-import-review.md',
    ])
    expect(told('run_again')).toEqual(version === '0.14' ? [] : ['tasks/active/export-retry-budget.md'])
    expect(told('give_back')).toEqual(version === '0.14' ? [] : ['learning/requests/active/learn-9b2e4c7d1a55.md'])
    expect(told('carry_out')).toHaveLength(2)
    expect(told('set_aside')).toContain('state/runtime_daemon.lock.json')
    expect(adoption.differing.map(({ path }) => path)).toEqual(
      version === '0.14'
        ? ['tasks/queue/export-later.md', 'tasks/queue/export-quota.md']
        : ['tasks/queue/export-quota.md'],
    )
  })

  test('leaves every document, run and setting as it is', async () => {
    const { on, fixture } = await adopted(version)
    for (const [file, { text }] of fixture.files) {
      const isLeft = DOCUMENT.test(file) || /\/runs\/|millrace\.toml$|\/mailbox\/|^src|^ideas/.test(file)
      if (!isLeft) continue
      const now = readText(on.files, at(file === MOVED ? MOVED_TO : file))
      expect(now, file).toBe(text)
    }
  })

  test('keeps what it replaces, byte for byte', async () => {
    const { on, fixture, adoption } = await adopted(version)
    const kept = textsIn(on.files, `millrace-agents/${adoption.keptIn}`)
    expect(kept.size).toBeGreaterThan(20)
    for (const [file, text] of kept) {
      const was = file.replace(`${adoption.keptIn}/`, '')
      expect(text, was).toBe(fixture.files.get(was)?.text)
    }
    const names = [...kept.keys()].map((file) => file.slice(`millrace-agents/${adoption.keptIn}/`.length))
    for (const name of ['runtime_snapshot', 'recovery_counters', 'compiled_plan', 'runtime_daemon.lock'])
      expect(names).toContain(`state/${name}.json`)
  })

  test('leaves nothing out: a file that is not where it was lies among what is kept', async () => {
    const { on, fixture, adoption } = await adopted(version)
    const gone = [...fixture.files.keys()].filter((file) => on.files.stat(at(file)) === null && file !== MOVED)
    for (const file of gone)
      expect(
        on.files.stat(at(file.replace('millrace-agents/', `millrace-agents/${adoption.keptIn}/`))),
        file,
      ).not.toBeNull()
  })

  test('comes to a state of ours that can be read, with the budgets and targets there were', async () => {
    const { on } = await adopted(version)
    const snapshot = json(on, 'millrace-agents/state/runtime_snapshot.json')
    expect(Snapshot.parse(snapshot).active_runs).toHaveLength(version === '0.14' ? 1 : 2)
    const { value } = readWorkspace(on, ROOT, (view) => ({ counters: view.counters.entries, targets: view.targets }))
    const budgets = value.counters.map(({ counter_name, key, count }) => `${counter_name} ${key} ${count}`)
    expect(budgets.slice(0, 2)).toEqual(['fix_cycle_count  1', 'troubleshoot_attempt_count runner_timeout 1'])
    expect(value.targets.map(({ root_spec_id, closure_open, rounds }) => [root_spec_id, closure_open, rounds])).toEqual(
      [
        ['idea-export-hardening', true, 0],
        ['idea-import-cleanup', false, 2],
      ],
    )
  })

  test('says nothing to do the second time', async () => {
    const { on } = await adopted(version)
    const before = hashTree(on.disk.top)
    const next = lifeOf(on.disk.top, 2)
    expect(previewOn(next)).toBeNull()
    expect(await adoptOn(next)).toBeNull()
    expect(hashTree(next.disk.top)).toBe(before)
  })

  test('settles the result that was never routed once, and the item goes on at the next node', async () => {
    const { on, fixture } = await adopted(version)
    const unrouted = theUnrouted(fixture)
    const asked = { started: [], collected: [] }
    const next = lifeOf(on.disk.top, 2)
    await workOn(next, succeeding(), asked)
    const file = `millrace-agents/runs/${unrouted.runId}`
    const history = lines(readText(next.files, at(`${file}/transition_history.jsonl`)))
    const requestId = unrouted.unrouted!.replace(/^.*\/(.*)\.json$/, '$1')
    expect(history.filter((record) => record.request_id === requestId)).toHaveLength(1)
    expect(history.map(({ node_id }) => node_id)).toEqual(
      version === '0.14' ? ['checker', 'updater'] : ['planner', 'manager'],
    )
    expect(asked.started).not.toContain(requestId)
    expect(readText(next.files, at(unrouted.unrouted!))).toBe(fixture.files.get(unrouted.unrouted!)?.text)
  })

  test('works on: every item that can be done is done, and what waited in the mailbox is carried out', async () => {
    const { on } = await adopted(version)
    const next = lifeOf(on.disk.top, 2)
    const end = await workOn(next, succeeding(), { started: [], collected: [] })
    expect(end.exit_reason).toBe('idle')
    const left = (folder: string) =>
      (next.files.list(at(`millrace-agents/${folder}`)) ?? []).filter((name) => name.endsWith('.md'))
    expect(left('tasks/queue')).toEqual([])
    expect(left('tasks/active')).toEqual([])
    expect(left('specs/active')).toEqual([])
    for (const id of [
      'export-retry-budget',
      'export-flaky',
      'export-paging',
      'export-quota',
      'export-later',
      'export-after',
    ])
      expect(left('tasks/done')).toContain(`${id}.md`)
    expect(left(version === '0.14' ? 'tasks/done' : 'specs/done')).toContain(
      version === '0.14' ? 'export-from-mailbox.md' : 'import-from-mailbox.md',
    )
    expect(
      (next.files.list(at('millrace-agents/state/mailbox/incoming')) ?? []).filter((name) => name.endsWith('.json')),
    ).toEqual([])
    expect(json(next, 'millrace-agents/state/runtime_snapshot.json').active_runs).toEqual([])
  })

  test('tells the usage of stages that are over from their results', async () => {
    const { on, fixture } = await adopted(version)
    const [part] = (on.files.list(at('millrace-agents/state')) ?? []).filter((name) =>
      /^usage_governance_ledger\..*Z\.0\.jsonl$/.test(name),
    )
    const ledger = lines(readText(on.files, at(`millrace-agents/state/${part}`)))
    const used = [...fixture.files]
      .filter(([file]) => /\/stage_results\//.test(file))
      .filter(([, { text }]) => /"token_usage": \{/.test(text) && text.endsWith('}\n'))
    expect(ledger).toHaveLength(used.length)
    expect(new Set(ledger.map(({ dedupe_key }) => dedupe_key))).toEqual(new Set(used.map(([file]) => file)))
    expect(ledger.filter(({ request_kind }) => request_kind === 'closure_target')).toHaveLength(2)
  })
})

test('a stage that was interrupted runs again under a request of its own, told so', async () => {
  const { on, fixture } = await adopted('0.16')
  const { runId } = fixture.active.execution!
  const next = lifeOf(on.disk.top, 2)
  const seen: unknown[] = []
  const script = succeeding()
  await workOn(
    next,
    (request, attempt, files) => {
      if (request.run_id === runId) seen.push([request.node_id, request.previous_attempt?.reason ?? null])
      return script(request, attempt, files)
    },
    { started: [], collected: [] },
  )
  expect(seen[0]).toEqual(['builder', 'the runtime that ran it (python 0.16) ended before its result was recorded'])
  expect(seen.slice(1)).toEqual([
    ['checker', null],
    ['updater', null],
  ])
})
