/** What `runs follow` tells: one record per line, and last how it ended. */
import * as z from 'zod'
import { TokenUsage } from '../../core/result.ts'
import { RUN_STATES } from './runs.ts'
import { ErrorRecord } from './surface.ts'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)
const count = (what: string) => z.int().min(0).describe(what)
const seconds = (what: string) => z.number().min(0).describe(`${what}, in seconds.`)
const Tokens = TokenUsage.nullable().describe('Tokens used so far; null if the harness has not told of any.')

const at = maybe('When it happened, or was seen to (ISO time); null for what an agent did before anybody looked.')
const ofRun = { at, run_id: text('Run.') }
const ofStage = { ...ofRun, request_id: text('Stage run.'), node_id: text('Node.') }
const said = <Name extends string>(event: Name, what: string) =>
  z.strictObject({ event: z.literal(event), ...ofStage, text: text('Its beginning, if it is long.') }).describe(what)
const tool = {
  id: maybe('What ties start and end together.'),
  tool: text('Tool, as the harness calls it.'),
  detail: text('What it works on.'),
}

export const FollowRecord = z
  .discriminatedUnion('event', [
    z
      .strictObject({
        event: z.literal('run'),
        ...ofRun,
        plane: maybe('Lane it runs in.'),
        work_item_kind: maybe('Kind of what it serves.'),
        work_item_id: maybe('Id of what it serves.'),
        state: z.enum(RUN_STATES).describe('Where it stands.'),
      })
      .describe('The run that is followed; always first, and once.'),
    z
      .strictObject({
        event: z.literal('stage_started'),
        ...ofStage,
        stage_kind_id: text('Stage kind.'),
        runner_name: text('Adapter.'),
        model_name: maybe('Model asked for.'),
        timeout_seconds: count('Time it may take, in seconds.'),
      })
      .describe('A stage is at work.'),
    z
      .strictObject({ event: z.literal('skipped'), ...ofStage, count: count('Events left out.') })
      .describe('Earlier events of the stage at work are left out; --since-start tells them.'),
    said('message', 'The agent says something.'),
    said('reasoning', 'The agent thinks.'),
    said('retry', 'The harness tries a failed request again.'),
    said('warning', 'The harness warns.'),
    said('output', 'A line of a program that prints text and no events.'),
    z.strictObject({ event: z.literal('tool_started'), ...ofStage, ...tool }).describe('A tool begins.'),
    z
      .strictObject({
        event: z.literal('tool_ended'),
        ...ofStage,
        ...tool,
        ok: z.boolean().describe('Whether it succeeded.'),
      })
      .describe('A tool has ended.'),
    z
      .strictObject({
        event: z.literal('progress'),
        ...ofStage,
        elapsed_seconds: seconds('Since the agent was started'),
        idle_seconds: seconds('Since it last wrote anything').nullable(),
        token_usage: Tokens,
      })
      .describe('How the stage at work stands; told every few seconds.'),
    z
      .strictObject({
        event: z.literal('stage_ended'),
        ...ofStage,
        outcome: maybe('What it reported; null if it was cut short.'),
        result_class: maybe('Its class.'),
        failure_class: maybe('Why it failed.'),
        duration_seconds: seconds('From start to end').nullable(),
        token_usage: Tokens,
      })
      .describe('A stage is over.'),
    z
      .strictObject({
        event: z.literal('waiting'),
        at,
        run_id: maybe('Run; null: for one.'),
        reason: text('What for.'),
      })
      .describe('Nothing is at work just now.'),
  ])
  .describe('Something that happened.')
export type FollowRecord = z.infer<typeof FollowRecord>

/** A record without members that are the same for many. */
export type RecordWithout<Members extends string> = FollowRecord extends infer One
  ? One extends FollowRecord
    ? Omit<One, Members>
    : never
  : never

export const FollowEnd = z
  .strictObject({
    end: z.strictObject({
      reason: z.enum(['run_ended', 'interrupted', 'closed']).describe('`closed`: nobody reads any more.'),
      run_id: maybe('Run that was followed; null if it came to none.'),
      state: z.enum(RUN_STATES).nullable().describe('Where that stands.'),
      stages: count('Stages of it that ended.'),
      token_usage: TokenUsage.nullable().describe('Tokens those used; null if no harness told of any.'),
    }),
  })
  .describe('The last line: how the following ended.')
export type FollowEnd = z.infer<typeof FollowEnd>

export const FollowError = z
  .strictObject({
    end: z.strictObject({
      reason: z.literal('error'),
      error: ErrorRecord,
    }),
  })
  .describe('The last line after an error.')
