/** Approvals: what a person is asked, what was answered, and answering it. */
import * as path from 'node:path'
import { APPROVAL_STATUSES, type Approval, type ApprovalStatus, approvalFile, parseApproval } from '../core/approval.ts'
import { MillraceError } from '../core/errors.ts'
import { requireSafeId } from '../core/ids.ts'
import { didYouMean, nearestId } from '../core/nearest.ts'
import type { InputField, Operation } from '../core/operation.ts'
import type { Files } from '../store/files.ts'
import { textOrNull } from '../store/files.ts'
import type { Places } from '../store/layout.ts'
import { type Context, placesIn, requireWorkspace } from './context.ts'
import { limitedTo, limitField, reasonField } from './fields.ts'
import { futureInstant } from './instant.ts'
import { type Issued, issue } from './issue.ts'
import { reading } from './reading.ts'
import type { ApprovalsLsOutput, ApprovalsShowOutput } from './schemas/approvals.ts'

const LISTED_DEFAULT = 100

const approvalField: InputField = {
  name: 'approval_id',
  type: 'text',
  positional: true,
  required: true,
  placeholder: 'ID',
  description: 'Id of the approval.',
}

export const approvalsLs: Operation<
  Context,
  { all?: boolean; status?: ApprovalStatus; limit?: number },
  ApprovalsLsOutput
> = {
  name: 'approvals ls',
  flavour: 'read',
  summary: 'What waits for a person to allow or deny it.',
  description:
    'Lists the questions that wait for an answer, the oldest first; those that were answered only when asked for, the newest first. A pending one holds its item at its node, and no other item. The whole record: `millrace approvals show ID`.',
  input: [
    { name: 'all', type: 'flag', description: 'Answered ones too.' },
    {
      name: 'status',
      type: 'choice',
      choices: APPROVAL_STATUSES,
      placeholder: 'STATUS',
      description: 'Only those with this status.',
    },
    limitField(LISTED_DEFAULT),
  ],
  examples: [
    { command: 'millrace approvals', does: 'see what waits for you' },
    { command: 'millrace approvals ls --status denied', does: 'see what was denied' },
  ],
  output: async () => (await import('./schemas.ts')).approvalsLsSchema(),
  async run(context, { all, status, limit = LISTED_DEFAULT }) {
    const found = reading(context, (_, files) => readAll(files, placesIn(context)))
    const chosen = found.approvals.filter((one) =>
      status === undefined ? all === true || one.status === 'pending' : one.status === status,
    )
    return {
      pending_count: found.approvals.filter((one) => one.status === 'pending').length,
      approval_count: chosen.length,
      approvals: [...limitedTo(limit, chosen)],
      unreadable: found.unreadable,
    }
  },
}

export const approvalsShow: Operation<Context, { approval_id: string }, ApprovalsShowOutput> = {
  name: 'approvals show',
  flavour: 'read',
  summary: 'One question to a person: what it is about, who asks, what was answered.',
  description:
    'Gives the whole record of one approval, the file it is kept in, and the commands that would answer it now. What the stage did so far: `millrace runs show RUN` and `millrace why RUN`.',
  input: [approvalField],
  examples: [{ command: 'millrace approvals show approval-5f1c0c2f9a1b', does: 'read what is asked' }],
  output: async () => (await import('./schemas.ts')).approvalsShowSchema(),
  async run(context, { approval_id }) {
    const id = requireSafeId(approval_id, 'The approval id')
    const { approvals } = reading(context, (_, files) => readAll(files, placesIn(context)))
    const approval = approvals.find((one) => one.approval_id === id)
    if (approval === undefined) {
      const near = nearestId(
        id,
        approvals.map((one) => one.approval_id),
      )
      throw new MillraceError('approval_unknown', `There is no approval ${id}.`, {
        hint: didYouMean(near, 'list them with `millrace approvals ls --all`'),
      })
    }
    const can =
      approval.status === 'pending' ? ['approve', 'deny'].map((verb) => `millrace approvals ${verb} ${id}`) : []
    return { approval, path: path.relative(context.workspaceRoot, fileOf(placesIn(context), approval)), can }
  },
}

interface Decision {
  verb: 'approve' | 'deny'
  command: string
  summary: string
  description: string
  more: readonly InputField[]
  example: { command: string; does: string }
}

const deciding = ({
  verb,
  command,
  summary,
  description,
  more,
  example,
}: Decision): Operation<Context, Answer, Issued> => ({
  name: `approvals ${verb}`,
  flavour: 'change',
  summary,
  description,
  input: [approvalField, reasonField(verb === 'approve' ? 'approved' : 'denied'), ...more],
  examples: [example],
  output: async () => (await import('./schemas.ts')).issuedSchema(),
  async run(context, { approval_id, reason, expires }) {
    requireWorkspace(context)
    requireSafeId(approval_id, 'The approval id')
    const expires_at =
      expires === undefined ? {} : { expires_at: futureInstant(expires, '--expires', context.clock.now()) }
    return issue(context, command, { approval_id, ...(reason === undefined ? {} : { reason }), ...expires_at })
  },
})

interface Answer {
  approval_id: string
  reason?: string
  expires?: string
}

export const approvalsApprove = deciding({
  verb: 'approve',
  command: 'approve_execution_capability',
  summary: 'Allow what a stage asks for; its item goes on at the same node.',
  description:
    'Answers a pending question with yes. The item goes on where it waited, as soon as its lane is free: a stage that had ended is not run again. For a required capability the answer holds for this item and node from now on, or until --expires.',
  more: [
    {
      name: 'expires',
      type: 'text',
      placeholder: 'WHEN',
      description: 'Until when the answer holds: how long from now (2h, 7d) or a time. Without it there is no end.',
    },
  ],
  example: { command: 'millrace approvals approve approval-5f1c0c2f9a1b --expires 7d', does: 'allow it for a week' },
})

export const approvalsDeny = deciding({
  verb: 'deny',
  command: 'deny_execution_capability',
  summary: 'Do not allow what a stage asks for.',
  description:
    'Answers a pending question with no. The node then counts as having given the outcome it declares for that (`denied_outcome`); without one its run ends and the item is blocked. The reason is told to the stages that follow.',
  more: [],
  example: { command: 'millrace approvals deny approval-5f1c0c2f9a1b --reason "not on a Friday"', does: 'refuse it' },
})

const STATES = ['pending', 'resolved'] as const

const fileOf = (places: Places, { approval_id, status }: Approval): string =>
  places.at(approvalFile(status === 'pending' ? 'pending' : 'resolved', approval_id))

/** Every approval: the pending ones oldest first, then the others newest first. */
function readAll(files: Files, places: Places): { approvals: Approval[]; unreadable: string[] } {
  const found = new Map<string, Approval>()
  const unreadable: string[] = []
  for (const state of STATES) {
    const folder = path.dirname(places.at(approvalFile(state, 'x')))
    const names = (files.list(folder) ?? []).filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    for (const name of names) {
      const file = path.join(folder, name)
      const approval = files.stat(file)?.kind === 'file' ? parseApproval(textOrNull(files, file) ?? '') : null
      if (approval === null) unreadable.push(path.relative(places.root, file))
      else found.set(approval.approval_id, approval)
    }
  }
  const rank = (one: Approval) => (one.status === 'pending' ? 0 : 1)
  const time = (one: Approval) => Date.parse(one.decided_at ?? one.created_at)
  const inOrder = (a: Approval, b: Approval) =>
    rank(a) - rank(b) || (rank(a) === 0 ? time(a) - time(b) : time(b) - time(a))
  return { approvals: [...found.values()].sort(inOrder), unreadable }
}
