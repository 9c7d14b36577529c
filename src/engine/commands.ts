/**
 * Carrying out mailbox commands: whoever holds the lock drains the mailbox in order, each command and its archive in
 * one transaction, so it is carried out exactly once. Used by the engine's intake and by a command that finds no runtime.
 */
import { type Change, Draft } from '../core/changes.ts'
import { clip } from '../core/clip.ts'
import type { Config } from '../core/config.ts'
import { asMillraceError, MillraceError } from '../core/errors.ts'
import type { CommandTable, FreshPlan } from '../core/operation.ts'
import { AT } from '../store/layout.ts'
import { type Incoming, incoming, isArchived } from '../store/mailbox.ts'
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
  /** Waits until what was written a moment ago may be read; absent where nobody waits for the command. */
  rest?: () => Promise<void>
  /** A command put a freshly compiled plan in force. */
  use: (fresh: FreshPlan & { config: Config }) => void
}

/** Commands carried out in one pass; the rest waits for the next. */
const COMMANDS_PER_PASS_MAX = 500
const ATTEMPTS_MAX = 5

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
  const { command, command_id, issuer, payload } = one.envelope
  for (let attempt = 1; ; attempt++) {
    let compiled: (FreshPlan & { config: Config }) | null = null
    try {
      const operation = Object.hasOwn(host.commands, command) ? host.commands[command] : undefined
      if (!operation)
        throw new MillraceError('mailbox_invalid', `There is no command ${JSON.stringify(command)}.`, {
          hint: `known: ${Object.keys(host.commands).join(', ')}`,
        })
      const { changes, output } = operation(
        { view: workspace.view(), hex: host.hex, live: host.live, compile: () => (compiled = host.compile()) },
        payload,
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
      if (known.code === 'conflict' && attempt < ATTEMPTS_MAX) continue
      // It may be one that another process queued just now.
      if (known.code === 'item_unknown' && workspace.index.unsettled && host.rest && attempt < ATTEMPTS_MAX) {
        await host.rest()
        continue
      }
      return refuse(host, one.file, one.envelope.command, known)
    }
  }
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
