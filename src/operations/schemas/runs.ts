/** What the run operations give. */
import * as z from 'zod'
import { TokenUsage, WorkingTree } from '../../core/result.ts'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)
const count = (what: string) => z.int().min(0).describe(what)
const seconds = (what: string) => z.number().min(0).nullable().describe(`${what}, in seconds.`)
const Tokens = TokenUsage.nullable().describe('Tokens used; null if no harness reported any.')

export const RUN_STATES = ['active', 'held', 'complete', 'handoff', 'blocked', 'incomplete', 'malformed'] as const
const RunState = z
  .enum(RUN_STATES)
  .describe(
    'Where it stands. `complete`: ended well. `handoff`: handed on as other work. `incomplete`: ended without a decision, such as withdrawn or cancelled. `malformed`: its records cannot be read.',
  )
const ArtifactStatus = z
  .enum(['valid', 'incomplete', 'malformed'])
  .describe('Whether its records can be read: no word on how the run went.')

export const RunRow = z.strictObject({
  run_id: text('Run.'),
  status: ArtifactStatus,
  work_item_kind: maybe('Kind of what it served.'),
  work_item_id: maybe('Id of what it served.'),
  failure_class: maybe('Why its last stage failed.'),
  state: RunState,
  plane: maybe('Lane it ran in.'),
  mode_id: maybe('Mode its plan was compiled from.'),
  stage_count: count('Stages that ended.'),
  last_stage: maybe('Node of the last one, or of the one at work.'),
  last_outcome: maybe('What that reported.'),
  started_at: maybe('Start of the first stage (ISO time).'),
  completed_at: maybe('End of the last stage (ISO time).'),
  duration_seconds: seconds('From the first start to the last end'),
  token_usage: Tokens,
})
export type RunRow = z.infer<typeof RunRow>

export const RunsLs = z
  .strictObject({
    runs: z.array(RunRow).describe('Newest first.'),
    run_count: count('Runs there are.'),
  })
  .describe('Runs of the workspace.')
export type RunsLsOutput = z.infer<typeof RunsLs>

export const RunStage = z.strictObject({
  stage_result_path: text('Its record, relative to the run folder.'),
  request_id: maybe('Stage run.'),
  compiled_plan_id: maybe('Plan.'),
  mode_id: maybe('Mode.'),
  node_id: text('Node.'),
  stage_kind_id: text('Stage kind.'),
  stage: text('Stage kind.'),
  request_kind: maybe('Whether a work item or a closure target was served.'),
  closure_target_root_spec_id: maybe('Root spec of a closure run.'),
  terminal_result: text('Outcome.'),
  result_class: text('Its class.'),
  failure_class: maybe('Why it failed.'),
  runner_name: maybe('Adapter.'),
  model_name: maybe('Model asked for.'),
  model_reasoning_effort: maybe('Effort asked for.'),
  started_at: text('Start (ISO time).'),
  completed_at: text('End (ISO time).'),
  duration_seconds: z.number().min(0).describe('From start to end, in seconds.'),
  stdout_path: maybe('What the agent printed, relative to the run folder.'),
  stderr_path: maybe('What it complained about.'),
  report_artifact: maybe('Its report.'),
  token_usage: Tokens,
  artifact_paths: z.array(z.string()).describe('Files it left.'),
  working_tree: z
    .strictObject({
      state: z
        .enum(['changed', 'unchanged', 'unknown', 'unprotected'])
        .describe(
          'Whether the stage changed files of the user. `unknown`: kept before, but not read again. `unprotected`: not kept.',
        ),
      ...WorkingTree.shape,
    })
    .nullable()
    .describe('What it did to the working tree; null in records of older versions.'),
  notes: z.array(z.string()).describe('What the runtime noted.'),
  next: maybe('Where the run went then: a node, or `terminal:<state>`; null if it never got a decision.'),
  decision_reason: maybe('Why there.'),
  queue_changes: z.array(z.string()).describe('What that did to the queues.'),
})
export type RunStage = z.infer<typeof RunStage>

export const RunsShow = z
  .strictObject({
    run_id: text('Run.'),
    status: ArtifactStatus,
    compiled_plan_id: maybe('Plan it kept to its end.'),
    mode_id: maybe('Mode of that plan.'),
    request_kind: maybe('Whether a work item or a closure target was served.'),
    closure_target_root_spec_id: maybe('Root spec of a closure run.'),
    work_item_kind: maybe('Kind of what it served.'),
    work_item_id: maybe('Id of what it served.'),
    failure_class: maybe('Why its last stage failed.'),
    started_at: maybe('Start of the first stage (ISO time).'),
    completed_at: maybe('End of the last stage (ISO time).'),
    duration_seconds: seconds('From the first start to the last end'),
    troubleshoot_report_path: maybe('Report of a repair stage, relative to the run folder.'),
    primary_stdout_path: maybe('What the agent of the last stage printed.'),
    primary_stderr_path: maybe('What it complained about.'),
    stage_result_count: count('Stages that ended.'),
    token_usage: Tokens,
    notes: z.array(z.string()).describe('Records that are missing or cannot be read.'),
    run_dir: text('Run folder.'),
    state: RunState,
    plane: maybe('Lane it runs in.'),
    title: maybe('Heading of the work item, if it is still there.'),
    held_reason: maybe('Why it is held.'),
    running: z
      .strictObject({
        request_id: text('Stage run.'),
        node_id: text('Node.'),
        since: text('Arrival at the node (ISO time).'),
        runner_name: text('Adapter.'),
      })
      .nullable()
      .describe('The stage at work now.'),
    stages: z.array(RunStage).describe('Stages that ended, in order.'),
  })
  .describe('One run.')
export type RunsShowOutput = z.infer<typeof RunsShow>

export const TraceNode = z.strictObject({
  trace_node_id: text('Stage run.'),
  plane: text('Lane.'),
  node_id: text('Node.'),
  stage_kind_id: text('Stage kind.'),
  stage: text('Stage kind.'),
  terminal_result: maybe('Outcome; null while at work.'),
  result_class: maybe('Its class.'),
  failure_class: maybe('Why it failed.'),
  runner_name: maybe('Adapter.'),
  model_name: maybe('Model asked for.'),
  model_reasoning_effort: maybe('Effort asked for.'),
  started_at: maybe('Start (ISO time).'),
  completed_at: maybe('End (ISO time).'),
  duration_seconds: seconds('From start to end'),
  token_usage: Tokens,
  artifacts: z.array(
    z.strictObject({
      path: text('File, relative to the run folder where it lies in it.'),
      kind: text('`report`, `stdout`, `stderr` or `artifact`.'),
      size_bytes: z.int().nullable().describe('Size; null if it is gone.'),
      sha256: maybe('Hash of its bytes; null if it is gone or too large.'),
    }),
  ),
})
export type TraceNode = z.infer<typeof TraceNode>

export const TraceEdge = z.strictObject({
  trace_edge_id: text('Record in the transition history.'),
  source_trace_node_id: maybe('Stage run it starts at.'),
  source_node_id: text('Its node.'),
  outcome: text('Outcome that took it.'),
  edge_kind: maybe('Kind of the edge in the plan.'),
  selected_edge_id: maybe('Edge or policy of the plan.'),
  target_node_id: maybe('Node it leads to.'),
  target_trace_node_id: maybe('Stage run it led to.'),
  terminal_state_id: maybe('Terminal state it leads to.'),
  spawned_work: z.array(
    z.strictObject({
      kind: text('Kind of the new item.'),
      item_id: text('Its id.'),
      reason: text('What was done.'),
    }),
  ),
  decision_reason: text('Why this edge.'),
  decided_at: text('When (ISO time).'),
})
export type TraceEdge = z.infer<typeof TraceEdge>

export const RunsTrace = z
  .strictObject({
    schema_version: z.literal('1.0'),
    kind: z.literal('run_trace_graph'),
    run_id: text('Run.'),
    run_dir: text('Run folder.'),
    status: z.enum(['active', 'complete', 'blocked', 'handoff', 'incomplete', 'malformed']).describe('How it stands.'),
    compiled_plan_id: maybe('Plan.'),
    mode_id: maybe('Mode.'),
    request_kind: maybe('What was served.'),
    work_item_kind: maybe('Its kind.'),
    work_item_id: maybe('Its id.'),
    closure_target_root_spec_id: maybe('Root spec of a closure run.'),
    started_at: maybe('Start (ISO time).'),
    completed_at: maybe('End (ISO time).'),
    duration_seconds: seconds('From start to end'),
    nodes: z.array(TraceNode).describe('Stage runs in order.'),
    edges: z.array(TraceEdge).describe('Decisions in order.'),
    notes: z.array(z.string()).describe('What is missing or cannot be read.'),
    generated_at: text('When this was put together (ISO time).'),
  })
  .describe('The path one run took.')
export type RunsTraceOutput = z.infer<typeof RunsTrace>

export const RunsTail = z
  .strictObject({
    run_id: text('Run.'),
    source: z.enum(['report', 'final_message', 'stdout', 'stderr']).describe('What it is.'),
    node_id: text('Node of the stage that left it.'),
    path: text('File.'),
    text: text('Its text.'),
    truncated: z.boolean().describe('Whether only its end is given.'),
  })
  .describe('The last word of a run.')
export type RunsTailOutput = z.infer<typeof RunsTail>
