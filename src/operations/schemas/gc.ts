/** What removing old runs gives: the limits, what goes, and what stays although a limit speaks against it. */
import * as z from 'zod'
import { KINDS, REASONS, type Reason } from '../../core/retention.ts'
import { RetentionLimits } from '../../core/retention-config.ts'

const kind = z
  .enum(KINDS)
  .describe(
    'run, plan, log (a part put aside), command (archived), scratch (left by a killed process), ref (a kept tree).',
  )
const count = z.int().min(0).describe('How many.')
const bytes = z.number().min(0).describe('How large they are together.')
const reasons = Object.entries(REASONS).map(([reason, means]) => `${reason}: ${means}`)
const reason = z.enum(Object.keys(REASONS) as [Reason, ...Reason[]]).describe(`Why. ${reasons.join('; ')}.`)
const goes = z.boolean().describe('Whether it goes.')

export const Gc = z
  .strictObject({
    action: z.literal('collect_garbage'),
    mode: z
      .enum(['direct', 'mailbox'])
      .describe('`direct`: carried out here. `mailbox`: by the runtime that owns the workspace.'),
    state: z
      .enum(['applied', 'queued', 'preview', 'under_way'])
      .describe('What became of it; `under_way`: the runtime is still at it.'),
    applied: z.boolean().describe('True once all that may go is gone.'),
    detail: z.string().describe('In a sentence.'),
    command_id: z.string().nullable().describe('Its id in the mailbox; null for a preview.'),
    mailbox_path: z.string().nullable().describe('Where it was posted; null for a preview.'),
    state_id: z.string().describe('Of a preview: the state it looked at, for --if-state.').optional(),
    limits: RetentionLimits.describe('Limits in force for this call; 0 is none.'),
    count: z.int().min(0).describe('How many things go, or went.'),
    bytes: z.number().min(0).describe('Bytes that this frees, or freed, not counting kept trees.'),
    summary: z
      .array(z.strictObject({ kind, goes, reason, count, bytes }))
      .describe('What was found before anything was removed, by kind and reason.'),
    entries: z
      .array(
        z.strictObject({
          kind,
          name: z.string().describe('Run id, plan id, ref, or path below the runtime root.'),
          path: z.string().nullable().describe('Where it lies, relative to the workspace; null for a ref.'),
          goes,
          reason,
          bytes: z.number().min(0).describe('How large it is.'),
        }),
      )
      .describe('Each thing that goes, and each that stays although a limit speaks against it.'),
  })
  .describe('What old runs left, and what became of it.')
export type GcOutput = z.infer<typeof Gc>
