/** Adding work and moving it: what is taken for a file, a document or a title; what is refused, and in which words. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makeLook } from '../../src/cli/look.ts'
import { issued } from '../../src/cli/render/control.ts'
import { added } from '../../src/cli/render/queue.ts'
import { DOCUMENT_BYTES_MAX, newDocument, parseDocument, renderDocument } from '../../src/core/document.ts'
import type { Context } from '../../src/operations/context.ts'
import type { Issued } from '../../src/operations/issue.ts'
import { type Added, addIdea, addLearningRequest, addProbe, addSpec, addTask } from '../../src/operations/queue/add.ts'
import { cancel, retry } from '../../src/operations/queue/change.ts'
import { addedSchema, issuedSchema } from '../../src/operations/schemas.ts'
import { disk } from '../../src/store/files.ts'
import { placesOf } from '../../src/store/layout.ts'
import { takeLock } from '../../src/store/take-lock.ts'
import { contextIn, newWorkspace, type TestContext, type TestWorkspace } from '../rig/context.ts'
import { spec, task } from '../rig/runtime.ts'

let workspace: TestWorkspace
let context: TestContext

beforeEach(async () => {
  workspace = await newWorkspace()
  context = workspace.context
})
afterEach(() => workspace.dispose())

const plain = makeLook({ terminal: false, colour: false, width: 100, now: new Date() })
const terminal = makeLook({ terminal: true, colour: false, width: 100, now: new Date() })
const taskText = (id: string) => renderDocument(newDocument('task', task(id)))

function file(name: string, content: string | Uint8Array): string {
  const target = path.join(workspace.root, name)
  fs.writeFileSync(target, content)
  return target
}

const queued = (id: string, kind = 'tasks') => fs.readFileSync(workspace.at(kind, 'queue', `${id}.md`), 'utf8')

function fits(answer: object, schema: object): void {
  const checked = z
    .fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])
    .safeParse(JSON.parse(JSON.stringify(answer)))
  expect(checked.success ? '' : z.prettifyError(checked.error)).toBe('')
}

const add = (source: string, more: object = {}, from: Context = context): Promise<Added> =>
  addTask.run(from, { source, ...more })

describe('add-task with a title', () => {
  it('queues a whole document, and names what was filled in on stderr and in the answer', async () => {
    fs.writeFileSync(path.join(workspace.root, 'package.json'), JSON.stringify({ scripts: { test: 'vitest' } }))
    const answer = await add('Add a login page', { accept: ['Logging in works'] })
    fits(answer, addedSchema())
    expect(answer).toMatchObject({ state: 'applied', mode: 'direct', title: 'Add a login page' })
    expect(answer.defaulted_fields).toEqual(['task_id', 'target_paths', 'required_checks', 'references', 'risk'])
    expect(context.notices.join()).toContain('required_checks = npm test')
    const parsed = parseDocument('task', queued(answer.work_item_id))
    expect(parsed.ok && parsed.document.fields.required_checks).toEqual(['npm test'])
    expect(added(answer, plain)).toBe(`enqueued_task: ${workspace.at('tasks/queue', `${answer.work_item_id}.md`)}`)
    expect(added(answer, terminal)).toMatch(/^✓ queued task add-a-login-page-[0-9a-f]{6} "Add a login page"\n/)
  })

  it('takes the title from --title too, so that one may have slashes or be the name of a file', async () => {
    file('notes.txt', 'something else')
    const answer = await addTask.run(context, { title: 'Clean up src/parser and notes.txt', id: 'CLEAN-1' })
    expect(answer.work_item_id).toBe('CLEAN-1')
    await expect(add('one', { title: 'two' })).rejects.toMatchObject({ code: 'usage' })
    await expect(addTask.run(context, {})).rejects.toMatchObject({ code: 'usage' })
  })

  it('refuses an id that exists already, and ids that are none', async () => {
    await add('Once', { id: 'T-1' })
    await expect(add('Twice', { id: 'T-1' })).rejects.toMatchObject({ code: 'item_exists' })
    await expect(add('Never', { id: '../x' })).rejects.toMatchObject({ code: 'id_invalid' })
    await expect(add('Never', { depends_on: ['a b'] })).rejects.toMatchObject({ code: 'id_invalid' })
  })
})

describe('what a title cannot say', () => {
  it('is said by options: a summary, a body of many lines, and what the task belongs to', async () => {
    const said = { summary: 'In a sentence.', body: 'It broke.\nRisk: high', spec_id: 'S-1', root_spec_id: 'R-1' }
    const answer = await add('Mend it', { ...said, root_idea_id: 'I-1', parent_task_id: 'T-0' })
    const parsed = parseDocument('task', queued(answer.work_item_id))
    const lineage = { spec_id: 'S-1', root_spec_id: 'R-1', root_idea_id: 'I-1', parent_task_id: 'T-0' }
    expect(parsed.ok && parsed.document.fields).toMatchObject({ summary: 'In a sentence.', ...lineage })
    expect(parsed.ok && parsed.document.body).toBe('It broke.\n> Risk: high')
    await expect(add('Never', { spec_id: 'a b' })).rejects.toMatchObject({
      code: 'id_invalid',
      message: expect.stringContaining('--spec-id'),
    })
  })

  it('one title twice makes two tasks, even in the same moment', async () => {
    const clock = { ...context.clock, now: () => new Date('2026-03-01T12:00:00Z') }
    const answers = [await add('Mend it', {}, { ...context, clock }), await add('Mend it', {}, { ...context, clock })]
    expect(new Set(answers.map((answer) => answer.work_item_id)).size).toBe(2)
  })
})

describe('add-probe and add-learning-request', () => {
  const probe = {
    probe_id: 'P-1',
    title: 'Why?',
    request: 'Find out.',
    created_at: '2026-03-01T10:00:00Z',
    created_by: 'me',
  }
  const lesson = {
    learning_request_id: 'L-1',
    title: 'Learn',
    requested_action: 'create',
    created_at: '2026-03-01T10:00:00Z',
    created_by: 'me',
  }

  it('are refused where no plane of the mode takes such work, and then nothing is queued', async () => {
    const source = file('probe.json', JSON.stringify(probe))
    await expect(addProbe.run(context, { source })).rejects.toMatchObject({
      code: 'kind_unclaimed',
      message: 'No plane of mode default_codex takes a probe.',
    })
    await expect(
      addLearningRequest.run(context, { source: file('lesson.json', JSON.stringify(lesson)) }),
    ).rejects.toMatchObject({ code: 'kind_unclaimed' })
    expect(fs.readdirSync(workspace.at('probes/queue'))).toEqual([])
  })

  it('are queued where the mode names them in its claim order', async () => {
    const shipped = (file: string) => JSON.parse(fs.readFileSync(path.join(context.packageRoot, file), 'utf8'))
    const planes = [
      { plane: 'planning', kinds: ['probe', 'learning_request', 'incident', 'spec'] },
      { plane: 'execution', kinds: ['task'] },
    ]
    const loop = shipped('graphs/planning/standard.json')
    const entries = ['probe', 'learning_request'].map((entry_key) => ({ entry_key, node_id: 'planner' }))
    fs.mkdirSync(workspace.at('graphs/planning'), { recursive: true })
    fs.writeFileSync(
      workspace.at('graphs/planning/standard.json'),
      JSON.stringify({ ...loop, entry_nodes: [...loop.entry_nodes, ...entries] }),
    )
    const mode = { ...shipped('modes/default_codex.json'), mode_id: 'asking', claim_order: { planes } }
    fs.writeFileSync(workspace.at('modes/asking.json'), JSON.stringify(mode))
    const asking = { ...context, overrides: ['runtime.default_mode=asking'] }
    const answer = await addProbe.run(asking, { source: file('probe.json', JSON.stringify(probe)) })
    fits(answer, addedSchema())
    expect(added(answer, plain)).toBe(`enqueued_probe: ${workspace.at('probes/queue/P-1.md')}`)
    await addLearningRequest.run(asking, { source: file('lesson.json', JSON.stringify(lesson)) })
    expect(fs.readdirSync(workspace.at('learning/requests/queue'))).toEqual(['L-1.md'])
  })
})

describe('add-task with a document', () => {
  it('queues markdown with every byte that people wrote', async () => {
    const text = `${taskText('T-1')}\nSome words of my own.\r\n`
    const answer = await add(file('task.md', text))
    fits(answer, addedSchema())
    expect(queued('T-1')).toBe(text)
    expect(answer.defaulted_fields).toEqual([])
  })

  it('queues JSON as canonical markdown, and what is piped in as either', async () => {
    await add(file('task.json', JSON.stringify(task('T-1'))))
    expect(queued('T-1')).toBe(taskText('T-1'))
    await add('-', {}, contextIn(workspace.root, {}, JSON.stringify(task('T-2'))))
    await add('-', {}, contextIn(workspace.root, {}, taskText('T-3')))
    expect(queued('T-2')).toBe(taskText('T-2'))
    expect(queued('T-3')).toBe(taskText('T-3'))
  })

  it('takes a byte order mark and Windows line ends in its stride', async () => {
    await add(file('windows.md', `\uFEFF${taskText('T-1').replaceAll('\n', '\r\n')}`))
    expect(parseDocument('task', queued('T-1')).ok).toBe(true)
  })

  it('says which line of a document is wrong, and queues nothing', async () => {
    const broken = file('broken.md', taskText('T-1').replace('Created-At: 2026', 'Created-At: soon'))
    await expect(add(broken)).rejects.toMatchObject({
      code: 'document_invalid',
      message: expect.stringMatching(/broken\.md is not a valid task: line \d+: Created-At/),
    })
    expect(fs.readdirSync(workspace.at('tasks/queue')).filter((name) => name.endsWith('.md'))).toEqual([])
    expect(fs.readdirSync(workspace.at('state/mailbox/incoming'))).toEqual([])
  })

  it('refuses empty, binary, huge and half documents, each in one sentence', async () => {
    const refused = (name: string, content: string | Uint8Array, why: RegExp) =>
      expect(add(file(name, content))).rejects.toMatchObject({
        code: 'document_invalid',
        message: expect.stringMatching(why),
      })
    await refused('empty.md', '', /empty/)
    await refused('binary.md', new Uint8Array([0x23, 0x20, 0xff, 0xfe, 0x00]), /not UTF-8/)
    await refused('nul.md', `${taskText('T-1')}\0`, /NUL/)
    await refused('huge.md', `${taskText('T-1')}\n${'x'.repeat(DOCUMENT_BYTES_MAX)}`, /larger than 1048576 bytes/)
    await refused('huge.json', JSON.stringify({ ...task('T-1'), title: 'x'.repeat(DOCUMENT_BYTES_MAX) }), /larger than/)
    await refused('half.json', '{"task_id": ', /half\.json is not a valid task/)
    await refused('list.json', '[]', /not a JSON object/)
  })

  it('takes what looks like a path for one, and names the file that was probably meant', async () => {
    file('login.md', taskText('T-1'))
    const missing = (source: string) => expect(add(source)).rejects
    await missing('logn.md').toMatchObject({
      code: 'file_unreadable',
      hint: expect.stringContaining('did you mean login.md?'),
    })
    await missing('src/parser').toMatchObject({ code: 'file_unreadable', hint: expect.stringContaining('--title') })
    const notes = file('notes.txt', 'hello')
    await missing(notes).toMatchObject({
      code: 'file_unreadable',
      message: expect.stringContaining('neither a .md nor a .json'),
    })
    await expect(add(file('T-2.md', taskText('T-2')), { accept: ['x'] })).rejects.toMatchObject({
      code: 'usage',
      message: '--accept cannot be given together with a document.',
    })
  })
})

describe('add-spec and add-idea', () => {
  it('a root spec that names no seed is its own, and that is said', async () => {
    const answer = await addSpec.run(context, {
      source: file('spec.md', renderDocument(newDocument('spec', spec('S-1')))),
    })
    fits(answer, addedSchema())
    expect(answer.defaulted_fields).toEqual(['root_spec_id', 'root_idea_id'])
    expect(context.notices).toEqual(['filled in: root_spec_id = S-1; root_idea_id = S-1'])
    expect(queued('S-1', 'specs')).toContain('Root-Spec-ID: S-1')
  })

  it('an idea is any text; its name is that of the file, made to fit, or the one that was given', async () => {
    const answer = await addIdea.run(context, { source: file('my idea!.txt', '# Dark mode\n') })
    fits(answer, addedSchema())
    expect(answer.work_item_id).toBe('my-idea-.md')
    expect(added(answer, plain)).toBe(`enqueued_idea: ${path.join(workspace.root, 'ideas/inbox/my-idea-.md')}`)
    const piped = contextIn(workspace.root, {}, 'Dark mode, please.\n')
    await addIdea.run(piped, { source: '-', name: 'dark-mode' })
    expect(fs.readFileSync(path.join(workspace.root, 'ideas/inbox/dark-mode.md'), 'utf8')).toBe('Dark mode, please.\n')
  })

  it('an idea without name, text or safe name is refused', async () => {
    const refused = (input: { source: string; name?: string }) => expect(addIdea.run(context, input)).rejects
    await refused({ source: '-' }).toMatchObject({ code: 'usage' })
    await refused({ source: file('blank.md', ' \n') }).toMatchObject({ code: 'document_invalid' })
    await refused({ source: file('idea.md', 'x'), name: '../x' }).toMatchObject({ code: 'id_invalid' })
    await refused({ source: file('idea.bin', new Uint8Array([0xff, 0xfe])) }).toMatchObject({
      code: 'document_invalid',
    })
  })
})

describe('where the work goes', () => {
  it('a missing workspace is made, and that is said', async () => {
    fs.rmSync(path.join(workspace.root, 'millrace-agents'), { recursive: true })
    await add('Begin')
    expect(context.notices[0]).toBe(`created a Millrace workspace: ${workspace.at()}`)
  })

  it('beside a runtime that does not answer, the work stays queued and says so', async () => {
    const ports = { files: disk, places: placesOf(workspace.root), processes: context.processes, clock: context.clock }
    const lock = await takeLock(ports)
    try {
      const answer = await add('Wait', { id: 'T-1' }, { ...context, waitSeconds: 0 })
      fits(answer, addedSchema())
      expect(answer).toMatchObject({ state: 'queued', applied: false, mode: 'mailbox' })
      expect(added(answer, plain)).toMatch(
        /^action: add_task\nmode: mailbox\napplied: false\ndetail: .*\ncommand_id: add_task-/,
      )
      expect(fs.readdirSync(workspace.at('state/mailbox/incoming'))).toHaveLength(1)
    } finally {
      await lock.release()
    }
  })

  it('an item that was queued a moment ago can be cancelled at once', async () => {
    await add('Never mind', { id: 'T-1' })
    expect(await cancel.run(context, { work_item_id: 'T-1' })).toMatchObject({ state: 'applied' })
    await expect(cancel.run(context, { work_item_id: 'T-1' })).rejects.toMatchObject({ code: 'item_unknown' })
  })

  it('blocked items go back by retry and out by cancel, with the control result block of each', async () => {
    fs.writeFileSync(workspace.at('tasks/blocked/T-1.md'), taskText('T-1'))
    const back: Issued = await retry.run(context, { work_item_id: 'T-1', reason: 'the key is there' })
    fits(back, issuedSchema())
    expect(issued(back, plain).split('\n')[0]).toBe('action: retry_work_item')
    expect(queued('T-1')).toBe(taskText('T-1'))
    const out = await cancel.run(context, { work_item_id: 'T-1', kind: 'task' })
    fits(out, issuedSchema())
    expect(issued(out, terminal)).toBe('✓ cancelled task T-1')
    await expect(retry.run(context, { work_item_id: 'T-1' })).rejects.toMatchObject({ code: 'item_unknown' })
    await expect(retry.run(context, { work_item_id: 'a/b' })).rejects.toMatchObject({ code: 'id_invalid' })
  })
})
