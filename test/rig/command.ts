/** Commands carried out on a workspace in memory. */
import { MillraceError } from '../../src/core/errors.ts'
import type { ChangeContext, ChangeOperation, ChangeOutcome } from '../../src/core/operation.ts'
import { type MemoryWorkspace, NOW } from './view.ts'

export const ASKED = '2026-03-02T11:59:00.000Z'

export function commandContext(workspace: MemoryWorkspace, more: Partial<ChangeContext> = {}): ChangeContext {
  return {
    view: workspace.view(),
    hex: (digits) => 'ab'.repeat(digits).slice(0, digits),
    live: false,
    issuer: 'ada',
    issuedAt: ASKED,
    compile() {
      throw new MillraceError('config_invalid', 'there is no config here')
    },
    ...more,
  }
}

/** Carries a command out and commits what it leads to. */
export function carryOut(
  workspace: MemoryWorkspace,
  operation: ChangeOperation,
  payload: Record<string, unknown>,
): ChangeOutcome {
  const outcome = operation(commandContext(workspace), payload)
  workspace.commit(outcome.changes)
  return outcome
}

/** The code and the sentence with which a command is refused; it must not have changed anything. */
export function refusal(
  workspace: MemoryWorkspace,
  operation: ChangeOperation,
  payload: Record<string, unknown>,
): { code: string; message: string; hint: string } {
  try {
    operation(commandContext(workspace), payload)
  } catch (error) {
    if (!MillraceError.is(error)) throw error
    return { code: error.code, message: error.message, hint: error.hint ?? '' }
  }
  throw new Error('the command was not refused')
}

/** What the ledger of interventions says, without what every line has. */
export const ledger = (workspace: MemoryWorkspace): Record<string, unknown>[] =>
  (workspace.lines.get('state/interventions.jsonl') ?? []).map((line) => {
    const { schema_version, kind, actor, issued_at, applied_at, ...rest } = line
    const heads = { schema_version, kind, actor, issued_at, applied_at }
    const expected = {
      schema_version: '1.0',
      kind: 'operator_intervention',
      actor: 'ada',
      issued_at: ASKED,
      applied_at: NOW,
    }
    if (JSON.stringify(heads) !== JSON.stringify(expected)) throw new Error(`odd head: ${JSON.stringify(heads)}`)
    return rest
  })
