/**
 * The one way in (design §5): a change is posted to the mailbox, then the caller tries the lock. Got it: the caller
 * drains the mailbox in order, its own command included. Did not: it waits for the answer of whoever holds it.
 */
import { ERROR_CODES, type ErrorCode, MillraceError } from '../core/errors.ts'
import { isStateId } from '../core/state-id.ts'
import type { LockState } from '../store/lock.ts'
import { archived, post } from '../store/mailbox.ts'
import type { Lock } from '../store/take-lock.ts'
import { type Context, placesIn } from './context.ts'
import { lockIn } from './owner.ts'

export interface Issued {
  action: string
  /** `direct`: carried out here. `mailbox`: by the runtime that owns the workspace. */
  mode: 'direct' | 'mailbox'
  state: 'applied' | 'refused' | 'queued' | 'preview'
  /** True only when the archive says so, or a holder was succeeded as `--force` asked. */
  applied: boolean
  detail: string
  /** Null for a preview: nothing was posted. */
  command_id: string | null
  mailbox_path: string | null
  /** What the command answered beyond that. */
  result: Record<string, unknown>
  /** Of a preview: the state it looked at, and what would change in it. */
  state_id?: string
  would?: string[]
}

/** Who asks, where nobody says. */
export const ISSUER = 'operator'

const LOCK_RETRY_MS = 1000
const ANSWER_POLL_MS = 10

/**
 * Posts a command and sees it through. Throws the refusal of whoever carried it out; a command that was merely queued
 * comes back as `queued` when no waiting was asked for, else throws `wait_elapsed`. `bulk`: touches more than what was
 * named, so it is only previewed unless it is to be applied. `collects`: see `carryOut`.
 */
export async function issue(
  context: Context,
  command: string,
  payload: Record<string, unknown>,
  options: { force?: boolean; bulk?: boolean; collects?: boolean } = {},
): Promise<Issued> {
  if (context.ifState && !isStateId(context.ifState))
    throw new MillraceError('usage', `--if-state needs the id of a state, not ${JSON.stringify(context.ifState)}.`, {
      hint: 'take the one that --dry-run prints as state_id',
    })
  if (context.dryRun || (options.bulk === true && !context.apply))
    return (await import('./preview.ts')).preview(context, command, payload)
  const places = placesIn(context)
  const { files, clock } = context
  const commandId = await post(files, places, clock, command, payload, ISSUER, context.ifState ?? null)
  const mailbox_path = places.at(`state/mailbox/incoming/${commandId}.json`)
  const started = clock.monotonicMs()
  let nextTry = 0
  for (;;) {
    const answer = archived(files, places, commandId)
    if (answer) return answered(command, commandId, mailbox_path, 'mailbox', answer)
    const now = clock.monotonicMs()
    if (now >= nextTry) {
      nextTry = now + LOCK_RETRY_MS
      const carried = await tryToCarryOut(context, options.force === true, options.collects === true)
      const own = carried === null ? null : archived(files, places, commandId)
      if (carried !== null && own) {
        const issued = answered(command, commandId, mailbox_path, 'direct', own)
        if (!options.force || carried.tookOver === null) return issued
        const detail = `${succession(carried.tookOver)}; ${issued.detail}`
        return { ...issued, state: 'applied', applied: true, detail }
      }
    }
    if (now - started >= context.waitSeconds * 1000) break
    await new Promise<void>((resolve) => clock.after(ANSWER_POLL_MS, resolve))
  }
  const last = archived(files, places, commandId)
  if (last) return answered(command, commandId, mailbox_path, 'mailbox', last)
  if (context.waitSeconds === 0) {
    return {
      action: command,
      mode: 'mailbox',
      state: 'queued',
      applied: false,
      detail: 'queued for daemon processing',
      command_id: commandId,
      mailbox_path,
      result: {},
    }
  }
  throw new MillraceError(
    'wait_elapsed',
    `The runtime did not answer within ${context.waitSeconds} s; the command stays queued as ${commandId}.`,
    {
      hint: `take it back by deleting ${mailbox_path}, or see what the runtime does with \`millrace status\``,
    },
  )
}

function answered(
  action: string,
  command_id: string,
  mailbox_path: string,
  mode: Issued['mode'],
  answer: NonNullable<ReturnType<typeof archived>>,
): Issued {
  if (answer.disposition === 'failed') {
    const { code, message, hint } = answer.result as { code?: string; message?: string; hint?: string }
    const known = code !== undefined && code in ERROR_CODES ? (code as ErrorCode) : 'mailbox_invalid'
    throw new MillraceError(known, message ?? answer.error ?? 'The command was refused.', hint ? { hint } : {})
  }
  const { applied, detail, ...result } = answer.result as { applied?: boolean; detail?: string }
  return {
    action,
    mode,
    state: applied ? 'applied' : 'refused',
    applied: applied === true,
    detail: detail ?? '',
    command_id,
    mailbox_path,
    result,
  }
}

/** Whom the lock was taken from; null if somebody else holds it. All that carries commands out is loaded only for it. */
async function tryToCarryOut(
  context: Context,
  force: boolean,
  collects: boolean,
): Promise<Pick<Lock, 'tookOver'> | null> {
  if (!force && lockIn(context).state === 'active') return null
  const { carryOut } = await import('./carry-out.ts')
  return await carryOut(context, force, collects)
}

/** How the lock was come by, in words. */
function succession(tookOver: LockState): string {
  switch (tookOver.state) {
    case 'active':
      return `taken over unverified from process ${tookOver.holder.pid} on ${tookOver.holder.host}`
    case 'foreign':
      return `taken over unverified from another version, process ${tookOver.pid} on ${tookOver.host}`
    case 'invalid':
      return `taken over unverified (${tookOver.why})`
    case 'stale':
      return `taken over from a dead runtime (${tookOver.why})`
    default:
      return 'taken over'
  }
}
