/** Folders whose changes wake an idle runtime, as `[watchers]` of the config in force says; it may change meanwhile. */
import * as path from 'node:path'
import { ITEM_KINDS } from '../core/item.ts'
import { isIgnoredName, isWatched, type WatchRoot } from '../core/watch-config.ts'
import { AT, itemFolder } from '../store/layout.ts'
import { STOP_FILES } from '../store/stop-files.ts'
import type { Engine } from './engine.ts'

/** Folders, with the names in them that count; null: all but those that others use while they write. */
type Watched = Map<string, readonly string[] | null>

export class Watching {
  private readonly engine: Engine
  private watched = ''
  private stops: (() => void)[] = []

  constructor(engine: Engine) {
    this.engine = engine
  }

  /** Watches what is to be watched now. */
  keep(): void {
    const wanted = watchedFolders(this.engine)
    const key = JSON.stringify([...wanted])
    if (key === this.watched) return
    this.end()
    this.watched = key
    const { files } = this.engine.ports
    this.stops = [...wanted].map(([folder, names]) =>
      files.watch(folder, (file) => {
        const name = file === null ? null : path.basename(file)
        if (name === null || (names === null ? !isIgnoredName(name) : names.includes(name))) this.engine.wake()
      }),
    )
  }

  end(): void {
    for (const stop of this.stops) stop()
    this.stops = []
    this.watched = ''
  }
}

function watchedFolders({ workspace, config }: Engine): Watched {
  const { places } = workspace
  const found: Watched = new Map()
  if (config.watchers.mode === 'poll') return found
  const is = (root: WatchRoot) => isWatched(config.watchers, root)
  for (const kind of ITEM_KINDS) {
    if (!is(kind === 'spec' || kind === 'incident' ? 'specs_queue' : 'tasks_queue')) continue
    for (const state of ['queued', 'active'] as const) found.set(places.at(itemFolder(kind, state)), null)
  }
  if (is('mailbox')) found.set(places.at(AT.incoming), null)
  if (is('ideas_inbox')) found.set(path.join(places.root, 'ideas', 'inbox'), null)
  const own = [
    ...(is('config') ? [AT.config] : []),
    ...(is('stop_files') ? [AT.stopAutonomy, AT.autonomyComplete] : []),
  ]
  if (own.length > 0) found.set(places.runtime, own)
  if (is('stop_files')) {
    const { dir, base } = path.parse(path.join(places.root, STOP_FILES.tasklist))
    found.set(dir, [base])
  }
  return found
}
