/** What the notify operations give. */
import * as z from 'zod'
import { NOTIFY_EVENTS } from '../../core/notify-config.ts'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)
const count = (what: string) => z.int().min(0).describe(what)
const receiver = {
  via: z.enum(['command', 'webhook']).describe('How it is sent.'),
  receiver: text('The command line, the address, or `$NAME` where a variable of the environment holds the address.'),
}

const DeliveryRow = z.strictObject({
  delivery_id: text('Id; the same in every attempt.'),
  rule: text('Name of the rule.'),
  event: text('What it tells of.'),
  text: text('What it says.'),
  created_at: text('When it was decided (ISO time).'),
  attempts: count('Attempts so far.'),
  next_attempt_at: maybe('When it is tried next (ISO time); null if it was given up.'),
  last_error: maybe('How the last attempt went wrong.'),
})

export const NotifyLs = z
  .strictObject({
    workspace: text('The workspace.'),
    rules: z
      .array(
        z.strictObject({
          name: text('Name, as notify.rules in millrace.toml has it.'),
          on: z.array(z.enum(NOTIFY_EVENTS)).describe('What it is told of.'),
          ...receiver,
        }),
      )
      .describe('Rules in force.'),
    pending_count: count('Deliveries that wait.'),
    failed_count: count('Deliveries that were given up and are kept.'),
    done_count: count('Deliveries that arrived and of which the record is kept.'),
    pending: z.array(DeliveryRow).describe('Those that wait, oldest first; at most 100.'),
    failed: z.array(DeliveryRow).describe('Those that were given up, newest first; at most 100.'),
  })
  .describe('Who is told of what, and what became of it.')
export type NotifyLsOutput = z.infer<typeof NotifyLs>

export const NotifyTest = z
  .strictObject({
    ok: z.boolean().describe('Whether every test arrived.'),
    workspace: text('The workspace.'),
    results: z
      .array(
        z.strictObject({
          rule: text('Name of the rule.'),
          ...receiver,
          delivered: z.boolean().describe('Whether the receiver took it.'),
          error: maybe('Why not.'),
          duration_seconds: z.number().min(0).describe('How long it took.'),
        }),
      )
      .describe('One for each rule that was tested.'),
  })
  .describe('How a test notification fared.')
export type NotifyTestOutput = z.infer<typeof NotifyTest>

export const NotifyCheck = z
  .strictObject({
    ok: z.boolean().describe('Whether no attempt made here went wrong.'),
    workspace: text('The workspace.'),
    runtime: z
      .enum(['at_work', 'none', 'lost'])
      .describe(
        '`at_work`: one owns the workspace and delivers by itself. `lost`: one was found dead, which is told now.',
      ),
    delivered: count('Deliveries that arrived.'),
    failed: count('Attempts that went wrong.'),
    pending_count: count('Deliveries that wait.'),
  })
  .describe('What was found and what was sent.')
export type NotifyCheckOutput = z.infer<typeof NotifyCheck>
