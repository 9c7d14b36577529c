/**
 * The look of an idle runtime: whether another pass could find anything that the last one, which found nothing to do,
 * did not. It costs a fraction of a pass, and an idle runtime takes one every second for as long as it runs.
 */
import { AT } from '../store/layout.ts'
import { isConfigNew } from './config-watch.ts'
import type { Engine } from './engine.ts'
import { unseenIdeas } from './intake.ts'
import { heededFiles } from './stop-files.ts'

/** What a pass begins from; compared before the next. */
export interface Ground {
  /** Of the snapshot: every transaction counts it up. */
  revision: number
  /** Of the item index: how often it had to list a folder. */
  listings: number
}

export function groundOf(engine: Engine): Ground {
  const { revision } = engine.workspace.view().snapshot
  return { revision, listings: engine.workspace.index.listings }
}

/**
 * True if all is as it was before the last pass: nothing committed, no folder changed, nothing in the mailbox, no new
 * idea or config, no stop file that came or went. That nothing has fallen due meanwhile is for the caller to know.
 */
export function isStill(engine: Engine, before: Ground): boolean {
  const { workspace } = engine
  const now = groundOf(engine)
  if (now.revision !== before.revision || now.listings !== before.listings) return false
  if ((workspace.files.list(workspace.places.at(AT.incoming)) ?? []).length > 0) return false
  if (isConfigNew(engine) || heededFiles(engine).join() !== engine.stopFiles.join()) return false
  return unseenIdeas(engine).length === 0
}
