/** Carrying commands out where nobody else does: the command line takes the lock and does what a daemon would. */
import { Draft } from '../core/changes.ts'
import { MillraceError } from '../core/errors.ts'
import { drainMailbox } from '../engine/commands.ts'
import { cancelled } from '../engine/ending.ts'
import { tellLost } from '../engine/lost.ts'
import { compileWorkspace } from '../store/plans.ts'
import type { Lock } from '../store/take-lock.ts'
import { Workspace } from '../store/workspace.ts'
import { collectAll } from './collect-all.ts'
import { COMMANDS } from './commands/table.ts'
import type { Context } from './context.ts'
import { deliveringFrom } from './notify/delivering.ts'

/** A command waits no longer than this for receivers of what it gave rise to. */
const DELIVERIES_MS_MAX = 5000

/**
 * Tries the lock; with it, drains the mailbox and ends runs that were asked to end. Null if somebody else holds it; else
 * whom this succeeded. `collects`: removing what may go, where that was asked for, is carried out as well.
 */
export async function carryOut(
  context: Context,
  force: boolean,
  collects = false,
): Promise<Pick<Lock, 'tookOver'> | null> {
  let workspace: Workspace
  try {
    workspace = await Workspace.open(context, context.workspaceRoot, {
      force,
      onFatal: (error) => {
        throw error
      },
    })
  } catch (error) {
    if (MillraceError.is(error) && error.code === 'lock_held' && !force) return null
    throw error
  }
  try {
    const { tookOver } = workspace.lock
    const { deliveries, commit, isAwake, canTell } = deliveringFrom(context, workspace)
    const found = new Draft(workspace.view())
    if (tookOver !== null) found.event('runtime_lock_taken_over', { state: tookOver.state })
    // It is told once: not while nobody could be told.
    if (found.snapshot.process_running && canTell()) tellLost(found, workspace.view(), workspace.lock)
    await commit(found.finish())
    const compile = () =>
      compileWorkspace(
        {
          files: context.files,
          places: workspace.places,
          packageRoot: context.packageRoot,
          runners: context.runnerNames,
          validators: context.validators,
        },
        { overrides: context.overrides },
        context.clock.now().toISOString(),
      )
    await drainMailbox({
      workspace,
      commands: COMMANDS,
      live: false,
      hex: (digits) => context.clock.hex(digits),
      compile,
      commit,
      pause: (ms) => new Promise<void>((resolve) => context.clock.after(ms, resolve)),
      use: () => {},
    })
    for (const run of workspace.view().snapshot.active_runs) {
      if (run.cancel_requested === null) continue
      if (run.request_id !== null) await context.sweep(run.request_id)
      await commit(cancelled(workspace.view(), run, run.cancel_requested))
    }
    const asked = workspace.view().snapshot.retention?.asked ?? null
    if (collects && asked !== null) await collectAll(context, workspace, asked)
    if (isAwake()) await deliveries.finish(DELIVERIES_MS_MAX)
    return { tookOver }
  } finally {
    await workspace.close()
  }
}
