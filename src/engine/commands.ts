/**
 * Carrying out mailbox commands: whoever holds the lock drains the mailbox in order, each command and its archive in
 * one transaction, so it is carried out exactly once. Used by the engine's intake and by a command that finds no runtime.
 */
import { type Change, Draft } from '../core/changes.ts'
import { clip } from '../core/clip.ts'
import type { Config } from '../core/config.ts'
import { asMillraceError, MillraceError } from '../core/errors.ts'
import type { ChangeContext, ChangeOperation, ChangeOutcome, CommandTable, FreshPlan } from '../core/operation.ts'
import { stateId } from '../core/state-id.ts'
import { QUIET_MS } from '../store/items.ts'
import { AT } from '../store/layout.ts'
import { type Envelope, type Incoming, incoming, isArchived } from '../store/mailbox.ts'
import type { Workspace } from '../store/workspace.ts'
import { isRefusal } from './refusal.ts'

export interface CommandHost {
  workspace: Workspace
  commands: CommandTable
  /** True if a runtime carries the commands out between its stages. */
  live: boolean
  hex: (digits: number) => string
  compile: () => FreshPlan & { config: Config }
  commit: (changes: readonly Change[]) => Promise<void>
  /** Lets time pass, in milliseconds. */
  pause: (ms: number) => Promise<void>
  /** A command put a freshly compiled plan in force. */
  use: (fresh: FreshPlan & { config: Config }) => void
}

/** Commands carried out in one pass; the rest waits for the next. */
const COMMANDS_PER_PASS_MAX = 500
const CONFLICT_ATTEMPTS_MAX = 5
/** A document counts once it has rested; beyond this many looks the command goes on without it. */
const UNSETTLED_LOOKS_MAX = 3

/** Carries out what waits in the mailbox. Gives how many commands were archived. */
export async function drainMailbox(host: CommandHost): Promise<number> {
  const { files, places } = host.workspace
  const found = incoming(files, places)
  // One that cannot be understood may still be being written: it is refused only once it has rested.
  const rested = found.some((one) => one.envelope === null)
    ? incoming(files, places, Date.parse(host.workspace.view().now))
    : found
  const waiting = rested.slice(0, COMMANDS_PER_PASS_MAX)
  for (const one of waiting) await carryOut(host, one)
  return waiting.length
}

async function carryOut(host: CommandHost, one: Incoming): Promise<void> {
  const { workspace } = host
  if (isArchived(workspace.files, workspace.places, one.file)) {
    // Carried out before a crash took the removal back: never again, only put away.
    return host.commit([{ change: 'command.discard', file: one.file }])
  }
  if (one.envelope === null)
    return refuse(
      host,
      one.file,
      null,
      new MillraceError('mailbox_invalid', `The command file ${one.file} ${one.error}.`),
    )
  const { envelope } = one
  const { command, command_id, issuer } = envelope
  for (let attempt = 1; ; attempt++) {
    let compiled: (FreshPlan & { config: Config }) | null = null
    try {
      const operation = await operationOf(host.commands, command)
      const { changes, output } = await atRest(host, () =>
        perform(operation, envelope, {
          view: workspace.view(),
          hex: host.hex,
          live: host.live,
          compile: () => (compiled = host.compile()),
        }),
      )
      const archive: Change = {
        change: 'command.archive',
        file: one.file,
        disposition: 'processed',
        result: output,
        error: null,
      }
      const told: Change = {
        change: 'event.append',
        event_type: 'mailbox_command_applied',
        data: {
          command,
          command_id,
          issuer,
          ...(typeof output.detail === 'string' ? { detail: output.detail } : {}),
        },
      }
      await host.commit([...changes, archive, told])
      if (compiled !== null) useIfInForce(host, compiled)
      return
    } catch (error) {
      const known = asMillraceError(error)
      if (known.code === 'lock_lost' || workspace.degraded) throw error
      // A daemon waits until the disk answers again; a command line says what is wrong.
      if (host.live && isRefusal(error)) throw error
      if (known.code === 'conflict' && !isWaiting(workspace, one.file)) return // its issuer took it back
      if (known.code === 'conflict' && attempt < CONFLICT_ATTEMPTS_MAX) continue
      return refuse(host, one.file, command, known)
    }
  }
}

/**
 * What a command leads to once the documents it looked at have come to rest: one that somebody has saved a moment ago
 * would be missed. A command only decides, so it is simply asked again.
 */
async function atRest(host: CommandHost, decide: () => ChangeOutcome): Promise<ChangeOutcome> {
  for (let looks = 1; ; looks++) {
    const isLast = looks === UNSETTLED_LOOKS_MAX
    try {
      const outcome = decide()
      if (isLast || !host.workspace.index.unsettled) return outcome
    } catch (error) {
      if (isLast || !host.workspace.index.unsettled) throw error
    }
    await host.pause(QUIET_MS)
  }
}

/** The command of that name; loaded, where it is not yet. Throws `mailbox_invalid`. */
export async function operationOf(commands: CommandTable, command: string): Promise<ChangeOperation> {
  const entry = Object.hasOwn(commands, command) ? commands[command] : undefined
  if (entry !== undefined) return typeof entry === 'function' ? entry : await entry.load()
  throw new MillraceError('mailbox_invalid', `There is no command ${JSON.stringify(command)}.`, {
    hint: `known: ${Object.keys(commands).join(', ')}`,
  })
}

/** What a command leads to, if the workspace is in the state that it is meant for. Throws what the command throws. */
export function perform(
  operation: ChangeOperation,
  { payload, if_state, issuer, issued_at }: Pick<Envelope, 'payload' | 'if_state' | 'issuer' | 'issued_at'>,
  context: Omit<ChangeContext, 'issuer' | 'issuedAt'>,
): ChangeOutcome {
  if (if_state !== undefined) {
    const now = stateId(context.view)
    if (now !== if_state)
      throw new MillraceError(
        'state_moved',
        `The workspace has moved on from ${if_state} to ${now}; nothing was done.`,
        {
          hint: 'look again with --dry-run, then give the id it prints',
        },
      )
  }
  return operation({ ...context, issuer, issuedAt: issued_at }, payload)
}

const isWaiting = (workspace: Workspace, file: string): boolean =>
  workspace.files.stat(workspace.places.at(`${AT.incoming}/${file}`)) !== null

function useIfInForce(host: CommandHost, compiled: FreshPlan & { config: Config }): void {
  const { snapshot } = host.workspace.view()
  if (
    snapshot.config_version === compiled.configVersion &&
    snapshot.compiled_plan_id === compiled.plan?.compiled_plan_id
  )
    host.use(compiled)
}

const REASON_CHARS_MAX = 4000

async function refuse(host: CommandHost, file: string, command: string | null, error: MillraceError): Promise<void> {
  const draft = new Draft(host.workspace.view())
  // What was refused may be quoted in the reason, and may be megabytes.
  const message = clip(error.message, REASON_CHARS_MAX)
  const result = { code: error.code, message, ...(error.hint ? { hint: error.hint } : {}) }
  draft.add({
    change: 'command.archive',
    file,
    disposition: 'failed',
    result,
    error: `${message}${error.hint ? ` (${error.hint})` : ''}`,
  })
  draft.event('mailbox_command_failed', { command, file, code: error.code, error: message })
  await host.commit(draft.finish())
}
