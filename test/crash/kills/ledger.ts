/**
 * The ledger: follows the event log as it grows and holds every line against what may come next: an item has one run
 * at a time, a request is settled once, a run goes only where its frozen plan leads, nothing is finished twice.
 */
import * as fs from 'node:fs'
import type { RuntimeEvent } from '../../../src/core/events.ts'
import type { Plan, PlanGraph } from '../../../src/core/plan.ts'
import type { Scene } from './scene.ts'

export interface RunStory {
  id: string
  plane: string
  /** `<kind> <id>`; null for a closure run. */
  item: string | null
  node: string
  status: 'ready' | 'started' | 'held' | 'ended'
  request: string | null
  /** Requests that were settled, in order. */
  settled: string[]
  /** Interruptions at this node, as its budget counts them. */
  interruptions: number
  /** True if its stage had begun and may not be repeated unasked. */
  mustBeHeld: boolean
}

/** Interruptions in a row a node may have; the one after them blocks the item. */
const INTERRUPTIONS_MAX = 3

/** Events that another hand, or a defect, would cause. */
const NEVER = [
  'foreign_edit_kept',
  'event_log_gap',
  'work_item_duplicate',
  'work_item_invalid',
  'runtime_completion_conflict',
  'run_withdrawn',
  'stage_deferred',
  'runtime_config_reload_failed',
]

type Fields = Record<string, unknown>
type ItemState = 'queued' | 'active' | 'done' | 'blocked'

export class Ledger {
  readonly runs = new Map<string, RunStory>()
  /** State of every item, by `<kind> <id>`. */
  readonly items = new Map<string, ItemState>()
  readonly requests = new Map<string, { run: string; node: string; state: 'started' | 'settled' | 'interrupted' }>()
  readonly closed = new Set<string>()
  readonly counts = new Map<string, number>()
  private readonly scene: Scene
  private readonly problem: (text: string) => void
  private readonly plans = new Map<string, Plan>()
  private offset = 0

  constructor(scene: Scene, problem: (text: string) => void) {
    this.scene = scene
    this.problem = problem
  }

  get started(): RunStory[] {
    return [...this.runs.values()].filter((run) => run.status === 'started')
  }

  get held(): RunStory[] {
    return [...this.runs.values()].filter((run) => run.status === 'held')
  }

  get open(): RunStory[] {
    return [...this.runs.values()].filter((run) => run.status !== 'ended')
  }

  count(type: string): number {
    return this.counts.get(type) ?? 0
  }

  /** Takes in what is new in the log, whole lines only; gives it. */
  read(): RuntimeEvent[] {
    const lines = this.newLines()
    return lines.map((line) => {
      const event = JSON.parse(line) as RuntimeEvent
      this.counts.set(event.event_type, this.count(event.event_type) + 1)
      this.take(event.event_type, event.data)
      return event
    })
  }

  private newLines(): string[] {
    const file = this.scene.at('logs', 'runtime_events.jsonl')
    if (!fs.existsSync(file) || fs.statSync(file).size <= this.offset) return []
    const descriptor = fs.openSync(file, 'r')
    try {
      const bytes = Buffer.alloc(fs.fstatSync(descriptor).size - this.offset)
      const length = fs.readSync(descriptor, bytes, 0, bytes.length, this.offset)
      const whole = bytes.subarray(0, length).lastIndexOf(10) + 1
      this.offset += whole
      return bytes.toString('utf8', 0, whole).split('\n').slice(0, -1)
    } finally {
      fs.closeSync(descriptor)
    }
  }

  private take(type: string, data: Fields): void {
    if (NEVER.includes(type)) this.problem(`${type} ${JSON.stringify(data)}`)
    this.steps[type]?.(data, `${data.work_item_kind} ${data.work_item_id}`)
  }

  /** What each event means to items, requests and runs. */
  private readonly steps: Readonly<Record<string, (data: Fields, item: string) => void>> = {
    mailbox_add_task_applied: ({ task_id }) => this.arrives(`task ${task_id}`),
    mailbox_add_spec_applied: ({ spec_id }) => this.arrives(`spec ${spec_id}`),
    work_item_handed_in: (_, item) => this.arrives(item),
    runtime_handoff_incident_enqueued: ({ incident_id }) => this.arrives(`incident ${incident_id}`),
    work_item_requeued: (_, item) => this.moves(item, 'blocked', 'queued'),
    work_item_claimed: (data, item) => {
      this.moves(item, 'queued', 'active')
      this.begin(data, item)
    },
    work_item_finished: (_, item) => this.moves(item, 'active', 'done'),
    work_item_blocked: (_, item) => this.moves(item, 'active', 'blocked'),
    stage_started: (data) => this.starts(data),
    stage_adopted: (data) => void this.runAt(data, 'started', 'stage_adopted'),
    stage_interrupted: (data) => this.interrupted(data),
    stage_completed: (data) => this.completes(data),
    router_decision: (data) => this.goesOn(data),
    run_held: (data) => this.holds(data),
    run_cancelled: (data) => this.cancels(data),
    mailbox_command_applied: ({ command }) => {
      if (command === 'clear_stale_state') for (const run of this.held) run.status = 'ready'
    },
    closure_target_closed: ({ root_spec_id }) => {
      if (this.closed.has(String(root_spec_id))) this.problem(`${root_spec_id} was closed twice`)
      this.closed.add(String(root_spec_id))
    },
  }

  private arrives(item: string): void {
    if (this.items.has(item)) this.problem(`${item} arrived twice`)
    this.items.set(item, 'queued')
  }

  private moves(item: string, from: ItemState, to: ItemState): void {
    const found = this.items.get(item)
    if (found !== from) this.problem(`${item} went from ${from} to ${to}, but was ${found}`)
    this.items.set(item, to)
  }

  /** A new run; the mode lets one run be active at a time. */
  private begin(data: Fields, item: string | null): void {
    const others = this.open.map((run) => run.id)
    if (others.length > 0) this.problem(`run ${data.run_id} began beside ${others.join(', ')}`)
    if (this.runs.has(String(data.run_id))) this.problem(`run ${data.run_id} began twice`)
    this.runs.set(String(data.run_id), {
      id: String(data.run_id),
      plane: String(data.plane),
      item,
      node: String(data.node_id),
      status: 'ready',
      request: null,
      settled: [],
      interruptions: 0,
      mustBeHeld: false,
    })
  }

  private starts(data: Fields): void {
    // A closure run is not claimed; its first stage is the first that is heard of it.
    if (!this.runs.has(String(data.run_id)) && data.work_item_kind === 'spec') this.begin(data, null)
    const run = this.runAt(data, 'ready', 'stage_started')
    const request = String(data.request_id)
    if (run?.mustBeHeld) this.problem(`run ${run.id} repeats ${run.node} unasked`)
    if (this.requests.has(request)) this.problem(`request ${request} was started twice`)
    this.requests.set(request, { run: String(data.run_id), node: String(data.node_id), state: 'started' })
    if (run) Object.assign(run, { status: 'started', request })
  }

  private interrupted(data: Fields): void {
    const run = this.runAt(data, 'started', 'stage_interrupted')
    this.close(data, 'interrupted')
    if (!run) return
    if (data.reason !== 'stopped') {
      run.interruptions += 1
      run.mustBeHeld = this.isSingleAttempt(run) && this.scene.exists('runs', run.id, `runner_pid.${data.request_id}`)
    }
    Object.assign(run, { status: 'ready', request: null })
  }

  private completes(data: Fields): void {
    const run = this.runAt(data, 'started', 'stage_completed')
    this.close(data, 'settled')
    run?.settled.push(String(data.request_id))
  }

  /** Only what may not be repeated unasked is held, and only after an interruption. */
  private holds(data: Fields): void {
    const run = this.runs.get(String(data.run_id))
    if (run?.status !== 'ready' || run.interruptions === 0 || !this.isSingleAttempt(run))
      this.problem(`run ${data.run_id} was held: ${data.reason}`)
    if (run) Object.assign(run, { status: 'held', mustBeHeld: false })
  }

  /** Nobody cancels a run here; the runtime does so once its node was interrupted too often. */
  private cancels(data: Fields): void {
    const run = this.runs.get(String(data.run_id))
    if (run?.interruptions !== INTERRUPTIONS_MAX + 1)
      this.problem(`run ${data.run_id} was cancelled after ${run?.interruptions} interruptions: ${data.reason}`)
    if (run) run.status = 'ended'
  }

  private close(data: Fields, state: 'settled' | 'interrupted'): void {
    const request = this.requests.get(String(data.request_id))
    if (request?.state !== 'started') this.problem(`request ${data.request_id} ${state}, but was ${request?.state}`)
    if (request) request.state = state
  }

  private goesOn(data: Fields): void {
    const run = this.runAt(data, 'started', 'router_decision')
    if (!run) return
    const to = String(data.next_node_id ?? data.terminal_state_id)
    const ways = this.waysFrom(run, String(data.terminal_result))
    if (!ways.includes(to)) this.problem(`run ${run.id} went from ${run.node} by ${data.terminal_result} to ${to}`)
    if (data.next_node_id === null) Object.assign(run, { status: 'ended', request: null })
    else Object.assign(run, { status: 'ready', request: null, node: data.next_node_id, interruptions: 0 })
  }

  /** The run of an event, which must stand at its node in this state, with its request if it has one. */
  private runAt(data: Fields, status: RunStory['status'], type: string): RunStory | null {
    const run = this.runs.get(String(data.run_id)) ?? null
    const fits =
      run?.status === status &&
      run.node === data.node_id &&
      (status !== 'started' || data.request_id === undefined || run.request === data.request_id)
    if (!fits) this.problem(`${type} ${JSON.stringify(data)} of a run that stood at ${JSON.stringify(run)}`)
    return run
  }

  /** Where the plan lets a run go from its node with an outcome: edges, spent budgets, resume targets. */
  private waysFrom(run: RunStory, outcome: string): unknown[] {
    const graph = this.graphOf(run)
    const resumed = graph.resume_policies.some((one) => one.source_node_id === run.node && one.on_outcome === outcome)
    return [
      ...graph.transitions
        .filter((edge) => edge.source_node_id === run.node && edge.outcome === outcome)
        .map((edge) => edge.target_node_id ?? edge.terminal_state_id),
      ...graph.threshold_policies
        .filter((policy) => policy.source_node_ids.includes(run.node) && policy.on_outcome === outcome)
        .map((policy) => policy.exhausted_target_node_id ?? policy.exhausted_terminal_state_id),
      ...(resumed ? graph.nodes.map((node) => node.node_id) : []),
    ]
  }

  private isSingleAttempt(run: RunStory): boolean {
    const node = this.graphOf(run).nodes.find((one) => one.node_id === run.node)
    return node?.idempotence_policy === 'single_attempt_only'
  }

  private graphOf(run: RunStory): PlanGraph {
    const id = this.scene.json<{ compiled_plan_id: string }>('runs', run.id, 'resolved_snapshot.json')!.compiled_plan_id
    const plan = this.plans.get(id) ?? this.scene.json<Plan>('state', 'plans', id, 'plan.json')!
    this.plans.set(id, plan)
    return plan.graphs_by_plane[run.plane]!
  }
}
