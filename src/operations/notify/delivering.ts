/** Deliveries where no runtime is: whoever holds the workspace for a moment carries out what its transactions give rise to. */
import type { Change } from '../../core/changes.ts'
import { type Notify, NotifyConfig } from '../../core/notify-config.ts'
import { Deliveries } from '../../engine/deliveries.ts'
import { notifyChannel } from '../../engine/notify.ts'
import { readConfig } from '../../store/config-file.ts'
import type { Workspace } from '../../store/workspace.ts'
import type { Context } from '../context.ts'

export interface Delivering {
  deliveries: Deliveries
  /** One transaction, with the deliveries that its events ask for. */
  commit: (changes: readonly Change[]) => Promise<void>
  /** Whether a transaction has given rise to any. */
  isAwake: () => boolean
  /** False while the config cannot be read: nobody would be told then. */
  canTell: () => boolean
}

export function deliveringFrom(context: Context, workspace: Workspace): Delivering {
  let awake = false
  const rules = once(() => rulesInForce(context, workspace))
  const notify = () => rules() ?? NotifyConfig.parse({})
  const commit = async (decided: readonly Change[]) => {
    const changes = deliveries.join(decided)
    await workspace.commit(changes)
    for (const change of changes) deliveries.hear(change)
  }
  const deliveries = new Deliveries({
    files: context.files,
    places: workspace.places,
    clock: context.clock,
    channels: { notify: notifyChannel(context, notify) },
    notify,
    revision: () => workspace.view().snapshot.revision,
    commit,
    wake: () => {
      awake = true
    },
  })
  return { deliveries, commit, isAwake: () => awake, canTell: () => rules() !== null }
}

/** Null where the config cannot be read: that is for the commands to say that are about it. */
function rulesInForce({ files, overrides }: Context, { places }: Workspace): Notify | null {
  try {
    return readConfig(files, places, overrides).config.notify
  } catch {
    return null
  }
}

function once<T>(find: () => T): () => T {
  let found: { value: T } | null = null
  return () => {
    found ??= { value: find() }
    return found.value
  }
}
