/** The command that asks for what may go to be removed; whoever holds the lock then does it, transaction by transaction. */
import { Draft } from '../../core/changes.ts'
import { problemsText } from '../../core/clip.ts'
import { MillraceError } from '../../core/errors.ts'
import type { ChangeOperation } from '../../core/operation.ts'
import { RetentionLimits } from '../../core/retention-config.ts'
import { ask } from '../../engine/collection.ts'
import { done, only } from './payload.ts'

export const collectGarbage: ChangeOperation = ({ view }, payload) => {
  only(payload, 'limits')
  const limits = RetentionLimits.safeParse(payload.limits)
  if (!limits.success) {
    const problems = limits.error.issues.map((issue) => `${issue.path.join('.') || 'limits'}: ${issue.message}`)
    throw new MillraceError('mailbox_invalid', `The limits are not valid: ${problemsText(problems)}.`, {
      hint: 'they are the keys of [retention] in millrace.toml',
    })
  }
  const draft = new Draft(view)
  ask(draft, view, 'operator', limits.data)
  return done(draft, 'what may go is being removed', { asked_at: view.now })
}
