/** The way of one work item through the folders that are its states. */
import assert from 'node:assert/strict'

/** Folders in which an item lies, out of those of its kind. An item is in one place, and only there. */
export const statesOf = (workspace, family, id) =>
  workspace.names(family).filter((state) => workspace.has(`${family}/${state}/${id}.md`))

/** Asserts where the item lies, that it lies nowhere else, that the command line says the same, and no byte was lost. */
export async function lies(workspace, { family, state, id, text }) {
  assert.deepEqual(statesOf(workspace, family, id), [state])
  if (text !== undefined) assert.equal(workspace.text(`${family}/${state}/${id}.md`), text)
  const shown = await workspace.json('queue', 'show', id)
  assert.equal(shown.path, workspace.path(family, state, `${id}.md`))
}
