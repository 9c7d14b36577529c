/** What listing and showing approvals gives. */
import * as z from 'zod'
import { Approval } from '../../core/approval.ts'

export const ApprovalsLs = z
  .strictObject({
    pending_count: z.int().min(0).describe('Questions that wait for an answer.'),
    approval_count: z.int().min(0).describe('Approvals of the choice, shown or not.'),
    approvals: z.array(Approval).describe('Pending ones oldest first, then answered ones newest first.'),
    unreadable: z.array(z.string()).describe('Files that hold no approval, relative to the workspace.'),
  })
  .describe('Questions to a person.')
export type ApprovalsLsOutput = z.infer<typeof ApprovalsLs>

export const ApprovalsShow = z
  .strictObject({
    approval: Approval,
    path: z.string().describe('Its file, relative to the workspace.'),
    can: z.array(z.string()).describe('Commands that would be accepted now.'),
  })
  .describe('One question to a person.')
export type ApprovalsShowOutput = z.infer<typeof ApprovalsShow>
