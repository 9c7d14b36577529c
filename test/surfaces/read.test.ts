/** What the read operations answer in real workspaces, and how that reads: facts, keys, schemas, and that nothing is written. */
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makeLook } from '../../src/cli/look.ts'
import { rendererOf } from '../../src/cli/render/table.ts'
import { newDocument, renderDocument } from '../../src/core/document.ts'
import type { DoctorOutput } from '../../src/operations/schemas/doctor.ts'
import type { CompileShowOutput, ConfigShowOutput } from '../../src/operations/schemas/plan.ts'
import type { QueueLsOutput, QueueShowOutput } from '../../src/operations/schemas/queue.ts'
import type { RunsLsOutput, RunsShowOutput, RunsTraceOutput } from '../../src/operations/schemas/runs.ts'
import type { StatusOutput } from '../../src/operations/schemas/status.ts'
import { type AnyOperation, OPERATIONS } from '../../src/operations/table.ts'
import { disk } from '../../src/store/files.ts'
import { encodeRecord } from '../../src/store/journal.ts'
import { placesOf } from '../../src/store/layout.ts'
import { takeLock } from '../../src/store/take-lock.ts'
import { contextIn, newWorkspace, type TestContext, type TestWorkspace } from '../rig/context.ts'
import { Rig, spec, task } from '../rig/runtime.ts'

const opened: TestWorkspace[] = []
afterEach(() => {
  for (const workspace of opened.splice(0)) workspace.dispose()
})

async function workspaceHere(): Promise<TestWorkspace> {
  const workspace = await newWorkspace()
  opened.push(workspace)
  return workspace
}

/** A Codex that only says its version, and a made-up key. */
function withCodex({ root, at }: TestWorkspace): void {
  const program = path.join(root, 'codex')
  fs.writeFileSync(program, '#!/bin/sh\necho codex 1.2.3\n', { mode: 0o755 })
  const section = `[runners.codex]\ncommand = ${JSON.stringify(program)}\nenv = { CODEX_API_KEY = "made-up" }\n`
  fs.writeFileSync(at('millrace.toml'), section)
}

async function operation(name: string): Promise<AnyOperation> {
  return OPERATIONS.find((entry) => entry.name === name)!.load()
}

/** Runs an operation; its answer, as JSON, must fit the schema the operation gives of it. */
async function ask<T = Record<string, unknown>>(context: TestContext, name: string, input: object = {}): Promise<T> {
  const verb = await operation(name)
  const answer = await verb.run(context, input)
  const json = JSON.parse(JSON.stringify(answer)) as unknown
  const schema = z.fromJSONSchema((await verb.output()) as Parameters<typeof z.fromJSONSchema>[0])
  const checked = schema.safeParse(json)
  expect(checked.success ? '' : `${name}: ${z.prettifyError(checked.error)}`).toBe('')
  return answer as T
}

async function text(name: string, answer: unknown, terminal = false): Promise<string> {
  const look = makeLook({ terminal, colour: false, width: 100, now: new Date('2026-03-01T12:00:00Z') })
  return (await rendererOf(name))(answer, look)
}

/** First words of `key: value` lines. */
const keys = (lines: string): string[] => lines.split('\n').map((line) => line.split(': ')[0]!)

/** Writes a document as somebody's finished work. */
function place(workspace: { at: (...parts: string[]) => string }, relative: string, content: string): void {
  fs.mkdirSync(path.dirname(workspace.at(relative)), { recursive: true })
  fs.writeFileSync(workspace.at(relative), content)
  // Somebody's finished work: old enough not to be taken for half of it.
  const past = new Date(Date.now() - 60_000)
  fs.utimesSync(workspace.at(relative), past, past)
}

const taskText = (id: string, fields: Record<string, unknown> = {}) =>
  renderDocument(newDocument('task', { ...task(id), ...fields }))

function filesBelow(folder: string): Map<string, string> {
  const names = (fs.readdirSync(folder, { recursive: true }) as string[]).sort()
  return new Map(
    names
      .filter((name) => fs.statSync(path.join(folder, name)).isFile())
      .map((name) => [name, fs.readFileSync(path.join(folder, name), 'latin1')]),
  )
}

describe('a workspace as init leaves it', () => {
  it('is told about by status with the keys of the seed in its order, then our own', async () => {
    const { context, root } = await workspaceHere()
    const answer = await ask<StatusOutput>(context, 'status')
    expect(answer).toMatchObject({
      workspace: root,
      process_running: false,
      runtime_ownership_lock: 'absent',
      pause_sources: 'none',
      compiled_plan_id: 'bootstrap',
      compiled_plan_currentness: 'missing',
      active_run_count: 0,
      execution_queue_depth: 0,
      activity: 'stopped',
      degraded: false,
    })
    const told = keys(await text('status', answer))
    expect(told.slice(0, 23)).toEqual([
      ...['workspace', 'runtime_mode', 'process_running', 'runtime_ownership_lock', 'paused', 'pause_sources'],
      ...['stop_requested', 'active_mode_id', 'compiled_plan_id', 'compiled_plan_currentness', 'active_plane'],
      ...['active_stage', 'active_node_id', 'active_stage_kind_id', 'active_work_item_kind', 'active_work_item_id'],
      ...['active_run_count', 'execution_queue_depth', 'planning_queue_depth', 'execution_status_marker'],
      ...['planning_status_marker', 'baseline_manifest_id', 'baseline_seed_package_version'],
    ])
    expect(told.indexOf('revision')).toBeGreaterThan(told.indexOf('closure_target_latest_report_path'))
    expect(told).not.toContain('learning_queue_depth')
  })

  it('has nothing wrong with it', async () => {
    const workspace = await workspaceHere()
    withCodex(workspace)
    const answer = await ask<DoctorOutput>(workspace.context, 'doctor')
    expect(answer.findings.filter((finding) => finding.level !== 'info')).toEqual([])
    expect(answer.ok).toBe(true)
    const posture = answer.findings.find((finding) => finding.code === 'permission_posture')
    expect(posture?.message).toContain('without a sandbox')
    expect((await text('doctor', answer)).split('\n')[0]).toBe('ok: true')
  })

  it('is not changed by any reader', async () => {
    const { context, at } = await workspaceHere()
    place({ at }, 'tasks/queue/T-1.md', taskText('T-1'))
    const before = filesBelow(at())
    await ask(context, 'status')
    await ask(context, 'queue ls', { all: true })
    await ask(context, 'queue show', { work_item_id: 'T-1' })
    await ask(context, 'runs ls')
    await ask(context, 'compile show')
    await ask(context, 'compile graph')
    await ask(context, 'config show')
    await ask(context, 'config validate')
    await ask(context, 'modes ls')
    await ask(context, 'modes show', { mode_id: 'standard_plain' })
    await ask(context, 'doctor')
    expect(filesBelow(at())).toEqual(before)
  })

  it('shows runs and queues as empty to a person, and says how to begin', async () => {
    const { context } = await workspaceHere()
    expect(await text('queue ls', await ask(context, 'queue ls'), true)).toContain('millrace add-task')
    expect(await text('runs ls', await ask(context, 'runs ls'), true)).toBe('No runs yet.')
    expect(await text('runs ls', await ask(context, 'runs ls'))).toBe('')
    expect(await text('status', await ask(context, 'status'), true)).toMatch(/^stopped: nothing is queued\nnext: /)
  })
})

describe('without a workspace', () => {
  it('readers refuse with the command that makes one, and make none', async () => {
    const { root, context } = await workspaceHere()
    fs.rmSync(path.join(root, 'millrace-agents'), { recursive: true })
    for (const name of ['status', 'queue ls', 'runs ls', 'compile show', 'config show']) {
      const verb = await operation(name)
      await expect(verb.run(context, {})).rejects.toMatchObject({
        code: 'workspace_missing',
        hint: expect.stringContaining(`millrace init --workspace ${root}`),
      })
    }
    expect(fs.readdirSync(root)).toEqual([])
  })

  it('modes and schemas are shown all the same', async () => {
    const { root, context } = await workspaceHere()
    fs.rmSync(path.join(root, 'millrace-agents'), { recursive: true })
    const listed = await text('modes ls', await ask(context, 'modes ls'))
    expect(listed).toBe(
      [
        'codex_claude: execution_loop=execution.standard planning_loop=planning.standard',
        'default_claude: execution_loop=execution.standard planning_loop=planning.standard',
        'default_codex: execution_loop=execution.standard planning_loop=planning.standard',
        'default_pi: execution_loop=execution.standard planning_loop=planning.standard',
        'learning_codex -> default_codex (compatibility alias)',
        'learning_pi -> default_pi (compatibility alias)',
        'standard_plain -> default_codex (compatibility alias)',
      ].join('\n'),
    )
    const shown = await text('modes show', await ask(context, 'modes show', { mode_id: 'standard_plain' }))
    expect(keys(shown).slice(0, 4)).toEqual(['alias_of', 'mode_id', 'execution_loop_id', 'planning_loop_id'])
    const verb = await operation('modes show')
    await expect(verb.run(context, { mode_id: 'default_codx' })).rejects.toMatchObject({
      code: 'mode_unknown',
      hint: 'did you mean default_codex?',
    })
    expect(Object.keys(await ask(context, 'schema'))).toEqual(['schemas'])
  })

  it('doctor says that there is none, and compile validate makes one and says so', async () => {
    const { root, context } = await workspaceHere()
    fs.rmSync(path.join(root, 'millrace-agents'), { recursive: true })
    const sick = await ask<DoctorOutput>(context, 'doctor')
    expect(sick.ok).toBe(false)
    expect(sick.findings.find(({ code }) => code === 'missing_directory')).toMatchObject({
      remedy: expect.stringContaining('millrace init'),
    })
    await ask(context, 'compile validate')
    expect(context.notices).toEqual([`created a Millrace workspace: ${path.join(root, 'millrace-agents')}`])
  })
})

describe('compiling', () => {
  it('validate writes plan and diagnostics, after which status calls the plan current', async () => {
    const { context, at } = await workspaceHere()
    const answer = await ask(context, 'compile validate')
    expect(answer).toMatchObject({ ok: true, written: true, errors: [] })
    expect(fs.existsSync(at('state/compile_diagnostics.json'))).toBe(true)
    expect((await ask<StatusOutput>(context, 'status')).compiled_plan_currentness).toBe('current')
    expect(keys(await text('compile validate', answer))).toEqual([
      ...['ok', 'mode_id', 'used_last_known_good', 'compile_input.mode_id', 'compile_input.config_fingerprint'],
      'compile_input.assets_fingerprint',
    ])
  })

  it('validate beside a runtime compiles in memory only, and says so', async () => {
    const { context, root, at } = await workspaceHere()
    const lock = await takeLock({
      files: disk,
      places: placesOf(root),
      processes: context.processes,
      clock: context.clock,
    })
    try {
      expect(await ask(context, 'compile validate')).toMatchObject({ ok: true, written: false })
      expect(context.notices.join()).toContain('compiled in memory only')
      expect(fs.existsSync(at('state/compiled_plan.json'))).toBe(false)
    } finally {
      await lock.release()
    }
  })

  it('an edited prompt or config makes the plan stale, a broken one unknown with the reason', async () => {
    const { context, at } = await workspaceHere()
    await ask(context, 'compile validate')
    const prompt = fs.readdirSync(at('entrypoints/execution'))[0]!
    fs.appendFileSync(at('entrypoints/execution', prompt), '\nMind the gap.\n')
    expect((await ask<StatusOutput>(context, 'status')).compiled_plan_currentness).toBe('stale')
    fs.appendFileSync(at('millrace.toml'), '\n[recovery]\nmax_fix_cycles = "many"\n')
    const future = new Date(Date.now() + 5000)
    fs.utimesSync(at('millrace.toml'), future, future)
    const broken = await ask<StatusOutput>(context, 'status')
    expect(broken.compiled_plan_currentness).toBe('unknown')
    expect(broken.compile_plan_currentness_error).toContain('max_fix_cycles')
  })

  it('a touched config that says the same leaves the plan current', async () => {
    const { context, at } = await workspaceHere()
    await ask(context, 'compile validate')
    fs.appendFileSync(at('millrace.toml'), '\n# nothing new\n')
    const future = new Date(Date.now() + 5000)
    fs.utimesSync(at('millrace.toml'), future, future)
    expect((await ask<StatusOutput>(context, 'status')).compiled_plan_currentness).toBe('current')
  })

  it('a mode that does not compile is not ok, and the last good plan is shown instead', async () => {
    const { context, at } = await workspaceHere()
    await ask(context, 'compile validate')
    const mode = {
      schema_version: '1.0',
      kind: 'mode',
      mode_id: 'mine',
      loop_ids_by_plane: { execution: 'execution.standrad' },
    }
    fs.writeFileSync(at('modes/mine.json'), JSON.stringify(mode))
    const answer = await ask<CompileShowOutput>(context, 'compile show', { mode: 'mine' })
    expect(answer).toMatchObject({ ok: false, used_last_known_good: true, compiled_plan_id: null })
    expect(answer.errors.join()).toContain('did you mean execution.standard?')
    expect(answer.plan?.mode_id).toBe('default_codex')
    expect(await text('compile validate', answer, true)).toContain('does not compile')
    const graphs = await ask(context, 'compile graph', { mode: 'mine' })
    expect(graphs).toHaveLength(2)
    expect(context.notices.join()).toContain('last good plan')
  })

  it('show has entries, nodes with origins, edges, budgets and resume rules', async () => {
    const { context } = await workspaceHere()
    const shown = await text('compile show', await ask(context, 'compile show'))
    expect(shown).toContain('entry: execution.task -> builder')
    expect(shown).toContain('stage: execution.builder')
    expect(shown).toContain('origin: runner_name <- mode default_codex')
    expect(shown).toMatch(/^edge: execution\.builder --BUILDER_COMPLETE--> checker/m)
    expect(shown).toMatch(/^threshold: execution\./m)
    expect(shown).toMatch(/^resume: /m)
    expect(shown).toContain('completion_behavior.on_pass_terminal_state_id: ')
  })

  it('graph is drawn as text, as JSON that is the array of the seed, and as Mermaid', async () => {
    const { context } = await workspaceHere()
    const asText = await text('compile graph', await ask(context, 'compile graph', { plane: 'execution' }))
    expect(asText).toContain('builder --BUILDER_COMPLETE--> checker')
    expect(asText).not.toContain('planner')
    const graphs = await ask<object[]>(context, 'compile graph', { format: 'json' })
    expect(JSON.parse(await text('compile graph', graphs))).toEqual(JSON.parse(JSON.stringify(graphs)))
    const drawn = await text('compile graph', await ask(context, 'compile graph', { format: 'mermaid' }))
    expect(drawn).toMatch(/^flowchart TD/)
    const verb = await operation('compile graph')
    await expect(verb.run(context, { plane: 'executoin' })).rejects.toMatchObject({ hint: 'did you mean execution?' })
  })
})

describe('status --detail', () => {
  it('adds the groups as objects beside the flat keys, which stay as they are', async () => {
    const { context, at, root } = await workspaceHere()
    place({ at }, 'tasks/queue/T-1.md', taskText('T-1', { depends_on: ['T-9'], created_at: '2026-03-01T00:00:00Z' }))
    place({ at }, 'tasks/queue/T-2.md', taskText('T-2', { spec_id: 'S-1', created_at: '2026-03-02T00:00:00Z' }))
    const command = { schema_version: '1.0', kind: 'mailbox_command', command: 'add_task', issuer: 'operator' }
    place(
      { at },
      'state/mailbox/incoming/add_task-1.json',
      JSON.stringify({
        ...command,
        ...{ command_id: 'add_task-1', issued_at: '2026-03-02T00:00:00Z', payload: { document: task('T-3') } },
      }),
    )
    const flat = await ask<StatusOutput>(context, 'status')
    const full = await ask<StatusOutput>(context, 'status', { detail: true })
    expect(full).toMatchObject(flat)
    expect(flat.runtime).toBeUndefined()
    expect(full.runtime).toMatchObject({ process_running: false, backlog_depth: 2, active_task_id: null })
    expect(full.liveness).toMatchObject({ authority: 'lock', summary: 'no runtime holds the workspace' })
    expect(full.next_task).toEqual({ task_id: 'T-2', title: 'Task T-2', spec_id: 'S-1' })
    expect(full.active_task).toBeNull()
    expect(full.mailbox_task_intake).toMatchObject({
      buffered_count: 1,
      task_titles: ['Task T-3'],
      issuers: ['operator'],
    })
    expect(full.selection?.stage_bindings.map(({ node_id }) => node_id)).toContain('builder')
    expect(full.research?.queue_families?.map(({ family }) => family)).toEqual(['spec', 'incident'])
    expect(full.config_path).toBe(path.join(root, 'millrace-agents/millrace.toml'))
    const lines = await text('status', full)
    expect(lines.split('\n').every((line) => /^[\w.]+: /.test(line))).toBe(true)
    expect(lines).toContain('runtime.backlog_depth: 2')
    expect(lines).toContain('next_task.task_id: T-2')
    const blocks = await text('status', full, true)
    for (const heading of ['Runtime', 'Liveness', 'Chosen now', 'Next task'])
      expect(blocks).toMatch(new RegExp(`^${heading}`, 'm'))
    fs.appendFileSync(at('millrace.toml'), '\n[stages.builder]\nrunner = "nobody"\n')
    const broken = await ask<StatusOutput>(context, 'status', { detail: true })
    expect(broken).toMatchObject({ selection: null })
    expect(broken.selection_error).toContain('nobody')
    expect(broken.runtime?.pending_config_hash).toMatch(/^cfg-/)
  })

  it('without it too, says that an idle marker says nothing of the daemon or the queues', async () => {
    const { context } = await workspaceHere()
    const answer = await ask<StatusOutput>(context, 'status')
    expect((await text('status', answer)).match(/^note: .*/gm)).toEqual([
      expect.stringMatching(/^note: IDLE says .* nothing of the runtime or of the queues/),
    ])
    const up = { ...answer, process_running: true, activity: 'idle' as const }
    expect(await text('status', up, true)).toMatch(/^idle/)
    expect(await text('status', up, true)).toContain('IDLE says')
    const busy = { ...up, execution_status_marker: '### BUILDER_RUNNING' }
    expect(await text('status', busy)).not.toContain('IDLE says')
  })
})

describe('config', () => {
  it('show tells of each key where its value comes from, and of environments only the names', async () => {
    const { context, at } = await workspaceHere()
    fs.appendFileSync(at('millrace.toml'), '\n[runners.codex.env]\nTOKEN = "s3cret"\n[stages.builder]\nmodel = "gpt"\n')
    context.overrides = ['recovery.max_fix_cycles=7']
    const answer = await ask<ConfigShowOutput>(context, 'config show')
    const key = (name: string) => answer.keys.find((one) => one.key === name)
    expect(key('runtime.default_mode')).toMatchObject({ origin: 'file', value: 'default_codex', boundary: 'claim' })
    expect(key('runtime.on_restart')).toMatchObject({ origin: 'default', value: 'adopt', boundary: 'restart' })
    expect(key('recovery.max_fix_cycles')).toMatchObject({ origin: 'override', value: 7 })
    expect(key('stages.builder.model')).toMatchObject({ origin: 'file', value: 'gpt' })
    expect(key('runners.codex.env')).toMatchObject({ origin: 'file', value: ['TOKEN'] })
    expect(JSON.stringify(answer)).not.toContain('s3cret')
    expect(keys(await text('config show', answer)).slice(0, 8)).toEqual([
      ...['default_mode', 'run_style', 'idle_sleep_seconds', 'watchers.enabled', 'usage_governance.enabled'],
      ...['config_version', 'last_reload_outcome', 'last_reload_error'],
    ])
  })

  it('show of one key, or of the beginning of several, says on which line it stands and when a change counts', async () => {
    const { context, at } = await workspaceHere()
    fs.appendFileSync(at('millrace.toml'), '\n[runners.codex.env]\nTOKEN = "s3cret"\n[recovery]\nmax_fix_cycles = 3\n')
    const lines = fs.readFileSync(at('millrace.toml'), 'utf8').split('\n')
    const answer = await ask<ConfigShowOutput>(context, 'config show', { key: 'recovery.max_fix_cycles' })
    expect(answer.keys).toHaveLength(1)
    expect(answer.keys[0]).toMatchObject({ origin: 'file', value: 3, default: 2, boundary: 'claim' })
    expect(lines[answer.keys[0]!.line! - 1]).toBe('max_fix_cycles = 3')
    expect(await text('config show', answer)).toMatch(
      /^key: recovery\.max_fix_cycles origin=file line=\d+ boundary=claim value=3$/,
    )
    expect(await text('config show', answer, true)).toContain(`millrace.toml:${answer.keys[0]!.line}`)
    const several = await ask<ConfigShowOutput>(context, 'config show', { key: 'recovery' })
    expect(several.keys.every(({ key }) => key.startsWith('recovery.'))).toBe(true)
    expect(several.keys.length).toBeGreaterThan(2)
    const variable = ask(context, 'config show', { key: 'runners.codex.env.TOKEN' })
    await expect(variable).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('not shown') })
    await expect(ask(context, 'config show', { key: 'recovery.max_fix_cycle' })).rejects.toMatchObject({
      code: 'usage',
      hint: 'did you mean recovery.max_fix_cycles?',
    })
  })

  it('show of a stage says what the mode binds as well, and which of both counts', async () => {
    const { context, at } = await workspaceHere()
    const shown = async () => (await ask<ConfigShowOutput>(context, 'config show', { key: 'stages.builder' })).keys
    const told = async () =>
      (await shown()).map(({ key, origin, value }) => [key.split('.').at(-1), origin, value].join(' '))
    expect(await told()).toEqual([
      ...['runner mode codex_cli', 'model profile gpt-5.3-codex', 'model_reasoning_effort profile high'],
      'timeout_seconds default 3600',
      'entrypoint_path default entrypoints/execution/builder.md',
    ])
    fs.appendFileSync(at('millrace.toml'), '\n[stages.builder]\nrunner = "scripted"\ntimeout_seconds = 60\n')
    expect((await told()).sort()).toEqual([
      'entrypoint_path default entrypoints/execution/builder.md',
      ...['model default ', 'model_reasoning_effort default ', 'runner file scripted', 'timeout_seconds file 60'],
    ])
    const shipped = path.join(context.packageRoot, 'modes/default_codex.json')
    fs.mkdirSync(at('modes'), { recursive: true })
    // An edited copy of a mode is the operator's own, and wins over the config.
    fs.writeFileSync(at('modes/default_codex.json'), `${fs.readFileSync(shipped, 'utf8')}\n`)
    const [runner] = (await shown()).filter(({ key }) => key.endsWith('.runner'))
    expect(runner).toMatchObject({ origin: 'mode', value: 'codex_cli', from: 'mode default_codex' })
  })

  it('validate names a mistyped key with the one that was meant', async () => {
    const { context, at } = await workspaceHere()
    fs.appendFileSync(at('millrace.toml'), '\n[recovery]\nmax_fix_cycle = 3\n')
    const verb = await operation('config validate')
    await expect(verb.run(context, {})).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('did you mean recovery.max_fix_cycles?'),
    })
  })
})

describe('the queues', () => {
  it('are listed with what each item waits for, active ones first, at once after they were written', async () => {
    const workspace = await workspaceHere()
    place(workspace, 'tasks/queue/T-2.md', taskText('T-2', { depends_on: ['T-1', 'T-9'], title: 'Second: "quoted"' }))
    place(workspace, 'tasks/queue/T-1.md', taskText('T-1', { depends_on: ['T-0'] }))
    place(workspace, 'tasks/done/T-0.md', taskText('T-0'))
    place(workspace, 'tasks/blocked/T-3.md', taskText('T-3'))
    place(workspace, 'tasks/queue/T-4.md', '# Half a document\n')
    const answer = await ask<QueueLsOutput>(workspace.context, 'queue ls')
    expect(answer.items.map((row) => [row.work_item_id, row.state])).toEqual([
      ['T-1', 'queued'],
      ['T-2', 'queued'],
      ['T-3', 'blocked'],
    ])
    expect(answer.items[0]?.waits_for).toEqual([])
    expect(answer.items[1]?.waits_for).toEqual([
      { id: 'T-1', state: 'waiting' },
      { id: 'T-9', state: 'unknown' },
    ])
    expect(answer.unreadable.map((one) => path.basename(one.path))).toEqual(['T-4.md'])
    const lines = (await text('queue ls', answer)).split('\n')
    expect(keys(lines.join('\n')).slice(0, 8)).toEqual([
      ...['execution_queue_depth', 'planning_queue_depth', 'execution_active', 'planning_active'],
      ...['active_task_count', 'active_spec_count', 'active_incident_count', 'item_count'],
    ])
    const second = lines.find((line) => line.includes('id=T-2'))!
    expect(second).toMatch(/^work_item: kind=task state=queued id=T-2 .*waits_for=T-1:waiting,T-9:unknown/)
    expect(second.endsWith(`title=${JSON.stringify('Second: "quoted"')}`)).toBe(true)
    expect(await text('queue ls', answer, true)).toMatch(/^KIND +STATE +ID +AGE +WAITS FOR +TITLE\n/)
  })

  it('say of a blocked item why it is, from the newest event on it', async () => {
    const workspace = await workspaceHere()
    place(workspace, 'tasks/blocked/T-1.md', taskText('T-1'))
    const event = (reason: string, failure_class: string | null) => ({
      schema_version: '1.0',
      kind: 'runtime_event',
      event_type: 'work_item_blocked',
      occurred_at: '2026-03-01T11:00:00.000Z',
      data: { run_id: 'run-1', work_item_kind: 'task', work_item_id: 'T-1', reason, failure_class },
    })
    const events = [event('earlier', null), event('builder_blocked', 'runner_timeout')]
    fs.writeFileSync(
      workspace.at('logs/runtime_events.jsonl'),
      events.map((one) => `${JSON.stringify(one)}\n`).join(''),
    )
    const { items } = await ask<QueueLsOutput>(workspace.context, 'queue ls')
    expect(items[0]).toMatchObject({ state: 'blocked', reason: 'builder_blocked, runner_timeout' })
    const shown = await ask<QueueShowOutput>(workspace.context, 'queue show', { work_item_id: 'T-1' })
    expect(shown).toMatchObject({ reason: 'builder_blocked, runner_timeout', run_id: 'run-1' })
    expect(await text('queue show', shown, true)).toContain('blocked: builder_blocked, runner_timeout')
  })

  it('are narrowed by kind and state, and widened by --all', async () => {
    const workspace = await workspaceHere()
    place(workspace, 'tasks/queue/T-1.md', taskText('T-1'))
    place(workspace, 'tasks/done/T-0.md', taskText('T-0'))
    place(workspace, 'specs/queue/S-1.md', renderDocument(newDocument('spec', spec('S-1'))))
    const ids = async (input: object) =>
      (await ask<QueueLsOutput>(workspace.context, 'queue ls', input)).items.map((row) => row.work_item_id)
    // Without a plan nobody knows the order of claims; with one, planning comes first.
    await ask(workspace.context, 'compile validate')
    expect(await ids({})).toEqual(['S-1', 'T-1'])
    expect(await ids({ all: true })).toEqual(['S-1', 'T-1', 'T-0'])
    expect(await ids({ kind: 'spec' })).toEqual(['S-1'])
    expect(await ids({ state: 'done' })).toEqual(['T-0'])
  })

  it('are cut off after --limit rows, while the counts stay those of all', async () => {
    const workspace = await workspaceHere()
    for (const number of [1, 2, 3, 4]) place(workspace, `tasks/queue/T-${number}.md`, taskText(`T-${number}`))
    const whole = await ask<QueueLsOutput>(workspace.context, 'queue ls')
    const cut = await ask<QueueLsOutput>(workspace.context, 'queue ls', { limit: 3 })
    expect(cut).toEqual({ ...whole, items: whole.items.slice(0, 3) })
    expect(whole).toMatchObject({ item_count: 4, execution_queue_depth: 4, items: { length: 4 } })
    expect(await ask(workspace.context, 'queue ls', { limit: 0 })).toEqual(whole)
    expect(await text('queue ls', cut)).toContain('item_count: 4\n')
    expect(await text('queue ls', cut, true)).toContain('\n… and 1 more (--limit 0 lists all)')
    expect(await text('queue ls', whole, true)).not.toContain('more')
  })

  it('show gives one item in full, and says what is wrong with one that cannot be read', async () => {
    const workspace = await workspaceHere()
    place(workspace, 'tasks/queue/T-1.md', `${taskText('T-1', { tags: ['a', 'b'] })}\nAnd more words.\n`)
    place(workspace, 'tasks/queue/T-2.md', '# No fields\n')
    place(workspace, 'tasks/queue/T-5.md.invalid', 'rubbish')
    const answer = await ask<QueueShowOutput>(workspace.context, 'queue show', { work_item_id: 'T-1' })
    expect(answer).toMatchObject({ work_item_state: 'queued', title: 'Task T-1', body: 'And more words.', faults: [] })
    const lines = await text('queue show', answer)
    expect(keys(lines).slice(0, 5)).toEqual(['work_item_id', 'work_item_kind', 'work_item_state', 'path', 'title'])
    expect(lines).toContain('tags: a\ntags: b')
    const broken = await ask<QueueShowOutput>(workspace.context, 'queue show', { work_item_id: 'T-2' })
    expect(broken.faults.length).toBeGreaterThan(0)
    const aside = await ask<QueueShowOutput>(workspace.context, 'queue show', { work_item_id: 'T-5' })
    expect(aside.work_item_state).toBe('invalid')
  })

  it('show refuses ids that are unsafe, unknown, or used by two kinds', async () => {
    const workspace = await workspaceHere()
    place(workspace, 'tasks/queue/same.md', taskText('same'))
    place(workspace, 'specs/queue/same.md', renderDocument(newDocument('spec', spec('same'))))
    const verb = await operation('queue show')
    const refused = (input: object) => expect(verb.run(workspace.context, input)).rejects
    await refused({ work_item_id: '../state/x' }).toMatchObject({ code: 'id_invalid' })
    await refused({ work_item_id: 'sam' }).toMatchObject({ code: 'item_unknown', hint: 'did you mean same?' })
    await refused({ work_item_id: 'same' }).toMatchObject({ code: 'item_ambiguous' })
    const answer = await ask<QueueShowOutput>(workspace.context, 'queue show', { work_item_id: 'same', kind: 'spec' })
    expect(answer.work_item_kind).toBe('spec')
  })
})

describe('doctor', () => {
  const codes = (answer: DoctorOutput, level: string) =>
    answer.findings.filter((one) => one.level === level).map((one) => one.code)

  it('finds what is wrong in queues and state, each with a remedy', async () => {
    const workspace = await workspaceHere()
    const { at, root, context } = workspace
    place(workspace, 'tasks/queue/T-1.md', '# Broken\n')
    place(workspace, 'tasks/queue/T-2.md', taskText('T-2', { depends_on: ['T-9'] }))
    place(workspace, 'tasks/queue/T-3.md', taskText('T-3'))
    place(workspace, 'tasks/done/T-3.md', taskText('T-3'))
    place(workspace, 'tasks/active/T-4.md', taskText('T-4'))
    place(workspace, 'tasks/queue/T-5.md.invalid', 'rubbish')
    place(workspace, 'loops/execution/old.json', '{}')
    fs.rmSync(at('intake/ideas'), { recursive: true })
    fs.writeFileSync(at('state/execution_status.md'), 'nonsense\n')
    fs.writeFileSync(path.join(root, 'millrace.toml'), '')
    withCodex(workspace)
    const answer = await ask<DoctorOutput>(context, 'doctor')
    expect(answer.ok).toBe(false)
    expect(codes(answer, 'error').sort()).toEqual([
      'config_in_two_places',
      'duplicate_task_lifecycle_state',
      'execution_status_invalid',
      'missing_directory',
      'queue_artifact_invalid',
    ])
    expect(codes(answer, 'warning').sort()).toEqual([
      'dependency_unsatisfiable',
      'queue_artifact_set_aside',
      'snapshot_reconciliation_signal',
    ])
    expect(codes(answer, 'info')).toContain('legacy_loops_ignored')
    for (const finding of answer.findings) if (finding.level !== 'info') expect(finding.remedy).toBeTruthy()
    expect(await text('doctor', answer, true)).toMatch(/^✗ 5 errors, /)
  })

  it('survives state files and config that cannot be read, and names them', async () => {
    const { context, at } = await workspaceHere()
    fs.writeFileSync(at('state/runtime_snapshot.json'), '{"half":')
    fs.writeFileSync(
      at('state/recovery_counters.json'),
      JSON.stringify({ schema_version: '9.0', kind: 'recovery_counters' }),
    )
    fs.writeFileSync(at('millrace.toml'), 'not = = toml')
    const answer = await ask<DoctorOutput>(context, 'doctor')
    expect(codes(answer, 'error').sort()).toEqual([
      'recovery_counters_invalid',
      'runtime_config_invalid',
      'snapshot_invalid',
    ])
    const verb = await operation('status')
    await expect(verb.run(context, {})).rejects.toMatchObject({ code: 'state_corrupt' })
  })

  it('tells a transaction that a crash cut off from one that a living runtime cannot apply', async () => {
    const { context, root, at } = await workspaceHere()
    fs.writeFileSync(at('state/journal.json'), encodeRecord({ revision: 1, generation: 1, operations: [] }))
    const crashed = await ask<DoctorOutput>(context, 'doctor')
    expect(crashed.findings.find((one) => one.code === 'journal_pending')).toMatchObject({ level: 'info' })
    expect((await ask<StatusOutput>(context, 'status')).pending_journal).toMatchObject({ revision: 1 })
    const lock = await takeLock({
      files: disk,
      places: placesOf(root),
      processes: context.processes,
      clock: context.clock,
    })
    try {
      const past = new Date(Date.now() - 10_000)
      fs.utimesSync(at('state/journal.json'), past, past)
      const stuck = await ask<DoctorOutput>(context, 'doctor')
      expect(stuck.findings.find((one) => one.code === 'degraded')).toMatchObject({ level: 'error' })
      expect(await ask<StatusOutput>(context, 'status')).toMatchObject({ degraded: true, activity: 'degraded' })
    } finally {
      await lock.release()
    }
  })

  it('says of a dead runtime that the next one takes over', async () => {
    const { context, at } = await workspaceHere()
    const dead = {
      host: os.hostname(),
      pid: 1,
      start_time: 'x',
      boot_id: 'of another boot',
      pid_namespace: 'x',
      token: 't',
    }
    fs.writeFileSync(at('state/lock/1'), JSON.stringify({ ...dead, acquired_at: '2026-01-01T00:00:00Z' }))
    const snapshot = JSON.parse(fs.readFileSync(at('state/runtime_snapshot.json'), 'utf8')) as object
    fs.writeFileSync(at('state/runtime_snapshot.json'), JSON.stringify({ ...snapshot, process_running: true }))
    const answer = await ask<DoctorOutput>(context, 'doctor')
    expect(answer.findings.find((one) => one.code === 'runtime_ownership_lock_stale')).toMatchObject({
      level: 'warning',
      remedy: 'the next runtime takes over by itself',
    })
    expect(await ask<StatusOutput>(context, 'status')).toMatchObject({
      process_running: false,
      runtime_ownership_lock: 'stale',
      activity: 'stopped',
      activity_reason: 'the last runtime died',
    })
  })

  it('has no word of warning about a runtime at work', async () => {
    const { context, root } = await workspaceHere()
    const lock = await takeLock({
      files: disk,
      places: placesOf(root),
      processes: context.processes,
      clock: context.clock,
    })
    try {
      const answer = await ask<DoctorOutput>(context, 'doctor')
      expect(answer.findings.find((one) => one.code === 'runtime_ownership_lock_active')?.level).toBe('info')
      expect((await ask<StatusOutput>(context, 'status')).runtime_ownership_lock).toBe('active')
    } finally {
      await lock.release()
    }
  })
})

describe('a run that went its way', () => {
  let rig: Rig
  let context: TestContext

  beforeAll(async () => {
    rig = await Rig.create()
    rig.outcomes({ builder: ['BUILDER_COMPLETE'], checker: ['CHECKER_PASS'], updater: ['UPDATE_COMPLETE'] })
    rig.addTask('T-1', { title: 'Add a login page' })
    await rig.work()
    context = contextIn(rig.root)
  })
  afterAll(() => rig.dispose())

  it('is listed with how it stands, its stages and its last outcome', async () => {
    const answer = await ask<RunsLsOutput>(context, 'runs ls')
    expect(answer.run_count).toBe(1)
    expect(answer.runs[0]).toMatchObject({
      status: 'valid',
      state: 'complete',
      work_item_kind: 'task',
      work_item_id: 'T-1',
      failure_class: null,
      stage_count: 3,
      last_stage: 'updater',
      last_outcome: 'UPDATE_COMPLETE',
    })
    expect(keys(await text('runs ls', answer)).slice(0, 5)).toEqual([
      ...['run_id', 'status', 'work_item_kind', 'work_item_id', 'failure_class'],
    ])
    expect(await text('runs ls', answer, true)).toContain('updater UPDATE_COMPLETE')
  })

  it('is shown by a start of its id, stage by stage, with paths relative to its folder', async () => {
    const { runs } = await ask<RunsLsOutput>(context, 'runs ls')
    const answer = await ask<RunsShowOutput>(context, 'runs show', { run_id: runs[0]!.run_id.slice(4, 12) })
    expect(answer).toMatchObject({
      run_id: runs[0]!.run_id,
      title: 'Add a login page',
      stage_result_count: 3,
      running: null,
    })
    expect(answer.stages.map((stage) => [stage.node_id, stage.next])).toEqual([
      ['builder', 'checker'],
      ['checker', 'updater'],
      ['updater', expect.stringMatching(/^terminal:/)],
    ])
    expect(answer.stages[2]?.queue_changes).toEqual(['task T-1 done'])
    expect(answer.primary_stdout_path).toMatch(/^runner_stdout\./)
    const lines = keys((await text('runs show', answer)).split('\n\n')[0]!)
    expect(lines.slice(0, 16)).toEqual([
      ...['run_id', 'status', 'compiled_plan_id', 'mode_id', 'request_kind', 'closure_target_root_spec_id'],
      ...['work_item_kind', 'work_item_id', 'failure_class', 'started_at', 'completed_at', 'duration_seconds'],
      ...['troubleshoot_report_path', 'primary_stdout_path', 'primary_stderr_path', 'stage_result_count'],
    ])
    expect(await text('runs show', answer, true)).toContain('→ checker')
  })

  it('is traced edge by edge from its transition history', async () => {
    const { runs } = await ask<RunsLsOutput>(context, 'runs ls')
    const answer = await ask<RunsTraceOutput>(context, 'runs trace', { run_id: runs[0]!.run_id })
    expect(answer).toMatchObject({ status: 'complete', notes: [] })
    expect(answer.edges.map((edge) => [edge.source_node_id, edge.outcome, edge.target_node_id])).toEqual([
      ['builder', 'BUILDER_COMPLETE', 'checker'],
      ['checker', 'CHECKER_PASS', 'updater'],
      ['updater', 'UPDATE_COMPLETE', null],
    ])
    expect(answer.edges[0]?.target_trace_node_id).toBe(answer.nodes[1]?.trace_node_id)
    expect(answer.nodes[0]?.artifacts.every((file) => file.sha256 === null || /^[0-9a-f]{64}$/.test(file.sha256))).toBe(
      true,
    )
    const lines = (await text('runs trace', answer)).split('\n')
    expect(lines).toContain('builder BUILDER_COMPLETE -> checker')
  })

  it('has a last word', async () => {
    const { runs } = await ask<RunsLsOutput>(context, 'runs ls')
    const answer = await ask(context, 'runs tail', { run_id: runs[0]!.run_id })
    expect(String(answer.text).length).toBeGreaterThan(0)
    expect(await text('runs tail', answer)).toBe(answer.text)
  })

  it('is told of by status: last results, last event, and that nothing is left', async () => {
    const answer = await ask<StatusOutput>(context, 'status')
    expect(answer.compiled_plan_currentness).toBe('current')
    expect(answer.last_results).toMatchObject([{ plane: 'execution', terminal_result: 'UPDATE_COMPLETE' }])
    expect(answer.last_event?.event_type).toMatch(/^runtime_/)
    expect(answer.queue_depths.task).toEqual({ queued: 0, active: 0, blocked: 0, done: 1 })
    expect(answer.activity).toBe('stopped')
  })

  it('is not found by an unknown, unsafe or doubtful id', async () => {
    const verb = await operation('runs show')
    await expect(verb.run(context, { run_id: '../../x' })).rejects.toMatchObject({ code: 'id_invalid' })
    await expect(verb.run(context, { run_id: 'run-zzz' })).rejects.toMatchObject({ code: 'run_unknown' })
  })
})

describe('every operation', () => {
  it('has a closed schema with a description for what it prints', async () => {
    for (const entry of OPERATIONS) {
      const schema = (await (await entry.load()).output()) as Record<string, unknown>
      expect(schema.$schema ?? schema.anyOf, entry.name).toBeTruthy()
      if (schema.type === 'object') expect(schema.additionalProperties, entry.name).toBe(false)
      if (schema.anyOf === undefined) expect(schema.description, entry.name).toBeTruthy()
    }
  })

  it('is known by its schema under its name, as documents are', async () => {
    const { context } = await workspaceHere()
    const verb = await operation('schema')
    expect(await verb.run(context, { name: ['queue', 'ls'] })).toMatchObject({ type: 'object' })
    expect(await verb.run(context, { name: ['document.task'] })).toMatchObject({ title: 'task' })
    await expect(verb.run(context, { name: ['quue ls'] })).rejects.toMatchObject({ hint: 'did you mean queue ls?' })
  })
})
