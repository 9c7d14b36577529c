/** Folders whose changes wake an idle runtime, as `[watchers]` of the config in force says; it may change meanwhile. */
import * as path from 'node:path'
import type { Config } from '../core/config.ts'
import { ITEM_KINDS } from '../core/item.ts'
import { isIgnoredName, isWatched, type WatchRoot } from '../core/watch-config.ts'
import { AT, itemFolder } from '../store/layout.ts'
import { STOP_FILES } from '../store/stop-files.ts'
import type { Engine } from './engine.ts'

/** Folders, with the names in them that count; null: all but those that others use while they write. */
type Watched = Map<string, readonly string[] | null>

export class Watching {
  private readonly engine: Engine
  /** By which the folders were chosen; null: they are to be chosen anew. */
  private config: Config | null = null
  private stops: (() => void)[] = []

  constructor(engine: Engine) {
    this.engine = engine
  }

  /** Watches what is to be watched now. */
  keep(): void {
    const { config, ports } = this.engine
    if (config === this.config) return
    this.end()
    this.config = config
    this.stops = [...watchedFolders(this.engine)].map(([folder, names]) =>
      ports.files.watch(folder, (file) => {
        const name = file === null ? null : path.basename(file)
        if (name !== null && (names === null ? isIgnoredName(name) : !names.includes(name))) return
        if (names !== null) this.config = null // it may be a folder that was waited for
        this.engine.wake()
      }),
    )
  }

  end(): void {
    for (const stop of this.stops) stop()
    this.stops = []
  }
}

function watchedFolders(engine: Engine): Watched {
  const { workspace, config } = engine
  const { places } = workspace
  const found: Watched = new Map()
  if (config.watchers.mode === 'poll') return found
  const is = (root: WatchRoot) => isWatched(config.watchers, root)
  const watch = (folder: string, names: readonly string[] | null = null) => add(found, engine, folder, names)
  for (const kind of ITEM_KINDS) {
    if (!is(kind === 'spec' || kind === 'incident' ? 'specs_queue' : 'tasks_queue')) continue
    for (const state of ['queued', 'active'] as const) watch(places.at(itemFolder(kind, state)))
  }
  if (is('mailbox')) watch(places.at(AT.incoming))
  if (is('ideas_inbox')) watch(path.join(places.root, 'ideas', 'inbox'))
  if (is('config')) watch(places.runtime, [AT.config])
  if (!is('stop_files')) return found
  for (const file of Object.values(STOP_FILES)) {
    const { dir, base } = path.parse(path.join(places.root, file))
    watch(dir, [base])
  }
  return found
}

/** Of a folder that is not there yet, the nearest one above it, in which it will appear. */
function add(found: Watched, engine: Engine, folder: string, names: readonly string[] | null): void {
  const parent = path.dirname(folder)
  if (parent !== folder && engine.ports.files.stat(folder)?.kind !== 'directory') {
    add(found, engine, parent, [path.basename(folder)])
    return
  }
  const known = found.has(folder) ? found.get(folder)! : []
  found.set(folder, names === null || known === null ? null : [...known, ...names])
}
