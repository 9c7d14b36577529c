/** Being asked for work: what the answers make, and that nothing is left where a person wants no more of it. */
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { contextIn, newWorkspace, type TestWorkspace } from '../../../test/rig/context.ts'
import { parseDocument } from '../../core/document.ts'
import { MillraceError } from '../../core/errors.ts'
import type { Ask } from '../ask.ts'
import { addTask } from './add.ts'
import { queueNew } from './new.ts'

let workspace: TestWorkspace
beforeEach(async () => {
  workspace = await newWorkspace()
})
afterEach(() => workspace.dispose())

/** Somebody who gives these answers in turn, and then wants no more of it. */
function person(...answers: unknown[]): {
  ask: () => Promise<Ask>
  heard: string[]
  offered: string[][]
  left: unknown[]
} {
  const heard: string[] = []
  const offered: string[][] = []
  const next = (message: string): never => {
    heard.push(message)
    if (answers.length === 0) throw new MillraceError('interrupted', 'Interrupted; nothing was changed.')
    return answers.shift() as never
  }
  const ask: Ask = {
    line: async (message) => next(message),
    lines: async (message) => next(message),
    one: async (message) => next(message),
    several: async (message, options) => {
      offered.push(options.map((option) => option.value))
      return next(message)
    },
    show: (_title, text) => void heard.push(text),
    agree: async (message) => next(message),
  }
  return { ask: async () => ask, heard, offered, left: answers }
}

const queue = (kind = 'tasks') => fs.readdirSync(workspace.at(kind, 'queue')).filter((name) => name.endsWith('.md'))
const SAID = ['task', 'Add a page', 'For all.', ['It opens'], ['src/'], ['make test'], ['T-1'], 'Little']

describe('queue new', () => {
  it('makes a task of the answers, shows it, and queues just what it showed', async () => {
    await addTask.run(workspace.context, { source: 'First', id: 'T-1' })
    const somebody = person(...SAID, true)
    const answer = await queueNew.run({ ...workspace.context, ask: somebody.ask }, {})
    expect(answer).toMatchObject({
      work_item_kind: 'task',
      title: 'Add a page',
      state: 'applied',
      defaulted_fields: [],
    })
    expect(somebody.offered).toEqual([['T-1']])
    const text = fs.readFileSync(answer.path, 'utf8')
    expect(somebody.heard).toContain(text)
    const parsed = parseDocument('task', text)
    expect(parsed.ok && parsed.document.fields).toMatchObject({
      summary: 'For all.',
      acceptance: [expect.stringContaining('Add a page'), 'It opens'],
      target_paths: ['src/'],
      required_checks: ['make test'],
      depends_on: ['T-1'],
      risk: ['Little'],
    })
  })

  it('makes a spec as well, its own seed', async () => {
    const somebody = person('spec', '登録', 'A way in.', ['One can log in'], [], ['It is used'], [], true)
    const answer = await queueNew.run({ ...workspace.context, ask: somebody.ask }, {})
    expect(answer.work_item_id).toMatch(/^spec-[0-9a-f]{6}$/)
    expect(answer.defaulted_fields).toEqual(['root_spec_id', 'root_idea_id'])
    const parsed = parseDocument('spec', fs.readFileSync(answer.path, 'utf8'))
    expect(parsed.ok && parsed.document.fields).toMatchObject({
      goals: ['One can log in'],
      constraints: ['none stated'],
      acceptance: ['It is used'],
      source_type: 'manual',
    })
  })

  it.each(SAID.slice(1).map((_, at) => at))('leaves nothing where it is broken off at question %i', async (at) => {
    await addTask.run(workspace.context, { source: 'First', id: 'T-1' })
    const somebody = person(...SAID.slice(0, at))
    const asked = queueNew.run({ ...workspace.context, ask: somebody.ask }, {})
    await expect(asked).rejects.toMatchObject({ code: 'interrupted' })
    expect(queue()).toEqual(['T-1.md'])
    expect(fs.readdirSync(workspace.at('state/mailbox/incoming'))).toEqual([])
  })

  it('takes no for an answer, and in a folder without a workspace makes none then', async () => {
    const elsewhere = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-new-'))
    try {
      const somebody = person('task', 'Add a page', '', [], [], [], '', false)
      const asked = queueNew.run(contextIn(elsewhere, { ask: somebody.ask }), {})
      await expect(asked).rejects.toMatchObject({ code: 'declined' })
      expect(somebody.left).toEqual([])
      expect(fs.readdirSync(elsewhere)).toEqual([])
    } finally {
      fs.rmSync(elsewhere, { recursive: true })
    }
  })

  it('refuses where there is nobody to ask, and names what needs no questions', async () => {
    await expect(queueNew.run(workspace.context, {})).rejects.toMatchObject({
      code: 'usage',
      hint: expect.stringContaining('millrace add-task'),
    })
  })
})
