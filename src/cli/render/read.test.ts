import { describe, expect, it } from 'vitest'
import type { RunsTailOutput } from '../../operations/schemas/runs.ts'
import type { StatusOutput } from '../../operations/schemas/status.ts'
import { makeLook } from '../look.ts'
import { ls as queueLs } from './queue.ts'
import { tail } from './runs.ts'
import { status } from './status.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const terminal = makeLook({ terminal: true, colour: false, width: 100, now: NOW })
const piped = makeLook({ terminal: false, colour: false, width: 100, now: NOW })
const STEERING = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/

const run: StatusOutput['active_runs'][number] = {
  run_id: 'run-4f0c21ab00112233445566778899aabb',
  plane: 'execution',
  stage: 'builder',
  node_id: 'builder',
  stage_kind_id: 'builder',
  status: 'started',
  request_kind: 'active_work_item',
  request_id: 'request-1',
  work_item_kind: 'task',
  work_item_id: 'T-12',
  title: 'Add \u001b]0;login\u0007 page',
  closure_target_root_spec_id: null,
  active_since: '2026-03-01T11:50:00Z',
  stage_since: '2026-03-01T11:56:40Z',
  stage_runs: 0,
  failure_class: null,
  not_before: null,
  held_reason: null,
  held_since: null,
  approval_id: null,
  cancel_requested: null,
}

const none = { queued: 0, active: 0, blocked: 0, done: 0 }
const answer = {
  workspace: '/w',
  process_running: true,
  runtime_ownership_lock: 'active',
  active_mode_id: 'm',
  compiled_plan_currentness: 'current',
  active_run_count: 1,
  execution_queue_depth: 2,
  baseline_manifest_id: null,
  activity: 'working',
  activity_reason: null,
  next_step: null,
  degraded: false,
  pending_journal: null,
  runtime_process_id: 77,
  runtime_since: '2026-03-01T11:00:00Z',
  last_reload_error: null,
  pending_restart: [],
  stop_files: [],
  queue_depths: {
    task: { ...none, queued: 2, active: 1 },
    spec: none,
    incident: none,
    probe: none,
    learning_request: none,
  },
  mailbox_waiting: 0,
  pauses: [],
  active_runs: [run],
  held_runs: [],
  closure_targets: [],
  last_results: [],
  last_event: null,
} as unknown as StatusOutput

describe('status', () => {
  it('tells a person in its first line who works on what, and for how long', () => {
    const [first, ...rest] = status(answer, terminal).split('\n')
    expect(first).toBe('working: builder on task T-12 "Add ]0;login page" for 3m 20s (run-4f0c21ab)')
    expect(rest.join('\n')).toContain('runtime: process 77, up since 1h ago')
    expect(rest.join('\n')).not.toMatch(/none|spec/)
  })

  it('puts the line of each active run where the seed has it', () => {
    const lines = status(answer, piped).split('\n')
    const at = lines.findIndex((line) => line.startsWith('active_run: '))
    expect(lines[at]).toBe(
      'active_run: plane=execution stage=builder node=builder stage_kind=builder request_kind=active_work_item work_item_kind=task work_item_id=T-12 run=4f0c21ab0011',
    )
    expect(lines[at + 1]).toBe('baseline_manifest_id: none')
    expect(lines.every((line) => /^[\w.]+: /.test(line))).toBe(true)
  })

  it('says a held run, a pause and a stale plan to a person, each on its line', () => {
    const held = { ...run, status: 'held' as const, held_reason: 'the plan is gone' }
    const text = status(
      {
        ...answer,
        activity: 'held',
        activity_reason: 'the plan is gone',
        active_runs: [held],
        compiled_plan_currentness: 'stale',
        next_step: 'millrace doctor',
      },
      terminal,
    )
    expect(text).toMatch(/^held: the plan is gone\n {2}builder on task T-12 .* held: the plan is gone/)
    expect(text).toContain('next: millrace doctor')
    expect(text).toContain('config or assets changed')
  })
})

describe('what somebody else wrote', () => {
  it('cannot steer the terminal, while a program gets it whole', () => {
    const wild = 'red \u001b[2J\u0007\u009b31m text\nand more'
    const last: RunsTailOutput = {
      run_id: 'run-1',
      source: 'report',
      node_id: 'n',
      path: '/w/r.md',
      text: wild,
      truncated: false,
    }
    expect(tail(last, piped)).toBe(wild)
    expect(tail(last, terminal)).not.toMatch(STEERING)
    const row = {
      work_item_kind: 'task',
      work_item_id: 'T-1',
      state: 'queued',
      title: wild,
      created_at: '2026-03-01T11:00:00Z',
      path: '/w/T-1.md',
      root_spec_id: null,
      waits_for: [],
      deferred_by: null,
      duplicate_of: [],
      run_id: null,
      node_id: null,
      reason: wild,
    } as const
    const listed = {
      active_task_count: 0,
      active_spec_count: 0,
      active_incident_count: 0,
      item_count: 1,
      items: [row],
      unreadable: [],
    }
    expect(queueLs(listed as unknown as Parameters<typeof queueLs>[0], terminal)).not.toMatch(STEERING)
    const line = queueLs(listed as unknown as Parameters<typeof queueLs>[0], piped)
      .split('\n')
      .at(-1)!
    expect(JSON.parse(line.slice(line.indexOf('title=') + 'title='.length))).toBe(wild)
  })
})
