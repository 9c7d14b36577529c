/** The commands that answer a question to a person; the runtime takes the run up again at its next tick. */
import { type Approval, approvalOf } from '../../core/approval.ts'
import { Draft } from '../../core/changes.ts'
import { MillraceError } from '../../core/errors.ts'
import { requireSafeId } from '../../core/ids.ts'
import type { ChangeOperation } from '../../core/operation.ts'
import { parseTimestamp } from '../../core/timestamp.ts'
import { done, only, text, textOrNull } from './payload.ts'

const decide =
  (status: 'approved' | 'denied'): ChangeOperation =>
  ({ view, issuer }, payload) => {
    only(payload, 'approval_id', 'reason', ...(status === 'approved' ? ['expires_at'] : []))
    const id = requireSafeId(text(payload, 'approval_id'), 'The approval id')
    const approval = approvalOf(view, id)
    if (approval === null)
      throw new MillraceError('approval_unknown', `There is no approval ${id}.`, {
        hint: 'list them with `millrace approvals ls`',
      })
    const named = { approval_id: id, work_item_kind: approval.work_item_kind, work_item_id: approval.work_item_id }
    if (approval.status === status)
      return { changes: [], output: { applied: true, detail: `${id} is ${status} already`, ...named } }
    if (approval.status !== 'pending')
      throw new MillraceError('approval_state', `${id} is ${approval.status} already.`, { hint: hintFor(approval) })
    const expires_at =
      status === 'approved' ? expiryOf(textOrNull(payload, 'expires_at'), view.now) : approval.expires_at
    const draft = new Draft(view)
    draft.putApproval({
      ...approval,
      status,
      expires_at,
      decided_at: view.now,
      decided_by: issuer,
      decision_reason: text(payload, 'reason', status),
    })
    const until = status === 'approved' && expires_at !== null ? ` until ${expires_at}` : ''
    return done(draft, `${status} ${id}${until}`, named)
  }

export const approveCapability = decide('approved')
export const denyCapability = decide('denied')

const hintFor = ({ status, work_item_id }: Approval): string =>
  status === 'cancelled'
    ? 'its run has ended; a new one asks anew where it has to'
    : `the item goes on without it; to be asked anew, put it back into its queue: millrace queue retry ${work_item_id}`

function expiryOf(given: string | null, now: string): string | null {
  if (given === null) return null
  const time = parseTimestamp(given)
  if (time === null || time.ms <= Date.parse(now))
    throw new MillraceError(
      'mailbox_invalid',
      `expires_at needs a time to come, not ${JSON.stringify(given.slice(0, 80))}.`,
    )
  return new Date(time.ms).toISOString()
}
