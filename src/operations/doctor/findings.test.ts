/** Every finding of the list, produced by the fault it is about; and mending, of those that can be mended. */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newWorkspace, type TestWorkspace } from '../../../test/rig/context.ts'
import { documentText } from '../../../test/rig/documents.ts'
import { enginePorts } from '../../../test/rig/ports.ts'
import { closureTarget } from '../../../test/rig/run.ts'
import { newRun } from '../../core/completion.ts'
import { newSnapshot } from '../../core/state.ts'
import { runnersFor } from '../../runners/registry.ts'
import { encodeRecord } from '../../store/journal.ts'
import { Workspace } from '../../store/workspace.ts'
import type { Context } from '../context.ts'
import { Doctor, type DoctorOutput, type Finding } from '../schemas/doctor.ts'
import { doctor } from './doctor.ts'
import { FINDING_CODES, FINDINGS, type FindingCode } from './findings.ts'
import { checkPlatform } from './machine.ts'
import { checkRoot } from './permissions.ts'

const NOW = '2026-03-01T12:00:00.000Z'
const BUILDER = 'entrypoints/execution/builder.md'

let workspace: TestWorkspace
let context: Context
let bin: string

beforeEach(async () => {
  workspace = await newWorkspace()
  bin = path.join(workspace.root, 'bin')
  fs.mkdirSync(bin)
  program('codex')
  context = withRunners({ CODEX_API_KEY: 'made-up' })
})
afterEach(() => workspace.dispose())

const program = (name: string) =>
  fs.writeFileSync(path.join(bin, name), `#!/bin/sh\necho ${name} 1.0\n`, { mode: 0o755 })

function withRunners(variables: Record<string, string>): Context {
  const { root } = workspace
  const environment = { PATH: `${bin}:/usr/bin:/bin`, HOME: root, ...variables }
  const { files, clock } = enginePorts(root, { packageRoot: '', scriptedAgent: '' })
  const ports = { files, clock, environment, workspaceRoot: root, scriptedAgent: '', driver: '' }
  return { ...workspace.context, environment, runners: (config) => runnersFor(config, ports) }
}

const write = (file: string, text: string) => {
  fs.mkdirSync(path.dirname(workspace.at(file)), { recursive: true })
  fs.writeFileSync(workspace.at(file), text)
}
const json = (file: string, value: unknown) => write(file, JSON.stringify(value))
const config = (text: string) => write('millrace.toml', text)
const remove = (file: string) => fs.rmSync(workspace.at(file), { recursive: true })
const snapshot = (change: object) => json('state/runtime_snapshot.json', { ...newSnapshot(NOW), ...change })
const aged = (file: string, text = '') => {
  write(file, text)
  fs.utimesSync(workspace.at(file), new Date(NOW), new Date(NOW))
}

const run = (change: object) => ({
  ...newRun(NOW, { runId: 'run-1', plane: 'execution', nodeId: 'builder', stageKindId: 'builder', planId: 'p' }),
  ...change,
})

const twice = (kind: Parameters<typeof documentText>[0], id: string, ...folders: [string, string]) => {
  for (const folder of folders) write(`${folder}/${id}.md`, documentText(kind, id))
}

/** A generation of the lock. `pid` of a process that is there says nothing without its start. */
const lockedBy = (holder: object) =>
  json('state/lock/1', {
    ...identity(),
    host: os().hostname(),
    token: 'a',
    acquired_at: NOW,
    ...holder,
  })
const os = () => process.getBuiltinModule('node:os')
const identity = () => {
  const { pid, startTime, bootId, pidNamespace } = workspace.context.processes.self()
  return { pid, start_time: startTime, boot_id: bootId, pid_namespace: pidNamespace }
}
const record = (generation: number) => encodeRecord({ revision: 1, generation, operations: [] })

const examined = async (): Promise<DoctorOutput> => {
  const answer = await doctor.run(context, {})
  expect(Doctor.safeParse(answer).error).toBeUndefined()
  return answer
}

/** What makes doctor report each code; a check that doctor cannot be brought to make here is asked itself. */
const FAULTS: Record<FindingCode, () => unknown> = {
  missing_directory: () => remove('tasks/done'),
  missing_file: () => remove('outline.md'),
  baseline_manifest_missing: () => remove('state/baseline_manifest.json'),
  baseline_manifest_invalid: () => write('state/baseline_manifest.json', '{'),
  baseline_manifest_managed_file_missing: () => remove(BUILDER),
  foreign_edit_kept: () => write('state/execution_status.md.conflict-4', 'mine'),
  orphaned_temporary_file: () => aged('state/.runtime_snapshot.json.3.tmp-millrace'),
  legacy_loops_ignored: () => write('loops/execution/mine.json', '{}'),
  snapshot_invalid: () => write('state/runtime_snapshot.json', '{}'),
  recovery_counters_invalid: () => write('state/recovery_counters.json', '{'),
  queue_order_invalid: () => write('state/queue_order.json', '[]'),
  closure_target_state_invalid: () => write('arbiter/targets/S-1.json', '{}'),
  // A snapshot that is another one at every look.
  state_unreadable: () => {
    let revision = 0
    const read = (file: string) => {
      if (file !== workspace.at('state/runtime_snapshot.json')) return context.files.read(file)
      revision += 1
      return Buffer.from(JSON.stringify({ ...newSnapshot(NOW), revision }))
    }
    const { files } = context
    context = {
      ...context,
      files: { ...files, read: (file) => (file.endsWith('snapshot.json') ? read(file) : files.read(file)) },
    }
  },
  execution_status_invalid: () => write('state/execution_status.md', 'idle'),
  planning_status_invalid: () => write('state/planning_status.md', 'idle'),
  learning_status_invalid: () => write('state/learning_status.md', 'idle'),
  plane_status_invalid: () => write('state/other_status.md', 'idle'),
  journal_unsupported: () => write('state/journal.1.json', `millrace-journal 2 1 ${'0'.repeat(64)}\nx`),
  journal_torn: () => write('state/journal.1.json', 'millrace-journal 1'),
  journal_pending: () => {
    lockedBy({ pid: 999_999_999 })
    fs.writeFileSync(workspace.at('state/journal.1.json'), record(1))
  },
  degraded: () => {
    lockedBy({})
    fs.writeFileSync(workspace.at('state/journal.1.json'), record(1))
    fs.utimesSync(workspace.at('state/journal.1.json'), new Date(NOW), new Date(NOW))
  },
  runtime_ownership_lock_active: () => lockedBy({}),
  runtime_ownership_lock_stale: () => lockedBy({ start_time: '1' }),
  runtime_ownership_lock_invalid: () => write('state/lock/1', 'odd'),
  runtime_ownership_lock_foreign: () =>
    json('state/runtime_daemon.lock.json', {
      workspace_root: workspace.root,
      owner_pid: process.pid,
      owner_hostname: os().hostname(),
      owner_session_id: 's',
      acquired_at: NOW,
    }),
  run_held: () => snapshot({ active_runs: [run({ held: { reason: 'the plan is gone', since: NOW } })] }),
  closure_target_held: () =>
    json(
      'arbiter/targets/S-1.json',
      closureTarget('S-1', {
        held: { reason: 'used up', since: NOW, attempts: 1, retry_at: null, finished_items: 0 },
      }),
    ),
  closure_lineage_drift: () => {
    json('arbiter/targets/S-1.json', closureTarget('S-1', { root_idea_id: 'I-1' }))
    const other = { root_idea_id: 'I-1', root_spec_id: 'S-2' }
    write('tasks/queue/T-1.md', documentText('task', 'T-1', other))
  },
  runtime_paused: () => snapshot({ pause_sources: [{ source: 'operator', reason: 'a', since: NOW, until: null }] }),
  runner_waiting: () =>
    snapshot({
      runner_waits: [
        { runner_name: 'codex_cli', model_name: null, cause: 'quota', reason: 'a', since: NOW, until: NOW },
      ],
    }),
  config_reload_failed: () => snapshot({ last_reload_error: 'no such mode' }),
  // One that was just written may still be being written.
  queue_artifact_invalid: () => aged('tasks/queue/T-1.md', 'no task\n'),
  queue_artifact_set_aside: () => write('tasks/queue/T-1.md.invalid', 'no task\n'),
  duplicate_task_lifecycle_state: () => twice('task', 'T-1', 'tasks/queue', 'tasks/done'),
  duplicate_spec_lifecycle_state: () => twice('spec', 'S-1', 'specs/queue', 'specs/done'),
  duplicate_incident_lifecycle_state: () => twice('incident', 'I-1', 'incidents/incoming', 'incidents/resolved'),
  duplicate_probe_lifecycle_state: () => twice('probe', 'P-1', 'probes/queue', 'probes/done'),
  duplicate_learning_request_lifecycle_state: () =>
    twice('learning_request', 'L-1', 'learning/requests/queue', 'learning/requests/done'),
  snapshot_reconciliation_signal: () => write('tasks/active/T-1.md', documentText('task', 'T-1')),
  dependency_unsatisfiable: () => write('tasks/queue/T-1.md', documentText('task', 'T-1', { depends_on: ['T-9'] })),
  config_in_two_places: () => fs.writeFileSync(path.join(workspace.root, 'millrace.toml'), ''),
  runtime_config_invalid: () => config('[runtime]\nodd = 1\n'),
  watchers_disabled: () => config('[watchers]\nenabled = false\n'),
  resolved_mode_invalid: () => config('[runtime]\ndefault_mode = "nowhere"\n'),
  mode_definition_invalid: () => config('[stages.nobody]\ntimeout_seconds = 5\n'),
  loop_definition_invalid: () => {
    const file = 'graphs/execution/standard.json'
    const loop = JSON.parse(fs.readFileSync(path.join(context.packageRoot, file), 'utf8'))
    json(file, { ...loop, edges: loop.edges.slice(1) })
  },
  configured_runner_unknown: () => config('[stages.builder]\nrunner = "nobody"\n'),
  permission_not_honoured: () =>
    config('[runtime]\ndefault_mode = "default_pi"\n[runners.pi]\npermission_default = "basic"\n'),
  asset_lint_structural: () => write('modes/default_codex.json', '{'),
  asset_lint_policy: () => write('modes/other.json', '{'),
  plan_outdated: () => json('state/compiled_plan.json', { compiled_plan_id: 'plan-older' }),
  permission_posture: () => {},
  runner_available: () => {},
  runner_binary_unavailable: () => fs.rmSync(path.join(bin, 'codex')),
  runner_login_missing: () => {
    context = withRunners({})
  },
  runner_refuses_root: async () => {
    const { parseConfig } = await import('../../core/config.ts')
    const { compileHere } = await import('../plan/compiling.ts')
    program('claude')
    config('[runtime]\ndefault_mode = "default_claude"\n')
    const { plan } = compileHere({ ...context, runnerNames: [...context.runnerNames, 'claude_code'] })
    return checkRoot(parseConfig({}, 'x'), plan!, { isRoot: true, environment: {} })
  },
  runner_environment: () => config('[runners.codex]\nenv_pass = ["AWS_PROFILE"]\n'),
  rescue_off: () => {},
  platform_weaker_sweep: () => checkPlatform('darwin'),
  disk_low: () => withFree(500),
  disk_almost_full: () => withFree(50),
  notify_command_missing: () => config('[notify.rules.me]\ncommand = ["no-such-program"]\n'),
  notify_address_unusable: () => config('[notify.rules.me]\nwebhook_env = "NO_SUCH_HOOK"\n'),
  notify_variable_missing: () =>
    config('[notify.rules.me]\nwebhook = "http://localhost/"\nheaders = { A = "NO_SUCH_TOKEN" }\n'),
  delivery_failed: () => write('state/deliveries/failed/blocked-0123456789abcdef.json', '{}'),
}

function withFree(mebibytes: number) {
  context = { ...context, files: { ...context.files, freeBytes: () => mebibytes * 1024 * 1024 } }
}

describe('doctor', () => {
  it.each(FINDING_CODES)('reports %s', async (code) => {
    const told = (await FAULTS[code]()) as Finding[] | undefined
    const findings = told ?? (await examined()).findings
    const found = findings.filter((finding) => finding.code === code)
    expect(found.length, JSON.stringify(findings.map((finding) => finding.code))).toBeGreaterThan(0)
    for (const { level, message } of found) {
      expect(FINDINGS[code].levels).toContain(level)
      expect(message).toMatch(/^[A-Za-z`].*\.?$/)
    }
  })

  it('warns of nothing in a sound workspace, at rest or at work', async () => {
    execFileSync('git', ['init', '-q'], { cwd: workspace.root })
    const atRest = await examined()
    expect(atRest.findings.filter((finding) => finding.level !== 'info')).toEqual([])
    const owner = await Workspace.open(context, workspace.root, {
      onFatal: (error) => expect.unreachable(error.message),
    })
    try {
      expect(await examined()).toMatchObject({ ok: true, errors: 0, warnings: 0, fixable: 0 })
    } finally {
      await owner.close()
    }
  })

  it('takes --apply only with --fix', async () => {
    await expect(doctor.run(context, { apply: true })).rejects.toMatchObject({ code: 'usage' })
  })
})

const FIXABLE = FINDING_CODES.filter((code) => FINDINGS[code].fix !== null)

describe('mending', () => {
  it('knows how to mend some, and leaves the rest to a person', () => {
    expect(FIXABLE.length).toBeGreaterThan(8)
    expect(FIXABLE.length).toBeLessThan(FINDING_CODES.length / 2)
  })

  it.each(FIXABLE)('%s is previewed, then mended, and found no more', async (code) => {
    await FAULTS[code]()
    const before = await doctor.run(context, { fix: true })
    expect(before.fixes.filter((fix) => fix.code === code && !fix.applied)).not.toEqual([])
    expect(before.findings.map((finding) => finding.code)).toContain(code)
    expect((await doctor.run(context, {})).findings).toEqual(before.findings)
    const after = await doctor.run(context, { fix: true, apply: true })
    expect(after.fixes.filter((fix) => fix.code === code && fix.applied)).not.toEqual([])
    expect(after.findings.map((finding) => finding.code)).not.toContain(code)
    expect(after.findings.filter((finding) => finding.level === 'error')).toEqual([])
  })

  it('keeps what somebody wrote into a status file', async () => {
    write('state/execution_status.md', 'my notes\n')
    await doctor.run(context, { fix: true, apply: true })
    const kept = fs.readdirSync(workspace.at('state')).find((name) => /^execution_status\.md\.conflict-\d+$/.test(name))
    expect(fs.readFileSync(workspace.at('state', kept!), 'utf8')).toBe('my notes\n')
  })

  it('leaves edited and old files as they are', async () => {
    write(BUILDER, 'mine\n')
    remove('entrypoints/execution/fixer.md')
    await doctor.run(context, { fix: true, apply: true })
    expect(fs.readFileSync(workspace.at(BUILDER), 'utf8')).toBe('mine\n')
    expect(fs.existsSync(workspace.at('entrypoints/execution/fixer.md'))).toBe(true)
  })

  it('is refused while a runtime owns the workspace', async () => {
    remove('outline.md')
    const owner = await Workspace.open(context, workspace.root, {
      onFatal: (error) => expect.unreachable(error.message),
    })
    try {
      await expect(doctor.run(context, { fix: true, apply: true })).rejects.toMatchObject({ code: 'lock_held' })
    } finally {
      await owner.close()
    }
  })

  it('does not make a workspace where there is none', async () => {
    fs.rmSync(workspace.at('.'), { recursive: true })
    const { fixes, findings } = await doctor.run(context, { fix: true, apply: true })
    expect(fixes).toEqual([])
    expect(findings[0]?.code).toBe('missing_directory')
    expect(fs.existsSync(workspace.at('.'))).toBe(false)
  })
})
