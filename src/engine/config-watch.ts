/**
 * The config file watched: once a changed `millrace.toml` has rested, it is read again as `control reload-config` does,
 * and every key counts from its own boundary on. One that does not read leaves all as it was, with one event.
 */
import { isWatched } from '../core/watch-config.ts'
import { AT } from '../store/layout.ts'
import { operationOf, perform } from './commands.ts'
import type { Engine } from './engine.ts'

/** What a file looks like from outside; another means that somebody wrote it. */
export function lookOfConfig({ ports, workspace }: Pick<Engine, 'ports' | 'workspace'>): string | null {
  const stat = ports.files.stat(workspace.places.at(AT.config))
  return stat === null ? null : `${stat.bytes}-${stat.mtimeNs}`
}

/** Whether a config lies there that was not read yet. One that is gone is no news: an editor may be saving it. */
export function isConfigNew(engine: Engine): boolean {
  if (!isWatched(engine.config.watchers, 'config')) return false
  const look = lookOfConfig(engine)
  return look !== null && look !== engine.configLook
}

/** Reads a changed config again. Gives 1 if that changed what is in force, or was refused. */
export async function takeConfig(engine: Engine): Promise<number> {
  engine.configUnsettled = false
  if (!isConfigNew(engine)) return 0
  const stat = engine.ports.files.stat(engine.workspace.places.at(AT.config))
  const ageMs = stat === null ? 0 : engine.clock.now().getTime() - stat.mtimeMs
  // A file written within this very millisecond may seem to come from the next one.
  if (Math.abs(ageMs) < engine.config.watchers.debounce_ms) {
    engine.configUnsettled = true
    return 0
  }
  try {
    return (await reload(engine)) ? 1 : 0
  } catch (error) {
    engine.configLook = null // it was not taken in: the next pass tries again
    throw error
  }
}

/** As the command does it; false if it comes to what is in force already. */
async function reload(engine: Engine): Promise<boolean> {
  const view = engine.workspace.view()
  let fresh: ReturnType<Engine['compile']> | null = null
  const outcome = perform(
    await operationOf(engine.ports.commands, 'reload_config'),
    { payload: {}, issuer: 'watcher', issued_at: view.now },
    {
      view,
      hex: (digits) => engine.clock.hex(digits),
      live: true,
      compile() {
        fresh = engine.compile()
        return fresh
      },
    },
  )
  if (fresh !== null && isInForce(engine, fresh)) return false
  await engine.commit(outcome.changes)
  if (fresh !== null && isInForce(engine, fresh)) engine.use(fresh)
  return true
}

function isInForce({ workspace }: Engine, fresh: ReturnType<Engine['compile']>): boolean {
  const { snapshot } = workspace.view()
  return snapshot.config_version === fresh.configVersion && snapshot.compiled_plan_id === fresh.plan?.compiled_plan_id
}
