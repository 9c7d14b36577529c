/** Items as a reader wants them: every document counts, also one that was written a moment ago. */
import type { Files } from '../core/files.ts'
import type { View } from '../core/view.ts'
import { ItemIndex } from '../store/items.ts'
import { type Context, placesIn } from './context.ts'

/**
 * The engine lets a new document rest before it takes it, lest it take half of one. A reader decides nothing, so it may
 * look at once; to it every document is as old as this.
 */
const AGE_MS = 60_000

/** An index of its own over `files`, which are those of the consistent read at hand. */
export function restedItems(context: Context, files: Files): ItemIndex {
  const index = new ItemIndex(files, placesIn(context), () => context.clock.now().getTime() + AGE_MS)
  index.refresh()
  return index
}

/** The view with every document in it. */
export function restedView(context: Context, view: View, files: Files): View & { items: ItemIndex } {
  return { ...view, items: restedItems(context, files) }
}
