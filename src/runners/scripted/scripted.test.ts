import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import {
  bundle,
  clock,
  endAll,
  eventually,
  requestIn,
  stillRunning,
  temporaryFolder,
} from '../../../test/agents/rig.ts'
import { parseConfig } from '../../core/config.ts'
import { DOCUMENT_KINDS, newDocument, parseDocument, renderDocument } from '../../core/document.ts'
import type { StageRequest } from '../../core/request.ts'
import type { HandIn } from '../../core/stage.ts'
import { verdictObjection } from '../../core/verdict.ts'
import { disk } from '../../store/files.ts'
import { runnersFor } from '../registry.ts'
import { type Following, isHandle } from '../runner.ts'

const workspace = temporaryFolder()
const program = bundle(path.join(import.meta.dirname, 'agent.ts'), workspace)
const requestIds: string[] = []
afterEach(() => endAll(requestIds.splice(0)))
afterAll(() => fs.rmSync(workspace, { recursive: true, force: true }))

type Changes = Partial<StageRequest> & { hand_ins?: HandIn[] }

function stage(changes: Changes = {}): StageRequest {
  const { hand_ins, ...rest } = changes
  const request = requestIn(workspace, { runner_name: 'scripted', ...rest })
  requestIds.push(request.request_id)
  const file = path.join(request.run_dir, 'stage_requests', `${request.request_id}.json`)
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, JSON.stringify(hand_ins ? { ...request, hand_ins } : request))
  return request
}

async function follow(request: StageRequest, replies: unknown[] | string | null): Promise<Following> {
  if (replies !== null) {
    const text =
      typeof replies === 'string'
        ? replies
        : JSON.stringify({ schema_version: '1.0', kind: 'scripted_replies', replies })
    fs.writeFileSync(path.join(workspace, 'replies.json'), text)
  }
  const config = parseConfig({ runners: { scripted: { replies: replies === null ? null : 'replies.json' } } }, 'test')
  const ports = {
    files: disk,
    clock,
    environment: process.env,
    workspaceRoot: workspace,
    scriptedAgent: program,
    driver: '',
  }
  const runner = runnersFor(config, ports).get('scripted')!
  const handle = await runner.start(request)
  if (!isHandle(handle)) throw new Error(handle.message ?? '')
  return runner.follow(request, handle)
}

const play = async (request: StageRequest, replies: unknown[] | string | null) =>
  (await follow(request, replies)).result
const reply = (steps: unknown[], more: Record<string, unknown> = {}) => ({
  stage: 'builder',
  steps,
  outcome: 'BUILDER_COMPLETE',
  ...more,
})
const inWorkspace = (name: string) => fs.readFileSync(path.join(workspace, name), 'utf8')
const marker = (message: string | null) => message?.trimEnd().split('\n').at(-1)

describe('the scripted agent', () => {
  it('plays its steps in order, shows them, and ends with the marker', async () => {
    const request = stage()
    fs.writeFileSync(path.join(workspace, 'given.txt'), 'cost: $1\n')
    const raw = await play(request, [
      reply(
        [
          { say: 'working on {item}, not on {unknown}' },
          { write: { path: 'sub/made.txt', text: 'for {request_id} {"json": {}}' } },
          { copy: { from: '{replies_dir}/given.txt', to: '{run_dir}/copied.txt' } },
          { replace: { path: 'given.txt', find: '$1', with: '$&2' } },
          { run: { command: 'cat given.txt; echo "### BLOCKED"' } },
          { run: { command: 'exit 3', expect: 'failure' } },
          { run: { command: 'exit 4', expect: 'any' } },
          { wait_ms: 1 },
          { hand_in: { kind: 'task', id: 'next', text: '# Next\n' } },
          { result: { terminal_result: 'BUILDER_COMPLETE', summary: 'did {item}' } },
          { artifacts: true },
        ],
        { message: 'Done with {item}.' },
      ),
    ])
    expect(raw).toMatchObject({ ending: 'exited', exit_code: 0, swept: [] })
    const lines = raw.final_message!.split('\n')
    expect(lines).toContain('· working on add-retries, not on {unknown}')
    expect(lines).toContain('  | ### BLOCKED')
    expect(raw.final_message).toMatch(/\nDone with add-retries\.\n\n### BUILDER_COMPLETE\n$/)
    expect(inWorkspace('sub/made.txt')).toBe(`for ${request.request_id} {"json": {}}`)
    expect(fs.readFileSync(path.join(request.run_dir, 'copied.txt'), 'utf8')).toBe('cost: $1\n')
    expect(inWorkspace('given.txt')).toBe('cost: $&2\n')
    expect(fs.readFileSync(path.join(request.outbox_dir, 'task/next.md'), 'utf8')).toBe('# Next\n')
    expect(JSON.parse(fs.readFileSync(request.terminal_result_path, 'utf8')).summary).toBe('did add-retries')
    expect(fs.readFileSync(path.join(request.run_dir, 'builder_summary.md'), 'utf8')).toContain('add-retries')
  })

  it('reports that it is blocked when a command does not do what is expected', async () => {
    const raw = await play(stage(), [reply([{ run: { command: 'echo broken; exit 5' } }, { say: 'never said' }])])
    expect(raw.exit_code).toBe(0)
    expect(raw.final_message).toContain('  | broken')
    expect(raw.final_message).toContain('`echo broken; exit 5` ended with status 5, success was expected')
    expect(raw.final_message).not.toContain('never said')
    expect(marker(raw.final_message)).toBe('### BLOCKED')
  })

  it('may be told to lie, to say nothing, or to fail', async () => {
    expect(marker((await play(stage(), [reply([], { outcome: 'NO_SUCH' })])).final_message)).toBe('### NO_SUCH')
    expect((await play(stage(), [reply([], { outcome: null, message: 'hm' })])).final_message).toBe('\nhm\n')
    expect(await play(stage(), [reply([], { exit_code: 9 })])).toMatchObject({ ending: 'exited', exit_code: 9 })
  })

  it('may hang until it is stopped', async () => {
    const request = stage()
    const following = await follow(request, [reply([{ say: 'here' }, { hang: true }])])
    expect(await eventually(() => following.progress().outputBytes > 0)).toBe(true)
    await following.stop('cancelled')
    expect((await following.result).ending).toBe('cancelled')
    expect(stillRunning(request)).toEqual([])
  })

  it('may leave a background process, which the sweep finds', async () => {
    const raw = await play(stage(), [reply([{ spawn: { command: 'sleep 60' } }])])
    expect(raw.swept.map((process) => process.command).join()).toContain('sleep 60')
  })

  it('knows from the results of the run which attempt this is', async () => {
    const replies = [reply([], { attempt: 1, message: 'first' }), reply([], { attempt: 2, message: 'second' })]
    const request = stage()
    fs.mkdirSync(path.join(request.run_dir, 'stage_results'))
    fs.writeFileSync(path.join(request.run_dir, 'stage_results/a.json'), '{"node_id":"checker"}')
    expect((await play(request, replies)).final_message).toContain('first')
    const later = stage({ run_dir: request.run_dir })
    fs.writeFileSync(path.join(request.run_dir, 'stage_results/b.json'), '{"node_id":"builder"}')
    expect((await play(later, replies)).final_message).toContain('second')
  })

  it('fails with the reason if its replies are wrong', async () => {
    const raw = await play(stage(), [reply([{ dance: true }])])
    expect(raw).toMatchObject({ ending: 'exited', exit_code: 2 })
    expect(raw.message).toContain('reply 1: step 1 must have one member of say')
    expect((await play(stage(), '{')).exit_code).toBe(2)
  })
})

describe('a dry run', () => {
  it('reports the first success and leaves every file owed for it', async () => {
    const request = stage({
      legal_terminal_markers: ['### FIX_NEEDED', '### CHECKER_PASS', '### BLOCKED'],
      allowed_result_classes_by_outcome: {
        FIX_NEEDED: ['followup_needed'],
        CHECKER_PASS: ['success'],
        BLOCKED: ['blocked'],
      },
      owed_artifacts_by_outcome: {
        CHECKER_PASS: [
          { name: 'summary', path: 'checker_summary.md', format: 'text', reuse: false },
          { name: 'facts', path: 'facts.json', format: 'json', reuse: false },
        ],
        FIX_NEEDED: [{ name: 'contract', path: 'fix_contract.md', format: 'text', reuse: false }],
      },
    })
    const raw = await play(request, null)
    expect(marker(raw.final_message)).toBe('### CHECKER_PASS')
    expect(fs.readFileSync(path.join(request.run_dir, 'checker_summary.md'), 'utf8')).toContain('dry run')
    expect(JSON.parse(fs.readFileSync(path.join(request.run_dir, 'facts.json'), 'utf8'))).toMatchObject({
      name: 'facts',
    })
    expect(fs.existsSync(path.join(request.run_dir, 'fix_contract.md'))).toBe(false)
  })

  it('hands in valid documents where they are required, with the lineage of what it works on', async () => {
    const document = path.join(workspace, 'spec.md')
    fs.writeFileSync(
      document,
      renderDocument(
        newDocument('spec', {
          spec_id: 'retries',
          title: 'Retries',
          summary: 'Retry uploads.',
          source_type: 'manual',
          root_idea_id: 'idea-1',
          root_spec_id: 'root-1',
          created_at: '2026-03-02T09:15:00Z',
          created_by: 'operator',
          goals: ['g'],
          constraints: ['c'],
          acceptance: ['a'],
          references: ['r'],
        }),
      ),
    )
    const request = stage({
      active_work_item_kind: 'spec',
      active_work_item_id: 'retries',
      active_work_item_path: document,
      hand_ins: [
        ...DOCUMENT_KINDS.map((kind) => ({ kind, outcomes: ['BUILDER_COMPLETE'], at_least: kind === 'task' ? 2 : 1 })),
        { kind: 'incident', outcomes: ['BLOCKED'], at_least: 5 },
      ],
    })
    await play(request, null)
    for (const kind of DOCUMENT_KINDS) {
      const names = fs.readdirSync(path.join(request.outbox_dir, kind))
      expect(names, kind).toHaveLength(kind === 'task' ? 2 : 1)
      for (const name of names) {
        const parsed = parseDocument(kind, fs.readFileSync(path.join(request.outbox_dir, kind, name), 'utf8'))
        expect(parsed).toMatchObject({
          ok: true,
          document: { id: path.basename(name, '.md'), title: 'Retries (dry run)' },
        })
        if (kind === 'task') {
          expect(parsed).toMatchObject({
            document: { fields: { root_idea_id: 'idea-1', root_spec_id: 'root-1', spec_id: 'retries' } },
          })
        }
      }
    }
  })

  it('of a closure stage leaves a verdict that its outcome needs', async () => {
    const verdict = path.join(workspace, 'verdict.json')
    const closure: Changes = {
      request_kind: 'closure_target',
      active_work_item_kind: null,
      active_work_item_id: null,
      active_work_item_path: null,
      closure_target_root_spec_id: 'root-1',
      preferred_verdict_path: verdict,
      legal_terminal_markers: ['### PASSED', '### GAP', '### BLOCKED'],
      allowed_result_classes_by_outcome: { PASSED: ['success'], GAP: ['followup_needed'], BLOCKED: ['blocked'] },
      owed_artifacts_by_outcome: Object.fromEntries(
        ['PASSED', 'GAP'].map((outcome) => [
          outcome,
          [{ name: 'verdict', path: verdict, format: 'verdict', reuse: false }],
        ]),
      ),
    }
    expect(marker((await play(stage(closure), null)).final_message)).toBe('### PASSED')
    expect(verdictObjection(inWorkspace('verdict.json'), 'root-1', 'success')).toBeNull()
    fs.rmSync(verdict)
    await play(stage(closure), [reply([{ artifacts: true }], { stage: '*', item: 'root-1', outcome: 'GAP' })])
    expect(verdictObjection(inWorkspace('verdict.json'), 'root-1', 'followup_needed')).toBeNull()
  })
})
