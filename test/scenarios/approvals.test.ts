/** Questions to a person: one item waits, others go on, and the answer is carried out at the very node that asked. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Approval } from '../../src/core/approval.ts'
import type { Snapshot } from '../../src/core/state.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { approvalsLs, approvalsShow } from '../../src/operations/approvals.ts'
import { contextIn } from '../rig/context.ts'
import { Daemon, until } from '../rig/live.ts'
import { PACKAGE_ROOT, Rig } from '../rig/runtime.ts'

let rig: Rig
let daemon: Daemon | null = null
let aheadMs = 0
afterEach(async () => {
  await daemon?.kill()
  daemon = null
  aheadMs = 0
  rig?.dispose()
})

const clock = { ...systemClock, now: () => new Date(Date.now() + aheadMs) }

interface Asset {
  validators: Record<string, string[]>
  edges: { edge_id: string; approval?: Record<string, unknown> }[]
}

/** A packaged asset with members laid over it, as the workspace's own. */
function own(file: string, change: (asset: Asset) => void): void {
  const asset = JSON.parse(fs.readFileSync(path.join(PACKAGE_ROOT, file), 'utf8')) as Asset
  change(asset)
  fs.mkdirSync(path.dirname(rig.at(file)), { recursive: true })
  fs.writeFileSync(rig.at(file), JSON.stringify(asset))
}

const CHECKER = 'registry/stage_kinds/execution/checker.json'
const LOOP = 'graphs/execution/standard.json'

/** Asks about `task-a` alone; of a file `diff.txt` it says what that holds. */
const ASKING = `
let input = ''
process.stdin.on('data', (part) => { input += part }).on('end', async () => {
  const { request } = JSON.parse(input)
  const fs = await import('node:fs')
  const subject = fs.existsSync('diff.txt') ? fs.readFileSync('diff.txt', 'utf8') : ''
  const verdict = request.active_work_item_id === 'task-a'
    ? { verdict: 'ask', question: 'Is this what was wanted?', subject }
    : { verdict: 'pass' }
  console.log(JSON.stringify(verdict))
})
`

/** A validator of the checker, started before it or once it has ended. */
async function validated(when: 'before' | 'after', script = ASKING, config = ''): Promise<void> {
  rig = await Rig.create({
    config: `[validators.reviewer]\ncommand = "node"\nargs = ["reviewer.mjs"]\n${config}`,
    clock,
  })
  fs.writeFileSync(path.join(rig.root, 'reviewer.mjs'), script)
  own(CHECKER, (kind) => {
    kind.validators = { before: [], after: [], [when]: ['reviewer'] }
  })
}

/** The edge that leaves the checker with a pass asks first. */
async function gated(approval: Record<string, unknown> = {}): Promise<void> {
  rig = await Rig.create({ clock })
  own(LOOP, (loop) => {
    const edge = loop.edges.find(({ edge_id }) => edge_id === 'checker-pass-to-updater')!
    edge.approval = { question: 'May it go on?', ...approval }
  })
}

const pending = (): Approval[] => rig.list('approvals/pending').map((name) => rig.json('approvals/pending', name))
const resolved = (): Approval[] => rig.list('approvals/resolved').map((name) => rig.json('approvals/resolved', name))
const answer = (verb: 'approve' | 'deny', more: Record<string, unknown> = {}) =>
  rig.issue(`${verb}_execution_capability`, { approval_id: pending()[0]!.approval_id, ...more })
const runs = () => rig.json<Snapshot>('state/runtime_snapshot.json').active_runs
const started = () => rig.log('stage_started').map(({ stage, work_item_id }) => `${stage} ${work_item_id}`)

const BUILT = (id: string) => [`builder ${id}`, `checker ${id}`, `updater ${id}`]

describe('a capability that a stage requires', () => {
  const needing = '[stages.checker]\nrequired_capabilities = ["git_mutate"]\n'

  test('holds its item before the stage starts, and no other item', async () => {
    rig = await Rig.create({ config: needing })
    rig.addTask('task-a')
    await rig.work()
    expect(started()).toEqual(['builder task-a'])
    expect(runs()).toMatchObject([{ status: 'awaiting_approval', node_id: 'checker', request_id: null }])
    expect(pending()).toMatchObject([
      {
        asked_by: 'capability',
        capability_id: 'git.mutate',
        work_item_id: 'task-a',
        node_id: 'checker',
        request_id: null,
      },
    ])
    rig.config(needing.replace('git_mutate', 'shell.run'))
    rig.addTask('task-b')
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-b.md'])
    expect(rig.list('tasks/active')).toEqual(['task-a.md'])

    await answer('approve', { reason: 'it is only a branch' })
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md', 'task-b.md'])
    expect(started()).toEqual(['builder task-a', ...BUILT('task-b'), 'checker task-a', 'updater task-a'])
    expect(resolved()).toMatchObject([{ status: 'approved', decision_reason: 'it is only a branch' }])
    const [request] = rig.requests('checker').filter(({ active_work_item_id }) => active_work_item_id === 'task-a')
    expect(rig.json('runs', request!.run_id, `capability_gate.${request!.request_id}.json`)).toMatchObject({
      grants: [{ capability_id: 'git.mutate', decision: 'approval_required', status: 'approved' }],
    })
  })

  test('that is denied ends the run as blocked, with the reason, and is asked anew once the item is retried', async () => {
    rig = await Rig.create({ config: needing })
    rig.addTask('task-a')
    await rig.work()
    await answer('deny', { reason: 'not on a Friday' })
    await rig.work()
    expect(rig.list('tasks/blocked')).toEqual(['task-a.md'])
    expect(rig.result(rig.requests('checker')[0]!).notes[0]).toContain('not on a Friday')
    expect(rig.log('work_item_blocked')).toMatchObject([{ failure_class: 'approval_denied' }])
    await rig.issue('retry_work_item', { work_item_id: 'task-a' })
    await rig.work()
    expect(pending()).toHaveLength(1)
    expect(resolved()).toMatchObject([{ status: 'denied' }])
  })

  test('that is approved holds for the item while it goes round, until it expires', async () => {
    rig = await Rig.create({ config: needing, clock })
    rig.outcomes({ checker: ['BLOCKED', 'CHECKER_PASS'] })
    rig.addTask('task-a')
    await rig.work()
    await answer('approve')
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect(resolved()).toHaveLength(1)
    rig.addTask('task-b')
    rig.outcomes({ checker: ['BLOCKED', 'CHECKER_PASS'] })
    await rig.work()
    await answer('approve', { expires_at: new Date(Date.now() + 3_600_000).toISOString() })
    aheadMs = 2 * 3_600_000
    await rig.work()
    expect(pending()).toMatchObject([{ work_item_id: 'task-b', node_id: 'checker' }])
  })

  test('that is denied for good does not compile, and says how to mend it', async () => {
    rig = await Rig.create({ config: `${needing}[execution_capabilities.defaults]\n"git.mutate" = "deny"\n` })
    await expect(rig.open()).rejects.toThrow(/checker requires git\.mutate \(config stages\.checker\), which is denied/)
  })

  test('whose run is cancelled while it waits is not asked any more', async () => {
    rig = await Rig.create({ config: needing })
    rig.addTask('task-a')
    await rig.work()
    await rig.issue('cancel_run', { run_id: runs()[0]!.run_id })
    await rig.work()
    expect(rig.list('tasks/blocked')).toEqual(['task-a.md'])
    expect(pending()).toEqual([])
    expect(resolved()).toMatchObject([{ status: 'cancelled' }])
  })

  test('whose question somebody deleted is asked again', async () => {
    rig = await Rig.create({ config: needing })
    rig.addTask('task-a')
    await rig.work()
    fs.rmSync(rig.at('approvals/pending', rig.list('approvals/pending')[0]!))
    await rig.work()
    expect(pending()).toHaveLength(1)
    expect(runs()).toMatchObject([{ status: 'awaiting_approval' }])
  })
})

describe('a validator that asks', () => {
  test('before its stage: one item waits across a restart, the other finishes', async () => {
    await validated('before')
    rig.addTask('task-a')
    rig.addTask('task-b')
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-b.md'])
    expect(rig.log('stage_completed').map(({ stage }) => stage)).toEqual([
      'builder',
      ...['builder', 'checker', 'updater'],
    ])
    await rig.work()
    expect(pending()).toMatchObject([{ asked_by: 'validator', asked_by_id: 'reviewer', work_item_id: 'task-a' }])
    await answer('approve')
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md', 'task-b.md'])
    expect(started().filter((one) => one === 'builder task-a')).toHaveLength(1)
  })

  test('after its stage: the result waits, is not made again, and is settled once it is approved', async () => {
    await validated('after')
    rig.addTask('task-a')
    await rig.work()
    expect(started()).toEqual(['builder task-a', 'checker task-a'])
    expect(rig.log('stage_completed').map(({ stage }) => stage)).toEqual(['builder'])
    const [request] = rig.requests('checker')
    expect(pending()).toMatchObject([{ request_id: request!.request_id }])
    await answer('approve')
    await rig.work()
    expect(started()).toEqual(BUILT('task-a'))
    expect(rig.result(request!)).toMatchObject({ terminal_result: 'CHECKER_PASS', success: true })
  })

  test('is asked anew about something else than what was approved', async () => {
    await validated('after')
    fs.writeFileSync(path.join(rig.root, 'diff.txt'), 'one')
    rig.addTask('task-a')
    await rig.work()
    fs.writeFileSync(path.join(rig.root, 'diff.txt'), 'two')
    await answer('approve')
    await rig.work()
    expect(rig.list('tasks/active')).toEqual(['task-a.md'])
    expect(pending()).toHaveLength(1)
    expect(pending()[0]!.subject_sha256).not.toBe(resolved()[0]!.subject_sha256)
    await answer('approve')
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect(started()).toEqual(BUILT('task-a'))
  })

  test('that fails a stage makes it count as the outcome it names, with its findings', async () => {
    const verdict = { verdict: 'fail', outcome: 'FIX_NEEDED', findings: ['line 3 is too long; break it'] }
    const once = `import fs from 'node:fs'\nconst seen = fs.existsSync('seen')\nfs.writeFileSync('seen', '')\nconsole.log(JSON.stringify(seen ? { verdict: 'pass' } : ${JSON.stringify(verdict)}))\n`
    await validated('after', once)
    rig.addTask('task-a')
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect(started()).toContain('fixer task-a')
    const result = rig.result(rig.requests('checker')[0]!)
    expect(result).toMatchObject({ terminal_result: 'FIX_NEEDED', metadata: { failure_class: 'validator_failed' } })
    expect(result.notes[0]).toBe('line 3 is too long; break it')
  })

  test.each([
    ['prints no verdict', 'console.log("fine")', 'printed no JSON object'],
    ['breaks', 'console.error("no such table"); process.exit(4)', 'ended with 4: no such table'],
    ['takes too long', 'setTimeout(() => {}, 60_000)', 'did not end within 1 s'],
  ])('that %s fails its stage and says so', async (_, script, said) => {
    await validated('before', script, 'timeout_seconds = 1\n')
    rig.outcomes({ troubleshooter: ['BLOCKED', 'BLOCKED', 'BLOCKED'], consultant: ['BLOCKED'] })
    rig.addTask('task-a')
    await rig.work()
    expect(rig.result(rig.requests('checker')[0]!).notes[0]).toContain(said)
    expect(rig.list('tasks/blocked')).toEqual(['task-a.md'])
  })
})

describe('an edge that asks', () => {
  test('keeps the result until it is approved, through a kill of the runtime', async () => {
    await gated()
    rig.addTask('task-a')
    daemon = new Daemon(rig)
    await until('the question', () => pending().length === 1)
    await daemon.kill()
    daemon = null
    rig.addTask('task-b')
    await answer('approve')
    expect(runs()).toMatchObject([{ status: 'awaiting_approval', node_id: 'checker' }])
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect(rig.list('tasks/active')).toEqual(['task-b.md'])
    expect(started()).toEqual([
      'builder task-a',
      'checker task-a',
      'updater task-a',
      'builder task-b',
      'checker task-b',
    ])
  })

  test('takes a denial for the outcome it declares', async () => {
    await gated({ denied_outcome: 'FIX_NEEDED' })
    rig.addTask('task-a')
    await rig.work()
    await answer('deny', { reason: 'the title is wrong' })
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect(started()).toEqual([
      'builder task-a',
      'checker task-a',
      'fixer task-a',
      'doublechecker task-a',
      'updater task-a',
    ])
    expect(rig.result(rig.requests('checker')[0]!)).toMatchObject({ terminal_result: 'FIX_NEEDED' })
  })

  test('counts no answer in time as a denial', async () => {
    await gated({ expires_after_seconds: 3600 })
    rig.addTask('task-a')
    await rig.ticks(2)
    expect(pending()).toHaveLength(1)
    aheadMs = 2 * 3_600_000
    await rig.work()
    expect(rig.list('tasks/blocked')).toEqual(['task-a.md'])
    expect(resolved()).toMatchObject([{ status: 'expired' }])
  })

  test('is asked again of the next result', async () => {
    await gated({ denied_outcome: 'BLOCKED' })
    rig.outcomes({ updater: ['BLOCKED', 'UPDATE_COMPLETE'], troubleshooter: ['TROUBLESHOOT_COMPLETE'] })
    rig.addTask('task-a')
    await rig.work()
    await answer('approve')
    await rig.work()
    expect(pending()).toHaveLength(1)
    expect(resolved()).toHaveLength(1)
  })

  test('whose denial would ask again does not compile', async () => {
    await gated({ denied_outcome: 'CHECKER_PASS' })
    await expect(rig.open()).rejects.toThrow(/checker-pass-to-updater asks again/)
  })
})

describe('answering', () => {
  async function asked(): Promise<string> {
    await gated()
    rig.addTask('task-a')
    await rig.work()
    return pending()[0]!.approval_id
  }

  test('twice the same is well, and nothing else can be said afterwards', async () => {
    const approval_id = await asked()
    await answer('approve')
    expect(await rig.issue('approve_execution_capability', { approval_id })).toMatchObject({ applied: true })
    await expect(rig.issue('deny_execution_capability', { approval_id })).rejects.toThrow(/is approved already/)
  })

  test('what nobody asked is refused', async () => {
    await asked()
    await expect(rig.issue('approve_execution_capability', { approval_id: 'approval-0' })).rejects.toThrow(
      /There is no approval approval-0/,
    )
  })

  test('shows in listings what is pending, and what was answered only when asked for', async () => {
    const id = await asked()
    const context = contextIn(rig.root)
    expect(await approvalsLs.run(context, {})).toMatchObject({ pending_count: 1, approvals: [{ approval_id: id }] })
    expect(await approvalsShow.run(context, { approval_id: id })).toMatchObject({
      approval: { question: 'May it go on?' },
      path: `millrace-agents/approvals/pending/${id}.json`,
      can: [`millrace approvals approve ${id}`, `millrace approvals deny ${id}`],
    })
    await answer('deny')
    fs.writeFileSync(rig.at('approvals/resolved/scribble.json'), '{')
    expect(await approvalsLs.run(context, {})).toMatchObject({ pending_count: 0, approvals: [] })
    expect(await approvalsLs.run(context, { all: true })).toMatchObject({
      approvals: [{ status: 'denied' }],
      unreadable: ['millrace-agents/approvals/resolved/scribble.json'],
    })
  })
})
