import assert from 'node:assert/strict'
import { eventually } from './parts/commands.mjs'
import { installHarness } from './parts/harnesses.mjs'
import { newWorkspace } from './parts/workspace.mjs'

const ADAPTERS = [
  {
    mode: 'default_codex',
    runner: 'codex_cli',
    program: 'codex',
    argv: (root, { model_name, model_reasoning_effort: effort }) => [
      'exec',
      '--skip-git-repo-check',
      ...(model_name ? ['--model', model_name] : []),
      '--dangerously-bypass-approvals-and-sandbox',
      ...(effort ? ['-c', `model_reasoning_effort="${effort}"`] : []),
      '--cd',
      root,
      '--json',
    ],
    usage: { input_tokens: 100, cached_input_tokens: 40, output_tokens: 20 },
    session: 'thread-of-the-fake',
    unauthorized: 'unexpected status 401 Unauthorized: bad key',
  },
  {
    mode: 'default_pi',
    runner: 'pi_rpc',
    program: 'pi',
    argv: () => ['--mode', 'rpc', '--no-session', '--no-context-files', '--no-skills'],
    usage: { input_tokens: 100, cached_input_tokens: 30, output_tokens: 20 },
    session: 'session-of-the-fake',
    unauthorized: '401 bad key',
  },
]

export const row = {
  id: 'M000-22',
  says: 'The adapters codex_cli and pi_rpc keep their contract with fakes of both harnesses.',

  async run() {
    for (const adapter of ADAPTERS) {
      const harness = installHarness(adapter.program)
      const workspace = await newWorkspace({ name: adapter.mode, runner: null })
      await works(workspace, harness, adapter)
      await lies(workspace, harness, adapter)
      await isNotLoggedIn(workspace, harness, adapter)
    }
  },
}

/** A task is worked off: how the harness was started, what it got, and what was made of its answer. */
async function works(workspace, harness, { mode, runner, argv, usage, session }) {
  await workspace.add('task', 'good')
  await workspace.drain('--mode', mode)
  assert.deepEqual(workspace.names('tasks/done'), ['good.md'])
  const [runId] = await workspace.runIds()
  const { stages } = await workspace.json('runs', 'show', runId)
  const calls = harness.calls()
  assert.equal(calls.length, stages.length)
  for (const [index, call] of calls.entries()) {
    const requestId = stages[index].request_id
    const file = (name) => workspace.read(`runs/${runId}/${name}`)
    assert.equal(call.request_id, requestId, 'the mark by which its processes are found')
    const expected = argv(workspace.root, file(`stage_requests/${requestId}.json`))
    assert.deepEqual(call.argv.slice(0, expected.length), expected)
    assert.equal(call.cwd, workspace.root)
    assert.ok(!call.argv.some((argument) => argument.includes(call.prompt)), 'the prompt is never an argument')
    const request = file(`stage_requests/${requestId}.json`)
    for (const said of [request.entrypoint_path, request.run_dir, ...request.legal_terminal_markers])
      assert.ok(call.prompt.includes(said), `the prompt does not say ${said}`)
    const result = file(`stage_results/${requestId}.json`)
    assert.deepEqual([result.runner_name, result.success], [runner, true])
    for (const [kind, tokens] of Object.entries(usage)) assert.equal(result.token_usage[kind], tokens, kind)
    assert.equal(result.metadata.session_id, session)
    assert.ok(workspace.lines(`runs/${runId}/runner_events.${requestId}.jsonl`).length > 3, 'its events are kept')
  }
}

/** What the harness says in the end counts only if it is legal for the stage. */
async function lies(workspace, harness, { mode }) {
  harness.script([{ stage: 'builder', steps: [{ artifacts: true }], outcome: 'CHECKER_PASS' }])
  await workspace.add('task', 'lied')
  const tick = (await workspace.millrace('run', 'once', '--mode', mode, '--json')).json
  assert.equal(tick.failure_class, 'illegal_terminal_result')
  assert.equal((await workspace.json('status')).active_stage, 'troubleshooter')
  harness.script([])
  await workspace.drain('--mode', mode)
  assert.deepEqual(workspace.names('tasks/done'), ['good.md', 'lied.md'])
}

/** A harness without a login is no failure of the work: it is waited for, and nothing of the budget is used up. */
async function isNotLoggedIn(workspace, harness, { mode, runner, unauthorized }) {
  harness.fails(unauthorized)
  await workspace.add('task', 'waiting')
  const daemon = await workspace.daemon('--mode', mode)
  await eventually('the stage is put off', async () => {
    const { active_runs } = await workspace.json('status')
    return active_runs.some(
      (run) => run.work_item_id === 'waiting' && run.stage === 'builder' && run.not_before !== null,
    )
  })
  const deferred = workspace.events('stage_deferred')[0]
  assert.equal(deferred.data.failure_class, 'environment_auth')
  assert.deepEqual(workspace.read('state/recovery_counters.json').entries, [], runner)
  harness.recovers()
  await workspace.ok('control', 'resume')
  await eventually('the task is done', () => workspace.has('tasks/done/waiting.md'))
  await workspace.ok('control', 'stop')
  assert.equal((await daemon.ended).code, 0)
}
