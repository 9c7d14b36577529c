/** Acting on queues, incidents and the config, through the operations: answers, previews, states that have moved, refusals. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makeLook } from '../../src/cli/look.ts'
import { exitStatus } from '../../src/cli/output.ts'
import { issued } from '../../src/cli/render/control.ts'
import { repair } from '../../src/cli/render/lineage.ts'
import { set } from '../../src/operations/config/set.ts'
import type { Context } from '../../src/operations/context.ts'
import { pause } from '../../src/operations/control.ts'
import type { Issued } from '../../src/operations/issue.ts'
import { addTask } from '../../src/operations/queue/add.ts'
import * as change from '../../src/operations/queue/change.ts'
import { ls, show } from '../../src/operations/queue/queue.ts'
import { issuedSchema } from '../../src/operations/schemas.ts'
import { OPERATIONS } from '../../src/operations/table.ts'
import { disk } from '../../src/store/files.ts'
import { placesOf } from '../../src/store/layout.ts'
import { takeLock } from '../../src/store/take-lock.ts'
import { newWorkspace, type TestContext, type TestWorkspace } from '../rig/context.ts'
import { documentText } from '../rig/documents.ts'

let workspace: TestWorkspace
let context: TestContext

beforeEach(async () => {
  workspace = await newWorkspace()
  context = workspace.context
})
afterEach(() => workspace.dispose())

const plain = makeLook({ terminal: false, colour: false, width: 100, now: new Date() })
const terminal = makeLook({ terminal: true, colour: false, width: 100, now: new Date() })
const place = (relative: string, text: string) => {
  fs.mkdirSync(path.dirname(workspace.at(relative)), { recursive: true })
  fs.writeFileSync(workspace.at(relative), text)
}
const task = (id: string, fields = {}, folder = 'queue') =>
  place(`tasks/${folder}/${id}.md`, documentText('task', id, fields))
const list = (relative: string) => fs.readdirSync(workspace.at(relative)).filter((name) => name.endsWith('.md'))
const queue = async () => (await ls.run(context, { state: 'queued' })).items.map((item) => item.work_item_id)
const dry = (): Context => ({ ...context, dryRun: true })

/** Everything below the workspace with its bytes, to see that nothing was touched. */
function everything(): string[] {
  return (fs.readdirSync(workspace.root, { recursive: true }) as string[]).sort().map((name) => {
    const file = path.join(workspace.root, name)
    const { mtimeMs, ino } = fs.statSync(file)
    return `${name} ${ino} ${mtimeMs} ${fs.statSync(file).isFile() ? fs.readFileSync(file, 'utf8') : ''}`
  })
}

function fits(answer: Issued): Issued {
  const schema = issuedSchema() as Parameters<typeof z.fromJSONSchema>[0]
  const checked = z.fromJSONSchema(schema).safeParse(JSON.parse(JSON.stringify(answer)))
  expect(checked.success ? '' : z.prettifyError(checked.error)).toBe('')
  return answer
}

describe('acting on the queue without a runtime', () => {
  it('reorders it, and lists it in that order from then on', async () => {
    for (const [index, id] of ['a', 'b', 'c'].entries()) task(id, { created_at: `2026-03-02T0${index}:00:00Z` })
    expect(await queue()).toEqual(['a', 'b', 'c'])
    fits(await change.reorder.run(context, { work_item_ids: ['c', 'a', 'b'] }))
    expect(await queue()).toEqual(['c', 'a', 'b'])
    fits(await change.reorder.run(context, { work_item_ids: ['b'], first: true }))
    expect(await queue()).toEqual(['b', 'c', 'a'])
    await expect(change.reorder.run(context, { work_item_ids: ['a'] })).rejects.toMatchObject({ code: 'order_invalid' })
  })

  it('takes items out and brings them back, each where it can be found again', async () => {
    for (const id of ['a', 'b', 'c', 'd']) task(id, {}, id === 'd' ? 'blocked' : 'queue')
    const answer = fits(await change.quarantine.run(context, { work_item_id: 'a', reason: 'odd' }))
    expect(answer).toMatchObject({ state: 'applied', applied: true, mode: 'direct' })
    expect(list('tasks/quarantine')).toEqual(['a.md'])
    fits(await change.release.run(context, { work_item_id: 'a' }))
    fits(await change.cancel.run(context, { work_item_id: 'a' }))
    fits(await change.supersede.run(context, { work_item_id: 'b', replacement: 'c', reason: 'better' }))
    fits(await change.archiveBlocked.run(context, { work_item_id: 'd' }))
    expect([list('tasks/queue/cancelled'), list('tasks/queue/superseded'), list('tasks/blocked/cancelled')]).toEqual([
      [expect.stringMatching(/^a\./)],
      [expect.stringMatching(/^b\./)],
      [expect.stringMatching(/^d\..*\.blocked\.md$/)],
    ])
    for (const id of ['a', 'b', 'd'])
      expect(await show.run(context, { work_item_id: id })).toMatchObject({ work_item_state: 'cancelled' })
    expect((await ls.run(context, { all: true })).items).toHaveLength(4)
  })

  it('takes an id again that was cancelled, and it is there to be claimed', async () => {
    await addTask.run(context, { title: 'First', id: 'T-1' })
    await change.cancel.run(context, { work_item_id: 'T-1' })
    await addTask.run(context, { title: 'Second', id: 'T-1' })
    expect((await ls.run(context, {})).items).toMatchObject([
      { work_item_id: 'T-1', title: 'Second', duplicate_of: [] },
    ])
  })

  it('rewrites one line of a document to wait for something else', async () => {
    task('a')
    task('b')
    place('tasks/queue/c.md', `${documentText('task', 'c', { depends_on: ['a'] })}\nBy hand.\r\n`)
    const before = fs.readFileSync(workspace.at('tasks/queue/c.md'), 'utf8')
    fits(await change.retargetDependency.run(context, { work_item_id: 'c', from: 'a', to: 'b', reason: 'split' }))
    expect(fs.readFileSync(workspace.at('tasks/queue/c.md'), 'utf8')).toBe(before.replace('- a\n', '- b\n'))
  })

  it('resolves, cancels and archives incidents', async () => {
    for (const id of ['i', 'j']) place(`incidents/incoming/${id}.md`, documentText('incident', id))
    place('incidents/incoming/k.md.invalid', 'odd')
    fits(await change.incidentsResolve.run(context, { work_item_id: 'i', reason: 'seen to' }))
    fits(await change.incidentsCancel.run(context, { work_item_id: 'j', reason: 'not so' }))
    fits(await change.incidentsArchiveInvalid.run(context, { filename: 'k.md.invalid', reason: 'odd' }))
    expect(list('incidents/resolved/operator')).toHaveLength(1)
    expect(list('incidents/incoming/cancelled')).toHaveLength(1)
    expect(fs.readdirSync(workspace.at('incidents/incoming/invalid-archived'))).toHaveLength(1)
    expect(await show.run(context, { work_item_id: 'i' })).toMatchObject({ work_item_state: 'done' })
    expect((await ls.run(context, { kind: 'incident', state: 'done' })).items).toHaveLength(1)
  })

  it('needs a reason that says something', async () => {
    task('a')
    for (const reason of ['', '   '])
      await expect(change.cancel.run(context, { work_item_id: 'a', reason })).rejects.toMatchObject({ code: 'usage' })
    expect(list('tasks/queue')).toEqual(['a.md'])
  })
})

describe('a preview', () => {
  it('says what would change and in which state, and touches nothing', async () => {
    task('a')
    task('b', { depends_on: ['a'] })
    const before = everything()
    const answer = fits(await change.cancel.run(dry(), { work_item_id: 'a', cascade: 'retarget' }))
    expect(everything()).toEqual(before)
    expect(answer).toMatchObject({
      state: 'preview',
      applied: false,
      command_id: null,
      detail: 'cancelled task a; no longer waiting for it: b',
      would: ['move tasks/queue/a.md to tasks/queue/cancelled/', 'rewrite tasks/queue/b.md'],
    })
    expect(exitStatus('change', answer, false)).toBe(0)
    expect(issued(answer, plain).split('\n')).toEqual([
      'action: cancel_work_item',
      'mode: direct',
      'applied: false',
      'detail: cancelled task a; no longer waiting for it: b',
      'state: preview',
      `state_id: ${answer.state_id}`,
      'would: move tasks/queue/a.md to tasks/queue/cancelled/',
      'would: rewrite tasks/queue/b.md',
    ])
    expect(issued(answer, terminal)).toContain(`--if-state ${answer.state_id}`)
  })

  it('is had of every verb that changes something, and meets the refusals the verb would', async () => {
    task('a')
    const before = everything()
    expect(await pause.run(dry(), {})).toMatchObject({ state: 'preview', action: 'pause' })
    expect(await addTask.run(dry(), { title: 'New', id: 'T-1' })).toMatchObject({
      state: 'preview',
      would: ['write tasks/queue/T-1.md'],
    })
    await expect(addTask.run(dry(), { title: 'New', id: 'A' })).rejects.toMatchObject({ code: 'item_exists' })
    await expect(change.release.run(dry(), { work_item_id: 'a' })).rejects.toMatchObject({ code: 'item_state' })
    expect(await set.run(dry(), { key: 'recovery.max_fix_cycles', value: '3' })).toMatchObject({
      state: 'preview',
      result: { diff: expect.arrayContaining(['+ max_fix_cycles = 3']) },
    })
    expect(everything()).toEqual(before)
  })

  it('makes no workspace where there is none', async () => {
    fs.rmSync(workspace.at(), { recursive: true })
    await expect(addTask.run(dry(), { title: 'New' })).rejects.toMatchObject({ code: 'workspace_missing' })
    expect(fs.existsSync(workspace.at())).toBe(false)
  })

  it('is all that a bulk verb does until it is to be applied', async () => {
    const idea = { root_idea_id: 'i-1' }
    place('specs/done/S-1.md', documentText('spec', 'S-1', { ...idea, root_spec_id: 'S-1' }))
    task('a', { ...idea, root_spec_id: 'S-9' })
    const before = everything()
    const answer = fits(await change.repairLineage.run(context, { root_spec_id: 'S-1' }))
    expect(everything()).toEqual(before)
    expect(repair(answer, plain)).toContain(
      'repair_count: 1\nchange_count: 1\nrepaired_count: 0\nskipped_count: 0\nrepair_report: none\nchange: task a root_spec_id S-9 -> S-1\n',
    )
    const done = fits(await change.repairLineage.run({ ...context, apply: true }, { root_spec_id: 'S-1' }))
    expect(done).toMatchObject({ state: 'applied', applied: true })
    expect(repair(done, plain)).toMatch(/repaired_count: 1\n.*\nrepair_report: millrace-agents\/arbiter\/diagnostics/)
    expect(fs.readFileSync(workspace.at('tasks/queue/a.md'), 'utf8')).toContain('Root-Spec-ID: S-1')
  })
})

describe('a change that is meant for one state', () => {
  const seen = async () => (await change.cancel.run(dry(), { work_item_id: 'a' })).state_id!

  it('is carried out in that state', async () => {
    task('a')
    const ifState = await seen()
    expect(await change.cancel.run({ ...context, ifState }, { work_item_id: 'a' })).toMatchObject({ applied: true })
  })

  it.each<[string, () => unknown]>([
    ['a person edited the document', () => fs.appendFileSync(workspace.at('tasks/queue/a.md'), '\nMore.\n')],
    ['a person edited another queued document', () => fs.appendFileSync(workspace.at('tasks/queue/b.md'), '\nMore.\n')],
    ['a person added one', () => task('c')],
    ['a person took one away', () => fs.rmSync(workspace.at('tasks/queue/b.md'))],
    ['a command was carried out', () => change.cancel.run(context, { work_item_id: 'b' })],
  ])('is refused with both ids once %s, and nothing is done', async (_, meddle) => {
    task('a')
    task('b')
    const ifState = await seen()
    await meddle()
    await expect(change.cancel.run({ ...context, ifState }, { work_item_id: 'a' })).rejects.toMatchObject({
      code: 'state_moved',
      exitStatus: 3,
      message: expect.stringContaining(ifState),
    })
    expect(list('tasks/queue')).toContain('a.md')
    await expect(change.cancel.run({ ...dry(), ifState }, { work_item_id: 'a' })).rejects.toMatchObject({
      code: 'state_moved',
    })
  })

  it('is refused where the id is none', async () => {
    task('a')
    await expect(change.cancel.run({ ...context, ifState: 'yesterday' }, { work_item_id: 'a' })).rejects.toMatchObject({
      code: 'usage',
    })
  })

  it('is asked by the runtime that carries it out, not by who posts it', async () => {
    task('a')
    const ifState = await seen()
    const ports = { files: disk, places: placesOf(workspace.root), processes: context.processes, clock: context.clock }
    const lock = await takeLock(ports)
    const waiting = await change.cancel.run({ ...context, ifState, waitSeconds: 0 }, { work_item_id: 'a' })
    expect(waiting).toMatchObject({ state: 'queued' })
    fs.appendFileSync(workspace.at('tasks/queue/a.md'), '\nMore.\n')
    await lock.release()
    await pause.run(context, {})
    const archive = JSON.parse(fs.readFileSync(workspace.at(`state/mailbox/failed/${waiting.command_id}.json`), 'utf8'))
    expect(archive).toMatchObject({ result: { code: 'state_moved' }, envelope: { if_state: ifState } })
    expect(list('tasks/queue')).toEqual(['a.md'])
  })
})

describe('setting a key of the config', () => {
  const config = () => fs.readFileSync(workspace.at('millrace.toml'), 'utf8')

  it('says which lines changed and when that counts', async () => {
    const before = config()
    const answer = fits(await set.run(context, { key: 'runtime.run_style', value: 'once' }))
    expect(answer).toMatchObject({
      state: 'applied',
      detail: 'runtime.run_style is "once" now, was "daemon"; the next start reads it',
      result: { boundary: 'tick', diff: ['- run_style = "daemon"', '+ run_style = "once"'] },
    })
    expect(config()).toBe(before.replace('"daemon"', '"once"'))
    expect(fs.readdirSync(workspace.at()).filter((name) => name.includes('conflict'))).toEqual([])
  })

  it('wants a value or --unset, not both', async () => {
    const key = 'runtime.run_style'
    await expect(set.run(context, { key })).rejects.toMatchObject({ code: 'usage' })
    await expect(set.run(context, { key, value: 'once', unset: true })).rejects.toMatchObject({ code: 'usage' })
    fits(await set.run(context, { key, unset: true }))
    expect(config()).not.toContain('run_style')
  })

  it('refuses a value the key does not take, and sends nobody to mend a file that is sound', async () => {
    const before = config()
    const refused = set.run(context, { key: 'recovery.max_fix_cycles', value: 'many' })
    await expect(refused).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(/^recovery\.max_fix_cycles: /),
      hint: 'nothing was changed; see what it is with `millrace config show recovery.max_fix_cycles`',
    })
    expect(config()).toBe(before)
    fs.appendFileSync(workspace.at('millrace.toml'), '\n[nonsense]\n')
    await expect(set.run(context, { key: 'recovery.max_fix_cycles', value: '3' })).rejects.toMatchObject({
      hint: expect.stringContaining('mend the file'),
    })
  })

  it('refuses a file that is a link, and leaves it one', async () => {
    const real = path.join(workspace.root, 'real.toml')
    fs.renameSync(workspace.at('millrace.toml'), real)
    fs.symlinkSync(real, workspace.at('millrace.toml'))
    await expect(set.run(context, { key: 'runtime.run_style', value: 'once' })).rejects.toMatchObject({
      code: 'config_invalid',
    })
    expect(fs.lstatSync(workspace.at('millrace.toml')).isSymbolicLink()).toBe(true)
  })
})

it('every verb that changes something says so by a closed answer', async () => {
  for (const entry of OPERATIONS) {
    const operation = await entry.load()
    if (operation.flavour !== 'change') continue
    const schema = (await operation.output()) as { additionalProperties?: boolean; properties: object }
    expect([entry.name, schema.additionalProperties]).toEqual([entry.name, false])
    // `daemon stop` tells what became of a process, not of its command.
    const told = entry.name === 'daemon stop' ? ['state', 'pid'] : ['state', 'mode', 'applied', 'state_id']
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(told))
  }
})
